# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 5.1, 5.2 and 5.7: cluster.remote.* through the settings API."""

from __future__ import annotations

import pytest

from support.pair import Pair

PATH = "/_cluster/settings"


@pytest.fixture
def pair(world):
    return Pair(world)


def put(pair, scope="persistent", **values):
    return pair.paris.put(PATH, {scope: {key.replace("__", "."): value for key, value in values.items()}})


def remote(pair, **values):
    return pair.settings(alias="a", **values)


def flat(pair, **params):
    return pair.paris.get(PATH, params={"flat_settings": "true", **params}).json


def refused(answer, reason):
    assert (answer.status, answer.error["type"]) == (400, "illegal_argument_exception"), answer
    assert reason in answer.error["reason"], answer


@pytest.mark.parametrize(
    "values, reason",
    [
        ({"mode": "other"}, "Failed to parse value [other] for setting [cluster.remote.a.mode]"),
        ({"seeds": ["x"]}, "remote hosts need to be configured as [host:port], found [x] instead"),
        ({"seeds": "h:1,x"}, "remote hosts need to be configured as [host:port], found [x] instead"),
        ({"seeds": ["h:x"]}, "failed to parse port"),
        ({"seeds": ["h:"]}, "failed to parse port"),
        ({"seeds": ["h:0"]}, "port number must be > 0 but was: [0]"),
        (
            {"mode": "proxy", "proxy_address": "x"},
            "remote hosts need to be configured as [host:port], found [x] instead",
        ),
        ({"seeds": ["h:1"], "node_connections": 0}, "[cluster.remote.a.node_connections] must be >= 1"),
        (
            {"seeds": ["h:1"], "node_connections": "many"},
            "Failed to parse value [many] for setting [cluster.remote.a.node_connections]",
        ),
        ({"mode": "proxy", "proxy_address": "h:1", "proxy_socket_connections": 0}, "must be >= 1"),
        (
            {"seeds": ["h:1"], "skip_unavailable": "yes"},
            "Failed to parse value [yes] as only [true] or [false] are allowed.",
        ),
        (
            {"seeds": ["h:1"], "transport__compress": "some"},
            "Failed to parse value [some] for setting [cluster.remote.a.transport.compress]",
        ),
        ({"seeds": ["h:1"], "transport__compression_scheme": "gz"}, "Failed to parse value [gz]"),
        ({"seeds": ["h:1"], "transport__ping_schedule": "5"}, "as a time value: unit is missing or unrecognized"),
        (
            {"mode": "proxy", "seeds": ["h:1"]},
            'Setting "cluster.remote.a.seeds" cannot be used with the configured '
            '"cluster.remote.a.mode" [required=SNIFF, configured=PROXY]',
        ),
        (
            {"mode": "proxy", "proxy_address": "h:1", "node_connections": 2},
            'Setting "cluster.remote.a.node_connections" cannot be used with the configured "cluster.remote.a.mode" '
            "[required=SNIFF, configured=PROXY]",
        ),
        (
            {"proxy_address": "h:1"},
            'Setting "cluster.remote.a.proxy_address" cannot be used with the configured "cluster.remote.a.mode" '
            "[required=PROXY, configured=SNIFF]",
        ),
        ({"server_name": "x"}, "[required=PROXY, configured=SNIFF]"),
        (
            {"skip_unavailable": True},
            "Cannot configure setting [cluster.remote.a.skip_unavailable] if remote cluster is not enabled.",
        ),
        (
            {"mode": "proxy", "transport__compress": "true"},
            "Cannot configure setting [cluster.remote.a.transport.compress] if remote cluster is not enabled.",
        ),
        ({"proxy": "h:1"}, "missing required setting [cluster.remote.a.seeds] for setting [cluster.remote.a.proxy]"),
        ({"credentials": "x"}, "persistent setting [cluster.remote.a.credentials], not dynamically updateable"),
        ({"nonsense": "x"}, "persistent setting [cluster.remote.a.nonsense], not recognized"),
    ],
)
def test_5_1_refused(pair, values, reason):
    refused(remote(pair, **values), reason)
    assert flat(pair)["persistent"] == {}


@pytest.mark.parametrize(
    "values",
    [
        {"seeds": ["h:9443", "[::1]:9443"], "node_connections": "2", "proxy": "p:1"},
        {"mode": "SNIFF", "seeds": "h:1,i:2"},
        {
            "mode": "Proxy",
            "proxy_address": "no-such-host.invalid:9443",
            "server_name": "x",
            "proxy_socket_connections": 2,
        },
        {
            "seeds": ["127.0.0.1:1"],
            "transport__compress": "indexing_data",
            "transport__compression_scheme": "lz4",
            "transport__ping_schedule": "30s",
            "skip_unavailable": True,
        },
        {"mode": "proxy"},
    ],
)
def test_5_1_accepted_and_acknowledged_though_unreachable(pair, values):
    values = {
        name: ["127.0.0.1:1"] if name == "seeds" and isinstance(value, list) and "h:" in value[0] else value
        for name, value in values.items()
    }
    answer = remote(pair, **values)
    assert answer.status == 200 and answer.json["acknowledged"] is True, answer


def test_5_2_alias_rules(pair):
    refused(
        put(pair, **{"cluster.remote..seeds": ["h:1"]}), "remote clusters must not have the empty string as its key"
    )
    refused(
        put(pair, **{"cluster.remote.a.b.seeds": ["h:1"]}),
        "persistent setting [cluster.remote.a.b.seeds], not recognized",
    )
    assert put(pair, **{"cluster.remote.A_b-1.seeds": ["127.0.0.1:1"]}).status == 200
    assert put(pair, **{"cluster.remote.a_b-1.seeds": ["127.0.0.1:1"]}).status == 200
    assert set(pair.info()) == {"A_b-1", "a_b-1"}


def test_5_1_values_come_back_as_strings_nested_and_flat(pair):
    answer = pair.paris.put(
        PATH,
        {
            "persistent": {
                "cluster": {
                    "remote": {
                        "a": {
                            "mode": "proxy",
                            "proxy_address": "127.0.0.1:1",
                            "proxy_socket_connections": 5,
                            "skip_unavailable": True,
                        }
                    }
                }
            }
        },
    )
    expected = {
        "mode": "proxy",
        "proxy_address": "127.0.0.1:1",
        "proxy_socket_connections": "5",
        "skip_unavailable": "true",
    }
    assert answer.json == {
        "acknowledged": True,
        "persistent": {"cluster": {"remote": {"a": expected}}},
        "transient": {},
    }
    assert pair.paris.get(PATH).json == {"persistent": {"cluster": {"remote": {"a": expected}}}, "transient": {}}
    assert flat(pair)["persistent"]["cluster.remote.a.skip_unavailable"] == "true"


def test_5_1_include_defaults(pair):
    body = flat(pair, include_defaults="true")
    assert body["defaults"]["cluster.remote.connections_per_cluster"] == "3"
    assert body["defaults"]["cluster.remote.initial_connect_timeout"] == "30s"
    assert not any(key.endswith("credentials") for key in body["defaults"])


def test_5_1_mode_switch_must_null_the_other_mode(pair):
    assert remote(pair, seeds=["127.0.0.1:1"], node_connections=2).status == 200
    refused(remote(pair, mode="proxy", proxy_address="127.0.0.1:1"), "[required=SNIFF, configured=PROXY]")
    assert remote(pair, mode="proxy", proxy_address="127.0.0.1:1", seeds=None, node_connections=None).status == 200
    assert pair.info()["a"]["mode"] == "proxy"
    assert set(flat(pair)["persistent"]) == {"cluster.remote.a.mode", "cluster.remote.a.proxy_address"}


def test_5_1_removal_takes_every_explicit_key(pair):
    assert remote(pair, seeds=["127.0.0.1:1"], skip_unavailable=True, transport__compress="true").status == 200
    refused(remote(pair, seeds=None), "if remote cluster is not enabled.")
    refused(remote(pair, seeds=[]), "if remote cluster is not enabled.")
    assert remote(pair, seeds=None, skip_unavailable=None, transport__compress=None).status == 200
    assert flat(pair)["persistent"] == {} and pair.info() == {}


def test_5_1_wildcard_null(pair):
    assert remote(pair, mode="proxy", proxy_address="127.0.0.1:1", skip_unavailable=True).status == 200
    assert put(pair, **{"cluster.remote.ab.seeds": ["127.0.0.1:1"]}).status == 200
    assert put(pair, **{"cluster.remote.a.*": None}).status == 200
    assert set(flat(pair)["persistent"]) == {"cluster.remote.ab.seeds"}
    assert put(pair, **{"cluster.remote.*": None}).status == 200
    assert flat(pair)["persistent"] == {}


def test_5_1_null_of_a_parent_or_unknown_key_is_not_recognized(pair):
    refused(put(pair, **{"cluster.remote.a": None}), "persistent setting [cluster.remote.a], not recognized")
    refused(put(pair, **{"foo.bar": None}), "persistent setting [foo.bar], not recognized")
    assert remote(pair, seeds=None).status == 200, "deleting what is not set is no error"


def test_5_1_transient_wins_and_falls_back(pair):
    assert remote(pair, seeds=["127.0.0.1:1"]).status == 200
    assert put(pair, "transient", **{"cluster.remote.a.seeds": ["127.0.0.1:2"]}).status == 200
    assert pair.info()["a"]["seeds"] == ["127.0.0.1:2"]
    assert put(pair, "transient", **{"cluster.remote.a.seeds": None}).status == 200
    assert pair.info()["a"]["seeds"] == ["127.0.0.1:1"]


def test_5_1_api_overrides_the_file_and_null_falls_back_to_it(pair):
    pair.yml("paris", nodes=[0], **{"cluster.remote.a.seeds": ["127.0.0.1:1"]})
    assert pair.info(0)["a"]["seeds"] == ["127.0.0.1:1"] and pair.info(1) == {}
    assert remote(pair, seeds=["127.0.0.1:2"]).status == 200
    assert pair.info(0)["a"]["seeds"] == ["127.0.0.1:2"]
    assert remote(pair, seeds=None).status == 200
    assert pair.info(0)["a"]["seeds"] == ["127.0.0.1:1"], "the remote does not disappear"
    assert pair.info(1) == {}


def test_5_1_static_and_final_settings(pair):
    refused(put(pair, **{"cluster.name": "x"}), "final persistent setting [cluster.name], not updateable")
    for name in ("remote_cluster_server.enabled", "remote_cluster.port", "cluster.remote.connections_per_cluster"):
        refused(put(pair, **{name: "1"}), f"persistent setting [{name}], not dynamically updateable")
    refused(put(pair, "transient", foo="1"), "transient setting [foo], not recognized")


def test_5_1_malformed_bodies(pair):
    assert pair.paris.put(PATH, {}).error["reason"] == "Validation Failed: 1: no settings to update;"
    answer = pair.paris.put(PATH, {"persistant": {}})
    assert (answer.status, answer.error["type"]) == (400, "x_content_parse_exception")
    assert "[cluster_update_settings_request] unknown field [persistant]" in answer.error["reason"]
    assert pair.paris.put(PATH, {"persistent": {"cluster.remote.a.seeds": [{"x": 1}]}}).status == 400
    assert pair.paris.put(PATH, {"persistent": None}).status == 400


def test_5_1_privileges(pair):
    user = pair.paris.user("watcher", ["monitor"])
    assert user.get(PATH).status == 200
    answer = user.put(PATH, {"persistent": {"cluster.remote.a.seeds": ["h:1"]}})
    assert answer.status == 403
    assert "action [cluster:admin/settings/update] is unauthorized for user [watcher]" in answer.error["reason"]


def test_5_1_skip_unavailable_alone_does_not_rebuild(pair):
    pair.document()
    pair.link()
    before = pair.world.clusters["paris"].nodes[0].connections["berlin"]
    assert pair.settings(skip_unavailable=True).status == 200
    assert pair.world.clusters["paris"].nodes[0].connections["berlin"] is before
    assert pair.info()["berlin"]["skip_unavailable"] is True
    assert pair.settings(proxy_socket_connections=3).status == 200
    assert pair.world.clusters["paris"].nodes[0].connections["berlin"] is not before


@pytest.mark.needs("versions")
@pytest.mark.parametrize("version, default", [("8.14.0", False), ("8.15.0", True)])
def test_5_1_default_of_skip_unavailable(make_world, version, default):
    pair = Pair(make_world({"berlin": {"nodes": 1}, "paris": {"nodes": 1}}, version=version))
    assert remote(pair, seeds=["127.0.0.1:1"]).status == 200
    assert pair.info()["a"]["skip_unavailable"] is default


def test_5_7_signing_settings_are_checked_and_never_shown(pair, tmp_path):
    answer = remote(pair, seeds=["127.0.0.1:1"], signing__certificate="no.crt", signing__key="no.key")
    assert answer.status == 400 and "Configured file [" in answer.text and "no.crt] not found" in answer.text
    kept = {"signing__certificate": "certs/http.crt", "signing__key": "certs/http.key"}
    assert remote(pair, seeds=["127.0.0.1:1"], **kept).status == 200
    assert set(flat(pair)["persistent"]) == {"cluster.remote.a.seeds"}
    answer = remote(pair, signing__certificate="elasticsearch.yml")
    assert answer.status == 400 and "Failed to load signing config for cluster [a]" in answer.text
    answer = put(pair, **{"cluster.remote.signing.certificate_authorities": "elasticsearch.yml"})
    assert answer.status == 400 and "Failed to load trust config" in answer.text
    assert put(pair, **{"cluster.remote.signing.certificate_authorities": ["certs/http_ca.crt"]}).status == 200
    assert "signing" not in pair.paris.get(PATH).text


@pytest.mark.needs("versions")
def test_5_7_signing_settings_are_unknown_before_9_3(make_world):
    pair = Pair(make_world({"berlin": {"nodes": 1}, "paris": {"nodes": 1}}, version="8.15.0"))
    refused(remote(pair, signing__certificate="certs/http.crt"), "not recognized")
