# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`remote_indices` and `remote_cluster` of roles: parsing and validation (rules 7)."""

from __future__ import annotations

from typing import Any

from .. import versions
from ..rest.errors import EsHttpError, illegal_argument, parse_error
from ..rest.xcontent import Value
from ..security import privileges
from ..security.role_parser import index_entry, string_array
from ..security.roles import role_field, role_problems, unknown_index_privileges
from ..state import Node
from ..versions import Version

FAILURE_STORE = ("read_failure_store", "manage_failure_store")


@role_field("remote_indices")
def remote_indices(role: str, value: Value, node: Node) -> Any:
    return parse_remote_indices(role, value)


@role_field("remote_cluster")
def remote_cluster(role: str, value: Value, node: Node) -> Any:
    if not node.has("remote_cluster_privileges"):
        return None
    return parse_remote_cluster(role, value, allowed_remote_cluster(node.version))


@role_problems("remote_indices")
def remote_indices_problems(entries: list[dict[str, Any]], node: Node) -> list[str]:
    return check_remote_indices(entries, node.version)


def parse_remote_indices(role: str, value: Value) -> list[dict[str, Any]]:
    if value.kind != "array":
        raise parse_error(
            f"failed to parse remote indices privileges for role [{role}]. expected field "
            "[remote_indices] value to be an "
            f"array, but found [{value.token}] instead"
        )
    # The server has lost the name of the field by then.
    return [index_entry(role, item, remote=True) for item in value.value]


def allowed_remote_cluster(version: Version) -> list[str]:
    names = ["monitor_enrich"] if versions.has(version, "monitor_enrich") else []
    return [*names, "monitor_stats"] if versions.has(version, "monitor_stats") else names


def parse_remote_cluster(role: str, value: Value, allowed: list[str]) -> list[dict[str, Any]]:
    def fail(text: str) -> EsHttpError:
        return parse_error(f"failed to parse remote_cluster for role [{role}]. {text}")

    if value.kind != "array":
        raise fail(f"expected field [remote_cluster] value to be an array, but found [{value.token}] instead")
    groups = []
    for item in value.value:
        if item.kind != "object":
            raise fail(
                "expected field [remote_cluster] value to be an array of objects, but found an "
                f"array element of type [{item.token}]"
            )
        group: dict[str, list[str]] = {}
        for key, _line, _column, child in item.value:
            if key not in ("clusters", "privileges"):
                raise fail(f"unexpected field [{key}]")
            group[key] = string_array(role, child, key) or []
        if not group:
            raise illegal_argument("remote cluster groups must not be null or empty")
        for one, other in (("clusters", "privileges"), ("privileges", "clusters")):
            if not group.get(one):
                raise fail(f"[{one}] must be defined when [{other}] are defined")
        if any(not name.strip() for name in group["clusters"]):
            raise illegal_argument("remote cluster clusters aliases must contain valid non-empty, non-null values")
        if any(name.lower() not in allowed for name in group["privileges"]):
            raise fail(
                f"[{', '.join(allowed)}] are the only values allowed for [privileges] within [remote_cluster]. Found "
                f"[{', '.join(group['privileges'])}]"
            )
        groups.append({"privileges": group["privileges"], "clusters": group["clusters"]})
    return groups


def check_remote_indices(entries: list[dict[str, Any]], version: Version) -> list[str]:
    found = []
    known = privileges.index_names(version)
    for entry in entries:
        if any(not alias for alias in entry["clusters"]):
            found.append("remote index cluster alias cannot be an empty string")
        unknown = unknown_index_privileges(entry["privileges"], known)
        found += unknown
        if (
            not unknown
            and versions.has(version, "failure_store_privileges_refused")
            and any(name.lower() in FAILURE_STORE for name in entry["privileges"])
        ):
            found.append("remote index privileges cannot contain privileges that grant access to the failure store")
    return found
