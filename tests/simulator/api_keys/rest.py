# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""REST API keys: create, update, bulk update. They live beside cross-cluster keys and share names, reading and
invalidation."""

from __future__ import annotations

from typing import Any

from ..rest import object_parser, time_value
from ..rest.errors import EsHttpError, illegal_argument
from ..rest.object_parser import OBJECT, STRING
from ..rest.routing import Request, route
from ..security import authorization, roles
from ..state import random_id
from . import cross_cluster, model
from .model import ApiKey, Creator

_ACTION = "cluster:admin/xpack/security/api_key/"


def _role_field(request: Request) -> object_parser.Field:
    def convert(value: Any) -> dict[str, Any]:
        return {name: roles.parse_role(name, child, request.node) for name, _line, _column, child in value.value}

    return ("object",), convert


def _parse(
    request: Request, name: str, fields: dict[str, object_parser.Field], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    every = {"role_descriptors": _role_field(request), "metadata": OBJECT, **fields}
    if "name" in fields or request.node.has("update_expiration"):
        every["expiration"] = STRING
    found = object_parser.parse(request.content(), name, every, required)

    def build() -> dict[str, Any]:
        if "expiration" in found:
            found["expiration"] = time_value.parse_nanos(found["expiration"], "expiration")
        return found

    return object_parser.build(name, build, found, every)


def limited_by(request: Request) -> dict[str, Any]:
    """A snapshot of the owner's roles: what the key can never exceed."""
    if request.auth.api_key is not None:
        return dict(request.auth.api_key.limited_by)
    return {
        name: request.cluster.security.roles[name]
        for name in request.auth.roles
        if name in request.cluster.security.roles
    }


@route(("POST", "PUT"), "/_security/api_key", params={"refresh"}, body="required")
async def create(request: Request) -> tuple[int, Any]:
    payload = _parse(request, "api_key_request", {"name": STRING}, ("name",))
    descriptors = payload.get("role_descriptors") or {}
    model.refuse(
        model.name_problems(request.node, payload["name"])
        + model.metadata_problems(payload.get("metadata"))
        + roles.problems(request.node, descriptors)
    )
    authorization.authorize_cluster(request.cluster, request.auth, _ACTION + "create", request, own=True)
    model.check_enabled(request.cluster)
    if request.auth.api_key is not None and not (descriptors and all(_empty(role) for role in descriptors.values())):
        raise illegal_argument(
            "creating derived api keys requires an explicit role descriptor that is empty (has no privileges)"
        )
    now = request.cluster.now_ms()
    key = model.store(
        request.cluster,
        ApiKey(
            model.new_id(request.cluster),
            payload["name"],
            "rest",
            random_id(16),
            now,
            Creator.of(request.auth),
            descriptors,
            request.cluster.version,
            model.expiration_from(now, payload.get("expiration")),
            payload.get("metadata"),
            limited_by(request),
        ),
    )
    return 200, key.minted()


def _empty(role: dict[str, Any]) -> bool:
    return not any(
        role.get(part) for part in ("cluster", "indices", "applications", "run_as", "remote_indices", "remote_cluster")
    )


def _refuse_api_key(request: Request) -> None:
    if request.auth.api_key is not None:
        raise illegal_argument("authentication via API key not supported: only the owner user can update an API key")


@route("PUT", "/_security/api_key/{id}", body="optional")
async def update(request: Request) -> tuple[int, Any]:
    payload = _parse(request, "update_api_key_request_payload", {}) if request.raw.strip() else {}
    model.refuse(
        model.metadata_problems(payload.get("metadata"))
        + model.expiration_problems(payload)
        + roles.problems(request.node, payload.get("role_descriptors") or {})
    )
    authorization.authorize_cluster(request.cluster, request.auth, _ACTION + "update", request, own=True)
    _refuse_api_key(request)
    model.check_enabled(request.cluster)
    key = cross_cluster.owned_key(request, request.path_params["id"])
    cross_cluster.check_updatable(request.cluster, key, "rest")
    return 200, {"updated": cross_cluster.apply(request, key, payload, limited_by(request))}


@route("POST", "/_security/api_key/_bulk_update", body="required")
async def bulk_update(request: Request) -> tuple[int, Any]:
    payload = _parse(request, "bulk_update_api_key_request", {"ids": object_parser.strings("ids")}, ("ids",))
    problems = [] if payload["ids"] else ["Field [ids] cannot be empty"]
    model.refuse(
        problems
        + model.metadata_problems(payload.get("metadata"))
        + roles.problems(request.node, payload.get("role_descriptors") or {})
    )
    authorization.authorize_cluster(request.cluster, request.auth, _ACTION + "bulk_update", request, own=True)
    _refuse_api_key(request)
    model.check_enabled(request.cluster)
    answer: dict[str, Any] = {"updated": [], "noops": []}
    details: dict[str, Any] = {}
    for key_id in dict.fromkeys(payload["ids"]):
        try:
            key = cross_cluster.owned_key(request, key_id)
            cross_cluster.check_updatable(request.cluster, key, "rest")
            changed = cross_cluster.apply(request, key, payload, limited_by(request))
            answer["updated" if changed else "noops"].append(key_id)
        except EsHttpError as error:
            details[key_id] = error.fields()
    if details:
        answer["errors"] = {"count": len(details), "details": details}
    return 200, answer
