# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of Elasticsearch began what, and which versions talk to each other. Private to this collection."""

from __future__ import annotations

import re
import typing as t

Version = t.Tuple[int, ...]

CROSS_CLUSTER_API_KEYS = (8, 10)
"""Also the port for them, and `remote_indices` of roles."""
EXPIRATION_OF_A_KEY_THAT_IS_THERE = (8, 13)
RELOADABLE_CREDENTIALS = (8, 13)
"""Before, a node uses the credential that was in its keystore when it started."""
MONITOR_ENRICH = (8, 15)
"""Of a key for search, and `remote_cluster` of roles."""
CERTIFICATE_IDENTITY = (9, 3)

Cluster = t.Mapping[str, t.Any]


def parse(number: str) -> Version:
    """(8, 19, 0) of 8.19.0 or 8.19.0-SNAPSHOT; empty when there is no number in it."""
    return tuple(int(part) for part in re.findall(r"\d+", number.split("-", maxsplit=1)[0])[:3])


def version_of(cluster: t.Optional[Cluster], field: str = "version") -> Version:
    """(8, 15, 1), or (0,) when it is not known."""
    return parse(str((cluster or {}).get(field) or "")) or (0,)


def version_text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def too_old(one: t.Optional[Cluster], other: t.Optional[Cluster]) -> str:
    """The oldest version that the other one talks to, when this one is older than that. Unknown is not too old."""
    oldest = version_of(other, "minimum_wire_compatibility_version")
    return version_text(oldest) if (0,) < version_of(one) < oldest else ""
