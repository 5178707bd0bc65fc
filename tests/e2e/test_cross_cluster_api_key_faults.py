# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One fault at each request of each operation: a re-run ends with one live key whose secret is held, and no orphan."""

from __future__ import annotations

import base64
import typing as t

import pytest

from support.keys import LOGS, Keys

QUERY = ("POST", "/_security/_query/api_key")
CREATE = ("POST", "/_security/cross_cluster/api_key")
UPDATE = ("PUT", "/_security/cross_cluster/api_key/*")
DELETE = ("DELETE", "/_security/api_key")

pytestmark = pytest.mark.needs("faults")

FAULTS: dict[str, dict[str, t.Any]] = {
    "reset before acting": {"kind": "reset_before"},
    "reset after acting": {"kind": "reset_after"},
    "429": {"kind": "status", "status": 429},
    "429 with Retry-After": {"kind": "status", "status": 429, "retry_after": "1"},
    "502 by a proxy": {"kind": "status", "status": 502, "html": True},
    "502 by a proxy, after acting": {"kind": "status", "status": 502, "html": True, "act": True},
    "503": {"kind": "status", "status": 503},
    "503 after acting": {"kind": "status", "status": 503, "act": True},
    "504 after acting": {"kind": "status", "status": 504, "html": True, "act": True},
}
OPERATIONS: dict[str, tuple[dict[str, t.Any], list[tuple[str, str]]]] = {
    "create": ({"access": LOGS}, [QUERY, CREATE]),
    "none": ({"access": LOGS}, [QUERY]),
    "update": ({"access": {"search": [{"names": ["new"]}]}, "metadata": {"a": 1}}, [QUERY, UPDATE]),
    "rotate": ({"access": LOGS, "rotate": True}, [QUERY, CREATE]),
    "revoke": ({"access": LOGS, "duplicates": "revoke"}, [QUERY, DELETE]),
    "absent": ({"state": "absent"}, [QUERY, DELETE]),
}
CASES = [
    pytest.param(operation, request_, fault, retries, id=f"{operation}-{request_[0]}-{fault}-retries{retries}")
    for operation, (_args, requests) in OPERATIONS.items()
    for request_ in requests
    for fault in FAULTS
    for retries in (0, 2)
]


@pytest.fixture
def keys(world: t.Any) -> Keys:
    return Keys(world, timeout=5)


@pytest.mark.parametrize(("operation", "request_", "fault", "retries"), CASES)
def test_one_fault(keys: Keys, operation: str, request_: tuple[str, str], fault: str, retries: int) -> None:
    args = OPERATIONS[operation][0]
    held: set[str] = set()  # keys whose secret the caller has
    if operation != "create":
        held.add(keys.run(access=LOGS)["api_key"]["id"])
    if operation == "revoke":
        held.add(keys.run(access=LOGS, rotate=True)["api_key"]["id"])
    method, path = request_
    keys.world.fault("berlin", method=method, path=path, **FAULTS[fault])
    first = keys.run(retries=retries, **args)
    _hold(first, held)
    if retries:
        assert not first.failed, first.msg
    if first.failed:
        assert "Traceback" not in first.msg and "https://" in first.msg
        assert set(keys.live()) <= held, "the failed run left a key behind that nobody has the secret of"
    again = first if operation == "rotate" and not first.failed else keys.run(**args)
    _hold(again, held)
    assert not again.failed, again.msg
    live = keys.live()
    assert set(live) <= held, "an orphan is alive"
    assert len(live) == {"rotate": 2, "absent": 0}.get(operation, 1)
    if operation == "update":
        assert keys.api.read_key(live[0])["access"]["search"][0]["names"] == ["new"]
    if operation != "rotate":
        assert not keys.run(**args).changed


def _hold(result: t.Any, held: set[str]) -> None:
    if result.get("encoded"):
        held.add(base64.b64decode(result["encoded"]).decode().split(":")[0])


def test_creation_is_not_repeated_blindly(keys: Keys) -> None:
    keys.world.clear_log()
    keys.world.fault("berlin", method=CREATE[0], path=CREATE[1], kind="reset_after")
    result = keys.run(access=LOGS, retries=1)
    requests = keys.requests()
    assert [one.split()[0] for one in requests] == ["POST", "POST", "POST", "DELETE", "POST", "POST"]
    assert len(result["revoked_ids"]) == 1 and result["revoked_ids"][0] in str(result["warnings"])
    failed = keys.run(state="absent")
    keys.world.fault("berlin", method=CREATE[0], path=CREATE[1], kind="reset_after")
    failed = keys.run(access=LOGS, retries=0)
    assert failed.failed and "was revoked" in failed.msg and failed["revoked_ids"] and keys.live() == []


def test_slow_server_that_creates_after_the_time_is_up(keys: Keys) -> None:
    keys.world.fault("berlin", method=CREATE[0], path=CREATE[1], kind="delay", seconds=2)
    result = keys.run(access=LOGS, timeout=1, retries=2)
    assert not result.failed, result.msg
    assert len(result["revoked_ids"]) == 1 and keys.live() == [result["api_key"]["id"]]


def test_every_attempt_acts_and_no_answer_comes(keys: Keys) -> None:
    keys.world.fault("berlin", method=CREATE[0], path=CREATE[1], kind="status", status=503, times=2, act=True)
    result = keys.run(access=LOGS, retries=1)
    assert result.failed and len(result["revoked_ids"]) == 2 and keys.live() == []


def test_store_protocol_recovers_a_crash_between_creation_and_storing(keys: Keys) -> None:
    options = {"access": LOGS, "credential_store": "/nowhere"}
    plan = keys.run(**options, _store={"phase": "plan"})
    assert plan["operation"] == "create" and keys.live() == []
    found, intent = plan["_store_plan"]["found"], plan["_store_plan"]["intent"]
    keys.world.clear_log()
    made = keys.run(**options, _store={"phase": "apply", "found": found})
    assert keys.requests() == ["POST /_security/cross_cluster/api_key"]
    assert not keys.run(**options, _store={"phase": "plan", "intent": intent, "held_id": made["api_key"]["id"]}).changed
    # the run was cut off here: nobody has the secret
    second = keys.run(**options, _store={"phase": "plan", "intent": intent})
    assert second["operation"] == "create" and second["revoked_ids"] == [made["api_key"]["id"]]
    assert second["_store_plan"]["intent"]["lost_ids"] == [made["api_key"]["id"]]
    real = keys.run(**options, _store={"phase": "apply", "intent": intent, "found": second["_store_plan"]["found"]})
    assert real["revoked_ids"] == [made["api_key"]["id"]] and keys.live() == [real["api_key"]["id"]]
    twice = keys.api.key(keys.name)["id"]
    ambiguous = keys.run(**options, _store={"phase": "plan", "intent": intent})
    assert ambiguous.failed and twice in ambiguous.msg and "Nothing was revoked" in ambiguous.msg


def test_store_needs_the_action_plugin(keys: Keys) -> None:
    result = keys.run(access=LOGS, credential_store="/nowhere")
    assert result.failed and "action plugin" in result.msg and keys.live() == []


@pytest.mark.parametrize("form", ["1", "date"])
def test_retry_after_is_waited_for(keys: Keys, form: str) -> None:
    import email.utils
    import time

    value = form if form == "1" else email.utils.formatdate(time.time() + 2, usegmt=True)
    keys.world.fault("berlin", method="POST", path=QUERY[1], kind="status", status=429, retry_after=value)
    begin = time.monotonic()
    assert not keys.run(access=LOGS).failed
    assert time.monotonic() - begin >= 0.9


def test_nodes_that_are_down_are_passed_over(keys: Keys) -> None:
    keys.world.control("berlin", "stop_node", node="berlin-1")
    try:
        assert keys.three(access=LOGS)["operation"] == "create"
    finally:
        keys.world.control("berlin", "start_node", node="berlin-1")


def test_trickling_answer_ends_in_time(keys: Keys) -> None:
    keys.world.fault("berlin", kind="trickle", times=20, seconds=60)
    result = keys.run(access=LOGS, timeout=1, retries=1)
    assert result.failed and "no complete answer within" in result.msg


def test_redirects_are_not_followed(keys: Keys) -> None:
    keys.world.fault("berlin", kind="redirect", location="https://elsewhere.example/")
    result = keys.run(access=LOGS)
    assert result.failed and "redirect" in result.msg
