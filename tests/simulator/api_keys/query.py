# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET|POST /_security/_query/api_key (rule 3.2)."""

from __future__ import annotations

import functools
from typing import Any

from .. import object_parser, query_dsl, sorting
from ..errors import EsHttpError, illegal_argument
from ..routing import Request, route
from ..security import authorization
from . import model

_ACTION = "cluster:admin/xpack/security/api_key/query"
_MAX_WINDOW = 10_000
_INT = (("number",), object_parser.plain)
_FIELDS = {
    "query": (("object",), object_parser.plain),
    "from": _INT,
    "size": _INT,
    "sort": (("array", "object", "string"), object_parser.plain),
    "search_after": (("array",), object_parser.plain),
}
_ALLOWED = {
    "id",
    "_id",
    "type",
    "name",
    "creation",
    "expiration",
    "invalidated",
    "invalidation",
    "username",
    "realm",
    "metadata",
}
_DATES = {"creation", "expiration", "invalidation"}


@route(
    ("GET", "POST"),
    "/_security/_query/api_key",
    params={"with_limited_by", "with_profile_uid", "typed_keys"},
    body="optional",
)
async def query_keys(request: Request) -> tuple[int, Any]:
    body = (
        object_parser.parse(request.content(), "query_api_key_request_payload", _FIELDS) if request.raw.strip() else {}
    )
    start, size = body.get("from"), body.get("size")
    problems = []
    for name, value in (("from", start), ("size", size)):
        if isinstance(value, float) and value != int(value):
            raise illegal_argument(f"{value} cannot be converted to Integer without data loss")
        if value is not None and value < 0:
            problems.append(f"[{name}] parameter cannot be negative but was [{value}]")
    model.refuse(problems)
    start, size = int(start or 0), 10 if size is None else int(size)
    auth, cluster = request.auth, request.cluster
    authorization.authorize_cluster(cluster, auth, _ACTION, request, own=True)
    model.check_enabled(cluster)
    if start + size > _MAX_WINDOW:
        cause = illegal_argument(
            f"Result window is too large, from + size must be less than or equal to: [{_MAX_WINDOW}] but was "
            f"[{start + size}]. See the scroll api for a more efficient way to request large data sets. This limit "
            "can be set by changing the [index.max_result_window] index level setting."
        )
        raise _all_shards_failed(cause)
    matches = query_dsl.compile_query(body.get("query", {"match_all": {}}), _Fields(cluster.now_ms()))
    keys = list(cluster.keys.values())
    if not authorization.has_cluster(cluster, auth, _ACTION):  # manage_own_api_key alone: only the caller's own
        creator = model.Creator.of(auth)
        realms = cluster.security.same_owner_realms(creator.realm)
        keys = [key for key in keys if key.creator.username == creator.username and key.creator.realm in realms]
    documents = [(_document(key), key) for key in keys]
    found = [pair for pair in documents if matches(pair[0])]
    sort = sorting.parse_sort(body.get("sort"), _check_sort)
    found, values = sorting.sorted_page(found, sort, start, size, body.get("search_after"))
    with_limited_by = request.flag("with_limited_by")
    shown = [key.shown(request.node, with_limited_by) for _document_, key in found]
    for entry, value in zip(shown, values, strict=True) if sort else []:
        entry["_sort"] = value
    return 200, {"total": query_dsl.total(documents, matches), "count": len(shown), "api_keys": shown}


def _all_shards_failed(cause: EsHttpError) -> EsHttpError:
    more = {"phase": "query", "grouped": True, "failed_shards": []}
    return EsHttpError(400, "search_phase_execution_exception", "all shards failed", cause, **more)


class _Fields(query_dsl.Fields):
    not_supported = "Query type [{}] is not supported for API Key query"

    def check(self, name: str) -> str:
        if (
            name not in _ALLOWED
            and not name.startswith("metadata.")
            and name not in ("realm_name", "api_key_invalidated")
        ):
            raise illegal_argument(f"Field [{name}] is not allowed for querying or aggregation")
        return "id" if name == "_id" else name

    def is_date(self, name: str) -> bool:
        return name in _DATES


def _check_sort(name: str) -> str:
    if name in ("id", "_id"):
        cause = illegal_argument(
            "Fielddata access on the _id field is disallowed, you can re-enable it by updating the dynamic cluster "
            "setting: indices.id_field_data.enabled"
        )
        raise _all_shards_failed(cause)
    if name == "_doc":
        return name
    if name not in _ALLOWED and not name.startswith("metadata."):
        raise illegal_argument(f"Field [{name}] is not allowed for querying or aggregation")
    return name


@functools.lru_cache(maxsize=20_000)
def _flat(creator_name: str, realm: str) -> dict[str, Any]:
    return {"username": creator_name, "realm": realm}


def _document(key: model.ApiKey) -> dict[str, Any]:
    document = {
        "id": key.id,
        "type": key.type,
        "name": key.name,
        "creation": key.creation,
        "expiration": key.expiration,
        "invalidated": key.invalidated,
        "invalidation": key.invalidation,
        **_flat(key.creator.username, key.creator.realm),
    }
    if key.metadata:
        document["metadata"] = [text for value in key.metadata.values() for text in query_dsl.leaves(value)]
        for path, value in query_dsl.flatten(key.metadata, "metadata"):
            document[path] = value
    return document
