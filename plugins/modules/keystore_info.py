#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keystore_info
short_description: What the keystore of an Elasticsearch node holds
version_added: 1.0.0
description:
  - Lists the names of the secure settings of the node that runs on the host this task runs on, and for each
    credential of a remote cluster the id of the API key inside it. The id is no secret, so it can be compared with
    the keys that are alive on the server cluster.
  - Secrets are returned only with O(reveal=true).
  - This is one call of C(elasticsearch-keystore) for the names and one for each credential that is held. Each starts a
    Java virtual machine; up to four run at a time. The names are not listed for a single one of O(aliases), which costs
    one call, and with O(reveal).
  - As long as the keystore file stays the same, later runs make no call at all, see O(remember).
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes.info_module
  - crosscluster.elasticsearch._keystore
attributes:
  check_mode:
    details: Changes nothing; outside check mode it keeps what it has read, see O(remember).
options:
  aliases:
    description:
      - Aliases of the remote clusters to look at. Without it, all credentials of remote clusters are.
    type: list
    elements: str
  reveal:
    description:
      - Whether to return the credentials themselves. Needed to copy a credential that is alive to a node that lacks it.
      - The result is kept off the screen then, but not out of registered variables.
    type: bool
    default: false
  remember:
    description:
      - Whether to keep the names and ids that were read, together with the SHA-256 of the keystore file, and to answer
        from there as long as the file is the same byte for byte. The tool changes the file with every write.
      - They are kept in C(crosscluster.elasticsearch) in E(XDG_CACHE_HOME), or else in C(~/.cache) of the user the task
        runs as, with mode 0600. Secrets are not kept, and in check mode nothing is.
      - A protected keystore is always opened, so that a wrong O(keystore_password) is found out. So is a keystore that
        is read with a script of your own, because the module cannot tell which file that reads.
    type: bool
    default: true
notes:
  - A node without a keystore holds nothing, which is an answer. It is an error only where there is no
    C(elasticsearch.yml) beside, because the directory is probably wrong then.
  - Run it as a user who may read the keystore file, such as its owner.
  - Needs nothing but Python 3.8 on the node.
seealso:
  - module: crosscluster.elasticsearch.keystore
  - module: crosscluster.elasticsearch.cross_cluster_api_key_info
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: See which API key this node uses for each remote cluster
  crosscluster.elasticsearch.keystore_info:
  become: true
  register: held

- name: Show the id of the key for berlin
  ansible.builtin.debug:
    msg: "{{ held.credentials.berlin.api_key_id | default('none') }}"

- name: Take the credential over for another node
  crosscluster.elasticsearch.keystore_info:
    aliases: [berlin]
    reveal: true
  become: true
  register: source
  no_log: true
"""

RETURN = r"""
found:
  description: Whether the node has a keystore.
  returned: success
  type: bool
  sample: true
protected:
  description: Whether the keystore is protected by a password. V(null) when there is no keystore.
  returned: success
  type: bool
  sample: false
remembered:
  description: Whether the answer is from an earlier run, because the keystore file has not changed since.
  returned: success
  type: bool
  sample: false
node_name:
  description:
    - The name of the node in its cluster, from C(node.name) in the C(elasticsearch.yml) beside the keystore; the name
      of the host where it is not set, as Elasticsearch has it.
    - V(null) when that file cannot be read or the name stands in a variable of the environment.
  returned: success
  type: str
  version_added: 2.0.0
  sample: paris-1
modified:
  description: When the keystore was last written to, in milliseconds since the epoch; V(null) when that cannot be seen.
  returned: success
  type: int
  version_added: 2.0.0
digest:
  description:
    - SHA-256 of the keystore file (of all files that the tool may read, with their places). The tool changes the file
      with every write, so two looks that saw the same digest saw the same settings.
    - V(null) when there is none, or it cannot be told which file the tool reads.
  returned: success
  type: str
  version_added: 2.0.0
  sample: 3f0a377ba0a4a460ecb616f6507ce0d8cfa3e704025d4fda3ed0c5ca05468728
write_problem:
  description: Why this user could not write to the keystore, V(null) when nothing is seen that would prevent it.
  returned: success
  type: str
  version_added: 2.0.0
settings:
  description:
    - Names of all settings in the keystore, sorted.
    - With O(aliases), names of the credentials of these aliases that the keystore holds.
  returned: success
  type: list
  elements: str
  sample: [cluster.remote.berlin.credentials, keystore.seed]
credentials:
  description:
    - What is held for each remote cluster, by alias. An alias without a credential is not in it.
  returned: success
  type: dict
  sample:
    berlin:
      state: present
      api_key_id: VuaCfGcBCdbkQm-e5aOx
      reason: null
  contains:
    state:
      description: V(malformed) when what is stored is not an encoded API key.
      type: str
      choices: [present, malformed]
    api_key_id:
      description: Id of the API key, V(null) when malformed.
      type: str
    reason:
      description: Why it is malformed.
      type: str
    encoded:
      description: The credential itself.
      returned: when O(reveal=true)
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.errors import (
    KeystoreError,
    KeystoreMissing,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.module import (
    OPTIONS,
    build_tool,
    warn_unused_password,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.node import look
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.read import answer
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.alias import alias_problem


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "aliases": {"type": "list", "elements": "str"},
            "reveal": {"type": "bool", "default": False},
            "remember": {"type": "bool", "default": True},
            **OPTIONS,
        },
        supports_check_mode=True,
    )
    for alias in module.params["aliases"] or ():
        problem = alias_problem(alias)
        if problem:
            module.fail_json(msg=f"Nothing was read: {problem}.")
    try:
        tool = build_tool(module.params)
        try:
            asked = [module.params[name] for name in ("aliases", "reveal", "remember")]
            result = {**answer(tool, *asked, keep=not module.check_mode), **look(tool)}
        except KeystoreMissing as missing:
            tool.check_node(missing)
            nothing = {"found": False, "protected": None, "remembered": False, "settings": [], "credentials": {}}
            result = {**nothing, **look(tool, missing)}
    except KeystoreError as e:
        module.fail_json(msg=str(e))
    warn_unused_password(module, tool)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
