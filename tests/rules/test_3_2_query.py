# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule 3.2: the query API."""

from __future__ import annotations

import pytest

from support.worlds import Api

QUERY = "/_security/_query/api_key"


@pytest.fixture(scope="module")
def berlin(make_world):
    one = make_world()
    api = Api(one.cluster("berlin"))
    names = ["alpha", "alpha", "alpine", "beta", "be*a"]
    keys = [
        api.key(name, metadata={"team": name[:2], "n": number, "deep": {"x": "y"}}) for number, name in enumerate(names)
    ]
    keys.append(api.rest_key("alpha"))
    keys.append(api.key("expired", expiration="0s"))
    keys.append(api.key("dead"))
    api.delete("/_security/api_key", {"ids": [keys[7]["id"]]})
    api.keys = keys
    return api


def found(api, query, **more):
    answer = api.post(QUERY, {"query": query, "size": 100, **more})
    assert answer.status == 200, answer
    assert answer.json["count"] == len(answer.json["api_keys"])
    numbers = {key["id"]: number for number, key in enumerate(api.keys)}
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
        ({"match": {"name": "alpha"}}, [0, 1, 5]),
        (term("type", "rest"), [5]),
        (term("invalidated", True), [7]),
        (term("invalidated", "false"), [0, 1, 2, 3, 4, 5, 6]),
        (term("username", "elastic"), list(range(8))),
        (term("metadata.team", "al"), [0, 1, 2]),
        (term("metadata.n", 3), [3]),
        (term("metadata", "y"), [0, 1, 2, 3, 4]),
        (term("metadata.deep.x", "y"), [0, 1, 2, 3, 4]),
        ({"exists": {"field": "expiration"}}, [6]),
        ({"exists": {"field": "metadata.n"}}, [0, 1, 2, 3, 4]),
        ({"range": {"expiration": {"lte": "now"}}}, [6]),
        ({"range": {"creation": {"gte": "now-1h"}}}, list(range(8))),
        ({"range": {"creation": {"gt": "now+1d/d"}}}, []),
        ({"range": {"creation": {"lt": "2020-01-01||+1M"}}}, []),
        (
            {"bool": {"filter": [term("name", "alpha"), term("type", "cross_cluster"), term("invalidated", False)]}},
            [0, 1],
        ),
        ({"bool": {"must": {"prefix": {"name": "al"}}, "must_not": [term("name", "alpine")]}}, [0, 1, 5]),
        ({"bool": {"should": [term("name", "beta"), term("name", "dead")]}}, [3, 7]),
        ({"bool": {"should": [term("name", "beta")], "filter": [term("type", "rest")]}}, [5]),
        ({"bool": {}}, list(range(8))),
        ({"simple_query_string": {"query": "al*", "fields": ["name"]}}, [0, 1, 2, 5]),
    ],
    ids=str,
)
def test_3_2_queries(berlin, query, expected):
    assert found(berlin, query) == expected


def test_3_2_ids(berlin):
    assert found(berlin, {"ids": {"values": [berlin.keys[2]["id"], "nope"]}}) == [2]
    assert found(berlin, term("id", berlin.keys[1]["id"])) == [1]


@pytest.mark.needs("clusters", "many keys")
def test_3_2_default_size_is_10(make_world):
    one = make_world(["many"], nodes=1)
    one.control("many", "fill_keys", count=25, name_prefix="k")
    api = Api(one.cluster("many"))
    answer = api.get(QUERY)
    assert (answer.json["total"], answer.json["count"], len(answer.json["api_keys"])) == (25, 10, 10)
    assert api.post(QUERY, {"size": 0}).json == {"total": 25, "count": 0, "api_keys": []}
    second = api.post(QUERY, {"from": 20, "size": 10, "sort": ["name"]}).json
    assert [key["name"] for key in second["api_keys"]] == [f"k{number:05d}" for number in range(20, 25)]


@pytest.mark.needs("clusters", "many keys")
def test_3_2_sort_and_search_after(make_world):
    one = make_world(["many"], nodes=1)
    api = Api(one.cluster("many"))
    if api.post(QUERY, {"size": 0}).json["total"] == 0:
        one.control("many", "fill_keys", count=25, name_prefix="k")
    names, after = [], None
    while True:
        body = {"size": 10, "sort": [{"name": {"order": "desc"}}], **({"search_after": after} if after else {})}
        page = api.post(QUERY, body).json["api_keys"]
        if not page:
            break
        names += [key["name"] for key in page]
        after = page[-1]["_sort"]
    assert names == [f"k{number:05d}" for number in range(24, -1, -1)]
    assert "_sort" not in api.get(QUERY).json["api_keys"][0]


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ({"size": 10_001}, "search_phase_execution_exception", "Result window is too large"),
        ({"from": 9_999, "size": 2}, "search_phase_execution_exception", "Result window is too large"),
        ({"from": -1}, "action_request_validation_exception", "[from] parameter cannot be negative but was [-1]"),
        ({"size": -1}, "action_request_validation_exception", "[size] parameter cannot be negative but was [-1]"),
        ({"sort": ["id"]}, "search_phase_execution_exception", "Fielddata access on the _id field is disallowed"),
        (
            {"query": {"query_string": {"query": "a"}}},
            "illegal_argument_exception",
            "Query type [query_string] is not supported for API Key query",
        ),
        ({"query": {"regexp": {"name": "a"}}}, "illegal_argument_exception", "Query type [regexp] is not supported"),
        ({"query": {"nonsense": {}}}, "parsing_exception", "unknown query [nonsense]"),
        (
            {"query": {"term": {"api_key_hash": "x"}}},
            "illegal_argument_exception",
            "Field [api_key_hash] is not allowed",
        ),
        ({"query": {"term": {"name": "a", "type": "b"}}}, "parsing_exception", "doesn't support multiple fields"),
        (
            {"query": {"range": {"creation": {"gt": "yesterday"}}}},
            "parse_exception",
            "failed to parse date field [yesterday]",
        ),
        ({"nonsense": 1}, "x_content_parse_exception", "unknown field [nonsense]"),
        ({"query": None}, "x_content_parse_exception", "VALUE_NULL"),
        ({"search_after": ["a"]}, "illegal_argument_exception", "Sort must contain at least one field."),
    ],
    ids=str,
)
def test_3_2_refused(berlin, body, kind, reason):
    answer = berlin.post(QUERY, body)
    assert (answer.status, answer.error["type"]) == (400, kind)
    assert any(reason in text for text in answer.reasons)


def test_3_2_who_may_read(berlin):
    everything = berlin.post(QUERY, {"size": 0}).json["total"]
    for privilege in ("read_security", "manage_api_key", "manage_security"):
        assert berlin.user("reader", [privilege]).post(QUERY, {"size": 0}).json["total"] == everything
    own = berlin.user("own", ["manage_own_api_key"])
    mine = own.rest_key("mine")
    try:
        assert [key["name"] for key in own.get(QUERY).json["api_keys"]] == ["mine"], "only the caller's own keys"
    finally:
        berlin.delete("/_security/api_key", {"ids": [mine["id"]]})
    assert berlin.user("none", ["manage"]).get(QUERY).status == 403
