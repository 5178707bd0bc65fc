# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 8: every row of the table of what goes wrong with a link, and what users see of it."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl

import pytest

from support.pair import SEARCH, as_new, texts

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


def test_8_a_search_that_works(pair):
    pair.berlin.put("/logs-2/_doc/2", {"x": 1})
    pair.paris.put("/logs-1/_doc/9", {"local": True})
    pair.link()
    for method in ("GET", "POST"):
        answer = pair.paris(method, "/logs-1,berlin:logs-*/_search", {"query": {"match_all": {}}, "size": 5})
        assert answer.status == 200, answer
        assert [hit["_index"] for hit in answer.json["hits"]["hits"]] == ["logs-1", "berlin:logs-1", "berlin:logs-2"]
        assert answer.json["_clusters"]["total"] == answer.json["_clusters"]["successful"] == 2
        assert set(answer.json["_clusters"]["details"]) == {"(local)", "berlin"}
        assert answer.json["_clusters"]["details"]["berlin"]["status"] == "successful"


def test_8_missing_indices_on_the_other_side(pair):
    pair.link()
    assert texts(pair.search("/berlin:logs-none/_search")) == "404 no such index [logs-none]"
    assert pair.search("/berlin:logs-none*/_search").json["hits"]["total"]["value"] == 0
    assert pair.search("/berlin:logs-none/_search?ignore_unavailable=true").status == 200


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


def test_8_id_unknown(pair):
    assert with_credential(pair, encoded("some-unknown-id:ui2lp2axTNmsyakw9tvNnw")) == (
        "401 unable to authenticate user [some-unknown-id] for action [cluster:internal/remote_cluster/handshake] | "
        "unable to find apikey with id some-unknown-id"
    )


def test_8_wrong_secret(pair):
    key = pair.berlin.key()
    assert f"invalid credentials for API key [{key['id']}]" in with_credential(
        pair, encoded(f"{key['id']}:ui2lp2axTNmsyakw9tvNnw")
    )
    logs = "".join(pair.log("berlin", node) for node in range(3))
    assert f"Authentication using apikey failed - invalid credentials for API key [{key['id']}]" in logs


def test_8_invalidated(pair):
    key = pair.link()
    pair.berlin.delete("/_security/api_key", {"ids": [key["id"]]})
    assert texts(pair.search()).endswith(f"api key [{key['id']}] has been invalidated")
    assert texts(pair.search()).startswith("401 unable to authenticate user"), "and it stays so"


@pytest.mark.needs("clock")
def test_8_expired(pair):
    key = pair.berlin.key(expiration="1h")
    pair.credential(key["encoded"])
    pair.reload()
    pair.proxy()
    assert pair.search().status == 200
    pair.world.control("berlin", "advance_clock", seconds=3601)
    assert texts(pair.search()).startswith("401 ") and texts(pair.search()).endswith("api key is expired")


def test_8_rest_key_used(pair):
    key = pair.berlin.rest_key()
    assert with_credential(pair, key["encoded"]) == (
        f"401 authentication expected API key type of [cross_cluster], but API key [{key['id']}] has type [rest]"
    )


def test_8_cross_cluster_key_on_the_rest_api(pair):
    key = pair.berlin.key()
    answer = pair.berlin.as_api_key(key["encoded"]).get("/_security/_authenticate")
    assert answer.status == 401
    assert (
        f"authentication expected API key type of [rest], but API key [{key['id']}] has type [cross_cluster]"
        in answer.text
    )


@pytest.mark.parametrize(
    "value, cause",
    [
        (encoded("no-colon"), "invalid ApiKey value"),
        (encoded("id:short"), "invalid cross-cluster API key value"),
        ("not base64!", "base64"),
    ],
)
def test_8_malformed_values(pair, value, cause):
    found = with_credential(pair, value)
    assert found.startswith("401 failed to extract credentials from headers | ") and cause in found


def both_trust_everything(pair):
    """Both sides take each other's authorities for every port, so that what comes after TLS shows."""
    files = [
        pair.world.cluster(name)["ca_cert"].replace("http_ca", f"{kind}_ca")
        for name in SMALL
        for kind in ("transport", "remote_cluster")
    ]
    for name in SMALL:
        pair.yml(
            name,
            xpack__security__transport__ssl__certificate_authorities=files,
            xpack__security__remote_cluster_client__ssl__certificate_authorities=files,
        )


def transport(pair, cluster="berlin"):
    return next(iter(pair.world.cluster(cluster) and pair.berlin.get("/_nodes").json["nodes"].values()))[
        "transport_address"
    ]


def test_8_no_credential_at_the_right_port(small):
    pair = small()
    both_trust_everything(pair)
    pair.proxy()
    assert "[_cross_cluster_access_credentials] but none found" in texts(pair.search()) or "handshake failed" in texts(
        pair.search()
    )
    assert (
        "require transport header [_cross_cluster_access_credentials] but none found. Please "
        "ensure you have configured remote cluster "
        "credentials on the cluster originating the request."
    ) in pair.log()


def test_8_credential_at_the_transport_port(small):
    pair = small()
    pair.credential(pair.berlin.key()["encoded"])
    pair.reload()
    pair.proxy(transport(pair))
    assert "failed to establish trust with server" in texts(pair.search()), (
        "the transport CA is not trusted for remote clusters"
    )
    both_trust_everything(pair)
    assert "Received fatal alert: bad_certificate" in texts(pair.search()), (
        "the transport port wants a client certificate"
    )
    pair.yml("berlin", xpack__security__transport__ssl__client_authentication="optional")
    assert "missing authentication credentials for action [cluster:internal/remote_cluster/handshake]" in texts(
        pair.search()
    )
    pair.yml(
        "paris",
        xpack__security__remote_cluster_client__ssl__certificate="certs/transport.crt",
        xpack__security__remote_cluster_client__ssl__key="certs/transport.key",
    )
    assert (
        "remote cluster handshake action requires channel profile to be [_remote_cluster], but got [default]"
        in texts(pair.search())
    )


@pytest.mark.needs("versions")
def test_8_certificate_model(small):
    pair = small(version="9.0.0")
    both_trust_everything(pair)
    pair.proxy(transport(pair))
    assert pair.search().status == 200 and "cluster_credentials" not in pair.info()["berlin"]
    assert "certificate-based security model is deprecated" in pair.log()
    user = pair.paris.user("ann", remote_indices=[{"clusters": ["*"], "names": ["*"], "privileges": ["read"]}])
    assert "is unauthorized for user [ann]" in texts(pair.search("/berlin:logs-1/_search", user=user)), (
        "remote_indices count for nothing"
    )
    pair.berlin.user("ann", indices=[{"names": ["logs-*"], "privileges": ["read", "read_cross_cluster"]}])
    assert pair.search("/berlin:logs-1/_search", user=user).status == 200, "the remote's role of the same name does"


def test_8_not_enabled_or_unreachable(pair):
    pair.link()
    pair.yml("berlin", remote_cluster_server__enabled=None)
    assert "500 Unable to connect to [berlin] | failed to open any proxy connections to cluster [berlin]" in texts(
        pair.search()
    )
    assert "connect_exception" in pair.log()
    assert pair.settings(mode=None, proxy_address=None, seeds=["127.0.0.1:1"]).status == 200
    assert "fetching nodes from external cluster [berlin] failed" in texts(pair.search())
    assert pair.settings(seeds=["no-such-host.invalid:1"]).status == 200
    assert "unknown host [no-such-host.invalid]" in texts(pair.search())


def test_8_tls_untrusted(pair):
    pair.link()
    pair.yml(
        "paris", nodes=[0], xpack__security__remote_cluster_client__ssl__certificate_authorities=["certs/http_ca.crt"]
    )
    assert "failed to establish trust with server" in texts(pair.search())
    assert "failed to establish trust with server" in pair.log()
    assert pair.search(node=1).status == 200
    pair.yml("paris", nodes=[0], xpack__security__remote_cluster_client__ssl__verification_mode="none")
    assert pair.search().status == 200


def test_8_tls_checks_the_server_name(pair):
    pair.link()
    assert pair.settings(server_name="munich.example").status == 200
    assert "failed to establish trust with server" in texts(pair.search())
    assert pair.settings(server_name="localhost").status == 200
    assert pair.search().status == 200


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
    from simulator import link_protocol as wire

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


def test_8_unknown_alias(pair):
    assert texts(pair.search("/nowhere:logs-*/_search")) == "404 no such remote cluster: [nowhere]"
    assert pair.search("/nowhere*:logs-*/_search").status == 200


def test_8_api_keys_disabled_on_the_remote(pair):
    pair.link()
    pair.yml("berlin", xpack__security__authc__api_key__enabled=False)
    assert "api keys are not enabled" in texts(pair.search())


@pytest.mark.needs("licences")
def test_8_skip_unavailable_hides_every_cause(pair):
    key = pair.link(skip_unavailable=True)
    user = pair.paris.user("ann")

    def skipped(answer):
        assert answer.status == 200, answer
        details = answer.json["_clusters"]["details"]["berlin"]
        assert details["status"] == "skipped" and answer.json["_clusters"]["skipped"] == 1
        assert details["failures"][0]["reason"] == {
            "type": "connect_transport_exception",
            "reason": "Unable to connect to [berlin]",
        }
        assert key["id"] not in answer.text and "unauthorized" not in answer.text

    skipped(pair.search(user=user))
    skipped(pair.search("/berlin:other/_search"))
    pair.world.control("paris", "set_license", type="basic")
    skipped(pair.search())
    pair.world.control("paris", "set_license", type="trial")
    pair.berlin.delete("/_security/api_key", {"ids": [key["id"]]})
    skipped(pair.search())
    skipped(pair.search(SEARCH.replace("berlin:", "logs-none*,berlin:")))
    assert "has been invalidated" in pair.resolve()["berlin"]["error"], "a probe still shows it"


def test_8_server_nodes_that_come_and_go(pair):
    pair.link()
    for node in pair.world.cluster("berlin")["nodes"]:
        pair.world.control("berlin", "restart_node", node=node["name"])
        assert [pair.search(node=number).status for number in range(3)] == [200] * 3


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
