# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README, the guides and the READMEs of the roles show is run, with clusters that exist here."""

from __future__ import annotations

import re
import shutil
import typing as t
from pathlib import Path

import pytest
import yaml

from support.links import Links
from support.playbook import run_playbook
from support.worlds import Api, connection, link

pytestmark = pytest.mark.needs("clusters")

ROOT = Path(__file__).resolve().parents[2]
FQCN = "crosscluster.elasticsearch."
CLUSTERS = ("berlin", "paris", "madrid", "cloud")
# What an example can only make up.
MADE_UP = (
    "urls", "url", "username", "password", "ca_cert", "remote_cluster_server", "proxy_address", "server_name", "nodes",
    "remote_ca_cert",
)  # fmt: skip


def blocks() -> dict[str, t.Any]:
    """Every block of YAML, by where it stands."""
    found: dict[str, t.Any] = {}
    for path in [ROOT / "README.md", *sorted((ROOT / "roles").glob("*/README.md"))]:
        name = path.parent.name if path.parent != ROOT else "README"
        for text in re.findall(r"```yaml\n(.*?)```", path.read_text(), re.DOTALL):
            found[f"{name} {len(found)}"] = yaml.safe_load(text)
    for path in sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst")):
        for text in re.findall(r"^( *)\.\. code-block:: yaml\n\n((?:(?:\1 +.*)?\n)+)", path.read_text(), re.MULTILINE):
            indent = re.match(r" *", text[1]).end()
            lines = "\n".join(line[indent:] for line in text[1].splitlines())
            found[f"{path.stem} {len(found)}"] = yaml.safe_load(lines)
    return found


def kind(block: t.Any) -> str:
    if isinstance(block, dict):
        return "links" if {"elasticsearch_clusters", "cross_cluster_links"} & set(block) else "other"
    plays = all("hosts" in item for item in block)
    if plays and any(item.get("roles") for item in block):
        return "role"
    calls = plays or any(key.startswith(FQCN) for item in block for key in item)
    return "tasks" if calls else "other"


BLOCKS = blocks()


def of_kind(wanted: str) -> t.Any:
    return pytest.mark.parametrize("block", [pytest.param(b, id=n) for n, b in BLOCKS.items() if kind(b) == wanted])


def test_every_block_is_run_or_known_not_to_be_for_ansible() -> None:
    assert {name.split()[0] for name, block in BLOCKS.items() if kind(block) == "other"} == {
        "README",  # requirements.yml, and a line of a template
        "awx_guide",  # which links a job template takes, tested with the kit
        "daily_use",  # the owner, tested in test_daily_use.py
        "search_and_replication",  # a follower, which simulated clusters have none of
        "report_guide",  # rules of Prometheus
    }
    assert sum(kind(block) != "other" for block in BLOCKS.values()) >= 11


@pytest.fixture
def estate(make_world: t.Any) -> t.Any:
    world = make_world(clusters={name: {"nodes": 1} for name in CLUSTERS})
    for name in CLUSTERS:
        world.control(name, "reset")
    return world


def real(example: dict[str, t.Any], cluster: dict[str, t.Any]) -> dict[str, t.Any]:
    """A cluster of an example, with addresses and login of one that exists here."""
    return {**cluster, **{name: value for name, value in example.items() if name not in MADE_UP}}


def make(block: dict[str, t.Any], world: t.Any, directory: Path) -> Links:
    """The links of a block, made by the playbook; what a block leaves out is what another one shows."""
    shown = block.get("elasticsearch_clusters") or {}
    access = {"search": [{"names": ["logs-*"]}]}
    wanted = block.get("cross_cluster_links") or [
        {"from": "paris", "to": name, "access": access} for name in shown if name != "paris"
    ]
    links = Links(world, directory, wanted)
    clusters = {name: real(shown.get(name, {}), cluster) for name, cluster in links.clusters.items()}
    for one in links.links:
        if "adopt" in one:
            by_hand = link(clusters[one["from"]], clusters[one["to"]], one["to"], one["access"])
            one["adopt"] = by_hand["id"]
    done = links.play("trust", variables={"elasticsearch_clusters": clusters})
    assert done.ok, str(done)
    return links


@of_kind("links")
def test_links_of_the_guides(block: t.Any, estate: t.Any, tmp_path: Path) -> None:
    links = make(block, estate, tmp_path)
    assert links.links and links.all_work()
    again = links.play("trust")
    assert again.ok and again.changed == 0, str(again)


@of_kind("tasks")
def test_tasks_of_the_guides(block: t.Any, estate: t.Any, tmp_path: Path) -> None:
    clusters = estate.spec["clusters"]
    make({"elasticsearch_clusters": {"berlin": {}}}, estate, tmp_path / "before")
    plays = block if "hosts" in block[0] else [{"hosts": "all", "gather_facts": False, "tasks": block}]
    for play in plays:
        for arguments in play.get("module_defaults", {}).values():
            arguments.update(connection(clusters["berlin"]))
        play["tasks"] = [task_here(task, clusters, "module_defaults" in play) for task in play["tasks"]]
    # The README goes on with the credential of the key that it made.
    if any(f"{FQCN}cross_cluster_api_key" in task for task in plays[0]["tasks"]):
        (line,) = [one for one in BLOCKS.values() if isinstance(one, dict) and "credential" in one]
        plays[0]["tasks"].append({"ansible.builtin.assert": {"that": "credential | length > 20"}, "vars": line})
    done = run_playbook(plays, directory=tmp_path / "run")
    assert done.ok, str(done)


def task_here(task: dict[str, t.Any], clusters: dict[str, t.Any], has_login: bool) -> dict[str, t.Any]:
    (name,) = [key for key in task if key.startswith(FQCN)]
    side = clusters["paris"] if name == f"{FQCN}remote_cluster" else clusters["berlin"]
    given = {key: value for key, value in (task[name] or {}).items() if key not in MADE_UP}
    if name == f"{FQCN}remote_cluster":
        given["proxy_address"] = clusters["berlin"]["remote_cluster_server"]
    return {**task, name: given if has_login else {**given, **connection(side)}}


@of_kind("role")
def test_roles_of_their_readmes(block: t.Any, estate: t.Any, tmp_path: Path) -> None:
    clusters = estate.spec["clusters"]
    (play,) = block
    (role,) = (name.replace(FQCN, "") for name in play["roles"])
    variables = play["vars"]
    links = Links(estate, tmp_path, [("paris", "berlin")])
    if role == "cross_cluster_trust":
        shown = variables.pop("elasticsearch_clusters")
        make({"elasticsearch_clusters": shown, **variables}, estate, tmp_path / "links")
        variables["elasticsearch_clusters"] = {name: real(shown[name], clusters[name]) for name in shown}
        nodes = "paris berlin"
    elif role == "remote_cluster_client":
        variables |= {
            "remote_cluster_client_connection": connection(clusters["paris"]),
            "vault_hosted_encoded_key": Api(clusters["berlin"]).key("by-hand")["encoded"],
            "remote_cluster_client_keystore": "{{ node_keystore }}",
            "remote_cluster_client_config_dir": "{{ node_config_dir }}",
        }
        settings = variables["remote_cluster_client_settings"]
        settings["proxy_address"] = clusters["berlin"]["remote_cluster_server"]
        del settings["server_name"]
        nodes = "paris"
    else:
        (node,) = clusters["berlin"]["nodes"]
        files = tmp_path / "files"
        files.mkdir()
        for kind_of in ("crt", "key"):
            shutil.copy(f"{node['config_dir']}/certs/remote_cluster.{kind_of}", files / f"{node['name']}.{kind_of}")
            name = {"crt": "certificate", "key": "key"}[kind_of]
            path = variables[f"remote_cluster_server_{name}"]
            variables[f"remote_cluster_server_{name}"] = path.replace("files/", f"{files}/")
        config = Path(node["config_dir"], "elasticsearch.yml")
        config.write_text(re.sub(r"^.*remote_cluster_server\..*\n", "", config.read_text(), flags=re.MULTILINE))
        variables |= {
            "remote_cluster_server_connection": connection(clusters["berlin"]),
            "remote_cluster_server_config_dir": "{{ node_config_dir }}",
            "remote_cluster_server_url": "{{ node_url }}",
            "remote_cluster_server_settings": {"remote_cluster.host": "127.0.0.1"},
            "remote_cluster_server_restart_command": ["{{ node_home }}/bin/restart-node"],
        }
        nodes = "berlin"
    first = links.role(role, nodes, variables)
    assert first.ok, str(first)
    if role == "remote_cluster_client":
        assert links.search("paris", "hosted") == [200]
    again = links.role(role, nodes, variables)
    assert again.ok and again.changed == 0, str(again)
