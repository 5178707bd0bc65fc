# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many keys in one run: few requests, each key for itself, and no secret lost or shown."""

from __future__ import annotations

import collections
import json
import typing as t

import pytest

from support.keys import LOGS, Keys
from support.modules import check_real_again, run_module
from support.playbook import run_playbook
from support.secrets import Sweep
from support.worlds import Api, connection

MODULE = "cross_cluster_api_keys"
QUERY, CREATE = "/_security/_query/api_key", "/_security/cross_cluster/api_key"


@pytest.fixture
def berlin(world: t.Any) -> dict[str, t.Any]:
    return {**connection(world.cluster("berlin")), "timeout": 10}


def live(world: t.Any, names: t.Collection[str]) -> dict[str, list[str]]:
    body = {"size": 1000, "query": {"bool": {"filter": [{"term": {"invalidated": False}}]}}}
    found = collections.defaultdict(list)
    for key in Api(world.cluster("berlin")).post(QUERY, body).json["api_keys"]:
        found[key["name"]].append(key["id"])
    return {name: sorted(found[name]) for name in names}


def outcome(result: t.Mapping[str, t.Any]) -> list[t.Any]:
    return [one.get("operation") for one in result["api_keys"]]


def test_many_keys_in_few_requests(world: t.Any, berlin: t.Any) -> None:
    for name in ("old", "gone"):
        Keys(world, name).run(access=LOGS)
    wanted = [{"name": f"new-{number}", "access": LOGS} for number in range(6)]
    wanted += [
        {"name": "old", "access": {"search": [{"names": ["metrics-*"]}]}},
        {"name": "gone", "state": "absent"},
        {"name": "never", "state": "absent"},
    ]
    result = check_real_again(MODULE, {**berlin, "keys": wanted}, world, "berlin")
    # again: one request for all nine
    assert [entry["path"] for entry in world.log("berlin")] == [QUERY]
    assert outcome(result) == ["create"] * 6 + ["update", "revoke", "none"] and result["keys"] == result["api_keys"]
    for one, key in zip(result["api_keys"], wanted):
        assert one["name"] == key["name"] and bool(one.get("encoded")) is (one["operation"] == "create")
    assert all(one.get("encoded") is None for one in result["check"]["api_keys"])
    assert [len(ids) for ids in live(world, [key["name"] for key in wanted]).values()] == [1] * 7 + [0, 0]
    text = str(result["diff"])
    assert "metrics-*" in text and not any(one["encoded"] in text for one in result["api_keys"] if one.get("encoded"))
    world.clear_log()
    run_module(MODULE, {**berlin, "keys": [{**key, "rotate": True} for key in wanted[:6]]})
    assert collections.Counter(entry["path"] for entry in world.log("berlin")) == {QUERY: 1, CREATE: 6}


def test_one_that_fails_stops_no_other(world: t.Any, berlin: t.Any) -> None:
    wanted = [
        {"name": "a", "access": LOGS},
        {"name": "_b", "access": LOGS},
        {"name": "c", "access": {"search": [{"names": ["x"], "query": "{"}]}},
        {"name": "a", "access": LOGS},
        {"name": "d"},
        {"access": LOGS},
        {"name": "e", "access": LOGS, "colour": "red"},
        {"name": "f", "access": LOGS},
    ]
    told = ["begins with an underscore", "JSON", "'a' is given twice", "access is needed", "[keys[5]]", "colour"]
    for check, operation in ((True, "create"), (False, "create"), (False, "none")):
        result = run_module(MODULE, {**berlin, "keys": wanted}, check=check)
        assert result.failed and "6 of 8 keys are not as asked for" in result.msg, result
        assert [word for word in told if word not in result.msg] == []
        assert outcome(result) == [operation, *[None] * 6, operation]
        assert result.changed is (operation == "create")
    assert [len(ids) for ids in live(world, "acdf").values()] == [1, 0, 0, 1]


@pytest.mark.needs("faults")
@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_before"},
        {"kind": "reset_after"},
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 502, "html": True},
        {"kind": "status", "status": 503, "act": True},
    ],
    ids=["reset before", "reset after", "429", "502", "503 after acting"],
)
def test_a_lost_answer_is_that_of_one_key(
    world: t.Any, berlin: t.Any, fault: t.Any, rotate: bool, retries: int
) -> None:
    """Nobody else's creation is repeated for what got lost, and none is taken for sent that was not."""
    names = [f"key-{number}" for number in range(8)]
    wanted = [{"name": name, "access": LOGS} for name in names]
    args = {**berlin, "retries": retries, "timeout": 5}
    held = collections.defaultdict(set)

    def hold(result: t.Any) -> None:
        for one in result["api_keys"]:
            if one.get("encoded"):
                held[one["name"]].add(one["api_key"]["id"])

    if rotate:
        hold(run_module(MODULE, {**args, "keys": wanted}))
        wanted = [{**key, "rotate": True} for key in wanted]
    world.fault("berlin", method="POST", path=CREATE, **fault)
    first = run_module(MODULE, {**args, "keys": wanted})
    hold(first)
    failed = [one["name"] for one in first["api_keys"] if one.get("failed")]
    assert len(failed) <= (0 if retries else 1), first.msg
    for name, ids in live(world, names).items():
        assert set(ids) <= held[name], f"{name} has a key that nobody has the secret of"
        assert len(ids) == (2 if rotate else 1) - (name in failed)
    again = run_module(MODULE, {**args, "keys": [{"name": name, "access": LOGS} for name in names]})
    assert not again.failed and [one["name"] for one in again["api_keys"] if one["changed"]] == (
        [] if rotate else failed
    )


@pytest.mark.needs("faults")
def test_what_ends_before_the_first_key(world: t.Any, berlin: t.Any) -> None:
    result = run_module(MODULE, {**berlin, "password": "wrong", "keys": [{"name": "a", "access": LOGS}]})
    assert result.failed and "look for the API keys named 'a'" in result.msg and "api_keys" not in result
    empty = run_module(MODULE, {**berlin, "keys": []})
    assert not empty.failed and not empty.changed and empty["api_keys"] == []


# --- as a task ---


def play(berlin: t.Any, keys: list[t.Any], *more: t.Any, **options: t.Any) -> list[dict[str, t.Any]]:
    task = {"name": "Keys", f"crosscluster.elasticsearch.{MODULE}": {**berlin, "keys": keys}, "register": "made"}
    return [{"hosts": "all", "gather_facts": False, "tasks": [{**task, **options}, *more]}]


KEEP = {"name": "Keep", "copy": {"content": "{{ made }}", "dest": "{{ kept }}", "mode": "0600"}, "no_log": True}


def test_the_store(world: t.Any, berlin: t.Any, tmp_path: t.Any) -> None:
    store, kept = tmp_path / "store", tmp_path / "kept.json"
    Keys(world, "gone").run(access=LOGS)
    keys = [{"name": name, "access": LOGS, "credential_store": str(store)} for name in ("one", "two")]
    keys += [{"name": "plain", "access": LOGS}, {"name": "gone", "state": "absent", "credential_store": str(store)}]

    def run(keys: t.Any = keys, **options: t.Any) -> t.Any:
        return run_playbook(
            play(berlin, keys, KEEP), directory=tmp_path / "run", extra_vars={"kept": str(kept)}, verbosity=3, **options
        )

    checked = run(check=True)
    assert checked.ok and not store.exists(), checked
    assert sum(map(len, live(world, ("one", "two", "plain")).values())) == 0
    done = run()
    assert done.ok, done
    made = json.loads(kept.read_text())["api_keys"]
    secrets = {one["name"]: one["encoded"] for one in made if one.get("encoded")}
    assert sorted(secrets) == ["one", "plain", "two"]
    for name in ("one", "two"):
        document = json.loads((store / f"{name}.json").read_text())
        assert document["encoded"] == secrets[name] and [document["id"]] == live(world, [name])[name]
    assert sorted(path.name for path in store.iterdir()) == [".one.lock", ".two.lock", "one.json", "two.json"]
    swept = Sweep(list(secrets.values()))
    swept.run(done)
    assert swept.clean, swept
    again = run()
    assert again.ok and again.result("Keys")["changed"] is False, again
    gone = run([{"name": name, "state": "absent", "credential_store": str(store)} for name in ("one", "two")])
    assert gone.ok and not list(store.glob("*.json")) and live(world, ["one", "two"]) == {"one": [], "two": []}


def test_a_store_that_cannot_be_written_stops_its_own_key_only(world: t.Any, berlin: t.Any, tmp_path: t.Any) -> None:
    (tmp_path / "file").write_text("")
    keys = [
        {"name": "broken", "access": LOGS, "credential_store": str(tmp_path / "file")},
        {"name": "fine", "access": LOGS, "credential_store": str(tmp_path / "store")},
    ]
    for check in (True, False):
        done = run_playbook(play(berlin, keys), directory=tmp_path / "run", check=check)
        assert not done.ok and "1 of 2 keys" in str(done.messages) + done.stdout + done.stderr, done
        assert live(world, ["broken"]) == {"broken": []}
    assert len(live(world, ["fine"])["fine"]) == 1 and (tmp_path / "store" / "fine.json").exists()


def test_what_was_made_is_not_lost_when_another_key_fails(world: t.Any, berlin: t.Any, tmp_path: t.Any) -> None:
    kept = tmp_path / "kept.json"
    keys = [{"name": "fine", "access": LOGS}, {"name": "wrong"}]
    done = run_playbook(
        play(berlin, keys, KEEP, ignore_errors=True),
        directory=tmp_path / "run",
        extra_vars={"kept": str(kept)},
        verbosity=3,
    )
    made = json.loads(kept.read_text())
    assert made["failed"] and [made["api_keys"][0]["api_key"]["id"]] == live(world, ["fine"])["fine"]
    assert "access is needed" in made["msg"] and made["api_keys"][1]["failed"]
    assert "1 of 2 keys are not as asked for. [wrong]" in (done.stdout + done.stderr).replace("\n", " ").replace(
        "  ", " "
    )
    swept = Sweep([made["api_keys"][0]["encoded"]])
    swept.run(done)
    assert swept.clean, swept


def test_a_name_that_is_a_number_is_stored_too(berlin: t.Any, tmp_path: t.Any) -> None:
    keys = [{"name": 2024, "access": LOGS, "credential_store": str(tmp_path / "store")}]
    done = run_playbook(play(berlin, keys), directory=tmp_path / "run")
    assert done.ok and (tmp_path / "store" / "2024.json").exists(), done


def test_a_name_that_is_given_twice_is_settled_once(world: t.Any, berlin: t.Any, tmp_path: t.Any) -> None:
    store = str(tmp_path / "store")
    keys = [
        {"name": "x", "access": LOGS, "credential_store": store},
        {"name": "x", "state": "absent"},
        {"name": "x", "access": LOGS, "credential_store": store},
    ]
    for check in (True, False, False):
        done = run_playbook(play(berlin, keys), directory=tmp_path / "run", check=check)
        assert not done.ok and "2 of 3 keys" in str(done.messages) + done.stdout + done.stderr, done
        assert len(live(world, ["x"])["x"]) == (0 if check else 1)


def test_the_diff_of_a_task(berlin: t.Any, tmp_path: t.Any) -> None:
    keys = [{"name": name, "access": LOGS} for name in ("a", "b")]
    done = run_playbook(play(berlin, keys), directory=tmp_path / "run", check=True, diff=True)
    found = done.result("Keys")
    assert [one["access"] for one in found["diff"]["after"]["keys"]] and len(found["diff"]["after"]["keys"]) == 2, done
    assert "diff" not in found["api_keys"][0]


def test_a_job_in_the_background(world: t.Any, berlin: t.Any, tmp_path: t.Any) -> None:
    kept = tmp_path / "kept.json"
    collect = {
        "name": "Collect", "async_status": {"jid": "{{ made.ansible_job_id }}"}, "register": "made", "no_log": True,
        "until": "made is finished", "retries": 100, "delay": 0.2,
    }  # fmt: skip
    for number, more in enumerate(([KEEP], [collect, KEEP])):
        keys = [{"name": f"job-{number}", "access": LOGS}]
        options = {"async": 60, "poll": 0 if number else 1}
        done = run_playbook(
            play(berlin, keys, *more, **options), directory=tmp_path / f"run-{number}", extra_vars={"kept": str(kept)}
        )
        assert done.ok, done
        (made,) = json.loads(kept.read_text())["api_keys"]
        assert made["encoded"] and [made["api_key"]["id"]] == live(world, [made["name"]])[made["name"]]


def test_options_of_the_task_that_the_action_refuses(berlin: t.Any, tmp_path: t.Any) -> None:
    for number, (keys, words) in enumerate(
        (
            ([{"name": "a", "access": LOGS, "_store": {"phase": "apply"}}], "_store is private"),
            ([{"name": "a", "access": LOGS, "credential_store": "x"}, {"name": "b"}], "cannot be used with async"),
            (["name=a"], "must be a list of dictionaries"),
            (5, "must be a list of dictionaries"),
        )
    ):
        options = {"async": 20, "poll": 1} if number == 1 else {}
        done = run_playbook(play(berlin, keys, **options), directory=tmp_path / f"run-{number}")
        assert not done.ok and words in str(done.messages) + done.stderr, done


def test_several_clusters_are_called_in_one_run(world: t.Any) -> None:
    """By the private module of the roles: each call is that of its module, and none fails with another."""
    to_berlin, to_paris = (connection(world.cluster(name)) for name in ("berlin", "paris"))
    keys = {"keys": [{"name": "a", "access": LOGS}]}
    remotes = {"remotes": [{"alias": "b", "proxy_address": "b:9443"}]}
    refused = {**to_paris, "password": "not-the-one"}
    calls = [
        {"cluster": "berlin", "module": MODULE, "connection": to_berlin, "arguments": keys},
        {"cluster": "paris", "module": "remote_cluster", "connection": to_paris, "arguments": remotes},
        {"cluster": "paris", "module": "cluster_info", "connection": refused, "label": "x"},
        {"cluster": "paris", "module": "cluster_info", "connection": {"colour": "red"}},
        {"cluster": "paris", "module": "keystore", "connection": to_paris},
    ]
    checked = run_module("cluster_calls", {"calls": calls}, check=True)
    assert live(world, "a") == {"a": []}
    result = run_module("cluster_calls", {"calls": calls})
    assert result.changed and checked.changed and result["diff"] == checked["diff"]
    assert [one["before_header"] for one in result["diff"]] == ["berlin", "paris"]
    told = result["results"]
    assert [(one["cluster"], one["module"], one["label"], bool(one.get("failed"))) for one in told] == [
        ("berlin", MODULE, None, False),
        ("paris", "remote_cluster", None, False),
        ("paris", "cluster_info", "x", True),
        ("paris", "cluster_info", None, True),
        ("paris", "keystore", None, True),
    ]
    assert told[0]["api_keys"][0]["encoded"] and live(world, "a")["a"] == [told[0]["api_keys"][0]["api_key"]["id"]]
    words = ("not-the-one", to_berlin["password"])
    assert not [word for word in words if word in str(result)]
    assert "colour" in told[3]["msg"] and "value of module must be one of" in told[4]["msg"]
    again = run_module("cluster_calls", {"calls": calls[:2]})
    assert not again.changed and "diff" not in again
