# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that would leave a part of its work undone is refused before anything is asked or written, with the way out.

That is the work of the module `check_play`, the first task of each of the `roles`. The addresses lead nowhere: who
gets as far as asking them fails with another message.
"""

from __future__ import annotations

import typing as t

import pytest
import yaml

from support.playbook import run_playbook

PLAYBOOKS = ("trust", "rotate", "verify", "untrust", "report")
CLUSTERS: dict[str, t.Any] = {
    "paris": {
        "urls": ["https://127.0.0.1:1"],
        "username": "elastic",
        "password": "x",
        "nodes": [
            {"name": f"paris-{number}", "vars": {"ansible_connection": "local"}, "keystore": "/nowhere"}
            for number in (1, 2)
        ],
    },
    "berlin": {
        "urls": ["https://127.0.0.1:1"],
        "username": "elastic",
        "password": "x",
        "remote_cluster_server": "127.0.0.1:2",
    },
}
LINK = {"from": "paris", "to": "berlin", "access": {"search": [{"names": ["logs-*"]}]}}
GIVEN: dict[str, t.Any] = {"elasticsearch_clusters": CLUSTERS, "cross_cluster_links": [LINK]}
INVENTORY = ["-i", "paris-1,paris-2,"]


def run(tmp_path, playbook, *arguments, inventory=None, **variables):
    """Runs one of our playbooks, or these plays."""
    if isinstance(playbook, list):
        (tmp_path / "play.yml").write_text(yaml.safe_dump(playbook))
        playbook = tmp_path / "play.yml"
    return run_playbook(
        f"crosscluster.elasticsearch.{playbook}" if isinstance(playbook, str) else playbook,
        directory=tmp_path / "run",
        inventory=inventory,
        extra_vars={**GIVEN, **variables},
        arguments=[*arguments],
    )


def refused(run, *words):
    """Red, with these words, and nobody was asked."""
    said = str(run.messages)
    assert run.rc != 0 and run.changed == 0, run
    assert [word for word in words if word not in said] == [], run
    assert not any(event.get("result", {}).get("module_runs") for event in run.events), run


@pytest.mark.parametrize(
    "playbook, limit, words",
    [
        *((name, "paris-1", ["leaves out localhost, paris-2", "'localhost,paris-1,paris-2'"]) for name in PLAYBOOKS),
        ("trust", "localhost,paris-1", ["leaves out paris-2", "give --limit 'localhost,paris-1,paris-2'"]),
        ("verify", "all:localhost:!paris-2", ["leaves out paris-2"]),
    ],
)
def test_a_limit_that_leaves_out_what_a_link_needs(tmp_path, playbook, limit, words):
    refused(run(tmp_path, playbook, *INVENTORY, "--limit", limit), *words)


def test_a_limit_from_a_file(tmp_path):
    (tmp_path / "hosts.retry").write_text("localhost\nparis-1\n")
    refused(run(tmp_path, "trust", *INVENTORY, "--limit", f"@{tmp_path}/hosts.retry"), "leaves out paris-2")


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_tags(tmp_path, playbook):
    found = run(tmp_path, playbook, *INVENTORY, "--tags", "b,a")
    refused(found, "--tags a,b leaves out tasks of this role: run it without --tags")


@pytest.mark.parametrize(
    "playbook, arguments, words",
    [
        *((name, ["--start-at-task", "Report"], "without --start-at-task") for name in PLAYBOOKS),
        ("trust", ["--start-at-task", "Link the clusters"], "without --start-at-task"),
        ("trust", ["--skip-tags", "always"], "--skip-tags always leaves out all tasks of this playbook"),
        ("verify", ["--skip-tags", "tagged,always"], "--skip-tags always,tagged leaves out all tasks"),
    ],
)
def test_a_run_in_which_no_task_could_tell(tmp_path, playbook, arguments, words):
    """Ansible itself ends these without an error."""
    found = run(tmp_path, playbook, *INVENTORY, *arguments)
    assert found.rc != 0 and not found.tasks, found
    assert "Nothing was done: " in found.stderr and words in found.stderr, found


def test_a_limit_without_an_inventory(tmp_path):
    found = run(tmp_path, "trust", "--limit", "paris-1", inventory={"all": {"hosts": {}}})
    assert found.rc != 0 and "--limit paris-1 leaves out localhost, and the inventory has no other" in found.stderr, (
        found
    )


def test_a_playbook_of_others_may_start_elsewhere(tmp_path):
    """And so pass over ours, or leave it out by a tag."""
    (tmp_path / "site.yml").write_text(
        yaml.safe_dump(
            [
                {"import_playbook": "crosscluster.elasticsearch.trust"},
                {"hosts": "localhost", "gather_facts": False, "tasks": [{"name": "Last", "debug": {"msg": "done"}}]},
            ]
        )
    )
    found = run(tmp_path, tmp_path / "site.yml", *INVENTORY, "--start-at-task", "Last")
    assert found.ok and found.result("Last")["msg"] == "done", found


ROLES = {
    "cross_cluster_trust": {},
    "cross_cluster_report": {},
    "remote_cluster_client": {
        "remote_cluster_client_alias": "berlin",
        "remote_cluster_client_connection": {"urls": ["https://127.0.0.1:1"], "username": "elastic", "password": "x"},
        "remote_cluster_client_settings": {"proxy_address": "127.0.0.1:2"},
    },
}


BATCHES = ({"serial": 1}, {}, "leave serial out of the play")
FREE = ({"strategy": "free"}, {}, "the strategy [free] lets hosts run ahead of each other")
PINNED = ({"strategy": "ansible.builtin.host_pinned"}, {}, "use strategy linear")
ONCE = ({}, {"run_once": True}, "run_once around this role leaves the other hosts of the play out")


@pytest.mark.parametrize(
    "role, how, play, around, words",
    [
        *((role, "include_role", *one) for role in ROLES for one in (BATCHES, FREE, ONCE)),
        *(("cross_cluster_trust", "import_role", *one) for one in (BATCHES, PINNED, ONCE)),
    ],
)
def test_the_play_of_a_role(tmp_path, role, how, play, around, words):
    task = {how: {"name": f"crosscluster.elasticsearch.{role}"}, **around}
    plays = [{"hosts": "paris-1,paris-2", "gather_facts": False, **play, "tasks": [task]}]
    refused(run(tmp_path, plays, *INVENTORY, **ROLES[role]), words)


@pytest.mark.parametrize("serial", [{}, {"serial": 1}], ids=["together", "in batches"])
def test_the_server_role_may_be_run_in_batches(tmp_path, serial):
    """It asks the module for `batches`; here it goes on, and fails for a folder that is nowhere."""
    task = {"import_role": {"name": "crosscluster.elasticsearch.remote_cluster_server"}}
    plays = [{"hosts": "paris-1,paris-2", "gather_facts": False, "connection": "local", **serial, "tasks": [task]}]
    found = run(tmp_path, plays, *INVENTORY, remote_cluster_server_config_dir="/nowhere")
    assert "remote_cluster_server_config_dir must name its directory" in str(found.messages), found


@pytest.mark.parametrize(
    "role",
    [
        {"import_role": {"name": "crosscluster.elasticsearch.cross_cluster_trust"}, "tags": ["links"]},
        {
            "include_role": {"name": "crosscluster.elasticsearch.cross_cluster_trust", "apply": {"tags": ["links"]}},
            "tags": ["links"],
        },
    ],
    ids=["import", "apply"],
)
def test_tags_of_a_role_do_not_reach_all_of_its_tasks(tmp_path, role):
    plays = [{"hosts": "paris-1,paris-2", "gather_facts": False, "tasks": [role]}]
    refused(run(tmp_path, plays, *INVENTORY, "--tags", "links"), "--tags links leaves out tasks of this role")


def test_tags_of_others_in_a_playbook_of_many_plays(tmp_path):
    """The check bears the tag always, and keeps out of runs that do not ask for the role."""
    other = {"name": "Something else", "debug": {"msg": "done"}, "tags": ["other"]}
    plays = [
        {
            "hosts": "paris-1,paris-2",
            "gather_facts": False,
            "roles": ["crosscluster.elasticsearch.cross_cluster_trust"],
        },
        {"hosts": "localhost", "gather_facts": False, "tasks": [other]},
    ]
    found = run(tmp_path, plays, *INVENTORY, "--tags", "other")
    assert found.ok and found.result("Something else")["msg"] == "done", found


@pytest.mark.parametrize("limit", ["localhost,paris-1,paris-2", "all,localhost"])
def test_a_limit_that_has_all_hosts(tmp_path, limit):
    found = run(tmp_path, "verify", *INVENTORY, "--limit", limit)
    assert any("Read which keys" in task for task in found.tasks), found


def test_a_mistake_in_a_source_is_told_once(tmp_path):
    found = run(tmp_path, "trust", *INVENTORY, elasticsearch_clusters=[])
    assert found.messages[0] == "elasticsearch_clusters must be a dictionary, not a list", found
