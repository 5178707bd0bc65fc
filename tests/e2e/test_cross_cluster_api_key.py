# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cross_cluster_api_key against the simulator: every operation as check, real and again, and its requests."""

from __future__ import annotations

import base64
import typing as t

import pytest

from support.keys import DAY, LOGS, Keys

QUERY = "POST /_security/_query/api_key"
CREATE = "POST /_security/cross_cluster/api_key"
DELETE = "DELETE /_security/api_key"
SIGNED = pytest.mark.needs(since="9.3")
WITH_IDENTITY = pytest.mark.parametrize("signed", [{}, pytest.param({"certificate_identity": "CN=a"}, marks=SIGNED)])


@pytest.fixture
def keys(world: t.Any) -> Keys:
    return Keys(world)


def put(key_id: str) -> str:
    return f"PUT /_security/cross_cluster/api_key/{key_id}"


# --- the request budget ---


def test_budget(keys: Keys) -> None:
    created, requests = keys.counted(access=LOGS)
    key_id = created["api_key"]["id"]
    assert (created["operation"], requests) == ("create", [QUERY, CREATE])
    same, requests = keys.counted(access=LOGS)
    assert (same["operation"], requests) == ("none", [QUERY])
    updated, requests = keys.counted(access={"search": [{"names": ["other"]}]})
    assert (updated["operation"], requests) == ("update", [QUERY, put(key_id)])
    rotated, requests = keys.counted(rotate=True)
    assert (rotated["operation"], requests) == ("rotate", [QUERY, CREATE])
    revoked, requests = keys.counted(state="absent")
    assert (revoked["operation"], requests) == ("revoke", [QUERY, DELETE])
    absent, requests = keys.counted(state="absent")
    assert (absent["operation"], requests) == ("none", [QUERY])


def test_check_mode_asks_once(keys: Keys) -> None:
    assert keys.counted(check=True, access=LOGS)[1] == [QUERY]
    keys.run(access=LOGS)
    assert keys.counted(check=True, metadata={"a": 1})[1] == [QUERY]
    assert keys.counted(check=True, state="absent")[1] == [QUERY]


# --- operations ---


@WITH_IDENTITY
def test_create(keys: Keys, signed: t.Any) -> None:
    result = keys.three(access=LOGS, expiration="90d", metadata={"cluster": "paris"}, **signed)
    key = result["api_key"]
    stored = keys.api.read_key(key["id"])
    assert result["operation"] == "create" and key["certificate_identity"] == signed.get("certificate_identity")
    for field in ("name", "creation", "expiration", "access", "metadata", *signed, "username"):
        assert key[field] == stored[field], field
    assert stored["expiration"] - stored["creation"] == 90 * DAY * 1000
    key_id, secret = base64.b64decode(result["encoded"]).decode().split(":")
    assert key_id == key["id"] and len(secret) == 22
    assert result["check"]["api_key"]["id"] is None and result["check"]["encoded"] is None
    assert "encoded" not in result["again"]
    assert result["again"]["api_key"] == {**key, "realm": stored["realm"]}
    assert secret not in str(result["diff"]) and result["encoded"] not in str(result["diff"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"access": {"search": [{"names": ["metrics-*"]}]}}, "access"),
        ({"access": {"search": [{"names": ["logs-*"], "query": {"term": {"a": 1}}}]}}, "access"),
        ({"access": {"search": [{"names": ["logs-*"], "field_security": {"grant": ["a"]}}]}}, "access"),
        ({"access": {"search": [{"names": ["logs-*"], "allow_restricted_indices": True}]}}, "access"),
        ({"access": {"replication": [{"names": ["logs-*"]}]}}, "access"),
        ({"metadata": {"b": 2}}, "metadata"),
        ({"metadata": {}}, "metadata"),
        ({"metadata": {"a": True}}, "metadata"),
        pytest.param({"certificate_identity": "CN=b"}, "certificate_identity", marks=SIGNED),
        pytest.param({"certificate_identity": ""}, "certificate_identity", marks=SIGNED),
        pytest.param({"expiration": "30d"}, "expiration", marks=pytest.mark.needs(since="8.13")),
        pytest.param({"expiration": "30d", "certificate_identity": ""}, "expiration", marks=SIGNED),
    ],
)
def test_update_in_place(keys: Keys, change: t.Any, field: str) -> None:
    signed = {"certificate_identity": "CN=a"} if "certificate_identity" in change else {}
    made = keys.run(access=LOGS, metadata={"a": 1}, **signed)
    result = keys.three(**change)
    assert result["operation"] == "update"
    assert result["api_key"]["id"] == made["api_key"]["id"] and keys.live() == [made["api_key"]["id"]]
    before, after = result["diff"]["before"], result["diff"]["after"]
    assert repr(before[field]) != repr(after[field])  # True equals 1 in Python
    differing = {name for name in before if repr(before[name]) != repr(after[name])}
    assert differing == set(change)
    stored = keys.api.read_key(made["api_key"]["id"])
    assert result["again"]["api_key"]["access"] == stored["access"]
    if "metadata" not in change:
        assert stored["metadata"] == {"a": 1}


SAME_QUERY = {"a": 1, "bool": {"filter": []}}


@pytest.mark.parametrize(
    "entries",
    [
        [{"names": ["b", "a"], "query": '{ "bool": {"filter": []}, "a": 1 }'}, {"names": "c"}],
        [{"names": "c", "field_security": {"grant": ["*"]}}, {"names": ["a", "b"], "query": SAME_QUERY}],
        [
            {"names": ["c"], "query": ""},
            {"names": ["a", "b", "a"], "query": '{"a":1,"bool":{"filter":[]}}', "allow_restricted_indices": False},
        ],
    ],
)
def test_equivalent_access_is_unchanged(keys: Keys, entries: t.Any) -> None:
    keys.run(access={"search": [{"names": ["a", "b"], "query": SAME_QUERY}, {"names": ["c"]}]})
    result = keys.run(access={"search": entries})
    assert not result.failed and not result.changed, result


def test_feeding_back_what_was_returned_is_unchanged(keys: Keys) -> None:
    access = {
        "search": [{"names": ["a"], "query": {"x": [1, 2.5]}, "field_security": {"grant": ["f*"], "except": ["fx"]}}]
    }
    made = keys.run(access=access)
    assert not keys.run(access=made["api_key"]["access"]).changed
    assert not keys.run(access=keys.api.read_key(made["api_key"]["id"])["access"]).changed


@pytest.mark.needs("upgrade")
def test_key_of_an_older_version_is_unchanged(make_world: t.Any) -> None:
    world = make_world(clusters={"old": {"version": "8.14.3", "nodes": 1}})
    keys = Keys(world, cluster="old")
    keys.run(access=LOGS)
    world.control("old", "upgrade", version="8.15.0")
    assert not keys.run(access=LOGS).changed


@WITH_IDENTITY
def test_rotate_keeps_the_old_key_and_takes_its_content_over(keys: Keys, signed: t.Any) -> None:
    first = keys.run(access=LOGS, metadata={"a": 1}, expiration="90d", **signed)
    check = keys.run(check=True, rotate=True)
    second = keys.run(rotate=True)
    assert check["diff"] == second["diff"] and check["operation"] == second["operation"] == "rotate"
    assert second["duplicates"] == check["duplicates"] == [first["api_key"]["id"]]
    assert keys.live() == [first["api_key"]["id"], second["api_key"]["id"]]
    stored = keys.api.read_key(second["api_key"]["id"])
    assert (stored["access"], stored["metadata"]) == (first["api_key"]["access"], {"a": 1})
    assert {name: stored.get(name) for name in signed} == signed and "expiration" not in stored
    # afterwards the new one is meant
    assert keys.run(access=LOGS)["api_key"]["id"] == second["api_key"]["id"]
    result = keys.three(state="absent", keep_ids=[second["api_key"]["id"]])
    assert result["revoked_ids"] == [first["api_key"]["id"]] and keys.live() == [second["api_key"]["id"]]
    assert result["duplicates"] == [second["api_key"]["id"]]


def test_renewal(keys: Keys) -> None:
    first = keys.run(access=LOGS, expiration="30d")["api_key"]
    assert not keys.run(access=LOGS, expiration="90d").changed, "an expiration alone is no reason to write"
    assert not keys.run(access=LOGS, expiration="90d", renew_before="29d").changed
    rotated = keys.three(access=LOGS, expiration="120d", renew_before="91d")
    assert rotated["operation"] == "rotate" and rotated["duplicates"] == [first["id"]]
    assert rotated["again"]["duplicates"] == [first["id"]]
    assert keys.live() == [first["id"], rotated["api_key"]["id"]]


@pytest.mark.needs(since="8.13")
def test_extension(keys: Keys) -> None:
    first = keys.run(access=LOGS, expiration="30d")["api_key"]
    extended = keys.three(access=LOGS, expiration="90d", renew_before="31d", on_expiring="extend")
    assert extended["operation"] == "update" and extended["api_key"]["id"] == first["id"]
    assert extended["check"]["api_key"]["expiration"] is None
    stored = keys.api.read_key(first["id"])
    assert abs(stored["expiration"] - extended["api_key"]["expiration"]) < 60000
    assert keys.live() == [first["id"]]


@pytest.mark.needs("clock")
def test_expired_and_revoked_keys_are_no_keys(keys: Keys) -> None:
    expired = keys.run(access=LOGS, expiration="1h")["api_key"]["id"]
    keys.clock(2 * 3600)  # the server's clock counts, not the one of this host
    second = keys.three(access=LOGS)
    assert second["operation"] == "create" and second["duplicates"] == []
    revoked = second["api_key"]["id"]
    keys.run(state="absent")
    third = keys.three(access=LOGS)
    assert third["operation"] == "create"
    assert len({expired, revoked, third["api_key"]["id"]}) == 3


# --- several live keys of one name ---


def test_duplicates(keys: Keys) -> None:
    ids = [keys.api.key(keys.name)["id"] for _number in range(3)]
    ids = keys.live()
    newest = keys.run(access=LOGS)
    assert not newest.changed and newest["api_key"]["id"] == ids[-1] and newest["duplicates"] == ids[:-1]
    error = keys.run(access=LOGS, duplicates="error")
    assert error.failed and all(key_id in error.msg for key_id in ids) and "keep_ids" in error.msg
    revoke = keys.three(access=LOGS, duplicates="revoke")
    assert revoke["operation"] == "revoke" and revoke["revoked_ids"] == ids[:-1] and keys.live() == ids[-1:]


def test_rotation_with_revoke_spares_the_key_it_replaces(keys: Keys) -> None:
    for _number in range(2):
        keys.api.key(keys.name)
    old, current = keys.live()
    result = keys.run(rotate=True, duplicates="revoke")
    assert result["revoked_ids"] == [old] and result["duplicates"] == [current]
    assert keys.live() == [current, result["api_key"]["id"]]


# --- names and neighbours ---


def test_exact_name_and_type(keys: Keys) -> None:
    star = Keys(keys.world, "paris-*")
    for name in ("paris-berlin", "paris-x", "paris-", "paris-*x"):
        keys.api.key(name)
        keys.api.rest_key(name)
    keys.api.rest_key("paris-*")
    made = star.three(access=LOGS)
    assert made["operation"] == "create" and made["duplicates"] == []
    before = len(keys.api.get("/_security/api_key?active_only=true").json["api_keys"])
    star.three(state="absent")
    assert len(keys.api.get("/_security/api_key?active_only=true").json["api_keys"]) == before - 1


@pytest.mark.needs("many keys")
def test_dead_keys_and_foreign_names_by_the_thousand(keys: Keys) -> None:
    keys.world.control("berlin", "fill_keys", count=10_000)
    keys.world.control("berlin", "fill_keys", count=40, name=keys.name, type="rest")
    for _number in range(11):
        keys.run(rotate=True, access=LOGS)
    keys.run(state="absent")
    live = keys.run(access=LOGS)["api_key"]["id"]
    result, requests = keys.counted(access=LOGS)
    assert not result.changed and result["api_key"]["id"] == live and result["duplicates"] == [] and len(requests) == 1


# --- owners ---


@pytest.fixture
def bob(keys: Keys) -> Keys:
    keys.api.user("bob", ["manage_security"])
    return keys.as_user("bob")


def test_key_of_another_owner(keys: Keys, bob: Keys) -> None:
    theirs = bob.run(access=LOGS)["api_key"]["id"]
    assert not keys.run(access=LOGS).changed, "what is equal can be used"
    other = {"search": [{"names": ["x"]}]}
    for check in (True, False):
        result = keys.run(check, access=other)
        assert result.failed and "'bob'" in result.msg and "run_as: bob" in result.msg and "rotate=true" in result.msg
    assert keys.run(access=other, run_as="bob")["operation"] == "update"
    absent = keys.run(state="absent")
    assert not absent.changed and "bob" in str(absent["warnings"]) and keys.live() == [theirs]
    mine = keys.run(rotate=True, access=LOGS)["api_key"]["id"]
    assert keys.three(access=other)["api_key"]["id"] == mine, "among several the own one is meant"
    assert not keys.run(access=other, duplicates="revoke").changed
    assert keys.three(state="absent")["revoked_ids"] == [mine]
    assert keys.live() == [theirs]


def test_bearer_login_finds_out_who_it_is(keys: Keys, bob: Keys) -> None:
    token = bob.api.as_user("bob").post(
        "/_security/oauth2/token", {"grant_type": "password", "username": "bob", "password": "secret-1"}
    )
    if token.status != 200:
        keys.api.user("bob", ["manage_security", "manage_token"])
        token = bob.api.as_user("bob").post(
            "/_security/oauth2/token", {"grant_type": "password", "username": "bob", "password": "secret-1"}
        )
    assert token.status == 200, token
    as_bob = Keys(keys.world, username=None, password=None, bearer_token=token.json["access_token"])
    keys.run(access=LOGS)
    for check in (True, False):
        result = as_bob.run(check, access={"search": [{"names": ["x"]}]})
        assert result.failed and "elastic" in result.msg
    assert not as_bob.run(state="absent").changed
    assert as_bob.three(access=LOGS)["operation"] == "none"


def test_ids_narrow_the_choice_down(keys: Keys) -> None:
    for _number in range(2):
        keys.api.key(keys.name)
    old, new = keys.live()
    result = keys.three(ids=[old], metadata={"a": 1})
    assert result["api_key"]["id"] == old
    assert keys.api.read_key(new)["metadata"] == {}
    assert keys.three(ids=[old], state="absent")["revoked_ids"] == [old]
    missing = keys.run(ids=[old], metadata={})
    assert missing.failed and old in missing.msg
