# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that somebody made in another way are never changed or revoked unasked; a link may adopt one by its id."""

from __future__ import annotations

import pytest

from support.links import ACCESS, Searching, report
from support.modules import run_module
from support.worlds import connection

pytestmark = pytest.mark.needs(since="8.13")


def by_hand(links, name="paris-berlin", held=True, **more):
    """A key made with Elastic's API, held by the nodes of paris, with the alias pointing at berlin."""
    made = links.api("berlin").key(name, access=ACCESS, **more)
    if held:
        for node in links.clusters["paris"]["nodes"]:
            links.hold(node, "berlin", made["encoded"])
        links.reload("paris")
        settings = {"mode": "proxy", "proxy_address": links.clusters["berlin"]["remote_cluster_server"]}
        remote = {f"cluster.remote.berlin.{field}": value for field, value in settings.items()}
        remote["cluster.remote.berlin.skip_unavailable"] = False
        assert links.api("paris").put("/_cluster/settings", {"persistent": remote}).status == 200
        assert links.all_work()
    return made["id"]


def live(links):
    return [key["id"] for key in links.live_keys("berlin") if key["type"] == "cross_cluster"]


@pytest.mark.parametrize("playbook", ["trust", "rotate"])
def test_an_unmarked_key_that_the_nodes_use_stops_the_link_until_it_is_adopted(links, playbook):
    hand = by_hand(links)
    run = links.play(playbook)
    note = report(run)["paris/berlin"]["note"]
    assert run.rc == 2 and links.writes() == [] and links.all_work(), str(run)
    assert hand in note and "belongs to elastic" in note and f"add adopt: {hand}" in note
    assert live(links) == [hand]
    verify = links.play("verify")
    assert verify.rc == 2 and f"adopt: {hand}" in verify.stdout, "a link that trust would not touch is not green"
    left = links.play("untrust")
    assert left.ok and links.all_work() and live(links) == [hand], "a teardown leaves it alone, too"


def test_an_unmarked_key_that_nobody_uses_stops_a_link_that_has_none(links):
    hand = by_hand(links, held=False)
    run = links.play("trust")
    note = report(run)["paris/berlin"]["note"]
    assert run.rc == 2 and links.writes() == [] and live(links) == [hand]
    assert hand in note and "give the link another name" in note.lower()
    links.links[0]["name"] = "paris-berlin-logs"
    assert links.play("trust").ok and links.all_work() and hand in live(links)


def test_an_unmarked_key_beside_a_link_that_works_is_a_warning(links):
    assert links.play("trust").ok
    hand = by_hand(links, held=False)
    run = links.play("trust")
    assert run.ok and run.changed == 0 and links.writes() == [], str(run)
    assert hand in run.stdout and "left alone" in run.stdout
    rotated = links.play("rotate")
    assert rotated.ok and hand in live(links) and len(live(links)) == 2, str(rotated)
    verify = links.play("verify")
    assert verify.ok and hand in verify.stdout, str(verify)
    assert links.play("untrust").ok
    assert live(links) == [hand]


def test_a_key_of_another_owner_stops_nothing(links):
    berlin = links.api("berlin")
    berlin.user("somebody", cluster=["manage_security"])
    theirs = berlin.as_user("somebody").key("paris-berlin", access=ACCESS)["id"]
    assert links.play("trust").ok and links.all_work()
    assert links.play("rotate").ok and links.all_work()
    assert links.play("untrust").ok
    assert live(links) == [theirs]


@pytest.mark.needs("realms")
@pytest.mark.parametrize("metadata", [{}, {"crosscluster_elasticsearch": {"client": "paris"}}], ids=["bare", "marked"])
def test_a_user_of_the_same_name_in_another_realm_is_another_owner(links, metadata):
    berlin = links.api("berlin")
    links.world.control("berlin", "add_user", username="automation", password="file-secret", roles=["superuser"])
    file_user = berlin.as_user("automation", "file-secret")
    theirs = file_user.key("paris-berlin", access=ACCESS, metadata=metadata)["id"]
    berlin.user("automation", cluster=["all"])
    login = {**links.clusters["berlin"], "username": "automation", "password": "secret-1"}
    given = {"elasticsearch_clusters": {**links.clusters, "berlin": login}}

    options = {**connection(login), "name": "paris-berlin", "state": "absent"}
    refused = run_module("cross_cluster_api_key", options)
    assert refused.failed and "one of the same name in another realm" in refused.msg
    for playbook in ("trust", "rotate", "untrust"):
        run = links.play(playbook, variables=given)
        assert run.ok and theirs in live(links), str(run)
    assert live(links) == [theirs]


def test_adopting_a_key_writes_nothing_and_the_next_rotation_replaces_it(links):
    hand = by_hand(links, "made-in-2024", metadata={"team": "search"})
    links.links[0].update(adopt=hand, expiration="90d", renew_before="14d")
    checked = links.play("trust", check=True)
    assert checked.ok and checked.changed == 0, str(checked)
    run = links.play("trust")
    assert run.ok and run.changed == 0 and links.writes() == [], str(run)
    assert report(run)["paris/berlin"]["api_key_id"] == hand
    assert links.play("verify").ok
    links.links[0]["access"] = {"search": [{"names": ["logs-*", "metrics-*"]}]}
    drifted = links.play("trust")
    assert drifted.ok and [method for _cluster, method, _path in links.writes()] == ["PUT"], str(drifted)
    key = links.api("berlin").read_key(hand)
    assert (key["name"], key["metadata"], "expiration" in key) == ("made-in-2024", {"team": "search"}, False)
    assert len(key["access"]["search"][0]["names"]) == 2

    with Searching(links, "paris", "berlin") as searching:
        rotated = links.play("rotate")
    assert rotated.ok and searching.made > 20 and searching.failed == [], str(rotated)
    new = report(rotated)["paris/berlin"]["api_key_id"]
    assert live(links) == [new] and links.live_keys("berlin")[0]["name"] == "paris-berlin"
    hinted = links.play("trust")
    assert hinted.ok and hinted.changed == 0 and links.writes() == [], str(hinted)
    assert "take adopt out of the link" in hinted.stdout


def test_an_adopted_key_goes_with_its_link(links):
    hand = by_hand(links, "made-in-2024")
    links.links[0]["adopt"] = hand
    run = links.play("untrust")
    assert run.ok and live(links) == [], str(run)
    assert links.api("paris").get("/_remote/info").json == {}


@pytest.mark.parametrize("what", ["unknown", "unheld", "revoked", "rest", "theirs", "another client's"])
def test_what_cannot_be_adopted_fails_before_any_write(links, what):
    berlin = links.api("berlin")
    assert links.play("trust").ok
    before = live(links)
    if what == "theirs":
        berlin.user("somebody", cluster=["manage_security"])
        key_id = berlin.as_user("somebody").key("paris-berlin", access=ACCESS)["id"]
    elif what == "another client's":
        # Its nodes were made from an image of others, and hold what those hold.
        mark = {"crosscluster_elasticsearch": {"client": "rome"}}
        made = berlin.key("rome-berlin", access=ACCESS, metadata=mark)
        key_id = made["id"]
        for node in links.clusters["paris"]["nodes"]:
            links.hold(node, "berlin", made["encoded"])
        links.reload("paris")
    elif what == "rest":
        key_id = berlin.rest_key("paris-berlin")["id"]
    else:
        key_id = "AAAAAAAAAAAAAAAAAAAA" if what == "unknown" else berlin.key("by-hand", access=ACCESS)["id"]
    if what == "revoked":
        assert berlin.delete("/_security/api_key", {"ids": [key_id]}).status == 200
    links.links[0]["adopt"] = key_id
    run = links.play("trust")
    assert links.writes() == [] and links.all_work(), str(run)
    assert f"adopt: {key_id}" in run.stdout
    assert run.rc == 2, str(run)
    assert set(before) <= set(live(links))


def test_the_owner_is_asked_for_where_the_login_does_not_tell(links):
    """Bearer tokens: the server says whose the keys are, and a second run is unchanged."""
    berlin = links.api("berlin")
    berlin.user("somebody", cluster=["manage_security"])
    theirs = berlin.as_user("somebody").key("paris-berlin", access=ACCESS)["id"]
    token = berlin.post(
        "/_security/oauth2/token",
        {"grant_type": "password", "username": "elastic", "password": links.clusters["berlin"]["password"]},
    ).json["access_token"]
    bearer = {name: value for name, value in links.clusters["berlin"].items() if name not in ("username", "password")}
    given = {"elasticsearch_clusters": {**links.clusters, "berlin": {**bearer, "bearer_token": token}}}
    run = links.play("trust", variables=given)
    assert run.ok and links.all_work(), str(run)
    again = links.play("trust", variables=given)
    assert again.ok and again.changed == 0 and links.writes() == [], str(again)
    assert links.play("rotate", variables=given).ok and links.all_work()
    assert links.play("untrust", variables=given).ok
    assert live(links) == [theirs], "another user's key of the same name was taken for ours"

    options = {**connection(links.clusters["berlin"]), "username": None, "password": None, "bearer_token": token}
    for wanted in (True, False):
        made = run_module("cross_cluster_api_key", {**options, "name": "another", "access": ACCESS})
        # Nobody is asked for a name under which there is no key yet: a creation stays at two requests.
        assert (made["changed"], made["api_key"]["username"]) == (wanted, None if wanted else "elastic")


@pytest.mark.needs("clusters")
def test_a_link_does_not_take_the_alias_of_another_one(make_world, links_of, tmp_path):
    """In AWX whoever may launch "trust one link" could read berlin's alias from a cluster of his own."""
    world = make_world({"paris": {"nodes": 2}, "berlin": {"nodes": 1}, "lab": {"nodes": 1}})
    links = links_of(world)
    assert links.play("trust").ok and links.all_work()
    before = held(links)
    wanted = [{"from": "paris", "to": "lab", "alias": "berlin", "access": ACCESS, "skip_unavailable": False}]
    run = links.play("trust", variables={"cross_cluster_links": wanted})
    note = report(run)["paris/berlin"]["note"]
    assert run.rc == 2 and links.writes() == [] and links.all_work(), str(run)
    assert "holds a key that lab does not know" in note and "the alias points to another place" in note
    assert held(links) == before
    allowed = links.play("trust", variables={"cross_cluster_links": [{**wanted[0], "replace": True}]})
    assert allowed.ok and held(links) != before, str(allowed)


def held(links):
    """What the nodes of paris hold for the alias berlin."""
    nodes = [
        {"executable": node["keystore"], "config_dir": node["config_dir"]} for node in links.clusters["paris"]["nodes"]
    ]
    return [run_module("keystore_info", node)["credentials"]["berlin"]["api_key_id"] for node in nodes]
