# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: play_hosts
short_description: The hosts of a play of the playbooks of this collection
version_added: 2.0.0
description:
  - Refuses a run of which C(--start-at-task), C(--skip-tags) or C(--limit) would leave nothing, or not the part that
    could say so. Ansible ends such runs as if all were well.
  - A part of the playbooks of this collection, which may change in any release. Do not use it elsewhere.
options:
  _terms:
    description: The number of the play, V(1) or V(2).
    type: list
    elements: int
    required: true
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
# What the playbooks do.
- name: Read the clusters and links
  hosts: "{{ lookup('crosscluster.elasticsearch.play_hosts', 1) }}"
"""

RETURN = r"""
_raw:
  description: A pattern of hosts.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import registered
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import play


class LookupModule(LookupBase):
    def run(self, terms: t.Sequence[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        groups = (variables or {})["groups"]
        problem = play.nothing_left(groups, self._loader)
        if problem:
            raise AnsibleLookupError(f"Nothing was done: {problem}")
        if int(terms[0]) == 1:
            return ["localhost"]
        # Where the first play was left out, all hosts are told so.
        read = variables["hostvars"]["localhost"].get(registered.INPUT) if "hostvars" in variables else None
        return list(read["hosts"]) if read and "hosts" in read else ["all", "localhost"]
