# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small index API: enough to store documents and to see them searched, locally and through a link."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

from ..rest.errors import EsHttpError, illegal_argument, validation_error, x_content_error
from ..rest.routing import Request, route
from ..security import authorization
from ..state import Cluster, random_id
from . import query_dsl

_BAD = re.compile(r'[\\/*?"<>| ,#:]')
_WRITE_PARAMS = {
    "refresh",
    "timeout",
    "wait_for_active_shards",
    "routing",
    "op_type",
    "pipeline",
    "require_alias",
    "version",
    "version_type",
    "if_seq_no",
    "if_primary_term",
}
_COMMON = {
    "timeout",
    "master_timeout",
    "wait_for_active_shards",
    "ignore_unavailable",
    "allow_no_indices",
    "expand_wildcards",
}


class Index:
    def __init__(self, name: str) -> None:
        self.name = name
        self.uuid = random_id(16)
        self.documents: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, int] = {}
        self.sequence = 0


def check_name(name: str) -> None:
    def bad(reason: str) -> EsHttpError:
        return EsHttpError(
            400,
            "invalid_index_name_exception",
            f"Invalid index name [{name}], {reason}",
            index_uuid="_na_",
            index=name,
        )

    if name.startswith(("_", "-", "+")):
        raise bad("must not start with '_', '-', or '+'")
    if _BAD.search(name):
        raise bad("must not contain the following characters [' ','\"','*','\\','<','|',',','>','/','?']")
    if name != name.lower():
        raise bad("must be lowercase")
    if name in (".", ".."):
        raise bad("must not be '.' or '..'")
    if len(name.encode()) > 255:
        raise bad(f"index name is too long, ({len(name.encode())} > 255)")


def missing(name: str) -> EsHttpError:
    return EsHttpError(
        404,
        "index_not_found_exception",
        f"no such index [{name}]",
        **{"resource.type": "index_or_alias", "resource.id": name, "index_uuid": "_na_", "index": name},
    )


def resolve(
    cluster: Cluster,
    auth: Any,
    action: str,
    expression: str,
    ignore_unavailable: bool = False,
    allow_no_indices: bool = True,
) -> list[str]:
    """Concrete names: wildcards give what the caller may see, concrete names must be allowed and exist."""
    found: list[str] = []
    parts = [part for part in expression.split(",") if part]
    for part in parts:
        if part.startswith("_") and part != "_all":
            check_name(part)
        if part == "_all" or "*" in part:
            pattern = "*" if part == "_all" else part
            visible = [
                name
                for name in cluster.indices
                if fnmatchcase(name, pattern)
                and not name.startswith(".")
                and authorization.has_index(cluster, auth, action, name)
            ]
            if not visible and not allow_no_indices:
                raise missing(part)
            found += visible
            continue
        authorization.authorize_indices(cluster, auth, action, [part])
        if part in cluster.indices:
            found.append(part)
        elif not ignore_unavailable:
            raise missing(part)
    return list(dict.fromkeys(found))


def hits(
    cluster: Cluster, names: list[str], query: Any, start: int = 0, size: int = 10
) -> tuple[int, list[dict[str, Any]]]:
    """Total and the page of hits, in the order the documents came."""
    matches = query_dsl.compile_query(query, query_dsl.Fields(cluster.now_ms()))
    found = []
    for name in names:
        for identity, source in cluster.indices[name].documents.items():
            if matches({**_searchable(source), "_id": identity}):
                found.append({"_index": name, "_id": identity, "_score": 1.0, "_source": source})
    return len(found), found[start : start + size]


def _searchable(source: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = dict(source)
    for path, values in query_dsl.flatten(source, "_"):
        flat.setdefault(path[2:], values)
        flat.setdefault(path[2:] + ".keyword", values)
    return flat


def search_result(total: int, page: list[dict[str, Any]], shards: int, size: int) -> dict[str, Any]:
    return {
        "took": 1,
        "timed_out": False,
        "_shards": {"total": shards, "successful": shards, "skipped": 0, "failed": 0},
        "hits": {
            "total": {"value": total, "relation": "eq"},
            "max_score": 1.0 if page and size else None,
            "hits": page,
        },
    }


# Set by the part that knows remote clusters: async function(request, expression, body) answering a search that names
# an alias.
REMOTE_SEARCH: list[Any] = []


@route("PUT", "/{index}", params=_COMMON, body="optional")
async def create_index(request: Request) -> tuple[int, Any]:
    name = request.path_params["index"]
    body = request.json(default={})
    if not isinstance(body, dict):
        raise x_content_error("[1:1] Expected START_OBJECT")
    unknown = [key for key in body if key not in ("settings", "mappings", "aliases")]
    if unknown:
        raise EsHttpError(400, "parse_exception", f"unknown key [{unknown[0]}] for create index")
    check_name(name)
    request.authorize_indices("indices:admin/create", [name])
    if name in request.cluster.indices:
        uuid = request.cluster.indices[name].uuid
        raise EsHttpError(
            400,
            "resource_already_exists_exception",
            f"index [{name}/{uuid}] already exists",
            index_uuid=uuid,
            index=name,
        )
    request.cluster.indices[name] = Index(name)
    return 200, {"acknowledged": True, "shards_acknowledged": True, "index": name}


@route("DELETE", "/{index}", params=_COMMON)
async def delete_index(request: Request) -> tuple[int, Any]:
    expression = request.path_params["index"]
    if "*" in expression or expression == "_all":
        raise illegal_argument("Wildcard expressions or all indices are not allowed")
    names = resolve(
        request.cluster, request.auth, "indices:admin/delete", expression, request.flag("ignore_unavailable")
    )
    for name in names:
        del request.cluster.indices[name]
    return 200, {"acknowledged": True}


@route("GET", "/{index}", params={*_COMMON, "flat_settings", "include_defaults", "features", "local"})
async def get_index(request: Request) -> tuple[int, Any]:
    names = resolve(
        request.cluster,
        request.auth,
        "indices:admin/get",
        request.path_params["index"],
        request.flag("ignore_unavailable"),
        request.flag("allow_no_indices", True),
    )
    return 200, {
        name: {
            "aliases": {},
            "mappings": {},
            "settings": {
                "index": {
                    "number_of_shards": "1",
                    "number_of_replicas": "1",
                    "uuid": request.cluster.indices[name].uuid,
                    "provided_name": name,
                }
            },
        }
        for name in names
    }


def _auto_create(request: Request, name: str) -> Index:
    if name not in request.cluster.indices:
        check_name(name)
        request.authorize_indices("indices:admin/auto_create", [name])
        request.cluster.indices[name] = Index(name)
    return request.cluster.indices[name]


def _write(index: Index, identity: str, source: dict[str, Any]) -> dict[str, Any]:
    existed = identity in index.documents
    index.documents[identity] = source
    index.versions[identity] = index.versions.get(identity, 0) + 1
    index.sequence += 1
    return {
        "_index": index.name,
        "_id": identity,
        "_version": index.versions[identity],
        "result": "updated" if existed else "created",
        "_shards": {"total": 2, "successful": 1, "failed": 0},
        "_seq_no": index.sequence - 1,
        "_primary_term": 1,
    }


def _source(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise EsHttpError(
            400,
            "document_parsing_exception",
            "[1:1] failed to parse",
            EsHttpError(
                400, "not_x_content_exception", "Compressor detection can only be called on some xcontent bytes"
            ),
        )
    return raw


@route(("PUT", "POST"), "/{index}/_doc/{id}", "/{index}/_create/{id}", params=_WRITE_PARAMS, body="required")
async def put_document(request: Request) -> tuple[int, Any]:
    name, identity = request.path_params["index"], request.path_params["id"]
    source = _document_body(request)
    request.authorize_indices("indices:data/write/index", [name])
    index = _auto_create(request, name)
    if ("/_create/" in request.raw_path or request.params.get("op_type") == "create") and identity in index.documents:
        raise EsHttpError(
            409,
            "version_conflict_engine_exception",
            f"[{identity}]: version conflict, document already exists (current version [{index.versions[identity]}])",
            index_uuid=index.uuid,
            index=name,
            shard="0",
        )
    result = _write(index, identity, source)
    return (201 if result["result"] == "created" else 200), result


@route("POST", "/{index}/_doc", params=_WRITE_PARAMS, body="required")
async def post_document(request: Request) -> tuple[int, Any]:
    source = _document_body(request)
    request.authorize_indices("indices:data/write/index", [request.path_params["index"]])
    return 201, _write(_auto_create(request, request.path_params["index"]), random_id(15), source)


def _document_body(request: Request) -> dict[str, Any]:
    if not request.raw.strip():
        raise validation_error(["source is missing"])
    return _source(request.json())


@route("GET", "/{index}/_doc/{id}", params={"refresh", "realtime", "routing", "preference", "_source", "stored_fields"})
async def get_document(request: Request) -> tuple[int, Any]:
    name, identity = request.path_params["index"], request.path_params["id"]
    request.authorize_indices("indices:data/read/get", [name])
    if name not in request.cluster.indices:
        raise missing(name)
    index = request.cluster.indices[name]
    if identity not in index.documents:
        return 404, {"_index": name, "_id": identity, "found": False}
    return 200, {
        "_index": name,
        "_id": identity,
        "_version": index.versions[identity],
        "_seq_no": 0,
        "_primary_term": 1,
        "found": True,
        "_source": index.documents[identity],
    }


@route("DELETE", "/{index}/_doc/{id}", params=_WRITE_PARAMS)
async def delete_document(request: Request) -> tuple[int, Any]:
    name, identity = request.path_params["index"], request.path_params["id"]
    request.authorize_indices("indices:data/write/delete", [name])
    if name not in request.cluster.indices:
        raise missing(name)
    index = request.cluster.indices[name]
    found = index.documents.pop(identity, None) is not None
    return (200 if found else 404), {
        "_index": name,
        "_id": identity,
        "_version": 1,
        "result": "deleted" if found else "not_found",
        "_shards": {"total": 2, "successful": 1, "failed": 0},
        "_seq_no": 0,
        "_primary_term": 1,
    }


@route(("POST", "PUT"), "/_bulk", "/{index}/_bulk", params=_WRITE_PARAMS, body="required")
async def bulk(request: Request) -> tuple[int, Any]:
    if not request.raw.strip():
        raise EsHttpError(400, "parse_exception", "request body is required")
    if not request.raw.endswith(b"\n"):
        raise illegal_argument("The bulk request must be terminated by a newline [\\n]")
    lines = [line for line in request.raw.split(b"\n") if line.strip()]
    items, position = [], 0
    while position < len(lines):
        operation, details = _bulk_action(lines[position], position + 1)
        name = details.get("_index", request.path_params.get("index"))
        if not isinstance(name, str):
            raise validation_error(["index is missing"])
        position += 1
        identity = str(details.get("_id") or random_id(15))
        request.authorize_indices("indices:data/write/bulk", [name])
        index = _auto_create(request, name)
        if operation == "delete":
            found = index.documents.pop(identity, None) is not None
            items.append(
                {
                    "delete": {
                        "_index": name,
                        "_id": identity,
                        "status": 200 if found else 404,
                        "result": "deleted" if found else "not_found",
                    }
                }
            )
            continue
        if position >= len(lines):
            raise validation_error(["no requests added"])
        result = _write(index, identity, _source(_json_line(lines[position], position + 1)))
        position += 1
        items.append({operation: {**result, "status": 201 if result["result"] == "created" else 200}})
    if not items:
        raise validation_error(["no requests added"])
    return 200, {"errors": False, "took": 1, "items": items}


def _json_line(line: bytes, number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        raise x_content_error(f"[{number}:1] Unexpected content in a bulk line") from None


def _bulk_action(line: bytes, number: int) -> tuple[str, dict[str, Any]]:
    action = _json_line(line, number)
    if not isinstance(action, dict) or len(action) != 1:
        raise illegal_argument(f"Malformed action/metadata line [{number}], expected START_OBJECT or END_OBJECT")
    operation, details = next(iter(action.items()))
    if operation not in ("index", "create", "delete") or not isinstance(details, dict):
        raise illegal_argument(
            f"Malformed action/metadata line [{number}], expected field [create], [delete], [index] or [update] "
            "but found "
            f"[{operation}]"
        )
    return operation, details


@route(("POST", "GET"), "/_refresh", "/{index}/_refresh", params=_COMMON)
async def refresh(request: Request) -> tuple[int, Any]:
    names = resolve(request.cluster, request.auth, "indices:admin/refresh", request.path_params.get("index", "*"))
    return 200, {"_shards": {"total": 2 * len(names), "successful": len(names), "failed": 0}}


@route(
    "GET",
    "/_cat/indices",
    "/_cat/indices/{index}",
    params={
        "v",
        "h",
        "s",
        "format",
        "expand_wildcards",
        "bytes",
        "health",
        "help",
        "local",
        "master_timeout",
        "pri",
        "time",
        "include_unloaded_segments",
    },
)
async def cat_indices(request: Request) -> tuple[int, Any]:
    names = resolve(
        request.cluster, request.auth, "indices:monitor/settings/get", request.path_params.get("index", "*")
    )
    return 200, "".join(
        f"green open {name} {request.cluster.indices[name].uuid} 1 1 "
        f"{len(request.cluster.indices[name].documents)} 0 1kb 1kb\n"
        for name in names
    )
