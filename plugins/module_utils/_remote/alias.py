# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules for aliases of remote clusters and for the names of their settings. Pure. Private to this collection."""

from __future__ import annotations

import re
import typing as t

PREFIX = "cluster.remote."

_ALIAS = re.compile(r"[-A-Za-z0-9_]+")
_CREDENTIALS = re.compile(r"cluster\.remote\.(.*)\.credentials", re.DOTALL)

# `cluster.remote.<one of these>` are global settings: as an alias they would mix two meanings of one name.
RESERVED = ("connections_per_cluster", "initial_connect_timeout", "node", "signing")


def alias_problem(alias: str) -> t.Optional[str]:
    """Why this cannot be the alias of a remote cluster, or None."""
    if not alias:
        return "the alias is empty"
    if not _ALIAS.fullmatch(alias):
        return f"[{alias}] is not an alias: use letters, digits, [-] and [_] only (no dots, no wildcards)"
    if alias in RESERVED:
        return f"[{alias}] cannot be an alias: Elasticsearch has global settings named [{PREFIX}{alias}]"
    return None


def credentials_setting(alias: str) -> str:
    """Name of the secure setting that holds the encoded key for this alias."""
    return f"{PREFIX}{alias}.credentials"


def alias_of_credentials(name: str) -> t.Optional[str]:
    """The alias (perhaps an impossible one) in `cluster.remote.<alias>.credentials`, None for any other setting."""
    found = _CREDENTIALS.fullmatch(name)
    return found.group(1) if found else None
