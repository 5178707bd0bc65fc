# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`access` of a cross-cluster key: its parser, the role descriptor made from it, and how it is read back (rules 1.3,
1.6, 3.1)."""

from __future__ import annotations

from typing import Any

from .. import versions
from ..rest import object_parser
from ..rest.errors import illegal_argument
from ..rest.xcontent import Value
from ..security.role_parser import has_document_or_field_security, index_entry

ROLE = "cross_cluster"
PARSER = "cross_cluster_api_key_request_access"
SEARCH_PRIVILEGES = ["read", "read_cross_cluster", "view_index_metadata"]
REPLICATION_PRIVILEGES = ["cross_cluster_replication", "cross_cluster_replication_internal"]


def parse(value: Value) -> dict[str, Any]:
    """The two lists of entries, as they are written."""
    fields = {
        "search": object_parser.object_list(lambda item: index_entry(ROLE, item, predefined=SEARCH_PRIVILEGES)),
        "replication": object_parser.object_list(
            lambda item: index_entry(ROLE, item, predefined=REPLICATION_PRIVILEGES)
        ),
    }
    return object_parser.parse(value, PARSER, fields)


def descriptor(found: dict[str, Any], version: versions.Version) -> dict[str, Any]:
    """The role descriptor that the access stands for."""
    search, replication = found.get("search", []), found.get("replication", [])
    if not search and not replication:
        raise illegal_argument("must specify non-empty access for either [search] or [replication]")
    if any(
        "query" in entry or "field_security" in entry and has_document_or_field_security(entry) for entry in replication
    ):
        raise illegal_argument("replication does not support document or field level security")
    if (
        versions.has(version, "ga_rules")
        and replication
        and any(has_document_or_field_security(entry) for entry in search)
    ):
        raise illegal_argument("search does not support document or field level security if replication is assigned")
    privileges = []
    if search:
        privileges += (
            ["cross_cluster_search", "monitor_enrich"]
            if versions.has(version, "monitor_enrich")
            else ["cross_cluster_search"]
        )
    if replication:
        privileges.append("cross_cluster_replication")
    return {
        "cluster": privileges,
        "indices": [*search, *replication],
        "applications": [],
        "run_as": [],
        "metadata": {},
        "transient_metadata": {"enabled": True},
    }


def shown(role: dict[str, Any]) -> dict[str, Any]:
    """The access as GET returns it, rebuilt from the stored descriptor."""
    body: dict[str, Any] = {}
    for side, privileges in (("search", SEARCH_PRIVILEGES), ("replication", REPLICATION_PRIVILEGES)):
        entries = [
            {key: value for key, value in entry.items() if key != "privileges"}
            for entry in role["indices"]
            if entry["privileges"] == privileges
        ]
        if entries:
            body[side] = entries
    return body
