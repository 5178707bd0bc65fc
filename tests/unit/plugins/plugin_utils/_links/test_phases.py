# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is called for what in each phase, and what is made of the answers."""

from __future__ import annotations

import base64
import itertools
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.crosscluster.elasticsearch.plugins.modules.link_phase import PHASES
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import registered
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import examine
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import complete, normalise
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import (
    acting,
    gathered,
    outcome,
    phases,
    shapes,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phase import each, read
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import (
    Call,
    Run,
    RunOptions,
    speaker,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import MARKER

# What follows at the same clusters, and is done by the task of what comes before or after it.
ONLY_WITH_OTHERS = ("settings", "proof", "roles")
ROOT = Path(__file__).parents[5]
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
    return complete(normalise(clusters, [{"from": one, "to": other, "access": ACCESS} for one, other in links]))


def running(data, cluster):
    """What the cluster lists when all its nodes run under the names of the inventory."""
    return [
        {"id": "id-" + name, "name": name, "roles": ["remote_cluster_client"], "started": 1}
        for name in data["clusters"][cluster]["nodes"]
    ]


def found(data, **more):
    """What is told where nothing is there yet."""
    clusters: dict[t.Any, t.Any] = {}
    for name in data["clusters"]:
        clusters[name, "cross_cluster_api_key_info", ""] = {"api_keys": []}
        clusters[name, "remote_cluster_info", ""] = {"remotes": [], "nodes": running(data, name)}
    return {"keystores": {node: {"credentials": {}} for node in data["nodes"]}, "clusters": clusters, **more}


def encoded(key_id):
    return base64.b64encode(f"{key_id}:{'s' * 22}".encode()).decode()


def made(*names, **more):
    """The answer of a server that made these keys."""
    keys = [{"name": name, "changed": True, "api_key": {"id": name}, "encoded": encoded(name)} for name in names]
    return {"changed": True, "api_keys": keys, **more}


def run_of(data, told, only=None, **options):
    links = [link for link in data["links"] if only in (None, link["from"])]
    clients = [name for name in data["clients"] if only in (None, name)]
    return Run({**data, "links": links, "clients": clients}, RunOptions(**options), told, data["now"])


def calls(run, phase):
    return list(phase.calls(phases.so_far(run, phase.name)))


def test_the_module_names_the_tasks_that_there_are():
    assert set(PHASES) == {
        *phases.TASKS, examine.PORTS.name, "authorities", "input", "given", "plan", "outcome", "diagnosis"
    } - {*ONLY_WITH_OTHERS}  # fmt: skip
    for name in ONLY_WITH_OTHERS:
        assert {task for task, done in phases.TASKS.items() if phases.PHASES[name] in done} & {*PHASES}


def test_revocation_comes_last_and_the_proof_before_it():
    order = [phase.name for phase in phases.ORDER]
    assert order.index("credentials") < order.index("reload") < order.index("proof") < order.index("revoke")
    assert order.index("unset") < order.index("remove") < order.index("reload") and order[-1] == "revoke"


def chapter(name):
    """The tasks of a file of the role: phases, and files that do the work of other roles."""
    for task in yaml.safe_load((ROOT / "roles/cross_cluster_trust/tasks" / f"{name}.yml").read_text("utf-8")) or ():
        call = task.get("crosscluster.elasticsearch.link_phase")
        if call:
            assert task["register"] == f"__cross_cluster_trust_told_{call['phase']}"
            yield call["phase"]
        elif "ansible.builtin.import_tasks" in task:
            yield from chapter(task["ansible.builtin.import_tasks"].removesuffix(".yml"))
        else:
            yield name


CHAPTERS = ("remove", "versions", "authorities", "spread", "restart", "use", "look_again", "revoke")


def test_the_tasks_of_the_role_are_in_the_order_of_the_phases():
    done = []
    for name in ("look", *CHAPTERS):
        for task in [name] if name == "authorities" else chapter(name):
            done += [phase.name for phase in phases.TASKS[task]] if task in phases.TASKS else [task]
    assert list(dict.fromkeys(done)) == [phase.name for phase in phases.ORDER]


def test_a_usual_rotation_is_that_of_its_chapters():
    for chapters, name in phases.TOGETHER.items():
        assert [*chapter(name)] == [task for one in chapters for task in chapter(one)]
    assert [*chapter("spread")] == ["keys", "secrets", "credentials"] and [*chapter("make")] == ["keys", "credentials"]


@pytest.mark.parametrize("size, nodes", [(3, 2), (5, 3)])
def test_nothing_is_paid_for_each_link(size, nodes):
    """A call for each node, and one for each cluster, however many links there are."""
    names = "abcde"[:size]
    data = asked(["".join(pair) for pair in itertools.permutations(names, 2)], nodes)
    told = found(data)
    told["keys"] = {
        (name, "cross_cluster_api_keys", ""): made(*(f"{other}-{name}" for other in names if other != name))
        for name in names
    }
    told["credentials"] = {
        node: {"settings": [{"name": f"cluster.remote.{name}.credentials", "changed": True} for name in names]}
        for node in data["nodes"]
    }
    counted = {phase.name: len(calls(run_of(data, told), phase)) for phase in phases.ORDER}
    assert counted == {
        **dict.fromkeys((phase.name for phase in phases.ORDER), 0),
        "keystores": size * nodes, "credentials": size * nodes, "clusters": 2 * size, "versions": size,
        "keys": size, "reload": size, "settings": size, "proof": size,
    }  # fmt: skip


def test_what_a_server_told_of_all_its_clients_is_read_for_one_of_them():
    data = asked(["ab", "cb"])
    whole = made("a-b", "c-b")
    told = found(data, keys={("b", "cross_cluster_api_keys", ""): whole})
    for client in ("a", "c"):
        (one, other) = calls(run_of(data, told, client), phases.CREDENTIALS)
        assert [one.place, other.place] == [f"{client}-1", f"{client}-2"]
        assert one.arguments == {"settings": {"cluster.remote.b.credentials": encoded(f"{client}-b")}}
    # One of them failed.
    whole["api_keys"][1] = {"name": "c-b", "failed": True, "msg": "no room\nsecond line"}
    assert len(calls(run_of(data, told, "a"), phases.CREDENTIALS)) == 2
    run = phases.so_far(run_of(data, told, "c"))
    assert calls(run, phases.CREDENTIALS) == [] and run.progress["c/b"].failed == {"create": "b: no room"}


@pytest.mark.parametrize(
    "told, why",
    [
        (None, "the host was not part of this run"),
        ({"failed": True, "msg": "x"}, "x"),
        ({"unreachable": True}, "could not be reached"),
        ({"skipped": True}, "left out of this run"),
        ({"api_keys": []}, "not whole"),
        (made("other"), "not whole"),
        ({"api_keys": [{"name": "a-b", "changed": True, "api_key": {"id": "k"}}]}, "did not tell its secret"),
    ],
)
def test_no_credential_is_delivered_that_was_not_made(told, why):
    data = asked(["ab"])
    place = {("b", "cross_cluster_api_keys", ""): told} if told is not None else {}
    run = phases.so_far(run_of(data, found(data, keys=place)))
    assert why in run.progress["a/b"].failed["create"]
    for phase in (phases.CREDENTIALS, phases.RELOAD, phases.SETTINGS, phases.PROOF, phases.REVOKE):
        assert list(phase.calls(run)) == []


def test_the_host_that_calls_a_cluster_fails_for_it():
    data = asked(["ab"])
    caller = registered.by_call([{"item": "localhost", "unreachable": True, "msg": "no route"}], data, "keys")
    run = phases.so_far(run_of(data, found(data, keys=caller)))
    assert run.progress["a/b"].failed == {"create": "b: no route"}
    told = found(data, clusters=caller)
    assert "no route" in (run_of(data, told).planned["a/b"].plan.blocked or "")


def delivering(*outcomes, **options):
    """The run of one link after its credential was delivered to both nodes, with these outcomes."""
    data = asked(["ab"])
    name = "cluster.remote.b.credentials"
    told = found(data, keys={("b", "cross_cluster_api_keys", ""): made("a-b")})
    told["credentials"] = {
        node: {"settings": [{"name": name, "changed": not bad, "failed": bool(bad), "msg": bad}]}
        for node, bad in zip(("a-1", "a-2"), outcomes)
    }
    return run_of(data, told, **options)


def test_an_alias_is_not_pointed_at_a_cluster_when_no_node_got_the_credential():
    run = delivering("disk full", "disk full")
    for phase in (phases.RELOAD, phases.SETTINGS, phases.PROOF):
        assert calls(run, phase) == []
    (row,) = outcome.rows(phases.so_far(delivering("disk full", "disk full")), 0)
    assert row["state"] == "failed" and "the settings of alias b were left as they are" in row["note"]
    for phase in (phases.RELOAD, phases.SETTINGS, phases.PROOF):
        assert len(calls(delivering("disk full", None), phase)) == 1, "one node works, and that is to be seen"


def test_only_nodes_that_did_not_start_since_they_were_written_to_wait_for_a_restart():
    data = asked(["ab"])
    members = gathered.members_of(data, "a", {"nodes": running(data, "a")}, {})
    keystores = {"a-1": {"credentials": {}, "modified": 0}, "a-2": {"credentials": {}, "modified": 1}}
    assert gathered.not_restarted(members, ["a-1", "a-2"], keystores) == ["a-2"]
    assert gathered.not_restarted(members, ["a-1"], {"a-1": {"credentials": {}, "modified": None}}) == ["a-1"]
    assert gathered.not_restarted(members, ["a-1"], {"a-1": {"unreachable": True}}) == ["a-1"]

    def after_reload(required, troubles=(), **options):
        run = delivering(None, None, **options)
        reload = {("a", "reload_secure_settings", ""): {"changed": True, "restart_required": required}}
        run.told = {**run.told, "reload": reload, "restart": dict(troubles)}
        return phases.so_far(run)

    run = after_reload(False)
    assert run.waiting(run.planned["a/b"]) == [] and "restart" not in run.progress["a/b"].failed
    run = after_reload(True)
    assert run.waiting(run.planned["a/b"]) == ["a-1", "a-2"]
    failed = run.progress["a/b"].failed["restart"]
    assert "restart a-1 and a-2, one at a time" in failed and "of a-1 and a-2 it cannot be seen" in failed
    assert "restart" in after_reload(True, check=True).progress["a/b"].failed, "as the real run will say"
    done = {"a-1": "", "a-2": ""}
    assert "restart" not in after_reload(True, done, restart=True).progress["a/b"].failed
    assert "restart" not in after_reload(True, check=True, restart=True).progress["a/b"].failed
    # That nothing is told of a restart is no restart.
    run = after_reload(True, {"a-1": ""}, restart=True)
    assert run.progress["a/b"].failed["restart"] == "a-2 was not restarted" and calls(run, phases.REVOKE) == []
    run = after_reload(True, {"a-1": "", "a-2": "it did not come back"}, restart=True)
    assert run.progress["a/b"].failed["restart"] == "it did not come back"


def test_a_credential_that_did_not_arrive_is_not_expected_of_a_reload():
    """The other links of the client would fail for it."""
    data = asked(["ab", "ac"])
    told = found(
        data, keys={(name, "cross_cluster_api_keys", ""): made(f"a-{name}") for name in "bc"},
        credentials={
            node: {
                "settings": [
                    {"name": "cluster.remote.b.credentials", "failed": node == "a-2", "msg": "disk full"},
                    {"name": "cluster.remote.c.credentials", "changed": True},
                ]
            }
            for node in ("a-1", "a-2")
        },
    )  # fmt: skip
    (call,) = calls(run_of(data, told), phases.RELOAD)
    assert call.arguments["expect_settings"] == ["cluster.remote.c.credentials"]


def test_a_host_speaks_for_no_cluster_that_is_called_from_elsewhere():
    data = asked(["ab", "cb"])
    data["clusters"]["c"]["api_from"] = "c-1"
    proof = {"cluster": "a", "module": "remote_cluster_info", "label": "", "remotes": [], "phase": "proof"}
    told = registered.by_call(
        [
            {"item": "localhost", "run": data["now"], "results": [{**proof, "failed": True, "msg": "it fails"}]},
            {
                "item": "c-1",
                "run": data["now"],
                "results": [proof, {**proof, "cluster": "c"}, {"module": "x"}, "odd", {**proof, "cluster": []}],
            },
            "odd",
        ],
        data,
        "proof",
    )
    assert set(told) == {("a", "remote_cluster_info", ""), ("c", "remote_cluster_info", "")}
    assert told["a", "remote_cluster_info", ""]["msg"] == "it fails"


def registered_by(data, **hosts):
    """What a run reads that was registered: of nodes, by phase."""
    prefix = registered.PREFIX
    names = {node: {prefix + phase: told for phase, told in hosts.get(node.replace("-", "_"), {}).items()}
             for node in data["nodes"]}  # fmt: skip

    def told(left):
        where = registered.Hosts(list(data["nodes"]), left, names.__getitem__)
        return registered.told({**phases.TASKS, "restart": (phases.RESTART,)}, data, {}, where)

    return told


def test_results_of_another_run_are_none():
    data = asked(["ab"])
    right = {"credentials": {}, "run": data["now"]}
    told = registered_by(
        data, a_1={"keystores": right, "restart": ""}, a_2={"keystores": {**right, "run": 1}, "restart": ""}
    )
    assert set(told(["a-1", "a-2"])["keystores"]) == {"a-1"}


def test_a_host_that_was_lost_in_the_middle_is_told_with_what_it_had_told():
    data = asked(["ab"])
    right = {"credentials": {}, "run": data["now"]}
    told = registered_by(data, a_1={"keystores": right, "restart": ""}, a_2={"keystores": right, "restart": ""})
    assert set(told(["a-1"])["keystores"]) == {"a-1", "a-2"}
    assert told(["a-1"])["restart"] == {"a-1": "", "a-2": "the host was lost in this run"}
    assert told(["a-1", "a-2"])["restart"] == {"a-1": "", "a-2": ""}


NODE = {"id": "x", "name": "a-1", "roles": [], "started": 1}
KEY = {"id": "k", "name": "a-b", "creation": 1}


@pytest.mark.parametrize(
    "module, odd",
    [
        ("keystore_info", {"credentials": {"b": {"api_key_id": ["x"]}}}),
        ("keystore_info", {"credentials": {"b": "x"}}),
        ("keystore_info", {"credentials": ["x"]}),
        ("keystore_info", {"credentials": {}, "node_name": ["x"]}),
        ("keystore_info", {"credentials": {}, "modified": "x"}),
        ("keystore_info", {}),
        ("keystore", {"settings": ["x"]}),
        ("remote_cluster_info", {"remotes": [], "nodes": [{**NODE, "started": "x"}]}),
        ("remote_cluster_info", {"remotes": [], "nodes": [{**NODE, "name": None}]}),
        ("remote_cluster_info", {"remotes": [{"alias": "b", "probe": "fine"}]}),
        ("remote_cluster_info", {"remotes": [None]}),
        ("cross_cluster_api_key_info", {"api_keys": [{**KEY, "creation": "x"}]}),
        ("cross_cluster_api_key_info", {"api_keys": [{**KEY, "metadata": []}]}),
        ("cross_cluster_api_key_info", {"api_keys": None}),
        ("remote_port_info", {"ports": [{}]}),
    ],
)
def test_a_result_of_another_form_is_one_that_failed(module, odd):
    told = shapes.checked(module, odd)
    assert told == {"failed": True, "msg": f"what it told does not have the form of a result of {module}"}
    assert shapes.checked(module, {"failed": True, "msg": 5}) == {"failed": True, "msg": 5}


@pytest.mark.parametrize("access", [{"search": [{"names": ["logs-*", {}]}]}, {"search": [{"names": 5}]}, {"search": 5}])
def test_a_key_that_cannot_be_understood_holds_up_its_link_alone(access):
    data = asked(["ab", "ac"])
    told = found(data)
    odd = {**KEY, "access": access, "metadata": {MARKER: {"client": "a", "alias": "b"}}}
    told["clusters"]["b", "cross_cluster_api_key_info", ""]["api_keys"] = [odd]
    for node in ("a-1", "a-2"):
        told["keystores"][node] = {"credentials": {"b": {"api_key_id": "k"}}}
    planned = run_of(data, told).planned
    assert planned["a/c"].plan.actions()[0] == "create"
    assert planned["a/b"].plan.blocked is None or "cannot be understood" in planned["a/b"].plan.blocked


def test_an_answer_that_cannot_be_understood_fails_its_links_alone():
    data = asked(["ab", "ac"])
    keys = {(name, "cross_cluster_api_keys", ""): made(f"a-{name}") for name in "bc"}
    keys["b", "cross_cluster_api_keys", ""]["api_keys"] = [{"name": "a-b", "api_key": "odd", "encoded": encoded("k")}]
    run = phases.so_far(run_of(data, found(data, keys=keys)), "secrets")
    assert run.progress["a/b"].failed == {"odd": "b: AttributeError"} and not run.progress["a/c"].failed
    assert {link for call in phases.CREDENTIALS.calls(run) for links in call.links for link in links} == {"a/c"}


def test_a_first_list_of_authorities_is_for_all_remote_clusters_of_the_node():
    data = asked(["ab", "ac", "ad", "ba"])
    for server in "bc":
        data["clusters"][server]["remote_ca_cert"] = server + ".pem"
    remotes: list[t.Any] = [
        {
            "alias": "b",
            "security_model": "certificate",  # what its link is about to end
            "settings": {"mode": "proxy", "proxy_address": "b:9443"},
        },
        {"alias": "by-hand", "security_model": "api_key"},
        {"alias": "old", "security_model": "certificate"},  # trusted by other settings
    ]
    told = found(data)
    told["clusters"]["a", "remote_cluster_info", ""]["remotes"] = remotes

    def wanted(**more):
        run = run_of(data, {**told, **more}, "a", authorities=True)
        for link in ("a/c", "a/d"):  # these are right
            planned = run.planned[link]
            run.planned[link] = gathered.replace(planned, plan=gathered.replace(planned.plan, steps=()))
        return run, acting.authorities(run, "a")

    run, needed = wanted()
    assert (needed.files, needed.besides, needed.unknown) == (["b.pem"], ["c.pem"], ["by-hand", "d"])
    assert (needed.links, needed.restart_now) == (["a/b"], False)
    read(wanted(authorities={"a-1": "", "a-2": "disk full"})[0], phases.AUTHORITIES)
    run, _needed = wanted(authorities={"a-1": "", "a-2": "disk full"})
    read(run, phases.AUTHORITIES)
    assert run.progress["a/b"].failed == {"authorities": "a-2: disk full"} and not run.progress["a/c"].failed
    assert calls(run, phases.KEYS) == []


def test_keys_of_one_name_are_told_apart_by_their_ids():
    """Two links may have adopted keys that somebody gave the same name."""
    data = asked(["ab", "cb"])
    thing = [{"name": "ccs", "ids": ["one"]}, {"name": "ccs", "ids": ["two"]}]
    call = Call("b", "cross_cluster_api_keys", {"keys": thing}, [["a/b"], ["c/b"]])
    good = {"name": "ccs", "changed": True, "api_key": {"id": "two"}}
    bad = {"name": "ccs", "failed": True, "msg": "no"}
    told = list(each(call, {"api_keys": [bad, good]}, "api_keys"))
    assert told == [("a/b", bad, "no"), ("c/b", good, None)]
    assert data["links"]


def test_a_secret_that_is_not_the_one_that_was_told_of_goes_to_nobody():
    data = asked(["ab"])
    key = {
        "id": "live", "name": "a-b", "creation": 1, "expiration": None, "metadata": data["links"][0]["metadata"],
        "access": ACCESS,
    }  # fmt: skip
    told = found(data)
    told["clusters"]["b", "cross_cluster_api_key_info", ""] = {"api_keys": [key]}
    told["keystores"]["a-1"] = {"credentials": {"b": {"api_key_id": "live"}}}
    (call,) = calls(run_of(data, told), phases.SECRETS)
    assert (call.place, call.arguments) == ("a-1", {"aliases": ["b"], "reveal": True})
    for key_id, delivered in (("live", 1), ("other", 0)):
        told["secrets"] = {"a-1": {"credentials": {"b": {"encoded": encoded(key_id)}}}}
        run = run_of(data, told)
        assert len(calls(run, phases.CREDENTIALS)) == delivered
        assert ("another credential" in run.progress["a/b"].failed.get("spread", "")) is (not delivered)


def test_one_host_speaks_for_a_cluster():
    data = asked(["ab", "ba", "cb"])
    hosts = ["a-1", "a-2", "b-1"]
    assert speaker(data, "a", hosts) == "a-1"
    assert speaker(data, "a", hosts, {"a-1"}) == "a-2", "one that could be reached"
    assert speaker(data, "a", hosts, {"a-1", "a-2"}) == "a-1"
    assert speaker(data, "c", hosts) == "a-1", "a client without a node in the play"
    assert speaker(data, "c", []) is None
