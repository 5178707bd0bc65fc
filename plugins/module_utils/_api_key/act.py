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
from .key import KeyPlan, User

Result = t.Dict[str, t.Any]


class Work(t.NamedTuple):
    """What a plan is carried out with."""

    client: ElasticsearchClient
    warn: t.Callable[[str], None]
    now: t.Callable[[], float]
    me: t.Optional[User]
    known_ids: t.Sequence[str]
    """The live keys of the name that were there before."""
    stores: bool
    """The new secret is stored by the caller before surplus keys go."""


def apply(work: Work, name: str, plan: KeyPlan) -> Result:
    """Do what the plan says."""
    client = work.client
    surplus = [key_id for key_id in plan.revoke if key_id not in plan.lost]
    revoked = write.revoke(client, plan.lost) if plan.lost else []
    if plan.makes_key:
        result = _make(work, name, plan, revoked)
        if surplus and work.stores:
            result["_store_surplus"] = surplus
        elif surplus:
            done = revoke_surplus(client, surplus, work.warn)
            result["revoked_ids"] += done["revoked_ids"]
            if done["revoked_ids"] != surplus:
                result["duplicates"] = [key_id for key_id in plan.live if key_id not in result["revoked_ids"]]
        return result
    if plan.operation == "update" and plan.key and plan.body:
        write.update(client, plan.key, plan.body)
    if surplus:
        revoked += write.revoke(client, surplus)
    return {**results.planned(name, plan, work.me, int(work.now() * 1000)), "revoked_ids": revoked}


def _make(work: Work, name: str, plan: KeyPlan, revoked: t.List[str]) -> Result:
    body = plan.body or {}
    try:
        made = write.create(work.client, body, work.known_ids, work.me)
    except write.KeyNotCreated as exc:
        exc.result.update(revoked_ids=[*revoked, *exc.result["revoked_ids"]], _store_clean=exc.clean)
        raise
    except EsError as exc:
        raise InputError(str(exc), revoked_ids=revoked, _store_clean=not exc.may_have_acted) from exc
    mark_api_key(made.encoded)
    result = results.planned(name, plan, work.me)
    results.created(result, body, made.id, made.expiration, int(work.now() * 1000))
    result["encoded"] = made.encoded
    revoked += made.revoked
    if made.revoked:
        work.warn(
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
