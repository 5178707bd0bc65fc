# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said twice must agree: argument specs, documentation, action group, role specs, defaults, tests."""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
COLLECTION = "crosscluster.elasticsearch"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
ROLES = sorted(path.parent.parent.name for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
PLUGINS = sorted(
    (kind, path.stem)
    for kind in ("lookup", "filter")
    for path in (ROOT / "plugins" / kind).glob("*.*")
    if path.suffix == ".yml" or (path.suffix == ".py" and kind == "lookup")
)


class Captured(BaseException):
    """Not an Exception, so that no module can take it for an error of its own."""


def load(*parts: str):
    return yaml.safe_load((ROOT.joinpath(*parts)).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def documentation(tmp_path_factory):
    """What ansible-doc says about each plugin, doc fragments included."""
    collections = tmp_path_factory.mktemp("collections")
    link = collections / "ansible_collections" / "crosscluster" / "elasticsearch"
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT)
    env = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(collections), ANSIBLE_HOME=str(collections / "home"))

    def ask(kind: str, names: list[str]) -> dict:
        command = [sys.executable, "-c", "from ansible.cli.doc import main; main()", "--json", "-t", kind]
        command += ["%s.%s" % (COLLECTION, name) for name in names]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    found = {("module", name.rsplit(".", 1)[1]): doc for name, doc in ask("module", MODULES).items()}
    for kind in ("lookup", "filter"):
        names = [name for of, name in PLUGINS if of == kind]
        if names:
            found.update({(kind, name.rsplit(".", 1)[1]): doc for name, doc in ask(kind, names).items()})
    return found


def specification(name: str, monkeypatch) -> dict:
    """The keyword arguments with which a module makes its AnsibleModule."""
    basic = importlib.import_module("ansible.module_utils.basic")

    def capture(self, **kwargs):
        raise Captured(kwargs)

    monkeypatch.setattr(basic.AnsibleModule, "__init__", capture)
    module = importlib.import_module("ansible_collections.%s.plugins.modules.%s" % (COLLECTION, name))
    with pytest.raises(Captured) as caught:
        module.main()
    return caught.value.args[0]


def compare(where: str, spec: dict, documented: dict) -> list[str]:
    problems = ["%s.%s: not documented" % (where, name) for name in spec.keys() - documented.keys()]
    problems += ["%s.%s: documented, not in the spec" % (where, name) for name in documented.keys() - spec.keys()]
    for name in spec.keys() & documented.keys():
        ours, said = spec[name], documented[name]
        for key, fallback in (("type", "str"), ("elements", None), ("required", False), ("default", None)):
            if ours.get(key, fallback) != said.get(key, fallback):
                problems.append("%s.%s: %s is %r, documented %r" % (where, name, key, ours.get(key), said.get(key)))
        for key in ("choices", "aliases"):
            if sorted(ours.get(key) or []) != sorted(said.get(key) or []):
                problems.append("%s.%s: %s differ" % (where, name, key))
        sub = ours.get("options") or {}
        problems += compare("%s.%s" % (where, name), sub, said.get("suboptions") or {}) if sub else []
    return problems


@pytest.mark.parametrize("name", MODULES)
def test_spec_and_documentation_of_a_module_agree(name, documentation, monkeypatch):
    spec = specification(name, monkeypatch)
    assert compare(name, spec["argument_spec"], documentation["module", name]["doc"].get("options") or {}) == []


@pytest.mark.parametrize("name", MODULES)
def test_attributes_of_a_module_are_true(name, documentation, monkeypatch):
    attributes = documentation["module", name]["doc"]["attributes"]
    spec = specification(name, monkeypatch)
    assert {"check_mode", "diff_mode", "idempotent"} <= attributes.keys()
    assert spec.get("supports_check_mode", False) == (attributes["check_mode"]["support"] != "none")
    for attribute, said in attributes.items():
        if said["support"] == "partial":
            assert said.get("details"), "%s is partial, and nothing says in what way" % attribute


def test_action_group_holds_the_modules_that_talk_to_a_cluster(documentation):
    talking = [name for name in MODULES if "urls" in (documentation["module", name]["doc"].get("options") or {})]
    assert load("meta", "runtime.yml")["action_groups"]["elasticsearch"] == talking
    for name in talking:
        group = documentation["module", name]["doc"]["attributes"]["action_group"]
        assert group["membership"] == ["%s.elasticsearch" % COLLECTION], name


def test_lookup_takes_the_connection_options_of_the_modules(documentation):
    modules = documentation["module", "remote_cluster_info"]["doc"]["options"].keys() - {"alias", "probe"}
    connection = {
        name for name in modules if name in documentation["module", "cross_cluster_api_key"]["doc"]["options"]
    }
    assert connection <= documentation["lookup", "cross_cluster_api_key"]["doc"]["options"].keys()


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_name_existing_options(name, documentation, monkeypatch):
    options = documentation["module", name]["doc"].get("options") or {}
    known = set(options) | {alias for option in options.values() for alias in option.get("aliases") or []}
    used = list(calls(yaml.safe_load(documentation["module", name]["examples"]), "%s.%s" % (COLLECTION, name)))
    assert used, "no example calls the module by its full name"
    assert {option for arguments in used for option in arguments} - known == set()


@pytest.mark.parametrize("kind, name", PLUGINS)
def test_examples_of_a_plugin_parse(kind, name, documentation):
    assert yaml.safe_load(documentation[kind, name]["examples"])


def calls(node, name: str):
    """Arguments of every call of a module, however deep in blocks and plays."""
    if isinstance(node, list):
        for item in node:
            yield from calls(item, name)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value or {}
            else:
                yield from calls(value, name)


@pytest.mark.parametrize("name", MODULES)
def test_every_option_of_a_module_appears_in_a_test(name, documentation):
    tests = [
        text
        for path in (ROOT / "tests").rglob("*.py")
        if path.name.startswith("test_") and path != pathlib.Path(__file__)
        for text in [path.read_text(encoding="utf-8")]
        if name in text
    ]
    options = documentation["module", name]["doc"].get("options") or {}
    # The connection options are those of every module; their own tests count for all.
    shared = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    common = (
        documentation["module", "remote_cluster"]["doc"]["options"].keys() & options.keys() if "urls" in options else ()
    )
    missing = [
        option
        for option in options
        if not any(re.search(r"\b%s\b" % re.escape(option), text) for text in ([shared] if option in common else tests))
    ]
    assert missing == []


@pytest.mark.parametrize("role", ROLES)
def test_defaults_of_a_role_are_those_of_its_argument_specs(role):
    specs = load("roles", role, "meta", "argument_specs.yml")["argument_specs"]
    options: dict = {}
    for spec in specs.values():
        options.update(spec.get("options") or {})
    defaults = load("roles", role, "defaults", "main.yml") or {}
    # A template in the specification would be shown with what it stands for, which may be all passwords.
    plain = {name: value for name, value in defaults.items() if "{{" not in str(value)}
    assert plain == {name: option["default"] for name, option in options.items() if "default" in option}
    assert defaults.keys() <= options.keys()
    assert "{{" not in str(specs)
    assert [name for name in options if not name.startswith(role + "_")] == []


def expressions(node, key=""):
    """What Jinja evaluates in tasks and variables, without the texts in it, and whether it is the whole value."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from expressions(value, str(name))
    elif isinstance(node, list):
        for item in node:
            yield from expressions(item, key)
    elif isinstance(node, str):
        conditional = key in ("when", "that", "until", "failed_when", "changed_when")
        for found in [node] if conditional else re.findall(r"\{\{(.*?)\}\}", node, re.DOTALL):
            yield key, re.sub(r"'[^']*'", "''", found).strip(), node.strip() == "{{%s}}" % found


@pytest.mark.parametrize("kind", ["bool", "int"])
def test_a_role_makes_booleans_and_numbers_of_what_comes_as_text(kind):
    """Values of `-e name=value` are text: there "false" is true, and no number."""
    options = {}
    for role in ROLES:
        for spec in load("roles", role, "meta", "argument_specs.yml")["argument_specs"].values():
            options.update(spec["options"])
    names = [name for name, option in options.items() if option.get("type") == kind]
    # These take a whole value, and make of it what they need.
    takers = {*options, "no_log", "wait_connected", "backup"}
    bare = r"\b(?:%s)\b(?!\s*\|\s*%s\b)" % ("|".join(names), kind)
    paths = [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/vars/*.yml"), *ROOT.glob("playbooks/*.yml")]
    found = [
        "%s: %s" % (path.relative_to(ROOT), text)
        for path in paths
        for key, text, whole in expressions(yaml.safe_load(path.read_text(encoding="utf-8")))
        if re.search(bare, text) and not (whole and text in names and key in takers)
    ]
    assert names and found == []


@pytest.mark.parametrize("role", ROLES)
def test_secret_options_of_a_role_are_plain_strings(role):
    """The error for a value of the wrong type prints the value, so a secret must be of the type that takes anything."""
    specs = load("roles", role, "meta", "argument_specs.yml")["argument_specs"]
    for spec in specs.values():
        for name, option in (spec.get("options") or {}).items():
            if option.get("no_log"):
                assert option.get("type", "str") == "str" and not option.get("choices"), name


def test_utilities_are_private_by_name_and_say_so():
    for folder in ("module_utils", "plugin_utils", "doc_fragments"):
        for path in (ROOT / "plugins" / folder).rglob("*.py"):
            if path.name == "__init__.py":
                continue
            assert path.relative_to(ROOT / "plugins" / folder).parts[0].startswith("_"), path
            assert "private" in path.read_text(encoding="utf-8").lower(), "%s does not say that it is private" % path


def rooms():
    """The private folders, with the files in each."""
    for top in ("module_utils", "plugin_utils"):
        for folder in (ROOT / "plugins" / top, *(ROOT / "plugins" / top).glob("_*/")):
            if folder.name != "__pycache__":
                yield folder, [path for path in folder.glob("*.py") if path.name != "__init__.py"]


def test_rooms_are_small():
    for folder, files in rooms():
        assert len(files) <= 12, folder
        for path in files:
            lines = path.read_text(encoding="utf-8").count("\n")
            assert lines <= 400, f"{path} has {lines} lines"


def test_the_map_of_the_contributors_names_every_private_file_and_every_folder():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    files = [f"`{path.name}`" for _folder, files in rooms() for path in files]
    files += [f"{folder.parent.name}/{folder.name}/" for folder, _files in rooms() if folder.name.startswith("_")]
    folders = [path for top in ("plugins", "tests", "extensions") for path in (ROOT / top).iterdir() if path.is_dir()]
    known = {"unit", "output", "__pycache__", "module_utils", "plugin_utils"}  # tests/unit mirrors plugins/
    missing = [name for name in files if name not in text]
    missing += [f"{path.parent.name}/{path.name}" for path in folders
                if path.name not in known and f"{path.parent.name}/{path.name}/" not in text]  # fmt: skip
    assert missing == []


def test_the_changelog_describes_plugins_as_their_documentation_does(documentation):
    release = load("changelogs", "changelog.yaml")["releases"]["1.0.0"]
    told = [("module", entry) for entry in release["modules"]]
    told += [(kind, entry) for kind, entries in release["plugins"].items() for entry in entries]

    def plain(text):
        return re.sub(r"\\(.)", r"\1", text).rstrip(".")

    differing = [
        (kind, entry["name"])
        for kind, entry in told
        if (kind, entry["name"]) in documentation  # a filter of the roles may have gone since
        and plain(entry["description"]) != plain(documentation[kind, entry["name"]]["doc"]["short_description"])
    ]
    assert differing == []


def actions(tasks):
    """The action of each task of a list, blocks included."""
    for task in tasks or ():
        for part in ("block", "rescue", "always"):
            yield from actions(task.get(part))
        yield from (name for name in task if "." in name)


def test_on_nodes_roles_run_no_module_but_ours():
    """Modules of ansible-core hand on the facts of a node that lies, follow redirects with the login, and, as root, the
    links of whoever owns the directory."""
    on_the_controller = {
        "add_host",
        "assert",
        "debug",
        "fail",
        "import_role",
        "import_tasks",
        "include_role",
        "include_tasks",
        "set_fact",
    }
    files = sorted((ROOT / "roles").rglob("tasks/*.yml"))
    assert len(files) > 20
    found = [
        (path.parent.parent.name, path.name, name)
        for path in files
        for name in actions(yaml.safe_load(path.read_text(encoding="utf-8")))
        if not name.startswith("crosscluster.") and name.removeprefix("ansible.builtin.") not in on_the_controller
    ]
    assert found == [("cross_cluster_report", "write.yml", "ansible.builtin.copy")]  # where the report goes


def test_no_variable_switches_off_what_hides_secrets():
    files = [*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").rglob("*.yml")]
    found = {
        line.strip() for path in files for line in path.read_text(encoding="utf-8").splitlines() if "no_log:" in line
    }
    assert found == {"no_log: true"}


def test_no_ignore_lines():
    assert list((ROOT / "tests" / "sanity").glob("ignore-*.txt")) == []


def test_execution_environments_get_what_the_modules_import():
    assert load("meta", "execution-environment.yml")["dependencies"] == {
        "python": "meta/ee-requirements.txt",
        "system": "meta/ee-bindep.txt",
    }
    lines = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").split()
    assert [re.split(r"[<>=~!]", line)[0] for line in lines] == ["requests"]
