# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from support.modules import run_module
from support.worlds import Api, connection, put_credential

NAME = "cluster.remote.berlin.credentials"
MODULE = "reload_secure_settings"


@pytest.fixture
def paris(world):
    # A reset leaves the keystores as they are.
    for node in world.cluster("paris")["nodes"]:
        keystore = {"executable": node["keystore"], "config_dir": node["config_dir"]}
        run_module("keystore", {**keystore, "name": "cluster.remote.berlin.credentials", "state": "absent"})
    run_module("reload_secure_settings", connection(world.cluster("paris")))
    return connection(world.cluster("paris"))


def count(world):
    return len(world.cluster("paris")["nodes"])


def deliver(world, nodes=None):
    key = Api(world.cluster("berlin")).key()
    for node in world.cluster("paris")["nodes"][:nodes]:
        put_credential(node, "berlin", key["encoded"])
    return key


@pytest.mark.needs(since="9.3")
def test_one_request_and_every_node_verified(world, paris):
    key = deliver(world)
    world.clear_log()
    result = run_module(MODULE, {**paris, "expect_settings": [NAME]})
    assert result.changed and result["verified"] is True and result["restart_required"] is False
    assert len(result["nodes"]) == count(world) and all(
        NAME in node["secure_setting_names"] for node in result["nodes"]
    )
    assert [entry["method"] for entry in world.log("paris")] == ["POST"]
    assert key["encoded"] not in str(result)


def test_check_mode_reloads_nothing(world, paris):
    world.clear_log()
    result = run_module(MODULE, paris, check=True)
    assert result.changed and len(result["nodes"]) == count(world)
    assert [entry["method"] for entry in world.log("paris")] == ["GET"]


def test_some_nodes(world, paris):
    name = run_module(MODULE, paris, check=True)["nodes"][0]["name"]
    for check in (True, False):
        result = run_module(MODULE, {**paris, "node_ids": [name]}, check=check)
        assert [node["name"] for node in result["nodes"]] == [name]
        none = run_module(MODULE, {**paris, "node_ids": ["no-such-node"]}, check=check)
        assert none.failed and "selects no node" in none.msg


@pytest.mark.needs(since="9.3")
def test_a_half_delivered_credential_is_named(world, paris):
    deliver(world, nodes=-1)
    result = run_module(MODULE, {**paris, "expect_settings": [NAME]})
    assert result.failed and f"1 of {count(world)} nodes" in result.msg and "lacks " + NAME in result.msg
    assert len(result["failed_nodes"]) == 1


def test_a_password_nobody_needs(world, paris):
    result = run_module(MODULE, {**paris, "keystore_password": "unneeded-password"})
    assert result.failed and "{0} of {0} nodes".format(count(world)) in result.msg and "keystore_password" in result.msg
    assert "unneeded-password" not in str(result)


@pytest.mark.needs(since="8.13", before="9.3")
def test_before_9_3_nothing_is_verified(make_world):
    one = make_world(version="8.19.0")
    deliver(one)
    one.clear_log()
    result = run_module(MODULE, {**connection(one.cluster("paris")), "expect_settings": [NAME]})
    assert result["verified"] is None and result["restart_required"] is False
    assert [entry["path"] for entry in one.log("paris")] == ["/_nodes/reload_secure_settings", "/_nodes"]


@pytest.mark.needs(before="8.13")
def test_before_8_13_a_restart_is_asked_for(make_world):
    one = make_world(version="8.12.0")
    result = run_module(MODULE, {**connection(one.cluster("paris")), "expect_settings": [NAME]})
    assert result["restart_required"] is True and "restart each node" in str(result["warnings"])


@pytest.mark.needs("versions")
@pytest.mark.parametrize("url", [0, 1])
def test_the_oldest_node_counts_whichever_one_answers(make_world, url):
    """In the middle of an upgrade; the old one would go on with the old key, unseen."""
    paris = make_world({"paris": {"node_versions": ["8.12.0", "8.13.0"]}, "berlin": {"nodes": 1}}).cluster("paris")
    result = run_module(MODULE, {**connection(paris), "urls": [paris["urls"][url]], "expect_settings": [NAME]})
    assert result["restart_required"] is True and "8.12.0" in str(result["warnings"])


@pytest.mark.needs(since="8.13", before="8.15.1")
def test_the_privilege_of_8_13(make_world):
    one = make_world(version="8.14.0")
    deliver(one)
    Api(one.cluster("paris")).user("manager", cluster=["manage"])
    args = {**connection(one.cluster("paris")), "username": "manager", "password": "secret-1"}
    result = run_module(MODULE, args)
    assert result.failed and "8.13.0 to 8.15.0" in result.msg and "manage_security" in result.msg


def test_a_login_without_the_privilege(world, paris, api):
    api("paris").user("watcher", cluster=["monitor"])
    result = run_module(MODULE, {**paris, "username": "watcher", "password": "secret-1"})
    assert result.failed and "403" in result.msg
