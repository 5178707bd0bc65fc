# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of the module cross_cluster_api_key: check the options, find, plan, act. Private to this collection.

The credential store lives on the controller and belongs to the action plugin. For it the work can be cut in two with
the private option `_store`, so that the plugin can write down what is about to be made before it is made:

* phase `plan`: find and plan, write nothing, and return what check mode returns, plus `_store_plan` with `found` (the
  keys as the server told them) and `intent` (a document to keep until the secret is stored);
* phase `apply`: act on the `found` of the first phase, without asking again. Where a key is made, the surplus keys of
  `duplicates: revoke` come back in `_store_surplus`, live, because the new secret is not stored yet;
* phase `revoke`: revoke those `ids`.

With the first two, `intent` is the document that an earlier run left behind, if any, and `held_id` the id of the key in
the store. A key that is neither held nor known to the intent, and is just what the earlier run was making, came of a
creation whose secret nobody has. It is revoked before a new one is made."""

from __future__ import annotations

import time
import typing as t

from . import _api_key_api as api
from . import _api_key_result as results
from ._access import check_access
from ._api_key import Intent, Key, Plan, Wanted, plan_absent, plan_present
from ._api_key_input import check_certificate_identity, check_metadata, check_name
from ._client import ElasticsearchClient
from ._duration import parse_duration
from ._errors import EsError, InputError
from ._secrets import mark_api_key

Result = t.Dict[str, t.Any]


def ensure(
    params: t.Mapping[str, t.Any],
    client: ElasticsearchClient,
    check_mode: bool,
    warn: t.Callable[[str], None],
    now: t.Callable[[], float] = time.time,
) -> Result:
    """Bring the keys of the name to the wanted state, or in check mode tell what that takes."""
    wanted = check_options(params, client)
    store = params.get("_store") or {}
    if params.get("credential_store") and not store and params["state"] == "present":
        raise InputError(
            "credential_store is kept on the controller by the action plugin of this module, which did not run: call "
            "the module by its full name, crosscluster.elasticsearch.cross_cluster_api_key, in a task."
        )
    if store.get("phase") == "revoke":
        return {"changed": True, **_revoke_surplus(client, store["ids"], warn)}
    found = store.get("found")
    if found is None:
        found = api.find_live(client, wanted.name)
    keys = [Key.from_server(entry) for entry in found]
    known_ids = [key.id for key in keys]
    if params.get("ids"):
        keys = [key for key in keys if key.id in params["ids"]]
        if not keys and params["state"] == "present":
            raise InputError(
                f"No live cross-cluster API key of the name '{wanted.name}' has one of the ids "
                f"{', '.join(params['ids'])}, so there is nothing to update; leave ids out to make a key."
            )
    if params["state"] == "absent":
        return _absent(params, client, check_mode, warn, wanted, keys)

    me = client.login.user
    intent = Intent.from_document(store["intent"]) if store.get("intent") else None
    now_ms = int(now() * 1000)
    plan = plan_present(wanted, keys, now_ms, me, intent, store.get("held_id"))
    planning = check_mode or store.get("phase") == "plan"
    if me is None and (plan.revoke or (planning and plan.operation == "update")):
        # Whose keys are revoked must be known before, and check mode has to tell whether an update would be refused.
        me = api.who_acts(client)
        plan = plan_present(wanted, keys, now_ms, me, intent, store.get("held_id"))
    if planning:
        result = results.planned(wanted.name, plan, me)
        if store:
            result["_store_plan"] = {"found": found, "intent": _intent_of(plan, known_ids).to_document()}
        return result
    try:
        return _apply(client, wanted, plan, known_ids, me, warn, now, bool(store))
    except InputError as exc:
        if not store:
            exc.result.pop("_store_clean", None)
        raise


def check_options(params: t.Mapping[str, t.Any], client: ElasticsearchClient) -> Wanted:
    """All that can be told without a request."""
    name = check_name(params["name"])
    if params["state"] == "absent":
        return Wanted(name)
    if client.login.kind == "api_key":
        raise InputError(
            "Elasticsearch lets no API key create or update cross-cluster API keys: log in with username and password, "
            "bearer_token or client_cert instead of api_key (possibly taken from ELASTICSEARCH_API_KEY)."
        )
    if params.get("keep_ids"):
        raise InputError("keep_ids only has a meaning with state=absent, where it names the keys that stay live.")
    access = params.get("access")
    metadata = params.get("metadata")
    identity = params.get("certificate_identity")
    expiration = params.get("expiration")
    renew_before = params.get("renew_before")
    wanted = Wanted(
        name=name,
        access=None if access is None else check_access(access),
        metadata=None if metadata is None else check_metadata(metadata),
        certificate_identity=check_certificate_identity(identity) if identity else identity,
        expiration=None if expiration is None else parse_duration(expiration, "expiration"),
        renew_before=None if renew_before is None else parse_duration(renew_before, "renew_before"),
        on_expiring=params["on_expiring"],
        rotate=params["rotate"],
        duplicates=params["duplicates"],
    )
    if wanted.renew_before:
        if not wanted.expiration:
            raise InputError("renew_before needs expiration: it says how long the renewed key lives.")
        if wanted.renew_before.ms >= wanted.expiration.ms:
            raise InputError(
                f"renew_before ({wanted.renew_before}) must be shorter than expiration ({wanted.expiration}), or every "
                "run would renew the key."
            )
    return wanted


def _absent(
    params: t.Mapping[str, t.Any],
    client: ElasticsearchClient,
    check_mode: bool,
    warn: t.Callable[[str], None],
    wanted: Wanted,
    keys: t.Sequence[Key],
) -> Result:
    keep = params.get("keep_ids") or []
    going = [key for key in keys if key.id not in keep]
    me = api.who_acts(client) if going else client.login.user
    plan = plan_absent(wanted.name, keys, keep, me)
    for warning in plan.warnings:
        warn(warning)
    result = results.planned(wanted.name, plan, me)
    if plan.revoke and not check_mode:
        result["revoked_ids"] = api.revoke(client, plan.revoke)
    return result


def _apply(
    client: ElasticsearchClient,
    wanted: Wanted,
    plan: Plan,
    known_ids: t.Sequence[str],
    me: t.Optional[str],
    warn: t.Callable[[str], None],
    now: t.Callable[[], float],
    stores: bool,
) -> Result:
    surplus = [key_id for key_id in plan.revoke if key_id not in plan.lost]
    revoked = api.revoke(client, plan.lost) if plan.lost else []
    if plan.makes_key:
        result = _make(client, wanted, plan, known_ids, me, warn, now, revoked)
        if surplus and stores:
            result["_store_surplus"] = surplus
        elif surplus:
            done = _revoke_surplus(client, surplus, warn)
            result["revoked_ids"] += done["revoked_ids"]
            if done["revoked_ids"] != surplus:
                result["duplicates"] = [key_id for key_id in plan.live if key_id not in result["revoked_ids"]]
        return result
    if plan.operation == "update" and plan.key and plan.body:
        api.update(client, plan.key, plan.body)
    if surplus:
        revoked += api.revoke(client, surplus)
    return {**results.planned(wanted.name, plan, me, int(now() * 1000)), "revoked_ids": revoked}


def _make(
    client: ElasticsearchClient,
    wanted: Wanted,
    plan: Plan,
    known_ids: t.Sequence[str],
    me: t.Optional[str],
    warn: t.Callable[[str], None],
    now: t.Callable[[], float],
    revoked: t.List[str],
) -> Result:
    body = plan.body or {}
    try:
        made = api.create(client, body, known_ids, me)
    except api.KeyNotCreated as exc:
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


def _revoke_surplus(client: ElasticsearchClient, surplus: t.Sequence[str], warn: t.Callable[[str], None]) -> Result:
    """Revoke what is left over once a key was made; the new key must reach the user whatever happens here."""
    try:
        return {"revoked_ids": api.revoke(client, surplus)}
    except (EsError, InputError) as exc:
        warn(f"The key was made, but others of its name were not revoked, and the next run does that: {exc}")
        return {"revoked_ids": list(getattr(exc, "revoked", []))}


def _intent_of(plan: Plan, known_ids: t.Sequence[str]) -> Intent:
    return Intent(
        known_ids=tuple(key_id for key_id in known_ids if key_id not in plan.lost),
        lost_ids=plan.lost,
        body=plan.body or {},
    )
