# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations that have to wait are finished before another one begins, and a delivery that reached no node changes no
settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.links import Links, Searching, report
from support.worlds import reset


def live(links):
    return {key["id"] for key in links.live_keys("berlin", "paris-berlin")}


@pytest.fixture
def old(make_world, tmp_path):
    """A link between clusters of 8.12, whose nodes take a credential over only when they start."""
    world = make_world(version="8.12.0", nodes=2)
    reset(world)
    links = Links(world, tmp_path, [{"from": "paris", "to": "berlin"}])
    waiting = links.play("trust")
    assert waiting.rc == 2 and "restart paris-1 and paris-2, one at a time" in report(waiting)["paris/berlin"]["note"]
    restart(links)
    done = links.play("trust")
    assert done.ok and links.all_work(), str(done)
    return links


def restart(links, *numbers):
    for number, node in enumerate(links.clusters["paris"]["nodes"]):
        if not numbers or number in numbers:
            links.world.control("paris", "restart_node", node=node["name"])


@pytest.mark.needs(nodes=2, before="8.13")
def test_a_rotation_that_waits_for_restarts_goes_on_with_its_key(old):
    (before,) = live(old)
    for _number in range(3):
        run = old.play("rotate")
        assert run.rc == 2 and "restart" in report(run)["paris/berlin"]["note"], str(run)
        assert len(live(old)) == 2 and before in live(old) and old.all_work()
    (new,) = live(old) - {before}
    restart(old, 0)
    half = old.play("rotate")
    assert half.rc == 2 and "restart paris-2, one at a time" in report(half)["paris/berlin"]["note"], str(half)
    assert live(old) == {before, new} and old.all_work(), "the other node still uses the old key"
    restart(old, 1)
    done = old.play("rotate")
    assert done.ok and live(old) == {new} and old.all_work(), str(done)
    again = old.play("trust")
    assert again.ok and again.changed == 0 and old.writes() == [], str(again)


@pytest.mark.needs(nodes=2, since="8.13")
def test_rotations_of_a_cluster_with_a_node_that_is_down(links):
    first = links.play("trust")
    before = report(first)["paris/berlin"]["api_key_id"]
    nodes = [dict(node) for node in links.clusters["paris"]["nodes"]]
    nodes[1]["vars"] = {"ansible_connection": "ssh", "ansible_port": 1, "ansible_host": "127.0.0.1"}
    paris = {**links.clusters["paris"], "nodes": nodes}
    given = {
        "elasticsearch_clusters": {**links.clusters, "paris": paris},
        "cross_cluster_trust_missing_nodes": "keep",
    }
    with Searching(links, "paris", "berlin") as searching:
        begun = links.play("rotate", variables=given)
        assert begun.ok and len(live(links)) == 2, str(begun)
        for _number in range(2):
            run = links.play("rotate", variables=given)
            row = report(run)["paris/berlin"]
            assert run.rc == 2 and row["state"] == "unfinished" and row["kept"] == [before], str(run)
            assert f"{before} is alive of the rotation before" in row["note"]
            assert len(live(links)) == 2 and links.writes() == []
        done = links.play("rotate")
    assert done.ok and live(links) == {report(begun)["paris/berlin"]["api_key_id"]}, str(done)
    assert searching.failed == []


def settings(links):
    return links.api("paris").get("/_cluster/settings").json["persistent"]


@pytest.mark.parametrize("which", ["no node", "some node"])
def test_an_alias_is_not_pointed_at_a_cluster_without_a_credential(links, which):
    """The tool answers reads and refuses every write."""
    nodes = [dict(node) for node in links.clusters["paris"]["nodes"]]
    nobody = which == "no node" or len(nodes) == 1
    for node in nodes if nobody else nodes[:1]:
        tool = Path(node["home"], "bin", "reads-only")
        tool.write_text(
            '#!/bin/sh\ncase "$1" in add|add-file) echo "no space left on device" >&2; exit 74;; esac\n'
            f'exec "{node["keystore"]}" "$@"\n'
        )
        tool.chmod(0o755)
        node["keystore"] = str(tool)
    before = settings(links)
    paris = {**links.clusters["paris"], "nodes": nodes}
    run = links.play("trust", variables={"elasticsearch_clusters": {**links.clusters, "paris": paris}})
    row = report(run)["paris/berlin"]
    assert run.rc == 2 and row["state"] == "failed" and "no space left on device" in row["note"], str(run)
    if nobody:
        assert settings(links) == before and "the settings of alias berlin were left as they are" in row["note"]
        assert [path for cluster, _method, path in links.writes() if cluster == "paris"] == []
    else:
        assert settings(links) != before and 200 in links.search("paris", "berlin")
    after = links.play("trust")
    assert after.ok and links.all_work() and len(live(links)) == 1, str(after)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_keystore_that_cannot_be_written_is_seen_before_a_key_is_made(links):
    for node in links.clusters["paris"]["nodes"]:
        os.chown(Path(node["config_dir"], "elasticsearch.keystore"), 65534, -1)
    run = links.play("trust")
    row = report(run)["paris/berlin"]
    assert run.rc == 2 and row["state"] == "blocked" and "become_user" in row["note"], str(run)
    assert links.writes() == [] and live(links) == set()
