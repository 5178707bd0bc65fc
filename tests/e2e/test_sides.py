# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What some links need besides key, credential and settings: authorities, restarts, local roles, the two side roles."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from support.links import Links, report
from support.restarts import RESTART
from support.worlds import connection, reset

CLIENT = "remote_cluster_client"


def estate(make_world, tmp_path, links=({"from": "paris", "to": "berlin"},), **options):
    world = make_world(nodes=2, **options)
    reset(world)
    return Links(world, tmp_path, list(links))


def rename(links):
    """Names of the inventory that are not those of the nodes, which only their elasticsearch.yml tells."""
    paris = links.clusters["paris"]
    nodes = [
        {**{name: value for name, value in node.items() if name != "url"}, "name": f"host-{number}"}
        for number, node in enumerate(paris["nodes"])
    ]
    links.clusters = {**links.clusters, "paris": {**paris, "nodes": nodes}}


@pytest.mark.needs(since="8.13")
def test_an_authority_is_handed_over_and_the_nodes_restarted_one_at_a_time(make_world, tmp_path):
    links = estate(make_world, tmp_path, trust=False)
    without = links.play("trust", check=True, variables={"cross_cluster_trust_authorities": True})
    assert without.ok, str(without)
    configs = [Path(node["config_dir"], "elasticsearch.yml") for node in links.clusters["paris"]["nodes"]]
    before = [path.read_text() for path in configs]

    # A list would take the place of the authorities of the JDK, by which the nodes may trust another server.
    for node in links.clusters["paris"]["nodes"]:
        links.hold(node, "hosted", links.api("berlin").key("by-hand")["encoded"])
    links.reload("paris")
    hosted = {"mode": "proxy", "proxy_address": links.clusters["berlin"]["remote_cluster_server"]}
    for value in (hosted, dict.fromkeys(hosted)):
        settings = {f"cluster.remote.hosted.{name}": text for name, text in value.items()}
        assert links.api("paris").put("/_cluster/settings", {"persistent": settings}).status == 200
        if value == hosted:
            refused = links.play("trust", variables={"cross_cluster_trust_authorities": True, **RESTART})
            assert refused.rc == 2 and "[hosted] might not work any more" in report(refused)["paris/berlin"]["note"]
            assert [path.read_text() for path in configs] == before

    forbidden = links.play("trust", variables={"cross_cluster_trust_authorities": True})
    assert forbidden.rc == 2
    row = report(forbidden)["paris/berlin"]
    assert row["state"] == "failed" and "must be restarted to use it" in row["note"]
    assert links.live_keys("berlin", "paris-berlin") == []
    for path, text in zip(configs, before):
        assert path.read_text().startswith(text) and "remote_cluster_authorities.crt" in path.read_text()

    # The file is right now, but the nodes were never restarted.
    first = links.play("trust", variables={"cross_cluster_trust_authorities": True, **RESTART})
    assert first.ok, str(first)
    assert links.all_work()
    again = links.play("trust", variables={"cross_cluster_trust_authorities": True, **RESTART})
    assert again.ok and again.changed == 0, str(again)
    assert links.writes() == []


@pytest.mark.needs(before="8.13")
def test_before_8_13_a_restart_takes_the_place_of_the_reload(make_world, tmp_path):
    links = estate(make_world, tmp_path, version="8.12.0")
    rename(links)
    waiting = links.play("trust")
    assert waiting.rc == 2
    row = report(waiting)["paris/berlin"]
    assert row["state"] == "failed" and "allow it with cross_cluster_trust_restart" in row["note"]
    assert links.play("trust", variables=RESTART).ok
    assert links.all_work()
    old = report(links.play("trust"))["paris/berlin"]["api_key_id"]
    # A rotation without the restart would leave the nodes with the old key, so the old key stays.
    stopped = links.play("rotate")
    assert stopped.rc == 2 and links.all_work()
    assert old in [key["id"] for key in links.live_keys("berlin", "paris-berlin")]
    ended = links.play("trust", variables=RESTART)
    assert ended.ok, str(ended)
    assert len(links.live_keys("berlin", "paris-berlin")) == 1 and links.all_work()


@pytest.mark.needs("clusters", before="8.13")
def test_before_8_13_a_node_that_is_away_keeps_the_others_from_no_restart(make_world, tmp_path):
    links = estate(make_world, tmp_path, version="8.12.0")
    here, away = links.clusters["paris"]["nodes"]
    links.world.control("paris", "stop_node", node=away["name"])
    nodes = [here, {**away, "keystore": "/nowhere/elasticsearch-keystore"}]
    links.clusters = {**links.clusters, "paris": {**links.clusters["paris"], "nodes": nodes}}
    run = links.play("trust", variables={**RESTART, "cross_cluster_trust_missing_nodes": "keep"})
    assert run.ok and links.api("paris").get("/berlin:logs-1/_search").status == 200, str(run)


def test_local_roles_get_the_entries_and_lose_only_them(make_world, tmp_path):
    role = {"name": "reader", "remote_indices": [{"names": ["logs-*"], "privileges": ["read", "read_cross_cluster"]}]}
    links = estate(make_world, tmp_path, [{"from": "paris", "to": "berlin", "roles": [role]}])
    paris = links.api("paris")
    assert paris.put("/_security/role/reader", {"cluster": ["monitor"], "indices": []}).status == 200
    run = links.play("trust")
    assert run.ok, str(run)
    (entry,) = paris.get("/_security/role/reader").json["reader"]["remote_indices"]
    assert entry["clusters"] == ["berlin"]
    again = links.play("trust")
    assert again.ok and again.changed == 0, str(again)
    gone = links.play("untrust")
    assert gone.ok, str(gone)
    after = paris.get("/_security/role/reader").json["reader"]
    assert not after.get("remote_indices") and after["cluster"] == ["monitor"]


@pytest.fixture
def client(make_world, tmp_path):
    """Links without any, and the variables of the client role for a key that somebody else has made."""
    links = estate(make_world, tmp_path)
    return links, {
        "remote_cluster_client_alias": "hosted",
        "remote_cluster_client_credential": links.api("berlin").key("by-hand")["encoded"],
        "remote_cluster_client_settings": {
            "mode": "proxy", "proxy_address": links.clusters["berlin"]["remote_cluster_server"],
            "skip_unavailable": False,
        },
        "remote_cluster_client_connection": connection(links.clusters["paris"]),
        "remote_cluster_client_keystore": "{{ node_keystore }}",
        "remote_cluster_client_config_dir": "{{ node_config_dir }}",
    }  # fmt: skip


def test_the_client_role_alone_links_to_a_cluster_whose_key_comes_from_elsewhere(client):
    links, variables = client
    for given in variables, {**variables, "remote_cluster_client_state": "absent"}:
        checked = links.role("remote_cluster_client", "paris", given, check=True)
        assert checked.ok, str(checked)
        run = links.role("remote_cluster_client", "paris", given)
        assert run.ok and run.changed == checked.changed > 0, str(run)
        present = given is variables
        assert not present or {*links.search("paris", "hosted")} == {200}
        assert ("hosted" in links.api("paris").get("/_remote/info").json) == present
        again = links.role("remote_cluster_client", "paris", given)
        assert again.ok and again.changed == 0, str(again)


def test_the_client_role_replaces_a_key_and_finishes_what_was_cut_off(client):
    links, variables = client
    berlin = links.api("berlin")
    old, new = berlin.key("old"), berlin.key("new")
    assert links.role("remote_cluster_client", "paris", {**variables, f"{CLIENT}_credential": old["encoded"]}).ok
    nodes = links.clusters["paris"]["nodes"]
    if len(nodes) > 1:
        # As a run leaves it that was cut off after the first node. After the last one nobody could tell.
        links.hold(nodes[0], "hosted", new["encoded"])
    given = {**variables, f"{CLIENT}_credential": new["encoded"]}
    run = links.role("remote_cluster_client", "paris", given)
    assert run.ok, str(run)
    assert berlin.delete("/_security/api_key", {"ids": [old["id"]]}).status == 200
    assert {*links.search("paris", "hosted")} == {200}
    again = links.role("remote_cluster_client", "paris", given)
    assert again.ok and again.changed == 0, str(again)

    # The right id with another secret, as a hand that slipped, or a disk, may leave it.
    wrong = base64.b64encode(f"{new['id']}:{'x' * 22}".encode()).decode()
    links.hold(nodes[-1], "hosted", wrong)
    links.reload("paris")
    assert links.search("paris", "hosted")[-1] == 401
    mended = links.role("remote_cluster_client", "paris", given)
    assert mended.ok and {*links.search("paris", "hosted")} == {200}, str(mended)
    assert wrong not in mended.stdout + mended.stderr + str(mended.events)


def test_what_the_client_role_can_see_to_be_wrong_comes_before_the_first_write(client):
    links, variables = client
    before = links.api("paris").get("/_cluster/settings").json
    login, nodes = variables[f"{CLIENT}_connection"], links.clusters["paris"]["nodes"]
    for given, words in (
        ({"credential": "half a secret"}, f"{CLIENT}_credential is not an encoded API key: it is not base64"),
        ({"settings": {"proxy_adress": "berlin:9443"}}, "did you mean [proxy_address]?"),
        ({"connection": {**login, "urls": []}}, f"{CLIENT}_connection has no urls"),
        ({"settings": {}}, "give proxy_address or seeds"),
        ({"credential": ""}, "would fall back to the certificate model"),
        (
            {"wait": f"{{{{ 5 if inventory_hostname == '{nodes[0]['name']}' else 6 }}}}"},
            f"{CLIENT}_wait is not the same for all",
        ),
        ({}, "to the hosts of the play"),
    ):
        if len(nodes) == 1 and "wait" in given:
            break
        if not given:
            links.clusters = {**links.clusters, "paris": {**links.clusters["paris"], "nodes": nodes[1:]}}
        more = {f"{CLIENT}_{name}": value for name, value in given.items()}
        run = links.role("remote_cluster_client", "paris", {**variables, **more})
        assert run.rc == 2 and run.changed == 0 and any(words in text for text in run.messages), str(run)
        assert variables[f"{CLIENT}_credential"] not in run.stdout + run.stderr
    assert links.api("paris").get("/_cluster/settings").json == before


@pytest.mark.needs(before="8.13")
def test_the_client_role_restarts_nodes_before_8_13(make_world, tmp_path):
    links = estate(make_world, tmp_path, version="8.12.0")
    rename(links)
    variables = {
        "remote_cluster_client_alias": "hosted",
        "remote_cluster_client_credential": links.api("berlin").key("by-hand")["encoded"],
        "remote_cluster_client_settings": {"proxy_address": links.clusters["berlin"]["remote_cluster_server"]},
        "remote_cluster_client_connection": connection(links.clusters["paris"]),
        "remote_cluster_client_keystore": "{{ node_keystore }}",
        "remote_cluster_client_config_dir": "{{ node_config_dir }}",
    }
    allowed = {
        "remote_cluster_client_restart": True,
        "remote_cluster_client_restart_command": ["{{ node_home }}/bin/restart-node"],
    }
    forbidden = links.role("remote_cluster_client", "paris", variables)
    assert forbidden.rc == 2 and any(
        "allow it with remote_cluster_client_restart" in text for text in forbidden.messages
    )
    other = {**variables, "remote_cluster_client_credential": links.api("berlin").key("another")["encoded"]}
    run = links.role("remote_cluster_client", "paris", {**other, **allowed})
    assert run.ok, str(run)
    assert {*links.search("paris", "hosted")} == {200}
    again = links.role("remote_cluster_client", "paris", {**other, **allowed})
    assert again.ok and again.changed == 0, str(again)


def test_the_server_role_opens_the_port_and_leaves_the_rest_of_the_file_alone(make_world, tmp_path):
    links = estate(make_world, tmp_path)
    berlin = links.clusters["berlin"]
    for node in berlin["nodes"]:
        path = Path(node["config_dir"], "elasticsearch.yml")
        lines = [line for line in path.read_text().splitlines() if not line.startswith("remote_cluster_server.enabled")]
        path.write_text("\n".join(["# a note of the operators", *lines, ""]))
        links.world.control("berlin", "restart_node", node=node["name"])
    variables = {
        "remote_cluster_server_config_dir": "{{ node_config_dir }}",
        "remote_cluster_server_url": "{{ node_url }}",
        "remote_cluster_server_connection": connection(berlin),
    }
    restart = {
        "remote_cluster_server_restart": True,
        "remote_cluster_server_restart_command": ["{{ node_home }}/bin/restart-node"],
    }
    checked = links.role("remote_cluster_server", "berlin", variables, check=True, diff=True)
    assert checked.ok and checked.changed == len(berlin["nodes"]), str(checked)
    forbidden = links.role("remote_cluster_server", "berlin", variables)
    assert forbidden.rc == 2 and any("restart it, or set" in text for text in forbidden.messages), str(forbidden)
    run = links.role("remote_cluster_server", "berlin", {**variables, **restart})
    assert run.ok, str(run)
    text = Path(berlin["nodes"][0]["config_dir"], "elasticsearch.yml").read_text()
    assert text.startswith("# a note of the operators\n") and "remote_cluster_server.enabled: true" in text
    again = links.role("remote_cluster_server", "berlin", {**variables, **restart})
    assert again.ok and again.changed == 0, str(again)
    other = links.role(
        "remote_cluster_server",
        "berlin",
        {**variables, "remote_cluster_server_settings": {"network.host": "0.0.0.0"}},
    )
    assert other.rc == 2 and any("network.host is" in text for text in other.messages), str(other)
