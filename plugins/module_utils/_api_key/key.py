# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide what to do with the cross-cluster API keys found. Pure: no requests, no clock. Private to this collection.

Rules that hold throughout:

* Only live keys of exactly this name and type are looked at.
* A key of another owner is never written: the server refuses to update it, and revoking it is not ours to decide. So
  is a key that the operator ECK manages. Where own and foreign keys share the name, the own ones are meant.
* A key whose secret got lost (an answer that never arrived, a run that was cut off) is revoked before a new one is
  made.
"""

from __future__ import annotations

import datetime
import typing as t

from .._errors import InputError
from .access import Access, canonical, canonical_json, same_access, server_form
from .duration import Duration

KEY_TYPE = "cross_cluster"
OPERATOR_MARK = "elasticsearch.k8s.elastic.co/managed-by"
"""Elastic's own operator has it in the metadata of its keys, and makes them again when somebody removes them."""


class User(t.NamedTuple):
    """Who a key belongs to. Users of the same name in two realms are two users; a realm of None is not known."""

    name: str
    realm: t.Optional[str] = None

    def owns(self, username: t.Optional[str], realm: t.Optional[str]) -> bool:
        return username == self.name and (self.realm is None or realm is None or realm == self.realm)


class Key(t.NamedTuple):
    """A key as the server tells."""

    id: str
    name: str
    creation: int = 0
    expiration: t.Optional[int] = None
    username: t.Optional[str] = None
    realm: t.Optional[str] = None
    metadata: t.Mapping[str, t.Any] = {}
    access: t.Optional[Access] = None
    certificate_identity: t.Optional[str] = None
    type: str = KEY_TYPE
    invalidated: bool = False

    @classmethod
    def from_server(cls, entry: t.Mapping[str, t.Any]) -> Key:
        return cls(
            id=str(entry.get("id")),
            name=str(entry.get("name")),
            creation=int(entry.get("creation") or 0),
            expiration=entry.get("expiration"),
            username=entry.get("username"),
            realm=entry.get("realm"),
            metadata=dict(entry.get("metadata") or {}),
            access=server_form(entry.get("access")),
            certificate_identity=entry.get("certificate_identity") or None,
            type=str(entry.get("type") or KEY_TYPE),
            invalidated=bool(entry.get("invalidated")),
        )

    @property
    def age(self) -> t.Tuple[int, str]:
        return self.creation, self.id

    @property
    def of_operator(self) -> bool:
        return OPERATOR_MARK in self.metadata

    def expired(self, now: int) -> bool:
        return self.expiration is not None and self.expiration <= now

    def live(self, now: int) -> bool:
        return not self.invalidated and not self.expired(now)


class Wanted(t.NamedTuple):
    """What the user asked for, checked. None: left out, so left alone."""

    name: str
    access: t.Optional[Access] = None
    metadata: t.Optional[t.Dict[str, t.Any]] = None
    certificate_identity: t.Optional[str] = None
    expiration: t.Optional[Duration] = None
    renew_before: t.Optional[Duration] = None
    on_expiring: str = "rotate"
    rotate: bool = False
    duplicates: str = "newest"


class KeyPlan(t.NamedTuple):
    """What to do."""

    operation: str  # none, create, update, rotate, revoke
    key: t.Optional[Key] = None  # the key that is updated, replaced or left as it is
    body: t.Optional[t.Dict[str, t.Any]] = None  # of the creation or the update
    revoke: t.Tuple[str, ...] = ()
    lost: t.Tuple[str, ...] = ()  # those of `revoke` whose secret nobody has
    live: t.Tuple[str, ...] = ()  # all live keys of the name before, oldest first
    warnings: t.Tuple[str, ...] = ()

    @property
    def makes_key(self) -> bool:
        return self.operation in ("create", "rotate")

    @property
    def changed(self) -> bool:
        return self.operation != "none"

    @property
    def remaining(self) -> t.List[str]:
        return [key_id for key_id in self.live if key_id not in self.revoke]


class Intent(t.NamedTuple):
    """Written down before a creation, to tell later whether a key was made that nobody knows the secret of."""

    known_ids: t.Tuple[str, ...]
    lost_ids: t.Tuple[str, ...]
    body: t.Dict[str, t.Any]

    def to_document(self) -> t.Dict[str, t.Any]:
        return {"known_ids": list(self.known_ids), "lost_ids": list(self.lost_ids), "body": self.body}

    @classmethod
    def from_document(cls, document: t.Mapping[str, t.Any]) -> Intent:
        return cls(
            tuple(document.get("known_ids") or ()),
            tuple(document.get("lost_ids") or ()),
            dict(document.get("body") or {}),
        )


def plan_present(
    wanted: Wanted,
    keys: t.Sequence[Key],
    now_ms: int,
    me: t.Optional[User] = None,
    intent: t.Optional[Intent] = None,
    held_id: t.Optional[str] = None,
) -> KeyPlan:
    """The plan for state=present. `me`: the user that acts, where known; `held_id`: the key whose secret is kept."""
    keys = sorted(keys, key=lambda key: key.age)
    lost = lost_keys(intent, keys, me, held_id) if intent else ()
    left = [key for key in keys if key.id not in lost]
    plan = _plan_left(wanted, left, now_ms, me)._replace(lost=lost, live=tuple(key.id for key in keys))
    if lost:
        operation = "revoke" if plan.operation == "none" else plan.operation
        plan = plan._replace(operation=operation, revoke=(*lost, *plan.revoke))
    return plan


def _plan_left(wanted: Wanted, keys: t.Sequence[Key], now_ms: int, me: t.Optional[User]) -> KeyPlan:
    if wanted.duplicates == "error" and len(keys) > 1:
        raise InputError(
            f"{len(keys)} live cross-cluster API keys have the name '{wanted.name}': {_list(keys)}. "
            "duplicates=newest uses the "
            "newest, duplicates=revoke revokes the older ones, and state=absent with keep_ids revokes all but those."
        )
    if not keys:
        return KeyPlan("create", body=creation_body(wanted, None))
    own = [key for key in keys if is_own(key, me)]
    current = (own or keys)[-1]
    surplus = tuple(key.id for key in own if key is not current) if wanted.duplicates == "revoke" else ()
    due = is_due(wanted, current, now_ms)
    if wanted.rotate or (due and wanted.on_expiring == "rotate"):
        return KeyPlan("rotate", current, creation_body(wanted, current), surplus)
    body = changes(wanted, current, due)
    if body and not is_own(current, me):
        raise InputError(foreign_message(wanted, current, body, me))
    if body:
        return KeyPlan("update", current, body, surplus)
    return KeyPlan("revoke" if surplus else "none", current, None, surplus)


def plan_absent(name: str, keys: t.Sequence[Key], keep_ids: t.Sequence[str], me: t.Optional[User] = None) -> KeyPlan:
    """The plan for state=absent: revoke what is ours, except the keys to keep."""
    keys = sorted(keys, key=lambda key: key.age)
    going = [key for key in keys if key.id not in keep_ids]
    revoke = tuple(key.id for key in going if is_own(key, me))
    warnings = [
        f"The live key {key.id} of the name '{name}' was left alone: {_whose(key)}."
        + ("" if key.of_operator else f" Revoke it as that user, for instance with run_as: {key.username}.")
        for key in going
        if not is_own(key, me)
    ]
    missing = [key_id for key_id in keep_ids if key_id not in [key.id for key in keys]]
    if missing:
        warnings.append(f"keep_ids: {', '.join(missing)} is not the id of a live key of the name '{name}'.")
    return KeyPlan(
        "revoke" if revoke else "none", revoke=revoke, live=tuple(key.id for key in keys), warnings=tuple(warnings)
    )


def is_own(key: Key, me: t.Optional[User]) -> bool:
    """Whether we may write the key. When it is not known who we are, the server has to tell."""
    return not key.of_operator and (me is None or me.owns(key.username, key.realm))


def is_due(wanted: Wanted, key: Key, now_ms: int) -> bool:
    """Whether the key expires so soon that it is to be renewed."""
    return (
        wanted.renew_before is not None
        and key.expiration is not None
        and key.expiration - now_ms <= wanted.renew_before.ms
    )


def creation_body(wanted: Wanted, replaced: t.Optional[Key]) -> t.Dict[str, t.Any]:
    """The request that makes the key; what was left out is taken over from the key that it replaces."""
    access = wanted.access if wanted.access is not None else (replaced.access if replaced else None)
    if not access:
        raise InputError(
            f"There is no live cross-cluster API key of the name '{wanted.name}', and access is needed to create one."
        )
    body: t.Dict[str, t.Any] = {"name": wanted.name, "access": access}
    metadata = wanted.metadata if wanted.metadata is not None else (replaced.metadata if replaced else {})
    if metadata:
        body["metadata"] = metadata
    identity = wanted.certificate_identity
    if identity is None and replaced:
        identity = replaced.certificate_identity
    if identity:
        body["certificate_identity"] = identity
    if wanted.expiration:
        body["expiration"] = wanted.expiration.text
    return body


def changes(wanted: Wanted, key: Key, extend: bool) -> t.Dict[str, t.Any]:
    """The update that brings the key to what is wanted, with only what must be sent; empty when nothing differs."""
    body: t.Dict[str, t.Any] = {}
    if wanted.access is not None and not same_access(wanted.access, key.access):
        body["access"] = wanted.access
    if wanted.metadata is not None and canonical_json(wanted.metadata) != canonical_json(key.metadata):
        body["metadata"] = wanted.metadata
    identity = wanted.certificate_identity
    if identity is not None and (identity or None) != key.certificate_identity:
        body["certificate_identity"] = identity or None
    if wanted.expiration and (extend or key.expiration is None):
        body["expiration"] = wanted.expiration.text
        if "access" not in body and "metadata" not in body:
            # The server refuses an expiration alone. The metadata as it is does no harm beside it, whereas the access
            # would make newer versions rewrite the key's privileges.
            body["metadata"] = key.metadata
    return body


def same_content(body: t.Mapping[str, t.Any], key: Key) -> bool:
    """Whether the key can have come out of this creation."""
    return (
        same_access(body.get("access"), key.access)
        and canonical_json(body.get("metadata") or {}) == canonical_json(key.metadata)
        and (body.get("certificate_identity") or None) == key.certificate_identity
        and bool(body.get("expiration")) == (key.expiration is not None)
    )


def lost_keys(
    intent: Intent, keys: t.Sequence[Key], me: t.Optional[User], held_id: t.Optional[str] = None
) -> t.Tuple[str, ...]:
    """The keys that a creation made whose answer nobody got. More than one candidate: none is certain, so it fails."""
    certain = [key.id for key in keys if key.id in intent.lost_ids and key.id != held_id and is_own(key, me)]
    candidates = [
        key
        for key in keys
        if key.id not in intent.known_ids
        and key.id not in certain
        and key.id != held_id
        and is_own(key, me)
        and same_content(intent.body, key)
    ]
    if len(candidates) > 1:
        raise InputError(
            f"An earlier creation of '{candidates[0].name}' lost its answer, and any of these live keys can have "
            "come out of it: "
            f"{_list(candidates)}. Nothing was revoked: revoke those that no client cluster holds, with state=absent "
            "and the "
            "others in keep_ids."
        )
    return (*certain, *(key.id for key in candidates))


def foreign_message(wanted: Wanted, key: Key, body: t.Mapping[str, t.Any], me: t.Optional[User]) -> str:
    """Why the key cannot be updated, and what can be done."""
    fields = ", ".join(field for field in body if field != "metadata" or wanted.metadata is not None)
    text = f"The live key {key.id} of the name '{wanted.name}' differs in {fields}, but {_whose(key)}"
    if key.of_operator:
        return f"{text}. Change it in the Kubernetes resource, or use another name."
    acts = f"this task acts as '{me.name}'" if me else "this task acts as somebody else"
    return (
        f"{text}, and {acts}; Elasticsearch lets only the owner update a key. Set run_as: {key.username} (or log in "
        "as that user, of that realm), or make a key of your own beside it with rotate=true."
    )


def diff_state(
    name: str, content: t.Optional[t.Mapping[str, t.Any]], live: t.Sequence[str], expiration: t.Optional[str]
) -> t.Dict[str, t.Any]:
    """One side of the diff: the fields that are compared, in canonical form, never a secret."""
    if content is None:
        return {"live_keys": list(live)} if live else {}
    return {
        "name": name,
        "access": canonical(content.get("access")),
        "metadata": content.get("metadata") or {},
        "certificate_identity": content.get("certificate_identity") or None,
        "expiration": expiration,
        "live_keys": list(live),
    }


def diff(name: str, plan: KeyPlan) -> t.Dict[str, t.Any]:
    """What the plan changes, the same in check mode and for real."""
    before_content = _content(plan.key) if plan.key else None
    before = diff_state(name, before_content, plan.live, _date(plan.key.expiration if plan.key else None))
    live_after = plan.remaining + (["(a new key)"] if plan.makes_key else [])
    if plan.makes_key:
        after_content: t.Optional[t.Dict[str, t.Any]] = dict(plan.body or {})
        expiration = _relative((plan.body or {}).get("expiration"))
    else:
        after_content = {**before_content, **(plan.body or {})} if before_content is not None else None
        expiration = _date(plan.key.expiration if plan.key else None)
        if plan.body and "expiration" in plan.body:
            expiration = _relative(plan.body["expiration"])
    return {"before": before, "after": diff_state(name, after_content, live_after, expiration)}


def _content(key: Key) -> t.Dict[str, t.Any]:
    return {"access": key.access, "metadata": key.metadata, "certificate_identity": key.certificate_identity}


def _date(ms: t.Optional[int]) -> t.Optional[str]:
    if ms is None:
        return None
    try:
        moment = datetime.datetime.fromtimestamp(ms / 1000, tz=datetime.timezone.utc)
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms"
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _relative(duration: t.Optional[str]) -> t.Optional[str]:
    return f"{duration} from the time of writing" if duration else None


def _whose(key: Key) -> str:
    if key.of_operator:
        return "it is managed by Elastic Cloud on Kubernetes"
    return f"it belongs to the user '{key.username}'" + (f" of the realm '{key.realm}'" if key.realm else "")


def _list(keys: t.Sequence[Key]) -> str:
    return ", ".join(f"{key.id} (of {key.username}, made {_date(key.creation)})" for key in keys)
