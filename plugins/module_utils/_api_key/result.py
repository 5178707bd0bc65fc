# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module cross_cluster_api_key returns. Pure; private to this collection."""

from __future__ import annotations

import typing as t

from .access import server_form
from .duration import parse_duration
from .key import Key, KeyPlan, User, diff


def planned(name: str, plan: KeyPlan, me: t.Optional[User], now_ms: t.Optional[int] = None) -> t.Dict[str, t.Any]:
    """The result of the plan; what only the server can know is null. `now_ms`: the update has been made, at this "
    "time."""
    result: t.Dict[str, t.Any] = {
        "changed": plan.changed,
        "operation": plan.operation,
        "api_key": None,
        "duplicates": plan.remaining,
        "revoked_ids": list(plan.revoke),
        "diff": diff(name, plan),
    }
    if plan.makes_key:
        result["api_key"] = _future(name, plan.body or {}, me)
        result["encoded"] = None
    elif plan.key is not None:
        result["api_key"] = _after_update(plan.key, plan.body or {}, now_ms)
        result["duplicates"] = [key_id for key_id in plan.remaining if key_id != plan.key.id]
    return result


def created(
    result: t.Dict[str, t.Any], body: t.Mapping[str, t.Any], key_id: str, expiration: t.Optional[int], now_ms: int
) -> None:
    """Complete the result of a plan with what the creation gave."""
    key = result["api_key"]
    key["id"] = key_id
    key["expiration"] = expiration
    # The answer has no creation time, but the server adds the duration to it; else the clock of this host must do.
    key["creation"] = now_ms
    if expiration is not None and body.get("expiration"):
        key["creation"] = expiration - parse_duration(body["expiration"], "expiration").ms // 1000 * 1000


def describe(key: Key) -> t.Dict[str, t.Any]:
    """A key as it is returned."""
    return {
        "id": key.id,
        "name": key.name,
        "creation": key.creation,
        "expiration": key.expiration,
        "access": key.access,
        "metadata": key.metadata,
        "certificate_identity": key.certificate_identity,
        "username": key.username,
        "realm": key.realm,
    }


def _after_update(key: Key, body: t.Mapping[str, t.Any], now_ms: t.Optional[int]) -> t.Dict[str, t.Any]:
    result = {**describe(key), **{field: value for field, value in body.items() if field != "expiration"}}
    if "expiration" in body:
        ms = parse_duration(body["expiration"], "expiration").ms
        result["expiration"] = None if now_ms is None else now_ms + ms
    return result


def _future(name: str, body: t.Mapping[str, t.Any], me: t.Optional[User]) -> t.Dict[str, t.Any]:
    return {
        "id": None,
        "name": name,
        "creation": None,
        "expiration": None,
        "access": server_form(body.get("access")),
        "metadata": body.get("metadata") or {},
        "certificate_identity": body.get("certificate_identity"),
        "username": me.name if me else None,
        "realm": me.realm if me else None,
    }
