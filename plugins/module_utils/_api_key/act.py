# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module cross_cluster_api_key does once it is planned. Private to this collection."""

from __future__ import annotations

import typing as t

from .._errors import EsError, InputError
from .._http.client import ElasticsearchClient
from .._secrets import mark_api_key
from . import result as results
from . import write
from .key import Plan, User, Wanted

Result = t.Dict[str, t.Any]


def apply(
    client: ElasticsearchClient,
    wanted: Wanted,
    plan: Plan,
    known_ids: t.Sequence[str],
    me: t.Optional[User],
    warn: t.Callable[[str], None],
    now: t.Callable[[], float],
    stores: bool,
) -> Result:
    """Do what the plan says. `stores`: the new secret is stored by the caller before surplus keys go."""
    surplus = [key_id for key_id in plan.revoke if key_id not in plan.lost]
    revoked = write.revoke(client, plan.lost) if plan.lost else []
    if plan.makes_key:
        result = _make(client, wanted, plan, known_ids, me, warn, now, revoked)
        if surplus and stores:
            result["_store_surplus"] = surplus
        elif surplus:
            done = revoke_surplus(client, surplus, warn)
            result["revoked_ids"] += done["revoked_ids"]
            if done["revoked_ids"] != surplus:
                result["duplicates"] = [key_id for key_id in plan.live if key_id not in result["revoked_ids"]]
        return result
    if plan.operation == "update" and plan.key and plan.body:
        write.update(client, plan.key, plan.body)
    if surplus:
        revoked += write.revoke(client, surplus)
    return {**results.planned(wanted.name, plan, me, int(now() * 1000)), "revoked_ids": revoked}


def _make(
    client: ElasticsearchClient,
    wanted: Wanted,
    plan: Plan,
    known_ids: t.Sequence[str],
    me: t.Optional[User],
    warn: t.Callable[[str], None],
    now: t.Callable[[], float],
    revoked: t.List[str],
) -> Result:
    body = plan.body or {}
    try:
        made = write.create(client, body, known_ids, me)
    except write.KeyNotCreated as exc:
        exc.result.update(revoked_ids=[*revoked, *exc.result["revoked_ids"]], _store_clean=exc.clean)
        raise
    except EsError as exc:
        raise InputError(str(exc), revoked_ids=revoked, _store_clean=not exc.may_have_acted) from exc
    mark_api_key(made.encoded)
    result = results.planned(wanted.name, plan, me)
    results.created(result, body, made.id, made.expiration, int(now() * 1000))
    result["encoded"] = made.encoded
    revoked += made.revoked
    if made.revoked:
        warn(
            f"The answer to a creation got lost. The key {', '.join(made.revoked)} that came of it was revoked, "
            "because nobody has "
            "its secret, and another one was made."
        )
    result["revoked_ids"] = revoked
    return result


def revoke_surplus(client: ElasticsearchClient, surplus: t.Sequence[str], warn: t.Callable[[str], None]) -> Result:
    """Revoke what is left over once a key was made; the new key must reach the user whatever happens here."""
    try:
        return {"revoked_ids": write.revoke(client, surplus)}
    except (EsError, InputError) as exc:
        warn(f"The key was made, but others of its name were not revoked, and the next run does that: {exc}")
        return {"revoked_ids": list(getattr(exc, "revoked", []))}
