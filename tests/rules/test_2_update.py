# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 2: update, no-op detection, owner rule, refusals."""

from __future__ import annotations

import pytest

from support.worlds import Api

PATH = "/_security/cross_cluster/api_key"
ENTRY = {
    "names": ["a", "b"],
    "field_security": {"grant": ["x", "y*"], "except": ["y1", "y2"]},
    "query": '{"term": {"k": 1}}',
}


def put(api, key, **body):
    answer = api.put(f"{PATH}/{key['id']}", body)
    assert answer.status == 200, answer
    return answer.json["updated"]


def test_2_replaces_whole_fields(berlin):
    key = berlin.key(access={"search": [{"names": "a"}], "replication": [{"names": "b"}]}, metadata={"a": 1, "b": 2})
    before = berlin.read_key(key["id"])
    assert put(berlin, key, access={"search": {"names": ["c"]}})
    after = berlin.read_key(key["id"])
    assert after["access"] == {"search": [{"names": ["c"], "allow_restricted_indices": False}]}
    assert after["metadata"] == {"a": 1, "b": 2}
    assert put(berlin, key, metadata={"c": 3}) and berlin.read_key(key["id"])["metadata"] == {"c": 3}
    assert put(berlin, key, metadata={}) and berlin.read_key(key["id"])["metadata"] == {}
    assert {name: before[name] for name in ("id", "name", "creation")} == {
        name: after[name] for name in ("id", "name", "creation")
    }


@pytest.mark.needs("clock")
def test_2_expiration_counts_from_now_and_stays(world, berlin):
    key = berlin.key(expiration="1d")
    world.control("berlin", "advance_clock", seconds=3600)
    assert put(berlin, key, metadata={"a": 1}) and berlin.read_key(key["id"])["expiration"] == key["expiration"]
    assert put(berlin, key, metadata={"a": 1}, expiration="1d") is True, "an expiration is never a no-op"
    assert 3_590_000 <= berlin.read_key(key["id"])["expiration"] - key["expiration"] <= 3_700_000


@pytest.mark.needs(since="9.3")
def test_2_certificate_identity(berlin):
    key = berlin.key(certificate_identity="CN=a")
    assert put(berlin, key, certificate_identity="CN=a") is False
    assert (
        put(berlin, key, certificate_identity="CN=b") and berlin.read_key(key["id"])["certificate_identity"] == "CN=b"
    )
    assert put(berlin, key, metadata={"a": 1}) and berlin.read_key(key["id"])["certificate_identity"] == "CN=b"
    assert put(berlin, key, certificate_identity=None) and "certificate_identity" not in berlin.read_key(key["id"])


def test_2_rewrites_creator(berlin):
    key = berlin.key()
    body = {"password": "secret-1", "roles": ["superuser"], "full_name": "First"}
    berlin.put("/_security/user/ann", body)
    mine = berlin.as_user("ann").key()
    berlin.put("/_security/user/ann", {**body, "full_name": "Second"})
    assert put(berlin.as_user("ann"), mine, access={"search": [{"names": ["logs-*"]}]}) is True, (
        "the creator's full name changed"
    )
    assert put(berlin.as_user("ann"), mine, access={"search": [{"names": ["logs-*"]}]}) is False
    assert berlin.read_key(key["id"])["username"] == "elastic"


NOOP = [
    ("same access", {"access": {"search": [ENTRY]}}, False),
    ("bare object", {"access": {"search": ENTRY}}, False),
    ("default spelled out", {"access": {"search": [{**ENTRY, "allow_restricted_indices": False}]}}, False),
    ("same metadata", {"metadata": {"n": 42, "l": [1, 2], "o": {"x": 1, "y": 2}}}, False),
    ("metadata keys in another order", {"metadata": {"o": {"y": 2, "x": 1}, "l": [1, 2], "n": 42}}, False),
    ("42.0 for 42", {"metadata": {"n": 42.0, "l": [1, 2], "o": {"x": 1, "y": 2}}}, True),
    ("names in another order", {"access": {"search": [{**ENTRY, "names": ["b", "a"]}]}}, True),
    (
        "grant in another order",
        {"access": {"search": [{**ENTRY, "field_security": {"grant": ["y*", "x"], "except": ["y1", "y2"]}}]}},
        True,
    ),
    (
        "except in another order",
        {"access": {"search": [{**ENTRY, "field_security": {"grant": ["x", "y*"], "except": ["y2", "y1"]}}]}},
        True,
    ),
    ("blank in a string query", {"access": {"search": [{**ENTRY, "query": '{"term":{"k":1}}'}]}}, True),
    ("query as an object", {"access": {"search": [{**ENTRY, "query": {"term": {"k": 1}}}]}}, True),
    ("entry twice", {"access": {"search": [ENTRY, ENTRY]}}, True),
    ("any expiration", {"metadata": {"n": 42, "l": [1, 2], "o": {"x": 1, "y": 2}}, "expiration": "9d"}, True),
]


@pytest.mark.parametrize(("body", "updated"), [row[1:] for row in NOOP], ids=[row[0] for row in NOOP])
def test_2_1_noop(berlin, body, updated):
    key = berlin.key(
        access={"search": [ENTRY]}, metadata={"n": 42, "l": [1, 2], "o": {"x": 1, "y": 2}}, expiration="9d"
    )
    assert put(berlin, key, **body) is updated


def test_2_1_more_noops(berlin):
    key = berlin.key(access={"search": [{"names": "a", "query": {"b": 1, "a": [1, 2]}}, {"names": "b"}]})
    assert (
        put(berlin, key, access={"search": [{"names": "a", "query": '{"b":1,"a":[1,2]}'}, {"names": "b"}]}) is False
    ), "compact form"
    assert put(berlin, key, access=berlin.read_key(key["id"])["access"]) is False, "what GET shows can be sent back"
    assert (
        put(berlin, key, access={"search": [{"names": "b"}, {"names": "a", "query": '{"b":1,"a":[1,2]}'}]}) is True
    ), "order of entries"
    assert put(berlin, key, metadata={}) is True, "{} where nothing was stored"
    assert put(berlin, key, metadata={}) is False


MUST = "must update"
REFUSED = [
    ({}, "action_request_validation_exception", MUST),
    ({"expiration": "1d"}, "action_request_validation_exception", MUST),
    ({"access": {}}, "x_content_parse_exception", "must specify non-empty access for either [search] or [replication]"),
    ({"name": "new"}, "x_content_parse_exception", "unknown field [name]"),
    ({"metadata": {"_a": 1}}, "action_request_validation_exception", "API key metadata keys may not start with [_]"),
    ({"metadata": None}, "x_content_parse_exception", "metadata doesn't support values of type: VALUE_NULL"),
    (
        {"metadata": {}, "expiration": None},
        "x_content_parse_exception",
        "expiration doesn't support values of type: VALUE_NULL",
    ),
    (
        {"certificate_identity": "("},
        "x_content_parse_exception",
        "Invalid certificate_identity format: [(]. Must be a valid regex.",
    ),
]


@pytest.mark.parametrize(("body", "kind", "reason"), REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_2_2_refused_bodies(berlin, body, kind, reason):
    answer = berlin.put(f"{PATH}/{berlin.key()['id']}", body)
    assert (answer.status, answer.error["type"]) == (400, kind)
    assert any(reason in found for found in answer.reasons)


@pytest.mark.needs("clusters")
def test_2_2_wording_before_9_3(make_world):
    old = Api(make_world(["eight"], version="8.17.0", nodes=1).cluster("eight"))
    answer = old.put(f"{PATH}/{old.key()['id']}", {"expiration": "1d"})
    assert (
        answer.error["reason"]
        == "Validation Failed: 1: must update either [access] or [metadata] for cross-cluster API keys;"
    )
    assert old.put(f"{PATH}/{old.key()['id']}").error["reason"] == "request body is required"


@pytest.mark.needs("clusters")
def test_0_expiration_of_a_key_can_be_changed_from_8_13_on(make_world):
    """elastic/elasticsearch#103453; the table of section 0 has no row for it."""
    old = Api(make_world(["twelve"], version="8.12.0", nodes=1).cluster("twelve"))
    key, rest = old.key(expiration="1d"), old.rest_key()
    for path in (f"{PATH}/{key['id']}", f"/_security/api_key/{rest['id']}"):
        answer = old.put(path, {"metadata": {}, "expiration": "2d"})
        assert (answer.status, answer.error["type"]) == (400, "x_content_parse_exception")
        assert answer.error["reason"].endswith("unknown field [expiration]")
    new = Api(make_world(["thirteen"], version="8.13.0", nodes=1).cluster("thirteen"))
    assert put(new, new.key(expiration="1d"), metadata={}, expiration="2d")


@pytest.mark.needs("clock")
def test_2_2_state_and_type(world, berlin):
    def reason(path, key_id, body):
        answer = berlin.put(f"{path}/{key_id}", body)
        assert (answer.status, answer.error["type"]) == (400, "illegal_argument_exception")
        return answer.error["reason"]

    dead, short, rest = berlin.key(), berlin.key(expiration="1m"), berlin.rest_key()
    live = berlin.key()
    berlin.delete("/_security/api_key", {"ids": [dead["id"]]})
    world.control("berlin", "advance_clock", seconds=61)
    assert reason(PATH, dead["id"], {"metadata": {}}) == f"cannot update invalidated API key [{dead['id']}]"
    assert reason(PATH, short["id"], {"metadata": {}}) == f"cannot update expired API key [{short['id']}]"
    assert (
        reason(PATH, rest["id"], {"metadata": {}})
        == "cannot update API key of type [rest] while expected type is [cross_cluster]"
    )
    wrong = "cannot update API key of type [cross_cluster] while expected type is [rest]"
    assert reason("/_security/api_key", live["id"], {"metadata": {}}) == wrong
    bulk = berlin.post(
        "/_security/api_key/_bulk_update", {"ids": [live["id"], rest["id"], "nope"], "metadata": {"a": 1}}
    )
    assert bulk.status == 200 and bulk.json["updated"] == [rest["id"]] and bulk.json["errors"]["count"] == 2
    assert bulk.json["errors"]["details"][live["id"]]["reason"] == wrong
    assert bulk.json["errors"]["details"]["nope"]["reason"] == "no API key owned by requesting user found for ID [nope]"


def test_2_2_owner_rule(world, berlin):
    key = berlin.key()
    berlin.put("/_security/user/ann", {"password": "secret-1", "roles": ["superuser"]})
    for api, key_id in ((berlin.as_user("ann"), key["id"]), (berlin, "unknown")):
        answer = api.put(f"{PATH}/{key_id}", {"metadata": {"a": 1}})
        assert (answer.status, answer.error["type"]) == (404, "resource_not_found_exception")
        assert answer.error["reason"] == f"no API key owned by requesting user found for ID [{key_id}]"
    assert put(berlin.as_user("ann").run_as("elastic"), key, metadata={"a": 1}) is True, (
        "run-as makes the caller the owner"
    )


@pytest.mark.needs("realms")
def test_2_2_owner_rule_realms(world, berlin):
    world.control(
        "berlin", "add_user", username="bob", password="file-secret", roles=["superuser"], realm="default_file"
    )
    key = berlin.as_user("bob", "file-secret").key()
    assert berlin.read_key(key["id"])["realm"] == "default_file" and berlin.read_key(key["id"])["realm_type"] == "file"
    world.run(_move(world.clusters["berlin"]))
    assert berlin.as_user("bob", "file-secret").put(f"{PATH}/{key['id']}", {"metadata": {"a": 1}}).status == 404, (
        "same name, other realm"
    )
    world.control("berlin", "set_domains", domains=[["default_file", "default_native"]])
    assert put(berlin.as_user("bob", "file-secret"), key, metadata={"a": 1}) is True


async def _move(cluster):
    user = cluster.security.realms["default_file"].pop("bob")
    user.realm = "default_native"
    cluster.security.realms["default_native"]["bob"] = user


@pytest.mark.needs("switches")
def test_2_licence_and_service(world, berlin):
    key = berlin.key()
    world.control("berlin", "set_api_keys_enabled", enabled=False)
    assert berlin.put(f"{PATH}/{key['id']}", {"metadata": {}}).error["reason"] == "api keys are not enabled"
