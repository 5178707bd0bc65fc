# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching and counting documents; a search that names an alias goes to the link."""

from __future__ import annotations

from typing import Any

from ..rest.errors import EsHttpError, illegal_argument
from ..rest.routing import Request, route
from .indices import REMOTE_SEARCH, hits, resolve, search_result

_SEARCH_PARAMS = {
    "ignore_unavailable",
    "allow_no_indices",
    "expand_wildcards",
    "ccs_minimize_roundtrips",
    "size",
    "from",
    "q",
    "timeout",
    "rest_total_hits_as_int",
    "track_total_hits",
    "allow_partial_search_results",
    "preference",
    "request_cache",
    "routing",
    "search_type",
    "typed_keys",
    "_source",
    "batched_reduce_size",
    "max_concurrent_shard_requests",
}


def search_body(request: Request) -> dict[str, Any]:
    body = request.json(default={})
    if not isinstance(body, dict):
        raise EsHttpError(400, "parsing_exception", "Expected [START_OBJECT] but found something else")
    known = {"query", "size", "from", "_source", "track_total_hits", "timeout", "sort", "fields", "aggs"}
    unknown = [key for key in body if key not in known]
    if unknown:
        raise EsHttpError(400, "parsing_exception", f"unknown key [{unknown[0]}] in the search request")
    for key in ("size", "from"):
        if request.query.get(key) is not None:
            body[key] = request.integer(key, 0)
        if key in body and (not isinstance(body[key], int) or isinstance(body[key], bool) or body[key] < 0):
            raise illegal_argument(f"[{key}] parameter cannot be negative, found [{body[key]}]")
    return body


@route(("GET", "POST"), "/_search", "/{index}/_search", params=_SEARCH_PARAMS, body="optional")
async def search(request: Request) -> tuple[int, Any]:
    body = search_body(request)
    expression = request.path_params.get("index", "*")
    if ":" in expression and REMOTE_SEARCH:
        return await REMOTE_SEARCH[0](request, expression, body)
    names = resolve(
        request.cluster,
        request.auth,
        "indices:data/read/search",
        expression,
        request.flag("ignore_unavailable"),
        request.flag("allow_no_indices", True),
    )
    size = body.get("size", 10)
    total, page = hits(request.cluster, names, body.get("query", {"match_all": {}}), body.get("from", 0), size)
    return 200, search_result(total, page, len(names), size)


@route(("GET", "POST"), "/_count", "/{index}/_count", params=_SEARCH_PARAMS, body="optional")
async def count(request: Request) -> tuple[int, Any]:
    body = search_body(request)
    names = resolve(
        request.cluster,
        request.auth,
        "indices:data/read/search",
        request.path_params.get("index", "*"),
        request.flag("ignore_unavailable"),
        request.flag("allow_no_indices", True),
    )
    total, _page = hits(request.cluster, names, body.get("query", {"match_all": {}}), 0, 0)
    return 200, {"count": total, "_shards": {"total": len(names), "successful": len(names), "skipped": 0, "failed": 0}}
