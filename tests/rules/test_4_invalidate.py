# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule 4: invalidation."""

from __future__ import annotations

import pytest

from support.worlds import of_version

PATH = "/_security/api_key"


def invalidated(answer):
    assert answer.status == 200, answer
    assert answer.json["previously_invalidated_api_keys"] == []
    assert ("error_details" in answer.json) == (answer.json["error_count"] > 0)
    return set(answer.json["invalidated_api_keys"])


@pytest.fixture
def berlin(each_berlin):
    return each_berlin


def test_4_nothing_matches(berlin):
    dead = berlin.key()
    assert invalidated(berlin.delete(PATH, {"ids": [dead["id"]]})) == {dead["id"]}
    for body in (
        {"ids": [dead["id"]]},
        {"ids": ["unknown"]},
        {"ids": "unknown"},
        {"ids": [5]},
        {"name": "nothing"},
        {"username": "nobody"},
    ):
        assert invalidated(berlin.delete(PATH, body)) == set()


def test_4_expired_keys_can_be_invalidated(berlin):
    key = berlin.key(expiration="-1d")
    assert invalidated(berlin.delete(PATH, {"ids": [key["id"]]})) == {key["id"]}


def test_4_names(berlin, ours):
    name = f"{ours}-one"
    one, two, more, rest = berlin.key(name), berlin.key(name), berlin.key(f"{name}-more"), berlin.rest_key(name)
    assert invalidated(berlin.delete(PATH, {"name": name})) == {one["id"], two["id"], rest["id"]}, (
        "REST keys are hit as well"
    )
    assert invalidated(berlin.delete(PATH, {"name": f"{name}*"})) == {more["id"]}
    last = berlin.key("x")
    assert last["id"] in invalidated(berlin.delete(PATH, {"name": "*"}))


def test_4_owners(berlin, ours):
    ann, bob = (berlin.user(f"{name}-{ours}", ["manage_security"]) for name in ("ann", "bob"))
    mine, other = ann.key(), bob.key()
    assert invalidated(ann.delete(PATH, {"owner": True})) == {mine["id"]}
    mine = ann.key()
    assert invalidated(ann.delete(PATH, {"owner": "true"})) == {mine["id"]}
    assert invalidated(berlin.delete(PATH, {"username": f"bob-{ours}", "realm_name": "default_file"})) == set()
    assert invalidated(berlin.delete(PATH, {"username": f"bob-{ours}"})) == {other["id"]}


def test_4_cross_cluster_keys_need_manage_security(berlin, ours):
    """From 8.14 on, also of who made them; before, manage_api_key is enough."""
    cross, rest = berlin.key(ours), berlin.rest_key(ours)
    answer = berlin.user(f"weak-{ours}", ["manage_api_key"]).delete(PATH, {"name": ours})
    enough = of_version({"8.10": True, "8.14": False}, berlin.spec["version"])
    assert invalidated(answer) == ({rest["id"], cross["id"]} if enough else {rest["id"]})
    reason = f"Cannot invalidate cross-cluster API key [{cross['id']}]. This requires [manage_security] "
    problem = {"type": "security_exception", "reason": reason + "cluster privilege or higher"}
    assert answer.json.get("error_details", []) == ([] if enough else [problem])
    assert answer.json["error_count"] == (0 if enough else 1)
    assert berlin.read_key(cross["id"])["invalidated"] is enough
    strong = berlin.user(f"strong-{ours}", ["manage_security"])
    assert invalidated(strong.delete(PATH, {"ids": [cross["id"]]})) == (set() if enough else {cross["id"]})


def test_4_even_the_owner_needs_it(berlin, ours):
    ann, role = f"ann-{ours}", f"/_security/role/strong-{ours}"
    berlin.put(role, {"cluster": ["manage_security"]})
    berlin.put(f"/_security/user/{ann}", {"password": "secret-1", "roles": [f"strong-{ours}"]})
    key = berlin.as_user(ann).key()
    berlin.put(role, {"cluster": ["manage_own_api_key"]})
    answer = berlin.as_user(ann).delete(PATH, {"owner": True})
    enough = of_version({"8.10": True, "8.14": False}, berlin.spec["version"])
    assert answer.status == 200 and answer.json["error_count"] == (0 if enough else 1)
    assert berlin.read_key(key["id"])["invalidated"] is enough


def test_4_not_allowed_at_all(berlin, ours):
    for privilege in ("monitor", "read_security", "manage", "manage_own_api_key"):
        answer = berlin.user(f"none-{ours}", [privilege]).delete(PATH, {"name": "x"})
        assert (answer.status, answer.error["type"]) == (403, "security_exception")
        assert (
            f"action [cluster:admin/xpack/security/api_key/invalidate] is unauthorized for user [none-{ours}]"
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
    ],
    ids=str,
)
def test_4_validation(berlin, body, text):
    answer = berlin.delete(PATH, body)
    assert answer.status == 400
    assert answer.causes == [("action_request_validation_exception", f"Validation Failed: 1: {text};")]


@pytest.mark.parametrize(
    ("body", "causes"),
    [
        *[
            (
                {"ids": ids},
                [
                    ("x_content_parse_exception", "Failed to build [invalidate_api_key] after last required field"),
                    ("action_request_validation_exception", f"Validation Failed: 1: Field [ids] {text};"),
                ],
            )
            for ids, text in (
                ([], "cannot be an empty array"),
                (["a", " "], "must not contain blank id, but got blank id at index position: [1]"),
                (["", " "], "must not contain blank id, but got blank ids at index positions: [0, 1]"),
            )
        ],
        ({"id": "a"}, [("x_content_parse_exception", "[invalidate_api_key] unknown field [id] did you mean [ids]?")]),
        ({"names": ["a"]}, [("x_content_parse_exception", "unknown field [names] did you mean [name]?")]),
        ({"ids": None}, [("x_content_parse_exception", "ids doesn't support values of type: VALUE_NULL")]),
        ({"name": 5}, [("x_content_parse_exception", "name doesn't support values of type: VALUE_NUMBER")]),
        (
            {"owner": "x"},
            [
                ("x_content_parse_exception", "[invalidate_api_key] failed to parse field [owner]"),
                ("illegal_argument_exception", "Failed to parse value [x] as only [true] or [false] are allowed."),
            ],
        ),
    ],
    ids=str,
)
def test_4_not_parsed(berlin, body, causes):
    answer = berlin.delete(PATH, body)
    assert answer.status == 400
    assert [kind for kind, _reason in answer.causes] == [kind for kind, _reason in causes]
    assert all(part in reason for (_kind, part), reason in zip(causes, answer.reasons, strict=True))


def test_4_body_required(berlin):
    answer = berlin.delete(PATH)
    assert answer.status == 400 and answer.error["reason"] == "request body is required"
    answer = berlin.delete(PATH + "?x=1", {"ids": ["a"]})
    assert answer.status == 400 and "contains unrecognized parameter: [x]" in answer.error["reason"]
