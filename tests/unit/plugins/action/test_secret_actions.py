# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import types

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase

from ansible_collections.crosscluster.elasticsearch.plugins.action import cross_cluster_api_key, keystore_info
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import key as key_action
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import secret as secret_action
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.credential_store import (
    CredentialStore,
)

SECRET = "ui2lp2axTNmsyakw9tvNnw"
URL = "https://berlin:9200"


def encoded(key_id):
    return base64.b64encode(f"{key_id}:{SECRET}".encode()).decode()


def action(monkeypatch, args, answers, plugin=cross_cluster_api_key, check=False, async_val=0, poll=0):
    """An action plugin whose module gives these answers; returns it and the list of the calls."""
    calls, answers = [], list(answers)
    task = types.SimpleNamespace(args=args, async_val=async_val, poll=poll, check_mode=check, no_log=False)
    made = plugin.ActionModule.__new__(plugin.ActionModule)
    made._task, made._loader = task, DataLoader()

    def execute(module_name=None, module_args=None, task_vars=None, wrap_async=None):
        calls.append(module_args.get("_store"))
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer(module_args) if callable(answer) else answer

    made._execute_module = execute
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
    return made, calls


def planned(operation, ids=(), **more):
    plan = {"intent": {"known_ids": list(ids)}, "found": [{"id": key_id} for key_id in ids]}
    api_key = {"id": ids[-1] if ids and operation not in ("create", "rotate") else None}
    return {"changed": operation != "none", "operation": operation, "api_key": api_key, "_store_plan": plan, **more}


def made(key_id, operation="create"):
    return {
        "changed": True,
        "operation": operation,
        "api_key": {"id": key_id, "creation": 5},
        "encoded": encoded(key_id),
    }


def test_only_a_result_with_a_secret_is_hidden(monkeypatch):
    if secret_action.HAS_SECRETS_API:
        pytest.skip("this ansible-core masks values")
    result = action(monkeypatch, {"name": "k"}, [made("one")])[0].run()
    assert result["_ansible_no_log"] is True and result["encoded"] == encoded("one")
    result = action(monkeypatch, {"name": "k"}, [{"changed": False}])[0].run()
    assert result == {"changed": False}


def test_in_a_loop_the_sum_of_the_results_is_hidden_too(monkeypatch):
    monkeypatch.setattr(secret_action, "HAS_SECRETS_API", False)
    for answer, hidden in ((made("one"), True), ({"changed": False}, False)):
        task = action(monkeypatch, {"name": "k"}, [answer])[0]
        task._task.loop = ["one"]
        task.run()
        assert task._task.no_log is hidden


def test_with_the_secrets_api_nothing_is_hidden(monkeypatch):
    monkeypatch.setattr(secret_action, "HAS_SECRETS_API", True)
    assert "_ansible_no_log" not in action(monkeypatch, {"name": "k"}, [made("one")])[0].run()


@pytest.mark.parametrize("reveal", [True, False])
def test_keystore_info(monkeypatch, reveal):
    one = {"api_key_id": "one", **({"encoded": encoded("one")} if reveal else {})}
    task, _calls = action(monkeypatch, {"reveal": reveal}, [{"credentials": {"berlin": one}}], keystore_info)
    assert task.run().get("_ansible_no_log", False) is (reveal and not secret_action.HAS_SECRETS_API)


def test_a_failure_is_made_anew(monkeypatch):
    failed = {
        "failed": True, "changed": True, "msg": f"no: {encoded('one')} pass-word", "encoded": encoded("one"),
        "exception": SECRET, "module_stdout": SECRET, "revoked_ids": ["x"], "invocation": {"a": SECRET},
        "warnings": [SECRET],
    }  # fmt: skip
    result = action(monkeypatch, {"name": "k", "password": "pass-word"}, [failed])[0].run()
    assert result == {"failed": True, "changed": True, "msg": "no: ******** ********", "revoked_ids": ["x"]}


@pytest.mark.parametrize("error", [AnsibleConnectionFailure("no route"), AnsibleError("plain")])
def test_errors_of_core_pass(monkeypatch, error):
    with pytest.raises(type(error)):
        action(monkeypatch, {"name": "k"}, [error])[0].run()


def test_errors_that_hold_a_secret_do_not_pass(monkeypatch):
    task = {"name": "k", "password": "pass-word"}
    with pytest.raises(AnsibleError) as caught:
        action(monkeypatch, task, [AnsibleError("bad pass-word")])[0].run()
    assert "pass-word" not in str(caught.value)
    result = action(monkeypatch, task, [ValueError("bad pass-word")])[0].run()
    assert "pass-word" not in result["msg"] and "ValueError" in result["msg"]


@pytest.mark.parametrize("poll", [0, 5])
def test_async(monkeypatch, poll):
    warnings = []
    monkeypatch.setattr(secret_action.display, "warning", warnings.append)
    task, _calls = action(monkeypatch, {"name": "k"}, [{"started": 1}], async_val=30, poll=poll)
    task.run()
    if not secret_action.HAS_SECRETS_API:
        assert (task._task.no_log, len(warnings)) == ((True, 0) if poll else (False, 1))


@pytest.fixture
def store(tmp_path):
    return CredentialStore(str(tmp_path / "store"))


def run(monkeypatch, store, answers, check=False, **args):
    task, calls = action(
        monkeypatch, {"name": "k", "credential_store": store.directory, "urls": [URL], **args}, answers, check=check
    )
    return task.run(), calls


def test_a_new_key_is_noted_made_and_stored(monkeypatch, store):
    def make(_args):
        assert store.read_intent("k") == {"known_ids": []}
        return made("one")

    result, calls = run(monkeypatch, store, [planned("create"), make])
    assert result["changed"] and "_store_plan" not in result
    assert calls[0] == {"phase": "plan", "intent": None, "held_id": None}
    assert calls[1] == {"phase": "apply", "intent": None, "held_id": None, "found": []}
    assert store.read("k").encoded == encoded("one") and store.read("k").urls == (URL,)
    assert store.read_intent("k") is None


def test_check_mode_writes_nothing(monkeypatch, store, tmp_path):
    result, calls = run(monkeypatch, store, [planned("create")], check=True)
    assert result["operation"] == "create" and "_store_plan" not in result and len(calls) == 1
    assert list(tmp_path.iterdir()) == []


def test_unchanged_is_one_call(monkeypatch, store):
    run(monkeypatch, store, [planned("create"), made("one")])
    result, calls = run(monkeypatch, store, [planned("none", ["one"])])
    assert len(calls) == 1 and calls[0]["held_id"] == "one" and not result["changed"]


def test_a_key_whose_secret_is_not_held_gives_a_warning(monkeypatch, store):
    warnings = []
    monkeypatch.setattr(key_action.display, "warning", warnings.append)
    run(monkeypatch, store, [planned("none", ["made-by-hand"])])
    assert len(warnings) == 1 and "rotate=true" in warnings[0]


@pytest.mark.parametrize("check", [True, False])
def test_a_store_that_cannot_be_written_is_found_before(monkeypatch, tmp_path, check):
    (tmp_path / "store").write_text("")
    store = CredentialStore(str(tmp_path / "store"))
    result, calls = run(monkeypatch, store, [planned("create")], check=check)
    assert result["failed"] and "cannot be" in result["msg"]
    assert [call for call in calls if call["phase"] == "apply"] == []


@pytest.mark.parametrize("clean", [True, False])
def test_a_failed_creation_leaves_the_note_unless_nothing_was_left(monkeypatch, store, clean):
    result, _calls = run(
        monkeypatch, store, [planned("create", ["x"]), {"failed": True, "msg": "no", "_store_clean": clean}]
    )
    assert result["failed"] and "_store_clean" not in result
    assert (store.read_intent("k") is None) is clean
    if not clean:
        _result, calls = run(monkeypatch, store, [planned("revoke", ["x"]), planned("revoke", ["x"])])
        assert calls[0]["intent"] == calls[1]["intent"] == {"known_ids": ["x"]}
        assert store.read_intent("k") is None


def test_a_store_that_breaks_after_the_creation(monkeypatch, store):
    def make(_args):
        monkeypatch.setattr(
            CredentialStore,
            "write",
            lambda self, entry: self.prepare() or (none for none in ()).throw(self._not_writable("full")),
        )
        return made("one")

    result, _calls = run(monkeypatch, store, [planned("create"), make])
    assert result["failed"] and result["changed"] and "(one)" in result["msg"] and "full" in result["msg"]
    assert SECRET not in str(result) and encoded("one") not in str(result)
    assert store.read_intent("k") == {"known_ids": []}


@pytest.mark.parametrize("works", [True, False])
def test_surplus_keys_are_revoked_once_the_secret_is_stored(monkeypatch, store, works):
    warnings = []
    monkeypatch.setattr(key_action.display, "warning", warnings.append)

    def revoke(_args):
        assert store.read("k").id == "new" and store.read_intent("k") is None
        return {"changed": True, "revoked_ids": ["old"]} if works else {"failed": True, "msg": "no answer"}

    make = {**made("new", "rotate"), "_store_surplus": ["old"], "revoked_ids": [], "duplicates": ["current"]}
    result, calls = run(monkeypatch, store, [planned("rotate", ["current", "old"]), make, revoke], duplicates="revoke")
    assert calls[2] == {"phase": "revoke", "ids": ["old"]} and "_store_surplus" not in result
    assert result["revoked_ids"] == (["old"] if works else [])
    assert result["duplicates"] == (["current"] if works else ["current", "old"])
    assert any("no answer" in warning for warning in warnings) is not works


def test_the_key_of_another_cluster_is_not_overwritten(monkeypatch, store):
    run(monkeypatch, store, [planned("create"), made("one")])
    other = {"urls": ["https://madrid:9200"]}
    result, calls = run(monkeypatch, store, [planned("create")], **other)
    assert result["failed"] and "another cluster" in result["msg"] and len(calls) == 1
    result, _calls = run(monkeypatch, store, [planned("rotate", ["one"]), made("two", "rotate")], **other)
    assert result["changed"] and store.read("k").id == "two"


def test_absent_removes_what_was_revoked(monkeypatch, store):
    run(monkeypatch, store, [planned("create"), made("one")])
    gone = {"changed": True, "operation": "revoke", "revoked_ids": ["one"]}
    run(monkeypatch, store, [gone], check=True, state="absent")
    assert store.read("k").id == "one"
    run(monkeypatch, store, [{"changed": False, "duplicates": ["one"]}], state="absent")
    assert store.read("k").id == "one"
    run(monkeypatch, store, [gone], state="absent")
    assert store.read("k") is None


def test_async_with_a_store_is_refused(monkeypatch, store):
    args = {"name": "k", "credential_store": store.directory}
    task, calls = action(monkeypatch, args, [], async_val=30, poll=5)
    assert "async" in task.run()["msg"] and calls == []


def test_the_private_option_is_refused(monkeypatch):
    assert action(monkeypatch, {"name": "k", "_store": {}}, [])[0].run()["failed"]
