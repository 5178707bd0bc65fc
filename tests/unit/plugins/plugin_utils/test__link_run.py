# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host does what, and how much of the state it carries."""

from __future__ import annotations

import itertools
import json

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.filter import links as filters
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_run as lr

ACCESS = {"search": [{"names": ["logs-*"]}]}


def asked(links, nodes=2):
    """The completed input of links between clusters named by one letter, with nodes a-1, a-2, ..."""
    names = sorted({name for link in links for name in link})
    clusters = {
        name: {
            "urls": ["https://%s:9200" % name], "username": "linker", "password": "x",
            "remote_cluster_server": "%s:9443" % name,
            "nodes": ["%s-%d" % (name, number) for number in range(1, nodes + 1)],
        }
        for name in names
    }  # fmt: skip
    data = filters.link_input(clusters, [{"from": one, "to": other, "access": ACCESS} for one, other in links])
    assert data["errors"] == []
    return data


def hosts(*clusters, nodes=2):
    return ["%s-%d" % (name, number) for name in clusters for number in range(1, nodes + 1)]


def test_a_client_is_led_by_one_of_its_own_nodes():
    data = asked(["ab", "ba", "cb"])
    assert lr.leaders(data, hosts("a", "b", "c")) == {"a": "a-1", "b": "b-1", "c": "c-1"}
    assert lr.leaders(data, ["a-2", "b-1", "b-2", "c-2"]) == {"a": "a-2", "b": "b-1", "c": "c-2"}


def test_a_node_that_cannot_be_reached_leads_only_where_there_is_no_other():
    data, everybody = asked(["ab", "ba"]), hosts("a", "b")
    found = {name: {"credentials": {}} for name in everybody}
    assert lr.leaders(data, everybody, {**found, "a-1": {"unreachable": True}}) == {"a": "a-2", "b": "b-1"}
    nobody = dict.fromkeys(("a-1", "a-2"), {"failed": True, "msg": "no"})
    assert lr.leaders(data, everybody, {**found, **nobody}) == {"a": "a-1", "b": "b-1"}


def test_another_leader_steps_in_for_a_client_without_a_node_in_the_play():
    data = asked(["ab", "ca", "da"])
    found = lr.leaders(data, ["a-1", "a-2"])
    assert found == {"a": "a-1", "c": "a-1", "d": "a-1"}, "a host takes its work from one place, so a-2 must not lead"
    assert lr.leaders(data, ["other"]) == {"a": "other", "c": "other", "d": "other"}
    assert lr.leaders(data, []) == {}


def test_servers_are_read_by_hosts_that_have_little_to_do():
    data = asked(["ab", "ac", "ad"], nodes=3)
    found = lr.assign(data, hosts("a", nodes=3))
    assert found["a"] == "a-1"
    assert sorted(found[name] for name in "bcd") == ["a-1", "a-2", "a-3"]
    assert lr.assign(data, hosts("a", "b", nodes=3))["b"] == "b-1"


def running(data, cluster):
    """What the cluster lists when all its nodes run under the names of the inventory."""
    return [
        {"id": "id-" + name, "name": name, "roles": ["remote_cluster_client"], "started": 1}
        for name in data["clusters"][cluster]["nodes"]
    ]


def planned(data, everybody, host):
    reads = filters.link_reads(data, everybody, {name: {} for name in everybody})
    nothing = {"credentials": {}}
    hostvars = {
        name: {
            "__cross_cluster_trust_keystore": nothing,
            "__cross_cluster_trust_keys": {
                "results": [{"item": item, "api_keys": []} for item in reads["to"].get(name, [])]
            },
            "__cross_cluster_trust_remotes": {
                "results": [
                    {"item": item, "remotes": [], "nodes": running(data, item["cluster"])}
                    for item in reads["from"].get(name, [])
                ]
            },
        }
        for name in everybody
    }
    return filters.link_plans(data, everybody, host, reads, hostvars)


def test_a_leader_has_the_links_of_its_client_and_the_work_of_its_nodes():
    data, everybody = asked(["ab", "ba", "ac"]), hosts("a", "b", "c")
    run = planned(data, everybody, "a-1")
    assert [plan["link"] for plan in run["plans"]] == ["a/b", "a/c"]
    assert run["hosts"] == ["a-1", "a-2"] and sorted(run["work"]) == ["a-1", "a-2"]
    assert sorted(run["work"]["a-1"]) == ["deliver", "make", "prove", "reload", "settings", "versions"]
    assert [item["cluster"] for item in run["work"]["a-1"]["versions"]] == ["a", "b", "c"]
    assert sorted(run["work"]["a-2"]) == ["deliver"]
    assert {item["maker"] for item in run["work"]["a-2"]["deliver"]} == {"a-1"}
    assert run["todo"] == ["create", "deliver", "prove", "reload", "settings"]


@pytest.mark.parametrize("size", [4, 8])
def test_every_link_is_planned_by_one_leader_and_what_it_carries_grows_with_the_clusters(size):
    names = "abcdefgh"[:size]
    data, everybody = asked(["".join(pair) for pair in itertools.permutations(names, 2)]), hosts(*names)
    runs = [planned(data, everybody, leader) for leader in lr.leaders(data, everybody).values()]
    links = [plan["link"] for run in runs for plan in run["plans"]]
    assert sorted(links) == sorted(link["id"] for link in data["links"])
    assert max(len(json.dumps(run)) for run in runs) < 2500 * (size - 1)


def test_a_first_list_of_authorities_is_for_all_remote_clusters_of_the_node():
    data = asked(["ab", "ac", "ad", "ba"])
    for server in "bc":
        data["clusters"][server]["remote_ca_cert"] = server + ".pem"
    plans = planned(data, hosts("a", "b", "c", "d"), "a-1")["plans"]
    for plan in plans:
        plan["steps"] = plan["steps"] if plan["to"] == "b" else []  # the other links are right
    remotes = [
        {"alias": "b", "security_model": "certificate"},  # what its link is about to end
        {"alias": "by-hand", "security_model": "api_key"},
        {"alias": "old", "security_model": "certificate"},  # trusted by other settings
    ]
    results = {"results": [{"item": {"cluster": "a"}, "remotes": remotes}]}
    found = filters.link_authorities(plans, data, "a-1", results)
    assert (found["files"], found["besides"], found["unknown"]) == (["b.pem"], ["c.pem"], ["by-hand", "d"])
    unread = {"results": [{"item": {"cluster": "a"}, "failed": True, "msg": "no"}]}
    assert filters.link_authorities(plans, data, "a-1", unread)["unknown"] == ["d"]


# -- what comes after a stage ------------------------------------------------------------------------------------------


def told(plan, node, alias="b", **more):
    return {"item": {"link": plan["link"], "cluster": "a", "node": node, "alias": alias}, **more}


def delivering(*outcomes):
    """The run of one link after its credential was delivered to both nodes, with these outcomes."""
    data, everybody = asked(["ab"]), hosts("a", "b")
    run = planned(data, everybody, "a-1")
    plan = run["plans"][0]
    made = {"a-1": {"results": [told(plan, None, changed=True, api_key={"id": "new"})]}}
    status = lr.fold({}, run["plans"], data, run["hosts"], "a-1", made, "make")
    results = {
        node: {"results": [told(plan, node, changed=not bad, failed=bool(bad), msg=bad)]}
        for node, bad in zip(("a-1", "a-2"), outcomes)
    }
    return run["plans"], data, lr.fold(status, run["plans"], data, run["hosts"], "a-1", results, "deliver")


def test_an_alias_is_not_pointed_at_a_cluster_when_no_node_got_the_credential():
    plans, data, status = delivering("disk full", "disk full")
    work = lr.work(plans, status, data, ["a-1", "a-2"], "a-1")
    assert not {"reload", "settings", "prove"} & set(work.get("a-1", {}))
    (row,) = lr.report(plans, status, {}, {}, "trust", False, 0)
    assert row["state"] == "failed" and "the settings of alias b were left as they are" in row["note"]
    plans, data, status = delivering("disk full", None)
    work = lr.work(plans, status, data, ["a-1", "a-2"], "a-1")
    assert {"reload", "settings", "prove"} <= set(work["a-1"]), "one node works, and that is to be seen"


def test_only_nodes_that_did_not_start_since_they_were_written_to_wait_for_a_restart():
    data = asked(["ab"])
    members = lr.members_of(data, "a", {"nodes": running(data, "a")}, {})
    keystores = {"a-1": {"credentials": {}, "modified": 0}, "a-2": {"credentials": {}, "modified": 1}}
    assert lr.not_restarted(members, ["a-1", "a-2"], keystores) == ["a-2"]
    assert lr.not_restarted(members, ["a-1"], {"a-1": {"credentials": {}, "modified": None}}) == ["a-1"]
    assert lr.not_restarted(members, ["a-1"], {"a-1": {"unreachable": True}}) == ["a-1"]

    plans, data, status = delivering(None, None)
    plans = [{**plan, "unrestarted": []} for plan in plans]
    assert lr.restarts(plans, status, data) == [], "from 8.13 on nobody waits"
    waiting = {link: {**entry, "restart_required": True} for link, entry in status.items()}
    assert lr.restarts(plans, waiting, data) == ["a-1", "a-2"], "they were written to in this run"
    before = {link: {"restart_required": True} for link in status}
    assert lr.restarts(plans, before, data) == []
    assert lr.restarts([{**plans[0], "unrestarted": ["a-2"]}], before, data) == ["a-2"]
    failed = lr.without_restart(waiting, plans, data, False, {})["a/b"]["failed"]
    assert "restart a-1 and a-2, one at a time" in failed["restart"]
    assert lr.without_restart(before, plans, data, False, {})["a/b"].get("failed") is None
    allowed = lr.without_restart(waiting, plans, data, True, {"a-1": "", "a-2": "it did not come back"})
    assert allowed["a/b"]["failed"]["restart"] == "it did not come back"
    assert lr.without_restart(waiting, plans, data, True, {})["a/b"].get("failed") is None
