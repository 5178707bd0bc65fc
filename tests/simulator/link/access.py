# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request through a link may see: the key's access cut with the user's remote privileges (rules 7, 8)."""

from __future__ import annotations

import json
from typing import Any

from ..documents import indices, query_dsl
from ..rest.errors import EsHttpError, security_error
from ..rest.routing import Request
from ..security import authorization, privileges
from ..state import Cluster, Node
from .client import RemoteConnection

SEARCH = "indices:data/read/search"
RESOLVE = "indices:admin/resolve/cluster"


# --- on the client: what goes out with the request ---
def subject(request: Request, alias: str, action: str, connection: RemoteConnection) -> dict[str, Any]:
    """User, roles and (API-key model) the user's entries for the alias; 403 when there are none."""
    auth = request.auth
    roles = list(auth.roles)
    found: dict[str, Any] = {"username": auth.username, "roles": roles, "realm": auth.realm}
    if not connection.api_key:
        return found
    unions = []
    for union in authorization.role_sets(request.cluster, auth):
        unions.append(
            [
                _without_clusters(entry)
                for descriptor in union
                for entry in descriptor.get("remote_indices") or []
                if any(authorization.pattern_matches(pattern, alias) for pattern in entry["clusters"])
            ]
        )
    if not all(unions):
        raise security_error(
            403,
            f"action [{action}] towards remote cluster [{alias}] is unauthorized for {authorization.describe(auth)} "
            f"with {'assigned' if connection.to_older else 'effective'} roles [{','.join(sorted(roles))}] because no "
            "remote indices privileges apply for the target cluster",
        )
    found["entries"] = unions
    found["user"] = authorization.describe(auth)
    return found


def _without_clusters(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "clusters"}


# --- on the server: what it makes of it ---
class View:
    """The indices, documents and fields one request may see on the server."""

    def __init__(self, node: Node, who: dict[str, Any]) -> None:
        self.cluster: Cluster = node.cluster
        self.who = who
        if who["model"] == "api_key":
            key = who["key"]
            descriptor = next(iter(key.role_descriptors.values()))
            _check_legacy(node, key)
            self.unions = [descriptor["indices"], *who.get("entries", [])]
        else:
            known = self.cluster.security.roles
            self.unions = [[entry for name in who["roles"] if name in known for entry in known[name]["indices"]]]

    def entries(self, union: list[dict[str, Any]], action: str, name: str) -> list[dict[str, Any]]:
        restricted = name.startswith(".security")
        return [
            entry
            for entry in union
            if (not restricted or entry.get("allow_restricted_indices"))
            and any(authorization.pattern_matches(pattern, name) for pattern in entry["names"])
            and any(privileges.index_grants(privilege, action) for privilege in entry["privileges"])
        ]

    def allows(self, action: str, name: str) -> bool:
        return all(self.entries(union, action, name) for union in self.unions)

    def denied(self, action: str, names: list[str]) -> EsHttpError:
        who = self.who
        granted = ",".join(privileges.granting_index(action))
        indices = f" on indices [{','.join(names)}]" if names else ""
        if who["model"] != "api_key":
            return security_error(
                403,
                f"action [{action}] is unauthorized for user [{who['username']}] with effective roles "
                f"[{','.join(sorted(who['roles']))}]{indices}, this action is granted by the index privileges "
                f"[{granted}]",
            )
        key = who["key"]
        return security_error(
            403,
            f"action [{action}] towards remote cluster is unauthorized for {who['user']} with assigned roles "
            f"[{','.join(sorted(who['roles']))}] authenticated by API key id [{key.id}] of user "
            f"[{key.creator.username}]{indices}, this action is granted by the index privileges [{granted}]",
        )

    def resolve(self, action: str, expression: str, ignore_unavailable: bool, allow_no_indices: bool) -> list[str]:
        granted = [{privilege for entry in union for privilege in entry["privileges"]} for union in self.unions]
        if not all(any(privileges.index_grants(one, action) for one in names) for names in granted):
            raise self.denied(action, [part for part in expression.split(",") if "*" not in part])
        found: list[str] = []
        for part in [part for part in expression.split(",") if part]:
            if part == "_all" or "*" in part:
                pattern = "*" if part == "_all" else part
                visible = [
                    name
                    for name in self.cluster.indices
                    if authorization.pattern_matches(pattern, name)
                    and (not name.startswith(".") or pattern.startswith("."))
                    and self.allows(action, name)
                ]
                if not visible and not allow_no_indices:
                    raise indices.missing(part)
                found += visible
            elif not self.allows(action, part):
                if not ignore_unavailable:
                    raise self.denied(action, [part])
            elif part in self.cluster.indices:
                found.append(part)
            elif not ignore_unavailable:
                raise indices.missing(part)
        return list(dict.fromkeys(found))

    def documents(self, name: str, action: str, query: Any) -> list[dict[str, Any]]:
        """Hits of one index after document and field level security of every union."""
        fields = query_dsl.Fields(self.cluster.now_ms())
        filters = [query_dsl.compile_query(query, fields)]
        grants: list[list[dict[str, Any]]] = []
        for union in self.unions:
            entries = self.entries(union, action, name)
            if all("query" in entry for entry in entries):
                compiled = [query_dsl.compile_query(_query(entry["query"]), fields) for entry in entries]
                filters.append(lambda document, compiled=compiled: any(one(document) for one in compiled))
            limits = [entry.get("field_security") for entry in entries]
            if all(limits):
                grants.append([limit for limit in limits if limit])
        found = []
        for identity, source in self.cluster.indices[name].documents.items():
            if all(matches({**indices._searchable(source), "_id": identity}) for matches in filters):
                shown = source
                for limits in grants:
                    shown = _only(shown, limits)
                found.append({"_index": name, "_id": identity, "_score": 1.0, "_source": shown})
        return found


def _query(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _only(source: dict[str, Any], limits: list[dict[str, Any]], prefix: str = "") -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in source.items():
        path = prefix + key
        if isinstance(value, dict):
            inner = _only(value, limits, path + ".")
            if inner:
                shown[key] = inner
        elif any(_granted(path, limit) for limit in limits):
            shown[key] = value
    return shown


def _granted(path: str, limit: dict[str, Any]) -> bool:
    return any(authorization.pattern_matches(pattern, path) for pattern in limit["grant"]) and not any(
        authorization.pattern_matches(pattern, path) for pattern in limit.get("except") or []
    )


def _check_legacy(node: Node, key: Any) -> None:
    """A key from before 8.14 may combine what is no longer allowed; it is refused in use, not in GET."""
    if not node.has("ga_rules"):
        return
    from ..security.role_parser import has_document_or_field_security

    entries = next(iter(key.role_descriptors.values()))["indices"]
    replication = any("cross_cluster_replication" in entry["privileges"] for entry in entries)
    if replication and any(has_document_or_field_security(entry) for entry in entries):
        raise EsHttpError(
            400,
            "illegal_argument_exception",
            f"Cross cluster API key [{key.id}] is invalid: search does not support document "
            "or field level security if replication is assigned",
        )
