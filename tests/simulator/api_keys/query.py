# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET|POST /_security/_query/api_key (rule 3.2)."""

from __future__ import annotations

import functools
from typing import Any

from ..documents import query_dsl, sorting
from ..rest import object_parser
from ..rest.errors import EsHttpError, illegal_argument
from ..rest.routing import Request, route
from ..rest.xcontent import TOKENS, Value
from ..security import authorization
from ..state import Node
from . import model

_ACTION = "cluster:admin/xpack/security/api_key/query"
_MAX_WINDOW = 10_000
_FIELDS = {"name", "creation", "expiration", "invalidated", "username", "realm_name"}
_LATER_FIELDS = {"type", "invalidation", "metadata"}
_LATER_QUERIES = frozenset({"match", "simple_query_string"})
_DATES = {"creation", "expiration", "invalidation"}


def _integer(value: Value) -> int:
    try:
        return int(float(value.value)) if value.kind == "string" else int(value.value)
    except ValueError:
        raise EsHttpError(400, "number_format_exception", f'For input string: "{value.value}"') from None


def _search_after(value: Value) -> list[Any]:
    if value.kind != "array":
        text = f"Expected [START_ARRAY] in [search_after] but found [{value.token}] inside search_after"
        raise EsHttpError(400, "parsing_exception", text)
    for item in value.value:
        if item.kind in ("array", "object"):
            wanted = "[VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or [VALUE_NULL]"
            text = f"Expected {wanted} but found [{item.token}] inside search_after."
            raise EsHttpError(400, "parsing_exception", text)
    return value.plain()


def _fields(names: _Fields) -> dict[str, object_parser.Field]:
    integer: object_parser.Field = (("number", "string"), _integer)
    return {
        "query": (("object",), lambda value: query_dsl.compile_query(value.plain(), names)),
        "from": integer,
        "size": integer,
        "sort": (("array", "object"), lambda value: sorting.parse_sort(value, names.check_sort)),
        "search_after": (tuple(TOKENS), _search_after),
    }


@route(
    ("GET", "POST"),
    "/_security/_query/api_key",
    params={"with_limited_by", "with_profile_uid", "typed_keys"},
    body="optional",
)
async def query_keys(request: Request) -> tuple[int, Any]:
    auth, cluster = request.auth, request.cluster
    unknown = [name for name in ("typed_keys", "with_profile_uid") if name in request.query]
    if unknown and not request.node.has("query_by_type"):
        raise illegal_argument(f"request [{request.raw_path}] contains unrecognized parameter: [{unknown[0]}]")
    names = _Fields(request.node, cluster.now_ms())
    body: dict[str, Any] = {}
    if request.raw.strip():
        body = object_parser.parse(request.content(), "query_api_key_request_payload", _fields(names))
    start, size, after = body.get("from", 0), body.get("size", 10), body.get("search_after")
    problems = [
        f"[{name}] parameter cannot be negative but was [{value}]"
        for name, value in (("from", start), ("size", size))
        if value < 0
    ]
    if after and start > 0:
        if not request.node.has("query_by_type"):
            text = "`from` parameter must be set to 0 when `search_after` is used."
            raise _all_shards_failed(request.node, EsHttpError(500, "search_exception", text))
        problems.append("[from] parameter must be set to 0 when [search_after] is used")
    model.refuse(problems)
    authorization.authorize_cluster(cluster, auth, _ACTION, request, own=True)
    model.check_enabled(cluster)
    if names.refused:
        raise names.refused[0]
    if start + size > _MAX_WINDOW:
        names.fail(
            illegal_argument(
                f"Result window is too large, from + size must be less than or equal to: [{_MAX_WINDOW}] but was "
                f"[{start + size}]. See the scroll api for a more efficient way to request large data sets. This limit "
                "can be set by changing the [index.max_result_window] index level setting."
            )
        )
    matches = body.get("query", lambda _document: True)
    keys = list(cluster.keys.values())
    if not authorization.has_cluster(cluster, auth, _ACTION):  # manage_own_api_key alone: only the caller's own
        creator = model.Creator.of(auth)
        realms = cluster.security.same_owner_realms(creator.realm)
        keys = [key for key in keys if key.creator.username == creator.username and key.creator.realm in realms]
    found = [(document, key) for document, key in ((_document(key), key) for key in keys) if matches(document)]
    total, sort = len(found), body.get("sort") or []
    try:
        found, values = sorting.sorted_page(found, sort, _DATES, start, size, after)
    except EsHttpError as error:
        names.fail(error)
    if names.failed:
        raise _all_shards_failed(request.node, names.failed[0])
    with_limited_by = request.flag("with_limited_by")
    shown = [key.shown(request.node, with_limited_by) for _document_, key in found]
    for entry, value in zip(shown, values, strict=True) if sort else []:
        entry["_sort"] = value
    return 200, {"total": total, "count": len(shown), "api_keys": shown}


def _all_shards_failed(node: Node, cause: EsHttpError) -> EsHttpError:
    """Java's own exceptions are shown once more as the cause, and that one as its own cause."""
    shard = {"shard": 0, "index": ".security-7", "node": node.id, "reason": cause.fields()}
    again = None
    if cause.type == "illegal_argument_exception":
        again = illegal_argument(str(cause.reason), illegal_argument(str(cause.reason)))
    more = {"phase": "query", "grouped": True, "failed_shards": [shard]}
    return EsHttpError(cause.status, "search_phase_execution_exception", "all shards failed", again, root=cause, **more)


class _Fields(query_dsl.Fields):
    """Notes what is not allowed: a request is parsed as a whole, then authorized, then refused, then searched for."""

    keywords = True
    date_format = "epoch_millis"

    def __init__(self, node: Node, now_ms: int) -> None:
        super().__init__(now_ms)
        self.refused: list[EsHttpError] = []
        self.failed: list[EsHttpError] = []
        more = node.has("query_by_type")
        self.allowed = _FIELDS | _LATER_FIELDS if more else _FIELDS
        self.unsupported = frozenset({"match_none"}) if more else _LATER_QUERIES | {"match_none"}
        self.not_allowed = "Field [{}] is not allowed for " + (
            "querying or aggregation"
            if node.has("query_wording")
            else "API Key query or aggregation"
            if more
            else "API Key query"
        )
        place = "currently supported in this context" if node.has("query_wording") else "supported for API Key query"
        self.not_supported = f"Query type [{{}}] is not {place}"
        self.no_lookup = f"terms query with terms lookup is not {place}"

    def refuse(self, error: EsHttpError) -> None:
        self.refused.append(error)

    def fail(self, error: EsHttpError) -> None:
        self.failed.append(error)

    def check(self, name: str) -> str:
        if name not in self.allowed and not name.startswith("metadata."):
            self.refuse(illegal_argument(self.not_allowed.format(name)))
        return name

    def check_sort(self, name: str) -> str:
        return name if name == "_doc" else self.check(name)

    def is_date(self, name: str) -> bool:
        return name in _DATES


@functools.lru_cache(maxsize=20_000)
def _flat(creator_name: str, realm: str) -> dict[str, Any]:
    return {"username": creator_name, "realm_name": realm}


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
