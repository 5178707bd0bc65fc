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

from support.links import report
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
            os.chown(yml(node), 1234, 2345)
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
        assert os.geteuid() != 0 or owner(path) == (1234, 2345)
    assert not victim.exists()
    again = links.role("remote_cluster_server", "berlin", variables)
    assert again.ok and again.changed == 0, str(again)

    variables["remote_cluster_server_settings"] = {"remote_cluster.tcp.keep_alive": True}
    more = links.role("remote_cluster_server", "berlin", {**variables, "remote_cluster_server_backup": False})
    assert more.ok and [len(kept(node)) for node in berlin["nodes"]] == [1, 1], str(more)
    assert all(yml(node).read_text().count("# BEGIN crosscluster.elasticsearch\n") == 1 for node in berlin["nodes"])


@pytest.mark.needs(since="8.13")
def test_a_list_of_authorities_that_others_wrote_is_theirs_to_change(make_world, links_of):
    links = links_of(make_world(nodes=2, trust=False))
    nodes = links.clusters["paris"]["nodes"]
    for node in nodes:
        yml(node).write_text(yml(node).read_text() + f"{AUTHORITIES}:\n- certs/transport_ca.crt\n")
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
        without(node, AUTHORITIES, "- certs/transport_ca.crt")
        yml(node).write_text(yml(node).read_text() + line + "\n")
        links.world.control("paris", "restart_node", node=node["name"])  # it starts with what was told
    run = links.play("trust", variables=variables)
    assert run.ok and links.all_work(), str(run)
    assert all(yml(node).read_text().endswith(line + "\n") for node in nodes)
    again = links.play("trust", variables=variables)
    assert again.ok and again.changed == 0, str(again)
