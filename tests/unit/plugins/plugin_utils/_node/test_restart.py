# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is restarted, and when the next one may go."""

from __future__ import annotations

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._node import restart as restarting

THEN, LATER = 1_000, 2_000


def info(status="green", missing=0, **started):
    """What cluster_info returns for these nodes."""
    nodes = [{"name": name, "started": at, "remote_cluster_server": None} for name, at in started.items()]
    health = {"status": status, "missing_shards": missing}
    return {"cluster_uuid": "u", "node": "es2", "nodes": nodes, "health": health}


@pytest.mark.parametrize(
    "names, found",
    [
        ({"host": "es1"}, "es1"),
        ({"host": "es1", "given": "es2"}, "es2"),
        ({"host": "es1", "at_itself": True, "in_file": "es3"}, "es1"),
        ({"host": "host-a", "at_itself": True, "in_file": "es3"}, "es2"),
        ({"host": "host-a", "in_file": "es3"}, "es3"),
        ({"host": "es1", "given": "typo", "in_file": "es3"}, None),
        ({"host": "host-a"}, None),
    ],
)
def test_which_node_a_host_is(names, found):
    seen = restarting.before(info(es1=THEN, es2=THEN, es3=THEN), **names)
    assert seen.get("node") == found
    assert bool(seen["problem"]) == (found is None)


@pytest.mark.parametrize(
    "result, word",
    [
        (None, "give urls of its cluster, or the url of the node"),
        ({"skipped": True, "msg": "Conditional result was False"}, "give urls of its cluster"),
        ({"failed": False, "msg": "Cannot read the version: connection refused"}, "connection refused"),
        ({**info(), "nodes": None}, "privilege monitor"),
        ({**info(es1=THEN), "health": None}, "privilege monitor"),
        (info(other=THEN), "no running node of its cluster is called [es1] (there are other)"),
        (info(), "(there are none)"),
    ],
)
def test_what_makes_a_restart_impossible(result, word):
    assert word in restarting.before(result, "es1")["problem"]


@pytest.mark.parametrize(
    "before, after, wanted, word",
    [
        (info(es1=THEN), info(es1=LATER), "green", ""),
        (info(es1=THEN), info(es1=THEN), "green", "still the process that it was"),
        (info(es1=THEN), info(es2=THEN), "green", "not in the list of nodes"),
        (info(es1=THEN), info("yellow", 3, es1=LATER), "green", "yellow (3 copies of shards are missing)"),
        (info(es1=THEN), info("yellow", 3, es1=LATER), "yellow", ""),
        (info("yellow", 2, es1=THEN), info("yellow", 2, es1=LATER), "green", ""),
        # as yellow as before, but with more to lose
        (info("yellow", 2, es1=THEN), info("yellow", 5, es1=LATER), "green", "and was yellow (2) before"),
        (info("red", 2, es1=THEN), info("yellow", 1, es1=LATER), "green", ""),
        (info("yellow", 2, es1=THEN), info("red", 2, es1=LATER), "yellow", "red"),
        (info(es1=THEN), {"failed": True, "msg": "Cannot read the version"}, "green", "Cannot read the version"),
        (info(es1=THEN), {**info(es1=LATER), "health": None}, "green", "health"),
        (info(es1=THEN), {**info(es1=LATER), "nodes": None}, "green", "could not be read"),
        (info(es1=THEN), {}, "green", "could not be read"),
    ],
)
def test_when_the_next_node_may_go(before, after, wanted, word):
    trouble = restarting.trouble(after, restarting.before(before, "es1"), wanted)
    assert word in trouble and bool(trouble) == bool(word)
