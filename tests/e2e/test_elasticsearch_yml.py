# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles do to elasticsearch.yml and beside it: the service can read it, and what others wrote stays theirs."""

from __future__ import annotations

import base64
import datetime
import os
import stat
from pathlib import Path

import pytest

from support.links import LOCAL, report
from support.modules import run_module
from support.playbook import run_playbook
from support.restarts import RESTART, started
from support.worlds import connection

AUTHORITIES = "xpack.security.remote_cluster_client.ssl.certificate_authorities"


def yml(node):
    return Path(node["config_dir"], "elasticsearch.yml")


def without(node, *prefixes):
    """Take lines out of the file of a node."""
    lines = yml(node).read_text().splitlines(True)
    yml(node).write_text("".join(line for line in lines if not line.startswith(prefixes)))


def owner(path):
    found = path.stat()
    return found.st_uid, found.st_gid


def kept(node):
    """The files that keep an old elasticsearch.yml."""
    return [path for path in yml(node).parent.glob("elasticsearch.yml.*") if not path.is_symlink()]


def test_the_service_can_read_what_the_server_role_leaves_and_nobody_else_sees_it(links, tmp_path):
    berlin = links.clusters["berlin"]
    victim = tmp_path / "victim"
    for node in berlin["nodes"]:
        without(node, "remote_cluster_server.enabled", "xpack.security.remote_cluster_server")
        yml(node).write_text("# note: Hush-hush-1\n" + yml(node).read_text())
        yml(node).chmod(0o660)
        if os.geteuid() == 0:
            # A real service reads the file through its group; in place of root's, another one shows what becomes of it.
            os.chown(yml(node), 1234, group := yml(node).stat().st_gid or 2345)
        # links under the names that the old file may get in the next quarter of an hour
        begin = datetime.datetime.now(datetime.timezone.utc)
        for second in range(900):
            at = (begin + datetime.timedelta(seconds=second)).strftime("%Y-%m-%d@%H:%M:%S")
            Path(f"{yml(node)}.{at}~").symlink_to(victim)
    before = {node["name"]: yml(node).read_text() for node in berlin["nodes"]}
    variables = {
        "remote_cluster_server_config_dir": "{{ node_config_dir }}",
        "remote_cluster_server_connection": connection(berlin),
        "remote_cluster_server_certificate": "{{ node_config_dir }}/certs/remote_cluster.crt",
        "remote_cluster_server_key": "{{ node_config_dir }}/certs/remote_cluster.key",
        "remote_cluster_server_restart": True,
        "remote_cluster_server_restart_command": ["{{ node_home }}/bin/restart-node"],
    }
    checked = links.role("remote_cluster_server", "berlin", variables, check=True, diff=True, verbosity=3)
    assert checked.ok and "+remote_cluster_server.enabled: true" in checked.stdout, str(checked)
    assert {node["name"]: yml(node).read_text() for node in berlin["nodes"]} == before
    run = links.role("remote_cluster_server", "berlin", variables, diff=True, verbosity=3)
    assert run.ok and run.changed == checked.changed, str(run)
    for told in (checked, run):
        text = told.stdout + told.stderr + str(told.events)
        assert "Hush-hush-1" not in text and base64.b64encode(b"# note: Hush-hush")[:16].decode() not in text
    for node in berlin["nodes"]:
        path = yml(node)
        assert path.read_text().startswith(before[node["name"]]) and stat.S_IMODE(path.stat().st_mode) == 0o660
        (old,) = kept(node)
        assert old.read_text() == before[node["name"]] and stat.S_IMODE(old.stat().st_mode) == 0o660
        files = [path, old, *(path.parent / f"remote_cluster_server.{end}" for end in ("crt", "key"))]
        assert {owner(file) for file in files} == {owner(path)}
        assert os.geteuid() != 0 or owner(path) == (1234, group)
    assert not victim.exists()
    again = links.role("remote_cluster_server", "berlin", variables)
    assert again.ok and again.changed == 0, str(again)

    variables["remote_cluster_server_settings"] = {"remote_cluster.tcp.keep_alive": True}
    more = links.role("remote_cluster_server", "berlin", {**variables, "remote_cluster_server_backup": False})
    assert more.ok and {len(kept(node)) for node in berlin["nodes"]} == {1}, str(more)
    assert all(yml(node).read_text().count("# BEGIN crosscluster.elasticsearch\n") == 1 for node in berlin["nodes"])


@pytest.fixture
def config_dir(tmp_path):
    directory = tmp_path / "config"
    directory.mkdir()
    (directory / "elasticsearch.yml").write_text("cluster.name: paris\npassword: Hush-hush-1\n")
    return directory


def test_the_module_writes_its_block_and_files_once(config_dir):
    (config_dir / "old").write_text("")
    options = {
        "config_dir": str(config_dir), "block": "remote_cluster_server.enabled: true\n",
        "backup": True, "absent": ["old"],
        "files": [{"name": "a.crt", "content": "new\n", "mode": "0644", "append": True}],
    }  # fmt: skip
    before = (config_dir / "elasticsearch.yml").read_text()
    checked = run_module("elasticsearch_yml", options, check=True)
    assert checked.changed and sorted(os.listdir(config_dir)) == ["elasticsearch.yml", "old"], checked
    run = run_module("elasticsearch_yml", options)
    assert run.changed and run["diff"] == checked["diff"] and "Hush-hush-1" not in str(run), run
    assert run["diff"]["after"] == options["block"]
    assert Path(run["backup_file"]).read_text() == before
    assert (config_dir / "elasticsearch.yml").read_text().startswith(before)
    assert (config_dir / "a.crt").read_text() == "new\n" and not (config_dir / "old").exists()
    listed = sorted(os.listdir(config_dir))
    again = run_module("elasticsearch_yml", options)
    assert not again.failed and not again.changed and sorted(os.listdir(config_dir)) == listed, again
    gone = run_module("elasticsearch_yml", {"config_dir": str(config_dir), "block": "", "backup": False})
    assert gone.changed and (config_dir / "elasticsearch.yml").read_text() == before


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"files": [{"name": "../a", "content": "x"}]}, "[../a] is not the name of a file"),
        ({"files": [{"name": "elasticsearch.keystore", "content": "x"}]}, "[elasticsearch.keystore] is not the name"),
        ({"absent": ["elasticsearch.yml"]}, "[elasticsearch.yml] is not the name"),
        ({"files": [{"name": "a", "content": "x"}], "absent": ["a"]}, "[a] is named more than once"),
        (
            {"files": [{"name": "a", "content": "secret", "mode": 0o640}]},
            "the mode [416] of [a] is not one such",
        ),
        ({"config_dir": "/nowhere/at/all"}, "[/nowhere/at/all/elasticsearch.yml] cannot be read: No such file"),
    ],
)
def test_the_module_refuses_what_it_must_not_touch(config_dir, wrong, told):
    before = sorted(os.listdir(config_dir))
    for check in (True, False):
        run = run_module("elasticsearch_yml", {"config_dir": str(config_dir), **wrong}, check=check)
        assert run.failed and told in run.msg and sorted(os.listdir(config_dir)) == before, run


def test_of_other_files_the_info_module_tells_fingerprints(config_dir, links, tmp_path):
    authority = Path(links.clusters["berlin"]["remote_ca_cert"]).read_text()
    (config_dir / "ca.crt").write_text(authority)
    (tmp_path / "outside").write_text("Hush-hush-2 " + authority)
    options = {"certificate_authorities": ["ca.crt", str(tmp_path / "outside")], "files": ["ca.crt", "none"]}
    found = run_module("elasticsearch_yml_info", {"config_dir": str(config_dir), **options})
    assert base64.b64decode(found["content"]).decode() == (config_dir / "elasticsearch.yml").read_text()
    inside, outside = (found["certificate_authorities"][path] for path in options["certificate_authorities"])
    assert len(inside["fingerprints"]) == 1 and inside["problem"] is None
    assert outside == {"fingerprints": [], "problem": f"it is not in [{config_dir}]"}
    assert found["modified"]["none"] is None and found["modified"]["ca.crt"] > 1_700_000_000_000
    assert "Hush-hush-2" not in str(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is led astray")
@pytest.mark.parametrize("planted", ["elasticsearch.yml", "remote_cluster_server.key", "remote_cluster_server.restart"])
def test_root_is_not_led_astray_by_what_the_service_user_planted(links, tmp_path, planted):
    """In an archive the service owns its directory, and the play runs as root."""
    victim = tmp_path / "shadow"
    victim.write_text("root: Hush-hush-3\n")
    victim.chmod(0o600)
    directory = tmp_path / "config"
    directory.mkdir()
    (directory / "elasticsearch.yml").write_text("cluster.name: berlin\n")
    certs = Path(links.clusters["berlin"]["nodes"][0]["config_dir"], "certs")
    (directory / planted).unlink(missing_ok=True)
    (directory / planted).symlink_to(victim)
    for path in [directory, *directory.rglob("*")]:
        os.chown(path, 1234, 1234, follow_symlinks=False)
    for parent in directory.parents:
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    variables = {
        "remote_cluster_server_config_dir": str(directory),
        "remote_cluster_server_certificate": str(certs / "remote_cluster.crt"),
        "remote_cluster_server_key": str(certs / "remote_cluster.key"),
    }
    run = links.role("remote_cluster_server", "berlin", variables, diff=True, verbosity=3)
    assert victim.read_text() == "root: Hush-hush-3\n" and victim.stat().st_uid == 0
    assert "Hush-hush-3" not in run.stdout + run.stderr + str(run.events)
    told = "Permission denied" if planted == "elasticsearch.yml" else "is not a regular file"
    assert run.rc == 2 and any(told in text for text in run.messages), str(run)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads more than the service does")
@pytest.mark.parametrize("way", ["by its path", "by a link", "a pipe"])
def test_what_elasticsearch_yml_names_as_an_authority_reaches_no_job_event(links, tmp_path, way):
    """A package lets the group of the service write to the file, and the play runs as root."""
    authority = Path(links.clusters["berlin"]["remote_ca_cert"])
    victim = tmp_path / "shadow"
    victim.write_text("root: Hush-hush-4\n" + authority.read_text())
    victim.chmod(0o600)
    directory = tmp_path / "config"
    directory.mkdir()
    named = {"by its path": victim, "by a link": directory / "ca.crt", "a pipe": directory / "ca.crt"}[way]
    if way == "by a link":
        named.symlink_to(victim)
    elif way == "a pipe":
        os.mkfifo(named)
    (directory / "elasticsearch.yml").write_text(f'cluster.name: paris\n{AUTHORITIES}: ["{named}"]\n')
    (directory / "elasticsearch.yml").chmod(0o660)
    os.chown(directory / "elasticsearch.yml", 0, 1234)
    variables = {
        "remote_cluster_client_config_dir": str(directory),
        "remote_cluster_client_certificate_authorities": [str(authority)],
    }
    role = {"name": "crosscluster.elasticsearch.remote_cluster_client", "tasks_from": "certificate_authorities"}
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.import_role": role}], "vars": variables}
    inventory = {"all": {"hosts": {"paris-1": LOCAL}}}
    run = run_playbook([play], directory=tmp_path / "run", inventory=inventory, diff=True, verbosity=3)
    text = run.stdout + run.stderr + str(run.events)
    assert "Hush-hush-4" not in text and base64.b64encode(b"root: Hush-hush-4")[:20].decode() not in text
    # A file that is not read holds nothing that is wanted.
    assert run.rc == 2 and any("was written by others" in message for message in run.messages), str(run)


@pytest.mark.needs(since="8.13")
def test_a_list_of_authorities_that_others_wrote_is_theirs_to_change(make_world, links_of):
    links = links_of(make_world(nodes=2, trust=False))
    nodes = links.clusters["paris"]["nodes"]
    for node in nodes:
        yml(node).write_text(yml(node).read_text() + f"{AUTHORITIES}:\n   - certs/transport_ca.crt\n")
        links.world.control("paris", "restart_node", node=node["name"])
    before = [yml(node).read_text() for node in nodes], started(links.api("paris"))
    variables = {"cross_cluster_trust_authorities": True, **RESTART}
    refused = links.play("trust", variables=variables)
    line = f'{AUTHORITIES}: ["certs/transport_ca.crt", "remote_cluster_authorities.crt"]'
    number = before[0][0].splitlines().index(f"{AUTHORITIES}:") + 1
    assert refused.rc == 2
    note = report(refused)["paris/berlin"]["note"]
    assert f"replace the list that begins on line {number} of elasticsearch.yml by this line: {line}; then run" in note
    assert ([yml(node).read_text() for node in nodes], started(links.api("paris"))) == before
    assert links.live_keys("berlin", "paris-berlin") == []

    for node in nodes:
        without(node, AUTHORITIES, "   - certs/transport_ca.crt")
        yml(node).write_text(yml(node).read_text() + line + "\n")
        links.world.control("paris", "restart_node", node=node["name"])  # it starts with what was told
    run = links.play("trust", variables=variables)
    assert run.ok and links.all_work(), str(run)
    assert all(yml(node).read_text().endswith(line + "\n") for node in nodes)
    again = links.play("trust", variables=variables)
    assert again.ok and again.changed == 0, str(again)
