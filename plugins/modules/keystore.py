#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keystore
short_description: Secure settings in the keystore of an Elasticsearch node
version_added: 1.0.0
description:
  - Sets or removes a secure setting, such as the credential of a remote cluster, or with O(settings) several, in the
    keystore of the node that runs on the host this task runs on. It calls the node's own C(elasticsearch-keystore).
  - The present value is read first, so that nothing is written when it is right, and it is read again after a write,
    because the tool can end without an error and not have written. When it shows anything but what was asked for, the
    task fails, the earlier value is put back where that is possible, and the message says whether it was.
  - For one setting that is one call of the tool when nothing changes and three when something does. For several it is
    one to list the names, one for each that is held already, and two more when something changes. It is one more with
    a password that is not needed. Each call starts a Java virtual machine and takes some seconds.
  - As long as the file is the same, what M(crosscluster.elasticsearch.keystore_info) or this module has seen of it
    before is not read again. Names are not listed then, and a credential is shown only when its key has the id of the
    one asked for.
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
      - Name of the setting, for instance V(cluster.remote.berlin.credentials). Either this or O(settings) is needed.
    type: str
  value:
    description:
      - The value. Required with O(name) and O(state=present). It must not be empty nor contain a line break.
      - For C(cluster.remote.<alias>.credentials) it is the C(encoded) field of the cross-cluster API key.
    type: str
  settings:
    description:
      - Several settings at once, a dictionary of names and values; with O(state=absent) a list of names.
      - Each is what O(name) and O(value) are for one. A setting that is refused does not keep the others from being
        written; the task fails then, and says which it was. All that change are written in one step, together or not
        at all.
    type: raw
    version_added: 2.0.0
  state:
    description:
      - V(present) makes sure that the setting has the value O(value), or each of O(settings) its own.
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

- name: Hold the credentials of several remote clusters
  crosscluster.elasticsearch.keystore:
    settings:
      cluster.remote.berlin.credentials: "{{ berlin_key.encoded }}"
      cluster.remote.madrid.credentials: "{{ madrid_key.encoded }}"
  become: true
  no_log: true

- name: Forget the credential
  crosscluster.elasticsearch.keystore:
    name: cluster.remote.berlin.credentials
    state: absent
  become: true
"""

RETURN = r"""
operation:
  description: What was done, or would be done in check mode.
  returned: success, with O(name)
  type: str
  choices: [none, create, update, remove]
  sample: update
name:
  description: The name of the setting.
  returned: success, with O(name)
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
settings:
  description: What was done about each of the O(settings), in their order.
  returned: with O(settings), also on failure
  type: list
  elements: dict
  version_added: 2.0.0
  contains:
    name:
      description: The name of the setting.
      type: str
    changed:
      description: Whether it was written or taken out.
      type: bool
    operation:
      description: As RV(operation) is for one.
      type: str
      returned: when it is as asked for
    api_key_id:
      description: As RV(api_key_id) is for one.
      type: str
      returned: when it is the credential of a remote cluster
    previous_api_key_id:
      description: As RV(previous_api_key_id) is for one.
      type: str
      returned: when it is the credential of a remote cluster
    failed:
      description: That it is not as asked for.
      type: bool
      returned: when it is not
    msg:
      description: Why it is not as asked for.
      type: str
      returned: when it is not
  sample:
    - name: cluster.remote.berlin.credentials
      changed: true
      operation: create
      api_key_id: VuaCfGcBCdbkQm-e5aOx
      previous_api_key_id: null
digest:
  description:
    - SHA-256 of the keystore file after the task, by which two looks at it are seen to have seen the same; see
      C(digest) of M(crosscluster.elasticsearch.keystore_info).
    - V(null) where it cannot be told which file the tool reads, and in check mode when it would change.
  returned: success
  type: str
  version_added: 2.0.0
  sample: 3f0a377ba0a4a460ecb616f6507ce0d8cfa3e704025d4fda3ed0c5ca05468728
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.errors import KeystoreError
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.module import (
    OPTIONS,
    build_tool,
    warn_unused_password,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.settings import (
    Item,
    Result,
    digest,
    item,
    settle,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.tool import name_problem


def asked(params: t.Mapping[str, t.Any]) -> t.List[Item]:
    """The settings that the options name; KeystoreError when they do not fit together."""
    present, given = params["state"] == "present", params["settings"]
    if given is None:
        if present and params["value"] is None:
            raise KeystoreError("state is present but all of the following are missing: value")
        return [item(params["name"], params["value"], present)]
    if present and isinstance(given, t.Mapping):
        return [item(name, value, present) for name, value in given.items()]
    if not present and isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given):
        return [item(name, None, present) for name in dict.fromkeys(given)]
    wanted = "a dictionary of names and values" if present else "a list of names"
    raise KeystoreError(f"Nothing was written: with 'state: {params['state']}', settings must be {wanted}.")


def summary(results: t.Sequence[Result]) -> Result:
    """One result of all."""
    failed = [one["msg"] for one in results if one.get("failed")]
    found: Result = {"changed": any(one["changed"] for one in results), "settings": results}
    if failed:
        told = " ".join(dict.fromkeys(failed))
        found.update(failed=True, msg=f"{len(failed)} of {len(results)} settings are not as asked for. {told}")
    found["diff"] = {
        side: {"settings": [one["diff"][side] for one in results if "diff" in one]} for side in ("before", "after")
    }
    for one in results:
        one.pop("diff", None)
    return found


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str"},
            "value": {"type": "str", "no_log": True},
            "settings": {"type": "raw", "no_log": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            **OPTIONS,
        },
        mutually_exclusive=[("name", "settings"), ("value", "settings")],
        required_one_of=[("name", "settings")],
        supports_check_mode=True,
    )
    given = module.params["settings"]
    if module.params["state"] == "absent" and isinstance(given, list):
        # Names are no secrets, and the result tells them; what is no name may be a value.
        module.no_log_values.difference_update(name for name in map(str, given) if not name_problem(name))
    single = module.params["settings"] is None
    try:
        items = asked(module.params)
        if single and items[0].problem:
            raise KeystoreError(f"Nothing was written: {items[0].problem}.")
        tool = build_tool(module.params)
        with tool.exclusive():
            results = settle(tool, items, module.check_mode)
            looked = digest(tool)
    except KeystoreError as e:
        module.fail_json(msg=str(e))
    warn_unused_password(module, tool)
    result = results[0] if single else summary(results)
    result["digest"] = None if module.check_mode and result["changed"] else looked
    if not module._diff:
        result.pop("diff", None)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
