# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store as playbooks see it, and what is left when a run is killed between any two of its steps."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

from support.keys import FQCN as KEY
from support.keys import LOGS, key_task, play, writes
from support.playbook import environment, run_playbook
from support.secrets import Sweep
from support.worlds import connection


def live(cluster, name):
    """Ids of the live keys of that name, asked as a user would."""
    from support.modules import run_module

    found = run_module(
        "cross_cluster_api_key", {**connection(cluster.cluster("berlin")), "name": name, "state": "absent"}, check=True
    )
    assert not found.failed, found.msg
    return list(found["revoked_ids"])


def view(path, directory, password_file):
    command = [sys.executable, "-m", "ansible", "vault", "view", str(path), "--vault-password-file", str(password_file)]
    done = subprocess.run(command, env=environment(directory), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_create_again_rotate_absent(cluster, tmp_path):
    def run(check=False, **options):
        task = key_task(cluster, "life", access=LOGS, credential_store=str(store), **options)
        return run_playbook(
            play(task), directory=tmp_path / "run", vault_ids={"default": "pass"}, verbosity=3, check=check
        )

    store = tmp_path / "store"
    cluster.clear_log()
    done = run(check=True)
    assert done.ok and done.changed == 1 and not store.exists() and writes(cluster) == [], done
    done = run()
    assert done.ok and done.changed == 1 and len(cluster.log("berlin")) - 1 == 2, done  # one of them was the check
    path = store / "life.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(store.stat().st_mode) == 0o700
    document = view(path, tmp_path / "run", tmp_path / "run" / "input" / "vault_password_default")
    assert [document["id"]] == live(cluster, "life") and sorted(os.listdir(store)) == [".life.lock", "life.json"]
    swept = Sweep([document["encoded"]])
    swept.run(done)
    swept.tree(store)
    assert swept.clean, swept
    cluster.clear_log()
    before = path.read_bytes()
    done = run()
    assert done.ok and done.changed == 0 and len(cluster.log("berlin")) == 1 and path.read_bytes() == before, done
    done = run(rotate=True)
    assert done.ok and len(live(cluster, "life")) == 2 and path.read_bytes() != before, done
    done = run(state="absent")
    assert done.ok and live(cluster, "life") == [] and not path.exists(), done


def test_a_plain_file_gives_a_warning(cluster, tmp_path):
    task = key_task(cluster, "plain", access=LOGS, credential_store="store")
    done = run_playbook(play(task), directory=tmp_path)
    assert done.ok and "without encryption" in done.stderr + done.stdout, done
    kept = tmp_path / "input" / "store" / "plain.json"  # relative to the playbook
    assert [json.loads(kept.read_text())["id"]] == live(cluster, "plain")


@pytest.mark.parametrize("check", [True, False])
def test_no_key_is_made_that_could_not_be_stored(cluster, tmp_path, check):
    (tmp_path / "file").write_text("")
    task = key_task(cluster, "nowhere", access=LOGS, credential_store=str(tmp_path / "file"))
    cluster.clear_log()
    done = run_playbook(play(task), directory=tmp_path / "run", check=check)
    assert (
        not done.ok and "cannot be" in done.messages[0] and writes(cluster) == [] and live(cluster, "nowhere") == []
    ), done


def test_a_store_of_another_vault_secret_stops_before_anything(cluster, tmp_path):
    task = key_task(cluster, "locked", access=LOGS, credential_store=str(tmp_path / "store"))
    assert run_playbook(play(task), directory=tmp_path / "run", vault_ids={"default": "right"}).ok
    cluster.clear_log()
    for vault_ids in ({"default": "wrong"}, None):
        done = run_playbook(
            play({**task, KEY: {**task[KEY], "rotate": True}}), directory=tmp_path / "run", vault_ids=vault_ids
        )
        assert not done.ok and "vault secret" in done.messages[0] and cluster.log("berlin") == [], done


# Runs the real action plugin with the real module in this process, and kills it at the given step.
DRIVER = """
import json, os, signal, sys, types
from unittest import mock
from ansible.parsing.dataloader import DataLoader
from ansible_collections.crosscluster.elasticsearch.plugins.action import cross_cluster_api_key as plugin
from support.modules import run_module

arguments, step = json.loads(sys.argv[1]), int(sys.argv[2])
calls = 0


def reached():
    global calls
    calls += 1
    if calls == step:
        os.kill(os.getpid(), signal.SIGKILL)


def around(function, after=False):
    def call(*args, **kwargs):
        reached()
        result = function(*args, **kwargs)
        if after:
            reached()
        return result
    return call


action = plugin.ActionModule.__new__(plugin.ActionModule)
action._task = types.SimpleNamespace(args=arguments, async_val=0, poll=0, check_mode=False, no_log=False)
action._loader = DataLoader()
action._execute_module = around(
    lambda module_name, module_args, task_vars, wrap_async: dict(run_module("cross_cluster_api_key", module_args)),
    after=True,
)
# A run of a module makes files of its own; only what the store does is counted.
proxy = types.SimpleNamespace(**{name: getattr(os, name) for name in dir(os)})
for name in ("open", "fsync", "replace", "unlink", "makedirs"):
    setattr(proxy, name, around(getattr(os, name)))
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import credential_store
credential_store.os = proxy
shown = ("failed", "msg", "changed", "operation")
results = [{key: value for key, value in action.perform({}).items() if key in shown} for _ in range(int(sys.argv[3]))]
print(json.dumps(results))
"""


@pytest.mark.parametrize("operation", ["create", "rotate"])
def test_killed_between_any_two_steps(cluster, tmp_path, operation):
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER)
    variables = {**environment(tmp_path / "env"), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

    def run(arguments, step=0, times=1):
        command = [sys.executable, str(driver), json.dumps(arguments), str(step), str(times)]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else done.stderr

    outcomes = []
    for step in range(1, 80):
        name, store = f"kill-{operation}-{step}", tmp_path / f"store-{step}"
        arguments = key_task(cluster, name, access=LOGS, credential_store=str(store))[KEY]
        kept = []
        if operation == "rotate":
            assert run(arguments)[1][0]["operation"] == "create"
            kept = live(cluster, name)
        # renew_before is no use here, as a new key is not due; `rotate` alone is what the first run was asked for.
        code, result = run({**arguments, "rotate": operation == "rotate"}, step)
        assert code in (0, -9), result
        repaired, again = run(arguments, times=2)[1]
        assert not repaired.get("failed"), (step, repaired)
        keys = live(cluster, name)
        held = json.loads((store / f"{name}.json").read_text())["id"]
        # One key whose secret is held; with rotate the old one may stay beside it, as it does without a kill.
        assert held in keys and set(keys) <= {held, *kept}, (step, keys, held, kept)
        assert sorted(os.listdir(store)) == sorted([f".{name}.lock", f"{name}.json"]), step
        assert not again["changed"], (step, again)
        outcomes.append((step, code, repaired["operation"]))
        if code == 0:
            break
    print(operation, outcomes)
    assert outcomes[-1][1] == 0 and len(outcomes) > 12


def test_surplus_keys_are_revoked_in_the_same_run(cluster, tmp_path):
    def run(**options):
        task = key_task(cluster, "many", access=LOGS, **options)
        return run_playbook(play(task), directory=tmp_path / "run").result("Key")

    for _time in range(3):
        run(rotate=True)
    ids = live(cluster, "many")
    store = {"credential_store": str(tmp_path / "store"), "duplicates": "revoke"}
    run(rotate=True, **store)
    left = live(cluster, "many")
    assert len(ids) == 3 and len(left) == 2 and len(set(ids) & set(left)) == 1
    cluster.clear_log()
    run(**store)
    assert len(live(cluster, "many")) == 1
    cluster.clear_log()
    assert run(**store)["changed"] is False and writes(cluster) == []
