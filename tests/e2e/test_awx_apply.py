# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of apply.yml brings the kit into AWX. In the place of AWX is a file, in that of awx.awx are modules with its
options, which refuse what AWX refuses (support/awx_stub, support/awx_rules.py)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from support.awx_kit import KIT, SCHEDULES, TEMPLATES, TYPES, WORKFLOWS
from support.playbook import ROOT, run_playbook

STUB = ROOT / "tests" / "support" / "awx_stub"
MODULES = (
    "credential", "credential_type", "project", "job_template", "workflow_job_template", "workflow_job_template_node",
    "schedule",
)  # fmt: skip
URL = "https://git.example.com/links.git"
PASSWORD = "Pl4in-pass/word+1"
NAMES = {
    "crosscluster_awx_inventory": "Nodes",
    "crosscluster_awx_execution_environment": "Cross-cluster",
    "crosscluster_awx_project_source": {"scm_url": URL, "credential": "git"},
    "crosscluster_awx_credentials": ["paris", "berlin", "ssh"],
    "crosscluster_awx_new_credentials": [
        {
            "name": name,
            "credential_type": entry["name"],
            "inputs": {"cluster": name, "username": "u", "password": "{{ vault_it }}"},
        }
        for name, entry in zip(("paris", "berlin"), TYPES)
    ],
    "vault_it": PASSWORD,
    "crosscluster_awx_link_schedules": [{"links": "paris/berlin", "rrule": SCHEDULES[0]["rrule"]}],
}
OF_LINK = {"name": "Cross-cluster: rotate paris/berlin"}


class Awx:
    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path, self.path = tmp_path, tmp_path / "awx.json"
        plugins = tmp_path / "collections" / "ansible_collections" / "awx" / "awx" / "plugins"
        for kind in ("modules", "lookup"):
            (plugins / kind).mkdir(parents=True)
        for name in MODULES:
            text = "#!/usr/bin/python\n" + (STUB / "plugin.py").read_text().replace("@MODULE@", name).replace(
                "@TESTS@", str(ROOT / "tests")
            )
            (plugins / "modules" / f"{name}.py").write_text(text)
        (plugins / "lookup" / "controller_api.py").write_text((STUB / "lookup.py").read_text())
        self.put(
            {
                "organization": {"Default": {}},
                "inventory": {"Nodes": {}},
                "execution_environment": {"Cross-cluster": {}},
                "credential": {"ssh": {}, "git": {}},
                "repositories": {URL: sorted(path.name for path in (KIT / "project").glob("*.yml"))},
            }
        )

    def put(self, state):
        self.path.write_text(json.dumps(state))

    @property
    def state(self):
        return json.loads(self.path.read_text())

    def apply(self, **changes):
        variables = {name: value for name, value in {**NAMES, **changes}.items() if value is not None}
        collections = os.pathsep.join((str(self.tmp_path / "collections"), str(ROOT / ".venv" / "collections")))
        return run_playbook(
            KIT / "apply.yml", directory=self.tmp_path / "run", extra_vars=variables,
            env={
                "AWX_STUB": str(self.path), "ANSIBLE_COLLECTIONS_PATH": collections,
                # Injectors are templates of AWX, and must stay what they are.
                "_ANSIBLE_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR": "ignore",
            },
        )  # fmt: skip


@pytest.fixture
def awx(tmp_path):
    return Awx(tmp_path)


def test_one_run_makes_all_and_a_second_nothing_else(awx):
    run = awx.apply()
    assert run.ok, run
    made = awx.state
    assert {*made["credential"]} == {"ssh", "git", "paris", "berlin"}
    assert made["credential"]["paris"]["inputs"]["password"] == PASSWORD
    for kind, entries in {
        "credential_type": TYPES,
        "job_template": TEMPLATES,
        "schedule": [*SCHEDULES, OF_LINK],
        "workflow_job_template": WORKFLOWS,
    }.items():
        assert {*made[kind]} == {entry["name"] for entry in entries}, kind
    assert made["schedule"][OF_LINK["name"]]["extra_data"] == {"cross_cluster_only": "paris/berlin"}
    doctor = made["job_template"]["Cross-cluster: doctor"]
    assert doctor["extra_vars"] == {"cross_cluster_verify_fail_on": ["broken", "unknown", "drift"]}
    assert {entry["execution_environment"] for entry in made["job_template"].values()} == {"Cross-cluster"}
    assert PASSWORD not in run.stdout + run.stderr + str(run.events)
    again = awx.apply()
    assert again.ok and awx.state == made, again
    changed = {
        event["task"] for event in again.events if event["event"] == "runner_on_ok" and event["result"].get("changed")
    }
    assert changed == {"Make the credentials"}, "nobody can compare a password that AWX has"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"crosscluster_awx_project_source": None},
            ["project [Cross-cluster links]", "crosscluster_awx_project_source"],
        ),
        ({"crosscluster_awx_new_credentials": None}, ["credential [paris]", "no credential [berlin]"]),
        ({"crosscluster_awx_execution_environment": "none"}, ["execution environment [none]: make it"]),
        ({"crosscluster_awx_credentials": ["ssh"]}, ["crosscluster_awx_credentials must name berlin, paris as well"]),
        ({"crosscluster_awx_inventory": "none", "crosscluster_awx_organization": "no"}, ["[no]", "inventory [none]"]),
    ],
)
def test_what_is_neither_there_nor_made_is_named_before_anything_is_made(awx, changes, words):
    before = awx.state
    run = awx.apply(**changes)
    said = str(run.messages)
    assert run.rc == 2 and "Nothing was made" in said and all(word in said for word in words), run
    assert awx.state == before


def test_what_is_there_need_not_be_made(awx):
    state = awx.state
    files = state["repositories"][URL]
    state["project"] = {"Cross-cluster links": {"files": files}}
    state["credential"].update(paris={}, berlin={})
    del state["execution_environment"]
    awx.put(state)
    given = ("project_source", "new_credentials", "execution_environment")
    run = awx.apply(**dict.fromkeys((f"crosscluster_awx_{name}" for name in given), None))
    assert run.ok, run
    assert len(awx.state["job_template"]) == len(TEMPLATES)
