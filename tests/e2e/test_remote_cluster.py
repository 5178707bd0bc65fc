# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from support.modules import check_real_again, run_module
from support.worlds import Api, connection, each_version, reset

PROXY = {"alias": "berlin", "mode": "proxy", "proxy_address": "127.0.0.1:9443", "skip_unavailable": False}


@pytest.fixture
def paris(world):
    return connection(world.cluster("paris"))


def writes(world):
    return [entry for entry in world.log("paris") if entry["method"] != "GET"]


def test_create_in_two_requests_then_one(world, paris):
    result = check_real_again("remote_cluster", {**paris, **PROXY}, world, "paris")
    assert result["operation"] == "create"
    assert result["settings"] == {"mode": "proxy", "proxy_address": "127.0.0.1:9443", "skip_unavailable": "false"}
    assert len(world.log("paris")) == 1
    world.clear_log()
    run_module("remote_cluster", {**paris, **PROXY, "skip_unavailable": True})
    assert [entry["method"] for entry in world.log("paris")] == ["GET", "PUT"]


def test_options_left_out_are_left_alone(world, paris):
    run_module("remote_cluster", {**paris, **PROXY, "server_name": "berlin.example.com"})
    result = check_real_again("remote_cluster", {**paris, "alias": "berlin", "skip_unavailable": True}, world, "paris")
    assert result["operation"] == "update"
    assert result["settings"]["server_name"] == "berlin.example.com"
    assert result["diff"]["before"]["persistent"]["cluster.remote.berlin.skip_unavailable"] == "false"
    cleared = check_real_again("remote_cluster", {**paris, "alias": "berlin", "server_name": ""}, world, "paris")
    assert "server_name" not in cleared["settings"]


def test_a_mode_change_and_back(world, paris):
    run_module("remote_cluster", {**paris, **PROXY, "proxy_socket_connections": 5, "server_name": "x"})
    sniff = {**paris, "alias": "berlin", "mode": "sniff", "seeds": ["127.0.0.1:9443", "127.0.0.1:9444"]}
    result = check_real_again("remote_cluster", {**sniff, "node_connections": 2}, world, "paris")
    assert set(result["settings"]) == {"mode", "seeds", "node_connections", "skip_unavailable"}
    reordered = run_module("remote_cluster", {**sniff, "seeds": ["127.0.0.1:9444", "127.0.0.1:9443"]})
    assert not reordered.changed
    back = check_real_again("remote_cluster", {**paris, **PROXY}, world, "paris")
    assert set(back["settings"]) == {"mode", "proxy_address", "skip_unavailable"}


@each_version("8.14.0", "8.19.0", "9.3.0")
def test_skip_unavailable_outlives_a_new_address(make_world, version):
    world = make_world(["paris"], version=version)
    reset(world)
    paris = connection(world.cluster("paris"))
    for number, skip in enumerate((True, False)):
        wanted = {**paris, **PROXY, "skip_unavailable": skip}
        run_module("remote_cluster", {**wanted, "proxy_address": f"127.0.0.1:1{number}"})
        check_real_again("remote_cluster", {**wanted, "proxy_address": f"127.0.0.1:2{number}"}, world, "paris")
        info = Api(world.cluster("paris")).get("/_remote/info").json
        assert info["berlin"]["skip_unavailable"] is skip


def test_every_option(world, paris):
    args = {
        **paris,
        **PROXY,
        "transport_compress": "indexing_data",
        "transport_compression_scheme": "lz4",
        "transport_ping_schedule": "30s",
        "proxy_socket_connections": 4,
    }
    result = check_real_again("remote_cluster", args, world, "paris")
    assert result["settings"]["transport.compress"] == "indexing_data"
    absent = check_real_again("remote_cluster", {**paris, "alias": "berlin", "state": "absent"}, world, "paris")
    assert absent["operation"] == "remove" and absent["settings"] == {}


def test_transient_settings_in_the_way(world, paris, api):
    run_module("remote_cluster", {**paris, **PROXY})
    body = {"transient": {"cluster.remote.berlin.mode": "proxy", "cluster.remote.berlin.proxy_address": "127.0.0.1:1"}}
    assert api("paris").put("/_cluster/settings", body).status == 200
    result = check_real_again("remote_cluster", {**paris, **PROXY}, world, "paris")
    assert result["settings"]["proxy_address"] == "127.0.0.1:9443"
    assert "Transient settings overrode" in str(result["warnings"])
    assert api("paris").put("/_cluster/settings", body).status == 200
    check_real_again("remote_cluster", {**paris, "alias": "berlin", "state": "absent"}, world, "paris")
    left = api("paris").get("/_cluster/settings?flat_settings=true").json
    assert not [key for section in left.values() for key in section if key.startswith("cluster.remote.berlin.")]


def test_others_are_left_alone(world, paris):
    run_module("remote_cluster", {**paris, **PROXY, "alias": "berlin2"})
    run_module("remote_cluster", {**paris, **PROXY})
    run_module("remote_cluster", {**paris, "alias": "berlin", "state": "absent"})
    assert not run_module("remote_cluster", {**paris, **PROXY, "alias": "berlin2"}).changed


@pytest.mark.parametrize(
    "options, part",
    [
        ({"alias": "a.b"}, "is not an alias"),
        ({"alias": "node"}, "cannot be an alias"),
        ({"alias": "signing", "state": "absent"}, "cannot be an alias"),
        ({"proxy_address": "https://berlin:9443"}, "URL"),
        ({"proxy_address": "::1:9443"}, "[::1]:9443"),
        ({"seeds": ["127.0.0.1:9443"]}, "belongs to mode sniff"),
        ({"proxy_socket_connections": 0}, "1 or more"),
    ],
)
def test_bad_input_sends_nothing(world, paris, options, part):
    world.clear_log()
    for check in (True, False):
        result = run_module("remote_cluster", {**paris, **PROXY, **options}, check=check)
        assert result.failed and part in result.msg and paris["password"] not in result.msg
    assert world.log("paris") == []


def test_a_new_alias_needs_an_address(world, paris):
    result = run_module("remote_cluster", {**paris, "alias": "berlin", "skip_unavailable": True}, check=True)
    assert result.failed and "does not exist yet" in result.msg
    assert writes(world) == []


def test_a_login_without_the_privilege(world, paris, api):
    api("paris").user("watcher", cluster=["monitor"])
    result = run_module("remote_cluster", {**paris, **PROXY, "username": "watcher", "password": "secret-1"})
    assert result.failed and "403" in result.msg and "Cannot write the settings" in result.msg


# --- several at once ---

MADRID = {"alias": "madrid", "proxy_address": "127.0.0.1:9444", "skip_unavailable": True}
LISBON = {"alias": "lisbon", "seeds": ["127.0.0.1:9445"]}


def outcome(result):
    return [(one["alias"], one.get("operation")) for one in result["remotes"]]


def test_several_are_written_in_one_request(world, paris):
    run_module("remote_cluster", {**paris, **PROXY})
    run_module("remote_cluster", {**paris, **LISBON})
    wanted = [{**PROXY, "server_name": "x"}, MADRID, {"alias": "lisbon", "state": "absent"}, {**PROXY, "alias": "rome"}]
    result = check_real_again("remote_cluster", {**paris, "remotes": wanted}, world, "paris")
    assert outcome(result) == [("berlin", "update"), ("madrid", "create"), ("lisbon", "remove"), ("rome", "create")]
    assert result["remotes"][1]["settings"] == {
        "mode": "proxy", "proxy_address": "127.0.0.1:9444", "skip_unavailable": "true"
    }  # fmt: skip
    assert "cluster.remote.lisbon.seeds" in result["diff"]["before"]["persistent"]
    assert "cluster.remote.rome.mode" in result["diff"]["after"]["persistent"]
    world.clear_log()
    more = [{**one, "skip_unavailable": False} for one in (MADRID, PROXY)] + [LISBON]
    assert run_module("remote_cluster", {**paris, "remotes": more}).changed
    assert [entry["method"] for entry in world.log("paris")] == ["GET", "PUT"]
    gone = run_module("remote_cluster", {**paris, "state": "absent", "remotes": [{"alias": "rome"}, {"alias": "none"}]})
    assert outcome(gone) == [("rome", "remove"), ("none", "none")]


def test_one_that_is_wrong_stops_no_other(world, paris):
    wanted = [
        {**PROXY, "alias": "a.b"},
        MADRID,
        {"alias": "berlin", "skip_unavailable": True},
        {**PROXY, "mode": "tunnel"},
        MADRID,
        {**PROXY, "alias": "rome", "colour": "red"},
        LISBON,
    ]
    told = ["[a.b] is not an alias", "does not exist yet", "tunnel", "[madrid] is given twice", "colour"]
    for check, before in ((True, "create"), (False, "create"), (False, "none")):
        result = run_module("remote_cluster", {**paris, "remotes": wanted}, check=check)
        assert result.failed and "5 of 7 remotes are not as asked for" in result.msg, result
        assert [word for word in told if word not in result.msg] == []
        assert outcome(result)[1] == ("madrid", before) and outcome(result)[-1] == ("lisbon", before)
        assert result.changed is (before == "create")


def test_one_that_the_server_refuses_stops_no_other(world, paris):
    odd = {**PROXY, "proxy_socket_connections": 3_000_000_000}
    result = run_module("remote_cluster", {**paris, "remotes": [MADRID, odd, LISBON]})
    assert result.failed and "1 of 3" in result.msg and "settings of the remote cluster [berlin]" in result.msg, result
    assert outcome(result) == [("madrid", "create"), ("berlin", None), ("lisbon", "create")]
    again = run_module("remote_cluster", {**paris, "remotes": [MADRID, LISBON]})
    assert not again.failed and not again.changed


@pytest.mark.parametrize(
    "options, part",
    [
        ({"alias": "berlin", "remotes": [MADRID]}, "mutually exclusive"),
        ({}, "one of the following is required: alias, remotes"),
        ({"mode": "proxy", "remotes": [MADRID]}, "mode beside remotes"),
        (
            {"remotes": [{**MADRID, "proxy_address": "me:hush-hush@berlin:9443"}]},
            "remotes[0].proxy_address holds a login",
        ),
    ],
)
def test_options_that_do_not_fit_together(world, paris, options, part):
    world.clear_log()
    result = run_module("remote_cluster", {**paris, **options})
    assert result.failed and part in result.msg and "hush-hush" not in str(result), result
    assert world.log("paris") == []


@each_version("8.14.0", "9.3.0")
def test_several_new_addresses_forget_nothing(make_world, version):
    world = make_world(["paris"], version=version)
    reset(world)
    paris = connection(world.cluster("paris"))
    wanted = [{**MADRID, "skip_unavailable": False}, {**PROXY, "skip_unavailable": True}]
    for port in (1, 2):
        moved = [{**one, "proxy_address": f"127.0.0.1:{port}"} for one in wanted]
        assert not run_module("remote_cluster", {**paris, "remotes": moved}).failed
        info = Api(world.cluster("paris")).get("/_remote/info").json
        assert [info[one["alias"]]["skip_unavailable"] for one in wanted] == [False, True]
