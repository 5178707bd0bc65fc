# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: wrong_variables
short_description: What is wrong with the variables of roles of this collection
version_added: 2.0.0
description:
  - Compares the variables of the host with the argument specifications of roles of this collection.
  - Names the variable and what is allowed, and never a value. The check that Ansible makes by itself is not used,
    because its errors quote values, among them passwords.
  - A part of the roles of this collection, which may change in any release. Do not use it elsewhere.
options:
  _terms:
    description:
      - Names of roles, such as V(cross_cluster_trust), or of their entry points, such as
        V(cross_cluster_trust/inventory).
    type: list
    elements: str
    required: true
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
# What the roles do.
wrong: "{{ query('crosscluster.elasticsearch.wrong_variables', 'cross_cluster_trust') }}"
"""

RETURN = r"""
_raw:
  description: One sentence for each variable that is wrong.
  type: list
  elements: str
"""

import os
import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._facts import forged
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._link_logins import environment_problems
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._role_variables import (
    undefined,
    unresolved,
    wrong_value,
)

ROLES = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, "roles")
# What the variables of the roles are made of; before core 2.19 a template in them that fails counts as their absence.
SOURCES = {"elasticsearch_clusters": {"type": "dict"}, "cross_cluster_links": {"type": "list"}}
MADE_OF = {
    "cross_cluster_trust_clusters": "elasticsearch_clusters",
    "cross_cluster_trust_links": "cross_cluster_links",
}


class LookupModule(LookupBase):
    def run(self, terms: t.Sequence[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        variables = variables or {}
        options: dict[str, t.Any] = {}
        for term in terms:
            role, _slash, entry = str(term).partition("/")
            specs = self._loader.load_from_file(os.path.join(ROLES, role, "meta", "argument_specs.yml"))
            options.update(specs["argument_specs"][entry or "main"]["options"])
        problem = forged(variables)
        if problem:
            return [problem]
        linking = "cross_cluster_trust_clusters" in options
        found = [*self._wrong(SOURCES, variables), *environment_problems(os.environ)] if linking else []
        found += self._undefined(options, variables) if linking else []
        return found or self._wrong(options, variables)

    def _undefined(self, options: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any]) -> list[str]:
        """Sources that nobody defined, where the variables made of them have their defaults: there would be nothing to
        do, and a slip in a name be a success."""
        defaults = self._loader.load_from_file(os.path.join(ROLES, "cross_cluster_trust", "defaults", "main.yml"))
        others = [name for name in variables if name not in options and name not in SOURCES]
        return [
            undefined(source, others)
            for name, source in MADE_OF.items()
            if source not in variables and variables.get(name, defaults[name]) == defaults[name]
        ]

    def _wrong(self, options: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any]) -> list[str]:
        found: list[str | None] = []
        for name, option in options.items():
            if name not in variables:
                found.append(f"{name} is required" if option.get("required") else None)
                continue
            try:
                value = self._templar.template(variables[name], fail_on_undefined=True)
                found.append(wrong_value(name, option, value))
            except Exception:
                found.append(unresolved(name, variables, self._templar.template))
        return [text for text in found if text]
