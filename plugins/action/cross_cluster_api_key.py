# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a new key off the screen and stores it on the controller; the documentation is that of the module.

With `credential_store` the module is asked twice: first what it would do, which writes nothing, then to do it. What it
is about to do is written into the store in between. So a run that is cut off between the creation of a key and its
being stored leaves a note by which the next run finds the key whose secret is lost, revokes it, and makes another.
"""

from __future__ import annotations

import os
import time
import typing as t

from ansible import constants as C
from ansible.utils.display import Display

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._credential_store import (
    CredentialStore,
    Entry,
    StoreError,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._secret_action import SecretAction

display = Display()
_MAKES_KEY = ("create", "rotate")


class ActionModule(SecretAction):
    MODULE = "crosscluster.elasticsearch.cross_cluster_api_key"

    def secrets_in(self, result: t.Mapping[str, t.Any]) -> list[str]:
        return [str(result["encoded"])] if result.get("encoded") else []

    def may_return_secret(self) -> bool:
        return self._task.args.get("state") != "absent"

    def perform(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        arguments = self._task.args
        if "_store" in arguments:
            return {"failed": True, "msg": "_store is private to the collection: use credential_store."}
        directory, name = arguments.get("credential_store"), arguments.get("name")
        if not directory or not isinstance(name, str) or not name:
            return self.call_module(task_vars)
        if self._task.async_val:
            return {
                "failed": True,
                "msg": "credential_store cannot be used with async, because the controller would not be there to store"
                " the key when it is made: leave async out of this task.",
            }
        store = CredentialStore(
            self._loader.path_dwim(str(directory)),
            self._loader._vault,
            C.config.get_config_value("DEFAULT_VAULT_ENCRYPT_IDENTITY"),
        )
        if arguments.get("state") == "absent":
            return self._absent(store, str(name), task_vars)
        if self._task.check_mode:
            result, _plan, _intent, _held = self._plan(store, str(name), task_vars)
            if not result.get("failed") and result.get("operation") in _MAKES_KEY:
                store.check_writable()
            return result
        with store.locked(str(name)):
            return self._present(store, str(name), task_vars)

    def _plan(
        self, store: CredentialStore, name: str, task_vars: dict[str, t.Any]
    ) -> tuple[dict[str, t.Any], dict[str, t.Any], t.Any, Entry | None]:
        intent, held = store.read_intent(name), store.read(name)
        request = {"phase": "plan", "intent": intent, "held_id": held.id if held else None}
        result = self.call_module(task_vars, _store=request)
        plan = result.pop("_store_plan", None) or {}
        result.pop("_store_clean", None)
        if not result.get("failed") and result.get("operation") not in _MAKES_KEY:
            self._warn_not_held(store, name, result, held)
        return result, plan, intent, held

    def _present(self, store: CredentialStore, name: str, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        result, plan, intent, held = self._plan(store, name, task_vars)
        if result.get("failed") or result.get("unreachable"):
            return result
        if not result.get("changed"):
            if intent is not None:
                store.remove_intent(name)
            return result
        makes_key = result.get("operation") in _MAKES_KEY
        if makes_key:
            self._check_other_cluster(store, name, held, plan)
            store.write_intent(name, plan.get("intent") or {})
        request = {"phase": "apply", "intent": intent, "held_id": held.id if held else None, "found": plan.get("found")}
        result = self.call_module(task_vars, _store=request)
        result.pop("_store_plan", None)
        clean = result.pop("_store_clean", False)
        surplus = result.pop("_store_surplus", None)
        if result.get("failed") or result.get("unreachable"):
            if clean:
                store.remove_intent(name)
            return result
        if result.get("encoded"):
            try:
                self._keep(store, name, result)
            except StoreError as exc:
                key_id = (result.get("api_key") or {}).get("id")
                return self.fail(
                    f"The key '{name}' ({key_id}) was made, but its secret could not be stored and is lost: {exc}"
                    f" Then run"
                    " again: it revokes that key and makes another.",
                    result,
                )
        store.remove_intent(name)
        if surplus:
            self._revoke_surplus(result, surplus, task_vars)
        return result

    def _revoke_surplus(self, result: dict[str, t.Any], surplus: t.Sequence[str], task_vars: dict[str, t.Any]) -> None:
        """Only now that the new secret is stored. What stays live is revoked by the next run."""
        done = self.call_module(task_vars, _store={"phase": "revoke", "ids": list(surplus)})
        if done.get("failed") or done.get("unreachable"):
            display.warning(f"The key was made and stored, but others of its name were not revoked: {done.get('msg')}")
        known = list(result.get("warnings") or [])
        new = [text for text in done.get("warnings") or [] if text not in known]
        if new:
            result["warnings"] = [*known, *new]
        revoked = done.get("revoked_ids") or []
        result["revoked_ids"] = [*(result.get("revoked_ids") or []), *revoked]
        left = [key_id for key_id in surplus if key_id not in revoked]
        result["duplicates"] = [*(result.get("duplicates") or []), *left]

    def _keep(self, store: CredentialStore, name: str, result: t.Mapping[str, t.Any]) -> None:
        key = result.get("api_key") or {}
        store.write(
            Entry(
                name=name,
                id=str(key.get("id")),
                encoded=str(result["encoded"]),
                creation=key.get("creation") or int(time.time() * 1000),
                expiration=key.get("expiration"),
                urls=tuple(self._urls()),
            )
        )
        if not store.encrypts:
            display.warning(
                f"The credential of '{name}' was stored in {store.path(name)} without encryption, as no vault secret is"
                " loaded. Give one with --vault-id or --vault-password-file to have it encrypted."
            )

    def _check_other_cluster(
        self, store: CredentialStore, name: str, held: Entry | None, plan: t.Mapping[str, t.Any]
    ) -> None:
        """Do not overwrite the only copy of a secret of another cluster that has a key of the same name."""
        urls = self._urls()
        if held is None or not held.urls or not urls or set(urls) & set(held.urls):
            return
        found = plan.get("found") or []
        if held.id in [str(entry.get("id")) for entry in found if isinstance(entry, dict)]:
            return  # the same cluster under another address
        raise StoreError(
            f"The credential store holds a key '{name}' of another cluster ({', '.join(held.urls)}) in"
            f" {store.path(name)}, which"
            " would be overwritten. Use one directory per server cluster; if it is the same cluster under another"
            " address, move"
            " that file away."
        )

    def _urls(self) -> list[str]:
        given = self._task.args.get("urls") or self._task.args.get("url") or []
        given = given.split(",") if isinstance(given, str) else given
        return [str(url).strip().rstrip("/") for url in given]

    def _warn_not_held(
        self, store: CredentialStore, name: str, result: t.Mapping[str, t.Any], held: Entry | None
    ) -> None:
        key_id = (result.get("api_key") or {}).get("id")
        if key_id and key_id != (held.id if held else None):
            display.warning(
                f"The key {key_id} ('{name}') is live, but the credential store {store.directory} does not hold its"
                f" secret, which"
                " cannot be had again. Run once with rotate=true to get a key that it holds."
            )

    def _absent(self, store: CredentialStore, name: str, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        result = self.call_module(task_vars, without=("credential_store",))
        if result.get("failed") or result.get("unreachable") or self._task.check_mode:
            return result
        keeps = bool(self._task.args.get("keep_ids")) or bool(result.get("duplicates"))
        if not any(map(os.path.lexists, (store.path(name), store.intent_path(name)))):
            return result
        with store.locked(name):
            try:
                held = store.read(name)
            except StoreError as exc:
                display.warning(f"The credential of '{name}' was left in the store. {exc}")
                return result
            gone = held is not None and held.id in (result.get("revoked_ids") or [])
            if gone or (not keeps and not result.get("changed")):
                store.remove(name)
            if not keeps:
                store.remove_intent(name)
        return result
