# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running node of the client that is not listed would go dark with the key it uses: it is found before any write."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from support.links import Links, report
from support.pair import Pair
from support.worlds import reset


@pytest.fixture
def three(make_world, tmp_path):
    """paris has three nodes and links to berlin; rome, of one node, does so too."""
    world = make_world(clusters={"paris": {"nodes": 3}, "berlin": {"nodes": 1}, "rome": {"nodes": 1}})
    reset(world)
    return Links(world, tmp_path, [("paris", "berlin"), ("rome", "berlin")])


def listing(links, *numbers, **changed):
    """The variables, with only these nodes of paris listed, by name and tool."""
    paris = links.clusters["paris"]
    nodes = [{**paris["nodes"][number], **changed} for number in numbers]
    return {
        "elasticsearch_clusters": {
            **links.clusters,
            "paris": {**paris, "nodes": nodes, "urls": [paris["urls"][number] for number in numbers]},
        }
    }


@pytest.mark.needs("clusters")
def test_a_rotation_revokes_nothing_while_a_running_node_is_left_out(three):
    first = three.play("trust")
    assert first.ok, str(first)
    old = report(first)["paris/berlin"]["api_key_id"]
    given = listing(three, 0, 1)

    for extra in ({}, {"cross_cluster_trust_missing_nodes": "keep", "cross_cluster_trust_proof": "any"}):
        run = three.play("rotate", variables={**given, **extra})
        row = report(run)["paris/berlin"]
        assert run.rc == 2 and row["state"] == "blocked", str(run)
        assert (
            "paris-3 runs in paris" in row["note"]
            and "add paris-3 to elasticsearch_clusters.paris.nodes" in row["note"]
        )
        assert [key["id"] for key in three.live_keys("berlin", "paris-berlin")] == [old]
        # The links of other clients are done.
        assert report(run)["rome/berlin"]["state"] == "changed"
        assert three.all_work()

    trust = three.play("trust", variables=given)
    assert trust.rc == 2 and three.writes() == [], str(trust)

    verify = three.play("verify", variables=given)
    assert verify.rc == 2 and "not listed: paris-3" in verify.stdout
    shown = three.play("report", variables=given)
    assert shown.ok and "paris-3" in shown.stdout, "the report fails for what cross_cluster_report_fail_on names"
    assert three.play("report", variables={**given, "cross_cluster_report_fail_on": ["node_unlisted"]}).rc == 2

    left = three.play("untrust", variables=given)
    assert left.rc == 2 and [key["id"] for key in three.live_keys("berlin", "paris-berlin")] == [old]
    assert three.search("paris", "berlin") == [200, 200, 200]
    kept = three.play("untrust", variables={**given, "cross_cluster_trust_missing_nodes": "keep"})
    assert kept.ok and report(kept)["paris/berlin"]["kept"] == [old], str(kept)
    assert [key["id"] for key in three.live_keys("berlin", "paris-berlin")] == [old]


@pytest.mark.needs(nodes=2, since="8.13")
@pytest.mark.parametrize("slip", ["left out", "another host"])
def test_a_slip_in_the_list_of_nodes_darkens_nobody(links, slip):
    """The second node is not listed, or its entry was copied and still points at the first one."""
    first = links.play("trust")
    assert first.ok, str(first)
    first_node, second = links.clusters["paris"]["nodes"][:2]
    same = {**first_node, "name": second["name"]}
    nodes = [first_node, *([same] if slip == "another host" else []), *links.clusters["paris"]["nodes"][2:]]
    paris = {**links.clusters["paris"], "nodes": nodes}
    run = links.play("rotate", variables={"elasticsearch_clusters": {**links.clusters, "paris": paris}})
    row = report(run)["paris/berlin"]
    assert run.rc == 2 and row["state"] == "blocked" and links.writes() == [], str(run)
    assert f"{second['name']} runs in paris with the role remote_cluster_client and is not listed" in row["note"]
    pointed = f"what is reached as {second['name']} is {first_node['name']} by its elasticsearch.yml"
    assert (pointed in row["note"]) == (slip == "another host")
    assert links.all_work() and len(links.live_keys("berlin", "paris-berlin")) == 1


@pytest.mark.needs("clusters")
def test_nodes_without_the_role_need_not_be_listed(three):
    node = three.clusters["paris"]["nodes"][2]
    Pair.write_yml(node, {"node.roles": ["master", "data"]})
    three.world.control("paris", "restart_node", node=node["name"])
    given = listing(three, 0, 1)
    run = three.play("trust", variables=given)
    assert run.ok, str(run)
    again = three.play("trust", variables=given)
    assert again.ok and again.changed == 0 and three.writes() == [], str(again)
    assert three.play("rotate", variables=given).ok
    assert three.search("paris", "berlin")[:2] == [200, 200]


@pytest.mark.needs("clusters")
@pytest.mark.parametrize("way", ["url", "elasticsearch.yml", "node_name"])
def test_a_node_of_another_name_in_its_cluster(three, way):
    """Its inventory name tells nothing, and one of the other ways does."""
    given = listing(three, 0, 1, 2)
    entries = given["elasticsearch_clusters"]["paris"]["nodes"]
    for number, entry in enumerate(entries):
        entry["name"] = f"host-{number}.example"
        if way != "url":
            del entry["url"]
        if way != "elasticsearch.yml":
            # Without a file that can be read, the host tells no name.
            path = Path(entry["config_dir"], "elasticsearch.yml")
            settings = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            path.write_text(yaml.safe_dump({**settings, "node.name": "${NAME_OF_THE_NODE}"}), encoding="utf-8")
        else:
            Pair.write_yml(entry, {"node.name": three.clusters["paris"]["nodes"][number]["name"]})
        if way == "node_name":
            entry["node_name"] = three.clusters["paris"]["nodes"][number]["name"]
    run = three.play("trust", variables=given)
    assert run.ok, str(run)
    assert three.requests() and three.all_work()
    if way == "node_name":
        del entries[2]["node_name"]
        lost = three.play("rotate", variables=given)
        note = report(lost)["paris/berlin"]["note"]
        assert lost.rc == 2 and "where it is host-2.example" in note and "give that entry node_name: paris-3" in note


@pytest.mark.needs("clusters")
def test_a_list_that_may_not_be_read_counts_as_incomplete(three):
    paris = three.api("paris")
    body = {"cluster": ["cluster:monitor/remote/info", "cluster:monitor/settings", "cluster:monitor/state"]}
    assert paris.put("/_security/role/no-nodes", body).status == 200
    user = {"password": "a-password", "roles": ["no-nodes"]}
    assert paris.put("/_security/user/partly", user).status == 200
    login = {**three.clusters["paris"], "username": "partly", "password": "a-password"}
    run = three.play("trust", variables={"elasticsearch_clusters": {**three.clusters, "paris": login}})
    note = report(run)["paris/berlin"]["note"]
    assert run.rc == 2 and [entry for entry in three.writes() if entry[0] == "paris"] == [], str(run)
    assert report(run)["rome/berlin"]["ok"]
    assert "it is not known which nodes of paris use remote clusters" in note and "monitor" in note
    assert three.live_keys("berlin", "paris-berlin") == []


@pytest.mark.needs("clusters")
def test_the_list_is_one_request_for_each_client(three):
    assert three.play("trust").ok
    again = three.play("trust")
    assert again.ok and again.changed == 0, str(again)
    lists = [(name, entry["path"]) for name in three.clusters for entry in three.world.log(name)
             if entry["path"].startswith("/_nodes")]  # fmt: skip
    assert [name for name, _path in lists] == ["paris", "rome"], lists
