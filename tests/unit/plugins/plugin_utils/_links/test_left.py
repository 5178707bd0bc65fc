# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which links have left the list, and what is done about each."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import complete, normalise
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.only import Choice
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import left
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import Run, RunOptions
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import MARKER

ACCESS = {"search": [{"names": ["logs-*"]}]}
CLUSTERS: dict[str, t.Any] = {
    name: {
        "urls": [f"https://{name}:9200"],
        "remote_cluster_server": f"{name}:9443",
        "nodes": [f"{name}-1", f"{name}-2"],
    }
    for name in ("paris", "berlin", "rome")
}
CLUSTERS["cloud"] = {"urls": ["https://cloud:9200"], "remote_cluster_server": "cloud:9443"}
LISTED = [{"from": "berlin", "to": "paris", "access": ACCESS}, {"from": "paris", "to": "rome", "access": ACCESS}]
NOW = 1_800_000_000_000


def key(**more):
    found = {
        "id": "k", "name": "paris-berlin", "type": "cross_cluster", "creation": 1, "expiration": None,
        "username": "linker", "metadata": {MARKER: {"client": "paris", "alias": "berlin", "owner": ""}},
    }  # fmt: skip
    return {**found, **more}


def marked(**mark):
    return key(metadata={MARKER: mark})


ALIAS = {"alias": "berlin", "settings": {}, "security_model": "api_key", "addresses": ["berlin:9443"]}


def planned(*keys, held=None, owner="", missing=(), running=(), **other):
    """The rows of the links that go: what is planned for each, by its id. `held`: node -> alias -> key id."""
    data = complete(normalise(CLUSTERS, LISTED, None, Choice(prune=True, owner=owner)))
    held = {"paris-1": {"berlin": "k"}, "paris-2": {"berlin": "k"}} if held is None else held
    keystores = {
        node: {"credentials": {alias: {"api_key_id": one} for alias, one in held.get(node, {}).items()}}
        for node in data["nodes"]
        if node not in missing
    }
    clusters: dict[t.Any, t.Any] = {}
    for name, cluster in data["clusters"].items():
        clusters[name, "cross_cluster_api_key_info", ""] = {"api_keys": []}
        clusters[name, "cross_cluster_api_key_info", left.ALL] = {
            "api_keys": list(keys) if name == other.get("server", "berlin") else [],
            "acting_user": {"name": "linker", "realm": None},
        }  # fmt: skip
        nodes = [
            {
                "id": node,
                "name": node,
                "roles": ["remote_cluster_client"],
                "version": other.get("version", "9.5.0"),
                "started": 1,
            }
            for node in (*cluster["nodes"], *(running if name == "paris" else ()))
        ]
        remotes = [other.get("alias", ALIAS)] if name == "paris" else []
        clusters[name, "remote_cluster_info", ""] = {"remotes": remotes, "nodes": nodes}
    told = {"keystores": keystores, "clusters": clusters}
    going = left.links(data, clusters, keystores, NOW)
    run = Run({**data, "links": [*data["links"], *going]}, RunOptions(), told, NOW)
    return {link["id"]: run.planned[link["id"]].plan for link in going}


def test_it_goes_in_the_order_of_one_that_goes():
    (plan,) = planned(key()).values()
    assert plan.actions() == ["unset", "remove", "remove", "reload", "revoke"] and plan.blocked is None
    assert plan.absent and plan.steps[-1].key_ids == ("k",)


@pytest.mark.parametrize(
    "other",
    [
        key(metadata={}),
        marked(client="madrid", alias="berlin", owner=""),
        marked(client="paris", alias="berlin", owner="other team"),
        key(username="somebody"),
        key(expiration=NOW - 1),
        key(invalidated=True),
        key(type="rest"),
        key(name="eck-paris-berlin"),
    ],
)
def test_what_is_somebody_elses_or_dead_is_not_looked_at(other):
    assert planned(other) == {}


def test_the_key_of_a_listed_link_stays():
    assert planned(key(name="paris-rome", metadata={MARKER: {"client": "paris", "alias": "rome"}}), server="rome") == {}


def test_another_owner_takes_no_mark_that_names_none():
    assert planned(marked(client="paris", alias="berlin"), owner="search team") == {}
    (plan,) = planned(marked(client="paris", alias="berlin")).values()
    assert "revoke" in plan.actions()


def test_an_alias_that_the_mark_does_not_name_is_that_of_the_keystores():
    held = {node: {"logs": "k"} for node in ("paris-1", "paris-2")}
    assert list(planned(marked(client="paris"), held=held)) == ["paris/logs"]


@pytest.mark.parametrize(
    "held, words",
    [
        (
            {"paris-1": {"berlin": "k"}, "paris-2": {"berlin": "other"}},
            "paris-2 of paris hold something else as berlin",
        ),
        ({"paris-1": {"berlin": "k", "second": "k"}}, "nodes of paris hold it as second"),
    ],
)
def test_where_something_else_stands_beside_it_nothing_is_done(held, words):
    (plan,) = planned(key(), held=held).values()
    assert plan.steps == () and words in (plan.blocked or "")


@pytest.mark.parametrize("held", [{}, {"paris-1": {"berlin": "other"}, "paris-2": {"berlin": "other"}}])
def test_an_alias_whose_nodes_do_not_hold_it_is_left_alone(held):
    """It may be somebody else's by now; only the key is ours."""
    (plan,) = planned(key(), held=held).values()
    assert plan.actions() == ["reload", "revoke"]


def test_a_key_under_the_alias_of_a_listed_link_goes_alone_and_only_when_nobody_holds_it():
    mark = {MARKER: {"client": "paris", "alias": "rome", "owner": ""}}
    renamed = key(name="old name", metadata=mark)
    (plan,) = planned(renamed, held={"paris-1": {"rome": "k"}}).values()
    assert plan.steps == () and "belongs to another link, and paris-1 still holds it" in (plan.blocked or "")
    found = planned(renamed, held={"paris-1": {"rome": "new"}})
    assert list(found) == ["paris old name on berlin"] and found["paris old name on berlin"].actions() == [
        "reload",
        "revoke",
    ]


def test_of_two_for_one_alias_the_one_that_is_held_takes_it_down():
    twice = [key(id="old", name="one"), key(name="two")]
    found = planned(*twice)
    assert {name: plan.actions()[-1:] for name, plan in found.items()} == {
        "paris/berlin": ["revoke"],
        "paris one on berlin": ["revoke"],
    }
    assert found["paris/berlin"].steps[-1].key_ids == ("k",) and "unset" not in found["paris one on berlin"].actions()


def test_a_node_that_cannot_be_read_or_is_not_listed_keeps_it_alive():
    (plan,) = planned(key(), missing=["paris-2"]).values()
    assert plan.steps == () and "paris-2 cannot be read" in (plan.blocked or "")
    (plan,) = planned(key(), running=["paris-9"]).values()
    assert plan.steps == () and "paris-9" in (plan.blocked or "")


def test_nobody_knows_the_nodes_of_a_client_without_any():
    (plan,) = planned(marked(client="cloud", alias="berlin", owner="")).values()
    assert plan.steps == () and "the nodes of cloud, which may hold it, are not listed" in (plan.blocked or "")


def test_a_server_that_cannot_be_asked_is_told():
    told = {
        ("paris", "cross_cluster_api_key_info", left.ALL): {"failed": True, "msg": "no"},
        ("bastion",): {"trouble": "x"},
    }
    first, second = left.troubles(told)
    assert first.startswith("paris was not asked") and first.endswith(": no") and second.startswith("bastion")


@pytest.mark.parametrize(
    "alias",
    [{**ALIAS, "addresses": ["tokyo:9443"]}, {**ALIAS, "addresses": []}, {**ALIAS, "security_model": "certificate"}],
)
def test_an_alias_that_points_elsewhere_by_now_stays(alias):
    (plan,) = planned(key(), held={"paris-1": {"berlin": "k"}}, alias=alias).values()
    assert plan.steps == () and "see whose it is" in (plan.blocked or "")


def test_before_8_13_a_node_may_use_a_key_from_memory_that_no_keystore_holds():
    (plan,) = planned(key(), held={}, version="8.12.0").values()
    assert plan.steps == () and "may use it from memory" in (plan.blocked or "")


@pytest.mark.parametrize(
    "mark", [{"client": ["x"]}, {"client": "paris", "alias": {}}, {"client": "paris", "alias": "a.b"}, 5]
)
def test_an_odd_mark_is_none_of_ours(mark):
    assert planned(key(metadata={MARKER: mark})) == {}


def test_what_an_alias_was_called_before_has_left_the_list():
    """The name of the key says nothing of it, since a link may choose it."""
    found = planned(key(name="paris-rome"), server="rome", alias={**ALIAS, "addresses": ["rome:9443"]})
    assert found["paris/berlin"].actions()[-1] == "revoke"


def test_an_adopted_key_is_that_of_its_link():
    LISTED[1]["adopt"] = "k"
    try:
        assert planned(key(), server="rome") == {}
    finally:
        del LISTED[1]["adopt"]
