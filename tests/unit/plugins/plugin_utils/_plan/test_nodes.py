# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which running node each listed node is, and what is said of those that are not listed."""

from __future__ import annotations

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import nodes as ln


def running(name, roles=("data", ln.CLIENT_ROLE), **more):
    return {"id": "id-" + name, "name": name, "roles": list(roles), "http_addresses": [name + ":9200"], **more}


THREE = [running("a", started=1), running("b", started=2), running("c", started=3)]


def members(*listed, found=None):
    return ln.members(listed, found or THREE, None)


@pytest.mark.parametrize(
    "listed",
    [
        ln.Listed("c"),
        ln.Listed("host", url="https://c:9200"),
        ln.Listed("host", url="https://c:9200/"),
        ln.Listed("host", own_name="c"),
        ln.Listed("host", node_name="c"),
        ln.Listed("a-by-its-host", node_name="c", own_name="nobody"),
    ],
)
def test_a_listed_node_is_recognised_one_way_or_another(listed):
    found = members(ln.Listed("a"), ln.Listed("b"), listed)
    assert (found.unlisted, found.unmatched, found.trouble("paris")) == ((), (), "")
    assert found.started[listed.name] == 3


def test_names_come_before_addresses_and_what_the_user_says_before_both():
    by_name = ln.match([ln.Listed("a", url="https://b:9200")], THREE)
    assert by_name["a"]["name"] == "a"
    # The inventory gives a name to one node that another one bears in the cluster.
    said = ln.match([ln.Listed("a", node_name="b"), ln.Listed("host", node_name="a")], THREE)
    assert {name: node["name"] for name, node in said.items()} == {"a": "b", "host": "a"}


def test_an_address_of_several_nodes_tells_nothing():
    everywhere = [running(name, http_addresses=["localhost:9200"]) for name in "ab"]
    found = members(ln.Listed("x", url="https://localhost:9200"), ln.Listed("a"), found=everywhere)
    assert found.unlisted == () or found.unlisted == ("b",)
    assert members(ln.Listed("x", url="https://localhost:9200"), found=everywhere).unlisted == ("a", "b")


def test_who_claims_the_name_of_another_node_leaves_his_own_unlisted():
    """A node that lies about its name in its own files hides nobody."""
    found = members(ln.Listed("a"), ln.Listed("b-host", own_name="c"), ln.Listed("liar", own_name="c"))
    assert len(found.unlisted) == 1 and "not listed" in found.trouble("paris")


def test_an_entry_that_points_at_another_node_leaves_its_own_unlisted():
    """Copied, and the host not changed: b would keep its old key in its file and in memory."""
    copied = ln.Listed("b", url="https://b:9200", own_name="a")
    found = members(ln.Listed("a", own_name="a"), copied, ln.Listed("c"))
    assert (found.unlisted, found.mistaken) == (("b",), (("b", "a"),))
    assert found.trouble("paris").endswith(
        "; what is reached as b is a by its elasticsearch.yml, so look where b points to"
    )
    # What the user says counts, and a name in a file that nobody bears tells nothing.
    assert members(ln.Listed("a"), ln.Listed("b", own_name="template"), ln.Listed("c")).unlisted == ()


def test_only_nodes_with_the_role_must_be_listed():
    assert members(ln.Listed("a"), ln.Listed("b"), found=[*THREE[:2], running("master", ["master"])]).unlisted == ()


def test_the_way_out_is_named():
    text = members(ln.Listed("a"), ln.Listed("b"), ln.Listed("host")).trouble("paris")
    assert text == (
        "c runs in paris with the role remote_cluster_client and is not listed, so the key in use could be revoked "
        "while it still uses it: add c to elasticsearch_clusters.paris.nodes; or, where it is host, which no running "
        "node was found for, give that entry node_name: c"
    )
    assert "b and c run in paris" in members(ln.Listed("a")).trouble("paris")
    assert "403" in ln.members([], None, "403 forbidden").trouble("paris")
    assert ln.members([], None, None).trouble("paris"), "a list that was not read is no empty list"
