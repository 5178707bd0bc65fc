# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 1.1 to 1.3: what creating a cross-cluster key takes, answers and refuses."""

from __future__ import annotations

import base64
import json

import pytest

from support.worlds import Api

CREATE = "/_security/cross_cluster/api_key"
OK = {"search": [{"names": ["logs-*"]}]}
ROLE = "failed to parse indices privileges for role [cross_cluster]. "
OUTER_ACCESS = "[cross_cluster_api_key_request] failed to parse field [access]"
BUILD = "Failed to build [cross_cluster_api_key_request] after last required field arrived"


def test_1_2_response(berlin_once):
    before = berlin_once.get("/_security/_query/api_key", {"size": 0}).json["total"]
    made = berlin_once.post(CREATE, {"name": "shape", "access": OK})
    assert made.status == 200
    assert set(made.json) == {"id", "name", "api_key", "encoded"}
    assert len(made.json["id"]) == 20 and len(made.json["api_key"]) == 22
    assert base64.b64decode(made.json["encoded"]).decode() == f"{made.json['id']}:{made.json['api_key']}"
    with_end = berlin_once.post(CREATE, {"name": "shape", "access": OK, "expiration": "1d"}).json
    created = berlin_once.read_key(with_end["id"])["creation"]
    assert with_end["expiration"] == created + 86_400_000
    assert with_end["id"] != made.json["id"], "names are not unique"
    assert berlin_once.get("/_security/_query/api_key", {"size": 0}).json["total"] == before + 2


# (what is wrong, body without name, type of the outermost error, reasons from the outermost to the innermost (each a
# part))
def entry(**fields):
    return {"search": [{"names": ["a"], **fields}]}


ENTRIES = [
    ("unknown field in an entry", entry(x=1), ROLE + "unexpected field [x]"),
    ("explicit privileges", entry(privileges=["read"]), ROLE + "field [privileges] must not present"),
    ("clusters in an entry", entry(clusters=["a"]), ROLE + "unexpected field [clusters]"),
    ("no names", {"search": [{}]}, ROLE + "missing required [names] field"),
    ("empty names", {"search": [{"names": []}]}, ROLE + "[names] cannot be an empty array"),
    (
        "names a number",
        {"search": [{"names": 1}]},
        ROLE + "expected field [names] value to be a string or an array of strings, but found [VALUE_NUMBER] instead",
    ),
    (
        "names an object",
        {"search": [{"names": {}}]},
        ROLE + "expected field [names] value to be a string or an array of strings, but found [START_OBJECT] instead",
    ),
    (
        "restricted as text",
        entry(allow_restricted_indices="true"),
        ROLE + "expected field [allow_restricted_indices] value to be a boolean, but found [VALUE_STRING] instead",
    ),
    (
        "query a number",
        entry(query=1),
        ROLE
        + "expected field [query] value to be null, a string, an array, or an object, but found [VALUE_NUMBER] instead",
    ),
    (
        "query an array",
        entry(query=[]),
        ROLE
        + "expected field [query] value to be null, a string, an array, or an object, but found [START_ARRAY] instead",
    ),
    (
        "query a boolean",
        entry(query=True),
        ROLE + "expected field [query] value to be null, a string, an array, or an object, but found [VALUE_BOOLEAN] "
        "instead",
    ),
    ("empty field_security", entry(field_security={}), ROLE + '"field_security" must not be empty.'),
    (
        "unknown field_security option",
        entry(field_security={"x": ["a"]}),
        "only accepts options grant and except, but got: x",
    ),
    (
        "except without grant",
        entry(field_security={"except": ["a"]}),
        ROLE + "field_security requires grant if except is given",
    ),
    (
        "except outside grant",
        entry(field_security={"grant": ["a"], "except": ["b"]}),
        "must be a subset of the granted fields",
    ),
    (
        "privileges on the other side",
        {"replication": [{"names": ["a"], "privileges": ["all"]}]},
        "field [privileges] must not present",
    ),
    (
        "an entry that is text",
        {"search": ["a"]},
        ROLE
        + "expected field [search] value to be an array of objects, but found an array element of type [VALUE_STRING]",
    ),
]
ACCESS = [
    ("empty access", {}, "must specify non-empty access for either [search] or [replication]"),
    (
        "empty lists",
        {"search": [], "replication": []},
        "must specify non-empty access for either [search] or [replication]",
    ),
    (
        "replication with a query",
        {"replication": [{"names": ["a"], "query": {"match_all": {}}}]},
        "replication does not support document or field level security",
    ),
    (
        "replication with fields",
        {"replication": [{"names": ["a"], "field_security": {"grant": ["b"]}}]},
        "replication does not support document or field level security",
    ),
    (
        "search query beside replication",
        {"search": [{"names": ["a"], "query": "{}"}], "replication": [{"names": ["a"]}]},
        "search does not support document or field level security if replication is assigned",
    ),
    (
        "search fields beside replication",
        {"search": [{"names": ["a"], "field_security": {"grant": ["x"]}}], "replication": [{"names": ["a"]}]},
        "search does not support document or field level security if replication is assigned",
    ),
]


@pytest.mark.parametrize(("access", "reason"), [row[1:] for row in ENTRIES], ids=[row[0] for row in ENTRIES])
def test_1_3_entries(berlin_once, access, reason):
    answer = berlin_once.post(CREATE, {"name": "x", "access": access})
    assert answer.status == 400 and answer.json["status"] == 400
    assert answer.error["type"] == "x_content_parse_exception" and OUTER_ACCESS in answer.error["reason"]
    assert reason in answer.reasons[-1]
    side = next(iter(access))
    assert f"[cross_cluster_api_key_request_access] failed to parse field [{side}]" in answer.reasons[1]
    assert answer.error["root_cause"] == [{"type": "parse_exception", "reason": answer.reasons[-1]}]


@pytest.mark.parametrize(("access", "reason"), [row[1:] for row in ACCESS], ids=[row[0] for row in ACCESS])
def test_1_3_access(berlin_once, access, reason):
    answer = berlin_once.post(CREATE, {"name": "x", "access": access})
    assert answer.status == 400 and answer.error["type"] == "x_content_parse_exception"
    assert OUTER_ACCESS in answer.error["reason"] and reason == answer.reasons[-1]
    cause = answer.error["caused_by"]["caused_by"]
    assert cause["type"] == "illegal_argument_exception"


BODIES = [
    ("no fields", {}, "illegal_argument_exception", ["Required [name, access]"]),
    ("no access", {"name": "x"}, "illegal_argument_exception", ["Required [access]"]),
    ("no name", {"access": OK}, "illegal_argument_exception", ["Required [name]"]),
    (
        "null access",
        {"name": "x", "access": None},
        "x_content_parse_exception",
        ["access doesn't support values of type: VALUE_NULL"],
    ),
    (
        "null search",
        {"name": "x", "access": {"search": None}},
        "x_content_parse_exception",
        [OUTER_ACCESS, "search doesn't support values of type: VALUE_NULL"],
    ),
    (
        "unknown top-level field",
        {"name": "x", "access": OK, "role_descriptors": {}},
        "x_content_parse_exception",
        ["[cross_cluster_api_key_request] unknown field [role_descriptors]"],
    ),
    (
        "unknown access field",
        {"name": "x", "access": {**OK, "write": []}},
        "x_content_parse_exception",
        [OUTER_ACCESS, "unknown field [write]"],
    ),
    (
        "name a number",
        {"name": 1, "access": OK},
        "x_content_parse_exception",
        ["name doesn't support values of type: VALUE_NUMBER"],
    ),
    (
        "metadata a list",
        {"name": "x", "access": OK, "metadata": []},
        "x_content_parse_exception",
        ["metadata doesn't support values of type: START_ARRAY"],
    ),
    (
        "expiration null",
        {"name": "x", "access": OK, "expiration": None},
        "x_content_parse_exception",
        ["expiration doesn't support values of type: VALUE_NULL"],
    ),
    (
        "expiration a number",
        {"name": "x", "access": OK, "expiration": 5},
        "x_content_parse_exception",
        ["expiration doesn't support values of type: VALUE_NUMBER"],
    ),
    (
        "empty name",
        {"name": "", "access": OK},
        "action_request_validation_exception",
        ["Validation Failed: 1: api key name is required;"],
    ),
    (
        "long name",
        {"name": "x" * 257, "access": OK},
        "action_request_validation_exception",
        ["1: api key name may not be more than 256 characters long;"],
    ),
    (
        "name with a blank",
        {"name": " x", "access": OK},
        "action_request_validation_exception",
        ["1: api key name may not begin or end with whitespace;"],
    ),
    (
        "name with underscore",
        {"name": "_x", "access": OK},
        "action_request_validation_exception",
        ["1: api key name may not begin with an underscore;"],
    ),
    (
        "metadata underscore",
        {"name": "x", "access": OK, "metadata": {"_a": 1}},
        "action_request_validation_exception",
        ["1: API key metadata keys may not start with [_];"],
    ),
    (
        "several problems",
        {"name": "_x ", "access": OK, "metadata": {"_a": 1}},
        "action_request_validation_exception",
        [
            "Validation Failed: 1: api key name may not begin or end with whitespace;2: api key name may not "
            "begin with an underscore;"
            "3: API key metadata keys may not start with [_];"
        ],
    ),
    (
        "an array",
        [],
        "x_content_parse_exception",
        ["[cross_cluster_api_key_request] Expected START_OBJECT but was: START_ARRAY"],
    ),
]


@pytest.mark.parametrize(("body", "kind", "reasons"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_1_3_body(berlin_once, body, kind, reasons):
    answer = berlin_once.post(CREATE, body)
    assert (answer.status, answer.error["type"]) == (400, kind)
    assert len(answer.reasons) == len(reasons)
    for found, wanted in zip(answer.reasons, reasons, strict=True):
        assert wanted in found


EXPIRATIONS = [
    ("1w", "failed to parse setting [expiration] with value [1w] as a time value: unit is missing or unrecognized"),
    ("30", "failed to parse setting [expiration] with value [30] as a time value: unit is missing or unrecognized"),
    ("1M", "failed to parse setting [expiration] with value [1M] as a time value: unit is missing or unrecognized"),
    ("", "failed to parse setting [expiration] with value [] as a time value: unit is missing or unrecognized"),
    (
        "-5d",
        "failed to parse setting [expiration] with value [-5d] as a time value: negative durations are not supported",
    ),
    ("1.5d", "failed to parse [1.5d], fractional time values are not supported"),
    ("xd", "failed to parse [xd]"),
]


@pytest.mark.parametrize(("text", "reason"), EXPIRATIONS, ids=[row[0] or "empty" for row in EXPIRATIONS])
def test_1_3_expiration(berlin_once, text, reason):
    answer = berlin_once.post(CREATE, {"name": "x", "access": OK, "expiration": text})
    assert (answer.status, answer.error["type"], answer.error["reason"]) == (400, "x_content_parse_exception", BUILD)
    assert (
        answer.error["caused_by"]["type"] == "illegal_argument_exception"
        and answer.error["caused_by"]["reason"] == reason
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("-1", 0),
        ("-1s", -1),
        ("-1d", -86400),
        ("999ms", 0),
        ("1500ms", 1),
        ("2m", 120),
        ("1H", 3600),
        ("1D", 86400),
        ("1000000micros", 1),
        ("1nanos", 0),
        (" 3d ", 3 * 86400),
    ],
)
def test_1_3_traps_of_expiration(berlin_once, text, seconds):
    made = berlin_once.post(CREATE, {"name": "trap", "access": OK, "expiration": text})
    assert made.status == 200
    key = berlin_once.read_key(made.json["id"])
    assert key["expiration"] - key["creation"] == seconds * 1000 and key["invalidated"] is False


def test_1_3_no_body_and_bad_json(berlin_once):
    answer = berlin_once.post(CREATE)
    assert (answer.status, answer.error["type"], answer.error["reason"]) == (
        400,
        "parse_exception",
        "request body is required",
    )
    headers = {"Content-Type": "application/json"}
    for broken in (b"{", b'{"name": }', b'{"name": "a" "b"}', b"nonsense", b'{"a":1,"a":2}', b'{"name":"\xff"}'):
        answer = berlin_once.post(CREATE, data=broken, headers=headers)
        assert (answer.status, answer.error["type"]) == (400, "x_content_parse_exception"), broken
    good = json.dumps({"name": "junk after", "access": OK}).encode()
    assert berlin_once.post(CREATE, data=good + b" }", headers=headers).status == 200, (
        "what follows the object is ignored"
    )


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "access": {"search": {"names": "a"}}},
        {"name": "x", "access": {"search": [{"names": "a", "query": None}]}},
        {"name": "x", "access": {"search": [{"names": "a", "query": ""}], "replication": {"names": "a"}}},
        {"name": "x", "access": {"search": [{"names": "a", "query": "not a query"}]}},
        {
            "name": "x",
            "access": {"search": [{"names": "a", "field_security": {"grant": ["*"]}}], "replication": [{"names": "b"}]},
        },
        {"name": "x" * 256, "access": OK},
        {"name": "ünï/ç*", "access": OK},
    ],
    ids=str,
)
def test_1_3_accepted(berlin_once, body):
    assert berlin_once.post(CREATE, body).status == 200


def test_1_3_unknown_parameter(berlin_once):
    answer = berlin_once.post(CREATE + "?refresh=true", {"name": "x", "access": OK})
    assert answer.status == 400 and answer.error["type"] == "illegal_argument_exception"
    assert (
        answer.error["reason"]
        == "request [/_security/cross_cluster/api_key] contains unrecognized parameter: [refresh]"
    )


@pytest.mark.needs("clusters")
def test_1_3_rules_before_ga(make_world):
    old = Api(make_world(["old"], version="8.13.0", nodes=1).cluster("old"))
    both = {"search": [{"names": ["a"], "query": "{}"}], "replication": [{"names": ["a"]}]}
    assert old.post(CREATE, {"name": "x", "access": both}).status == 200
    assert old.post(CREATE, {"name": "x", "access": {"replication": [{"names": ["a"], "query": "{}"}]}}).status == 400
