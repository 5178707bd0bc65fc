# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixtures themselves: two linked clusters, and a reset that leaves nothing behind."""

from __future__ import annotations

from support.worlds import Api, put_credential


def test_linked(linked):
    world, key = linked
    berlin, paris = Api(world.cluster("berlin")), Api(world.cluster("paris"))
    berlin.put("/logs-1/_doc/1?refresh=true", {"a": 1})
    found = paris.get("/berlin:logs-*/_search")
    assert found.status == 200 and found.json["hits"]["total"]["value"] == 1, found
    assert berlin.read_key(key["id"])["name"] == "by-hand-berlin"


def test_reset_after_a_link(world):
    berlin, paris = Api(world.cluster("berlin")), Api(world.cluster("paris"))
    assert berlin.get("/_security/api_key").json == {"api_keys": []} and berlin.get("/logs-1").status == 404
    assert paris.get("/_remote/info").json == {}
    assert all(node.credentials == {} for node in world.clusters["paris"].nodes)
    for node in world.cluster("paris")["nodes"]:
        put_credential(node, "later", "eDp5")


def test_reset_after_a_keystore_entry(world):
    reloaded = Api(world.cluster("paris")).post("/_nodes/reload_secure_settings").json
    assert [node["secure_setting_names"] for node in reloaded["nodes"].values()] == [["keystore.seed"]] * 3
