# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wrong value of a variable is named with what is allowed, and shows none of the secrets in the other variables.

The cases come from meta/argument_specs.yml, so that a new variable is among them by itself. Each case is a task of its
own, and a run goes through all of them. What is wrong is found before any server is asked.
"""

from __future__ import annotations

import base64
import json
import typing as t
from pathlib import Path

import pytest
import yaml

from support.playbook import ROOT, Run, run_playbook
from support.secrets import Sweep

PASSWORD = "Pl4in-pass/word+1"
BERLIN = "An0ther pass&word"
TOKEN = "bearer-T0ken.of.paris"
KEYSTORE = "keyst0re-Secret-9"
NODE = "ssh-pa55-of-the-node"
ENCODED = base64.b64encode(b"VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw").decode()
SECRETS = (PASSWORD, BERLIN, TOKEN, KEYSTORE, NODE, ENCODED)

CLUSTERS: dict[str, t.Any] = {
    "paris": {
        "password": PASSWORD, "username": "elastic", "urls": ["https://127.0.0.1:1"],
        "keystore_password": KEYSTORE, "nodes": [{"name": "localhost", "vars": {"ansible_become_password": NODE}}],
    },
    "berlin": {
        "password": BERLIN, "username": "elastic", "urls": ["https://127.0.0.1:1"],
        "remote_cluster_server": "127.0.0.1:2",
    },
    "rome": {"bearer_token": TOKEN, "urls": ["https://127.0.0.1:1"]},
    "oslo": {"api_key": ENCODED, "urls": ["https://127.0.0.1:1"]},
}  # fmt: skip
LINKS = [{"from": "paris", "to": "berlin", "access": {"search": [{"names": ["logs-*"]}]}}]
ROLE = "crosscluster.elasticsearch.cross_cluster_trust"
LOGIN = {"password": PASSWORD, "username": "elastic", "urls": ["https://127.0.0.1:1"]}
GOOD = {
    "remote_cluster_client_alias": "berlin",
    "remote_cluster_client_credential": ENCODED,
    "remote_cluster_client_keystore_password": KEYSTORE,
    "remote_cluster_client_connection": LOGIN,
    "remote_cluster_server_config_dir": "/nowhere",
    "remote_cluster_server_connection": LOGIN,
}

UNDEFINED = "{{ nobody_has_defined_it }}"
WRONG: dict[str, t.Any] = {
    "bool": "perhaps", "int": "many", "str": {"a": "b"}, "path": ["a"], "list": {"a": "b"}, "dict": "text",
    "raw": {"a": "b"},
}  # fmt: skip


class Case(t.NamedTuple):
    role: str
    entry: str
    title: str
    values: dict[str, t.Any]
    words: tuple[str, ...]  # what the message must hold


def specs() -> t.Iterator[tuple[str, str, dict[str, t.Any]]]:
    for path in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        for entry, spec in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].items():
            yield path.parent.parent.name, entry, spec["options"]


def alone() -> list[Case]:
    """Each variable with a value that it cannot have."""
    found = []
    for role, entry, options in specs():
        for name, option in options.items():
            choices = tuple(map(str, option.get("choices", ())))
            value = "presnt" if choices else WRONG[option.get("type", "str")]
            found.append(Case(role, entry, f"{role} {entry} {name}", {name: value}, (name, *choices)))
    return found


def together() -> list[Case]:
    """All variables of a role at once; the last two end in a dictionary with a secret and an undefined value."""
    found = []
    for role, entry, options in specs():
        kinds: dict[str, dict[str, t.Any]] = {
            "type": {name: WRONG[option.get("type", "str")] for name, option in options.items()},
            "undefined": dict.fromkeys(options, UNDEFINED),
            "in it": {name: {"password": PASSWORD, "username": UNDEFINED} for name in options},
            "behind it": dict.fromkeys(options, "{{ broken_and_secret }}"),
        }
        found += [Case(role, entry, f"{role} {entry} {kind}", values, tuple(values)) for kind, values in kinds.items()]
    return found


def as_task(case: Case) -> dict[str, t.Any]:
    """From core 2.19 on, the lines above a failing template are shown: there stands a secret, too."""
    role: dict[str, t.Any] = {"name": f"crosscluster.elasticsearch.{case.role}"}
    if case.entry != "main":
        role["tasks_from"] = case.entry + ".yml"
    given = {name: value for name, value in GOOD.items() if name.startswith(case.role) and name not in case.values}
    for name, value in case.values.items():
        given.update({"neighbour_of_" + name: PASSWORD, name: value})
    told = {"name": case.title, "debug": {"msg": "{{ ansible_failed_result.msg }}"}}
    return {"name": "Block", "block": [{"name": "Run", "include_role": role, "vars": given}], "rescue": [told]}


def write(path: Path, data: t.Any) -> Path:
    path.write_text(yaml.safe_dump(data, sort_keys=False, default_flow_style=False), encoding="utf-8")
    return path


def swept(run: Run) -> Sweep:
    found = Sweep(SECRETS)
    found.text("stdout", run.stdout)
    found.text("stderr", run.stderr)
    found.text("events", run.events)
    return found


@pytest.mark.parametrize(
    ("cases", "verbosity"), [(together, 1), (together, 2), (together, 3), (together, 4), (alone, 4)]
)
def test_every_variable_of_every_role(tmp_path, cases, verbosity):
    found = cases()
    variables = {
        "elasticsearch_clusters": CLUSTERS,
        "cross_cluster_links": LINKS,
        "broken_and_secret": {"password": PASSWORD, "username": UNDEFINED},
    }
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [as_task(case) for case in found]}
    run = run_playbook(write(tmp_path / "play.yml", [play]), directory=tmp_path / "run", verbosity=verbosity)
    assert (clean := swept(run)).clean, clean
    for case in found:
        message = str(run.result(case.title)["msg"])
        assert [word for word in case.words if word not in message] == [], (case.title, message)


MISTAKES: dict[str, dict[str, t.Any]] = {
    "choice": {"cross_cluster_trust_state": "presnt"},
    "type": {"cross_cluster_trust_wait": "many"},
    "no template": {"cross_cluster_trust_missing_nodes": UNDEFINED},
    "no template in a cluster": {
        "elasticsearch_clusters": {**CLUSTERS, "berlin": {**CLUSTERS["berlin"], "username": UNDEFINED}}
    },
    "text for clusters": {"elasticsearch_clusters": f"paris: {{password: {PASSWORD}}}"},
    "text for a cluster": {"elasticsearch_clusters": {**CLUSTERS, "berlin": f"elastic:{BERLIN}"}},
    "wrong field": {"elasticsearch_clusters": {**CLUSTERS, "berlin": {"pasword": BERLIN}}},
    "a key for a path": {
        "elasticsearch_clusters": {
            **CLUSTERS,
            "berlin": {**CLUSTERS["berlin"], "client_key": f"-----BEGIN PRIVATE KEY-----\n{BERLIN}\n"},
        },
    },
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_playbook(tmp_path, mistake):
    """The variables stand in a file as people write them, and in one line, as programs do."""
    variables = {"elasticsearch_clusters": CLUSTERS, "neighbour": PASSWORD, "cross_cluster_links": LINKS}
    variables.update(MISTAKES[mistake])
    number = list(MISTAKES).index(mistake)
    people, program = write(tmp_path / "v.yml", variables), tmp_path / "v.json"
    program.write_text(json.dumps(variables))
    playbook = ("trust", "rotate", "untrust")[number % 3]
    run = run_playbook(
        f"crosscluster.elasticsearch.{playbook}", directory=tmp_path / "run", verbosity=4 - number % 2,
        arguments=["-e", f"@{(people, program)[number % 2]}"],
    )  # fmt: skip
    assert run.rc == 2 and run.changed == 0, run
    assert (clean := swept(run)).clean, clean
    name = next(iter(MISTAKES[mistake]))
    assert any(name in text for text in run.messages), run.messages


PLAYBOOKS = ("trust", "rotate", "verify", "untrust", "report")
SLIPS: dict[str, tuple[dict[str, t.Any], list[str]]] = {
    "a letter is missing": (
        {"elasticsearch_clusters": CLUSTERS, "cross_cluster_link": LINKS},
        [
            "cross_cluster_link is read by nobody; did you mean [cross_cluster_links]?",
            "cross_cluster_links is not defined",
        ],
    ),
    "a capital": (
        {"elasticsearch_clusters": CLUSTERS, "Cross_cluster_links": LINKS},
        ["Cross_cluster_links is read by nobody; did you mean [cross_cluster_links]?"],
    ),
    "nothing": ({}, ["elasticsearch_clusters is not defined", "cross_cluster_links is not defined"]),
    "undefined in a cluster": (
        {"elasticsearch_clusters": {**CLUSTERS, "rome": {"password": UNDEFINED}}, "cross_cluster_links": LINKS},
        ["elasticsearch_clusters.rome.password has no value: 'nobody_has_defined_it' is undefined"],
    ),
    "undefined in a link": (
        {"elasticsearch_clusters": CLUSTERS, "cross_cluster_links": [{**LINKS[0], "expiration": UNDEFINED}]},
        ["cross_cluster_links[0].expiration has no value: 'nobody_has_defined_it' is undefined"],
    ),
    "of the role": (
        {"elasticsearch_clusters": CLUSTERS, "cross_cluster_links": LINKS, "cross_cluster_trust_rotat": True},
        ["cross_cluster_trust_rotat is read by nobody; did you mean [cross_cluster_trust_rotate]?"],
    ),
    "of a playbook": (
        {"elasticsearch_clusters": CLUSTERS, "cross_cluster_links": LINKS, "cross_cluster_verify_failon": ["broken"]},
        ["did you mean [cross_cluster_verify_fail_on]?"],
    ),
    "two at once": (
        {"elasticsearch_cluster": CLUSTERS, "crosscluster_links": LINKS},
        ["did you mean [elasticsearch_clusters]?", "did you mean [cross_cluster_links]?"],
    ),
}


@pytest.mark.parametrize(
    "playbook, slip",
    [
        *(("trust", slip) for slip in SLIPS),
        *((name, slip) for name in PLAYBOOKS[1:] for slip in ("a letter is missing", "undefined in a link")),
    ],
)
def test_a_name_that_nobody_reads_is_no_success(tmp_path, playbook, slip):
    variables, words = SLIPS[slip]
    run = run_playbook(f"crosscluster.elasticsearch.{playbook}", directory=tmp_path / "run", extra_vars=variables)
    assert run.rc == 2 and [word for word in words if word not in str(run.messages)] == [], run
    assert not any("Read which keys" in task for task in run.tasks)


EMPTY = {"elasticsearch_clusters": CLUSTERS, "cross_cluster_links": []}
OF_THE_ROLE = {
    "cross_cluster_trust_clusters": CLUSTERS, "cross_cluster_trust_links": [], "elasticsearch_cluster": "of the user",
}  # fmt: skip


@pytest.mark.parametrize(
    "playbook, variables",
    [*((name, EMPTY) for name in PLAYBOOKS), ("trust", OF_THE_ROLE), ("report", OF_THE_ROLE)],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_no_link_is_no_mistake(tmp_path, playbook, variables):
    variables = {**variables, "cross_cluster_report_json": str(tmp_path / "report.json"), "cross_cluster_rotations": 3}
    run = run_playbook(f"crosscluster.elasticsearch.{playbook}", directory=tmp_path / "run", extra_vars=variables)
    assert run.ok and "No link is configured" in run.stdout, run
    if playbook in ("verify", "report"):
        assert json.loads((tmp_path / "report.json").read_text())["links"] == []


def test_a_name_of_a_variable_of_the_client_role(tmp_path):
    role = {"name": "crosscluster.elasticsearch.remote_cluster_client"}
    given = {**GOOD, "remote_cluster_client_wiat": 3}
    play = {"hosts": "localhost", "gather_facts": False, "vars": given, "tasks": [{"include_role": role}]}
    run = run_playbook(write(tmp_path / "play.yml", [play]), directory=tmp_path / "run")
    assert run.rc == 2 and "did you mean [remote_cluster_client_wait]?" in str(run.messages), run
    assert (clean := swept(run)).clean, clean


def test_all_mistakes_are_told_at_once(tmp_path):
    clusters = {
        **CLUSTERS,
        "berlin": {
            **CLUSTERS["berlin"],
            "timeout": "soon",
            "remote_cluster_server": "berlin",
            "ca_cert": "nowhere/ca.crt",
        },
    }
    links = [{**LINKS[0], "expiration": "90"}, {"from": "paris", "to": "rom"}]
    variables = {"elasticsearch_clusters": clusters, "cross_cluster_links": links}
    run = run_playbook("crosscluster.elasticsearch.trust", directory=tmp_path / "run", extra_vars=variables)
    assert run.rc == 2, run
    for word in (
        "berlin.timeout must be a whole number",
        "[berlin] has no port: write berlin:9443",
        "there is no file [nowhere/ca.crt]",
        "expiration",
        "[to: rom] is not in elasticsearch_clusters; did you mean [rome]?",
    ):
        assert word in str(run.messages), (word, run)
    assert (clean := swept(run)).clean, clean


def test_links_are_looked_at_once_and_their_mistakes_told_with_those_of_the_host(tmp_path):
    given = {
        "elasticsearch_clusters": CLUSTERS, "cross_cluster_links": [{**LINKS[0], "to": "rom"}],
        "cross_cluster_trust_wait": "long",
    }  # fmt: skip
    play = {"hosts": "all", "gather_facts": False, "vars": given, "roles": [ROLE]}
    run = run_playbook(
        write(tmp_path / "play.yml", [play]), directory=tmp_path / "run",
        inventory={"all": {"hosts": dict.fromkeys(("one", "two"), {"ansible_connection": "local"})}},
    )  # fmt: skip
    (said,) = run.messages
    assert said.count("did you mean [rome]?") == 1 and "cross_cluster_trust_wait must be a whole number" in said, run
    assert (clean := swept(run)).clean, clean


def test_what_is_wrong_on_another_host_is_found_before_the_first_write(tmp_path):
    given = {"elasticsearch_clusters": CLUSTERS, "cross_cluster_links": LINKS}
    play = {"hosts": "all", "gather_facts": False, "vars": given, "roles": [ROLE]}
    local = {"ansible_connection": "local"}
    hosts = {"one": local, "localhost": {**local, "cross_cluster_trust_wait": "long"}}
    run = run_playbook(
        write(tmp_path / "play.yml", [play]), directory=tmp_path / "run", inventory={"all": {"hosts": hosts}}
    )
    assert run.rc == 2 and run.changed == 0 and "cross_cluster_trust_wait must be a whole number" in str(run.messages)
    assert (clean := swept(run)).clean, clean


@pytest.mark.parametrize(
    "name, value", [("cross_cluster_trust_state", "absent"), ("cross_cluster_trust_restart", True)]
)
def test_what_is_asked_for_all_links_is_the_same_for_all_hosts(tmp_path, name, value):
    """One host that is asked something else would do it to the links of all."""
    given = {"elasticsearch_clusters": CLUSTERS, "cross_cluster_links": LINKS}
    play = {"hosts": "all", "gather_facts": False, "vars": given, "roles": [ROLE]}
    hosts = {"one": {"ansible_connection": "local"}, "two": {"ansible_connection": "local", name: value}}
    run = run_playbook(
        write(tmp_path / "play.yml", [play]), directory=tmp_path / "run", inventory={"all": {"hosts": hosts}}
    )
    assert run.rc == 2 and f"{name} is not the same for all hosts of the play" in str(run.messages), run


def test_a_condition_around_the_role_that_leaves_out_its_first_host(tmp_path):
    role = {"role": "crosscluster.elasticsearch.cross_cluster_trust", "when": "inventory_hostname != 'one'"}
    given = {"elasticsearch_clusters": CLUSTERS, "cross_cluster_links": LINKS}
    play = {"hosts": "all", "gather_facts": False, "vars": given, "roles": [role]}
    hosts = dict.fromkeys(("one", "two"), {"ansible_connection": "local"})
    run = run_playbook(
        write(tmp_path / "play.yml", [play]), directory=tmp_path / "run", inventory={"all": {"hosts": hosts}}
    )
    assert run.rc == 2 and "a condition of this role is not true for its first host" in str(run.messages), run


def test_what_verify_fails_for_is_checked_before_anybody_is_asked(tmp_path):
    given = {
        "elasticsearch_clusters": CLUSTERS,
        "cross_cluster_links": LINKS,
        "cross_cluster_verify_fail_on": ["brokn"],
    }
    run = run_playbook("crosscluster.elasticsearch.verify", directory=tmp_path / "run", extra_vars=given)
    assert run.rc == 2 and "did you mean [broken]?" in str(run.messages), run
    assert not any("Read which keys" in task for task in run.tasks)


@pytest.mark.parametrize("playbook", ["verify", "report"])
def test_a_playbook_that_reports(tmp_path, playbook):
    name = {"verify": "cross_cluster_verify_fail_on", "report": "cross_cluster_report_warn_days"}[playbook]
    variables = {"elasticsearch_clusters": CLUSTERS, "cross_cluster_links": LINKS, "near": PASSWORD, name: UNDEFINED}
    run = run_playbook(
        f"crosscluster.elasticsearch.{playbook}", directory=tmp_path / "run", verbosity=4,
        arguments=["-e", f"@{write(tmp_path / 'v.yml', variables)}"],
    )  # fmt: skip
    assert (clean := swept(run)).clean, clean
