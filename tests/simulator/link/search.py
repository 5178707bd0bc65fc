# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searches that name other clusters, from the client's REST layer to the server's answer (rules 8)."""

from __future__ import annotations

import asyncio
from typing import Any

from ..documents import indices, query_dsl
from ..rest.errors import EsHttpError, illegal_argument
from ..rest.routing import Request
from ..security import authorization, privileges
from ..security.authorization import pattern_matches
from ..state import Node
from . import authentication as link_authentication
from . import client as link_client
from .access import SEARCH, View, subject
from .server import action


def no_such_remote(request: Request, alias: str, action: str) -> EsHttpError:
    error = EsHttpError(404, "no_such_remote_cluster_exception", f"no such remote cluster: [{alias}]")
    if request.node.has("unknown_alias_is_404"):
        return error
    return _denied(request, action, error)


def _denied(request: Request, action: str, cause: EsHttpError) -> EsHttpError:
    """What goes wrong while the authorization resolves names."""
    denied = authorization.denied(request.cluster, request.auth, action, privileges.granting_index(action), "index")
    return EsHttpError(403, denied.type, denied.reason, cause)


def group(request: Request, expression: str, action: str = SEARCH) -> dict[str, list[str]]:
    """Parts of an expression per alias ("" for the local cluster); `-alias:*` takes a cluster out."""
    node = request.node
    groups: dict[str, list[str]] = {}
    excluded: set[str] = set()
    for part in [part for part in expression.split(",") if part]:
        alias, colon, index = part.partition(":")
        if not colon or part.startswith("<"):
            groups.setdefault("", []).append(part)
            continue
        if "remote_cluster_client" not in node.roles:
            cause = illegal_argument(f"node [{node.name}] does not have the remote cluster client role enabled")
            raise _denied(request, action, cause)
        minus, alias = alias.startswith("-"), alias.removeprefix("-")
        names = [name for name in node.connections if pattern_matches(alias, name)]
        if not names:
            if "*" in alias:
                continue
            raise no_such_remote(request, alias, action)
        if minus:
            if index != "*":
                raise illegal_argument(
                    "To exclude a cluster you must specify the '*' wildcard for the index "
                    f"expression, but found: [{index}]"
                )
            excluded.update(names)
            continue
        for name in names:
            groups.setdefault(name, []).append(index)
    return {name: parts for name, parts in groups.items() if name not in excluded}


async def call(request: Request, alias: str, name: str, body: Any) -> Any:
    """One request to a remote as the request's user: the local checks first, then the wire."""
    connection = request.node.connections.get(alias)
    if connection is None:
        raise no_such_remote(request, alias, name)
    if connection.api_key:
        link_authentication.check_license(request.node)
    who = subject(request, alias, name, connection)
    return await connection.request(name, body, who)


async def search(request: Request, expression: str, body: dict[str, Any]) -> tuple[int, Any]:
    groups = group(request, expression)
    query = body.get("query", {"match_all": {}})
    query_dsl.compile_query(query, query_dsl.Fields(request.cluster.now_ms()))
    start, size = body.get("from", 0), body.get("size", 10)
    sent = {
        "query": query,
        "size": start + size,
        "ignore_unavailable": request.flag("ignore_unavailable"),
        "allow_no_indices": request.flag("allow_no_indices", True),
    }
    details: dict[str, Any] = {}
    page: list[dict[str, Any]] = []
    total = shards = 0
    remotes = [alias for alias in groups if alias]
    if "" in groups:
        names = indices.resolve(
            request.cluster,
            request.auth,
            SEARCH,
            ",".join(groups[""]),
            sent["ignore_unavailable"],
            sent["allow_no_indices"],
        )
        count, found = indices.hits(request.cluster, names, query, 0, start + size)
        total, shards, page = total + count, shards + len(names), page + found
        details["(local)"] = _success(",".join(groups[""]), len(names))
    live = {alias for alias in remotes if request.node.connections[alias].connected}
    answers = await asyncio.gather(
        *(call(request, alias, SEARCH, {**sent, "indices": ",".join(groups[alias])}) for alias in remotes),
        return_exceptions=True,
    )
    for alias, answer in zip(remotes, answers, strict=True):
        if isinstance(answer, EsHttpError):
            if not link_client.skip_unavailable(request.node, alias):
                raise answer
            details[alias] = _skipped(request.node, alias, ",".join(groups[alias]), answer, alias in live)
            continue
        if isinstance(answer, BaseException):
            raise answer
        total, shards = total + answer["total"], shards + answer["shards"]
        page += [{**hit, "_index": f"{alias}:{hit['_index']}"} for hit in answer["hits"]]
        details[alias] = _success(",".join(groups[alias]), answer["shards"])
    result = indices.search_result(total, page[start : start + size], shards, size)
    if remotes:
        result = {
            "took": 1,
            "timed_out": False,
            "num_reduce_phases": len(details) + 1,
            "_shards": result["_shards"],
            "_clusters": _summary(request.node, details),
            "hits": result["hits"],
        }
    return 200, result


def _success(expression: str, shards: int) -> dict[str, Any]:
    return {
        "status": "successful",
        "indices": expression,
        "took": 1,
        "timed_out": False,
        "_shards": {"total": shards, "successful": shards, "skipped": 0, "failed": 0},
    }


def _skipped(node: Node, alias: str, expression: str, error: EsHttpError, live: bool) -> dict[str, Any]:
    """What a skipped cluster tells: the cause only while there is a connection."""
    if live and error.type not in link_client.UNREACHABLE:
        reason = error.fields()
    elif node.has("skipped_is_unable_to_connect"):
        reason = {"type": "connect_transport_exception", "reason": f"Unable to connect to [{alias}]"}
    else:
        reason = {"type": "no_such_remote_cluster_exception", "reason": f"no such remote cluster: [{alias}]"}
    return {
        "status": "skipped",
        "indices": expression,
        "timed_out": False,
        "failures": [
            {
                "shard": -1,
                "index": None,
                "reason": reason,
            }
        ],
    }


def _summary(node: Node, details: dict[str, Any]) -> dict[str, Any]:
    def count(status: str) -> int:
        return sum(entry["status"] == status for entry in details.values())

    summary: dict[str, Any] = {"total": len(details), "successful": count("successful"), "skipped": count("skipped")}
    if node.version >= (8, 10, 0):
        summary.update(running=0, partial=0, failed=0, details=details)
    return summary


@action(SEARCH)
async def serve_search(node: Node, who: dict[str, Any], body: dict[str, Any]) -> Any:
    view = View(node, who)
    names = view.resolve(SEARCH, body["indices"], body["ignore_unavailable"], body["allow_no_indices"])
    found = [hit for name in names for hit in view.documents(name, SEARCH, body["query"])]
    return {"total": len(found), "shards": len(names), "hits": found[: body["size"]]}


@action("cluster:internal/remote_cluster/nodes")
async def serve_nodes(node: Node, who: dict[str, Any], body: dict[str, Any]) -> Any:
    """What sniffing finds: with API keys only the nodes that serve remote clusters."""
    running = [one for one in node.cluster.nodes if one.running]
    if body["remote_cluster_server"]:
        return {"addresses": [one.link.remote_cluster.address for one in running if one.link.serving]}  # type: ignore[attr-defined]
    return {"addresses": [one.link.transport.address for one in running]}  # type: ignore[attr-defined]


indices.REMOTE_SEARCH.append(search)
