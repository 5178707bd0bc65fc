#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keystore
short_description: One secure setting in the keystore of an Elasticsearch node
version_added: 1.0.0
description:
  - Sets or removes one secure setting, such as the credential of a remote cluster, in the keystore of the node that
    runs on the host this task runs on. It calls the node's own C(elasticsearch-keystore).
  - The present value is read first, so that nothing is written when it is right, and it is read again after a write,
    because the tool can end without an error and not have written. When it shows anything but what was asked for, the
    task fails, the earlier value is put back where that is possible, and the message says whether it was.
  - That is one call of the tool when nothing changes and three when something does (one more with a password that is
    not needed); each starts a Java virtual machine and takes some seconds.
  - Values and the keystore password go to the tool over standard input, never as arguments.
  - A value for C(cluster.remote.<alias>.credentials) is refused, before anything is written, unless it is the encoded
    form of an API key. So is an alias that Elasticsearch would refuse, because a node does not start with an unknown
    secure setting.
  - A running node takes over a new value when M(crosscluster.elasticsearch.reload_secure_settings) is called
    (credentials of remote clusters from Elasticsearch 8.13 on) or when it is restarted.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes
  - crosscluster.elasticsearch._keystore
attributes:
  check_mode:
    details:
      - The keystore is read, so that the answer is true. Wrong owner and missing permission are found as far as the
        place of the keystore is known (O(config_dir), E(ES_PATH_CONF), or the layout of archives and packages).
  diff_mode:
    details:
      - Of credentials of remote clusters the ids of the API keys are shown; of other settings whether they are there.
options:
  name:
    description:
      - Name of the setting, for instance V(cluster.remote.berlin.credentials).
    type: str
    required: true
  value:
    description:
      - The value. Required with O(state=present). It must not be empty nor contain a line break.
      - For C(cluster.remote.<alias>.credentials) it is the C(encoded) field of the cross-cluster API key.
    type: str
  state:
    description:
      - V(present) makes sure that the setting has the value O(value).
      - V(absent) makes sure that the keystore does not hold the setting. A node without a keystore holds nothing.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Run it as the owner of the keystore file, because the tool refuses to change the owner. This is C(root) for packages
    (deb, rpm) and the user of the service for archives and containers.
  - The tool keeps no lock while it rewrites the file. Runs of this module wait for each other on a host.
  - Where there is no keystore, one without a password is created (as the node itself does when it starts), but only
    beside an C(elasticsearch.yml), and not as root in a directory of somebody else.
  - Needs nothing but Python 3.8 on the node.
seealso:
  - module: crosscluster.elasticsearch.keystore_info
  - module: crosscluster.elasticsearch.reload_secure_settings
  - module: crosscluster.elasticsearch.cross_cluster_api_key
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: Hold the credential for the remote cluster berlin
  crosscluster.elasticsearch.keystore:
    name: cluster.remote.berlin.credentials
    value: "{{ lookup('crosscluster.elasticsearch.cross_cluster_api_key', 'paris-berlin') }}"
  become: true
  notify: Reload secure settings
  no_log: true

- name: An archive installation, whose keystore is protected
  crosscluster.elasticsearch.keystore:
    name: cluster.remote.berlin.credentials
    value: "{{ berlin_key.encoded }}"
    executable: /opt/elasticsearch/bin/elasticsearch-keystore
    config_dir: /opt/elasticsearch/config
    keystore_password: "{{ vault_keystore_password }}"
  become: true
  become_user: elasticsearch

- name: Forget the credential
  crosscluster.elasticsearch.keystore:
    name: cluster.remote.berlin.credentials
    state: absent
  become: true
"""

RETURN = r"""
operation:
  description: What was done, or would be done in check mode.
  returned: success
  type: str
  choices: [none, create, update, remove]
  sample: update
name:
  description: The name of the setting.
  returned: success
  type: str
  sample: cluster.remote.berlin.credentials
api_key_id:
  description:
    - The id of the API key that the keystore holds for this remote cluster after the task.
    - V(null) when it holds none.
  returned: when O(name) is the credential of a remote cluster
  type: str
  sample: VuaCfGcBCdbkQm-e5aOx
previous_api_key_id:
  description:
    - The id of the API key that the keystore held before the task.
    - V(null) when it held none, or something that is not an API key.
  returned: when O(name) is the credential of a remote cluster
  type: str
  sample: Hk2CfGcBCdbkQm-e1pQz
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils import _credential
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._alias import alias_of_credentials
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore import (
    KeystoreTool,
    line_problem,
    name_problem,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore_errors import (
    KeystoreError,
    KeystoreMissing,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore_module import (
    OPTIONS,
    build_tool,
    remote_name_problem,
    warn_unused_password,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore_write import replace


def input_problem(params: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """What is wrong with the options, or None."""
    name, value = params["name"], params["value"]
    if params["state"] == "absent":
        # Whatever a keystore can hold can be taken out, also what should never have got in.
        return name_problem(name)
    problem = remote_name_problem(name)
    if problem:
        return problem
    if not value:
        return f"the value for [{name}] is empty; to take the setting out use 'state: absent'"
    problem = line_problem(f"the value for [{name}]", value)
    if problem:
        return problem
    if alias_of_credentials(name) is not None:
        credential = _credential.inspect(value)
        if credential.state == _credential.MALFORMED:
            return f"the value for [{name}] is not an encoded API key: {credential.reason}"
    return None


def describe(name: str, value: t.Optional[str], wanted: t.Optional[str]) -> t.Dict[str, t.Any]:
    """One side of the diff: never a secret."""
    if value is None:
        return {"name": name, "state": "absent"}
    shown: t.Dict[str, t.Any] = {"name": name, "state": "present"}
    if alias_of_credentials(name) is not None:
        credential = _credential.inspect(value)
        shown["api_key_id"] = credential.api_key_id or f"none: {credential.reason}"
    elif wanted is not None:
        shown["value"] = "(hidden) as requested" if value == wanted else "(hidden) another value"
    return shown


def run(tool: KeystoreTool, params: t.Mapping[str, t.Any], check_mode: bool) -> t.Dict[str, t.Any]:
    """Compare, write when needed, and describe."""
    name = params["name"]
    wanted = params["value"] if params["state"] == "present" else None
    missing: t.Optional[KeystoreMissing] = None
    try:
        current = tool.show(name)
    except KeystoreMissing as e:
        tool.check_node(e)
        missing, current = e, None
    operation = "none"
    if current != wanted:
        operation = "remove" if wanted is None else "create" if current is None else "update"
        if missing:
            tool.check_creatable(missing)
        elif check_mode:
            tool.check_writable(name)
        if not check_mode:
            replace(tool, {name: current}, {name: wanted})
    result: t.Dict[str, t.Any] = {
        "changed": operation != "none",
        "operation": operation,
        "name": name,
        "diff": {"before": describe(name, current, wanted), "after": describe(name, wanted, wanted)},
    }
    if alias_of_credentials(name) is not None:
        result["api_key_id"] = _credential.inspect(wanted).api_key_id
        result["previous_api_key_id"] = _credential.inspect(current).api_key_id
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "value": {"type": "str", "no_log": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            **OPTIONS,
        },
        required_if=[("state", "present", ["value"])],
        supports_check_mode=True,
    )
    problem = input_problem(module.params)
    if problem:
        module.fail_json(msg=f"Nothing was written: {problem}.")
    try:
        tool = build_tool(module.params)
        with tool.exclusive():
            result = run(tool, module.params, module.check_mode)
    except KeystoreError as e:
        module.fail_json(msg=str(e))
    warn_unused_password(module, tool)
    if not module._diff:
        del result["diff"]
    module.exit_json(**result)


if __name__ == "__main__":
    main()
