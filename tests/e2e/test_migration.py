# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the certificate model to an API key under the same alias, and the way back."""

from __future__ import annotations

import pytest

from support.links import plan, report
from support.pair import Pair, hand_over_authorities
from support.playbook import run_playbook
from support.worlds import connection

pytestmark = pytest.mark.needs(since="8.13")


@pytest.fixture
def certified(links):
    """A link of the certificate model."""
    world = links.world
    for name in world.clusters:
        authorities = hand_over_authorities(world, name)
        for node in world.cluster(name)["nodes"]:
            Pair.write_yml(node, {"xpack.security.transport.ssl.certificate_authorities": authorities})
            world.control(name, "restart_node", node=node["name"])
    address = transport(links, "berlin")
    settings = {"mode": "proxy", "proxy_address": address, "skip_unavailable": False}
    remote = {f"cluster.remote.berlin.{name}": value for name, value in settings.items()}
    assert links.api("paris").put("/_cluster/settings", {"persistent": remote}).status == 200
    assert {*links.search("paris", "berlin")} == {200}, "the certificate model works"
    return links


def transport(links, cluster):
    return next(iter(links.api(cluster).get("/_nodes").json["nodes"].values()))["transport_address"]


def test_a_working_certificate_link_is_left_alone_until_told(certified):
    links = certified
    run = links.play("trust")
    assert run.rc == 2
    row = report(run)["paris/berlin"]
    assert row["state"] == "blocked" and "set migrate: true on the link" in row["note"] and "pause" in row["note"]
    assert links.writes() == [] and links.all_work()


def test_verify_has_nothing_against_a_link_of_the_certificate_model_that_works(certified):
    links = certified
    run = links.play("verify")
    assert run.ok, str(run)
    assert "works by the certificate model" in run.stdout and "credential_absent" not in run.stdout
    links.links[0]["migrate"] = True
    run = links.play("verify")
    assert run.rc == 2 and "moves from the certificate model" in str(run.messages), str(run)


def test_the_alias_moves_to_an_api_key(certified):
    links = certified
    old = transport(links, "berlin")
    links.links[0]["migrate"] = True
    checked = links.play("trust", check=True)
    assert checked.ok and links.writes() == [], str(checked)
    run = links.play("trust")
    assert run.ok, str(run)
    assert run.changed == checked.changed
    assert links.all_work()
    (remote,) = links.api("paris").get("/_remote/info").json.values()
    assert "cluster_credentials" in remote and remote["proxy_address"] != old
    assert plan(run)["paris/berlin"][0] == (
        f"alias berlin moves from the certificate model at {old} to an API key; the way back is untrust, then that "
        "address"
    )
    again = links.play("trust")
    assert again.ok and again.changed == 0 and links.writes() == [], str(again)


def test_the_way_back(certified):
    links = certified
    old = transport(links, "berlin")
    links.links[0]["migrate"] = True
    assert links.play("trust").ok
    back = links.play("untrust")
    assert back.ok, str(back)
    run = run_playbook(
        [
            {
                "hosts": "localhost",
                "gather_facts": False,
                "tasks": [
                    {
                        "name": "Point the alias at the transport port again",
                        "crosscluster.elasticsearch.remote_cluster": {
                            **connection(links.clusters["paris"]),
                            "alias": "berlin",
                            "mode": "proxy",
                            "proxy_address": old,
                            "skip_unavailable": False,
                        },
                    }
                ],
            }
        ],
        directory=links.directory / "back",
    )
    assert run.ok, str(run)
    assert links.all_work()
    (remote,) = links.api("paris").get("/_remote/info").json.values()
    assert "cluster_credentials" not in remote
    assert links.live_keys("berlin", "paris-berlin") == []
    # Nothing of this is ours any more.
    links.links[0]["migrate"] = False
    again = links.play("untrust")
    assert again.ok and again.changed == 0 and links.all_work(), str(again)
