# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule 3.2: the query API."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.worlds import number, of_version

QUERY = "/_security/_query/api_key"
NOT_ALLOWED = {
    "8.10": "Field [{}] is not allowed for API Key query",
    "8.13": "Field [{}] is not allowed for API Key query or aggregation",
    "8.15": "Field [{}] is not allowed for querying or aggregation",
}
NOT_SUPPORTED = {
    "8.10": "Query type [{}] is not supported for API Key query",
    "8.15": "Query type [{}] is not currently supported in this context",
}
NO_LOOKUP = {
    "8.10": "terms query with terms lookup is not supported for API Key query",
    "8.15": "terms query with terms lookup is not currently supported in this context",
}


@pytest.fixture(scope="module")
def berlin(each_berlin):
    """With eight keys of every kind; others may be there."""
    names = ["alpha", "alpha", "alpine", "beta", "be*a"]
    keys = [
        each_berlin.key(name, metadata={"team": name[:2], "n": position, "deep": {"x": "y"}})
        for position, name in enumerate(names)
    ]
    keys.append(each_berlin.rest_key("alpha"))
    keys.append(each_berlin.key("expired", expiration="0s"))
    keys.append(each_berlin.key("dead"))
    each_berlin.delete("/_security/api_key", {"ids": [keys[7]["id"]]})
    each_berlin.keys = keys
    yield each_berlin
    each_berlin.delete("/_security/api_key", {"ids": [key["id"] for key in keys]})


def query(api, query, **more):
    """The query among the keys that were made here."""
    ours = {"ids": {"values": [key["id"] for key in api.keys]}}
    return api.post(QUERY, {"query": {"bool": {"must": [query], "filter": [ours]}}, "size": 100, **more})


def found(api, asked, **more):
    answer = query(api, asked, **more)
    assert answer.status == 200, answer
    assert answer.json["count"] == answer.json["total"] == len(answer.json["api_keys"])
    numbers = {key["id"]: position for position, key in enumerate(api.keys)}
    return [numbers[key["id"]] for key in answer.json["api_keys"]]


def term(field, value):
    return {"term": {field: value}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match_all": {}}, list(range(8))),
        (term("name", "alpha"), [0, 1, 5]),
        ({"term": {"name": {"value": "beta"}}}, [3]),
        (term("name", "be*a"), [4]),
        (term("name", "ALPHA"), []),
        ({"terms": {"name": ["beta", "be*a"]}}, [3, 4]),
        ({"prefix": {"name": "al"}}, [0, 1, 2, 5]),
        ({"prefix": {"name": {"value": "be"}}}, [3, 4]),
        ({"wildcard": {"name": "?l*e"}}, [2]),
        ({"wildcard": {"name": {"value": "be*"}}}, [3, 4]),
        (term("invalidated", True), [7]),
        (term("invalidated", "false"), [0, 1, 2, 3, 4, 5, 6]),
        (term("username", "elastic"), list(range(8))),
        (term("realm_name", "reserved"), list(range(8))),
        (term("metadata.team", "al"), [0, 1, 2]),
        (term("metadata.n", 3), [3]),
        (term("metadata.deep.x", "y"), [0, 1, 2, 3, 4]),
        ({"exists": {"field": "expiration"}}, [6]),
        ({"exists": {"field": "metadata.n"}}, [0, 1, 2, 3, 4]),
        ({"range": {"expiration": {"lte": "now"}}}, [6]),
        ({"range": {"creation": {"gte": "now-1h"}}}, list(range(8))),
        ({"range": {"creation": {"gt": "now+1d/d"}}}, []),
        ({"range": {"creation": {"lt": 1577836800000}}}, []),
        ({"range": {"creation": {"gt": "1577836800000||+1M"}}}, list(range(8))),
        ({"range": {"creation": {"gt": "2020-01-01||+1M", "format": "strict_date_optional_time"}}}, list(range(8))),
        ({"bool": {"filter": [term("name", "alpha"), term("invalidated", False)]}}, [0, 1, 5]),
        ({"bool": {"must": {"prefix": {"name": "al"}}, "must_not": [term("name", "alpine")]}}, [0, 1, 5]),
        ({"bool": {"should": [term("name", "beta"), term("name", "dead")]}}, [3, 7]),
        ({"bool": {"should": [term("name", "beta")], "filter": [term("invalidated", True)]}}, [7]),
        ({"bool": {}}, list(range(8))),
        ({"ids": {}}, []),
    ],
    ids=str,
)
def test_3_2_queries(berlin, query, expected):
    assert sorted(found(berlin, query)) == expected


@pytest.mark.parametrize(
    ("query", "expected", "refused"),
    [
        (term("type", "rest"), [5], (NOT_ALLOWED, "type")),
        (
            {"bool": {"filter": [term("name", "alpha"), term("type", "cross_cluster")]}},
            [0, 1],
            (NOT_ALLOWED, "type"),
        ),
        ({"exists": {"field": "invalidation"}}, [7], (NOT_ALLOWED, "invalidation")),
        (term("metadata", "y"), [0, 1, 2, 3, 4], (NOT_ALLOWED, "metadata")),
        ({"match": {"name": "alpha"}}, [0, 1, 5], (NOT_SUPPORTED, "match")),
        (
            {"simple_query_string": {"query": "al*", "fields": ["name"]}},
            [0, 1, 2, 5],
            (NOT_SUPPORTED, "simple_query_string"),
        ),
    ],
    ids=str,
)
def test_3_2_not_in_the_first_versions(berlin, query, expected, refused):
    version = berlin.spec["version"]
    if number(version) >= (8, 13):
        assert sorted(found(berlin, query)) == expected
    else:
        answer = berlin.post(QUERY, {"query": query})
        table, name = refused
        assert answer.causes == [("illegal_argument_exception", of_version(table, version).format(name))]


def test_3_2_ids(berlin):
    assert found(berlin, {"ids": {"values": [berlin.keys[2]["id"], "nope"]}}) == [2]


def test_3_2_sort_values(berlin):
    """What has no expiration comes last, in both directions."""
    expiration, last = berlin.keys[6]["expiration"], [2**63 - 1]
    rows = query(berlin, {"match_all": {}}, sort=["expiration"]).json["api_keys"]
    assert [row["_sort"] for row in rows] == [[expiration]] + [last] * 7
    rows = query(berlin, {"match_all": {}}, sort=[{"expiration": {"order": "desc"}}, "name"]).json["api_keys"]
    assert [row["_sort"] for row in rows[:2]] == [[expiration, "expired"], [-(2**63), "alpha"]]
    assert found(berlin, {"match_all": {}}, sort=["invalidated", "creation"])[-1] == 7
    rows = query(berlin, {"match_all": {}}, sort={"invalidated": {"order": "desc"}}).json["api_keys"]
    assert [row["_sort"] for row in rows] == [[1]] + [[0]] * 7
    assert all(row["_sort"] for row in query(berlin, {"match_all": {}}, sort=["_doc"]).json["api_keys"])


@pytest.fixture(scope="module")
def twelve(each_berlin):
    """Twelve keys and the query that finds them."""
    name = f"k-{uuid.uuid4().hex[:8]}-"
    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(each_berlin.key, [f"{name}{position:02d}" for position in range(12)]))
    yield name, {"prefix": {"name": name}}
    each_berlin.delete("/_security/api_key", {"ids": [key["id"] for key in keys]})


def test_3_2_default_size_is_10(each_berlin, twelve):
    name, ours = twelve
    answer = each_berlin.get(QUERY, {"query": ours})
    assert (answer.json["total"], answer.json["count"], len(answer.json["api_keys"])) == (12, 10, 10)
    assert each_berlin.post(QUERY, {"query": ours, "size": 0}).json == {"total": 12, "count": 0, "api_keys": []}
    second = each_berlin.post(QUERY, {"query": ours, "from": 10, "size": "10", "sort": ["name"]}).json
    assert [key["name"] for key in second["api_keys"]] == [f"{name}10", f"{name}11"]
    assert len(each_berlin.get(QUERY).json["api_keys"]) == 10, "no body is needed"


def test_3_2_sort_and_search_after(each_berlin, twelve):
    name, ours = twelve
    names, after = [], None
    while True:
        body = {"size": 5, "sort": [{"name": {"order": "desc"}}], **({"search_after": after} if after else {})}
        page = each_berlin.post(QUERY, {"query": ours, **body}).json["api_keys"]
        if not page:
            break
        names += [key["name"] for key in page]
        after = page[-1]["_sort"]
    assert names == [f"{name}{position:02d}" for position in range(11, -1, -1)]
    assert "_sort" not in each_berlin.get(QUERY, {"query": ours}).json["api_keys"][0]


def not_parsed(field, *causes):
    return [("x_content_parse_exception", f"[query_api_key_request_payload] failed to parse field [{field}]"), *causes]


def not_searched(*causes):
    return [("search_phase_execution_exception", "all shards failed"), *causes]


def bad_date(text):
    reason = f"failed to parse date field [{text}] with format [epoch_millis]"
    return [
        ("parse_exception", f"{reason}: [{reason}]"),
        (ILLEGAL, reason),
        ("date_time_parse_exception", "Failed to parse with all enclosed parsers"),
    ]


ILLEGAL = "illegal_argument_exception"
NEGATIVE = "parameter cannot be negative but was [-1];"
REFUSED = [
    ({"size": 10_001}, not_searched((ILLEGAL, "Result window is too large"), (ILLEGAL, "Result window is too large"))),
    (
        {"from": 9_999, "size": 2},
        not_searched((ILLEGAL, "Result window is too large"), (ILLEGAL, "Result window is too large")),
    ),
    ({"from": -1}, [("action_request_validation_exception", f"Validation Failed: 1: [from] {NEGATIVE}")]),
    (
        {"size": -1, "from": -1},
        [("action_request_validation_exception", f"Validation Failed: 1: [from] {NEGATIVE}2: [size] {NEGATIVE}")],
    ),
    ({"size": "x"}, not_parsed("size", ("number_format_exception", 'For input string: "x"'))),
    ({"sort": "name"}, [("x_content_parse_exception", "sort doesn't support values of type: VALUE_STRING")]),
    (
        {"sort": [{"name": "asc"}]},
        not_parsed("sort", ("x_content_parse_exception", "[field_sort] Expected START_OBJECT but was: VALUE_STRING")),
    ),
    (
        {"sort": [{"name": {"order": "up"}}]},
        not_parsed(
            "sort",
            ("x_content_parse_exception", "[field_sort] failed to parse field [order]"),
            (ILLEGAL, "No enum constant org.elasticsearch.search.sort.SortOrder.UP"),
        ),
    ),
    ({"sort": [1]}, not_parsed("sort", (ILLEGAL, "mal-formatted sort object"))),
    (
        {"query": {"nonsense": {}}},
        not_parsed(
            "query",
            ("parsing_exception", "unknown query [nonsense]"),
            ("named_object_not_found_exception", "unknown field [nonsense]"),
        ),
    ),
    (
        {"query": {"term": {"name": "a", "type": "b"}}},
        not_parsed(
            "query", ("parsing_exception", "[term] query doesn't support multiple fields, found [name] and [type]")
        ),
    ),
    ({"query": {"term": {}}}, not_parsed("query", (ILLEGAL, "field name is null or empty"))),
    ({"query": {"term": {"name": None}}}, not_parsed("query", (ILLEGAL, "field name is null or empty"))),
    (
        {"query": {"term": {"name": ["a"]}}},
        not_parsed("query", ("parsing_exception", "[term] query does not support array of values")),
    ),
    (
        {"query": {"terms": {"name": "a"}}},
        not_parsed("query", ("parsing_exception", "[terms] query does not support [name]")),
    ),
    ({"query": {}}, not_parsed("query", (ILLEGAL, "query malformed, empty clause found at ["))),
    (
        {"query": {"match_all": {}, "bool": {}}},
        not_parsed(
            "query",
            ("parsing_exception", "[match_all] malformed query, expected [END_OBJECT] but found [FIELD_NAME]"),
        ),
    ),
    (
        {"query": {"bool": {"nonsense": []}}},
        not_parsed("query", ("x_content_parse_exception", "[bool] unknown field [nonsense]")),
    ),
    (
        {"query": {"bool": {"must": ["x"]}}},
        not_parsed(
            "query",
            ("x_content_parse_exception", "[bool] failed to parse field [must]"),
            ("parsing_exception", "[_na] query malformed, must start with start_object"),
        ),
    ),
    (
        {"query": {"ids": {"x": 1}}},
        not_parsed(
            "query",
            ("parsing_exception", "[ids] unknown field [x]"),
            ("x_content_parse_exception", "[ids] unknown field [x]"),
        ),
    ),
    (
        {"query": {"exists": {}}},
        not_parsed("query", ("parsing_exception", "[exists] must be provided with a [field]")),
    ),
    (
        {"query": {"range": {"creation": {"above": 1}}}},
        not_parsed("query", ("parsing_exception", "[range] query does not support [above]")),
    ),
    (
        {"query": {"range": {"creation": {"gt": "yesterday"}}}},
        not_searched(*bad_date("yesterday")),
    ),
    (
        {"query": {"range": {"creation": {"gt": "2020-01-01||+1M"}}}},
        not_searched(*bad_date("2020-01-01")),
    ),
    (
        {"query": term("invalidated", "maybe")},
        not_searched(
            (
                "query_shard_exception",
                "failed to create query: Can't parse boolean value [maybe], expected [true] or [false]",
            ),
            (ILLEGAL, "Can't parse boolean value [maybe], expected [true] or [false]"),
        ),
    ),
    ({"nonsense": 1}, [("x_content_parse_exception", "[query_api_key_request_payload] unknown field [nonsense]")]),
    ({"query": None}, [("x_content_parse_exception", "query doesn't support values of type: VALUE_NULL")]),
    (
        {"search_after": ["a"]},
        not_searched((ILLEGAL, "Sort must contain at least one field."), (ILLEGAL, "Sort must contain at least one")),
    ),
    (
        {"search_after": ["a", "b"], "sort": ["name"]},
        not_searched(
            (ILLEGAL, "search_after has 2 value(s) but sort has 1."), (ILLEGAL, "search_after has 2 value(s)")
        ),
    ),
    (
        {"search_after": [{}], "sort": ["name"]},
        not_parsed(
            "search_after",
            (
                "parsing_exception",
                "Expected [VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or [VALUE_NULL] but found "
                "[START_OBJECT] inside search_after.",
            ),
        ),
    ),
]


@pytest.mark.parametrize(("body", "causes"), REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_3_2_refused(each_berlin, body, causes):
    answer = each_berlin.post(QUERY, body)
    assert answer.status == 400
    assert [kind for kind, _reason in answer.causes] == [kind for kind, _reason in causes]
    for (_kind, reason), (_same, part) in zip(answer.causes, causes, strict=True):
        assert part in reason


def test_3_2_no_start_beside_search_after(each_berlin):
    answer = each_berlin.post(QUERY, {"search_after": ["a"], "sort": ["name"], "from": 1})
    searched = not_searched(
        ("search_exception", "`from` parameter must be set to 0 when `search_after` is used."),
    )
    reason = "Validation Failed: 1: [from] parameter must be set to 0 when [search_after] is used;"
    table = {"8.10": (500, searched), "8.13": (400, [("action_request_validation_exception", reason)])}
    assert (answer.status, answer.causes) == of_version(table, each_berlin.spec["version"])


@pytest.mark.parametrize(
    ("body", "table", "name"),
    [
        ({"query": term("api_key_hash", "x")}, NOT_ALLOWED, "api_key_hash"),
        ({"query": term("id", "x")}, NOT_ALLOWED, "id"),
        ({"query": term("_id", "x")}, NOT_ALLOWED, "_id"),
        ({"query": term("realm", "x")}, NOT_ALLOWED, "realm"),
        ({"sort": ["id"]}, NOT_ALLOWED, "id"),
        ({"sort": ["_score"]}, NOT_ALLOWED, "_score"),
        ({"query": {"query_string": {"query": "a"}}}, NOT_SUPPORTED, "query_string"),
        ({"query": {"regexp": {"name": "a"}}}, NOT_SUPPORTED, "regexp"),
        ({"query": {"fuzzy": {"name": "a"}}}, NOT_SUPPORTED, "fuzzy"),
        ({"query": {"match_none": {}}}, NOT_SUPPORTED, "match_none"),
        ({"query": {"terms": {"name": {"index": "a", "id": "b", "path": "c"}}}}, NO_LOOKUP, ""),
    ],
    ids=str,
)
def test_3_2_not_allowed(each_berlin, body, table, name):
    answer = each_berlin.post(QUERY, body)
    assert answer.status == 400
    assert answer.causes == [(ILLEGAL, of_version(table, each_berlin.spec["version"]).format(name))]


def test_3_2_who_may_read(each_berlin):
    one = uuid.uuid4().hex[:8]
    key = each_berlin.rest_key(f"of-elastic-{one}")
    own = each_berlin.user(f"own-{one}", ["manage_own_api_key"])
    mine = own.rest_key(f"mine-{one}")
    both = {"query": {"ids": {"values": [key["id"], mine["id"]]}}}
    for privilege in ("read_security", "manage_api_key", "manage_security"):
        assert each_berlin.user(f"reader-{one}", [privilege]).post(QUERY, both).json["total"] == 2
    for body in (both, None):
        shown = own.post(QUERY, body).json["api_keys"]
        assert [entry["id"] for entry in shown] == [mine["id"]], "only the caller's own keys"
    assert each_berlin.user(f"none-{one}", ["manage"]).get(QUERY).status == 403
    each_berlin.delete("/_security/api_key", {"ids": [key["id"], mine["id"]]})
