# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 8: what goes wrong with a link when nodes run with other files, licences, versions and clocks."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl

import pytest

from support.pair import as_new, hand_over_authorities, texts
from support.worlds import each_version, of_version

SMALL = {"berlin": {"nodes": 1}, "paris": {"nodes": 1}}
LICENSE = "current license is non-compliant for [advanced-remote-cluster-security]"


@pytest.fixture
def small(make_world):
    def make(clusters=None, **options):
        clusters = clusters or SMALL
        world = make_world(clusters, **options)
        return as_new(world)

    return make


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def with_credential(pair, value):
    pair.credential(value)
    pair.reload()
    pair.proxy()
    return texts(pair.search())


@pytest.mark.needs("licences")
def test_8_local_licence(pair):
    pair.link()
    pair.world.control("paris", "set_license", type="basic")
    assert texts(pair.search()) == f"403 {LICENSE}"


@pytest.mark.needs("licences")
def test_8_remote_licence(pair):
    pair.link()
    pair.world.control("berlin", "set_license", type="platinum")
    assert texts(pair.search()) == f"403 {LICENSE}"
    pair.world.control("berlin", "set_license", type="enterprise")
    assert pair.search().status == 200


@pytest.mark.needs("clock")
def test_8_expired(pair):
    key = pair.berlin.key(expiration="1h")
    pair.credential(key["encoded"])
    pair.reload()
    pair.proxy()
    assert pair.search().status == 200
    pair.world.control("berlin", "advance_clock", seconds=3601)
    assert texts(pair.search()).startswith("401 ") and texts(pair.search()).endswith("api key is expired")


# --- nodes with other files: each restart takes long on a real server, so a test goes from one to the next ---


def trusting(pair, cluster, **more):
    """The nodes take the authorities of the other cluster for every port, so that what comes after TLS shows."""
    files = hand_over_authorities(pair.world, cluster)
    pair.yml(
        cluster,
        xpack__security__transport__ssl__certificate_authorities=files,
        xpack__security__remote_cluster_client__ssl__certificate_authorities=files,
        **more,
    )


def transport(pair):
    return next(iter(pair.berlin.get("/_nodes").json["nodes"].values()))["transport_address"]


DEPRECATED = {"8.10": False, "9.0": True}


@each_version("8.19.0", "9.3.0")
def test_8_without_a_credential(small, version):
    """The certificate model, which belongs to the transport port."""
    pair = small(version=version)
    trusting(pair, "berlin")
    trusting(pair, "paris")
    pair.proxy(transport(pair), proxy_socket_connections=2)
    assert pair.search().status == 200 and "cluster_credentials" not in pair.info()["berlin"]
    deprecated = of_version(DEPRECATED, pair.paris.spec["version"])
    assert ("certificate-based security model is deprecated" in pair.deprecations()) is deprecated
    user = pair.paris.user("ann", remote_indices=[{"clusters": ["*"], "names": ["*"], "privileges": ["read"]}])
    path = "/berlin:logs-1/_search"
    assert "is unauthorized for user [ann]" in texts(pair.search(path, user=user)), "remote_indices count for nothing"
    pair.berlin.user("ann", indices=[{"names": ["logs-*"], "privileges": ["read", "read_cross_cluster"]}])
    assert pair.search(path, user=user).status == 200, "the remote's role of the same name does"

    pair.forget()
    pair.proxy(proxy_socket_connections=2)
    assert texts(pair.search()) == (
        "400 Cross cluster requests through the dedicated remote cluster server port require transport header "
        "[_cross_cluster_access_credentials] but none found. Please ensure you have configured remote cluster "
        "credentials on the cluster originating the request."
    )


def test_8_a_credential_at_the_transport_port(small):
    pair = small()
    pair.credentials({"berlin": pair.berlin.key()["encoded"]})
    trusting(pair, "paris")
    pair.proxy(transport(pair), proxy_socket_connections=2)
    told = texts(pair.search())
    assert "handshake failed because connection reset" in told, "the transport port wants a client certificate"
    trusting(pair, "berlin", xpack__security__transport__ssl__client_authentication="optional")
    missing = "missing authentication credentials for action [cluster:internal/remote_cluster/handshake]"
    assert missing in texts(pair.search())
    trusting(
        pair,
        "paris",
        xpack__security__remote_cluster_client__ssl__certificate="certs/transport.crt",
        xpack__security__remote_cluster_client__ssl__key="certs/transport.key",
    )
    assert missing in texts(pair.search()), "a certificate does not log a credential in"


def test_8_a_server_that_is_not_enabled_or_has_no_api_keys(small):
    pair = small()
    pair.credentials({"berlin": pair.berlin.key()["encoded"]})
    pair.proxy(proxy_socket_connections=2)
    pair.yml("berlin", remote_cluster_server__enabled=None)
    assert "Connection refused" in texts(pair.search())
    pair.yml("berlin", remote_cluster_server__enabled=True, xpack__security__authc__api_key__enabled=False)
    assert "api keys are not enabled" in texts(pair.search())
    pair.yml("berlin", xpack__security__authc__api_key__enabled=None)
    assert pair.search().status == 200, "and it comes back"


def test_8_tls_untrusted(small):
    pair = small()
    pair.credentials({"berlin": pair.berlin.key()["encoded"]})
    prefix = "xpack__security__remote_cluster_client__ssl__"
    pair.yml("paris", **{f"{prefix}certificate_authorities": ["certs/http_ca.crt"]})
    pair.proxy(proxy_socket_connections=2)
    assert "PKIX path building failed" in texts(pair.search())
    assert "failed to establish trust with server" in pair.log()
    pair.yml("paris", **{f"{prefix}verification_mode": "none"})
    assert pair.search().status == 200


@pytest.mark.needs(nodes=2)
def test_8_server_nodes_that_come_and_go(pair):
    pair.link()
    for node in pair.world.cluster("berlin")["nodes"]:
        pair.world.control("berlin", "restart_node", node=node["name"])
        assert [pair.search(node=number).status for number in range(len(pair.nodes))] == [200] * len(pair.nodes)


# --- what only simulated clusters can be brought to ---


@pytest.mark.needs("versions")
def test_8_remote_older_than_8_10(small):
    pair = small({"berlin": {"version": "8.9.0", "nodes": 1}, "paris": {"version": "8.13.0", "nodes": 1}})
    assert (
        "indicate cross cluster access headers should be sent but target cluster version "
        "[8.9.0] does not support receiving them"
        in (found := with_credential(pair, encoded("x:ui2lp2axTNmsyakw9tvNnw")))
        and found.startswith("400 Settings for remote cluster [berlin]")
    )


@pytest.mark.needs("versions")
def test_8_old_nodes_inside_the_remote(small):
    pair = small({"berlin": {"node_versions": ["8.10.0", "8.9.0"]}, "paris": {"version": "8.13.0", "nodes": 1}})
    new_node = next(node for node in pair.berlin.get("/_nodes").json["nodes"].values() if node["version"] == "8.10.0")
    pair.credential(encoded("x:ui2lp2axTNmsyakw9tvNnw"))
    pair.reload()
    pair.proxy(new_node["remote_cluster_server"]["publish_address"])
    assert (
        "all nodes must have version [8.10.0] or higher to support cross cluster requests "
        "through the dedicated remote cluster port" in texts(pair.search())
    )


def send_raw(world, headers):
    """One message of our own making to berlin's remote-cluster port."""
    from simulator.link import protocol as wire

    async def talk():
        host, port = world.clusters["berlin"].remote_cluster_server.split(":")
        context = ssl.create_default_context(cafile=world.cluster("berlin")["remote_ca_cert"])
        channel = await wire.Channel.connect(host, int(port), context, None)
        try:
            return await channel.request("indices:data/read/search", headers, {})
        finally:
            await channel.close()

    return world.run(talk())


@pytest.mark.needs("wire")
def test_8_extra_headers(pair):
    key = pair.berlin.key()
    subject = json.dumps({"username": "x", "roles": [], "entries": []})
    headers = {
        "_cross_cluster_access_credentials": f"ApiKey {key['encoded']}",
        "_cross_cluster_access_subject_info": subject,
        "x-more": "1",
    }
    with pytest.raises(
        Exception,
        match=r"Transport request header \[x-more\] is not allowed for cross cluster requests through the "
        "dedicated remote cluster server port",
    ):
        send_raw(pair.world, headers)
    with pytest.raises(Exception, match=r"\[_cross_cluster_access_subject_info\] but none found"):
        send_raw(pair.world, {"_cross_cluster_access_credentials": f"ApiKey {key['encoded']}"})


@pytest.mark.needs("upgrade", "versions")
def test_8_legacy_key_with_field_security_and_replication(small):
    pair = small(version="8.13.0")
    key = pair.link(
        access={"search": [{"names": ["logs-*"], "query": {"match_all": {}}}], "replication": [{"names": ["logs-*"]}]}
    )
    assert pair.search().status == 200
    pair.world.control("berlin", "upgrade", version="8.14.0")
    assert texts(pair.search()) == (
        f"400 Cross cluster API key [{key['id']}] is invalid: search does not support document or field level "
        "security if replication is assigned"
    )
    assert pair.berlin.read_key(key["id"])["access"]["replication"]


@pytest.mark.needs("licences")
def test_8_skip_unavailable_hides_a_licence_only_without_a_connection(pair):
    pair.link(skip_unavailable=True)
    pair.world.control("paris", "set_license", type="basic")
    answer = pair.search()
    details = answer.json["_clusters"]["details"]["berlin"]
    assert answer.status == 200 and details["status"] == "skipped"
    assert details["failures"][0]["reason"]["reason"] == LICENSE


@pytest.mark.needs("memory")
def test_8_many_searches_at_once_through_one_channel(pair):
    pair.link()

    async def search():
        connection = pair.world.clusters["paris"].nodes[0].connections["berlin"]
        subject = {
            "username": "x",
            "roles": [],
            "user": "user [x]",
            "entries": [[{"names": ["*"], "privileges": ["all"]}]],
        }
        body = {
            "query": {"match_all": {}},
            "size": 1,
            "indices": "logs-*",
            "ignore_unavailable": False,
            "allow_no_indices": True,
        }
        return await asyncio.gather(
            *(connection.request("indices:data/read/search", body, subject) for _unused in range(200))
        )

    assert {answer["total"] for answer in pair.world.run(search())} == {1}
