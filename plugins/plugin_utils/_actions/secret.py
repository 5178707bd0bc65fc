# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base of the action plugins of modules whose result may hold a secret. Private to this collection.

What it does, and why it cannot be left to the module or the user:

* A result that holds a secret is kept off the screen, out of callbacks and job events; what `register` gets is
  untouched. A module cannot ask for that itself, and a result without a secret stays visible. On ansible-core 2.22+ the
  values are registered instead, and core masks just them.
* A failure becomes a fresh result with a cleaned message: ansible-core 2.19+ prints messages in clear, even under
  no_log.
* What a connection prints of the raw answer at -vvv is kept back for calls that may return a secret.
* With `async` and `poll` the result comes from elsewhere, so the whole task is kept off the screen. With `poll: 0` it
  comes from the user's own async_status task, and a warning asks for no_log there.
"""

from __future__ import annotations

import contextlib
import copy
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._secrets import (
    HAS_SECRETS_API,
    api_key_forms,
    mark_api_key,
    redact,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.clean import clean
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.credential_store import StoreError

display = Display()

_SECRET_OPTIONS = ("password", "bearer_token", "api_key", "keystore_password")
# What may stay in a failed result: ids and flags that tell what has happened already.
_SAFE_ON_FAILURE = ("operation", "revoked_ids", "skipped", "unreachable")


class SecretAction(ActionBase):
    """Runs the module of the same name."""

    MODULE = ""
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def secrets_in(self, result: t.Mapping[str, t.Any]) -> list[str]:
        """The encoded API keys in a result."""
        raise NotImplementedError

    def may_return_secret(self) -> bool:
        """Whether the result may come to hold a secret, judged by the arguments."""
        return True

    def refusal(self) -> str | None:
        """Why the task cannot be done as it is written."""
        return None

    def perform(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The work; by default one call of the module."""
        return self.call_module(task_vars)

    def call_module(
        self, task_vars: dict[str, t.Any], without: t.Sequence[str] = (), **more: t.Any
    ) -> dict[str, t.Any]:
        """Run the module with the arguments of the task."""
        arguments = {key: copy.deepcopy(value) for key, value in self._task.args.items() if key not in without}
        arguments.update(more)
        with self._quiet_connection():
            return self._execute_module(
                module_name=self.MODULE, module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val
            )

    @contextlib.contextmanager
    def _quiet_connection(self) -> t.Iterator[None]:
        """At -vvv a connection such as ssh shows all that came back, before anybody can look at it."""
        # Its own context counts: from core 2.19 on that of the action is another one.
        context = getattr(getattr(self, "_connection", None), "_play_context", None)
        if context is None or not self.may_return_secret():
            yield
            return
        before, context.no_log = context.no_log, True
        try:
            yield
        finally:
            context.no_log = before

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        del tmp
        if result.get("skipped"):
            return result
        known = [str(self._task.args[name]) for name in _SECRET_OPTIONS if self._task.args.get(name)]
        self._known_secrets = known
        problem = self.refusal()
        if problem:
            return self._failure(problem)
        if self._task.async_val and self.may_return_secret():
            self._guard_async()
        try:
            return self._finish({**result, **self.perform(task_vars or {})})
        except StoreError as exc:
            return self._failure(str(exc))
        except AnsibleError as exc:
            # Among them an unreachable host, which core has to see as such.
            text = redact(exc, known)
            if text == str(exc):
                raise
            raise AnsibleActionFail(text) from None
        except Exception as exc:
            # The text of an arbitrary exception may hold a secret; of a mistake only its kind is told.
            return self._failure(
                f"This is a mistake in the collection crosscluster.elasticsearch: {type(exc).__name__}. Please"
                f" report it."
            )

    def fail(self, message: str, result: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """A result that fails after the module has done something."""
        return {
            **{key: result[key] for key in (*_SAFE_ON_FAILURE, "changed") if key in result},
            "failed": True,
            "msg": message,
        }

    def _finish(self, result: dict[str, t.Any]) -> dict[str, t.Any]:
        result = clean(result)
        secrets = self.secrets_in(result)
        for secret in secrets:
            mark_api_key(secret)
        if result.get("failed") or result.get("unreachable"):
            return self._failure(result.get("msg") or "The module failed without a message.", result, secrets)
        if secrets:
            self._hide(result)
        return result

    def _hide(self, result: dict[str, t.Any]) -> None:
        """Keep a result that holds a secret off the screen; what `register` gets is untouched."""
        if HAS_SECRETS_API:
            return
        result["_ansible_no_log"] = True
        if getattr(self._task, "loop", None) is not None:
            # Before 2.19, core hands the results of all items to callbacks (and so to job events) once more, in a
            # result of its own. It takes over this mark from the item's copy of the task.
            self._task.no_log = True

    def _failure(
        self, message: t.Any, result: t.Mapping[str, t.Any] | None = None, secrets: t.Sequence[str] = ()
    ) -> dict[str, t.Any]:
        hidden = [*self._known_secrets, *secrets, *(form for secret in secrets for form in api_key_forms(secret))]
        fresh: dict[str, t.Any] = {
            "failed": True,
            "changed": bool((result or {}).get("changed", False)),
            "msg": redact(message, hidden),
        }
        for field in _SAFE_ON_FAILURE:
            value = (result or {}).get(field)
            if isinstance(value, bool):
                fresh[field] = value
            elif isinstance(value, str):
                fresh[field] = redact(value, hidden)
            elif isinstance(value, list):
                fresh[field] = [redact(item, hidden) for item in value]
        return fresh

    def _guard_async(self) -> None:
        if HAS_SECRETS_API:
            return
        if self._task.poll:
            # The worker's own copy of the task; what core takes it from when it shows the result of the job.
            self._task.no_log = True
        else:
            display.warning(
                f"The result of this job of {self.MODULE} may hold a secret, and the task that collects it shows it:"
                f" give"
                " that async_status task no_log: true, and clean the job up with mode: cleanup."
            )
