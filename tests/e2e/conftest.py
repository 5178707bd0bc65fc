# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters for the tests of this folder; see support/simulated.py."""

from __future__ import annotations

import pytest

from simulator import Simulator
from support.links import Links
from support.simulated import api, berlin, berlin_once, clusters, deselect, linked, make_sim, mark, sim

__all__ = ["api", "berlin", "berlin_once", "clusters", "linked", "make_sim", "sim"]


def pytest_configure(config: pytest.Config) -> None:
    mark(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    deselect(config, items)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """What keystore_info remembers stays in the folder of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "crosscluster.elasticsearch"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """berlin alone, one node, for the tests of a file."""
    with Simulator(tmp_path_factory.mktemp("sim"), clusters={"berlin": {"nodes": 1}}) as sim:
        yield sim


@pytest.fixture
def links_of(tmp_path):
    """One link between the clusters of a simulator, as new and not made yet."""

    def make(sim):
        for name in sim.clusters:
            sim.control(name, "reset")
        return Links(sim, tmp_path, [{"from": "paris", "to": "berlin"}])

    return make


@pytest.fixture
def links(make_sim, links_of):
    """One link between clusters of two nodes, not made yet."""
    return links_of(make_sim(nodes=2))
