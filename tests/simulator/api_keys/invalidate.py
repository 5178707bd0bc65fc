# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DELETE /_security/api_key (rule 4) and the removal of keys that have been dead for long (rule 3.3)."""

from __future__ import annotations

from typing import Any

from ..control import verb
from ..rest import object_parser, time_value
from ..rest.errors import EsHttpError, illegal_argument
from ..rest.object_parser import STRING
from ..rest.routing import Request, route
from ..rest.xcontent import Value
from ..security import authorization
from ..state import Cluster
from . import model
from .model import ApiKey

_ACTION = "cluster:admin/xpack/security/api_key/invalidate"


def _flag(value: Value) -> bool:
    if value.value not in (True, False, "true", "false"):
        raise illegal_argument(f"Failed to parse value [{value.value}] as only [true] or [false] are allowed.")
    return value.value in (True, "true")


_FIELDS = {
    "ids": object_parser.strings("ids"),
    "name": STRING,
    "owner": (("boolean", "string"), _flag),
    "username": STRING,
    "realm_name": STRING,
}


@route("DELETE", "/_security/api_key", body="required")
async def invalidate(request: Request) -> tuple[int, Any]:
    payload = object_parser.parse(request.content(), "invalidate_api_key", _FIELDS)
    ids: list[str] | None = payload.get("ids")
    object_parser.build("invalidate_api_key", lambda: model.refuse(_id_problems(ids)), payload, _FIELDS)
    name, username, realm = (payload.get(field) or None for field in ("name", "username", "realm_name"))
    owner = payload.get("owner", False)
    model.refuse(_problems(ids, name, username, realm, owner))
    auth = request.auth
    own = (
        owner
        or (username == auth.username and realm is not None and realm == auth.realm)
        or (auth.api_key is not None and ids == [auth.api_key.id])
    )
    authorization.authorize_cluster(request.cluster, auth, _ACTION, request, own=own)
    model.check_enabled(request.cluster)
    found = [key for key in _candidates(request, ids, name, username, realm, owner) if not key.invalidated]
    done: list[str] = []
    refused: list[dict[str, Any]] = []
    may_cross_cluster = not request.cluster.has("ga_rules") or authorization.has_cluster_privilege(
        request.cluster, auth, "manage_security"
    )
    now = request.cluster.now_ms()
    for key in found:
        if key.type == "cross_cluster" and not may_cross_cluster:
            refused.append(
                EsHttpError(
                    403,
                    "security_exception",
                    f"Cannot invalidate cross-cluster API key [{key.id}]. "
                    "This requires [manage_security] cluster privilege or higher",
                ).fields()
            )
            continue
        key.invalidated, key.invalidation = True, now
        done.append(key.id)
    body: dict[str, Any] = {
        "invalidated_api_keys": done,
        "previously_invalidated_api_keys": [],
        "error_count": len(refused),
    }
    if refused:
        body["error_details"] = refused
    purge(request.cluster)
    return 200, body


def _id_problems(ids: list[str] | None) -> list[str]:
    if ids == []:
        return ["Field [ids] cannot be an empty array"]
    blank = [str(index) for index, value in enumerate(ids or []) if not value.strip()]
    if not blank:
        return []
    places = (
        f"id at index position: [{blank[0]}]" if len(blank) == 1 else f"ids at index positions: [{', '.join(blank)}]"
    )
    return [f"Field [ids] must not contain blank id, but got blank {places}"]


def _problems(
    ids: list[str] | None, name: str | None, username: str | None, realm: str | None, owner: bool
) -> list[str]:
    problems = []
    if ids is None and not name and not username and not realm and not owner:
        problems.append(
            "One of [api key id(s), api key name, username, realm name] must be specified if [owner] flag is false"
        )
    if (ids or name) and (username or realm):
        problems.append(
            "username or realm name must not be specified when the api key id(s) or api key name are specified"
        )
    if owner and (username or realm):
        problems.append("neither username nor realm-name may be specified when invalidating owned API keys")
    if ids and name:
        problems.append("only one of [api key id(s), api key name] can be specified")
    return problems


def _candidates(
    request: Request, ids: list[str] | None, name: str | None, username: str | None, realm: str | None, owner: bool
) -> list[ApiKey]:
    keys = request.cluster.keys
    found = (
        [keys[key_id] for key_id in dict.fromkeys(ids) if key_id in keys] if ids is not None else list(keys.values())
    )
    realms = {realm} if realm else None
    if owner:
        creator = model.Creator.of(request.auth)
        username, realms = creator.username, request.cluster.security.same_owner_realms(creator.realm)
    return [
        key
        for key in found
        if (not name or model.matches_name(key.name, name))
        and (not username or key.creator.username == username)
        and (realms is None or key.creator.realm in realms)
    ]


def _setting_ms(cluster: Cluster, name: str, default: str) -> int:
    key = f"xpack.security.authc.api_key.delete.{name}"
    text = str(cluster.transient.get(key) or cluster.persistent.get(key) or default)
    return time_value.parse_nanos(text, key) // 1_000_000


def purge(cluster: Cluster, force: bool = False) -> int:
    """Runs after an invalidation, not more often than delete.interval; drops keys dead for longer than
    delete.retention_period."""
    now = cluster.now_ms()
    last = cluster.extra.get("last_purge_ms")
    if not force and last is not None and now - last < _setting_ms(cluster, "interval", "24h"):
        return 0
    cluster.extra["last_purge_ms"] = now
    limit = now - _setting_ms(cluster, "retention_period", "7d")
    dead = [
        key.id
        for key in cluster.keys.values()
        if (key.invalidated and (key.invalidation or 0) <= limit)
        or (key.expiration is not None and key.expiration <= limit)
    ]
    for key_id in dead:
        del cluster.keys[key_id]
    return len(dead)


@verb("purge_keys")
async def purge_keys(cluster: Cluster) -> int:
    return purge(cluster, force=True)
