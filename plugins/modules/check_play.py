#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: check_play
short_description: Refuse a play that would not do what is asked of roles of this collection
version_added: 2.0.0
description:
  - Looks at the variables of the host and at how the play is run, and fails with all that is wrong, before anything is
    written. It names variables and what is allowed, and never a value. The check that Ansible makes by itself is not
    used, because its errors quote values, among them passwords.
  - Variables are compared with the argument specifications of the roles. A name that is close to one of theirs that
    nobody defines is taken for a slip. Clusters and links are checked as a whole.
  - Of the play, the strategy, C(serial), C(run_once), C(--tags), C(--limit) and C(--start-at-task) are looked at, as
    far as they keep a part of the work from being done.
  - With C(-v) it says where files with relative paths were found.
  - A part of the roles of this collection, which may change in any release. Do not use it elsewhere.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes
attributes:
  check_mode:
    details: Does the same.
  diff_mode:
    support: none
options:
  roles:
    description:
      - Names of roles, such as V(remote_cluster_client), or of their entry points, such as
        V(remote_cluster_server/main).
    type: list
    elements: str
    required: true
  batches:
    description: Whether the roles may be run for some hosts after the other, with C(serial).
    type: bool
    default: false
notes:
  - Runs on the controller alone.
seealso:
  - module: ansible.builtin.validate_argument_spec
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
# What the roles do.
- name: Check the variables and the play
  crosscluster.elasticsearch.check_play:
    roles: [remote_cluster_client]
  tags: [always]
"""

RETURN = r"""#"""

from ansible.module_utils.basic import AnsibleModule

SPEC = {
    "roles": {"type": "list", "elements": "str", "required": True},
    "batches": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.fail_json(msg="Nothing was checked: the work is that of the action plugin, on the controller.")


if __name__ == "__main__":
    main()
