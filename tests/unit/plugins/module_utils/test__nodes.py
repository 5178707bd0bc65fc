# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes as the cluster lists them."""

from __future__ import annotations

import types

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils import _nodes
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._errors import EsPermissionError, Said


def node(publish, *bound, **more):
    return {"name": "n", "roles": ["data"], "http": {"publish_address": publish, "bound_address": list(bound)}, **more}


def described(entry, urls=(), resolve=lambda host: ()):
    (found,) = _nodes.describe({"id1": entry}, urls, resolve)
    return found


def test_addresses_in_all_their_forms():
    found = described(node("es1.example/10.0.0.1:9200", "[::1]:9200", "10.0.0.1:9200"))
    assert found["http_addresses"] == ["es1.example:9200", "10.0.0.1:9200", "[::1]:9200"]
    assert described({"name": "n"})["http_addresses"] == [] and described({"name": "n"})["started"] is None
    assert described(node("a:1", jvm={"start_time_in_millis": 5}))["started"] == 5


@pytest.mark.parametrize(
    "url, hit",
    [
        ("https://10.0.0.1:9200", True),
        ("https://es1:9200/path", True),
        ("https://es1:9201", False),
        ("https://es1", False),
        ("https://[fe80::1]:9200", True),
        ("https://es1:port", False),
    ],
)
def test_a_url_belongs_to_the_node_that_its_host_resolves_to(url, hit):
    entry = node("10.0.0.1:9200", "[fe80::1]:9200")
    assert described(entry, [url], lambda host: ["10.0.0.1"] if host == "es1" else [])["urls"] == [url] * hit


class Client:
    cluster, urls, timeout = "https://paris:9200", ("https://paris:9200",), 30

    def __init__(self, answer):
        self.answer = answer

    def request(self, *_args, **_options):
        if isinstance(self.answer, Exception):
            raise self.answer
        return types.SimpleNamespace(body=self.answer)


def test_a_list_that_is_refused_or_not_complete_is_no_list():
    refused = EsPermissionError(attempt="list the nodes", said=Said(403, "security_exception", "no"))
    problem = _nodes.list_nodes(Client(refused))
    assert problem.nodes is None and "cluster privilege monitor" in (problem.nodes_problem or "")
    partly = _nodes.list_nodes(Client({"_nodes": {"total": 2, "failed": 1}, "nodes": {"id1": node("a:1")}}))
    assert partly.nodes is None and "1 of its nodes did not answer" in (partly.nodes_problem or "")
    whole = _nodes.list_nodes(Client({"_nodes": {"total": 1, "failed": 0}, "nodes": {"id1": node("a:1")}}))
    assert whole.nodes_problem is None and [one["id"] for one in whole.nodes or []] == ["id1"]
