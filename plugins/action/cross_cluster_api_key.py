# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a new key off the screen and stores it on the controller; the documentation is that of the module."""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.key import KeyAction, Requests, Result


class ActionModule(KeyAction):
    MODULE = "crosscluster.elasticsearch.cross_cluster_api_key"

    def secrets_in(self, result: t.Mapping[str, t.Any]) -> list[str]:
        return [str(result["encoded"])] if result.get("encoded") else []

    def may_return_secret(self) -> bool:
        return self._task.args.get("state") != "absent"

    def perform(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return self.settle(task_vars)[0]

    def keys_of_task(self) -> list[t.Mapping[str, t.Any]]:
        return [self._task.args]

    def ask(self, requests: Requests, task_vars: dict[str, t.Any]) -> dict[int, Result]:
        store = requests[0]
        if store is None:
            # The module refuses a store that nobody keeps.
            absent = self._task.args.get("state") == "absent"
            return {0: self.call_module(task_vars, without=("credential_store",) if absent else ())}
        return {0: self.call_module(task_vars, _store=store)}
