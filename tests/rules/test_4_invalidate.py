# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule 4: invalidation."""

from __future__ import annotations

import pytest

from support.worlds import Api

PATH = "/_security/api_key"


def invalidated(answer):
    assert answer.status == 200, answer
    assert answer.json["previously_invalidated_api_keys"] == []
    assert ("error_details" in answer.json) == (answer.json["error_count"] > 0)
    return set(answer.json["invalidated_api_keys"])


def test_4_nothing_matches(berlin):
    dead = berlin.key()
    assert invalidated(berlin.delete(PATH, {"ids": [dead["id"]]})) == {dead["id"]}
    for body in ({"ids": [dead["id"]]}, {"ids": ["unknown"]}, {"name": "nothing"}, {"username": "nobody"}):
        assert invalidated(berlin.delete(PATH, body)) == set()


def test_4_expired_keys_can_be_invalidated(berlin):
    key = berlin.key(expiration="-1d")
    assert invalidated(berlin.delete(PATH, {"ids": [key["id"]]})) == {key["id"]}


@pytest.mark.needs("untouched")
def test_4_names(berlin):
    one, two, more, rest = berlin.key("one"), berlin.key("one"), berlin.key("one-more"), berlin.rest_key("one")
    assert invalidated(berlin.delete(PATH, {"name": "one"})) == {one["id"], two["id"], rest["id"]}, (
        "REST keys are hit as well"
    )
    assert invalidated(berlin.delete(PATH, {"name": "one*"})) == {more["id"]}
    last = berlin.key("x")
    assert invalidated(berlin.delete(PATH, {"name": "*"})) == {last["id"]}


@pytest.mark.needs("untouched")
def test_4_owners(berlin):
    mine = berlin.key()
    other = berlin.user("ann", ["manage_security"]).key()
    assert invalidated(berlin.delete(PATH, {"owner": True})) == {mine["id"]}
    assert invalidated(berlin.delete(PATH, {"username": "ann", "realm_name": "default_file"})) == set()
    assert invalidated(berlin.delete(PATH, {"username": "ann"})) == {other["id"]}


def test_4_cross_cluster_keys_need_manage_security(berlin):
    cross, rest = berlin.key("same"), berlin.rest_key("same")
    weak = berlin.user("weak", ["manage_api_key"])
    answer = weak.delete(PATH, {"name": "same"})
    assert invalidated(answer) == {rest["id"]} and answer.json["error_count"] == 1
    assert answer.json["error_details"] == [
        {
            "type": "security_exception",
            "reason": (
                f"Cannot invalidate cross-cluster API key [{cross['id']}]. This requires [manage_security] "
                "cluster privilege or higher"
            ),
        }
    ]
    assert berlin.read_key(cross["id"])["invalidated"] is False
    assert invalidated(berlin.user("strong", ["manage_security"]).delete(PATH, {"ids": [cross["id"]]})) == {cross["id"]}


@pytest.mark.needs("untouched")
def test_4_even_the_owner_needs_it(berlin):
    berlin.put("/_security/role/strong", {"cluster": ["manage_security"]})
    berlin.put("/_security/user/ann", {"password": "secret-1", "roles": ["strong"]})
    ann = berlin.as_user("ann")
    key = ann.key()
    berlin.put("/_security/role/strong", {"cluster": ["manage_own_api_key"]})
    answer = ann.delete(PATH, {"owner": True})
    assert answer.status == 200 and answer.json["error_count"] == 1
    assert berlin.read_key(key["id"])["invalidated"] is False


@pytest.mark.needs("clusters")
def test_4_before_8_14_manage_api_key_is_enough(make_world):
    old = Api(make_world(["old"], version="8.13.4", nodes=1).cluster("old"))
    key = old.key()
    assert invalidated(old.user("weak", ["manage_api_key"]).delete(PATH, {"ids": [key["id"]]})) == {key["id"]}


def test_4_not_allowed_at_all(berlin):
    for privilege in ("monitor", "read_security", "manage", "manage_own_api_key"):
        answer = berlin.user("none", [privilege]).delete(PATH, {"name": "x"})
        assert (answer.status, answer.error["type"]) == (403, "security_exception")
        assert (
            "action [cluster:admin/xpack/security/api_key/invalidate] is unauthorized for user [none]"
            in answer.error["reason"]
        )
        assert answer.error["reason"].endswith("[manage_api_key,manage_security,all]")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "One of [api key id(s), api key name, username, realm name] must be specified if [owner] flag is false"),
        (
            {"name": ""},
            "One of [api key id(s), api key name, username, realm name] must be specified if [owner] flag is false",
        ),
        (
            {"ids": ["a"], "username": "b"},
            "username or realm name must not be specified when the api key id(s) or api key name are specified",
        ),
        (
            {"name": "a", "realm_name": "b"},
            "username or realm name must not be specified when the api key id(s) or api key name are specified",
        ),
        (
            {"owner": True, "username": "b"},
            "neither username nor realm-name may be specified when invalidating owned API keys",
        ),
        ({"ids": ["a"], "name": "b"}, "only one of [api key id(s), api key name] can be specified"),
        ({"ids": []}, "Field [ids] cannot be an empty array"),
        ({"ids": ["a", " "]}, "Field [ids] must not contain blank id, but got blank id at index position: [1]"),
    ],
    ids=str,
)
def test_4_validation(berlin, body, text):
    answer = berlin.delete(PATH, body)
    assert (answer.status, answer.error["type"]) == (400, "action_request_validation_exception")
    assert f": {text};" in answer.error["reason"]


def test_4_body_required(berlin):
    answer = berlin.delete(PATH)
    assert answer.status == 400 and answer.error["reason"] == "request body is required"
    assert berlin.delete(PATH, {"names": ["a"]}).status == 400
