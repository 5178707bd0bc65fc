# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys as the cluster stores them, out of one cluster and into another: what a snapshot of the security index is on a
real one."""

from __future__ import annotations

import dataclasses
from typing import Any

from .. import versions
from ..control import verb
from ..state import Cluster
from .model import ApiKey, Creator, store


@verb("dump_keys")
async def dump_keys(cluster: Cluster) -> list[dict[str, Any]]:
    """All keys with all that is kept of them, secrets included."""
    return [{**dataclasses.asdict(key), "version": versions.text(key.version)} for key in cluster.keys.values()]


@verb("load_keys")
async def load_keys(cluster: Cluster, keys: list[dict[str, Any]]) -> None:
    """Keys that another cluster has dumped, beside those that are there."""
    for entry in keys:
        if entry["id"] in cluster.keys:
            raise ValueError(f"there is a key [{entry['id']}] already")
        creator = Creator(**entry["creator"])
        store(cluster, ApiKey(**{**entry, "creator": creator, "version": versions.parse(entry["version"])}))
