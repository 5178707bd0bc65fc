# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixtures themselves: two linked clusters, and a reset that leaves nothing behind."""

from __future__ import annotations

from support.pair import Pair
from support.worlds import Api, put_credential

ALIAS = "cluster.remote.later.credentials"


def test_linked(linked):
    world, key = linked
    berlin, paris = Api(world.cluster("berlin")), Api(world.cluster("paris"))
    berlin.put("/logs-1/_doc/1?refresh=true", {"a": 1})
    found = paris.get("/berlin:logs-*/_search")
    assert found.status == 200 and found.json["hits"]["total"]["value"] == 1, found
    assert berlin.read_key(key["id"])["name"] == "by-hand-berlin"


def test_reset_after_a_link(world):
    """Keys that were made are gone, or dead where a server keeps them for a while."""
    pair = Pair(world)
    live = pair.berlin.get("/_security/api_key?active_only=true")
    assert live.json == {"api_keys": []} and pair.berlin.get("/logs-1").status == 404
    assert pair.info() == {}
    pair.proxy()
    for number in range(len(pair.nodes)):
        assert "cluster_credentials" not in pair.info(number)["berlin"], "nor does a node have what it has loaded"
    for node in pair.nodes:
        put_credential(node, "later", "eDp5")


def test_reset_after_a_keystore_entry(world):
    pair = Pair(world)
    for number in range(len(pair.nodes)):
        assert ALIAS not in pair.tool("list", node=number).stdout.split()
    assert "reload_exception" not in pair.reload().text
