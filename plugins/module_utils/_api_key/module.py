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

from .._errors import InputError
from .._http.client import ElasticsearchClient
from . import read as api
from . import result as results
from .access import check_access
from .duration import parse_duration
from .input import check_metadata, check_name
from .key import Intent, Key, KeyPlan, Wanted, plan_absent, plan_present

Result = t.Dict[str, t.Any]

# Of one key.
OPTIONS: t.Dict[str, t.Dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    # Not a spec of its own: names may be a string with commas (a regular expression), and the messages say more.
    "access": {"type": "dict"},
    "expiration": {"type": "str"},
    "metadata": {"type": "dict"},
    "certificate_identity": {"type": "str"},
    "renew_before": {"type": "str"},
    "on_expiring": {"type": "str", "choices": ["rotate", "extend"], "default": "rotate"},
    "rotate": {"type": "bool", "default": False},
    "duplicates": {"type": "str", "choices": ["newest", "error", "revoke"], "default": "newest"},
    "ids": {"type": "list", "elements": "str"},
    "keep_ids": {"type": "list", "elements": "str"},
    "credential_store": {"type": "path"},
    # Set by the action plugin only, which owns the credential store; see above.
    "_store": {"type": "dict"},
}


def ensure(
    params: t.Mapping[str, t.Any],
    client: ElasticsearchClient,
    check_mode: bool,
    warn: t.Callable[[str], None],
    now: t.Callable[[], float] = time.time,
    found: t.Optional[t.Sequence[t.Mapping[str, t.Any]]] = None,
) -> Result:
    """Bring the keys of the name to the wanted state, or in check mode tell what that takes. `found`: the live keys of
    the name, where somebody has looked."""
    wanted = check_options(params, client)
    store = params.get("_store") or {}
    if params.get("credential_store") and not store and params["state"] == "present":
        raise InputError(
            "credential_store is kept on the controller by the action plugin of this module, which did not run: call "
            "the module by its full name, crosscluster.elasticsearch.cross_cluster_api_key, in a task."
        )
    if store.get("phase") == "revoke":
        from .act import revoke_surplus

        return {"changed": True, **revoke_surplus(client, store["ids"], warn)}
    found = found if store.get("found") is None else store["found"]
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
        return _absent(params, client, check_mode, warn, keys, found)

    # Whose the keys are decides what may be done with them; where there are none, nobody has to be asked.
    me = api.who_acts(client, found) if keys else api.login_user(client)
    intent = Intent.from_document(store["intent"]) if store.get("intent") else None
    plan = plan_present(wanted, keys, int(now() * 1000), me, intent, store.get("held_id"))
    planning = check_mode or store.get("phase") == "plan"
    if planning:
        result = results.planned(wanted.name, plan, me)
        if store:
            result["_store_plan"] = {"found": found, "intent": _intent_of(plan, known_ids).to_document()}
        return result
    if not plan.changed:
        return results.planned(wanted.name, plan, me)
    # What acts is loaded only now, because a module run compiles all that it loads, and most find nothing to do.
    from .act import Work, apply

    try:
        return apply(Work(client, warn, now, me, known_ids, bool(store)), wanted.name, plan)
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
        certificate_identity=identity,
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
    keys: t.Sequence[Key],
    found: t.Sequence[t.Mapping[str, t.Any]],
) -> Result:
    keep = params.get("keep_ids") or []
    going = [key for key in keys if key.id not in keep]
    me = api.who_acts(client, found) if going else api.login_user(client)
    plan = plan_absent(params["name"], keys, keep, me)
    for warning in plan.warnings:
        warn(warning)
    result = results.planned(params["name"], plan, me)
    if plan.revoke and not check_mode:
        from .write import revoke

        result["revoked_ids"] = revoke(client, plan.revoke)
    return result


def _intent_of(plan: KeyPlan, known_ids: t.Sequence[str]) -> Intent:
    return Intent(
        known_ids=tuple(key_id for key_id in known_ids if key_id not in plan.lost),
        lost_ids=plan.lost,
        body=plan.body or {},
    )
