# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 3.1 and 3.3: reading keys, and how long dead ones stay."""

from __future__ import annotations

import time
import uuid

import pytest

from support.worlds import Api, of_version

GET = "/_security/api_key"
DAY = 86_400


def ids(answer, status=200):
    assert answer.status == status, answer
    return {key["id"] for key in answer.json["api_keys"]}


def test_3_1_shape(each_berlin):
    api, table = each_berlin, {"8.10": {"invalidation", "realm_type"}, "8.12": {"realm_type"}, "8.14": set()}
    absent = of_version(table, api.spec["version"])
    key = api.key(
        name="shape",
        access={"search": [{"names": "a", "query": {"term": {"x": 1}}, "field_security": {"grant": ["x"]}}]},
        expiration="1d",
    )
    api.delete(GET, {"ids": [key["id"]]})
    shown = api.read_key(key["id"])
    wanted = {
        "id",
        "name",
        "type",
        "creation",
        "expiration",
        "invalidated",
        "invalidation",
        "username",
        "realm",
        "realm_type",
        "metadata",
        "role_descriptors",
        "access",
    }
    assert set(shown) == wanted - absent
    assert shown["type"] == "cross_cluster" and shown["metadata"] == {} and shown["invalidated"] is True
    assert shown["access"] == {
        "search": [
            {
                "names": ["a"],
                "query": '{"term":{"x":1}}',
                "field_security": {"grant": ["x"]},
                "allow_restricted_indices": False,
            }
        ]
    }


def test_3_1_limited_by_only_for_rest_keys(each_berlin):
    berlin = each_berlin
    cross, rest = berlin.key(), berlin.rest_key()
    found = {key["id"]: key for key in berlin.get(GET + "?with_limited_by=true").json["api_keys"]}
    assert "limited_by" not in found[cross["id"]] and "superuser" in found[rest["id"]]["limited_by"][0]
    assert "access" not in found[rest["id"]] and found[rest["id"]]["type"] == "rest"
    assert "limited_by" not in berlin.read_key(rest["id"])


def test_3_1_names(each_berlin):
    berlin, ours = each_berlin, uuid.uuid4().hex[:8]
    names = ["one", "one", "one-more", "o*e", "one*", "o?e", "a b/c&d"]
    made = [berlin.key(f"{ours} {name}")["id"] for name in names]
    rest = berlin.rest_key(f"{ours} one")["id"]

    def by(name):
        return ids(Api.get(berlin, GET, params={"name": f"{ours} {name}"}))

    assert by("one") == {made[0], made[1], rest}, "both types come back"
    assert by("one*") == {made[0], made[1], made[2], made[4], rest}, "a trailing * is a prefix, and cannot be escaped"
    assert by("o*e") == {made[3]} and by("o?e") == {made[5]} and by("a b/c&d") == {made[6]}
    assert by("*") == {*made, rest} and by("nothing") == set()
    assert ids(berlin.get(GET + "?name=*")) >= {*made, rest} and ids(berlin.get(GET + "?name=")) >= {*made, rest}


def test_3_1_404_only_by_id(each_berlin):
    berlin = each_berlin
    missing = berlin.get(GET + "?id=missing")
    assert missing.status == 404 and missing.json == {"api_keys": []}
    assert berlin.get(GET + "?name=missing").json == {"api_keys": []}
    assert berlin.get(GET + "?id=").status == 200


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("id=a&name=b", "only one of [api key id, api key name] can be specified"),
        (
            "id=a&username=b",
            "username or realm name must not be specified when the api key id or api key name is specified",
        ),
        (
            "name=a&realm_name=b",
            "username or realm name must not be specified when the api key id or api key name is specified",
        ),
        ("owner=true&username=b", "neither username nor realm-name may be specified when retrieving owned API keys"),
    ],
)
def test_3_1_conflicts(each_berlin, query, text):
    answer = each_berlin.get(f"{GET}?{query}")
    assert (answer.status, answer.error["type"]) == (
        400,
        "action_request_validation_exception",
    ) and text in answer.error["reason"]


def test_3_1_bad_flag(each_berlin):
    answer = each_berlin.get(GET + "?owner=yes")
    assert (
        answer.status == 400
        and answer.error["reason"] == "Failed to parse value [yes] as only [true] or [false] are allowed."
    )


def test_3_1_unknown_parameter(each_berlin):
    text = "request [/_security/api_key] contains unrecognized parameter: "
    for name, hint in (("type", ""), ("ownr", " -> did you mean [owner]?")):
        assert each_berlin.get(f"{GET}?{name}=rest").causes == [
            ("illegal_argument_exception", f"{text}[{name}]{hint}"),
        ]
    status = of_version({"8.10": 400, "8.14": 404}, each_berlin.spec["version"])
    assert each_berlin.get(GET + "?with_profile_uid=true&id=missing").status == status


def test_3_1_inactive_keys(each_berlin):
    berlin, name = each_berlin, f"inactive-{uuid.uuid4().hex[:8]}"
    live, short, dead = berlin.key(name), berlin.key(name, expiration="1s"), berlin.key(name)
    berlin.delete(GET, {"ids": [dead["id"]]})
    time.sleep(1.1)
    assert ids(berlin.get(f"{GET}?name={name}")) == {live["id"], short["id"], dead["id"]}
    assert berlin.read_key(short["id"])["invalidated"] is False, "expired is not invalidated"
    assert ids(berlin.get(f"{GET}?name={name}&active_only=true")) == {live["id"]}
    assert berlin.get(f"{GET}?active_only=true&id={dead['id']}").status == 404


@pytest.mark.parametrize("privilege", ["read_security", "manage_api_key", "manage_security", "all"])
def test_3_1_readers_of_all(each_berlin, privilege):
    key = each_berlin.key()
    assert key["id"] in ids(each_berlin.user(f"reader-{uuid.uuid4().hex[:8]}", [privilege]).get(GET))


def test_3_1_own_keys(each_berlin):
    berlin, own = each_berlin, f"own-{uuid.uuid4().hex[:8]}"
    berlin.key()
    user = berlin.user(own, ["manage_own_api_key"])
    mine = user.rest_key()
    refused = user.get(GET)
    assert refused.status == 403 and "cluster:admin/xpack/security/api_key/get" in refused.error["reason"]
    assert ids(user.get(GET + "?owner=true")) == {mine["id"]}
    assert (
        user.get(f"{GET}?id={mine['id']}").status == 403 and user.get(f"{GET}?id={mine['id']}&owner=true").status == 200
    )
    assert ids(user.get(f"{GET}?username={own}&realm_name=default_native")) == {mine["id"]}
    assert berlin.user(f"none-{own}", ["monitor", "manage"]).get(GET).status == 403
    itself = berlin.as_api_key(mine["encoded"])
    assert ids(itself.get(f"{GET}?id={mine['id']}")) == {mine["id"]}, "a key may look at itself"


def test_3_1_by_owner(each_berlin):
    berlin, ann = each_berlin, f"ann-{uuid.uuid4().hex[:8]}"
    user = berlin.user(ann, ["manage_security"])
    both = {berlin.key()["id"], user.key()["id"]}
    mine = {key["id"] for key in berlin.get(f"{GET}?username=elastic").json["api_keys"]} & both
    theirs = both - mine
    assert len(mine) == 1 and ids(berlin.get(f"{GET}?username={ann}")) == theirs
    for query in ("realm_name=reserved", "owner=true", "owner=true&name=*"):
        assert ids(berlin.get(f"{GET}?{query}")) & both == mine
        assert query == "realm_name=reserved" or ids(user.get(f"{GET}?{query}")) == theirs


@pytest.mark.needs("clock")
def test_3_3_retention(world, berlin):
    dead, short, live = berlin.key(), berlin.key(expiration="1d"), berlin.key()
    everyone = {dead["id"], short["id"], live["id"]}
    berlin.delete(GET, {"ids": [dead["id"]]})
    world.control("berlin", "advance_clock", seconds=8 * DAY + 60)
    assert ids(berlin.get(GET)) == everyone, "nothing is purged on a quiet cluster"
    berlin.delete(GET, {"ids": ["whatever"]})
    assert ids(berlin.get(GET)) == {live["id"]}
    again = berlin.key(expiration="0s")
    world.control("berlin", "advance_clock", seconds=3600)
    assert again["id"] in ids(berlin.get(GET))


@pytest.mark.needs("clock")
def test_3_3_interval(world, berlin):
    berlin.delete(GET, {"ids": ["x"]})  # a purge ran now
    dead = berlin.key(expiration="0s")
    world.clusters["berlin"].keys[dead["id"]].expiration -= 30 * DAY * 1000
    berlin.delete(GET, {"ids": ["x"]})
    assert dead["id"] in ids(berlin.get(GET)), "not again within 24 hours"
    world.control("berlin", "advance_clock", seconds=DAY)
    berlin.delete(GET, {"ids": ["x"]})
    assert ids(berlin.get(GET)) == set()
