# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is seen of a link, and each way to break it."""

from __future__ import annotations

import pytest

from support.modules import run_module
from support.worlds import Api, connection, link, put_credential

MODULE = "remote_cluster_info"


@pytest.fixture
def paris(world):
    return connection(world.cluster("paris"))


@pytest.fixture
def unlinked(world, paris):
    # A reset leaves the keystores as they are.
    for node in world.cluster("paris")["nodes"]:
        keystore = {"executable": node["keystore"], "config_dir": node["config_dir"]}
        run_module("keystore", {**keystore, "name": "cluster.remote.berlin.credentials", "state": "absent"})
    return paris


def proof(args, **more):
    result = run_module(MODULE, {**args, "probe": True, **more})
    assert not result.failed, result.msg
    assert len(result["remotes"]) == 1
    return result["remotes"][0]


def test_nothing(paris):
    assert run_module(MODULE, {**paris, "probe": True})["remotes"] == []


def test_a_link_that_works(linked, paris):
    world, key = linked
    nodes = len(world.cluster("paris")["nodes"])
    remote = proof(paris, wait_connected=20)
    assert remote["connected"] and remote["security_model"] == "api_key" and remote["mode"] == "proxy"
    assert remote["settings"]["proxy_address"] == world.cluster("berlin")["remote_cluster_server"]
    assert remote["probe"]["ok"] and len(remote["probe"]["nodes"]) == nodes
    world.clear_log()
    remote = proof(paris)
    paths = sorted(entry["path"] for entry in world.log("paris"))
    assert (
        paths == ["/_cluster/settings", *["/_resolve/cluster/*:*"] * nodes, "/_remote/info"] or len(paths) == nodes + 2
    )
    assert world.log("paris", writes_only=True) == []
    assert key["encoded"] not in str(remote)
    world.clear_log()
    run_module(MODULE, {**paris, "alias": "berlin"})
    assert len(world.log("paris")) == 2


def test_a_revoked_key(linked, paris, api):
    _sim, key = linked
    proof(paris, wait_connected=20)
    assert api("berlin").delete("/_security/api_key", {"ids": [key["id"]]}).status == 200
    remote = proof(paris)
    assert not remote["probe"]["ok"] and remote["probe"]["cause"] == "key_revoked", remote["probe"]
    assert "cluster.remote.berlin.credentials" in remote["probe"]["advice"]


def test_a_rest_key(linked, paris, api):
    world, _key = linked
    proof(paris, wait_connected=20)
    rest = api("berlin").rest_key()
    for node in world.cluster("paris")["nodes"]:
        put_credential(node, "berlin", rest["encoded"])
    run_module("reload_secure_settings", paris)
    remote = proof(paris)
    assert remote["probe"]["cause"] == "key_wrong_type", remote["probe"]


@pytest.mark.needs(nodes=2)
def test_one_node_lacks_the_credential(world, unlinked):
    paris, nodes = unlinked, world.cluster("paris")["nodes"]
    key = Api(world.cluster("berlin")).key()
    for node in nodes[:-1]:
        put_credential(node, "berlin", key["encoded"])
    run_module("reload_secure_settings", paris)
    run_module(
        "remote_cluster",
        {**paris, "alias": "berlin", "proxy_address": world.cluster("berlin")["remote_cluster_server"]},
    )
    remote = proof(paris, wait_connected=3)
    assert not remote["probe"]["ok"] and f"1 of {len(nodes)} nodes" in remote["probe"]["reason"], remote["probe"]
    assert remote["probe"]["cause"] == "no_credential", remote["probe"]


def test_nothing_listens(world, paris):
    link(world.cluster("paris"), {**world.cluster("berlin"), "remote_cluster_server": "127.0.0.1:1"}, "berlin")
    remote = proof(paris)
    assert not remote["connected"] and not remote["probe"]["ok"]
    assert remote["probe"]["cause"] in ("not_connected", "unreachable"), remote["probe"]


@pytest.mark.needs("licences")  # a real cluster has one trial, and what comes later would fail; seen on 9.5.0
def test_licence(linked, paris, api):
    assert api("berlin").post("/_license/start_basic?acknowledge=true").status == 200
    remote = proof(paris)
    assert remote["probe"]["cause"] == "license", remote["probe"]


def test_a_login_without_remote_indices_proves_nothing(linked, paris, api):
    api("paris").user("watcher", cluster=["monitor"], indices=[{"names": ["*"], "privileges": ["all"]}])
    remote = proof({**paris, "username": "watcher", "password": "secret-1"})
    assert not remote["probe"]["ok"], remote["probe"]
    assert remote["probe"]["cause"] == "login_lacks_remote_indices", remote["probe"]


@pytest.mark.needs(nodes=3)
def test_a_node_that_is_down(linked, paris):
    world, _key = linked
    proof(paris, wait_connected=20)
    world.control("paris", "stop_node", node=world.cluster("paris")["nodes"][2]["name"])
    remote = proof({**paris, "retries": 0})
    assert not remote["probe"]["ok"]
    assert [node["ok"] for node in remote["probe"]["nodes"]].count(True) == 2
    assert remote["probe"]["cause"] == "node_unreachable"


@pytest.mark.needs("versions")
@pytest.mark.parametrize("version", ["8.12.0", "8.17.0"])
def test_older_versions(make_world, version):
    one = make_world(version=version)
    paris = connection(one.cluster("paris"))
    link(one.cluster("paris"), one.cluster("berlin"), "berlin")
    if version == "8.12.0":
        for node in one.cluster("paris")["nodes"]:
            one.control("paris", "restart_node", node=node["name"])
    remote = proof(paris, wait_connected=20)
    assert remote["probe"]["ok"], remote["probe"]
    key = Api(one.cluster("berlin")).get("/_security/api_key?name=by-hand-berlin").json["api_keys"][-1]
    assert Api(one.cluster("berlin")).delete("/_security/api_key", {"ids": [key["id"]]}).status == 200
    assert not proof(paris)["probe"]["ok"]


def test_bad_alias(paris):
    result = run_module(MODULE, {**paris, "alias": "a*"})
    assert result.failed and "not an alias" in result.msg


def test_further_addresses_of_nodes_are_compared_without_being_asked(world, paris):
    """A node that is left out of the proof, as its host cannot be reached, is still known by its address."""
    first, *others = [node["url"] for node in world.cluster("paris")["nodes"]]
    world.clear_log()
    told = run_module("remote_cluster_info", {**paris, "urls": [first], "nodes": True, "node_urls": others})
    assert {url for node in told["nodes"] for url in node["urls"]} == {first, *others}
    assert {entry["node"] for entry in world.log("paris")} == {world.cluster("paris")["nodes"][0]["name"]}


def test_the_nodes_that_run(world, paris):
    told = run_module(MODULE, {**paris, "nodes": True})
    assert not told.failed and told["nodes_problem"] is None
    assert [node["name"] for node in told["nodes"]] == [node["name"] for node in world.cluster("paris")["nodes"]]
    # Every node is found at one of the addresses that were given, and knows since when it runs.
    assert sorted(url for node in told["nodes"] for url in node["urls"]) == sorted(paris["urls"])
    assert all("remote_cluster_client" in node["roles"] and node["started"] > 0 for node in told["nodes"])
    assert {node["version"] for node in told["nodes"]} == {world.cluster("paris")["version"]}
    assert "nodes" not in run_module(MODULE, paris)

    # A login that may look at remote clusters and not at nodes.
    privileges = ["cluster:monitor/remote/info", "cluster:monitor/settings", "cluster:monitor/state"]
    Api(world.cluster("paris")).user("partly", cluster=privileges)
    refused = run_module(MODULE, {**paris, "username": "partly", "password": "secret-1", "nodes": True})
    assert not refused.failed and refused["nodes"] is None
    assert "cluster privilege monitor" in refused["nodes_problem"]
