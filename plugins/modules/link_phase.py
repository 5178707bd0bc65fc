#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: link_phase
short_description: A phase of the work on links between clusters
version_added: 2.0.0
description:
  - Takes the steps of one kind for all links at once, with one run of a module at most, or those of several kinds that
    follow each other at the same clusters. Which these are follows from what the tasks before have registered, each in
    a variable that ends in the name of its phase.
  - What a module could not do is in the result as C(trouble). It holds up the links that need it, and no task fails.
  - A part of the roles of this collection, which may change in any release. Do not use it elsewhere.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes
attributes:
  check_mode:
    details: Does what the modules do in check mode; what can only be seen after a change is left out.
  diff_mode:
    details: Shows what the modules show.
options:
  phase:
    description:
      - What the task does, one phase or several. V(input), V(given), V(plan), V(authorities), V(outcome) and
        V(diagnosis) call no module, and tell what is asked for, also of the one link whose key is given, what is to be
        done, which authorities a node needs, what became of the links, and what is wrong with them.
    type: str
    required: true
    choices:
      - input
      - given
      - keystores
      - clusters
      - plan
      - unset
      - remove
      - versions
      - authorities
      - keys
      - secrets
      - credentials
      - reload
      - use
      - nodes_again
      - clusters_again
      - revoke
      - outcome
      - ports
      - diagnosis
  caller:
    description:
      - For phases that go to clusters, the host that the task is delegated to. The clusters that are reached from there
        are called.
    type: str
  roles:
    description: For V(input) and V(keystores), the roles or entry points whose variables are checked.
    type: list
    elements: str
seealso:
  - module: crosscluster.elasticsearch.cluster_calls
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
# What the roles do.
- name: Reload the secure settings
  crosscluster.elasticsearch.link_phase:
    phase: reload
    caller: "{{ item }}"
  loop: "{{ __cross_cluster_trust_callers }}"
  delegate_to: "{{ item }}"
  run_once: true
  register: __cross_cluster_trust_told_reload
"""

RETURN = r"""#"""

from ansible.module_utils.basic import AnsibleModule

PHASES = (
    "input", "given", "keystores", "clusters", "plan", "unset", "remove", "versions", "authorities", "keys", "secrets",
    "credentials", "reload", "use", "nodes_again", "clusters_again", "revoke", "outcome", "ports", "diagnosis",
)  # fmt: skip
SPEC = {
    "phase": {"type": "str", "required": True, "choices": list(PHASES)},
    "caller": {"type": "str"},
    "roles": {"type": "list", "elements": "str"},
}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.fail_json(msg="Nothing was done: the work is that of the action plugin, on the controller.")


if __name__ == "__main__":
    main()
