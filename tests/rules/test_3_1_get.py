# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 3.1 and 3.3: reading keys, and how long dead ones stay."""

from __future__ import annotations

import pytest

from support.worlds import Api

GET = "/_security/api_key"
DAY = 86_400


def ids(answer, status=200):
    assert answer.status == status, answer
    return {key["id"] for key in answer.json["api_keys"]}


@pytest.mark.needs("clusters")
@pytest.mark.parametrize(
    ("version", "absent"),
    [("8.10.0", {"invalidation", "realm_type"}), ("8.12.0", {"realm_type"}), ("8.14.0", set()), ("9.3.0", set())],
)
def test_3_1_shape(make_world, version, absent):
    api = Api(make_world(["v"], version=version, nodes=1).cluster("v"))
    key = api.key(
        name="shape",
        access={"search": [{"names": "a", "query": {"term": {"x": 1}}, "field_security": {"grant": "x"}}]},
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


def test_3_1_limited_by_only_for_rest_keys(berlin):
    cross, rest = berlin.key(), berlin.rest_key()
    found = {key["id"]: key for key in berlin.get(GET + "?with_limited_by=true").json["api_keys"]}
    assert "limited_by" not in found[cross["id"]] and "superuser" in found[rest["id"]]["limited_by"][0]
    assert "access" not in found[rest["id"]] and found[rest["id"]]["type"] == "rest"
    assert "limited_by" not in berlin.read_key(rest["id"])


@pytest.mark.needs("untouched")
def test_3_1_names(berlin):
    names = ["one", "one", "one-more", "o*e", "one*", "o?e", "a b/c&d"]
    made = [berlin.key(name)["id"] for name in names]
    rest = berlin.rest_key("one")["id"]

    def by(name):
        return ids(Api.get(berlin, GET, params={"name": name}))

    assert by("one") == {made[0], made[1], rest}, "both types come back"
    assert by("one*") == {made[0], made[1], made[2], made[4], rest}, "a trailing * is a prefix, and cannot be escaped"
    assert by("o*e") == {made[3]} and by("o?e") == {made[5]} and by("a b/c&d") == {made[6]}
    assert by("*") == {*made, rest} and by("") == {*made, rest} and by("nothing") == set()


def test_3_1_404_only_by_id(berlin):
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
def test_3_1_conflicts(berlin, query, text):
    answer = berlin.get(f"{GET}?{query}")
    assert (answer.status, answer.error["type"]) == (
        400,
        "action_request_validation_exception",
    ) and text in answer.error["reason"]


def test_3_1_bad_flag(berlin):
    answer = berlin.get(GET + "?owner=yes")
    assert (
        answer.status == 400
        and answer.error["reason"] == "Failed to parse value [yes] as only [true] or [false] are allowed."
    )


@pytest.mark.needs("clock")
def test_3_1_inactive_keys(world, berlin):
    live, short, dead = berlin.key(), berlin.key(expiration="1m"), berlin.key()
    berlin.delete(GET, {"ids": [dead["id"]]})
    world.control("berlin", "advance_clock", seconds=60)
    assert ids(berlin.get(GET)) == {live["id"], short["id"], dead["id"]}
    assert berlin.read_key(short["id"])["invalidated"] is False, "expired is not invalidated"
    assert ids(berlin.get(GET + "?active_only=true")) == {live["id"]}
    assert berlin.get(f"{GET}?active_only=true&id={dead['id']}").status == 404


@pytest.mark.parametrize("privilege", ["read_security", "manage_api_key", "manage_security", "all"])
@pytest.mark.needs("untouched")
def test_3_1_readers_of_all(berlin, privilege):
    key = berlin.key()
    assert ids(berlin.user("reader", [privilege]).get(GET)) == {key["id"]}


@pytest.mark.needs("untouched")
def test_3_1_own_keys(berlin):
    berlin.key()
    user = berlin.user("own", ["manage_own_api_key"])
    mine = user.rest_key()
    refused = user.get(GET)
    assert refused.status == 403 and "cluster:admin/xpack/security/api_key/get" in refused.error["reason"]
    assert ids(user.get(GET + "?owner=true")) == {mine["id"]}
    assert (
        user.get(f"{GET}?id={mine['id']}").status == 403 and user.get(f"{GET}?id={mine['id']}&owner=true").status == 200
    )
    assert ids(user.get(GET + "?username=own&realm_name=default_native")) == {mine["id"]}
    assert berlin.user("none", ["monitor", "manage"]).get(GET).status == 403
    itself = berlin.as_api_key(mine["encoded"])
    assert ids(itself.get(f"{GET}?id={mine['id']}")) == {mine["id"]}, "a key may look at itself"


@pytest.mark.needs("untouched")
def test_3_1_by_owner(berlin):
    key = berlin.key()
    other = berlin.user("ann", ["manage_security"]).key()
    assert ids(berlin.get(GET + "?username=ann")) == {other["id"]} and ids(
        berlin.get(GET + "?realm_name=reserved")
    ) == {key["id"]}
    assert ids(berlin.get(GET + "?owner=true")) == {key["id"]}
    assert ids(berlin.get(GET + "?owner=true&name=*")) == {key["id"]}


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
