# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret is shown nowhere, and it is still there for whoever asked for it."""

from __future__ import annotations

import base64
import json
import time

import pytest

from support.keys import FQCN as KEY
from support.keys import LOGS, key_task, play, writes
from support.playbook import local_inventory, run_playbook
from support.secrets import Sweep, forms
from support.worlds import Api, put_credential


def _wait_for_async_watcher(folder):
    """The watcher of an async job looks every five seconds, and only then removes the module from the node."""
    for _time in range(300):
        if not any(folder.glob("ansible-tmp-*")):
            return
        time.sleep(0.1)


def cluster_key(cluster, name):
    return Api(cluster.cluster("berlin")).key(name)["encoded"]


# What the user would do with the key; the tests read it back to know what to search for.
KEEP = {"name": "Keep", "copy": {"content": "{{ made }}", "dest": "{{ kept }}", "mode": "0600"}, "no_log": True}


def run(cluster, directory, *tasks, **options):
    kept = directory / "kept.json"
    done = run_playbook(
        play(*tasks),
        directory=directory / "run",
        extra_vars={"kept": str(kept)},
        verbosity=3,
        diff=True,
        watch_processes=True,
        **options,
    )
    return done, json.loads(kept.read_text()) if kept.exists() else None


def sweep(cluster, done, *secrets):
    _wait_for_async_watcher(done.directory / "remote_tmp")
    # The password is given in the playbook, which ansible-core 2.19+ quotes when a task fails.
    assert any("AnsiballZ_" in process for process in done.processes), "no process of a module was seen"
    swept = Sweep(secrets)
    swept.run(done)
    swept.text("log of the cluster", cluster.log("berlin"))
    return swept


@pytest.mark.parametrize("way", ["plain", "until", "async", "async without poll"])
def test_a_new_key(cluster, tmp_path, way):
    options = {
        "plain": {},
        "until": {"until": "made.encoded is not defined", "retries": 2, "delay": 0, "ignore_errors": True},
        "async": {"async": 60, "poll": 1},
        "async without poll": {"async": 60, "poll": 0, "register": "job"},
    }[way]
    options.setdefault("register", "made")
    more = []
    if way == "async without poll":
        more = [
            {"name": "Collect", "async_status": {"jid": "{{ job.ansible_job_id }}"}, "register": "made", "no_log": True,
             "until": "made is finished", "retries": 50, "delay": 0.2},
            {"name": "Clean up", "async_status": {"jid": "{{ job.ansible_job_id }}", "mode": "cleanup"}},
        ]  # fmt: skip
    # Each try of `until` sees the key of the try before, so `rotate` makes one each time.
    task = key_task(cluster, "new-" + way, access=LOGS, rotate=way == "until", **options)
    done, made = run(cluster, tmp_path, task, *more, KEEP)
    assert done.ok, done
    encoded = made["encoded"]
    assert base64.b64decode(encoded).decode().startswith(made["api_key"]["id"] + ":")
    swept = sweep(cluster, done, encoded, cluster.cluster("berlin")["password"])
    # The result file of a job lies in the home of the user on the node until `mode: cleanup`; poll leaves it there.
    if way == "async":
        swept.findings = [found for found in swept.findings if str(done.directory / "async") not in found]
    print(f"{way}: {swept}")
    assert swept.clean, swept
    assert ("hold a secret" in done.stderr + done.stdout) == (way == "async without poll")


def test_over_ssh_the_raw_output_of_the_module_is_kept_back_too(cluster, tmp_path):
    """With -vvv the connection shows what came back, before any plugin sees it."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    inventory = local_inventory(
        ansible_connection="ssh", ansible_host="127.0.0.1", ansible_ssh_executable=str(ssh),
        ansible_ssh_transfer_method="piped",
    )  # fmt: skip
    node = cluster.cluster("berlin")["nodes"][0]
    place = {"executable": node["keystore"], "config_dir": node["config_dir"]}
    reveal = {"name": "Reveal", "crosscluster.elasticsearch.keystore_info": {**place, "reveal": True}}
    made = cluster_key(cluster, "held")
    put_credential(node, "paris", made)
    task = key_task(cluster, "over-ssh", access=LOGS, register="made")
    shown = {"name": "Shown", "command": "echo what-others-print-is-shown"}
    done, new = run(cluster, tmp_path, task, reveal, shown, KEEP, inventory=inventory)
    assert done.ok and "what-others-print-is-shown" in done.stdout, done
    assert (swept := sweep(cluster, done, new["encoded"], made)).clean, swept


def test_a_loop_shows_what_holds_no_secret(cluster, tmp_path):
    task = key_task(cluster, "loop-{{ item }}", access=LOGS, loop=[1, 2], register="made")
    done, made = run(cluster, tmp_path, task, KEEP)
    assert done.ok, done
    secrets = [result["encoded"] for result in made["results"]]
    assert len(set(secrets)) == 2
    assert (swept := sweep(cluster, done, *secrets)).clean, swept
    done, made = run(cluster, tmp_path, task)
    assert done.changed == 0 and "censored" not in done.stdout and '"operation": "none"' in done.stdout


def test_check_mode_shows_its_result(cluster, tmp_path):
    cluster.clear_log()
    done, _made = run(cluster, tmp_path, key_task(cluster, "check", access=LOGS), check=True)
    assert done.result("Key")["operation"] == "create" and writes(cluster) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"access": {"search": [{"names": []}]}},
        {"password": "Very-Wrong-pass/word+1"},
        {"metadata": {"_x": 1}},
        {"expiration": "1w"},
    ],
)
def test_failures(cluster, tmp_path, wrong):
    extra = {"secret_password": wrong.get("password") or cluster.cluster("berlin")["password"]}
    task = key_task(cluster, "failure", **{"access": LOGS, **wrong, "ignore_errors": True, "register": "made"})
    task[KEY]["password"] = "{{ secret_password }}"
    done = run_playbook(play(task), directory=tmp_path / "run", extra_vars=extra, verbosity=3, watch_processes=True)
    assert done.messages and "Traceback" not in done.stdout + done.stderr
    swept = Sweep(extra.values())
    swept.run(done)
    assert swept.clean, swept


def test_revealed_credentials(cluster, tmp_path):
    node = cluster.cluster("berlin")["nodes"][0]
    secret = base64.b64encode(b"VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw").decode()
    place = {"executable": node["keystore"], "config_dir": node["config_dir"]}
    name = "crosscluster.elasticsearch.keystore"
    setting = {"name": "cluster.remote.paris.credentials", "value": "{{ credential }}", **place}
    (tmp_path / "secret.json").write_text(json.dumps({"credential": secret}))
    tasks = [
        {
            "name": "Put",
            name: setting,
            "vars": {"credential": "{{ (lookup('file', secret_file) | from_json).credential }}"},
        },
        {"name": "Ids", name + "_info": place},
        {"name": "Reveal", name + "_info": {**place, "reveal": True}, "register": "made"},
        KEEP,
    ]
    done = run_playbook(
        play(*tasks), directory=tmp_path / "run", verbosity=3, diff=True, watch_processes=True,
        extra_vars={"kept": str(tmp_path / "kept"), "secret_file": str(tmp_path / "secret.json")},
    )  # fmt: skip
    assert done.ok, done
    assert json.loads((tmp_path / "kept").read_text())["credentials"]["paris"]["encoded"] == secret
    assert done.result("Ids")["credentials"]["paris"]["api_key_id"] == "VuaCfGcBCdbkQm-e5aOx"
    swept = sweep(cluster, done, secret)
    print(swept)
    assert swept.clean, swept


LOGIN = "Hunter2-of.elastic"
LOGINS = {
    "plain": f"https://elastic:{LOGIN}@127.0.0.1:1",
    "with an at": f"https://elastic:{LOGIN}@x@127.0.0.1:1",
    "with a slash": f"https://elastic:{LOGIN}/x@127.0.0.1:1",
    "encoded": f"https://elastic:{LOGIN}%40@127.0.0.1:1",
    "token": f"https://{LOGIN}@127.0.0.1",
}
MODULES = {
    "cluster_info": {},
    "cross_cluster_api_key": {"name": "k", "access": LOGS},
    "cross_cluster_api_key_info": {},
    "reload_secure_settings": {},
    "remote_access_role": {"name": "r", "remote_indices": []},
    "remote_cluster": {"alias": "a"},
    "remote_cluster_info": {},
}


def login_tasks():
    """(title, task, the option that the message names): each module, also beside a mistake, each form, each option."""
    named = "crosscluster.elasticsearch."
    for module, options in MODULES.items():
        right = {"username": "u", "password": "p", **options}
        yield module, {named + module: {"urls": ["https://h:1", "{{ logins.plain }}"], **right}}, "urls"
        yield f"{module} bad", {named + module: {"url": "{{ logins.plain }}", "timeout": "many", **right}}, "url"
    right = {"username": "u", "password": "p"}
    for form in LOGINS:
        yield form, {named + "cluster_info": {"url": "{{ logins['%s'] }}" % form, **right}}, "url"
    yield "environment", {named + "cluster_info": right}, "ELASTICSEARCH_URL"
    remote = {"urls": ["https://h:1"], "alias": "a", **right}
    for option, value in (("proxy_address", "{{ logins.plain }}"), ("seeds", ["h:1", "u:{{ login }}@h:1"])):
        yield option, {named + "remote_cluster": {**remote, option: value}}, option
    yield "port", {named + "remote_port_info": {"addresses": ["h:1", "u:{{ login }}@h:1"]}}, "addresses"
    options = "'k', store=store, verify=true, urls=[logins.plain]"
    found = "{{ lookup('crosscluster.elasticsearch.cross_cluster_api_key', %s) }}" % options
    yield "lookup", {"debug": {"msg": found}}, "urls"


def test_a_login_in_an_address_is_refused_and_not_echoed(cluster, tmp_path):
    done, _made = run(cluster, tmp_path, key_task(cluster, "k", access=LOGS, credential_store=str(tmp_path / "store")))
    assert done.ok, done
    tasks = [("case " + title, task, option) for title, task, option in login_tasks()]
    done = run_playbook(
        play(*({"name": title, "ignore_errors": True, **task} for title, task, _option in tasks)),
        directory=tmp_path / "logins", verbosity=4, diff=True,
        extra_vars={"logins": LOGINS, "login": LOGIN, "store": str(tmp_path / "store")},
        env={"ELASTICSEARCH_URL": f"https://h:1,{LOGINS['plain']}"},
    )  # fmt: skip
    swept = Sweep([LOGIN])
    swept.run(done)
    print(swept)
    assert swept.clean, swept
    for title, _task, option in tasks:
        message = done.result(title)["msg"]
        assert "holds a login" in message and option in message, (title, message)


@pytest.mark.parametrize("place", ["a cluster", "a node", "its remote address", "a link", "the environment"])
def test_a_login_in_the_addresses_of_a_playbook(tmp_path, place):
    client = {"urls": ["https://127.0.0.1:1"], "username": "u", "password": "p", "nodes": [{"name": "n"}]}
    server = {"urls": ["https://127.0.0.1:1"], "username": "u", "password": "p", "remote_cluster_server": "h:1"}
    link, env, name = {"from": "paris", "to": "berlin", "access": LOGS}, {}, "elasticsearch_clusters.paris"
    if place == "a cluster":
        client["urls"] = [LOGINS["with an at"]]
    elif place == "a node":
        client["nodes"][0]["url"] = LOGINS["plain"]
    elif place == "its remote address":
        server["remote_cluster_server"], name = f"u:{LOGIN}@h:1", "elasticsearch_clusters.berlin"
    elif place == "a link":
        link["seeds"], name = [f"u:{LOGIN}@h:1"], "seeds"
    else:
        env, name = {"CROSSCLUSTER_CLIENT_URLS": LOGINS["plain"]}, "CROSSCLUSTER_CLIENT_URLS"
        env.update(CROSSCLUSTER_CLIENT_USERNAME="u", CROSSCLUSTER_CLIENT_PASSWORD="p")
        client = {"nodes": client["nodes"]}
    done = run_playbook(
        "crosscluster.elasticsearch.trust", directory=tmp_path / "run", verbosity=4, env=env,
        extra_vars={"elasticsearch_clusters": {"paris": client, "berlin": server}, "cross_cluster_links": [link]},
    )  # fmt: skip
    assert done.rc == 2 and done.changed == 0, done
    swept = Sweep([LOGIN])
    swept.run(done)
    assert swept.clean, swept
    assert any(name in text and "holds a login" in text for text in done.messages), done.messages


def test_the_sweep_finds_every_form():
    secret = base64.b64encode(b"VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw").decode()
    for form in forms(secret).values():
        swept = Sweep([secret])
        swept.text("place", "before " + form + " after")
        assert swept.findings and secret not in str(swept)
    for before in ("", "x", "xy", "user:"):
        swept = Sweep([secret])
        swept.text("place", base64.b64encode((before + secret + "tail").encode()).decode())
        assert swept.findings, before
