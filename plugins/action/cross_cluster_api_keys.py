# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps new keys off the screen and stores them on the controller; the documentation is that of the module."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.several import summary
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._secrets import HAS_SECRETS_API, redact
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.key import KeyAction, Requests, Result
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.outside import shown

display = Display()


class ActionModule(KeyAction):
    MODULE = "crosscluster.elasticsearch.cross_cluster_api_keys"

    def secrets_in(self, result: t.Mapping[str, t.Any]) -> list[str]:
        return [str(one["encoded"]) for one in result.get("api_keys") or () if one.get("encoded")]

    def may_return_secret(self) -> bool:
        return any(key.get("state") != "absent" for key in self.keys_of_task())

    def refusal(self) -> str | None:
        keys = self._task.args.get("keys")
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            return "keys must be a list of dictionaries, each with the options of one key."
        return super().refusal()

    def perform(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        keys = self.keys_of_task()
        if self._task.async_val:
            return self.call_module(task_vars)  # what comes back is a job; none of its keys has a store
        self._whole: dict[str, t.Any] = {}
        self._warnings: list[str] = []
        found = summary(keys, list(self.settle(task_vars).values()))
        for one in found["api_keys"]:
            one.pop("diff", None)
        if not self._task.diff:
            found.pop("diff")
        # Of a result that fails or is hidden nobody sees them.
        if "msg" in found or (self.secrets_in(found) and not HAS_SECRETS_API):
            for text in self._warnings:
                display.warning(redact(shown(text), [*self._known_secrets, *self.secrets_in(found)]))
        elif self._warnings:
            found["warnings"] = self._warnings
        return {**self._whole, **found, "failed": "msg" in found}

    def keys_of_task(self) -> list[t.Mapping[str, t.Any]]:
        keys = self._task.args.get("keys")
        return list(keys) if isinstance(keys, list) else []

    def ask(self, requests: Requests, task_vars: dict[str, t.Any]) -> dict[int, Result]:
        keys = self.keys_of_task()
        asked = []
        for number, store in sorted(requests.items()):
            # The module refuses a store that nobody keeps.
            drop = ["credential_store"] if not store and keys[number].get("state") == "absent" else []
            key = {name: value for name, value in keys[number].items() if name not in drop}
            asked.append({**key, **({"_store": store} if store else {})})
        done = self.call_module(task_vars, keys=asked)
        results = done.pop("api_keys", None)
        if results is None:
            # It ended before the first key.
            self._whole = {"unreachable": True} if done.get("unreachable") else {}
            results = [{"failed": True, "changed": False, "msg": done.get("msg")}] * len(asked)
        if done.get("warnings"):
            self._warnings += [text for text in done["warnings"] if text not in self._warnings]
        return {number: dict(one) for number, one in zip(sorted(requests), results)}

    def _failure(
        self, message: t.Any, result: t.Mapping[str, t.Any] | None = None, secrets: t.Sequence[str] = ()
    ) -> dict[str, t.Any]:
        fresh = super()._failure(message, result, secrets)
        keys = (result or {}).get("api_keys")
        if keys:
            # What was made is nowhere else.
            told = [
                {"name": one.get("name"), **super(ActionModule, self)._failure(one.get("msg"), one, secrets)}
                if one.get("failed")
                else one
                for one in keys
            ]
            fresh.update(api_keys=told, keys=told)
        if secrets:
            self._hide(fresh)
            if not HAS_SECRETS_API:
                display.warning(fresh["msg"])
        return fresh
