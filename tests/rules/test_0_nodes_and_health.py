# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of nodes and the health of a cluster, above all while a node restarts (seen: 9.5.0)."""

from __future__ import annotations

import time

import pytest

from support.worlds import Api, reset

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
    *others, last = (node["name"] for node in world.cluster("paris")["nodes"])
    before = started(api)
    world.control("paris", "restart_node", node=last)
    after = started(api)
    assert after[last] > before[last]
    assert {name: after[name] for name in others} == {name: before[name] for name in others}


@pytest.mark.needs(nodes=2)
def test_without_indices_of_users_a_cluster_stays_green_when_a_node_leaves(make_world):
    """So health alone does not tell that a node is back."""
    world = make_world(["paris"], nodes=2)
    reset(world)
    nodes = {node["name"]: number for number, node in enumerate(world.cluster("paris")["nodes"])}
    masters = Api(world.cluster("paris")).get("/_nodes/_master/http").json["nodes"].values()
    # Of two nodes only the master may stay alone: the other one could not elect itself.
    [stays] = (node["name"] for node in masters)
    [leaves] = nodes.keys() - {stays}
    api = Api(world.cluster("paris"), node=nodes[stays])

    def health(count: int) -> tuple[str, int, int]:
        found = api.get(f"/_cluster/health?wait_for_nodes={count}&timeout=20s").json
        return found["status"], found["number_of_nodes"], found["unassigned_shards"]

    world.control("paris", "stop_node", node=leaves)
    assert health(1) == ("green", 1, 0) and list(started(api)) == [stays]
    world.control("paris", "start_node", node=leaves)
    assert api.put("/logs-1/_doc/1", {"a": 1}).status in (200, 201)
    assert api.get("/_cluster/health?wait_for_status=green&timeout=20s").json["status"] == "green"
    assert health(2) == ("green", 2, 0)
    world.control("paris", "stop_node", node=leaves)
    assert health(1) == ("yellow", 1, 1)
