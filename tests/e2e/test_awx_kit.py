# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of extensions/awx against the rules of AWX (support/awx_rules.py names their source)."""

from __future__ import annotations

import copy
import re
import typing as t
from pathlib import Path

import pytest

from support import awx_rules
from support.awx_kit import KIT, SCHEDULES, TEMPLATES, TYPES, WORKFLOWS


@pytest.mark.parametrize("entry", TYPES, ids=lambda entry: entry["name"])
def test_credential_type(entry: dict[str, t.Any]) -> None:
    assert awx_rules.credential_type(entry) == []
    secret = [field["id"] for field in entry["inputs"]["fields"] if field.get("secret")]
    assert secret == ["password"] and "API key" in str(entry["inputs"])


def test_one_job_can_take_both_types() -> None:
    assert len(TYPES) == 2 and len({entry["name"] for entry in TYPES}) == 2
    assert all("cluster" in entry["inputs"]["required"] for entry in TYPES), "who launches chooses the clusters"
    first, second = (entry["injectors"]["env"] for entry in TYPES)
    assert not set(first) & set(second)


@pytest.mark.parametrize("leave_out", [(), ("ca_cert", "urls")])
@pytest.mark.parametrize("entry", TYPES, ids=lambda entry: entry["name"])
def test_injected(entry: dict[str, t.Any], leave_out: tuple[str, ...], tmp_path: Path) -> None:
    fields = {
        "cluster": "paris",
        "urls": "https://a:1,https://b:2",
        "username": "ops",
        "password": "{{ 7 * 7 }}$x",
        "ca_cert": "PEM",
    }
    given = awx_rules.inject(entry, {name: value for name, value in fields.items() if name not in leave_out}, tmp_path)
    side = {name.rsplit("_", 1)[-1]: value for name, value in given.items()}
    assert side["PASSWORD"] == "{{ 7 * 7 }}$x"
    assert Path(side["CERT"]).read_text() == ("" if leave_out else "PEM")


def in_clear(entry: dict[str, t.Any], directory: Path) -> set[str]:
    """The fields whose value can be read in job_env."""
    fields = {field["id"]: f"value of {field['id']}" for field in entry["inputs"]["fields"]}
    shown = str(awx_rules.job_env(awx_rules.inject(entry, fields, directory)))
    return {name for name, value in fields.items() if value in shown}


@pytest.mark.parametrize("entry", TYPES, ids=lambda entry: entry["name"])
def test_awx_masks_every_secret_that_is_injected(entry: dict[str, t.Any], tmp_path: Path) -> None:
    secret = {field["id"] for field in entry["inputs"]["fields"] if field.get("secret")}
    assert in_clear(entry, tmp_path) == {"cluster", "urls", "username"}
    # A name that tells nothing would not be masked.
    renamed = copy.deepcopy(entry)
    renamed["injectors"]["env"] = {
        name.replace("PASSWORD", "LOGIN"): value for name, value in entry["injectors"]["env"].items()
    }
    assert in_clear(renamed, tmp_path) >= secret


@pytest.mark.parametrize("entry", TEMPLATES, ids=lambda entry: entry["name"])
def test_job_template(entry: dict[str, t.Any]) -> None:
    assert (KIT / "project" / entry["playbook"]).is_file()
    if entry.get("survey_enabled"):
        assert awx_rules.survey(entry["survey_spec"]) == []
        for question in entry["survey_spec"]["spec"]:
            assert question["type"] != "password"
            assert not re.search("passw|secret|token|encoded|api_key", question["variable"])
    used = set(re.findall(r"crosscluster_(?!awx)\w+", str(entry.get("extra_vars", ""))))
    asked = {question["variable"] for question in entry.get("survey_spec", {}).get("spec", [])}
    assert used <= asked
    assert '"*"' not in str(entry.get("extra_vars", "")), "an answer that is missing opens nothing"
    assert "one link" not in entry["name"] or (asked == {"cross_cluster_only"} and "prune" not in str(entry))


def test_schedules_and_workflow_lead_to_what_is_there() -> None:
    names = {entry["name"]: entry for entry in TEMPLATES}
    assert [problem for entry in SCHEDULES for problem in awx_rules.schedule(entry, names)] == []
    assert [problem for entry in WORKFLOWS for problem in awx_rules.workflow(entry, names)] == []
    assert {entry["unified_job_template"] for entry in SCHEDULES} <= {*names} | {entry["name"] for entry in WORKFLOWS}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "ssh"),
        (("inputs", "fields", 0, "id"), "tower"),
        (("inputs", "fields", 0, "id"), "not valid"),
        (("inputs", "fields", 3, "type"), "boolean"),
        (("inputs", "fields", 0, "placeholder"), "x"),
        (("inputs", "required"), ["nobody"]),
        (("injectors", "env", "ANSIBLE_CONFIG"), "x"),
        (("injectors", "env", "PYTHONPATH"), "x"),
        (("injectors", "env", "X"), "{{ not_a_field }}"),
        (("injectors", "env", "X"), "{{ tower.filename.other }}"),
        (("injectors", "env", "X"), "ü"),
        (("injectors", "file", "template"), "x"),
    ],
)
def test_the_rules_refuse_what_awx_refuses(path: tuple[t.Any, ...], value: t.Any) -> None:
    entry = copy.deepcopy(TYPES[0])
    place = entry
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert awx_rules.credential_type(entry)


@pytest.mark.parametrize(
    "change",
    [
        {"required": "yes"},
        {"type": "secret"},
        {"type": "integer", "default": "1"},
        {"variable": None},
        {"type": "multiplechoice"},
        {"type": "multiplechoice", "choices": ["a"], "default": "b"},
        {"default": "$encrypted$"},
        {"type": "multiselect", "choices": ["a", "b"], "default": "a"},
        {"type": "multiselect", "choices": ["a", "b"], "default": ["a"]},
    ],
)
def test_the_rules_refuse_surveys_that_awx_refuses(change: dict[str, t.Any]) -> None:
    question = {"question_name": "Q", "variable": "q", "type": "text", "required": True, **change}
    assert awx_rules.survey({"name": "n", "description": "", "spec": [question]})


def test_the_rules_refuse_a_question_that_nobody_answers() -> None:
    question = {"question_name": "Q", "variable": "q", "type": "integer", "required": True, "default": 1}
    template = {"name": "t", "survey_spec": {"name": "n", "description": "", "spec": [question]}}
    entry = {"name": "daily", "unified_job_template": "t", "rrule": SCHEDULES[0]["rrule"]}
    assert awx_rules.schedule(entry, {"t": template}) == ["daily: nobody answers q of t"]
    assert awx_rules.schedule({**entry, "extra_data": {"q": 2}}, {"t": template}) == []
    flow = {"simplified_workflow_nodes": [{"identifier": "node", "unified_job_template": "t"}]}
    assert awx_rules.workflow(flow, {"t": template}) == ["node: nobody answers q of t"]


@pytest.mark.parametrize("file", sorted(KIT.rglob("*.yml")), ids=lambda file: file.name)
def test_no_file_of_the_kit_holds_a_login(file: Path) -> None:
    assert not re.search(r"(?i)password:\s*[^\s!{\"]", file.read_text(encoding="utf-8").replace("label: Password", ""))
