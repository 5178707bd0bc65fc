# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /, nodes, health and the few _cat pages a person or a client asks first."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from .. import versions
from ..rest.errors import EsHttpError
from ..rest.routing import Request, route
from ..state import Node


@route("GET", "/")
async def root(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:monitor/main")
    node = request.node
    major = node.version[0]
    return 200, {
        "name": node.name,
        "cluster_name": node.cluster.name,
        "cluster_uuid": node.cluster.uuid,
        "version": {
            "number": versions.text(node.version),
            "build_flavor": "default",
            "build_type": "tar",
            "build_hash": "0" * 40,
            "build_date": "2026-01-01T00:00:00.000000000Z",
            "build_snapshot": False,
            "lucene_version": versions.lucene(node.version),
            "minimum_wire_compatibility_version": "7.17.0"
            if major == 8
            else "8.18.0"
            if node.version < (9, 1, 0)
            else "8.19.0",
            "minimum_index_compatibility_version": f"{major - 1}.0.0",
        },
        "tagline": "You Know, for Search",
    }


@route(
    "GET",
    "/_cluster/health",
    params={"timeout", "wait_for_status", "wait_for_nodes", "local", "master_timeout", "level"},
)
async def health(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:monitor/health")
    running = [node for node in request.cluster.nodes if node.running]
    data = [node for node in running if any(role.startswith("data") for role in node.roles)]
    shards = len(request.cluster.indices)
    # The system's own indices follow the number of nodes, so without others a cluster stays green when a node leaves.
    unassigned = shards if len(running) < len(request.cluster.nodes) else 0
    return 200, {
        "cluster_name": request.cluster.name,
        "status": "yellow" if unassigned else "green",
        "timed_out": False,
        "number_of_nodes": len(running),
        "number_of_data_nodes": len(data),
        "active_primary_shards": shards,
        "active_shards": shards,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": unassigned,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0,
    }


# Other parts add their section of a node here: name -> function(node) giving the section or None.
NODE_SECTIONS: dict[str, Any] = {}
_METRICS = {
    "settings",
    "os",
    "process",
    "jvm",
    "thread_pool",
    "transport",
    "http",
    "remote_cluster_server",
    "plugins",
    "ingest",
    "aggregations",
    "indices",
    "_all",
    "_none",
}


_ROLES = {"data", "ingest", "master", "ml", "remote_cluster_client", "transform"} | {
    f"data_{tier}" for tier in ("content", "hot", "warm", "cold", "frozen")
}


def node_filter(request: Request, expression: str | None) -> list[Node]:
    """Node ids, names, _local, _all, _master, patterns, or a role, comma separated.

    role:true adds nodes, and role:false takes them away from those that were chosen before it (seen: 8.19.0, 9.5.0).
    """
    running = [node for node in request.cluster.nodes if node.running]
    if not expression or expression == "_all":
        return running
    wanted: list[Node] = []
    for part in expression.split(","):
        role, _colon, value = part.partition(":")
        if role in _ROLES and value == "false":
            wanted = [node for node in wanted if role not in node.roles]
            continue
        for node in running:
            if role in _ROLES and value == "true":
                hit = role in node.roles
            else:
                hit = {"_local": node is request.node, "_master": node is running[0], "_all": True}.get(
                    part, part == node.id or fnmatchcase(node.name, part)
                )
            if hit and node not in wanted:
                wanted.append(node)
    return wanted


def nodes_header(total: int, failed: int = 0) -> dict[str, int]:
    return {"total": total, "successful": total - failed, "failed": failed}


@route("GET", "/_nodes", "/_nodes/{node_id}", "/_nodes/{node_id}/{metrics}", params={"flat_settings", "timeout"})
async def nodes(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:monitor/nodes/info")
    expression, metrics = request.path_params.get("node_id"), request.path_params.get("metrics")
    if metrics is None and expression is not None and all(part in _METRICS for part in expression.split(",")):
        expression, metrics = None, expression
    wanted = set(metrics.split(",")) if metrics else {"_all"}
    unknown = sorted(wanted - _METRICS)
    if unknown:
        names = ", ".join(f"[{name}]" for name in unknown)
        raise EsHttpError(
            400,
            "illegal_argument_exception",
            f"request [{request.raw_path}] contains unrecognized metric{'s' if len(unknown) > 1 else ''}: {names}",
        )
    shown = node_filter(request, expression)
    return 200, {
        "_nodes": nodes_header(len(shown)),
        "cluster_name": request.cluster.name,
        "nodes": {node.id: _node(node, wanted) for node in shown},
    }


def _node(node: Node, wanted: set[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": node.name,
        "transport_address": node.link.transport.address,
        "host": "127.0.0.1",
        "ip": "127.0.0.1",
        "version": versions.text(node.version),
        "transport_version": 8_000_000 + node.version[1] * 1000,
        "build_flavor": "default",
        "build_type": "tar",
        "build_hash": "0" * 40,
        "roles": sorted(node.roles),
        "attributes": {},
    }
    sections: dict[str, Any] = {
        "settings": lambda: {
            "cluster": {"name": node.cluster.name},
            "node": {"name": node.name},
            "path": {"home": str(node.home), "logs": str(node.home / "logs")},
        },
        "http": lambda: {
            "bound_address": [f"127.0.0.1:{node.port}"],
            "publish_address": f"127.0.0.1:{node.port}",
            "max_content_length_in_bytes": 104857600,
        },
        "jvm": lambda: {"version": "21.0.1", "start_time_in_millis": node.started_ms},
        "os": lambda: {"name": "Linux"},
        "plugins": list,
    }
    for name, make in sections.items():
        if wanted & {"_all", name}:
            body[name] = make()
    for name, section in NODE_SECTIONS.items():
        value = section(node) if wanted & {"_all", name} else None
        if value is not None:
            body[name] = value
    return body


@route("GET", "/_cat/nodes", params={"v", "h", "s", "help", "full_id", "master_timeout", "local", "bytes", "time"})
async def cat_nodes(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:monitor/state")
    request.authorize("cluster:monitor/nodes/info")
    return 200, "".join(
        f"127.0.0.1 50 90 1 0.10 0.10 0.10 dimr {'*' if number == 0 else '-'} {node.name}\n"
        for number, node in enumerate(node for node in request.cluster.nodes if node.running)
    )
