# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of nodes and the health of a cluster, above all while a node restarts (seen: 9.5.0)."""

from __future__ import annotations

import time

from support.worlds import Api

STARTED = "/_nodes/jvm?filter_path=nodes.*.name,nodes.*.jvm.start_time_in_millis"


def started(api: Api) -> dict[str, int]:
    nodes = api.get(STARTED).json["nodes"].values()
    return {node["name"]: node["jvm"]["start_time_in_millis"] for node in nodes}


def test_a_node_tells_when_its_process_started(clusters):
    found = started(Api(clusters["paris"]))
    assert sorted(found) == [node["name"] for node in clusters["paris"]["nodes"]]
    assert all(0 < time.time() * 1000 - at < 30 * 86_400_000 for at in found.values())


def test_after_a_restart_it_tells_another_time(world):
    api = Api(world.cluster("paris"))
    before = started(api)
    world.control("paris", "restart_node", node="paris-2")
    after = started(api)
    assert after["paris-2"] > before["paris-2"]
    assert {name: at for name, at in after.items() if name != "paris-2"} == {
        name: at for name, at in before.items() if name != "paris-2"
    }


def test_without_indices_of_users_a_cluster_stays_green_when_a_node_leaves(make_world):
    """So health alone does not tell that a node is back."""
    world = make_world(["paris"], nodes=2)
    api = Api(world.cluster("paris"))

    def health() -> tuple[str, int, int]:
        found = api.get("/_cluster/health").json
        return found["status"], found["number_of_nodes"], found["unassigned_shards"]

    world.control("paris", "stop_node", node="paris-2")
    assert list(started(api)) == ["paris-1"] and health() == ("green", 1, 0)
    world.control("paris", "start_node", node="paris-2")
    assert api.put("/logs-1/_doc/1", {"a": 1}).status in (200, 201)
    assert health() == ("green", 2, 0)
    world.control("paris", "stop_node", node="paris-2")
    assert health() == ("yellow", 1, 1)
