# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of clusters, as ``cluster_info`` tells them, and which of them can talk to each other. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

Cluster = t.Mapping[str, t.Any]


def version_of(cluster: t.Optional[Cluster], field: str = "version") -> t.Tuple[int, ...]:
    """(8, 15, 1), or (0,) when it is not known."""
    text = str((cluster or {}).get(field) or "").partition("-")[0]
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        return (0,)


def version_text(version: t.Tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def too_old(one: t.Optional[Cluster], other: t.Optional[Cluster]) -> str:
    """The oldest version that the other one talks to, when this one is older than that. Unknown is not too old."""
    oldest = version_of(other, "minimum_wire_compatibility_version")
    return version_text(oldest) if (0,) < version_of(one) < oldest else ""
