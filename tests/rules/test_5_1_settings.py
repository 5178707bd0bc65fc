# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 5.1, 5.2 and 5.7: cluster.remote.* through the settings API."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from support.pair import Pair
from support.worlds import each_version, of_version, reset

PATH = "/_cluster/settings"
SMALL = {"berlin": {"nodes": 1}, "paris": {"nodes": 1}}


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
        (
            {"mode": "other"},
            "No enum constant org.elasticsearch.transport.RemoteConnectionStrategy.ConnectionStrategy.OTHER",
        ),
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
            {"mode": "proxy", "proxy_address": "h:1", "proxy_socket_connections": 2**31},
            "Failed to parse value [2147483648] for setting [cluster.remote.a.proxy_socket_connections]",
        ),
        (
            {"seeds": ["h:1"], "skip_unavailable": "yes"},
            "Failed to parse value [yes] as only [true] or [false] are allowed.",
        ),
        (
            {"seeds": ["h:1"], "transport__compress": "some"},
            "No enum constant org.elasticsearch.transport.Compression.Enabled.SOME",
        ),
        (
            {"seeds": ["h:1"], "transport__compression_scheme": "gz"},
            "No enum constant org.elasticsearch.transport.Compression.Scheme.GZ",
        ),
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
    for alias in ("", "a.b", "\u00e4"):
        name = f"cluster.remote.{alias}.seeds"
        refused(put(pair, **{name: ["h:1"]}), f"persistent setting [{name}], not recognized")
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
    assert not any(key.startswith("cluster.remote.") and key.endswith("credentials") for key in body["defaults"])


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


def test_5_1_each_scope_must_be_consistent_by_itself(pair):
    assert remote(pair, mode="proxy", proxy_address="127.0.0.1:1").status == 200
    refused(
        put(pair, "transient", **{"cluster.remote.a.skip_unavailable": True}),
        "Cannot configure setting [cluster.remote.a.skip_unavailable] if remote cluster is not enabled.",
    )
    refused(
        put(pair, "transient", **{"cluster.remote.a.server_name": "x"}),
        'Setting "cluster.remote.a.server_name" cannot be used with the configured "cluster.remote.a.mode" '
        "[required=PROXY, configured=SNIFF]",
    )


def test_5_1_transient_wins_and_falls_back(pair):
    assert remote(pair, seeds=["127.0.0.1:1"]).status == 200
    assert put(pair, "transient", **{"cluster.remote.a.seeds": ["127.0.0.1:2"]}).status == 200
    assert pair.info()["a"]["seeds"] == ["127.0.0.1:2"]
    assert put(pair, "transient", **{"cluster.remote.a.seeds": None}).status == 200
    assert pair.info()["a"]["seeds"] == ["127.0.0.1:1"]


def test_5_1_api_overrides_the_file_and_null_falls_back_to_it(pair):
    others = range(1, len(pair.nodes))
    pair.yml("paris", nodes=[0], **{"cluster.remote.a.seeds": ["127.0.0.1:1"]})
    assert pair.info(0)["a"]["seeds"] == ["127.0.0.1:1"] and not any(pair.info(node) for node in others)
    refused(remote(pair, skip_unavailable=True), "if remote cluster is not enabled.")  # the file does not count
    assert remote(pair, seeds=["127.0.0.1:2"]).status == 200
    assert pair.info(0)["a"]["seeds"] == ["127.0.0.1:2"]
    assert remote(pair, seeds=None).status == 200
    assert pair.info(0)["a"]["seeds"] == ["127.0.0.1:1"], "the remote does not disappear"
    assert not any(pair.info(node) for node in others)


def test_5_1_static_settings(pair):
    for name in (
        "cluster.name",
        "remote_cluster_server.enabled",
        "remote_cluster.port",
        "cluster.remote.connections_per_cluster",
    ):
        refused(put(pair, **{name: "1"}), f"persistent setting [{name}], not dynamically updateable")
    refused(put(pair, "transient", foo="1"), "transient setting [foo], not recognized")


def test_5_1_malformed_bodies(pair):
    def told(body):
        answer = pair.paris.put(PATH, body)
        return answer.status, answer.error["type"], answer.error["reason"]

    nothing = 400, "action_request_validation_exception", "Validation Failed: 1: no settings to update;"
    assert told({}) == told({"persistant": {"cluster.remote.a.seeds": ["h:1"]}}) == told([]) == nothing
    unread = 500, "settings_exception"
    for item in ({"x": 1}, None):
        body = {"cluster.remote.a.seeds": [item]}
        shown = json.dumps(body, separators=(",", ":"))
        assert told({"persistent": body}) == (*unread, f"Failed to load settings from [{shown}]")
    assert told({"persistent": None}) == (*unread, "Failed to load settings from [null]")
    assert told({"persistent": "x"})[:2] == told({"persistent": ["x"]})[:2] == (500, "class_cast_exception")


def test_5_1_privileges(pair):
    user = pair.paris.user("watcher", ["monitor"])
    assert user.put(PATH, {}).status == 400, "an empty change is seen before the privilege is"
    assert user.get(PATH).status == 200
    answer = user.put(PATH, {"persistent": {"cluster.remote.a.seeds": ["h:1"]}})
    assert answer.status == 403
    assert "action [cluster:admin/settings/update] is unauthorized for user [watcher]" in answer.error["reason"]


# What the log says of a link that cannot be built; it changed between 8.10.4 and 8.19.0.
NOT_BUILT = {
    "8.10": "fetching nodes from external cluster [{0}] failed",
    "8.15": "failed to update remote cluster connection [{0}]",
}


def test_5_1_skip_unavailable_alone_does_not_rebuild(pair):
    alias = f"a-{uuid.uuid4().hex[:8]}"  # the log of a node remembers what others did

    def built():
        return pair.log().count(of_version(NOT_BUILT, pair.paris.spec["version"]).format(alias))

    assert pair.settings(alias, seeds=["127.0.0.1:1"], skip_unavailable=False).status == 200
    assert pair.settings(alias, skip_unavailable=True).status == 200
    assert pair.info()[alias]["skip_unavailable"] is True and built() == 1
    assert pair.settings(alias, node_connections=2).status == 200
    assert pair.info()[alias]["max_connections_per_cluster"] == 2 and built() == 2


SKIP_UNAVAILABLE = {"8.10": False, "8.15": True}


@each_version("8.14.0", "8.15.0")
def test_5_1_default_of_skip_unavailable(make_world, version):
    world = make_world(SMALL, version=version)
    reset(world)
    pair = Pair(world)
    assert remote(pair, seeds=["127.0.0.1:1"]).status == 200
    assert pair.info()["a"]["skip_unavailable"] is of_version(SKIP_UNAVAILABLE, pair.paris.spec["version"])


# Before, a rebuilt connection has the default until the value changes or the node restarts.
REBUILD_KEEPS = {"8.10": False, "9.3": True}


@each_version("8.14.0", "8.19.0", "9.3.0")
def test_5_1_a_rebuild_may_forget_skip_unavailable(make_world, version):
    world = make_world(SMALL, version=version)
    reset(world)
    pair = Pair(world)
    default = of_version(SKIP_UNAVAILABLE, pair.paris.spec["version"])
    kept = of_version(REBUILD_KEEPS, pair.paris.spec["version"])

    def skips():
        assert flat(pair)["persistent"]["cluster.remote.a.skip_unavailable"] == str(not default).lower()
        return pair.info()["a"]["skip_unavailable"]

    assert remote(pair, seeds=["127.0.0.1:1"], skip_unavailable=not default).status == 200
    assert skips() is not default
    assert remote(pair, seeds=["127.0.0.1:2"]).status == 200
    assert (skips() is not default) is kept
    assert remote(pair, skip_unavailable=not default).status == 200
    assert (skips() is not default) is kept, "the same value once more is no change"
    assert remote(pair, skip_unavailable=default).status == remote(pair, skip_unavailable=not default).status == 200
    assert skips() is not default


@pytest.mark.needs(since="9.3")
def test_5_7_signing_settings_are_checked_and_never_shown(pair):
    answer = remote(pair, seeds=["127.0.0.1:1"], signing__certificate="no.crt", signing__key="certs/http.key")
    refused(answer, "no.crt] not found")
    assert answer.error["reason"].startswith("Configured file [")
    kept = {"signing__certificate": "certs/http.crt", "signing__key": "certs/http.key"}
    answer = remote(pair, seeds=["127.0.0.1:1"], **kept)
    assert answer.status == 200 and "signing" in answer.text, "only the change itself shows them"
    assert set(flat(pair)["persistent"]) == {"cluster.remote.a.seeds"}
    answer = remote(pair, signing__certificate=None)
    assert (answer.status, answer.error["type"], answer.error["reason"]) == (
        500,
        "ssl_config_exception",
        "cannot specify [signing.key] without also setting [signing.certificate]",
    )
    refused(put(pair, **{"cluster.remote.signing.certificate_authorities": "no.crt"}), "no.crt] not found")
    assert put(pair, **{"cluster.remote.signing.certificate_authorities": ["certs/http_ca.crt"]}).status == 200
    assert "signing" not in pair.paris.get(PATH).text


@pytest.mark.needs(since="9.3")
def test_5_7_what_is_in_the_signing_files_is_told_in_the_log_only(pair):
    for node in pair.nodes:
        file = Path(node["config_dir"], "rubbish.pem")
        file.write_text("rubbish\n", encoding="utf-8")
        file.chmod(0o644)
    said = len(pair.log())
    signing = {"signing__certificate": "rubbish.pem", "signing__key": "certs/http.key"}
    assert remote(pair, seeds=["127.0.0.1:1"], **signing).status == 200
    assert "Failed to load signing config for cluster [a]" in pair.log()[said:]
    assert put(pair, **{"cluster.remote.signing.certificate_authorities": "rubbish.pem"}).status == 200


@pytest.mark.needs(before="9.2")
def test_5_7_signing_settings_are_unknown_before_9_2(make_world):
    pair = Pair(make_world(SMALL, version="8.15.0"))
    refused(remote(pair, signing__certificate="certs/http.crt"), "not recognized")
