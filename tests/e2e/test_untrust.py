# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A teardown removes what is ours, in the safe order, and nothing else."""

from __future__ import annotations

import subprocess

import pytest

from support.links import Links, report
from support.worlds import reset

pytestmark = pytest.mark.needs(since="8.13")


def settings_of(node):
    command = [node["keystore"], "list"]
    environment = {"ES_PATH_CONF": node["config_dir"], "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()


def test_a_teardown_leaves_what_belongs_to_others(make_world, tmp_path):
    world = make_world(nodes=2)
    reset(world)
    links = Links(
        world, tmp_path, [{"from": "paris", "to": "berlin"}, {"from": "paris", "to": "berlin", "alias": "stays"}]
    )
    assert links.play("trust").ok
    berlin, paris = links.api("berlin"), links.api("paris")
    foreign = [berlin.key("paris-berlin-2")["id"], berlin.rest_key("paris-berlin")["id"]]
    links.links = links.links[:1]

    checked = links.play("untrust", check=True)
    assert checked.ok and links.writes() == [], str(checked)
    run = links.play("untrust")
    assert run.ok, str(run)
    assert run.changed == checked.changed
    assert [(cluster, method) for cluster, method, _path in links.writes()] == [
        ("berlin", "DELETE"),
        ("paris", "PUT"),
        ("paris", "POST"),
    ]
    assert report(run)["paris/berlin"]["state"] == "removed"
    assert "berlin" not in paris.get("/_remote/info").json
    for node in links.clusters["paris"]["nodes"]:
        assert "cluster.remote.berlin.credentials" not in settings_of(node)
        assert "cluster.remote.stays.credentials" in settings_of(node)
    live = [key["id"] for key in links.live_keys("berlin")]
    assert all(key_id in live for key_id in foreign)
    assert links.live_keys("berlin", "paris-berlin")[0]["type"] == "rest"
    assert {*links.search("paris", "stays")} == {200}

    again = links.play("untrust")
    assert again.ok and again.changed == 0 and links.writes() == [], str(again)
