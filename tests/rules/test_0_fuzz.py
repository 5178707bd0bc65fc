# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random JSON at every endpoint: only 2xx and 4xx, always well-formed, and the simulator itself never fails."""

from __future__ import annotations

import json
import os
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import handlers
from simulator.routing import ROUTES
from simulator.server import basic, respond

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))  # per endpoint
WORDS = [
    "a",
    "logs-*",
    "*",
    "",
    " ",
    "_x",
    "30d",
    "-1",
    "1.5d",
    "cross_cluster",
    "now-1d/d",
    "elastic",
    "superuser",
    "[x",
    "(",
    "x" * 300,
    "ünï",
    "\ud83d\ude00",
    "\x00",
    "/a(/",
    "null",
    "name",
    "creation",
    "berlin",
    "127.0.0.1:9443",
    "::",
    "https://x",
]
KEYS = [
    "name",
    "access",
    "search",
    "replication",
    "names",
    "query",
    "field_security",
    "grant",
    "except",
    "expiration",
    "metadata",
    "ids",
    "id",
    "owner",
    "username",
    "password",
    "roles",
    "cluster",
    "indices",
    "index",
    "privileges",
    "run_as",
    "remote_indices",
    "remote_cluster",
    "clusters",
    "role_descriptors",
    "sort",
    "from",
    "size",
    "search_after",
    "bool",
    "must",
    "filter",
    "should",
    "term",
    "terms",
    "range",
    "prefix",
    "wildcard",
    "exists",
    "field",
    "gt",
    "lte",
    "match_all",
    "values",
    "persistent",
    "transient",
    "certificate_identity",
    "cluster.remote.a.seeds",
    "cluster.remote.a.mode",
    "allow_restricted_indices",
    "secure_settings_password",
    "grant_type",
    "order",
]
SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(WORDS),
    st.text(max_size=6),
)
JSON = st.recursive(
    SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=14,
)
handlers.load()
ENDPOINTS = sorted({(route.method, "/" + "/".join(route.segments)) for route in ROUTES})


@pytest.fixture(scope="module")
def fuzzed(make_world):
    one = make_world({"fuzzed": {"nodes": 2}})
    one.control("fuzzed", "fill_keys", count=20)
    return one


# What real servers tell of wrong bodies of PUT /_cluster/settings, as failures of their own.
MISTAKES = ("settings_exception", "class_cast_exception", "ssl_config_exception")


def well_formed(status, payload, kind):
    mistake = status == 500 and json.loads(payload)["error"]["type"] in MISTAKES
    assert mistake or 200 <= status < 300 or 400 <= status < 500, (status, payload[:2000])
    if status < 400 or kind.startswith("text/plain"):
        return
    body = json.loads(payload)
    error = body.get("error")
    if isinstance(error, dict):
        assert body["status"] == status and error["root_cause"] and isinstance(error["type"], str)
        while error:
            assert {"type", "reason"} <= set(error) and isinstance(error["type"], str)
            error = error.get("caused_by")
    elif error is not None:
        assert isinstance(error, str)


@pytest.mark.needs("clusters", "many keys")
@pytest.mark.parametrize(("method", "path"), ENDPOINTS, ids=[f"{method} {path}" for method, path in ENDPOINTS])
def test_random_json(fuzzed, method, path):
    cluster = fuzzed.clusters["fuzzed"]
    headers = {"Authorization": basic("elastic", cluster.extra["password"]), "Content-Type": "application/json"}
    names = [*cluster.keys][:3] + [
        "a",
        "elastic",
        "superuser",
        "%20",
        "*",
        "x%2Fy",
        "berlin:*",
        "_all",
        "-x",
        "fuzzed-1",
    ]

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(
        body=JSON,
        seed=st.integers(0, 10**6),
        cut=st.booleans(),
        query=st.sampled_from(["", "", "?pretty", "?size=x", "?owner=2", "?timeout=1q"]),
    )
    def run(body, seed, cut, query):
        choice = random.Random(seed)
        uri = re.sub(r"\{\w+\}", lambda _found: choice.choice(names), path) + query
        raw = json.dumps(body).encode()
        if cut and choice.random() < 0.3:
            raw = raw[: choice.randrange(len(raw) + 1)] + choice.choice([b"", b"}", b"\xff", b"\n"])
        status, payload, out = fuzzed.run(respond(cluster.nodes[0], method, uri, raw, headers))
        well_formed(status, payload, out["Content-Type"])

    run()
    cluster.security.find("elastic").set_password(cluster.extra["password"])
    assert fuzzed.bugs() == []


HEADERS = st.dictionaries(
    st.sampled_from(["Authorization", "Content-Type", "Accept", "es-security-runas-user"]),
    st.sampled_from(
        [
            "Basic x",
            "Basic OjE=",
            "ApiKey Og==",
            "ApiKey eA==",
            "Bearer x",
            "x",
            "application/json",
            "text/html",
            "application/vnd.elasticsearch+json;compatible-with=9",
            "*/*",
            "",
        ]
    )
    | st.text(max_size=8),
    max_size=4,
)


@pytest.mark.needs("clusters", "many keys")
def test_random_headers_and_uris(fuzzed):
    node = fuzzed.clusters["fuzzed"].nodes[0]

    @settings(
        max_examples=EXAMPLES * 20,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        headers=HEADERS,
        uri=st.text(alphabet="/?&=%.;_abz*:-0", max_size=20),
        method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    )
    def run(headers, uri, method):
        status, payload, out = fuzzed.run(respond(node, method, "/" + uri, b"{}", headers))
        well_formed(status, payload, out["Content-Type"])

    run()
    assert fuzzed.bugs() == []


ENTRY = {
    "names": ["a"],
    "query": {"term": {"x": 1}},
    "field_security": {"grant": ["a", "b*"], "except": ["b1"]},
    "allow_restricted_indices": False,
}
ROLE = {
    "cluster": ["monitor"],
    "indices": [{"names": ["a"], "privileges": ["read"]}],
    "run_as": ["x"],
    "metadata": {"a": 1},
    "applications": [{"application": "app", "privileges": ["p"], "resources": ["*"]}],
    "remote_indices": [{"clusters": ["b*"], "names": ["a"], "privileges": ["read"]}],
    "remote_cluster": [{"clusters": ["b*"], "privileges": ["monitor_enrich"]}],
}
QUERY = {
    "query": {
        "bool": {
            "filter": [
                {"term": {"name": {"value": "a"}}},
                {"terms": {"type": ["rest"]}},
                {"range": {"creation": {"gte": "now-1d/d"}}},
            ],
            "must": {"prefix": {"name": "a"}},
            "should": [
                {"wildcard": {"name": {"value": "a*"}}},
                {"exists": {"field": "expiration"}},
                {"ids": {"values": ["a"]}},
                {"simple_query_string": {"query": "a*", "fields": ["name"]}},
                {"match": {"metadata.x": "y"}},
            ],
            "must_not": [{"match_all": {}}],
            "minimum_should_match": 0,
        }
    },
    "sort": [{"creation": {"order": "desc"}}, "name"],
    "from": 0,
    "size": 5,
    "search_after": [1, "a"],
}
VALID = [
    (
        "POST",
        "/_security/cross_cluster/api_key",
        {
            "name": "fuzz",
            "access": {"search": [ENTRY], "replication": [{"names": "b"}]},
            "expiration": "1d",
            "metadata": {"a": {"b": [1]}},
            "certificate_identity": "CN=(a|b)",
        },
    ),
    (
        "PUT",
        "/_security/cross_cluster/api_key/KEY",
        {"access": {"search": [ENTRY]}, "expiration": "1d", "metadata": {"a": 1}, "certificate_identity": None},
    ),
    (
        "POST",
        "/_security/api_key",
        {"name": "fuzz", "role_descriptors": {"r": ROLE}, "expiration": "1d", "metadata": {}},
    ),
    (
        "POST",
        "/_security/api_key/_bulk_update",
        {"ids": ["KEY", "x"], "role_descriptors": {"r": ROLE}, "metadata": {"a": 1}},
    ),
    ("DELETE", "/_security/api_key", {"ids": ["x", "y"], "owner": False}),
    ("POST", "/_security/_query/api_key", QUERY),
    ("POST", "/_search", {"query": QUERY["query"], "size": 3, "from": 1}),
    ("PUT", "/_security/role/fuzz", ROLE),
    (
        "PUT",
        "/_security/user/fuzz",
        {
            "password": "secret-1",
            "roles": ["r"],
            "full_name": "F",
            "email": None,
            "metadata": {"a": 1},
            "enabled": True,
        },
    ),
    (
        "POST",
        "/_security/user/_has_privileges",
        {"cluster": ["monitor"], "index": [{"names": ["a"], "privileges": ["read"]}]},
    ),
    (
        "PUT",
        "/_cluster/settings",
        {
            "persistent": {
                "cluster.remote.b": {"mode": "proxy", "proxy_address": "127.0.0.1:1", "skip_unavailable": True}
            },
            "transient": {"cluster.remote.c.seeds": ["127.0.0.1:1"], "cluster.remote.c.node_connections": 2},
        },
    ),
    ("POST", "/_nodes/reload_secure_settings", {"secure_settings_password": "x"}),
    ("POST", "/_security/oauth2/token", {"grant_type": "password", "username": "a", "password": "b"}),
]


def mutate(value, choice, news):
    """The body with one part of it replaced, dropped, doubled or wrapped."""
    if isinstance(value, dict) and value and choice.random() < 0.85:
        key = choice.choice(sorted(value))
        copy = dict(value)
        kind = choice.random()
        if kind < 0.1:
            del copy[key]
        elif kind < 0.2:
            copy[choice.choice(KEYS)] = copy.pop(key)
        else:
            copy[key] = mutate(copy[key], choice, news)
        return copy
    if isinstance(value, list) and value and choice.random() < 0.85:
        at = choice.randrange(len(value))
        return value[:at] + [mutate(value[at], choice, news)] + value[at + choice.choice([0, 1]) :]
    return choice.choice([news, news, [value], {"a": value}, None, ""])


@pytest.mark.needs("clusters", "many keys")
@pytest.mark.parametrize(("method", "path", "valid"), VALID, ids=[f"{row[0]} {row[1]}" for row in VALID])
def test_mutated_bodies(fuzzed, method, path, valid):
    """Bodies that are nearly right get further into the server than random ones."""
    cluster = fuzzed.clusters["fuzzed"]
    headers = {"Authorization": basic("elastic", cluster.extra["password"]), "Content-Type": "application/json"}

    @settings(
        max_examples=EXAMPLES * 6,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(seed=st.integers(0, 2**32), news=st.lists(JSON, min_size=2, max_size=2))
    def run(seed, news):
        choice = random.Random(seed)
        key = choice.choice(list(cluster.keys))
        body = json.loads(json.dumps(valid).replace("KEY", key))
        for new in news[: choice.choice([1, 1, 2])]:
            body = mutate(body, choice, new)
        raw = json.dumps(body).encode()
        status, payload, out = fuzzed.run(respond(cluster.nodes[0], method, path.replace("KEY", key), raw, headers))
        well_formed(status, payload, out["Content-Type"])

    run()
    assert fuzzed.bugs() == []
