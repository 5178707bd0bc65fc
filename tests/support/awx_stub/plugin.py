# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the modules of awx.awx that apply.yml calls: options and what they need as published there, and a file
in the place of AWX. The name it is called by says which module it is."""

from __future__ import annotations

import json
import os
import sys

from ansible.module_utils.basic import AnsibleModule

MODULE = "@MODULE@"
sys.path.insert(0, "@TESTS@")

TEXTS = "name description organization state"
OPTIONS = {
    "credential": TEXTS + " credential_type inputs:dict update_secrets:bool",
    "credential_type": TEXTS + " kind inputs:dict injectors:dict",
    "project": TEXTS + " scm_type scm_url scm_branch credential update_project:bool wait:bool timeout:int",
    "job_template": TEXTS
    + " job_type project playbook inventory execution_environment credentials:list extra_vars:dict"
    " survey_enabled:bool survey_spec:dict ask_verbosity_on_launch:bool allow_simultaneous:bool",
    "workflow_job_template": TEXTS + " inventory allow_simultaneous:bool",
    "workflow_job_template_node": "workflow_job_template organization identifier unified_job_template state"
    " all_parents_must_converge:bool success_nodes:list failure_nodes:list always_nodes:list extra_data:dict",
    "schedule": TEXTS + " unified_job_template rrule extra_data:dict",
}
# Option -> where AWX looks the name up.
NEEDED = {
    "organization": ["organization"],
    "credential_type": ["credential_type"],
    "credential": ["credential"],
    "credentials": ["credential"],
    "project": ["project"],
    "inventory": ["inventory"],
    "execution_environment": ["execution_environment"],
    "workflow_job_template": ["workflow_job_template"],
    "unified_job_template": ["job_template", "workflow_job_template"],
    "success_nodes": ["workflow_job_template_node"],
    "failure_nodes": ["workflow_job_template_node"],
    "always_nodes": ["workflow_job_template_node"],
}


def complain(given: dict, awx: dict) -> str | None:
    for option, kinds in NEEDED.items():
        names = given.get(option) or []
        for name in [names] if isinstance(names, str) else names:
            if option != MODULE and not any(name in awx.get(kind, {}) for kind in kinds):
                return f"The {option} {name} was not found"
    from support import awx_rules

    problems: list[str] = []
    if MODULE == "credential_type":
        problems = awx_rules.credential_type(given)
    if MODULE == "job_template":
        if given.get("survey_enabled"):
            problems = awx_rules.survey(given["survey_spec"])
        if given["playbook"] not in awx["project"][given["project"]]["files"]:
            problems.append("Playbook not found for project")
    if MODULE in ("schedule", "workflow_job_template_node"):
        template = awx.get("job_template", {}).get(given["unified_job_template"], {})
        problems = awx_rules.unanswered(given.get("name") or given["identifier"], template, given)
    return "; ".join(problems) or None


def main() -> None:
    spec = {}
    for option in OPTIONS[MODULE].split():
        name, _colon, kind = option.partition(":")
        spec[name] = {"type": kind or "str", "no_log": False}
    module = AnsibleModule(argument_spec=spec)
    path = os.environ["AWX_STUB"]
    with open(path, encoding="utf-8") as file:
        awx = json.load(file)
    given = {name: value for name, value in module.params.items() if value is not None}
    trouble = complain(given, awx)
    if trouble:
        module.fail_json(msg=trouble)
    name = given.get("name") or given["identifier"]
    known = awx.setdefault(MODULE, {}).get(name)
    made = {**(known or {}), **given}
    if MODULE == "project" and given.get("update_project") and given.get("wait"):
        made["files"] = awx["repositories"].get(given["scm_url"], [])
    awx[MODULE][name] = made
    with open(path, "w", encoding="utf-8") as file:
        json.dump(awx, file)
    # AWX does not tell a secret, so that one that is given counts as another one.
    module.exit_json(changed=made != known or (MODULE == "credential" and bool(given.get("update_secrets", True))))


if __name__ == "__main__":
    main()
