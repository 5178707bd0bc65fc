# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: link_source
short_description: A variable of the roles of this collection that no node can change
version_added: 2.0.0
description:
  - Takes the variable as V(localhost) has it. Where it is not defined there, that of the host counts, and the lookup
    fails when a fact of the host bears the name of a variable of this collection. Facts of the host, in any
    name, are not used in it either.
  - A part of the roles of this collection, which may change in any release. Do not use it elsewhere.
options:
  _terms:
    description: The name of one variable.
    type: list
    elements: str
    required: true
  own:
    description: Whether only the variable of the host counts.
    type: bool
    default: false
  default:
    description: What it is when nobody has defined it.
    type: raw
  form:
    description:
      - How it is completed. Of clusters, V(clusters) adds the logins that the environment has; of the V(login) to one,
        files are looked for beside the inventory.
    type: str
    choices: [clusters, login]
  api_from:
    description: The host that uses the login.
    type: str
    default: localhost
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
# What the roles do.
clusters: "{{ lookup('crosscluster.elasticsearch.link_source', 'elasticsearch_clusters', form='clusters') }}"
"""

RETURN = r"""
_raw:
  description: The value.
  type: list
  elements: raw
"""

import os
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import registered
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import logins
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.facts import forged, resolved
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.outside import as_text


class LookupModule(LookupBase):
    def run(self, terms: t.Sequence[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        self.set_options(var_options=variables, direct=kwargs)
        (name,) = map(str, terms)
        found = self._found(name, variables or {})
        if self.get_option("form") == "clusters":
            found = logins.complete(found, os.environ)
        if self.get_option("form") == "login":
            sources = (variables or {}).get("ansible_inventory_sources")
            found = registered.connection(found, sources, self.get_option("api_from"))
        return [as_text(found)] if self.get_option("form") else [found]

    def _found(self, name: str, variables: t.Mapping[str, t.Any]) -> t.Any:
        problem = forged(variables)
        if problem:
            raise AnsibleLookupError(problem)
        # What localhost has no node can change, nor anything that is used in it.
        home = {} if self.get_option("own") or "hostvars" not in variables else variables["hostvars"]["localhost"]
        if name in home:
            return home[name]
        if name not in variables:
            return self.get_option("default")
        try:
            return resolved(name, variables, self._templar)
        except ValueError as exc:
            raise AnsibleLookupError(str(exc)) from None
