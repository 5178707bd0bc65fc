# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 5.3 to 5.6: which model a node uses, what it tells of its remotes, the server's own settings."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

import pytest

from support.pair import Pair, texts
from support.worlds import Api, each_version, of_version

SMALL = {"berlin": {"nodes": 2}, "paris": {"nodes": 2}}
SERVERS = "/_nodes/remote_cluster_server"


@pytest.fixture(scope="module")
def keys(pair_once):
    """The credentials that tests need are put into the keystores at once; `berlin` is a link that works."""
    made = {alias: pair_once.berlin.key() for alias in ("berlin", "dying", "doomed")}
    pair_once.credentials({alias: key["encoded"] for alias, key in made.items()})
    return made


@pytest.fixture
def pair(pair_once, keys):
    yield pair_once
    pair_once.forget()


@pytest.fixture
def linked(pair):
    pair.proxy(proxy_socket_connections=2)
    return pair


def own():
    """An alias that nobody used before."""
    return f"a-{uuid.uuid4().hex[:8]}"


@pytest.mark.needs(nodes=2)
def test_5_3_the_keystore_of_each_node_decides(pair):
    alias = own()
    pair.credential(pair.berlin.key()["encoded"], nodes=[0], alias=alias)
    pair.reload()
    pair.proxy(alias=alias)
    first, second = (pair.info(node)[alias] for node in (0, 1))
    assert first["connected"] is True and "cluster_credentials" in first
    assert second["connected"] is False and "cluster_credentials" not in second
    path = f"/{alias}:logs-*/_search"
    assert pair.search(path, node=0).status == 200
    assert "PKIX path building failed" in texts(pair.search(path, node=1))


# Before 8.13 a credential is read when the node starts.
UNUSED = "no connection rebuild required for remote cluster [{0}] after credentials change"


@pytest.mark.needs(since="8.13")
def test_5_3_credentials_without_settings_are_harmless(pair):
    alias = own()
    pair.credential(pair.berlin.key()["encoded"], alias=alias)
    assert "reload_exception" not in pair.reload().text
    assert pair.info() == {}
    assert UNUSED.format(alias) in pair.log()


@pytest.mark.needs(since="8.13")
@pytest.mark.parametrize("settings_first", [True, False])
def test_5_3_order_is_free(pair, settings_first):
    alias = own()
    if settings_first:
        pair.proxy(alias=alias, proxy_socket_connections=2)
        assert pair.info()[alias]["connected"] is False
        assert "failed to establish trust with server" in pair.log(), "noise of the certificate model until the reload"
    pair.credential(pair.berlin.key()["encoded"], alias=alias)
    pair.reload()
    if not settings_first:
        pair.proxy(alias=alias, proxy_socket_connections=2)
    assert all(pair.info(node)[alias]["connected"] for node in range(len(pair.nodes)))


def test_5_4_proxy_shape(pair):
    pair.proxy(server_name="localhost", proxy_socket_connections=5)
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


def served(pair):
    return [
        node["remote_cluster_server"]["publish_address"]
        for node in pair.berlin.get(SERVERS).json["nodes"].values()
        if "remote_cluster_server" in node
    ]


def test_5_4_sniff_shape(pair):
    addresses = served(pair)
    assert pair.settings(seeds=[addresses[0]], skip_unavailable=True).status == 200
    assert pair.info()["berlin"] == {
        "connected": True,
        "mode": "sniff",
        "seeds": [addresses[0]],
        "num_nodes_connected": min(len(addresses), 3),
        "max_connections_per_cluster": 3,
        "initial_connect_timeout": "30s",
        "skip_unavailable": True,
        "cluster_credentials": "::es_redacted::",
    }
    assert pair.search().json["hits"]["total"]["value"] == 1
    assert pair.settings(node_connections=1).status == 200
    assert pair.info()["berlin"]["num_nodes_connected"] == 1


@pytest.mark.needs(nodes=2)
def test_5_4_only_serving_nodes_are_sniffed(pair):
    total = len(served(pair))
    with restarted(pair, "berlin", 1, {"remote_cluster_server.enabled": None}):
        addresses = served(pair)
        assert len(addresses) == total - 1
        assert pair.settings(seeds=[addresses[0]]).status == 200
        assert pair.info()["berlin"]["num_nodes_connected"] == total - 1


def test_5_4_needs_monitor(pair):
    assert pair.paris.user("watcher", ["monitor"]).get("/_remote/info").status == 200
    assert pair.paris.user("nobody").get("/_remote/info").status == 403


def test_5_4_a_dead_key_shows_only_after_the_next_request(pair, keys):
    key, path = keys["dying"], "/dying:logs-*/_search"
    nodes = range(len(pair.nodes))
    pair.proxy(alias="dying", proxy_socket_connections=1)
    pair.berlin.delete("/_security/api_key", {"ids": [key["id"]]})
    assert [pair.info(node)["dying"]["connected"] for node in nodes] == [True for _node in nodes]
    assert pair.search(path).status == 401
    assert pair.info()["dying"]["connected"] is False
    assert all(pair.info(node)["dying"]["connected"] for node in nodes[1:]), "each node has connections of its own"


# --- _resolve/cluster ---

# Is a link connected whose request was refused?
REFUSED = {"8.13": True, "8.15": False}


@pytest.mark.needs(since="8.13")
def test_5_5_a_dead_key_is_told_by_resolve_cluster(pair, keys):
    key = keys["doomed"]
    pair.proxy(alias="doomed", proxy_socket_connections=1)
    pair.berlin.delete("/_security/api_key", {"ids": [key["id"]]})
    assert pair.search("/doomed:logs-*/_search").status == 401
    found = pair.resolve("/doomed:logs-*")["doomed"]
    assert found["connected"] is of_version(REFUSED, pair.paris.spec["version"]) and found["error"] == (
        f"unable to authenticate user [{key['id']}] for action [cluster:internal/remote_cluster/handshake]"
    )


@pytest.mark.needs(since="8.13")
def test_5_5_resolve_cluster(linked):
    body = linked.resolve("/berlin:logs-*,nothing*")
    assert body["(local)"]["matching_indices"] is False
    assert body["berlin"]["connected"] is True and body["berlin"]["matching_indices"] is True
    assert body["berlin"]["skip_unavailable"] is False
    assert body["berlin"]["version"]["number"] == linked.berlin.spec["version"]
    assert linked.resolve("/berlin:logs-zz*")["berlin"]["matching_indices"] is False
    missing = linked.resolve("/berlin:logs-none")["berlin"]
    assert missing["connected"] is True and missing["error"] == "no such index [logs-none]"


@pytest.mark.needs(since="8.13")
def test_5_5_security_exceptions_look_like_no_connection(linked):
    connected = of_version(REFUSED, linked.paris.spec["version"])
    found = linked.resolve(user=linked.paris.user("ann", ["monitor"]))["berlin"]
    assert found["connected"] is connected
    assert "no remote indices privileges apply for the target cluster" in found["error"]
    concrete = linked.resolve("/berlin:other")["berlin"]
    assert concrete["connected"] is connected and "is unauthorized" in concrete["error"]
    assert linked.resolve("/berlin:other*")["berlin"]["connected"] is True


@pytest.mark.needs(since="8.13")
def test_5_5_a_broken_link(pair):
    pair.proxy("127.0.0.1:1")
    assert pair.resolve()["berlin"] == {"connected": False, "skip_unavailable": False}


@pytest.mark.needs(since="8.18")
def test_5_5_no_expression_form_refuses_index_options(pair):
    assert pair.paris.get("/_resolve/cluster").json == {}
    assert texts(pair.paris.get("/_resolve/cluster?ignore_unavailable=true")) == (
        "400 No index options are allowed on _resolve/cluster when no index expression is specified, but received: "
        "[ignore_unavailable]"
    )


# path -> its status
RESOLVE = {
    # Where there is no such path, 8.x takes it for an index and a type of old times.
    "8.10": {"/_resolve/cluster": 405, "/_resolve/cluster/*:x*": 400, "/_resolve/cluster/*:x*?timeout=5s": 400},
    "8.13": {"/_resolve/cluster": 405, "/_resolve/cluster/*:x*": 200, "/_resolve/cluster/*:x*?timeout=5s": 400},
    "8.18": {"/_resolve/cluster": 200, "/_resolve/cluster/*:x*": 200, "/_resolve/cluster/*:x*?timeout=5s": 200},
}


@each_version("8.12.0", "8.17.0", "8.18.0")
def test_5_5_versions(make_world, version):
    paris = Api(make_world({"berlin": {"nodes": 1}, "paris": {"nodes": 1}}, version=version).cluster("paris"))
    expected = of_version(RESOLVE, paris.spec["version"])
    assert {path: paris.get(path).status for path in expected} == expected


# --- nodes with other files ---


@contextlib.contextmanager
def restarted(pair, cluster, number, change):
    """A node that runs with a changed elasticsearch.yml, and afterwards with its own again."""
    node = pair.world.cluster(cluster)["nodes"][number]
    file = Path(node["config_dir"], "elasticsearch.yml")
    before = file.read_text(encoding="utf-8")
    Pair.write_yml(node, change)
    try:
        pair.world.control(cluster, "restart_node", node=node["name"])
        yield node
    finally:
        file.write_text(before, encoding="utf-8")
        pair.world.control(cluster, "restart_node", node=node["name"])


def test_5_4_a_node_without_the_role_says_so(pair):
    number = len(pair.nodes) - 1
    with restarted(pair, "paris", number, {"node.roles": ["data", "master"]}) as node:
        told = texts(pair.paris.at_node(number).get("/_remote/info"))
        assert told == f"400 node [{node['name']}] does not have the [remote_cluster_client] role"
        told = texts(pair.search(node=number))
        assert told.startswith("403 action [indices:data/read/search] is unauthorized for user [elastic] ")
        assert told.endswith(f" | node [{node['name']}] does not have the remote cluster client role enabled")


def test_5_4_asking_does_not_reconnect_but_a_request_does(linked):
    nodes = [node["name"] for node in linked.world.cluster("berlin")["nodes"]]
    for name in nodes:
        linked.world.control("berlin", "stop_node", node=name)
    assert linked.info()["berlin"]["connected"] is False
    for name in nodes:
        linked.world.control("berlin", "start_node", node=name)
    assert linked.info()["berlin"]["connected"] is False
    assert linked.search().status == 200
    assert linked.info()["berlin"]["connected"] is True


def test_5_6_enabled_needs_a_restart_and_shows_in_nodes(pair):
    def serving():
        nodes = pair.berlin.get(SERVERS).json["nodes"].values()
        return {node["name"]: "remote_cluster_server" in node for node in nodes}

    first = pair.world.cluster("berlin")["nodes"][0]
    everywhere = {node["name"]: True for node in pair.world.cluster("berlin")["nodes"]}
    file = Path(first["config_dir"], "elasticsearch.yml")
    before = file.read_text(encoding="utf-8")
    Pair.write_yml(first, {"remote_cluster_server.enabled": False})
    assert serving() == everywhere, "read at start only"
    file.write_text(before, encoding="utf-8")
    # Nested settings are as good as flat ones.
    with restarted(
        pair, "berlin", 0, {"remote_cluster_server.enabled": None, "remote_cluster_server": {"enabled": False}}
    ):
        assert serving() == {**everywhere, first["name"]: False}
    assert serving() == everywhere
    full = pair.berlin.get("/_nodes").json["nodes"]
    assert not any(entry["transport"]["profiles"] for entry in full.values())


@pytest.fixture(scope="module")
def stopped(pair_once):
    """A node of paris that does not run."""
    node = pair_once.nodes[-1]
    file = Path(node["config_dir"], "elasticsearch.yml")
    before = file.read_text(encoding="utf-8")
    pair_once.world.control("paris", "stop_node", node=node["name"])
    yield node
    file.write_text(before, encoding="utf-8")
    pair_once.world.control("paris", "start_node", node=node["name"])


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
            "unknown setting [remote_cluster.prot] did you mean [remote_cluster.port]?",
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
def test_5_6_a_node_does_not_start_with_bad_settings(pair_once, stopped, change, text):
    file = Path(stopped["config_dir"], "elasticsearch.yml")
    before, said = file.read_text(encoding="utf-8"), len(pair_once.log(node=-1))
    Pair.write_yml(stopped, change)
    try:
        with pytest.raises(Exception, match="."):
            pair_once.world.control("paris", "start_node", node=stopped["name"])
    finally:
        file.write_text(before, encoding="utf-8")
    assert text in pair_once.log(node=-1)[said:]
    with pytest.raises(Exception, match="Connection|refused"):
        pair_once.paris.at_node(-1).get("/")


def test_5_6_trust_none_needs_the_authority_and_a_restart(make_world):
    world = make_world(SMALL, trust=False)
    world.control("berlin", "reset")
    world.control("paris", "reset")
    pair = Pair(world)
    pair.document()
    pair.link()
    assert "PKIX path building failed" in texts(pair.search())
    authorities = "xpack.security.remote_cluster_client.ssl.certificate_authorities"
    ca = Path(world.cluster("berlin")["remote_ca_cert"])
    for node in pair.nodes:
        Path(node["config_dir"], "berlin.crt").write_bytes(ca.read_bytes())
        Pair.write_yml(node, {authorities: ["berlin.crt"]})
    assert pair.search().status == 500, "read at start only"
    for node in pair.nodes:
        world.control("paris", "restart_node", node=node["name"])
    assert {pair.search(node=number).status for number in range(len(pair.nodes))} == {200}

    said = len(pair.log(node=-1))
    Pair.write_yml(pair.nodes[-1], {authorities: [str(ca)]})
    with pytest.raises(Exception, match="."):
        world.control("paris", "restart_node", node=pair.nodes[-1]["name"])
    told = pair.log(node=-1)[said:]
    assert "because access to read the file is blocked; SSL resources should be placed in the [" in told
