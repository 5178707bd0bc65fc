# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""403 or not: roles of the effective user (or of the API key) against an action."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..rest.errors import EsHttpError, security_error
from ..state import Cluster
from . import privileges
from .authentication import Authentication

if TYPE_CHECKING:
    from ..rest.routing import Request

_SAME_USER = {
    "cluster:admin/xpack/security/authenticate",
    "cluster:admin/xpack/security/user/authenticate",
    "cluster:admin/xpack/security/user/has_privileges",
    "cluster:admin/xpack/security/user/list_privileges",
}
_OWN_KEY_ACTIONS = {
    f"cluster:admin/xpack/security/api_key/{name}"
    for name in ("create", "get", "query", "invalidate", "update", "bulk_update")
}


def role_sets(cluster: Cluster, auth: Authentication) -> list[list[dict[str, Any]]]:
    """A list of unions that are intersected: one for a user; the key's own and its owner's snapshot for an API key."""
    if auth.api_key is None:
        return [_known(cluster, auth.roles)]
    key = auth.api_key
    limited = list(key.limited_by.values())
    return [list(key.role_descriptors.values()), limited] if key.role_descriptors else [limited]


def _known(cluster: Cluster, names: list[str]) -> list[dict[str, Any]]:
    return [cluster.security.roles[name] for name in names if name in cluster.security.roles]


def has_cluster(cluster: Cluster, auth: Authentication, action: str, own: bool = False) -> bool:
    """`own`: the request concerns only the caller's own API keys, so manage_own_api_key counts."""

    def one(descriptor: dict[str, Any]) -> bool:
        for privilege in descriptor["cluster"]:
            if privileges.cluster_grants(privilege, action):
                return True
            if privilege == "manage_own_api_key" and own and action in _OWN_KEY_ACTIONS:
                return True
        return False

    return all(any(one(descriptor) for descriptor in union) for union in role_sets(cluster, auth))


def has_cluster_privilege(cluster: Cluster, auth: Authentication, name: str) -> bool:
    """Whether a named privilege is held, directly or through a wider one."""
    wider = {
        "all": {"all"},
        "manage_security": {"manage_security", "all"},
        "manage": {"manage", "all"},
        "monitor": {"monitor", "manage", "all"},
        "manage_api_key": {"manage_api_key", "manage_security", "all"},
        "read_security": {"read_security", "manage_security", "all"},
        "manage_own_api_key": {"manage_own_api_key", "manage_api_key", "manage_security", "all"},
        "monitor_enrich": {"monitor_enrich", "monitor", "manage", "all"},
        "monitor_stats": {"monitor_stats", "monitor", "manage", "all"},
    }.get(name)
    if wider is None:
        wider = {name, "all"} if "security" in name or name.startswith("cross_cluster") else {name, "manage", "all"}
    return all(any(wider & set(descriptor["cluster"]) for descriptor in union) for union in role_sets(cluster, auth))


def has_index(cluster: Cluster, auth: Authentication, action: str, name: str) -> bool:
    return all(
        any(_index_entry(entry, action, name) for descriptor in union for entry in descriptor["indices"])
        for union in role_sets(cluster, auth)
    )


def _index_entry(entry: dict[str, Any], action: str, name: str) -> bool:
    restricted = name.startswith((".security", ".kibana_security"))
    if restricted and not entry.get("allow_restricted_indices"):
        return False
    return any(pattern_matches(pattern, name) for pattern in entry["names"]) and any(
        privileges.index_grants(privilege, action) for privilege in entry["privileges"]
    )


def pattern_matches(pattern: str, name: str) -> bool:
    """Index and alias patterns of roles: `*` and `?` (no character classes), or /a regular expression/."""
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        from ..rest.java_regex import full_match

        return full_match(pattern[1:-1], name)
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def authorize_cluster(
    cluster: Cluster, auth: Authentication, action: str, request: Request | None = None, own: bool = False
) -> None:
    if action in _SAME_USER:
        return
    if not has_cluster(cluster, auth, action, own):
        raise denied(
            cluster, auth, action, privileges.granting_cluster(action, own and action in _OWN_KEY_ACTIONS), "cluster"
        )


def authorize_indices(cluster: Cluster, auth: Authentication, action: str, names: list[str]) -> list[str]:
    missing = [name for name in names if not has_index(cluster, auth, action, name)]
    if missing:
        raise denied(
            cluster, auth, action, privileges.granting_index(action), "index", f" on indices [{','.join(missing)}]"
        )
    return names


def describe(auth: Authentication) -> str:
    if auth.api_key is not None:
        return f"API key id [{auth.api_key.id}] of user [{auth.username}]"
    if auth.authenticated_as is not None:
        return f"{describe(auth.authenticated_as)} run as [{auth.username}]"
    return f"user [{auth.username}]"


def describe_roles(cluster: Cluster, auth: Authentication) -> str:
    if auth.api_key is not None:
        return ""
    effective = sorted(name for name in auth.roles if name in cluster.security.roles)
    missing = sorted(set(auth.roles) - set(effective))
    text = f" with effective roles [{','.join(effective)}]"
    return f"{text} (assigned roles [{','.join(missing)}] were not found)" if missing else text


def denied(
    cluster: Cluster, auth: Authentication, action: str, granted_by: list[str], kind: str, context: str = ""
) -> EsHttpError:
    text = f"action [{action}] is unauthorized for {describe(auth)}{describe_roles(cluster, auth)}{context}"
    if granted_by:
        text += f", this action is granted by the {kind} privileges [{','.join(granted_by)}]"
    return security_error(403, text)


def check_run_as(cluster: Cluster, effective: Authentication) -> None:
    """The user who logged in needs `run_as` for the name; the name must exist in a realm."""
    caller = effective.authenticated_as
    assert caller is not None
    allowed = effective.found and all(
        any(pattern_matches(pattern, effective.username) for descriptor in union for pattern in descriptor["run_as"])
        for union in role_sets(cluster, caller)
    )
    if not allowed:
        who = describe(caller)
        raise security_error(
            403,
            f"action [cluster:admin/xpack/security/user/authenticate] is unauthorized for {who}"
            f"{describe_roles(cluster, caller)}, because {who} is unauthorized to run as [{effective.username}]",
        )
