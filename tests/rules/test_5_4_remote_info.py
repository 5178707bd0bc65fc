# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 5.3 to 5.6: which model a node uses, what it tells of its remotes, the server's own settings."""

from __future__ import annotations

import pytest

from support.pair import Pair, texts

SMALL = {"berlin": {"nodes": 2}, "paris": {"nodes": 2}}


@pytest.fixture
def pair(world):
    pair = Pair(world)
    pair.document()
    return pair


def test_5_3_the_keystore_of_each_node_decides(pair):
    key = pair.berlin.key()
    pair.credential(key["encoded"], nodes=[0])
    pair.reload()
    pair.proxy()
    assert pair.info(0)["berlin"]["connected"] is True and "cluster_credentials" in pair.info(0)["berlin"]
    assert pair.info(1)["berlin"]["connected"] is False and "cluster_credentials" not in pair.info(1)["berlin"]
    assert pair.search(node=0).status == 200
    assert "failed to establish trust with server" in texts(pair.search(node=1))


def test_5_3_credentials_without_settings_are_harmless(pair):
    pair.credential(pair.berlin.key()["encoded"])
    assert "reload_exception" not in pair.reload().text
    assert pair.info() == {}
    assert "no connection rebuilding required for cluster alias [berlin]" in pair.log()


@pytest.mark.parametrize("settings_first", [True, False])
def test_5_3_order_is_free(pair, settings_first):
    key = pair.berlin.key()
    if settings_first:
        pair.proxy()
        assert "failed to establish trust with server" in pair.log(), "noise of the certificate model until the reload"
    pair.credential(key["encoded"])
    pair.reload()
    if not settings_first:
        pair.proxy()
    assert [pair.info(node)["berlin"]["connected"] for node in range(3)] == [True] * 3


def test_5_4_proxy_shape(pair):
    pair.link(server_name="localhost", proxy_socket_connections=5)
    assert pair.info()["berlin"] == {
        "connected": True,
        "mode": "proxy",
        "proxy_address": pair.world.cluster("berlin")["remote_cluster_server"],
        "server_name": "localhost",
        "num_proxy_sockets_connected": 5,
        "max_proxy_socket_connections": 5,
        "initial_connect_timeout": "30s",
        "skip_unavailable": False,
        "cluster_credentials": "::es_redacted::",
    }


def test_5_4_sniff_shape_and_only_serving_nodes_are_sniffed(pair):
    pair.yml("berlin", nodes=[2], remote_cluster_server__enabled=None)
    served = [
        node["remote_cluster_server"]["publish_address"]
        for node in pair.berlin.get("/_nodes/remote_cluster_server").json["nodes"].values()
        if "remote_cluster_server" in node
    ]
    assert len(served) == 2
    pair.credential(pair.berlin.key()["encoded"])
    pair.reload()
    assert pair.settings(seeds=[served[0]]).status == 200
    assert pair.info()["berlin"] == {
        "connected": True,
        "mode": "sniff",
        "seeds": [served[0]],
        "num_nodes_connected": 2,
        "max_connections_per_cluster": 3,
        "initial_connect_timeout": "30s",
        "skip_unavailable": True,
        "cluster_credentials": "::es_redacted::",
    }
    assert pair.search().json["hits"]["total"]["value"] == 1
    assert pair.settings(node_connections=1).status == 200
    assert pair.info()["berlin"]["num_nodes_connected"] == 1


def test_5_4_needs_monitor(pair):
    assert pair.paris.user("watcher", ["monitor"]).get("/_remote/info").status == 200
    assert pair.paris.user("nobody").get("/_remote/info").status == 403


def test_5_4_a_node_without_the_role_says_so(pair):
    pair.yml("paris", nodes=[1], node__roles=["data", "master"])
    answer = pair.paris.at_node(1).get("/_remote/info")
    assert texts(answer) == f"400 node [{pair.nodes[1]['name']}] does not have the [remote_cluster_client] role"
    assert texts(pair.search(node=1)).startswith("400 ") and "remote_cluster_client" in texts(pair.search(node=1))


def test_5_4_a_dead_key_shows_only_after_the_next_request(pair):
    key = pair.link()
    pair.berlin.delete("/_security/api_key", {"ids": [key["id"]]})
    assert pair.info()["berlin"]["connected"] is True
    assert pair.search().status == 401
    assert pair.info()["berlin"]["connected"] is False
    assert pair.info(1)["berlin"]["connected"] is True, "each node has connections of its own"


def test_5_4_asking_does_not_reconnect_but_a_request_does(pair):
    pair.link()
    for node in pair.world.cluster("berlin")["nodes"]:
        pair.world.control("berlin", "stop_node", node=node["name"])
    assert pair.info()["berlin"]["connected"] is False
    for node in pair.world.cluster("berlin")["nodes"]:
        pair.world.control("berlin", "start_node", node=node["name"])
    assert pair.info()["berlin"]["connected"] is False
    assert pair.resolve()["berlin"]["connected"] is True
    assert pair.info()["berlin"]["connected"] is True


def test_5_5_resolve_cluster(pair):
    pair.link()
    body = pair.resolve("/berlin:logs-*,nothing*")
    assert body["(local)"]["matching_indices"] is False
    assert body["berlin"]["connected"] is True and body["berlin"]["matching_indices"] is True
    assert body["berlin"]["skip_unavailable"] is False and body["berlin"]["version"]["number"] == "9.3.0"
    assert pair.resolve("/berlin:logs-zz*")["berlin"]["matching_indices"] is False
    missing = pair.resolve("/berlin:logs-none")["berlin"]
    assert missing["connected"] is True and missing["error"] == "no such index [logs-none]"


def test_5_5_security_exceptions_look_like_no_connection(pair):
    pair.link()
    user = pair.paris.user("ann", ["monitor"])
    found = pair.resolve(user=user)["berlin"]
    assert found["connected"] is False and "no remote indices privileges apply for the target cluster" in found["error"]
    concrete = pair.resolve("/berlin:other")["berlin"]
    assert concrete["connected"] is False and "is unauthorized" in concrete["error"]
    assert pair.resolve("/berlin:other*")["berlin"]["connected"] is True


def test_5_5_a_broken_link(pair):
    pair.link()
    pair.yml("berlin", remote_cluster_server__enabled=None)
    assert pair.resolve()["berlin"] == {"connected": False, "skip_unavailable": False}


def test_5_5_no_expression_form_refuses_index_options(pair):
    assert pair.paris.get("/_resolve/cluster").json == {}
    answer = pair.paris.get("/_resolve/cluster?ignore_unavailable=true")
    assert answer.status == 400


@pytest.mark.needs("versions")
@pytest.mark.parametrize(
    "version, plain, expression", [("8.12.0", False, False), ("8.17.0", False, True), ("8.18.0", True, True)]
)
def test_5_5_versions(make_world, version, plain, expression):
    paris = Pair(make_world({"berlin": {"nodes": 1}, "paris": {"nodes": 1}}, version=version)).paris
    for path, there in (("/_resolve/cluster", plain), ("/_resolve/cluster/*:x*", expression)):
        assert (paris.get(path).status == 200) is there, path
    if expression and not plain:
        assert paris.get("/_resolve/cluster/*:x*?timeout=5s").status == 400


def test_5_6_enabled_needs_a_restart_and_shows_in_nodes(pair):
    path = "/_nodes/remote_cluster_server"
    assert all("remote_cluster_server" in node for node in pair.berlin.get(path).json["nodes"].values())
    node = pair.world.cluster("berlin")["nodes"][0]
    Pair.write_yml(node, {"remote_cluster_server.enabled": False})
    assert all("remote_cluster_server" in node for node in pair.berlin.get(path).json["nodes"].values())
    pair.world.control("berlin", "restart_node", node=node["name"])
    shown = {entry["name"]: "remote_cluster_server" in entry for entry in pair.berlin.get(path).json["nodes"].values()}
    assert shown == {"berlin-1": False, "berlin-2": True, "berlin-3": True}
    full = pair.berlin.get("/_nodes").json["nodes"]
    assert not any(entry["transport"]["profiles"] for entry in full.values())


@pytest.mark.parametrize(
    "change, text",
    [
        (
            {"transport.profiles._remote_cluster.port": 9443},
            "Remote Access settings should not be configured using the [_remote_cluster] "
            "profile. Use the [remote_cluster.] settings instead.",
        ),
        (
            {"cluster.remote.a.credentials": "x"},
            "is a secure setting and must be stored inside the Elasticsearch keystore",
        ),
        (
            {"remote_cluster.prot": 1},
            "unknown setting [remote_cluster.prot] please check that any required plugins are installed",
        ),
        ({"cluster.remote.a.nonsense": 1}, "unknown setting [cluster.remote.a.nonsense]"),
        ({"cluster.remote.a.skip_unavailable": True}, "if remote cluster is not enabled."),
        ({"remote_cluster.port": 70000}, "[remote_cluster.port]"),
        (
            {"xpack.security.remote_cluster_client.ssl.certificate_authorities": "certs/none.crt"},
            "failed to load SSL configuration",
        ),
        (  # seen: 9.5.0
            {
                "xpack.security.remote_cluster_client.ssl.certificate_authorities": ["certs/http.crt"],
                "xpack.security.remote_cluster_client.ssl.truststore.path": "certs/trust.p12",
            },
            "failed to load SSL configuration [xpack.security.remote_cluster_client.ssl] - cannot specify both "
            "[certificate_authorities] and [truststore.path]",
        ),
    ],
)
def test_5_6_a_node_does_not_start_with_bad_settings(pair, change, text):
    node = pair.nodes[0]
    Pair.write_yml(node, change)
    with pytest.raises(Exception, match="."):
        pair.world.control("paris", "restart_node", node=node["name"])
    assert text in pair.log()
    with pytest.raises(Exception, match="Connection|refused"):
        pair.paris.get("/")


def test_5_6_settings_may_be_nested_or_flat(pair):
    node = pair.world.cluster("berlin")["nodes"][0]
    Pair.write_yml(node, {"remote_cluster_server.enabled": None, "remote_cluster_server": {"enabled": True}})
    pair.world.control("berlin", "restart_node", node=node["name"])
    shown = pair.berlin.get("/_nodes/_local/remote_cluster_server").json["nodes"]
    assert all("remote_cluster_server" in entry for entry in shown.values())


def test_5_6_trust_none_needs_the_authority_and_a_restart(make_world):
    world = make_world(SMALL, trust=False)
    world.control("berlin", "reset")
    world.control("paris", "reset")
    pair = Pair(world)
    pair.document()
    pair.link()
    assert "failed to establish trust with server" in texts(pair.search())
    ca = world.cluster("berlin")["remote_ca_cert"]
    for node in pair.nodes:
        Pair.write_yml(node, {"xpack.security.remote_cluster_client.ssl.certificate_authorities": [ca]})
    assert pair.search().status == 500, "read at start only"
    for node in pair.nodes:
        world.control("paris", "restart_node", node=node["name"])
    assert [pair.search(node=number).status for number in (0, 1)] == [200, 200]
