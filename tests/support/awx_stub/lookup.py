# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the lookup awx.awx.controller_api: what AWX lists at an endpoint, by name."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.lookup import LookupBase

KINDS = {
    "organizations": "organization",
    "inventories": "inventory",
    "projects": "project",
    "execution_environments": "execution_environment",
    "credentials": "credential",
}
DOCUMENTATION = """
name: controller_api
short_description: Stands in for that of awx.awx
options:
  query_params:
    description: What to look for.
    type: dict
"""


class LookupModule(LookupBase):
    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        with open(os.environ["AWX_STUB"], encoding="utf-8") as file:
            found = json.load(file).get(KINDS[terms[0]], {})
        return [{"name": name} for name in found if name == kwargs["query_params"]["name"]]
