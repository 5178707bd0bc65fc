# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of modules, lookup and the roles of one side shows works as it stands, but for addresses,
logins and paths. The examples of both sides together are in test_paths."""

from __future__ import annotations

import re
import shutil
import typing as t
from pathlib import Path

import pytest
import yaml

from support.links import Links
from support.playbook import Run, run_playbook
from support.worlds import Api, connection, link, reset

ROOT = Path(__file__).resolve().parents[2]
FQCN = "crosscluster.elasticsearch."
# On which cluster the examples run: keys are made where the data is.
SERVER_SIDE = ("cross_cluster_api_key", "cross_cluster_api_keys", "cross_cluster_api_key_info", "cluster_info")
ELSEWHERE = ("become", "become_user", "delegate_to", "run_once", "notify")


def examples(path: Path) -> str:
    found = re.search(r'^EXAMPLES = r"""\n(.*?)^"""', path.read_text(), re.MULTILINE | re.DOTALL)
    assert found, path
    return found.group(1)


def here(task: dict[str, t.Any], clusters: dict[str, t.Any]) -> dict[str, t.Any]:
    """The task with what exists here in the place of what an example can only make up."""
    task = {key: value for key, value in task.items() if key not in ELSEWHERE}
    for key, arguments in task.items():
        if not key.startswith(FQCN):
            continue
        berlin, paris = clusters["berlin"], clusters["paris"]
        cluster = berlin if key[len(FQCN) :] in SERVER_SIDE else paris
        node = paris["nodes"][0]
        known = {
            "urls": cluster["urls"], "url": cluster["urls"][0], "username": "elastic", "password": cluster["password"],
            "ca_cert": cluster["ca_cert"], "executable": node["keystore"], "config_dir": node["config_dir"],
            "proxy_address": berlin["remote_cluster_server"], "seeds": [berlin["remote_cluster_server"]],
            "addresses": [berlin["remote_cluster_server"]], "ca_certs": [berlin["remote_ca_cert"]],
            "block": "remote_cluster.tcp.keep_alive: true\n", "command": [f"{node['home']}/bin/restart-node"],
        }  # fmt: skip
        given = {name: known.get(name, value) for name, value in (arguments or {}).items()}
        # The keystores here have no password.
        task[key] = {name: value for name, value in given.items() if name != "keystore_password"}
    return task


def play(tasks: list[dict[str, t.Any]], cluster: dict[str, t.Any], node: dict[str, t.Any]) -> dict[str, t.Any]:
    tool = {"executable": node["keystore"], "config_dir": node["config_dir"]}
    return {
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {
            f"group/{FQCN}elasticsearch": connection(cluster),
            f"{FQCN}keystore": tool,
            f"{FQCN}keystore_info": tool,
        },
        "tasks": tasks,
    }


@pytest.fixture
def linked(make_world: t.Any) -> t.Any:
    world = make_world(nodes=2)
    reset(world)
    clusters = world.spec["clusters"]
    world.live = link(clusters["paris"], clusters["berlin"], "berlin")["encoded"]
    answer = Api(clusters["paris"]).put("/_security/role/analyst", {"cluster": ["monitor"]})
    assert answer.status == 200
    return world


def test_examples_of_modules_and_of_the_lookup(linked: t.Any, tmp_path: Path) -> None:
    clusters = linked.spec["clusters"]
    berlin, paris = clusters["berlin"], clusters["paris"]
    stored = {"access": {"search": [{"names": ["logs-*"]}]}, "credential_store": "{{ crosscluster_credential_store }}"}
    plays = []
    for path in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        if path.stem in ("check_play", "cluster_calls", "link_phase"):
            continue  # Parts of the roles: without the variables of one there is nothing to do.
        tasks = [here(task, clusters) for task in yaml.safe_load(examples(path))]
        if path.stem == "keystore":
            make = {
                f"{FQCN}cross_cluster_api_key": {**stored, "name": "{{ item }}"},
                "loop": ["paris-berlin", "madrid-berlin"],
            }
            plays.append(play([make], berlin, paris["nodes"][0]))
            tasks.append({f"{FQCN}keystore": {"name": "cluster.remote.berlin.credentials", "value": linked.live}})
        if path.stem == "remote_cluster":
            tasks.append({**tasks[0], "name": "Let paris know berlin again"})
        plays.append(play(tasks, berlin if path.stem in SERVER_SIDE else paris, paris["nodes"][0]))
    text = examples(ROOT / "plugins" / "lookup" / "cross_cluster_api_key.py")
    login = f"urls={berlin['urls']!r}, username='elastic', password=monitor_password, ca_cert={berlin['ca_cert']!r}"
    text = re.sub(r"urls=\[.*?\],.*?ca_cert='[^']*'", login, text, flags=re.DOTALL)
    for store in ("store='credentials'", "/etc/ansible/credentials"):
        assert store in text
    text = text.replace("store='credentials'", f"store='{tmp_path}/credentials'")
    lookup = yaml.safe_load(text.replace("/etc/ansible/credentials", f"{tmp_path}/credentials"))
    plays.append(play([here(task, clusters) for task in lookup], paris, paris["nodes"][0]))
    done = run_playbook(
        plays,
        directory=tmp_path / "run",
        extra_vars={
            "crosscluster_credential_store": str(tmp_path / "credentials"),
            "elasticsearch_password": berlin["password"],
            "monitor_password": berlin["password"],
            "berlin_key": {"encoded": Api(berlin).key("by-hand")["encoded"]},
            "madrid_key": {"encoded": Api(berlin).key("by-hand-too")["encoded"]},
            "vault_berlin": berlin["password"],
            "vault_elastic_password": paris["password"],
        },
    )  # fmt: skip
    assert done.ok, str(done)
    ran = sum(event["event"] == "runner_on_ok" for event in done.events)
    assert ran >= 30, f"only {ran} examples ran"


def play_of(role: str) -> dict[str, t.Any]:
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found, role
    (play,) = yaml.safe_load(found.group(1))
    return play["vars"]


def twice(links: Links, role: str, cluster: str, variables: dict[str, t.Any], **given: t.Any) -> None:
    def run(**options: t.Any) -> Run:
        found = links.role(role, cluster, variables, extra_vars=given, **options)
        assert found.ok, str(found)
        return found

    checked, done = run(check=True), run()
    assert done.changed == checked.changed > 0, str(done)
    assert run().changed == 0


def test_the_example_of_the_client_role(make_world: t.Any, tmp_path: Path) -> None:
    world = make_world(nodes=2)
    reset(world)
    links = Links(world, tmp_path, [("paris", "berlin")])
    paris, variables = links.clusters["paris"], play_of("remote_cluster_client")
    variables["remote_cluster_client_settings"]["proxy_address"] = links.clusters["berlin"]["remote_cluster_server"]
    variables["remote_cluster_client_connection"].update(
        {**connection(paris), "password": "{{ vault_paris_password }}"}
    )
    variables["remote_cluster_client_keystore"] = "{{ node_keystore }}"
    variables["remote_cluster_client_config_dir"] = "{{ node_config_dir }}"
    key = links.api("berlin").key("by-hand")["encoded"]
    twice(
        links,
        "remote_cluster_client",
        "paris",
        variables,
        vault_paris_password=paris["password"],
        vault_hosted_encoded_key=key,
    )
    assert {*links.search("paris", "hosted")} == {200}


def test_the_example_of_the_server_role(make_world: t.Any, tmp_path: Path) -> None:
    world = make_world(nodes=2)
    reset(world)
    links = Links(world, tmp_path, [("paris", "berlin")])
    berlin, variables = links.clusters["berlin"], play_of("remote_cluster_server")
    files = tmp_path / "files"
    files.mkdir()
    for node in berlin["nodes"]:
        for end in ("crt", "key"):
            shutil.copy(Path(node["config_dir"], "certs", f"remote_cluster.{end}"), files / f"{node['name']}.{end}")
        path = Path(node["config_dir"], "elasticsearch.yml")
        lines = [line for line in path.read_text().splitlines() if not line.startswith("remote_cluster_server.enabled")]
        lines = [line for line in lines if "remote_cluster_server.ssl" not in line]
        path.write_text("\n".join([*lines, ""]))
    for name in ("certificate", "key"):
        path = variables[f"remote_cluster_server_{name}"]
        variables[f"remote_cluster_server_{name}"] = f"{tmp_path}/{path}"
    variables["remote_cluster_server_config_dir"] = "{{ node_config_dir }}"
    variables["remote_cluster_server_url"] = "{{ node_url }}"
    variables["remote_cluster_server_connection"].update(
        {**connection(berlin), "password": "{{ vault_berlin_password }}"}
    )
    variables["remote_cluster_server_restart_command"] = ["{{ node_home }}/bin/restart-node"]
    twice(links, "remote_cluster_server", "berlin", variables, vault_berlin_password=berlin["password"])
