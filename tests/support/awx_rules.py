# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX accepts as credential type, survey, schedule and workflow, written down from its behaviour.

Sources, all in github.com/ansible/awx: the JSON schemas and checks of CredentialTypeInputField and
CredentialTypeInjectorField in awx/main/fields.py; build_safe_env in awx/main/models/credential.py;
JobTemplateSurveySpec._validate_spec_data and JobTemplateCredentialsList.is_valid_relation in awx/api/views; the names
of organisations' objects in awx.awx's modules. Each function returns the problems, so that a test shows all of them.
"""

from __future__ import annotations

import re
import typing as t

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

NAME = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")
FIELD_KEYS = {
    "type",
    "format",
    "choices",
    "id",
    "label",
    "help_text",
    "multiline",
    "secret",
    "ask_at_runtime",
    "default",
}
STRING_ONLY = ("choices", "multiline", "format", "secret")
FILE = re.compile(r"template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?")
ATTACHABLE = ("cloud", "net")
"""Kinds that a custom type may have and a job template may take."""
FORBIDDEN_ENV = {
    "VIRTUAL_ENV",
    "PATH",
    "PYTHONPATH",
    "JOB_ID",
    "INVENTORY_ID",
    "INVENTORY_SOURCE_ID",
    "INVENTORY_UPDATE_ID",
    "AD_HOC_COMMAND_ID",
    "REST_API_URL",
    "REST_API_TOKEN",
    "MAX_EVENT_RES",
    "CALLBACK_QUEUE",
    "CALLBACK_CONNECTION",
    "CACHE",
    "JOB_CALLBACK_DEBUG",
    "INVENTORY_HOSTVARS",
    "AWX_HOST",
    "PROJECT_REVISION",
    "SUPERVISOR_CONFIG_PATH",
}
SURVEY_TYPES = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}


def credential_type(entry: dict[str, t.Any]) -> list[str]:
    problems = []
    if entry.get("kind") not in ATTACHABLE:
        problems.append(f"kind {entry.get('kind')}")
    inputs, injectors = entry["inputs"], entry["injectors"]
    problems += [f"inputs.{key} is not known" for key in set(inputs) - {"fields", "required"}]
    ids: list[str] = []
    for field in inputs["fields"]:
        problems += [f"{field.get('id')}.{key} is not known" for key in set(field) - FIELD_KEYS]
        problems += [f"a field has no {key}" for key in ("id", "label") if not isinstance(field.get(key), str)]
        kind = field.get("type", "string")
        if kind not in ("string", "boolean"):
            problems.append(f"{field['id']}: type {kind}")
        if not NAME.fullmatch(field["id"]) or field["id"] in ("tower", "awx") or field["id"] in ids:
            problems.append(f"{field['id']}: bad, reserved or duplicate id")
        problems += [
            f"{field['id']}: {key} goes with strings only" for key in STRING_ONLY if key in field and kind != "string"
        ]
        problems += [
            f"{field['id']}: {key} must be true or false"
            for key in ("multiline", "secret", "ask_at_runtime")
            if key in field and not isinstance(field[key], bool)
        ]
        ids.append(field["id"])
    problems += [f"required: {name} is no field" for name in inputs.get("required", []) if name not in ids]
    return problems + _injectors(injectors, ids)


def _injectors(injectors: dict[str, t.Any], ids: list[str]) -> list[str]:
    problems = [f"injectors.{key} is not known" for key in set(injectors) - {"file", "env", "extra_vars"}]
    files = injectors.get("file", {})
    problems += [f"file.{name}: not a template name" for name in files if not FILE.fullmatch(name)]
    if "template" in files and len(files) > 1:
        problems.append("file: one unnamed template or several named ones")
    for name, value in injectors.get("env", {}).items():
        if not NAME.fullmatch(name) or name.startswith("ANSIBLE_") or name in FORBIDDEN_ENV:
            problems.append(f"env.{name} is not allowed")
        if not isinstance(value, str) or not value.isascii():
            problems.append(f"env.{name} must be ASCII text")
    problems += [
        f"extra_vars.{name}: not a name" for name in injectors.get("extra_vars", {}) if not NAME.fullmatch(name)
    ]
    for template in [value for part in injectors.values() for value in part.values()]:
        try:
            render(
                template,
                dict.fromkeys([name for name in ids if name != "tower"], "EXAMPLE"),
                dict.fromkeys(files, "EXAMPLE"),
            )
        except jinja2.TemplateError as exc:
            problems.append(f"{template}: {exc}")
    return problems


def render(template: str, fields: dict[str, str], files: dict[str, str]) -> str:
    """A template of an injector, as AWX renders it: strict, and in a sandbox."""
    names = {name.partition(".")[2]: path for name, path in files.items() if "." in name}
    tower = {"filename": names or files.get("template", "")}
    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    return environment.from_string(template).render(**fields, tower=tower)


def inject(entry: dict[str, t.Any], fields: dict[str, str], directory: t.Any) -> dict[str, str]:
    """The environment of a job that has a credential of this type; its files go into `directory`."""
    values = {name: value for name, value in fields.items() if value}
    files = {}
    for name, template in entry["injectors"].get("file", {}).items():
        path = directory / f"{entry['name'].split()[1]}_{name}"
        path.write_text(render(template, values, {}))
        path.chmod(0o600)
        files[name] = str(path)
    return {name: render(template, values, files) for name, template in entry["injectors"].get("env", {}).items()}


HIDING_NAME = re.compile("API|TOKEN|KEY|SECRET|PASS", re.IGNORECASE)
URL_WITH_LOGIN = re.compile(r"^.*?://[^:]+:(.*?)@.*?$")


def job_env(environ: t.Mapping[str, str]) -> dict[str, str]:
    """The environment of a job as AWX shows it: masked by the name of a variable, or as a URL with a login."""
    shown = {}
    for name, value in environ.items():
        own = name.startswith("ANSIBLE_") and not name.startswith(("ANSIBLE_NET", "ANSIBLE_GALAXY_SERVER"))
        spared = own or name == "AWS_ACCESS_KEY_ID"
        hidden = not spared and (HIDING_NAME.search(name) or URL_WITH_LOGIN.match(value))
        shown[name] = "**********" if hidden else value
    return shown


def survey(spec: dict[str, t.Any]) -> list[str]:
    problems = [f"{key} must be text" for key in ("name", "description") if not isinstance(spec.get(key), str)]
    if not isinstance(spec.get("spec"), list) or not spec["spec"]:
        return [*problems, "spec holds no questions"]
    seen: set[str] = set()
    for question in spec["spec"]:
        name = question.get("variable")
        problems += [
            f"{name}: {key} must be text"
            for key in ("type", "question_name", "variable")
            if not isinstance(question.get(key), str)
        ]
        if not isinstance(question.get("required"), bool):
            problems.append(f"{name}: required must be true or false")
        if name in seen:
            problems.append(f"{name} is asked twice")
        seen.add(name)
        kind = question["type"]
        if kind not in SURVEY_TYPES:
            problems.append(f"{name}: type {kind}")
            continue
        default = question.get("default", "")
        # A text is dropped when the answers are put together, and a list is refused with 400 (seen on AWX 24.6.1).
        if kind == "multiselect" and default:
            problems.append(f"{name}: a multiselect question cannot have a default; put the list into extra_vars")
        if default != "" and not isinstance(default, SURVEY_TYPES[kind]):
            problems.append(f"{name}: default {default!r} is not of type {kind}")
        problems += [
            f"{name}: {key} must be a whole number"
            for key in ("min", "max")
            if question.get(key) is not None and not isinstance(question[key], int)
        ]
        if (
            isinstance(default, str)
            and default
            and kind in ("text", "textarea")
            and not (question.get("min", 0) <= len(default) <= question.get("max", 1 << 20))
        ):
            problems.append(f"{name}: the default is too short or too long")
        if kind in ("multiplechoice", "multiselect"):
            if not question.get("choices"):
                problems.append(f"{name}: no choices")
            answers = str(default).splitlines()
            problems += [
                f"{name}: default {answer} is no choice"
                for answer in answers
                if answer not in question.get("choices", [])
            ]
            if kind == "multiplechoice" and len(answers) > 1:
                problems.append(f"{name}: several defaults")
        if str(default).startswith("$encrypted$"):
            problems.append(f"{name}: $encrypted$ is reserved")
    return problems


RRULE = re.compile(
    r"DTSTART(;TZID=[A-Za-z_/]+)?:\d{8}T\d{6}Z? RRULE:FREQ=(DAILY|WEEKLY|MONTHLY|HOURLY|MINUTELY|YEARLY);INTERVAL=\d+(;[A-Z]+=[A-Z0-9,]+)*"  # noqa: E501
)


def schedule(entry: dict[str, t.Any], templates: t.Mapping[str, dict[str, t.Any]]) -> list[str]:
    """DTSTART and one RRULE with INTERVAL are required; SECONDLY, and COUNT beside UNTIL, are refused."""
    rule, name = entry["rrule"], entry["name"]
    right = RRULE.fullmatch(rule) and not ("COUNT=" in rule and "UNTIL=" in rule)
    template = templates.get(entry["unified_job_template"], {})
    return ([] if right else [f"{name}: {rule}"]) + unanswered(name, template, entry)


def unanswered(name: str, template: dict[str, t.Any], entry: dict[str, t.Any]) -> list[str]:
    """Questions that nobody is there to answer. SurveyJobTemplateMixin refuses what leads to a template without answers
    to the required ones, whether they have a default or not."""
    given = entry.get("extra_data", {})
    return [
        f"{name}: nobody answers {question['variable']} of {template['name']}"
        for question in (template.get("survey_spec") or {}).get("spec", [])
        if question["required"] and question["variable"] not in given
    ]


def workflow(entry: dict[str, t.Any], templates: t.Mapping[str, dict[str, t.Any]]) -> list[str]:
    nodes = {node["identifier"]: node for node in entry["simplified_workflow_nodes"]}
    problems = [
        f"{name}: {node['unified_job_template']} is no template"
        for name, node in nodes.items()
        if node["unified_job_template"] not in templates
    ]
    for name, node in nodes.items():
        problems += unanswered(name, templates.get(node["unified_job_template"], {}), node)
    edges = {
        name: [other for key in ("success_nodes", "failure_nodes", "always_nodes") for other in node.get(key, [])]
        for name, node in nodes.items()
    }
    problems += [
        f"{name}: leads to {other}, which is not there"
        for name, others in edges.items()
        for other in others
        if other not in nodes
    ]

    def loops(name: str, path: tuple[str, ...]) -> bool:
        return name in path or any(loops(other, (*path, name)) for other in edges.get(name, []))

    return problems + [f"{name} leads to itself" for name in nodes if loops(name, ())]
