# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every fresh cluster has: the superuser `elastic` and the reserved roles."""

from __future__ import annotations

import secrets
from typing import Any

from ..state import Cluster
from . import Security


def _entry(names: list[str], privileges: list[str], restricted: bool = False) -> dict[str, Any]:
    return {"names": names, "privileges": privileges, "allow_restricted_indices": restricted}


def _role(
    cluster: list[str], indices: list[dict[str, Any]], run_as: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "cluster": cluster,
        "indices": indices,
        "applications": [],
        "run_as": run_as or [],
        "metadata": {"_reserved": True},
        "transient_metadata": {"enabled": True},
        **more,
    }


_EVERYTHING = [
    _entry(["*"], ["all"]),
    _entry(["*"], ["monitor", "read", "view_index_metadata", "read_cross_cluster"], restricted=True),
]


def reserved_roles() -> dict[str, dict[str, Any]]:
    return {
        "superuser": _role(
            ["all"],
            _EVERYTHING,
            ["*"],
            remote_indices=[{**entry, "clusters": ["*"]} for entry in _EVERYTHING],
            remote_cluster=[{"privileges": ["monitor_enrich", "monitor_stats"], "clusters": ["*"]}],
        ),
        "viewer": _role([], [_entry(["/~(([.]|ilm-history-).*)/"], ["read", "view_index_metadata"])]),
        "editor": _role([], [_entry(["/~(([.]|ilm-history-).*)/"], ["read", "view_index_metadata"])]),
        "monitoring_user": _role(
            ["cluster:monitor/main", "cluster:monitor/xpack/info", "cluster:monitor/remote/info"],
            [_entry([".monitoring-*"], ["read", "read_cross_cluster"])],
        ),
        "remote_monitoring_collector": _role(["monitor"], [_entry(["*"], ["monitor"])]),
    }


def create(cluster: Cluster) -> None:
    cluster.security = Security()
    cluster.security.roles.update(reserved_roles())
    cluster.extra["password"] = secrets.token_urlsafe(15)
    cluster.security.add("elastic", cluster.extra["password"], ["superuser"], "reserved", metadata={"_reserved": True})
