# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One link at a time, links that go or have left the list, two teams on the same clusters, and what is shown."""

from __future__ import annotations

import json

import pytest

from support.links import LOCAL, Links, Searching, plan, report
from support.playbook import run_playbook
from support.worlds import reset

pytestmark = pytest.mark.needs(since="8.13")

MARK = "crosscluster_elasticsearch"


@pytest.fixture
def three(make_world, tmp_path):
    """Three links between two clusters of two nodes, made."""
    world = make_world(nodes=2)
    reset(world)
    made = Links(
        world, tmp_path, [("paris", "berlin"), ("berlin", "paris"), {"from": "paris", "to": "berlin", "alias": "spare"}]
    )
    run = made.play("trust")
    assert run.ok and made.all_work(), str(run)
    return made


def ids(links, server="berlin"):
    return {key["name"]: key["id"] for key in links.live_keys(server)}


def visited(run):
    """The hosts whose tasks ran, but for the one that reads."""
    return {host for host in run.stats if host != "localhost"}


# -- some links --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "only, rotated", [("paris/spare", {"paris-berlin-spare"}), (["paris/*"], {"paris-berlin-spare", "paris-berlin"})]
)
def test_one_link_of_three_is_rotated(three, only, rotated):
    before, other = ids(three), ids(three, "paris")
    with Searching(three, "paris", "berlin") as searching:
        checked = three.play("rotate", variables={"cross_cluster_only": only}, check=True)
        assert checked.ok and three.writes() == [], str(checked)
        run = three.play("rotate", variables={"cross_cluster_only": only})
    assert run.ok and run.changed == checked.changed, str(run)
    after = ids(three)
    assert {name for name in before if after[name] != before[name]} == rotated and ids(three, "paris") == other
    assert searching.failed == [] and three.all_work()
    assert {row["done"] for row in report(run).values()} == {"rotated"}
    assert {row["done"] for row in report(checked).values()} == {"would rotate"}
    assert visited(run) == {node["name"] for node in three.clusters["paris"]["nodes"]}


def test_only_hosts_that_are_needed_are_visited_by_all_playbooks(three):
    """Nobody asks the other client, so that it may be down."""
    berlin = three.clusters["berlin"]["nodes"]
    nodes = [
        {**node, "vars": {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_connection": "ssh"}}
        for node in berlin
    ]
    variables = {
        "cross_cluster_only": "paris/berlin, paris/spare",
        "elasticsearch_clusters": {**three.clusters, "berlin": {**three.clusters["berlin"], "nodes": nodes}},
    }
    for playbook in ("trust", "verify", "report", "untrust"):
        run = three.play(playbook, variables=variables)
        assert run.ok and visited(run) == {node["name"] for node in three.clusters["paris"]["nodes"]}, str(run)
    assert [*ids(three)] == [] and len(ids(three, "paris")) == 1


@pytest.mark.parametrize(
    "only, words",
    [
        ("paris/berlim", "[paris/berlim] matches no link; did you mean [paris/berlin]?"),
        (["paris/berlin", "rome"], "[rome] matches no link"),
        ("", "names no link"),
        ("paris/berlin,", "names no link"),
        ([], "names no link"),
        ({"paris": "berlin"}, "must be a list of texts"),
    ],
)
@pytest.mark.parametrize("playbook", ["trust", "untrust"])
def test_a_slip_in_the_choice_does_nothing(three, only, words, playbook):
    run = three.play(playbook, variables={"cross_cluster_only": only})
    assert run.rc == 2 and words in str(run.messages) and three.requests() == 0, str(run)


# -- links that go -----------------------------------------------------------------------------------------------------


def test_a_link_with_state_absent_goes_with_trust(three):
    kept = ids(three)["paris-berlin"]
    gone = {"from": "paris", "to": "berlin", "alias": "spare", "state": "absent"}
    three.links[2] = gone
    rotated = three.play("rotate")
    assert rotated.ok and report(rotated)["paris/spare"]["done"] == "passed over", str(rotated)
    assert "paris-berlin-spare" in ids(three) and {*three.search("paris", "spare")} == {200}
    verified = three.play("verify")
    assert verified.rc == 2 and "remove the settings of alias spare" in verified.stdout, str(verified)

    checked = three.play("trust", check=True)
    assert checked.ok and three.writes() == [], str(checked)
    assert report(checked)["paris/spare"]["done"] == "would remove"
    run = three.play("trust")
    assert run.ok and run.changed == checked.changed, str(run)
    assert {link: row["done"] for link, row in report(run).items()} == {
        "paris/berlin": "nothing", "berlin/paris": "nothing", "paris/spare": "removed",
    }  # fmt: skip
    # The key is revoked last.
    assert [(cluster, method) for cluster, method, _path in three.writes()][-1][1] == "POST"
    assert [*ids(three)] == ["paris-berlin"] != [kept] and "spare" not in three.api("paris").get("/_remote/info").json
    assert {*three.search("paris", "berlin"), *three.search("berlin", "paris")} == {200}

    again = three.play("trust")
    assert again.ok and again.changed == 0 and three.writes() == [], str(again)
    assert report(again)["paris/spare"]["done"] == "nothing left"
    assert three.play("verify").ok


def test_what_goes_and_what_comes_are_done_in_one_run(three):
    """On the same nodes, and a teardown takes both."""
    three.links[2].pop("access")
    three.links[2]["state"] = "absent"
    three.links.append({"from": "paris", "to": "berlin", "alias": "fresh", "access": three.links[0]["access"]})
    run = three.play("trust")
    told = {link: row["done"] for link, row in report(run).items()}
    assert run.ok and (told["paris/spare"], told["paris/fresh"]) == ("removed", "linked"), str(run)
    assert {*three.search("paris", "fresh")} == {200} and sorted(ids(three)) == ["paris-berlin", "paris-berlin-fresh"]
    taken = three.play("untrust")
    assert taken.ok and ids(three) == {} and ids(three, "paris") == {}, str(taken)


# -- links that have left the list -------------------------------------------------------------------------------------


def test_what_was_ours_and_has_left_the_list_is_told_and_goes_when_asked(three):
    berlin = three.api("berlin")
    foreign = berlin.key("by-hand")["id"]
    other = {MARK: {"client": "paris", "alias": "spare", "owner": "other team"}}
    theirs = berlin.key("theirs", metadata=other)["id"]
    left = three.links.pop(2)
    # Its client asks nobody else any more.
    three.links.pop(0)
    verified = three.play("verify")
    assert verified.ok and "no longer listed" in verified.stdout, str(verified)
    told = [
        key["alias"]
        for key in verified.result("Keep the report")["ansible_facts"]["cross_cluster_report_result"]["orphans"]
    ]
    assert sorted(told) == ["berlin", "spare"]
    named = three.play("verify", variables={"cross_cluster_verify_fail_on": ["not_listed"]})
    assert named.rc == 2 and "cross_cluster_prune" in str(named.messages), str(named)

    checked = three.play("trust", variables={"cross_cluster_prune": True}, check=True)
    assert checked.ok and three.writes() == [], str(checked)
    run = three.play("trust", variables={"cross_cluster_prune": True})
    assert run.ok and run.changed == checked.changed, str(run)
    assert {link: row["done"] for link, row in report(run).items()} == {
        "berlin/paris": "nothing", "paris/berlin": "removed", "paris/spare": "removed",
    }  # fmt: skip
    # Listed first, before the first write.
    order = [task.split(" : ")[-1] for task in run.tasks]
    assert order.index("Say what cross_cluster_prune removes") < order.index(
        "Remove the settings of remotes (2 of 3 links)"
    )
    assert (
        sorted(ids(three))
        == ["by-hand", "theirs"]
        == sorted(key["name"] for key in three.live_keys("berlin") if key["id"] in (foreign, theirs))
    )
    assert three.api("paris").get("/_remote/info").json == {} and {*three.search("berlin", "paris")} == {200}
    again = three.play("trust", variables={"cross_cluster_prune": True})
    assert again.ok and again.changed == 0 and three.writes() == [], str(again)
    assert left["alias"] == "spare"


@pytest.mark.parametrize(
    "more, words",
    [
        ({"variables": {"cross_cluster_only": ["paris/berlin"]}}, "cross_cluster_only takes a part of it"),
        ({"arguments": ["--limit", "all:localhost:paris*:berlin*"]}, "--limit"),
        ({"variables": {"cross_cluster_links": []}}, "an empty list of links would remove every link"),
    ],
)
def test_nothing_is_pruned_by_a_list_that_may_be_a_part(three, more, words):
    variables = {"cross_cluster_prune": True, **more.pop("variables", {})}
    run = three.play("trust", variables=variables, **more)
    assert run.rc == 2 and words in str(run.messages) and three.requests() == 0, str(run)


def test_a_list_of_the_role_is_none_to_prune_by(three, tmp_path):
    given = {
        "elasticsearch_clusters": three.clusters, "cross_cluster_trust_links": three.links[:1],
        "cross_cluster_prune": True,
    }  # fmt: skip
    run = run_playbook("crosscluster.elasticsearch.trust", directory=tmp_path / "own", extra_vars=given)
    assert run.rc == 2 and "give all of them as cross_cluster_links" in str(run.messages), str(run)


def test_the_alias_of_an_older_key_is_read_from_the_keystores(three):
    """1.0.0 marked for which client a key is, and not for which alias."""
    (key,) = three.live_keys("berlin", "paris-berlin-spare")
    old = {"metadata": {MARK: {"client": "paris"}}}
    assert three.api("berlin").put(f"/_security/cross_cluster/api_key/{key['id']}", old).status == 200
    spare = three.links.pop(2)
    run = three.play("trust", variables={"cross_cluster_prune": True})
    assert run.ok and report(run)["paris/spare"]["done"] == "removed", str(run)
    assert [*ids(three)] == ["paris-berlin"] and spare["alias"] not in three.api("paris").get("/_remote/info").json


def test_an_alias_that_somebody_else_took_over_stays(three):
    """Only the key of the link that was is ours, and nobody holds it."""
    hand = three.api("berlin").key("by-hand", access=three.links[0]["access"])
    for node in three.clusters["paris"]["nodes"]:
        three.hold(node, "spare", hand["encoded"])
    three.reload("paris")
    three.links.pop(2)
    run = three.play("trust", variables={"cross_cluster_prune": True})
    assert run.ok and sorted(ids(three)) == ["by-hand", "paris-berlin"], str(run)
    assert {*three.search("paris", "spare")} == {200}


def test_a_key_that_half_of_the_nodes_hold_stays(three):
    hand = three.api("berlin").key("by-hand", access=three.links[0]["access"])
    three.hold(three.clusters["paris"]["nodes"][0], "spare", hand["encoded"])
    three.reload("paris")
    three.links.pop(2)
    run = three.play("trust", variables={"cross_cluster_prune": True})
    note = report(run)["paris/spare"]["note"]
    assert run.rc == 2 and "hold something else as spare" in note and three.writes() == [], str(run)
    assert "paris-berlin-spare" in ids(three)


# -- two teams ---------------------------------------------------------------------------------------------------------


def test_two_teams_share_clusters(three):
    """What one of them made is nobody's to the other, and is not seen as left behind."""
    mine, theirs = three.links[:1], [{**three.links[0], "alias": "theirs"}]
    three.links = theirs
    team = {"cross_cluster_owner": "search team"}
    run = three.play("trust", variables={**team, "cross_cluster_prune": True})
    assert run.ok and list(report(run)) == ["paris/theirs"], str(run)
    (key,) = three.live_keys("berlin", "paris-berlin-theirs")
    assert key["metadata"] == {MARK: {"client": "paris", "alias": "theirs", "owner": "search team"}}
    verified = three.play("verify", variables=team)
    assert verified.ok and "no longer listed" not in verified.stdout, str(verified)
    # The other team takes over the alias by mistake.
    three.links = mine
    run = three.play("trust", variables=team)
    assert run.rc == 2 and three.writes() == [] and "is in use, and not by a key of this link" in str(run.messages), (
        str(run)
    )
    assert {*three.search("paris", "berlin"), *three.search("paris", "theirs")} == {200}


# -- what is shown -----------------------------------------------------------------------------------------------------


@pytest.mark.needs("clusters")
def test_three_links_fit_a_screen(make_world, tmp_path):
    """With clusters of two nodes each, at default verbosity."""
    world = make_world({name: {"nodes": 2} for name in ("paris", "berlin", "rome")})
    links = Links(world, tmp_path, [("paris", "berlin"), ("berlin", "rome"), ("rome", "paris")], expiration="90d")
    hosts = {node["name"]: LOCAL for cluster in links.clusters.values() for node in cluster["nodes"]}
    given = {"elasticsearch_clusters": links.clusters, "cross_cluster_links": links.links}
    for number, (playbook, check) in enumerate(
        [("trust", True), ("trust", False), ("trust", False), ("rotate", True), ("rotate", False), ("verify", False),
         ("report", False), ("untrust", True), ("untrust", False), ("untrust", False)]
    ):  # fmt: skip
        run = run_playbook(
            f"crosscluster.elasticsearch.{playbook}", directory=tmp_path / f"shown-{number}", extra_vars=given,
            inventory={"all": {"hosts": hosts}}, check=check, env={"ANSIBLE_SHOW_CUSTOM_STATS": "true"},
        )  # fmt: skip
        shown, _word, stats = run.stdout.partition("CUSTOM STATS")
        lines = [line for line in shown.splitlines() if line.strip()]
        assert run.ok and len(lines) <= 60, f"{playbook}: {len(lines)} lines\n{run}"
        table = [line for line in lines if line.startswith('        "')]
        assert max(map(len, table)) <= 100 and run.stderr.strip() == "", run
        told = json.loads(stats[stats.index("{") :].partition("\n\n")[0])
        if playbook in ("verify", "report"):
            assert told["cross_cluster_report"]["summary"]["links"] == 3
        else:
            rows = told["cross_cluster_done"]["links"]
            assert len(rows) == 3 and all({"made", "revoked", "proven", "done"} <= row.keys() for row in rows)
            if (playbook, check) == ("rotate", False):
                assert all(len(row["made"]) == len(row["revoked"]) == 1 and row["proven"] for row in rows)


def test_what_is_done_is_told_in_the_future_in_check_mode(three):
    three.links[0]["expiration"] = "90d"
    checked = three.play("trust", check=True)
    row = report(checked)["paris/berlin"]
    assert (row["done"], row["state"]) == ("would update", "would be changed"), str(checked)
    assert plan(checked)["paris/berlin"] and "would update" in checked.stdout
    run = three.play("trust")
    assert report(run)["paris/berlin"]["done"] == "updated" and run.changed == checked.changed, str(run)
