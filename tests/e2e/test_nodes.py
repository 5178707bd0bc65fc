# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client nodes as they are found: keystores with a password or of another user, nodes that are down."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

import pytest

from support.links import report
from support.modules import run_module

pytestmark = pytest.mark.needs(since="8.13")


def test_keystores_with_a_password(links):
    links.protect("paris", "a-password-of-keystores")
    without = links.play("trust")
    assert without.rc == 2 and links.writes() == []
    assert "keystore_password" in report(without)["paris/berlin"]["note"]

    paris = {**links.clusters["paris"], "keystore_password": "a-password-of-keystores"}
    given = {"elasticsearch_clusters": {**links.clusters, "paris": paris}}
    mistaken = {**links.clusters, "paris": {**paris, "keystore_password": "mistaken"}}
    wrong = links.play("trust", variables={"elasticsearch_clusters": mistaken})
    assert wrong.rc == 2 and links.writes() == []
    run = links.play("trust", variables=given, verbosity=3)
    assert run.ok and links.all_work(), str(run)
    assert "a-password-of-keystores" not in run.stdout + run.stderr + str(run.events)
    again = links.play("trust", variables=given)
    assert again.ok and again.changed == 0 and links.writes() == [], str(again)
    assert links.play("rotate", variables=given).ok and links.all_work()
    assert links.play("untrust", variables=given).ok
    assert links.live_keys("berlin", "paris-berlin") == []


@pytest.mark.needs(nodes=3)
@pytest.mark.parametrize("down", [0, 1], ids=["the one that would lead", "another one"])
def test_a_node_that_is_down(links, down):
    name = links.clusters["paris"]["nodes"][down]["name"]
    first = links.play("trust")
    assert first.ok, str(first)
    old = report(first)["paris/berlin"]["api_key_id"]
    links.world.control("paris", "stop_node", node=name)
    nodes = [dict(node) for node in links.clusters["paris"]["nodes"]]
    nodes[down]["vars"] = {"ansible_connection": "ssh", "ansible_port": 1, "ansible_host": "127.0.0.1"}
    paris = {**links.clusters["paris"], "nodes": nodes}
    given = {
        "elasticsearch_clusters": {**links.clusters, "paris": paris},
        "cross_cluster_trust_authorities": True,  # one more step on each node
    }

    stopped = links.play("rotate", variables=given)
    assert stopped.rc == 2 and links.writes() == []
    assert f"{name} cannot be read" in report(stopped)["paris/berlin"]["note"]

    kept = links.play("rotate", variables={**given, "cross_cluster_trust_missing_nodes": "keep"})
    assert kept.ok, str(kept)
    row = report(kept)["paris/berlin"]
    assert row["state"] == "changed" and not row["proven"], "one node could not be asked"
    assert row["kept"] == [old], "the node that is down still holds the old key"
    assert {key["id"] for key in links.live_keys("berlin", "paris-berlin")} == {old, row["api_key_id"]}
    assert links.api("paris", 1 - down).get("/berlin:logs-1/_search").status == 200
    still = links.play("trust", variables={**given, "cross_cluster_trust_missing_nodes": "keep"})
    assert still.ok and still.changed == 0 and links.writes() == [], str(still)
    assert f"{name} cannot be read" in report(still)["paris/berlin"]["note"]

    links.world.control("paris", "start_node", node=name)
    assert links.all_work(), "what it wakes up with still works"
    back = links.play("trust")
    assert back.ok, str(back)
    assert [key["id"] for key in links.live_keys("berlin", "paris-berlin")] == [row["api_key_id"]]
    assert links.all_work()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_keystore_of_another_user(links):
    path = Path(links.clusters["paris"]["nodes"][0]["config_dir"], "elasticsearch.keystore")
    shutil.chown(path, "nobody")
    run = links.play("trust")
    row = report(run)["paris/berlin"]
    assert run.rc == 2 and row["state"] == "blocked" and links.writes() == []
    assert "become_user: nobody" in row["note"]
    shutil.chown(path, os.geteuid())
    ended = links.play("trust")
    assert ended.ok and links.all_work(), str(ended)
    assert len(links.live_keys("berlin", "paris-berlin")) == 1


@pytest.mark.needs(nodes=2, since="8.13")
def test_a_node_that_lies_poisons_no_other_for_good(links):
    """Its tool tells the right id with a secret of its own."""
    first = links.play("trust")
    assert first.ok, str(first)
    key_id = report(first)["paris/berlin"]["api_key_id"]
    liar, other = links.clusters["paris"]["nodes"]
    shown = Path(liar["home"], "lib", "shown")
    tool = Path(liar["home"], "bin", "lying")
    tool.write_text(
        f'#!/bin/sh\n[ "$1" = show ] && [ -e {shown} ] && exec cat {shown}\nexec "{liar["keystore"]}" "$@"\n'
    )
    tool.chmod(0o755)
    nodes = [{**liar, "keystore": str(tool)}, other]
    given = {"elasticsearch_clusters": {**links.clusters, "paris": {**links.clusters["paris"], "nodes": nodes}}}

    def without_credential():
        keystore = {"executable": other["keystore"], "config_dir": other["config_dir"]}
        run_module("keystore", {**keystore, "name": "cluster.remote.berlin.credentials", "state": "absent"})

    without_credential()
    shown.write_text(base64.b64encode(f"{key_id}:{'x' * 22}".encode()).decode() + "\n")
    poisoned = links.play("trust", variables=given)
    assert poisoned.rc == 2 and links.search("paris", "berlin")[0] == 200, str(poisoned)
    shown.unlink()
    healed = links.play("trust", variables=given)
    note = report(healed)["paris/berlin"]["note"]
    assert "holds a wrong secret, and only paris-1 could hand out another" in note, str(healed)
    assert {*links.search("paris", "berlin")} == {200} and len(links.live_keys("berlin")) == 1
