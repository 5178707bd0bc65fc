# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /_resolve/cluster: really connects, and its security trap (rules 5.5)."""

from __future__ import annotations

import asyncio
from typing import Any

from .. import versions
from ..documents import indices
from ..rest.errors import EsHttpError, illegal_argument
from ..rest.routing import Request, route
from ..state import Node
from . import client as link_client
from . import search as remote_search
from .access import RESOLVE, View
from .server import action

_INDEX_OPTIONS = {"ignore_unavailable", "allow_no_indices", "expand_wildcards", "ignore_throttled"}
_PARAMS = {*_INDEX_OPTIONS, "timeout"}


@route("GET", "/_resolve/cluster", params=_PARAMS, feature="resolve_cluster_without_expression")
async def resolve_all(request: Request) -> tuple[int, Any]:
    given = sorted(_INDEX_OPTIONS & set(request.query))
    if given:
        raise illegal_argument(
            f"No index options are allowed on _resolve/cluster when no index expression is specified, but received: "
            f"{given}".replace("'", "")
        )
    aliases = sorted(request.node.connections)
    if "remote_cluster_client" not in request.node.roles:
        raise illegal_argument(f"node [{request.node.name}] does not have the [remote_cluster_client] role")
    answers = await asyncio.gather(*(_remote(request, alias, None) for alias in aliases))
    return 200, dict(zip(aliases, answers, strict=True))


@route("GET", "/_resolve/cluster/{name}", params=_PARAMS, feature="resolve_cluster")
async def resolve(request: Request) -> tuple[int, Any]:
    if "timeout" in request.query and not request.node.has("resolve_cluster_without_expression"):
        raise illegal_argument(f"request [{request.raw_path}] contains unrecognized parameter: [timeout]")
    groups = remote_search.group(request, request.path_params["name"], RESOLVE)
    body: dict[str, Any] = {}
    if "" in groups:
        body["(local)"] = _local(request, ",".join(groups.pop("")))
    answers = await asyncio.gather(*(_remote(request, alias, ",".join(groups[alias])) for alias in groups))
    body.update(zip(groups, answers, strict=True))
    return 200, body


def _local(request: Request, expression: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"connected": True, "skip_unavailable": False}
    try:
        names = indices.resolve(
            request.cluster,
            request.auth,
            RESOLVE,
            expression,
            request.flag("ignore_unavailable"),
            request.flag("allow_no_indices", True),
        )
        entry["matching_indices"] = bool(names)
    except EsHttpError as error:
        if error.status == 403:
            raise
        entry["error"] = error.reason
    return {**entry, "version": _version(request.node)}


def _version(node: Node) -> dict[str, Any]:
    return {
        "number": versions.text(node.version),
        "build_flavor": "default",
        "minimum_wire_compatibility_version": "7.17.0" if node.version[0] == 8 else "8.19.0",
        "minimum_index_compatibility_version": f"{node.version[0] - 1}.0.0",
    }


async def _remote(request: Request, alias: str, expression: str | None) -> dict[str, Any]:
    """One remote. With API keys a refusal cannot be told from a broken link, so it counts as not connected."""
    node = request.node
    entry: dict[str, Any] = {"connected": False, "skip_unavailable": link_client.skip_unavailable(node, alias)}
    sent = {
        "indices": expression,
        "ignore_unavailable": request.flag("ignore_unavailable"),
        "allow_no_indices": request.flag("allow_no_indices", True),
    }
    try:
        return {**entry, "connected": True, **await remote_search.call(request, alias, RESOLVE, sent)}
    except EsHttpError as error:
        if error.type in link_client.UNREACHABLE or error.reason.startswith("unknown host"):
            return entry
        entry["error"] = error.reason
        refused = error.status == 401 or error.status == 403
        entry["connected"] = not refused or not node.has("resolve_cluster_refused_is_not_connected")
        return entry


@action(RESOLVE)
async def serve(node: Node, who: dict[str, Any], body: dict[str, Any]) -> Any:
    if body["indices"] is None:
        if node.has("resolve_cluster_without_expression"):
            return {"version": _version(node)}
        body["indices"] = "dummy*"  # what newer clusters ask of older ones
    view = View(node, who)
    names = view.resolve(RESOLVE, body["indices"], body["ignore_unavailable"], body["allow_no_indices"])
    return {"matching_indices": bool(names), "version": _version(node)}
