# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins of the modules that make keys do: keep new keys off the screen, and in the credential store.

For keys with `credential_store` the module is asked twice: first what it would do, which writes nothing, then to do it.
What it is about to do is written into the store in between. So a run that is cut off between the creation of a key and
its being stored leaves a note by which the next run finds the key whose secret is lost, revokes it, and makes another.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.several import GIVEN_TWICE, repeated
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._secrets import redact
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.credential_store import (
    CredentialStore,
    Entry,
    StoreError,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.secret import SecretAction

display = Display()
_MAKES_KEY = ("create", "rotate")

Result = t.Dict[str, t.Any]
Requests = t.Dict[int, t.Optional[t.Dict[str, t.Any]]]
"""What the module is to do for keys, by their number: the private option `_store`, or None for all of it at once."""


class Stored:
    """A key of the task that is kept in a store, and what becomes of it."""

    def __init__(self, store: CredentialStore, key: t.Mapping[str, t.Any]) -> None:
        self.store, self.name = store, str(key["name"])
        self.absent, self.keeps = key.get("state") == "absent", bool(key.get("keep_ids"))
        self.intent: t.Any = None
        self.held: Entry | None = None
        self.plan: dict[str, t.Any] = {}

    def look(self) -> dict[str, t.Any]:
        """Ask for a plan."""
        self.intent, self.held = self.store.read_intent(self.name), self.store.read(self.name)
        return {"phase": "plan", "intent": self.intent, "held_id": self.held.id if self.held else None}


class KeyAction(SecretAction):
    """For one key or several."""

    def keys_of_task(self) -> list[t.Mapping[str, t.Any]]:
        """The options of each key."""
        raise NotImplementedError

    def ask(self, requests: Requests, task_vars: dict[str, t.Any]) -> dict[int, Result]:
        """One run of the module for these keys."""
        raise NotImplementedError

    def refusal(self) -> str | None:
        keys = self.keys_of_task()
        if any("_store" in key for key in keys):
            return "_store is private to the collection: use credential_store."
        if self._task.async_val and any(key.get("credential_store") for key in keys):
            return (
                "credential_store cannot be used with async, because the controller would not be there to store the key"
                " when it is made: leave async out of this task."
            )
        return None

    def settle(self, task_vars: dict[str, t.Any]) -> dict[int, Result]:
        """All keys, those with a store through it."""
        keys = self.keys_of_task()
        results = self._repeated(keys)
        fresh = [number for number in range(len(keys)) if number not in results]
        stored = {number: one for number in fresh if (one := self._stored(keys[number]))}
        plain: Requests = {number: None for number in fresh if number not in stored}
        made = {number: one for number, one in stored.items() if not one.absent}
        if self._task.check_mode:
            checked = self._check(made, {**plain, **{n: None for n, one in stored.items() if one.absent}}, task_vars)
            return dict(sorted({**results, **checked}.items()))
        with contextlib.ExitStack() as held:
            # One order for all, so that two runs never wait for each other.
            for number, one in sorted(made.items(), key=lambda item: (item[1].store.directory, item[1].name)):
                with self._failing(number, results):
                    held.enter_context(one.store.locked(one.name))
            results.update(self._make(made, results, plain, stored, task_vars))
        return dict(sorted(results.items()))

    def _repeated(self, keys: t.Sequence[t.Mapping[str, t.Any]]) -> dict[int, Result]:
        """Names that were given before."""
        found: dict[int, Result] = {}
        for number, key in enumerate(keys):
            if repeated(number, keys):
                found[number] = self.fail(GIVEN_TWICE.format(key.get("name")), {"changed": False})
        return found

    # --- phases ---
    def _check(self, made: dict[int, Stored], plain: Requests, task_vars: dict[str, t.Any]) -> dict[int, Result]:
        results: dict[int, Result] = {}
        requests = {**plain, **self._looked(made, results)}
        results.update(self._plans(made, requests, task_vars))
        for number, one in made.items():
            if not results[number].get("failed") and results[number].get("operation") in _MAKES_KEY:
                with self._failing(number, results):
                    one.store.check_writable()
        return results

    def _make(
        self,
        made: dict[int, Stored],
        broken: t.Mapping[int, Result],
        plain: Requests,
        stored: t.Mapping[int, Stored],
        task_vars: dict[str, t.Any],
    ) -> dict[int, Result]:
        results = dict(broken)
        made = {number: one for number, one in made.items() if number not in results}
        requests = self._looked(made, results)
        results.update(self._plans(made, requests, task_vars))
        going: Requests = {**plain, **{number: None for number, one in stored.items() if one.absent}}
        for number, one in made.items():
            result = results[number]
            if result.get("failed") or result.get("unreachable"):
                continue
            with self._failing(number, results):
                if not result.get("changed"):
                    if one.intent is not None:
                        one.store.remove_intent(one.name)
                    continue
                if result.get("operation") in _MAKES_KEY:
                    self._check_other_cluster(one)
                    one.store.write_intent(one.name, one.plan.get("intent") or {})
                held_id = one.held.id if one.held else None
                going[number] = {
                    "phase": "apply", "intent": one.intent, "held_id": held_id, "found": one.plan.get("found")
                }  # fmt: skip
        if going:
            results.update(self.ask(going, task_vars))
        surplus = {
            number: ids for number, one in made.items() if number in going and (ids := self._kept(number, one, results))
        }
        if surplus:
            self._revoke_surplus(results, surplus, task_vars)
        for number, one in stored.items():
            if one.absent and not results[number].get("failed") and not results[number].get("unreachable"):
                with self._failing(number, results, done=True):
                    self._forget(one, results[number])
        return results

    def _looked(self, made: t.Mapping[int, Stored], results: dict[int, Result]) -> Requests:
        requests: Requests = {}
        for number, one in made.items():
            with self._failing(number, results):
                requests[number] = one.look()
        return requests

    def _plans(
        self, made: t.Mapping[int, Stored], requests: Requests, task_vars: dict[str, t.Any]
    ) -> dict[int, Result]:
        results = self.ask(requests, task_vars) if requests else {}
        for number, result in results.items():
            if number not in made:
                continue
            one = made[number]
            one.plan = result.pop("_store_plan", None) or {}
            result.pop("_store_clean", None)
            if not result.get("failed") and result.get("operation") not in _MAKES_KEY:
                self._warn_not_held(one, result)
        return results

    def _kept(self, number: int, one: Stored, results: dict[int, Result]) -> list[str]:
        """Store what was made; the ids of keys that may go now."""
        result = results[number]
        result.pop("_store_plan", None)
        clean, surplus = result.pop("_store_clean", False), result.pop("_store_surplus", None)
        with self._failing(number, results, done=True):
            if result.get("failed") or result.get("unreachable"):
                if clean:
                    one.store.remove_intent(one.name)
                return []
            if result.get("encoded"):
                try:
                    self._keep(one, result)
                except StoreError as exc:
                    key_id = (result.get("api_key") or {}).get("id")
                    results[number] = self.fail(
                        f"The key '{one.name}' ({key_id}) was made, but its secret could not be stored and is lost:"
                        f" {exc} Then run again: it revokes that key and makes another.",
                        result,
                    )
                    return []
            one.store.remove_intent(one.name)
        return list(surplus or [])

    @contextlib.contextmanager
    def _failing(self, number: int, results: dict[int, Result], done: bool = False) -> t.Iterator[None]:
        """What a store says stops the key that it is about, and no other. `done`: the cluster has acted already."""
        try:
            yield
        except StoreError as exc:
            results[number] = self.fail(str(exc), {"changed": False, **(results[number] if done else {})})

    # --- steps ---
    def _stored(self, key: t.Mapping[str, t.Any]) -> Stored | None:
        directory, name = key.get("credential_store"), key.get("name")
        if not directory or name in (None, ""):
            return None
        store = CredentialStore(
            self._loader.path_dwim(str(directory)),
            self._loader._vault,
            C.config.get_config_value("DEFAULT_VAULT_ENCRYPT_IDENTITY"),
        )
        return Stored(store, key)

    def _revoke_surplus(
        self, results: dict[int, Result], surplus: t.Mapping[int, list[str]], task_vars: dict[str, t.Any]
    ) -> None:
        """Only now that the new secrets are stored. What stays live is revoked by the next run."""
        asked: Requests = {number: {"phase": "revoke", "ids": ids} for number, ids in surplus.items()}
        try:
            answers = self.ask(asked, task_vars)
        except AnsibleError as exc:
            # The secrets of keys without a store are in these results alone.
            answers = {number: {"failed": True, "msg": redact(exc, self._known_secrets)} for number in surplus}
        for number, done in answers.items():
            result, ids = results[number], surplus[number]
            if done.get("failed") or done.get("unreachable"):
                text = f"The key was made and stored, but others of its name were not revoked: {done.get('msg')}"
                display.warning(text)
            known = list(result.get("warnings") or [])
            new = [text for text in done.get("warnings") or [] if text not in known]
            if new:
                result["warnings"] = [*known, *new]
            revoked = done.get("revoked_ids") or []
            result["revoked_ids"] = [*(result.get("revoked_ids") or []), *revoked]
            result["duplicates"] = [
                *(result.get("duplicates") or []),
                *(key_id for key_id in ids if key_id not in revoked),
            ]

    def _keep(self, one: Stored, result: t.Mapping[str, t.Any]) -> None:
        key = result.get("api_key") or {}
        one.store.write(
            Entry(
                name=one.name,
                id=str(key.get("id")),
                encoded=str(result["encoded"]),
                creation=key.get("creation") or int(time.time() * 1000),
                expiration=key.get("expiration"),
                urls=tuple(self._urls()),
            )
        )
        if not one.store.encrypts:
            display.warning(
                f"The credential of '{one.name}' was stored in {one.store.path(one.name)} without encryption, as no"
                " vault secret is loaded. Give one with --vault-id or --vault-password-file to have it encrypted."
            )

    def _check_other_cluster(self, one: Stored) -> None:
        """Do not overwrite the only copy of a secret of another cluster that has a key of the same name."""
        urls, held = self._urls(), one.held
        if held is None or not held.urls or not urls or set(urls) & set(held.urls):
            return
        found = one.plan.get("found") or []
        if held.id in [str(entry.get("id")) for entry in found if isinstance(entry, dict)]:
            return  # the same cluster under another address
        raise StoreError(
            f"The credential store holds a key '{one.name}' of another cluster ({', '.join(held.urls)}) in"
            f" {one.store.path(one.name)}, which would be overwritten. Use one directory per server cluster; if it is"
            " the same cluster under another address, move that file away."
        )

    def _urls(self) -> list[str]:
        given = self._task.args.get("urls") or self._task.args.get("url") or []
        given = given.split(",") if isinstance(given, str) else given
        return [str(url).strip().rstrip("/") for url in given]

    @staticmethod
    def _warn_not_held(one: Stored, result: t.Mapping[str, t.Any]) -> None:
        key_id = (result.get("api_key") or {}).get("id")
        if key_id and key_id != (one.held.id if one.held else None):
            display.warning(
                f"The key {key_id} ('{one.name}') is live, but the credential store {one.store.directory} does not hold"
                " its secret, which cannot be had again. Run once with rotate=true to get a key that it holds."
            )

    def _forget(self, one: Stored, result: t.Mapping[str, t.Any]) -> None:
        keeps = one.keeps or bool(result.get("duplicates"))
        if not any(map(os.path.lexists, (one.store.path(one.name), one.store.intent_path(one.name)))):
            return
        with one.store.locked(one.name):
            try:
                held = one.store.read(one.name)
            except StoreError as exc:
                display.warning(f"The credential of '{one.name}' was left in the store. {exc}")
                return
            gone = held is not None and held.id in (result.get("revoked_ids") or [])
            if gone or (not keeps and not result.get("changed")):
                one.store.remove(one.name)
            if not keeps:
                one.store.remove_intent(one.name)
