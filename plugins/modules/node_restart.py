#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_restart
short_description: Run the command that restarts a node
version_added: 2.0.0
description:
  - Runs a command on the node, and returns nothing of what it says but the reason of a failure. The roles restart nodes
    with it; what M(ansible.builtin.command) returns could become variables when the node is in the hands of somebody
    else.
  - It does not wait until the node is back.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes
attributes:
  check_mode:
    details: Says that the node would be restarted, and runs nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: A restart is one each time.
options:
  command:
    description: The command and its arguments. No shell is used.
    type: list
    elements: str
    required: true
notes:
  - Needs nothing but Python 3.8 on the node.
seealso:
  - module: crosscluster.elasticsearch.cluster_info
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: Restart this node
  crosscluster.elasticsearch.node_restart:
    command: [systemctl, restart, elasticsearch]
  become: true
"""

RETURN = r"""#"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._text import printable

MOST = 500


def main() -> None:
    module = AnsibleModule(
        argument_spec={"command": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True
    )
    command = module.params["command"]
    if not command:
        module.fail_json(msg="Nothing was run: command is empty.")
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        code, out, error = module.run_command(command, handle_exceptions=False)
    except OSError as e:
        module.fail_json(msg=f"The command that restarts the node cannot be run: [{command[0]}]: {e.strerror}.")
    if code:
        said = printable(error or out)[-MOST:] or "it said nothing"
        module.fail_json(msg=f"The command that restarts the node failed with {code}: {said}")
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
