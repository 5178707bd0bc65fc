# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that variables name are found beside the inventory, wherever the run is started.

The first example of the README, that of the guide and that of the role are taken word for word, but for addresses,
logins, and where a node has its keystore.
"""

from __future__ import annotations

import re
import shutil

import pytest
import yaml

from support.links import LOCAL
from support.playbook import PYTHON, ROOT, run_playbook
from support.worlds import Api, reset

pytestmark = pytest.mark.needs("clusters")

HOSTS = f"localhost ansible_connection=local ansible_python_interpreter={PYTHON}\n"
SOURCES = {
    "README": (ROOT / "README.md", r"```yaml\n(# group_vars/all.yml\n.*?)```"),
    "guide": (
        ROOT / "docs" / "docsite" / "rst" / "getting_started.rst",
        r"code-block:: yaml\n\n(    # group_vars/all.yml\n(?:    [^\n]*\n|\n)+)",
    ),
    "role": (ROOT / "roles" / "cross_cluster_trust" / "README.md", r"```yaml\n(.*?)```"),
}


def example(source):
    path, pattern = SOURCES[source]
    found = re.search(pattern, path.read_text(encoding="utf-8"), re.DOTALL)
    assert found, path
    block = yaml.safe_load(found.group(1))
    return block[0]["vars"] if isinstance(block, list) else block


@pytest.fixture
def shown(make_world):
    """The variables of an example for clusters that are here; paths stay, and their files are put below a folder."""
    world = make_world(nodes=2)
    reset(world)
    known = world.spec["clusters"]

    def prepare(source, folder):
        variables = example(source)
        for name, cluster in variables["elasticsearch_clusters"].items():
            here = known[name]
            nodes = [{**node, "vars": LOCAL} for node in here["nodes"]]
            for field in ("urls", "username", "remote_cluster_server"):
                cluster[field] = here[field] if field in cluster else None
            if "nodes" in cluster:
                cluster["nodes"] = nodes
            path = folder / cluster["ca_cert"].lstrip("/")
            cluster["ca_cert"] = str(path) if cluster["ca_cert"].startswith("/") else cluster["ca_cert"]
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here["ca_cert"], path)
        variables.update(
            {word: known[name]["password"] for name in known for word in (f"vault_{name}", f"vault_{name}_password")}
        )
        for name in known:
            assert Api(known[name]).put("/logs-1/_doc/1?refresh=true", {"of": name}).status in (200, 201)
        variables["cross_cluster_links"] = [
            {**link, "skip_unavailable": False} for link in variables["cross_cluster_links"]
        ]
        return variables

    return world, prepare


@pytest.mark.parametrize(
    "source, place",
    [
        ("README", "beside a file"),
        ("README", "in a folder"),
        ("README", "beside a folder"),
        ("README", "current folder"),
        ("README", "from its folder"),
        ("guide", "beside a file"),
        ("role", "in a folder"),
    ],
)
def test_an_example_runs_word_for_word(shown, tmp_path, source, place):
    world, prepare = shown
    inventory = tmp_path / "site" / "inventory"
    elsewhere = inventory if place == "from its folder" else tmp_path / "run"
    for directory in (inventory, elsewhere):
        directory.mkdir(parents=True, exist_ok=True)
    folder = {"beside a folder": tmp_path / "site", "current folder": elsewhere}.get(place, inventory)
    variables = prepare(source, folder)
    (inventory / "hosts").write_text(HOSTS)
    (inventory / "group_vars").mkdir()
    (inventory / "group_vars" / "all.yml").write_text(yaml.safe_dump(variables))
    source_of_hosts = inventory / "hosts" if place in ("beside a file", "from its folder") else inventory
    run = run_playbook("crosscluster.elasticsearch.trust", directory=elsewhere, inventory=source_of_hosts, verbosity=1)
    assert run.ok, run
    if source != "role":
        assert f"elasticsearch_clusters.paris.ca_cert: {folder}/paris.crt" in run.stdout, run
    assert Api(world.spec["clusters"]["paris"]).get("/berlin:logs-1/_search").status == 200
    again = run_playbook("crosscluster.elasticsearch.trust", directory=elsewhere, inventory=source_of_hosts)
    assert again.ok and again.changed == 0, again


def test_a_file_that_is_nowhere_is_told_with_the_places_before_anybody_is_asked(shown, tmp_path):
    _world, prepare = shown
    variables = prepare("README", tmp_path)
    (tmp_path / "berlin.crt").unlink()
    variables["elasticsearch_clusters"]["berlin"].update({"client_cert": "me.crt", "client_key": "~/me.key"})
    (tmp_path / "hosts").write_text(HOSTS)
    run = run_playbook(
        "crosscluster.elasticsearch.verify",
        directory=tmp_path / "run",
        inventory=tmp_path / "hosts",
        extra_vars=variables,
    )
    said = str(run.messages)
    assert run.rc == 2 and not any("Read which keys" in task for task in run.tasks), run
    for name in ("ca_cert: there is no file [berlin.crt]", "client_cert: there is no file [me.crt]", "client_key"):
        assert f"elasticsearch_clusters.berlin.{name}" in said, said
    assert f"tried: {tmp_path}/berlin.crt, {tmp_path}/run/berlin.crt" in said, said


def test_the_connection_of_a_role_finds_its_files_too(shown, tmp_path):
    world, prepare = shown
    prepare("README", tmp_path)
    paris = world.spec["clusters"]["paris"]
    hosts = [node["name"] for node in paris["nodes"]]
    (tmp_path / "hosts").write_text("".join(HOSTS.replace("localhost", name) for name in hosts))
    given = {
        "remote_cluster_client_alias": "berlin",
        "remote_cluster_client_state": "absent",
        "remote_cluster_client_keystore": "{{ nodes[inventory_hostname].keystore }}",
        "remote_cluster_client_config_dir": "{{ nodes[inventory_hostname].config_dir }}",
        "nodes": {node["name"]: node for node in paris["nodes"]},
        "remote_cluster_client_connection": {
            **{name: paris[name] for name in ("urls", "username", "password")}, "ca_cert": "paris.crt",
        },
    }  # fmt: skip
    role = [{"hosts": "all", "gather_facts": False, "roles": ["crosscluster.elasticsearch.remote_cluster_client"]}]
    options = {"directory": tmp_path / "run", "inventory": tmp_path / "hosts", "extra_vars": given}
    assert (run := run_playbook(role, **options)).ok, run
    (tmp_path / "paris.crt").unlink()
    run = run_playbook(role, **options)
    assert run.rc == 2 and "remote_cluster_client_connection.ca_cert: there is no file [paris.crt]" in str(
        run.messages
    ), run
