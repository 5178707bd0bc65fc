# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key is replaced without one failed search."""

from __future__ import annotations

import threading

import pytest

from support.links import SLOW, Searching, plan, report

pytestmark = pytest.mark.needs(since="8.13")


def test_a_rotation_under_constant_search(links):
    first = links.play("trust")
    assert first.ok, str(first)
    old = report(first)["paris/berlin"]["api_key_id"]

    with Searching(links, "paris", "berlin") as searching:
        run = links.play("rotate")
    assert run.ok, str(run)
    assert searching.made > 100 and searching.failed == []
    assert plan(run)["paris/berlin"] == [
        "a rotation was asked for: make a new key paris-berlin on berlin",
        f"{old} is replaced: revoke after the proof",
    ]
    new = report(run)["paris/berlin"]["api_key_id"]
    assert [key["id"] for key in links.live_keys("berlin", "paris-berlin")] == [new] != [old]
    # The order is the safety: made, then loaded by all nodes, then proven, then revoked.
    assert [(method, path) for _cluster, method, path in links.writes()] == [
        ("POST", "/_security/cross_cluster/api_key"),
        ("DELETE", "/_security/api_key"),
        ("POST", "/_nodes/remote_cluster_client:true/reload_secure_settings"),
    ]
    order = [task.split(" : ")[-1] for task in run.tasks]
    proof = "Reload the secure settings, write aliases and local roles, prove the links (1 of 1 link)"
    assert order.index(proof) < order.index("Revoke API keys (1 of 1 link)")


def test_a_grace_keeps_the_old_key_and_an_expiring_key_is_renewed(links):
    links.links[0].update(expiration="90d", renew_before="14d", grace="1h")
    assert links.play("trust").ok
    (old,) = links.live_keys("berlin", "paris-berlin")
    # Only in this test the key is about to expire: it is given ten days.
    body = {"expiration": "10d", "metadata": old["metadata"]}
    assert links.api("berlin").put(f"/_security/cross_cluster/api_key/{old['id']}", body).status == 200
    run = links.play("trust")
    assert run.ok, str(run)
    assert plan(run)["paris/berlin"][0].startswith(f"key {old['id']} expires in 9d")
    assert f"{old['id']} stays alive for the grace of 1h" in plan(run)["paris/berlin"]
    assert len(links.live_keys("berlin", "paris-berlin")) == 2
    row = report(run)["paris/berlin"]
    assert row["kept"] == [old["id"]] and row["api_key_id"] != old["id"] and row["days_left"] == 90
    links.links[0]["grace"] = "1s"
    ended = links.play("trust")
    assert ended.ok, str(ended)
    assert [key["id"] for key in links.live_keys("berlin", "paris-berlin")] == [row["api_key_id"]]
    assert links.all_work()


def test_two_rotations_at_once_lose_no_key(links):
    assert links.play("trust").ok
    runs = []
    with Searching(links, "paris", "berlin") as searching:
        threads = [threading.Thread(target=lambda: runs.append(links.play("rotate"))) for _number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert searching.failed == []
    # Whoever came second either finished after the first one, or stopped and said why.
    for run in runs:
        assert run.ok or "Is another run at work on this link?" in str(report(run)), str(run)
    after = links.play("trust")
    assert after.ok, str(after)
    assert len(links.live_keys("berlin", "paris-berlin")) == 1
    assert links.all_work()


@pytest.mark.skipif(not SLOW, reason="set CROSSCLUSTER_SLOW_TESTS=1 to soak")
def test_a_soak_of_fifty_rotations(links):
    assert links.play("trust").ok
    with Searching(links, "paris", "berlin") as searching:
        for _number in range(50):
            run = links.play("rotate")
            assert run.ok, str(run)
    print(f"{searching.made} searches made, {len(searching.failed)} failed")
    assert searching.made > 1000 and searching.failed == []
    assert len(links.live_keys("berlin", "paris-berlin")) == 1
