# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 2: update, no-op detection, owner rule, refusals."""

from __future__ import annotations

import time
import uuid

import pytest

from support.worlds import number, of_version

PATH = "/_security/cross_cluster/api_key"
ENTRY = {
    "names": ["a", "b"],
    "field_security": {"grant": ["x", "y*"], "except": ["y1", "y2"]},
    "query": '{"term": {"k": 1}}',
}


def somebody(name="ann"):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def put(api, key, **body):
    answer = api.put(f"{PATH}/{key['id']}", body)
    assert answer.status == 200, answer
    return answer.json["updated"]


def test_2_replaces_whole_fields(each_berlin):
    berlin = each_berlin
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


def test_2_expiration_counts_from_now_and_stays(each_berlin):
    """elastic/elasticsearch#103453: before 8.13 an update takes no expiration."""
    berlin = each_berlin
    key, rest = berlin.key(expiration="1d"), berlin.rest_key()
    time.sleep(1.1)
    assert put(berlin, key, metadata={"a": 1}) and berlin.read_key(key["id"])["expiration"] == key["expiration"]
    if number(berlin.spec["version"]) < (8, 13):
        for path in (f"{PATH}/{key['id']}", f"/_security/api_key/{rest['id']}"):
            answer = berlin.put(path, {"metadata": {}, "expiration": "2d"})
            assert (answer.status, answer.error["type"]) == (400, "x_content_parse_exception")
            assert answer.error["reason"].endswith("unknown field [expiration]")
    else:
        assert put(berlin, key, metadata={"a": 1}, expiration="1d") is True, "an expiration is never a no-op"
        assert 1_000 <= berlin.read_key(key["id"])["expiration"] - key["expiration"] <= 60_000


@pytest.mark.needs(since="9.3")
def test_2_certificate_identity(berlin):
    key = berlin.key(certificate_identity="CN=a")
    assert put(berlin, key, certificate_identity="CN=a") is False
    assert (
        put(berlin, key, certificate_identity="CN=b") and berlin.read_key(key["id"])["certificate_identity"] == "CN=b"
    )
    assert put(berlin, key, metadata={"a": 1}) and berlin.read_key(key["id"])["certificate_identity"] == "CN=b"
    assert put(berlin, key, certificate_identity=None) and "certificate_identity" not in berlin.read_key(key["id"])


def test_2_rewrites_creator(each_berlin):
    name = somebody()
    body = {"password": "secret-1", "roles": ["superuser"], "full_name": "First"}
    each_berlin.put(f"/_security/user/{name}", body)
    ann = each_berlin.as_user(name)
    mine = ann.key()
    each_berlin.put(f"/_security/user/{name}", {**body, "full_name": "Second"})
    assert put(ann, mine, access={"search": [{"names": ["logs-*"]}]}) is True, "the creator's full name changed"
    assert put(ann, mine, access={"search": [{"names": ["logs-*"]}]}) is False
    assert each_berlin.read_key(mine["id"])["username"] == name


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
]


@pytest.mark.parametrize(("body", "updated"), [row[1:] for row in NOOP], ids=[row[0] for row in NOOP])
def test_2_1_noop(each_berlin, body, updated):
    metadata = {"n": 42, "l": [1, 2], "o": {"x": 1, "y": 2}}
    key = each_berlin.key(access={"search": [ENTRY]}, metadata=metadata, expiration="9d")
    assert put(each_berlin, key, **body) is updated


def test_2_1_more_noops(each_berlin):
    berlin = each_berlin
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


@pytest.fixture(scope="module")
def path(each_berlin):
    """Of a key that no test here changes."""
    return f"{PATH}/{each_berlin.key()['id']}"


PARSER = "[update_cross_cluster_api_key_request_payload]"
REFUSED = [
    (
        {"access": {}},
        [("illegal_argument_exception", "must specify non-empty access for either [search] or [replication]")],
    ),
    (
        {"access": {"replication": [{"names": ["a"], "query": "{}"}]}},
        [("illegal_argument_exception", "replication does not support document or field level security")],
    ),
    (
        {"access": {"search": [{"names": []}]}},
        [
            ("x_content_parse_exception", f"{PARSER} failed to parse field [access]"),
            ("x_content_parse_exception", "[cross_cluster_api_key_request_access] failed to parse field [search]"),
            ("parse_exception", "[names] cannot be an empty array"),
        ],
    ),
    ({"name": "new"}, [("x_content_parse_exception", f"{PARSER} unknown field [name]")]),
    (
        {"metadata": {"_a": 1}},
        [("action_request_validation_exception", "Failed: 1: API key metadata keys may not start with [_];")],
    ),
    (
        {"metadata": None},
        [("x_content_parse_exception", f"{PARSER} metadata doesn't support values of type: VALUE_NULL")],
    ),
]


def refused(answer, causes):
    assert answer.status == 400
    assert [kind for kind, _reason in answer.causes] == [kind for kind, _reason in causes], answer
    for (_kind, reason), (_same, part) in zip(answer.causes, causes, strict=True):
        assert part in reason


@pytest.mark.parametrize(("body", "causes"), REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_2_2_refused_bodies(each_berlin, path, body, causes):
    refused(each_berlin.put(path, body), causes)


def test_2_2_no_body(each_berlin, path):
    assert each_berlin.put(path).causes == [("parse_exception", "request body is required")]


MUST = {
    "8.10": "must update either [access] or [metadata] for cross-cluster API keys",
    "9.3": "must update [access], [metadata], or [certificate_identity] for cross-cluster API keys",
}
FUTURE = "API key expiration must be in the future"


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({}, [MUST]),
        ({"expiration": "1d"}, [MUST]),
        ({"expiration": "0s"}, [FUTURE, MUST]),
        ({"metadata": {"_a": 1}, "expiration": "-1"}, ["API key metadata keys may not start with [_]", FUTURE]),
        ({"metadata": {}, "expiration": "0"}, [FUTURE]),
    ],
    ids=str,
)
def test_2_2_not_valid(each_berlin, body, texts):
    version = each_berlin.spec["version"]
    answer = each_berlin.put(f"{PATH}/unknown", body)
    if "expiration" in body and number(version) < (8, 13):
        refused(answer, [("x_content_parse_exception", f"{PARSER} unknown field [expiration]")])
    else:
        texts = [text if isinstance(text, str) else of_version(text, version) for text in texts]
        reason = "".join(f"{position}: {text};" for position, text in enumerate(texts, 1))
        assert answer.causes == [("action_request_validation_exception", f"Validation Failed: {reason}")]


@pytest.mark.parametrize("expiration", ["1w", "-5d"])
def test_2_2_bad_expiration(each_berlin, path, expiration):
    """A build that fails in the last of all fields is told within that field."""
    version = each_berlin.spec["version"]
    build = [
        ("x_content_parse_exception", f"Failed to build {PARSER} after last required field arrived"),
        ("illegal_argument_exception", f"failed to parse setting [expiration] with value [{expiration}] as a time"),
    ]
    within = [("x_content_parse_exception", f"{PARSER} failed to parse field [expiration]"), *build]
    unknown = [("x_content_parse_exception", f"{PARSER} unknown field [expiration]")]
    answer = each_berlin.put(path, {"metadata": {}, "expiration": expiration})
    refused(answer, of_version({"8.10": unknown, "8.13": build}, version))
    answer = each_berlin.put(path, {"access": {}, "metadata": {}, "expiration": expiration})
    refused(answer, of_version({"8.10": unknown, "8.13": within, "9.3": build}, version))
    null = {"8.10": "unknown field [expiration]", "8.13": "expiration doesn't support values of type: VALUE_NULL"}
    answer = each_berlin.put(path, {"metadata": {}, "expiration": None})
    refused(answer, [("x_content_parse_exception", of_version(null, version))])


@pytest.mark.needs(since="9.3")
@pytest.mark.parametrize(
    ("identity", "causes"),
    [
        (
            "(",
            [
                ("x_content_parse_exception", f"{PARSER} failed to parse field [certificate_identity]"),
                ("illegal_argument_exception", "Invalid certificate_identity format: [(]. Must be a valid regex."),
                ("pattern_syntax_exception", "near index"),
            ],
        ),
        (5, [("x_content_parse_exception", "certificate_identity doesn't support values of type: VALUE_NUMBER")]),
    ],
)
def test_2_2_bad_identity(berlin_once, identity, causes):
    refused(berlin_once.put(f"{PATH}/unknown", {"certificate_identity": identity}), causes)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("a,b", {"8.10": "", "9.3": "commas [,] are not allowed in the index name expression [a,b]"}),
        ("/a", {"8.10": "", "9.3": "invalid regular expression pattern [/a]"}),
        ("a::data", {"8.10": "", "8.19": "selectors [::] are not allowed in the index name expression [a::data]"}),
        ("", {"8.10": ""}),
        ("A", {"8.10": ""}),
    ],
)
def test_2_2_names_that_create_accepts(each_berlin, name, table):
    """So there are keys that cannot even be updated with their own access."""
    access = {"search": [{"names": [name]}]}
    key = each_berlin.key(access=access)
    reason = of_version(table, each_berlin.spec["version"])
    if reason:
        answer = each_berlin.put(f"{PATH}/{key['id']}", {"access": access})
        refused(answer, [("action_request_validation_exception", f"Validation Failed: 1: {reason};")])
    else:
        assert put(each_berlin, key, access=access) is False


def test_2_2_restricted_search_beside_replication(each_berlin):
    access = {"search": [{"names": ["a"], "query": "{}"}], "replication": [{"names": ["a"]}]}
    answer = each_berlin.put(f"{PATH}/{each_berlin.key()['id']}", {"access": access})
    if of_version({"8.10": True, "8.14": False}, each_berlin.spec["version"]):
        assert answer.json == {"updated": True}
    else:
        reason = "search does not support document or field level security if replication is assigned"
        assert answer.causes == [("illegal_argument_exception", reason)]


def test_2_2_state_and_type(each_berlin):
    berlin = each_berlin

    def reason(path, key_id, body):
        answer = berlin.put(f"{path}/{key_id}", body)
        assert (answer.status, answer.error["type"]) == (400, "illegal_argument_exception")
        return answer.error["reason"]

    dead, past, rest, live = berlin.key(), berlin.key(expiration="0s"), berlin.rest_key(), berlin.key()
    berlin.delete("/_security/api_key", {"ids": [dead["id"]]})
    assert reason(PATH, dead["id"], {"metadata": {}}) == f"cannot update invalidated API key [{dead['id']}]"
    assert reason(PATH, past["id"], {"metadata": {}}) == f"cannot update expired API key [{past['id']}]"
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


def test_2_2_owner_rule(each_berlin):
    key, name = each_berlin.key(), somebody()
    each_berlin.put(f"/_security/user/{name}", {"password": "secret-1", "roles": ["superuser"]})
    ann = each_berlin.as_user(name)
    for api, key_id in ((ann, key["id"]), (each_berlin, "unknown")):
        answer = api.put(f"{PATH}/{key_id}", {"metadata": {"a": 1}})
        assert (answer.status, answer.error["type"]) == (404, "resource_not_found_exception")
        assert answer.error["reason"] == f"no API key owned by requesting user found for ID [{key_id}]"
    assert put(ann.run_as("elastic"), key, metadata={"a": 1}) is True, "run-as makes the caller the owner"


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
