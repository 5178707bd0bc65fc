# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts go one at a time, whoever asks for them and whatever is known of the nodes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.links import LOCAL, report
from support.playbook import run_playbook
from support.restarts import HOME, RESTART, SlowRestarts, started
from support.worlds import connection

pytestmark = pytest.mark.needs(nodes=2, since="8.13")


@pytest.fixture
def slow(tmp_path):
    return SlowRestarts(tmp_path)


@pytest.fixture
def server(links, slow):
    """The variables with which both nodes of berlin have to be restarted; they have no url."""
    for node in links.clusters["berlin"]["nodes"]:
        path = Path(node["config_dir"], "elasticsearch.yml")
        path.write_text(path.read_text().replace("remote_cluster_server.enabled: true\n", ""))
        links.world.control("berlin", "restart_node", node=node["name"])
    return {
        "remote_cluster_server_config_dir": "{{ node_config_dir }}",
        "remote_cluster_server_connection": connection(links.clusters["berlin"]),
        "remote_cluster_server_restart": True,
        "remote_cluster_server_restart_command": slow.command(),
    }


def test_the_next_node_waits_until_the_last_one_is_back(links, slow, server):
    checked = links.role("remote_cluster_server", "berlin", server, check=True)
    assert checked.ok and slow.seen == [], str(checked)
    run = links.role("remote_cluster_server", "berlin", server)
    assert run.ok and run.changed == checked.changed, str(run)
    assert slow.seen == ["stop berlin-1", "start berlin-1", "stop berlin-2", "start berlin-2"]
    again = links.role("remote_cluster_server", "berlin", server)
    assert again.ok and again.changed == 0 and len(slow.seen) == 4, str(again)


def in_batches(role, nodes, directory, **variables):
    """A role on one node after the other, as with serial."""
    hosts = {node["name"]: {**{f"node_{field}": value for field, value in node.items()}, **LOCAL} for node in nodes}
    play = {"hosts": "all", "gather_facts": False, "serial": 1, "roles": [f"crosscluster.elasticsearch.{role}"]}
    play.update(vars=variables, environment={"PYTHONPATH": "{{ node_home | default('') }}"})
    return run_playbook([play], directory=directory, inventory={"all": {"hosts": hosts}})


@pytest.mark.needs("host names")
def test_each_batch_of_a_play_restarts_its_own_nodes(links, server, tmp_path):
    """They are found by the names of their hosts, as with packages, which give no node.name."""
    nodes = [{**node, "name": f"host-{number}"} for number, node in enumerate(links.clusters["berlin"]["nodes"])]
    for node, name in zip(nodes, ("", "node.name: ${HOSTNAME}\n")):
        path, python = Path(node["config_dir"], "elasticsearch.yml"), Path(node["home"], "sitecustomize.py")
        (own,) = re.findall(r"(?m)^node\.name: (\S+)\n", path.read_text())
        path.write_text(re.sub(r"(?m)^node\.name: .*\n", "", path.read_text()) + name)
        told = f"os.uname_result(['Linux', {own!r}, '', '', ''])"
        python.write_text(f"import os\nname = {told}\nos.uname = lambda: name\n")
    before = started(links.api("berlin"))
    command = {"remote_cluster_server_restart_command": ["{{ node_home }}/bin/restart-node"]}
    run = in_batches("remote_cluster_server", nodes, tmp_path / "serial", **{**server, **command})
    assert run.ok and all(at > before[name] for name, at in started(links.api("berlin")).items()), str(run)


@pytest.mark.parametrize("role", ["remote_cluster_client", "cross_cluster_trust", "cross_cluster_report"])
def test_a_role_that_needs_all_nodes_refuses_batches(tmp_path, role):
    given = {"elasticsearch_clusters": {}, "cross_cluster_links": [], "remote_cluster_client_alias": "berlin"}
    run = in_batches(role, [{"name": "a"}, {"name": "b"}], tmp_path, **given)
    assert run.rc == 2 and any("leave serial out of the play" in text for text in run.messages), str(run)


def test_a_restart_that_is_owed_is_made_by_the_next_run_that_may(links, slow, server):
    """As when a run was cut off between writing and restarting; the nodes listen all the time."""
    assert links.role("remote_cluster_server", "berlin", server).ok
    forbidden = {**server, "remote_cluster_server_restart": False}
    for settings in {"remote_cluster.tcp.keep_alive": True}, {"remote_cluster.tcp.keep_alive": False}:
        begin = len(slow.seen)
        new = {"remote_cluster_server_settings": settings}
        written = links.role("remote_cluster_server", "berlin", {**forbidden, **new})
        assert written.rc == 2 and written.changed == 2 and len(slow.seen) == begin, str(written)
        assert all("does not use its settings yet" in text for text in written.messages), written.messages
        if len(slow.seen) > 4:  # the second time, people do it
            for name in ("berlin-1", "berlin-2"):
                links.world.control("berlin", "restart_node", node=name)
        ended = links.role("remote_cluster_server", "berlin", {**server, **new})
        assert ended.ok and len(slow.seen) == 8, str(ended)


def test_a_node_of_which_nobody_knows_whether_it_listens_is_no_success(links, server):
    unreachable = {**server["remote_cluster_server_connection"], "urls": ["https://127.0.0.1:1"], "retries": 0}
    given = {"remote_cluster_server_restart": False, "remote_cluster_server_connection": unreachable}
    run = links.role("remote_cluster_server", "berlin", {**server, **given})
    told = [text for text in run.messages if "listens to remote clusters cannot be seen: its cluster cannot" in text]
    assert run.rc == 2 and len(told) == 2, str(run)


@pytest.mark.parametrize("check", [True, False], ids=["check", "real"])
@pytest.mark.parametrize(
    "given, word",
    [
        ({"remote_cluster_server_connection": {}}, "give urls of its cluster, or the url of the node"),
        ({"remote_cluster_server_node_name": "es-7"}, "is called [es-7] (there are berlin-1, berlin-2)"),
    ],
    ids=["nobody to ask", "unknown node"],
)
def test_a_restart_that_nobody_could_watch_is_refused_first(links, slow, server, given, word, check):
    files = [Path(node["config_dir"], "elasticsearch.yml") for node in links.clusters["berlin"]["nodes"]]
    before = [path.read_text() for path in files]
    run = links.role("remote_cluster_server", "berlin", {**server, **given}, check=check)
    assert run.rc == 2 and sum(word in text for text in run.messages) == 2, str(run)
    assert [path.read_text() for path in files] == before and slow.seen == []


def test_where_a_node_does_not_come_back_the_others_stay_up(make_world, links_of, tmp_path):
    links = links_of(make_world(nodes=2, trust=False))
    # In the form of the README: names of the inventory, no url.
    nodes = [
        {name: value for name, value in node.items() if name != "url"} for node in links.clusters["paris"]["nodes"]
    ]
    clusters = {**links.clusters, "paris": {**links.clusters["paris"], "nodes": nodes}}
    variables = {"elasticsearch_clusters": clusters, "cross_cluster_trust_authorities": True}
    slow = SlowRestarts(tmp_path)
    broken = {
        "cross_cluster_trust_restart": True,
        "cross_cluster_trust_restart_command": slow.command("stop", home=HOME),
        "remote_cluster_server_wait": "8",  # text, as from `-e`
    }
    stopped = links.play("trust", variables={**variables, **broken})
    assert stopped.rc == 2 and slow.seen == ["stop paris-1"], str(stopped)
    note = report(stopped)["paris/berlin"]["note"]
    assert "paris-1 was restarted, but is not well after 8 seconds: paris-1 is not in the list of nodes" in note
    assert links.live_keys("berlin", "paris-berlin") == [] and list(started(links.api("paris", 1))) == ["paris-2"]

    links.world.control("paris", "start_node", node="paris-1")
    before = started(links.api("paris"))
    ended = links.play("trust", variables={**variables, **RESTART})
    assert ended.ok and links.all_work(), str(ended)
    assert all(at > before[name] for name, at in started(links.api("paris")).items())
    again = links.play("trust", variables={**variables, **RESTART})
    assert again.ok and again.changed == 0, str(again)
