# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 1.1 to 1.3: what creating a cross-cluster key takes, answers and refuses."""

from __future__ import annotations

import base64
import json

import pytest

from support.worlds import of_version

CREATE = "/_security/cross_cluster/api_key"
OK = {"search": [{"names": ["logs-*"]}]}
ROLE = "failed to parse indices privileges for role [cross_cluster]. "
OUTER_ACCESS = "[cross_cluster_api_key_request] failed to parse field [access]"
SUBSET = "Exceptions for field permissions must be a subset of the granted fields"
BUILD = "Failed to build [cross_cluster_api_key_request] after last required field arrived"


def test_1_2_response(each_berlin):
    made = each_berlin.post(CREATE, {"name": "shape", "access": OK})
    assert made.status == 200
    assert set(made.json) == {"id", "name", "api_key", "encoded"}
    assert len(made.json["id"]) == 20 and len(made.json["api_key"]) == 22
    assert base64.b64decode(made.json["encoded"]).decode() == f"{made.json['id']}:{made.json['api_key']}"
    with_end = each_berlin.post(CREATE, {"name": "shape", "access": OK, "expiration": "1d"}).json
    created = each_berlin.read_key(with_end["id"])["creation"]
    assert with_end["expiration"] == created + 86_400_000
    assert with_end["id"] != made.json["id"], "names are not unique"
    both = {"query": {"ids": {"values": [made.json["id"], with_end["id"]]}}}
    assert each_berlin.get("/_security/_query/api_key", both).json["total"] == 2, "seen at once"


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
        "field_security null",
        entry(field_security=None),
        ROLE + 'expected START_OBJECT but got VALUE_NULL in "field_security".',
    ),
    ("grant null", entry(field_security={"grant": None}), ROLE + "grant must not be null."),
    ("names null", {"search": [{"names": None}]}, "but found [VALUE_NULL] instead"),
    ("name for names", {"search": [{"name": "a"}]}, ROLE + "unexpected field [name]"),
    (
        "privileges on the other side",
        {"replication": [{"names": ["a"], "privileges": ["all"]}]},
        "field [privileges] must not present",
    ),
    (
        "an entry that is text",
        {"search": ["a"]},
        ROLE
        + "expected field [null] value to be an array of objects, but found an array element of type [VALUE_STRING]",
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
]


@pytest.mark.parametrize(("access", "reason"), [row[1:] for row in ENTRIES], ids=[row[0] for row in ENTRIES])
def test_1_3_entries(each_berlin, access, reason):
    answer = each_berlin.post(CREATE, {"name": "x", "access": access})
    assert answer.status == 400 and answer.json["status"] == 400
    assert answer.error["type"] == "x_content_parse_exception" and OUTER_ACCESS in answer.error["reason"]
    assert reason in answer.reasons[-1]
    side = next(iter(access))
    assert f"[cross_cluster_api_key_request_access] failed to parse field [{side}]" in answer.reasons[1]
    assert answer.error["root_cause"] == [{"type": "parse_exception", "reason": answer.reasons[-1]}]


@pytest.mark.parametrize(
    ("access", "causes"),
    [
        (
            entry(field_security={"grant": ["a*", "c"], "except": ["b", "d"]}),
            [
                ("parse_exception", f"{ROLE[:-2]} - {SUBSET} but b,d is not a subset of a*,c"),
                ("security_exception", f"{SUBSET} but b,d is not a subset of a*,c"),
            ],
        ),
        *[
            (access, [("parse_exception", "failed to parse role [cross_cluster]"), ("parse_exception", reason)])
            for access, reason in (
                (
                    entry(field_security={"grant": "x"}),
                    "could not parse [grant] field. expected a string array but found [VALUE_STRING] value instead",
                ),
                (
                    {"search": [{"names": ["a", 5]}]},
                    "could not parse [null] field. expected a string array but one of the value in the array is "
                    "[VALUE_NUMBER]",
                ),
                (
                    {"search": [{"names": [None]}]},
                    "could not parse [null] field. expected a string array but one of the value in the array is "
                    "[VALUE_NULL]",
                ),
            )
        ],
    ],
    ids=str,
)
def test_1_3_entries_with_a_cause(each_berlin, access, causes):
    answer = each_berlin.post(CREATE, {"name": "x", "access": access})
    assert answer.status == 400 and OUTER_ACCESS in answer.error["reason"]
    assert answer.causes[2:] == causes
    assert answer.error["root_cause"][0]["type"] == causes[-1][0]


def refused_access(answer, reason):
    assert answer.status == 400
    assert answer.causes == [("x_content_parse_exception", BUILD), ("illegal_argument_exception", reason)]
    assert answer.error["root_cause"] == [{"type": "x_content_parse_exception", "reason": BUILD}]


@pytest.mark.parametrize(("access", "reason"), [row[1:] for row in ACCESS], ids=[row[0] for row in ACCESS])
def test_1_3_access(each_berlin, access, reason):
    refused_access(each_berlin.post(CREATE, {"name": "x", "access": access}), reason)


@pytest.mark.parametrize("restricted", [{"query": "{}"}, {"field_security": {"grant": ["x"]}}], ids=str)
def test_1_3_restricted_search_beside_replication(each_berlin, restricted):
    access = {"search": [{"names": ["a"], **restricted}], "replication": [{"names": ["a"]}]}
    answer = each_berlin.post(CREATE, {"name": "x", "access": access})
    if of_version({"8.10": True, "8.14": False}, each_berlin.spec["version"]):
        assert answer.status == 200, "nothing was wrong with it before the keys were generally available"
    else:
        refused_access(answer, "search does not support document or field level security if replication is assigned")


def test_1_3_last_of_all_fields(each_berlin):
    """A request is built as soon as it has every field, within that field; else at the end."""
    body = {"name": "x", "access": OK, "metadata": {}, "expiration": "1w"}
    plain, within = ["Failed to build"], ["failed to parse field [{}]", "Failed to build"]
    tables = (
        (body, "expiration", {"8.10": within, "9.3": plain}),
        ({"expiration": "1w", "metadata": {}, "access": OK, "name": "x"}, "name", {"8.10": within, "9.3": plain}),
        ({"name": "x", "access": OK, "expiration": "1w"}, "", {"8.10": plain}),
    )
    for one, last, table in tables:
        answer = each_berlin.post(CREATE, one)
        wanted = [text.format(last) for text in of_version(table, each_berlin.spec["version"])]
        assert answer.status == 400 and len(answer.reasons) == len(wanted) + 1
        assert all(part in reason for part, reason in zip(wanted, answer.reasons, strict=False))
        assert answer.causes[-1][0] == "illegal_argument_exception" and "[1w]" in answer.reasons[-1]


@pytest.mark.needs(since="9.3")
def test_1_3_last_of_all_fields_with_an_identity(berlin_once):
    body = {"name": "x", "access": OK, "metadata": {}, "expiration": "1w", "certificate_identity": "x"}
    answer = berlin_once.post(CREATE, body)
    assert "[cross_cluster_api_key_request] failed to parse field [certificate_identity]" in answer.reasons[0]
    assert answer.reasons[1] == BUILD


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
        "an array",
        [],
        "x_content_parse_exception",
        ["[cross_cluster_api_key_request] Expected START_OBJECT but was: START_ARRAY"],
    ),
]


@pytest.mark.parametrize(("body", "kind", "reasons"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_1_3_body(each_berlin, body, kind, reasons):
    answer = each_berlin.post(CREATE, body)
    assert (answer.status, answer.error["type"]) == (400, kind)
    assert len(answer.reasons) == len(reasons)
    for found, wanted in zip(answer.reasons, reasons, strict=True):
        assert wanted in found


@pytest.mark.parametrize(
    ("name", "problems"),
    [
        ("_x ", ["may not begin or end with whitespace", "may not begin with an underscore"]),
        ("x" * 257 + " ", ["may not be more than 256 characters long", "may not begin or end with whitespace"]),
        (" ", ["may not begin or end with whitespace"]),
        ("x\n", ["may not begin or end with whitespace"]),
        ("", ["is required"]),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_1_3_several_problems(each_berlin, name, problems):
    answer = each_berlin.post(CREATE, {"name": name, "access": OK, "metadata": {"_a": 1}})
    named = problems[: of_version({"8.10": 2, "9.3": 1}, each_berlin.spec["version"])]
    texts = [*[f"api key name {problem}" for problem in named], "API key metadata keys may not start with [_]"]
    reason = "".join(f"{position}: {text};" for position, text in enumerate(texts, 1))
    assert answer.causes == [("action_request_validation_exception", f"Validation Failed: {reason}")]


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
def test_1_3_expiration(each_berlin, text, reason):
    answer = each_berlin.post(CREATE, {"name": "x", "access": OK, "expiration": text})
    assert (answer.status, answer.error["type"], answer.error["reason"]) == (400, "x_content_parse_exception", BUILD)
    assert answer.causes[1] == ("illegal_argument_exception", reason)
    if "unit" not in reason and "negative" not in reason:
        assert answer.causes[2] == ("number_format_exception", f'For input string: "{text[:-1]}"')


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("9999999999999d", ("date_time_exception", "Instant exceeds minimum or maximum instant")),
        ("9223372036854775807ms", ("arithmetic_exception", "long overflow")),
    ],
)
def test_1_3_expiration_out_of_range(each_berlin, text, cause):
    answer = each_berlin.post(CREATE, {"name": "x", "access": OK, "expiration": text})
    assert answer.status == 500 and answer.causes == [cause]


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
        ("1 d", 86400),
        ("+1d", 86400),
        ("200000d", 200000 * 86400),
    ],
)
def test_1_3_traps_of_expiration(each_berlin, text, seconds):
    made = each_berlin.post(CREATE, {"name": "trap", "access": OK, "expiration": text})
    assert made.status == 200
    key = each_berlin.read_key(made.json["id"])
    assert key["expiration"] - key["creation"] == seconds * 1000 and key["invalidated"] is False


def test_1_3_no_body_and_bad_json(each_berlin):
    answer = each_berlin.post(CREATE)
    assert (answer.status, answer.error["type"], answer.error["reason"]) == (
        400,
        "parse_exception",
        "request body is required",
    )
    headers = {"Content-Type": "application/json"}
    parsed = "x_content_parse_exception"
    cut = {"8.10": (parsed, "Unexpected end-of-input"), "9.2": ("x_content_e_o_f_exception", "Unexpected end of file")}
    for broken, kind, text in (
        (b"{", *of_version(cut, each_berlin.spec["version"])),
        (b'{"name": }', parsed, "Unexpected character ('}' (code 125)): expected a value"),
        (b'{"name": "a" "b"}', parsed, "(code 34)): was expecting comma to separate Object entries"),
        (b"nonsense", parsed, "Unrecognized token 'nonsense': was expecting (JSON String, Number, Array, Object or"),
        (b'{"name":"a","name":"b"}', parsed, "Duplicate field 'name'"),
        (b'{"name":"\xff"}', parsed, "Invalid UTF-8 start byte 0xff"),
    ):
        answer = each_berlin.post(CREATE, data=broken, headers=headers)
        assert (answer.status, answer.error["type"]) == (400, kind), broken
        assert any(text in reason for reason in answer.reasons), answer
    good = json.dumps({"name": "junk after", "access": OK}).encode()
    assert each_berlin.post(CREATE, data=good + b" }", headers=headers).status == 200, (
        "what follows the object is ignored"
    )


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "access": {"search": {"names": "a"}}},
        {"name": "x", "access": {"search": [{"names": "a", "query": None}]}},
        {"name": "x", "access": {"search": [{"names": "a", "query": ""}], "replication": {"names": "a"}}},
        {"name": "x", "access": {"search": [{"names": "a", "transient_metadata": {"x": 1}}]}},
        {"name": "x", "access": {"search": [{"names": ["", "a,b", "a::data", "/a", "A"]}]}},
        {"name": "x", "access": {"search": [{"names": "a", "field_security": {"grant": []}}]}},
        {"name": "\u00a0x", "access": OK},
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
def test_1_3_accepted(each_berlin, body):
    assert each_berlin.post(CREATE, body).status == 200


def test_1_3_unknown_parameter(each_berlin):
    for query, named in (("refresh=true", "parameter: [refresh]"), ("xyz=1&foo=2", "parameters: [foo], [xyz]")):
        answer = each_berlin.post(f"{CREATE}?{query}", {"name": "x", "access": OK})
        assert answer.status == 400
        assert answer.causes == [("illegal_argument_exception", f"request [{CREATE}] contains unrecognized {named}")]
