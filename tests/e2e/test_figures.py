# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks cost, in runs of modules, calls of the keystore tool and writes of settings.

Three clusters of two nodes, all linked to each other: six nodes, six links. Work is done once for each node and once
for all clusters, however many links there are; a call of the tool starts a Java virtual machine.
"""

from __future__ import annotations

import itertools
import typing as t

import pytest

from support.links import Links, Searching, module_runs, report
from support.worlds import reset

pytestmark = pytest.mark.needs("calls", since="8.13")

NODES, CLUSTERS, CREDENTIALS = 6, 3, 2


class Counted:
    """A run of a playbook, and what it cost."""

    def __init__(self, links: Links, name: str, **options: t.Any) -> None:
        for cluster in links.world.clusters:
            links.world.control(cluster, "clear_keystore_calls")
        self.run = links.play(name, **options)
        assert self.run.ok, str(self.run)
        calls = [links.world.control(cluster, "keystore_calls") for cluster in links.world.clusters]
        self.tool = [call.split()[0] for found in calls for one in found.values() for call in one]
        self.settings = [path for _cluster, _method, path in links.writes() if path.startswith("/_cluster/settings")]
        self.writes = links.writes()
        self.modules = module_runs(self.run)

    def of_tool(self) -> dict[str, float]:
        """Calls of the tool on each node."""
        return {name: self.tool.count(name) / NODES for name in dict.fromkeys(self.tool)}


@pytest.fixture
def mesh(make_world: t.Any, tmp_path: t.Any) -> Links:
    names = ("berlin", "paris", "rome")
    world = make_world(clusters=names, nodes=2)
    reset(world)
    return Links(world, tmp_path, list(itertools.permutations(names, 2)))


def test_the_life_of_a_mesh(mesh: Links) -> None:
    first = Counted(mesh, "trust")
    # A look, a write, and what proves it; the clusters are asked, told of versions, keys, reload, settings, and proof.
    assert first.of_tool() == {"list": 1, "add": 1, "show": 1}
    # And one more, which reads versions, in the task whose result is hidden.
    assert (first.modules, len(first.settings)) == (2 * NODES + 5, CLUSTERS)
    assert mesh.all_work()

    again = Counted(mesh, "trust")
    assert (again.tool, again.modules, again.writes) == ([], NODES + 1, [])

    with Searching(mesh, "paris", "berlin") as searching:
        rotated = Counted(mesh, "rotate")
    # What the first run wrote is known; the second look compares the file.
    assert rotated.of_tool() == {"add": 1, "show": 1}
    assert (rotated.modules, rotated.settings) == (3 * NODES + 6, [])
    assert searching.failed == [] and searching.made > 0
    assert all(row["proven"] for row in report(rotated.run).values())

    gone = Counted(mesh, "untrust")
    assert gone.of_tool() == {"remove": 1, "show": 1}
    assert (gone.modules, len(gone.settings)) == (2 * NODES + 4, CLUSTERS)
    assert not any(mesh.live_keys(cluster) for cluster in mesh.clusters)
    left = Counted(mesh, "untrust")
    assert (left.tool, left.modules, left.writes) == ([], NODES + 1, [])


def test_where_nothing_is_remembered_each_credential_is_read_once(mesh: Links, tmp_path: t.Any) -> None:
    assert Counted(mesh, "trust")

    def elsewhere(name: str) -> dict[str, str]:
        return {"XDG_CACHE_HOME": str(tmp_path / name)}

    again = Counted(mesh, "trust", env=elsewhere("second"))
    assert again.of_tool() == {"list": 1, "show": CREDENTIALS} and again.writes == []
    rotated = Counted(mesh, "rotate", env=elsewhere("third"))
    assert rotated.of_tool() == {"list": 1, "show": CREDENTIALS + 1, "add": 1}
    gone = Counted(mesh, "untrust", env=elsewhere("fourth"))
    assert gone.of_tool() == {"list": 1, "show": CREDENTIALS + 1, "remove": 1}
