# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster says about itself. Private to this collection."""

from __future__ import annotations

import typing as t

from .._errors import (
    EsBadRequest,
    EsNotFound,
    EsPermissionError,
)
from .._http.argspec import ArgumentSpec
from .._http.client import ElasticsearchClient
from .._runner import Task

SPEC = ArgumentSpec(
    {
        "license": {"type": "bool", "default": True},
        "nodes": {"type": "bool", "default": True},
        "health": {"type": "bool", "default": False},
    }
)

Data = t.Dict[str, t.Any]


def read(client: ElasticsearchClient, path: str, attempt: str) -> t.Optional[Data]:
    """The answer, or None for what this login may not see or this kind of cluster does not have."""
    try:
        body = client.request("GET", path, attempt=attempt).body
    except (EsBadRequest, EsNotFound, EsPermissionError):
        return None
    return body if isinstance(body, dict) else None


def licence(body: t.Optional[Data]) -> t.Optional[Data]:
    found = (body or {}).get("license")
    if not found:
        return None
    return {"type": found.get("type"), "status": found.get("status"), "expires": found.get("expiry_date_in_millis")}


def nodes(body: t.Optional[Data]) -> t.Optional[t.List[Data]]:
    if body is None:
        return None
    found = [
        {
            "name": node.get("name"),
            "version": node.get("version"),
            "started": (node.get("jvm") or {}).get("start_time_in_millis"),
            "roles": node.get("roles") or [],
            "transport_address": node.get("transport_address"),
            "http_address": (node.get("http") or {}).get("publish_address"),
            "remote_cluster_server": _server(node.get("remote_cluster_server")),
        }
        for node in (body.get("nodes") or {}).values()
    ]
    return sorted(found, key=lambda node: str(node["name"]))


def _server(section: t.Optional[Data]) -> t.Optional[Data]:
    if not section:
        return None
    return {"bound_address": section.get("bound_address") or [], "publish_address": section.get("publish_address")}


def health(body: t.Optional[Data]) -> t.Optional[Data]:
    if body is None:
        return None
    missing = sum(body.get(name) or 0 for name in ("unassigned_shards", "initializing_shards"))
    return {"status": body.get("status"), "missing_shards": missing}


def work(task: Task, client: ElasticsearchClient) -> Data:
    """The nodes before the health: what is told of the health is then as new as the list of nodes."""
    root = client.request("GET", "/", attempt="read the version").body
    version = root.get("version") or {}
    result = {
        "changed": False,
        "node": root.get("name"),
        "version": version.get("number"),
        "build_flavor": version.get("build_flavor"),
        "minimum_wire_compatibility_version": version.get("minimum_wire_compatibility_version"),
        "cluster_name": root.get("cluster_name"),
        "cluster_uuid": root.get("cluster_uuid"),
    }
    if task.params["license"]:
        result["license"] = licence(read(client, "/_license", "read the licence"))
    if task.params["nodes"]:
        result["nodes"] = nodes(read(client, "/_nodes/http,jvm,remote_cluster_server", "read the nodes"))
    if task.params["health"]:
        result["health"] = health(read(client, "/_cluster/health", "read the health"))
    return result
