# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random JSON at every endpoint: only 2xx and 4xx, always well-formed, and the simulator itself never fails.

Who asks is a superuser made for it, as nearly all of this may happen to him.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import ssl
import string
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import handlers
from simulator.rest.routing import ROUTES
from simulator.rest.server import basic
from support.worlds import REAL, Api

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3" if REAL else "12"))  # per endpoint
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


class Fuzzed:
    """One node, asked byte by byte."""

    def __init__(self, api):
        self.api = api
        url = urlsplit(api.url)
        context = ssl.create_default_context(cafile=api.spec["ca_cert"])
        self.connection = http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=60)
        self.keys = [api.key()["id"], api.rest_key()["id"], api.key()["id"]]
        self.user()

    def user(self):
        body = {"password": "secret-1", "roles": ["superuser"], "enabled": True}
        answer = self.api.put("/_security/user/fuzzer", body)
        assert answer.status == 200, answer

    def ask(self, method, uri, raw, headers):
        """Ask, and look at the form of the answer."""
        try:
            answer = self.once(method, uri, raw, headers)
        except ConnectionError:  # the one before had ended it
            try:
                answer = self.once(method, uri, raw, headers)
            except ConnectionError:
                # (seen: 8.19.0, 9.5.0) Where neither the URI nor the type of the body can be read there is no answer.
                assert "%" in uri and "Content-Type" in headers
                return 0
        payload = answer.read()
        well_formed(answer.status, b"" if method == "HEAD" else payload, answer.headers["Content-Type"] or "")
        return answer.status

    def once(self, method, uri, raw, headers):
        try:
            self.connection.request(method, uri, raw, headers)
            return self.connection.getresponse()
        except ConnectionError:
            self.connection.close()
            raise

    def ask_as_fuzzer(self, method, uri, raw):
        headers = {"Authorization": basic("fuzzer", "secret-1"), "Content-Type": "application/json"}
        if self.ask(method, uri, raw, headers) in (401, 403):
            self.user()


@pytest.fixture(scope="module")
def fuzzed(make_world):
    world = make_world(["berlin"], nodes=2)
    world.control("berlin", "reset")
    yield Fuzzed(Api(world.cluster("berlin")))
    world.control("berlin", "reset")
    assert world.bugs() == []


# The server takes these for mistakes of its own. (seen: 9.5.0) Lists of other than plain values in settings, settings
# that are no object, a null in a role; (seen: 8.10.4) a document of a few bytes.
OWN_MISTAKES = {
    "settings_exception",
    "class_cast_exception",
    "null_pointer_exception",
    "ssl_config_exception",
    "not_x_content_exception",
}


def well_formed(status, payload, kind):
    own = status == 500 and json.loads(payload)["error"]["type"] in OWN_MISTAKES
    assert own or 200 <= status < 300 or 400 <= status < 500, (status, payload[:2000])
    if status < 400 or kind.startswith("text/plain") or not payload:
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


@pytest.mark.parametrize(("method", "path"), ENDPOINTS, ids=[f"{method} {path}" for method, path in ENDPOINTS])
def test_random_json(fuzzed, method, path):
    names = [*fuzzed.keys, "a", "fuzzer", "superuser", "%20", "*", "x%2Fy", "berlin:*", "_all", "-x", "berlin-1"]

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
        fuzzed.ask_as_fuzzer(method, uri, raw)

    run()


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
    | st.text(alphabet=string.ascii_letters + string.digits + string.punctuation + "\xfc\xf1", max_size=8),
    max_size=4,
)


def test_random_headers_and_uris(fuzzed):
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
        fuzzed.ask(method, "/" + uri, b"{}", headers)

    run()


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


@pytest.mark.parametrize(("method", "path", "valid"), VALID, ids=[f"{row[0]} {row[1]}" for row in VALID])
def test_mutated_bodies(fuzzed, method, path, valid):
    """Bodies that are nearly right get further into the server than random ones."""

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
        key = choice.choice(fuzzed.keys)
        body = json.loads(json.dumps(valid).replace("KEY", key))
        for new in news[: choice.choice([1, 1, 2])]:
            body = mutate(body, choice, new)
        raw = json.dumps(body).encode()
        fuzzed.ask_as_fuzzer(method, path.replace("KEY", key), raw)

    run()
