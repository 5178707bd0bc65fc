# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trust playbook makes links, keeps them, and mends what happened behind its back."""

from __future__ import annotations

import base64
import subprocess
import time

import pytest

from support.links import ACCESS, Links, module_runs, plan, report
from support.worlds import reset

pytestmark = pytest.mark.needs(since="8.13")


def test_both_directions_check_mode_and_second_run(world, tmp_path):
    links = Links(world, tmp_path, [("paris", "berlin"), ("berlin", "paris")])

    checked = links.play("trust", check=True)
    assert checked.ok, str(checked)
    assert links.writes() == []
    assert {row["state"] for row in report(checked).values()} == {"would be changed"}
    assert (
        "no node of paris holds a usable credential: create key paris-berlin on berlin" in plan(checked)["paris/berlin"]
    )

    first = links.play("trust", diff=True, verbosity=3)
    assert first.ok, str(first)
    assert first.changed == checked.changed > 0
    assert links.all_work()
    rows = report(first)
    assert all(row["proven"] and row["ok"] for row in rows.values())
    assert [key["id"] for key in links.live_keys("berlin", "paris-berlin")] == [rows["paris/berlin"]["api_key_id"]]
    # The secret is nowhere to be seen, in no form.
    info = links.clusters["paris"]["nodes"][0]
    shown = subprocess.run(
        [info["keystore"], "show", "cluster.remote.berlin.credentials"], capture_output=True, text=True, check=True,
        env={"ES_PATH_CONF": info["config_dir"], "PATH": "/usr/bin:/bin"},
    ).stdout.strip()  # fmt: skip
    secret = base64.b64decode(shown).decode().split(":")[1]
    printed = first.stdout + first.stderr + str(first.events)
    assert shown not in printed and secret not in printed
    for cluster in links.clusters.values():
        assert cluster["password"] not in printed

    second = links.play("trust")
    assert second.ok and second.changed == 0, str(second)
    assert links.writes() == []
    assert plan(second) == {} and {row["state"] for row in report(second).values()} == {"right"}
    assert links.requests() <= 14
    # One module run per node, and one for all clusters: nothing is paid for each link.
    assert module_runs(second) == sum(len(cluster["nodes"]) for cluster in links.clusters.values()) + 1

    # What is given as text means what it says: "false" rotates nothing.
    texts = ("cross_cluster_trust_rotate=false", "cross_cluster_trust_wait=9")
    third = links.play("trust", arguments=[part for text in texts for part in ("-e", text)])
    assert third.ok and report(third) == report(second)


@pytest.mark.needs("calls")
def test_keystores_that_stay_as_they_are_are_opened_once(links):
    """The second run has looked into the keystores that the first one wrote; as long as they stay, nobody has to."""
    assert links.play("trust").ok
    second = links.play("trust")
    for name in links.world.clusters:
        links.world.control(name, "clear_keystore_calls")
    third = links.play("trust")
    assert third.ok and report(third) == report(second)
    calls = [links.world.control(name, "keystore_calls") for name in links.world.clusters]
    assert not any(one for found in calls for one in found.values())


@pytest.mark.needs(nodes=2)
def test_everything_that_can_happen_behind_our_back_is_mended_in_one_run(make_world, tmp_path):
    world = make_world(nodes=2)
    reset(world)
    aliases = ["fine", "one", "all", "revoked", "expired", "access", "settings", "orphan", "malformed", "other"]
    links = Links(
        world, tmp_path, [{"from": "paris", "to": "berlin", "alias": alias, "expiration": "90d"} for alias in aliases]
    )
    first = links.play("trust")
    assert first.ok, str(first)
    before = {alias: report(first)[f"paris/{alias}"]["api_key_id"] for alias in aliases}
    nodes, berlin, paris = links.clusters["paris"]["nodes"], links.api("berlin"), links.api("paris")

    def remove(node, alias):
        command = [node["keystore"], "remove", f"cluster.remote.{alias}.credentials"]
        subprocess.run(
            command, check=True, capture_output=True, env={"ES_PATH_CONF": node["config_dir"], "PATH": "/usr/bin:/bin"}
        )

    remove(nodes[1], "one")
    remove(nodes[0], "all")
    remove(nodes[1], "all")
    assert berlin.delete("/_security/api_key", {"ids": [before["revoked"]]}).status == 200
    assert berlin.delete("/_security/api_key", {"ids": [before["expired"]]}).status == 200
    short = berlin.key("paris-berlin-expired", expiration="1s")
    for node in nodes:
        links.hold(node, "expired", short["encoded"])
    links.hold(nodes[0], "malformed", base64.b64encode(b"nonsense").decode())
    links.hold(nodes[0], "other", berlin.rest_key("paris-berlin-other")["encoded"])
    links.reload("paris")
    assert (
        berlin.put(
            f"/_security/cross_cluster/api_key/{before['access']}", {"access": {"search": [{"names": ["*"]}]}}
        ).status
        == 200
    )
    settings = {"cluster.remote.settings.proxy_address": "127.0.0.1:1"}
    assert paris.put("/_cluster/settings", {"persistent": settings}).status == 200
    orphan = berlin.key("paris-berlin-orphan", metadata={"crosscluster_elasticsearch": {"client": "paris"}})
    foreign = [berlin.key("paris-berlin-fine-2"), berlin.key("somebody")]
    time.sleep(max(0.0, short["expiration"] / 1000 + 0.1 - time.time()))

    run = links.play("trust")
    assert run.ok, str(run)
    words = plan(run)
    assert "paris/fine" not in words
    assert words["paris/one"] == ["paris-2 holds no credential; spread the live one from paris-1"]
    assert "no node of paris holds a usable credential: create key paris-berlin-all on berlin" in words["paris/all"]
    assert "paris-1 and paris-2 hold a revoked key; give them the new one" in words["paris/revoked"]
    assert "paris-1 and paris-2 hold an expired key; give them the new one" in words["paris/expired"]
    assert words["paris/access"] == [f"access of key {before['access']} is not as asked for: update it in place"]
    assert words["paris/settings"][-1] == "the settings of alias settings differ (proxy_address): write them"
    assert any(orphan["id"] in text and "revoke after the proof" in text for text in words["paris/orphan"])
    assert words["paris/malformed"] == [
        "paris-1 holds something that is not an API key; spread the live one from paris-2"
    ]
    assert words["paris/other"] == ["paris-1 holds a key of another name; spread the live one from paris-2"] or (
        "not a cross-cluster key" in words["paris/other"][0]
    )
    assert links.all_work()
    live = {key["id"]: key["name"] for key in links.live_keys("berlin")}
    for alias in aliases:
        assert list(live.values()).count(f"paris-berlin-{alias}") == (2 if alias == "other" else 1), alias
    assert orphan["id"] not in live and all(key["id"] in live for key in foreign)
    for alias in ("fine", "one", "access", "settings", "orphan", "malformed", "other"):
        assert before[alias] in live, alias

    again = links.play("trust")
    assert again.ok and again.changed == 0, str(again)
    assert links.writes() == []


@pytest.mark.needs("clusters")
def test_a_link_that_fails_neither_blocks_nor_hides_the_others(make_world, tmp_path):
    world = make_world(clusters=("paris", "berlin", "rome"), nodes=1)
    reset(world)
    links = Links(world, tmp_path, [("paris", "berlin"), ("paris", "rome"), ("rome", "paris"), ("berlin", "paris")])
    wrong = {**links.clusters, "rome": {**links.clusters["rome"], "password": "wrong"}}
    # berlin's only node cannot be logged in to, and rome refuses the login.
    berlin = {
        **wrong["berlin"],
        "nodes": [
            {
                **wrong["berlin"]["nodes"][0],
                "vars": {"ansible_connection": "ssh", "ansible_port": 1, "ansible_host": "127.0.0.1"},
            }
        ],
    }
    run = links.play("trust", variables={"elasticsearch_clusters": {**wrong, "berlin": berlin}})
    assert run.rc != 0
    rows = report(run)
    assert {link: row["state"] for link, row in rows.items()} == {
        "paris/berlin": "changed", "paris/rome": "blocked", "rome/paris": "blocked", "berlin/paris": "blocked"
    }  # fmt: skip
    assert "berlin-1 cannot be read" in rows["berlin/paris"]["note"]
    assert "rome" in rows["paris/rome"]["note"] and "401" in rows["paris/rome"]["note"]
    assert links.search("paris", "berlin") == [200]


@pytest.mark.parametrize(
    "clusters, links, words",
    [
        ({}, [{"from": "paris", "to": "berln", "access": ACCESS}], "did you mean [berlin]?"),
        ({"paris": {"urls": None}}, [], "elasticsearch_clusters.paris has no urls"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_asked(world, tmp_path, clusters, links, words):
    estate = Links(world, tmp_path, [])
    given = {name: {**cluster, **clusters.get(name, {})} for name, cluster in estate.clusters.items()}
    for node in given["paris"]["nodes"] if clusters else []:
        node = dict(node)
    if clusters:
        given["paris"] = {**given["paris"], "nodes": []}
    run = estate.play("trust", variables={"elasticsearch_clusters": given, "cross_cluster_links": links})
    assert run.rc != 0
    assert any(words in message for message in run.messages), str(run)
    assert estate.requests() == 0
    assert given["berlin"]["password"] not in run.stdout + run.stderr


@pytest.mark.needs("versions")
def test_clusters_that_cannot_talk_get_no_key(make_world, tmp_path):
    """The other links are done; a link that has a key costs no request for versions."""
    world = make_world({"berlin": {"version": "9.5.0"}, "paris": {"version": "8.14.3"}, "rome": {"version": "8.19.0"}})
    reset(world)
    links = Links(world, tmp_path, [("paris", "berlin"), ("rome", "berlin"), ("paris", "rome")])
    for check in (True, False):
        done = links.play("trust", check=check)
        assert done.rc == 2, str(done)
        rows = report(done)
        states = {name: row["state"] for name, row in rows.items()}
        changed = "would be changed" if check else "changed"
        assert states == {"paris/berlin": "blocked", "rome/berlin": changed, "paris/rome": changed}, str(done)
        assert rows["paris/berlin"]["note"].startswith(
            "paris runs 8.14.3, and the other cluster talks to 8.19.0 and newer only. Upgrade paris to 8.19.0 or newer"
        )
        assert "Traceback" not in done.stdout + done.stderr
    assert links.live_keys("berlin", "paris-berlin") == []
    assert len(links.live_keys("berlin", "rome-berlin")) == 1

    links = Links(world, tmp_path / "right", [("rome", "berlin"), ("paris", "rome")])
    again = links.play("trust")
    assert again.ok and again.changed == 0, str(again)
    assert not [one for name in world.clusters for one in world.log(name) if one["path"] == "/"]
