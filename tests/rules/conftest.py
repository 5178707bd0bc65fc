# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters for the tests of this folder; see support/worlds.py."""

from __future__ import annotations

import uuid

import pytest

from support.pair import as_new
from support.worlds import api, berlin, berlin_once, clusters, deselect, each_berlin, linked, make_world, mark, world

__all__ = ["api", "berlin", "berlin_once", "clusters", "each_berlin", "linked", "make_world", "world"]


def pytest_configure(config: pytest.Config) -> None:
    mark(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    deselect(config, items)


@pytest.fixture
def ours():
    """Of a name, to make it one that nobody else has."""
    return uuid.uuid4().hex[:8]


@pytest.fixture(scope="module")
def pair_once(make_world):
    """The same for a whole module; no other test of the module may ask for clusters that are as new."""
    return as_new(make_world())


@pytest.fixture
def pair(world):
    """Two clusters with the document that is searched for, not linked yet."""
    return as_new(world)
