# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a link: what has to be done, in which order, and why, as pure functions.

This file is private to the crosscluster.elasticsearch collection.

A link lets the client cluster (``from``) ask the server cluster (``to``) under an alias. The truth about the secret in
use is what the keystores of the client nodes hold: the API key *id* is readable there without the secret. The plan
compares these ids with the keys alive on the server. Five laws hold for every state, cut off after any step:

1. No key is revoked while a client node still holds it, nor before every node is proven to work with its successor.
2. A key is made only when no node holds a usable one that could be spread, or when a rotation is due.
3. Cut off anywhere, the next run converges: one live key, no orphans, no search failed in between.
4. Keys of others are never touched.
5. A link that is right has no steps.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

# What a node's keystore entry is, judged against the keys of the server.
ABSENT = "absent"
LIVE = "live"
EXPIRED = "expired"
REVOKED = "revoked"
UNKNOWN = "unknown"
WRONG_TYPE = "wrong_type"
WRONG_NAME = "wrong_name"
MALFORMED = "malformed"
FOREIGN = "foreign"
UNREAD = "unread"

STATE_WORDS = {
    ABSENT: "holds no credential",
    EXPIRED: "holds an expired key",
    REVOKED: "holds a revoked key",
    UNKNOWN: "holds a key that the server does not know",
    WRONG_TYPE: "holds a key that is not a cross-cluster key",
    WRONG_NAME: "holds a key of another name",
    MALFORMED: "holds something that is not an API key",
    FOREIGN: "holds a key that belongs to somebody else",
}

# The metadata that marks a key as made for one client cluster. Top level keys with a leading underscore are reserved.
MARKER = "crosscluster_elasticsearch"
# Elastic's own operator makes keys with this prefix and makes them again when somebody removes them.
OPERATOR_PREFIX = "eck-"
OPERATOR_MARK = "elasticsearch.k8s.elastic.co/managed-by"


@dataclass(frozen=True)
class Key:
    """A key on the server cluster, as ``cross_cluster_api_key_info`` returns it."""

    id: str
    name: str
    type: str = "cross_cluster"
    creation: int = 0
    expiration: t.Optional[int] = None
    invalidated: bool = False
    username: t.Optional[str] = None
    metadata: t.Mapping[str, t.Any] = field(default_factory=dict)
    drift: t.Tuple[str, ...] = ()
    """Which of access, metadata, expiration and certificate_identity differ from what the link asks for."""

    def expired(self, now: int) -> bool:
        return self.expiration is not None and self.expiration <= now

    def live(self, now: int) -> bool:
        return not self.invalidated and not self.expired(now)


@dataclass(frozen=True)
class Node:
    """A client node: what its keystore holds for the alias of the link."""

    name: str
    read: bool = True
    reason: str = ""
    present: bool = False
    key_id: t.Optional[str] = None


@dataclass(frozen=True)
class Remote:
    """What the client cluster says about the alias."""

    exists: bool = False
    settings_drift: t.Tuple[str, ...] = ()
    security_model: t.Optional[str] = None
    """``api_key`` or ``certificate``; how the connection was built, on the node that was asked."""
    proven: bool = False
    """A real request went through every node that could be asked."""
    provable: bool = True
    """Every node of the client cluster can be asked by itself."""
    elsewhere: bool = False
    """The alias points at another address than the one of the server."""
    addresses: t.Tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """What is asked for."""

    id: str
    client: str
    server: str
    alias: str
    key_name: str
    owner: t.Optional[str] = None
    renew_before: t.Optional[int] = None
    on_expiring: str = "rotate"
    grace: int = 0
    migrate: bool = False


@dataclass(frozen=True)
class Options:
    mode: str = "trust"
    """``trust``, ``rotate`` or ``untrust``."""
    missing_nodes: str = "fail"
    """When the keystore of a node cannot be read: ``fail``, or ``keep`` (work on the others, revoke nothing)."""
    proof: str = "every_node"
    """``every_node``: revoke only after each node was asked by itself; ``any``: a request through any URL will do."""


@dataclass(frozen=True)
class Step:
    """One thing to do. Executed in the order given."""

    action: str
    why: str
    node: t.Optional[str] = None
    source: t.Optional[str] = None
    key_ids: t.Tuple[str, ...] = ()
    fields: t.Tuple[str, ...] = ()

    def as_dict(self) -> t.Dict[str, t.Any]:
        result: t.Dict[str, t.Any] = {"action": self.action, "why": self.why}
        for name in ("node", "source"):
            if getattr(self, name) is not None:
                result[name] = getattr(self, name)
        for name in ("key_ids", "fields"):
            if getattr(self, name):
                result[name] = list(getattr(self, name))
        return result


@dataclass(frozen=True)
class Plan:
    link: Link
    steps: t.Tuple[Step, ...] = ()
    words: t.Tuple[str, ...] = ()
    """The plan for people, one sentence per entry; also what is *not* done and why."""
    blocked: t.Optional[str] = None
    """Why nothing is done for this link."""
    target: t.Optional[str] = None
    """The id of the key that all nodes shall hold; None when it is made in this run."""
    kept: t.Tuple[str, ...] = ()
    """Live keys of the link that would go but stay for now."""
    states: t.Mapping[str, str] = field(default_factory=dict)

    def actions(self) -> t.List[str]:
        return [step.action for step in self.steps]


def is_ours(key: Key, link: Link) -> bool:
    """May this key be used and changed for the link? Everything else belongs to somebody else and is left alone."""
    if key.type != "cross_cluster" or key.name != link.key_name or key.name.startswith(OPERATOR_PREFIX):
        return False
    if OPERATOR_MARK in key.metadata:
        return False
    if link.owner is not None and key.username is not None and key.username != link.owner:
        return False
    marker = key.metadata.get(MARKER)
    if isinstance(marker, t.Mapping):
        return marker.get("client", link.client) == link.client
    return True


def classify(node: Node, keys: t.Mapping[str, Key], link: Link, now: int) -> str:
    """What the node's credential is worth."""
    if not node.read:
        return UNREAD
    if not node.present:
        return ABSENT
    if not node.key_id:
        return MALFORMED
    key = keys.get(node.key_id)
    if key is None:
        return UNKNOWN
    if key.type != "cross_cluster":
        return WRONG_TYPE
    if key.name != link.key_name:
        return WRONG_NAME
    if key.invalidated:
        return REVOKED
    if key.expired(now):
        return EXPIRED
    return LIVE if is_ours(key, link) else FOREIGN


def plan_link(
    link: Link,
    nodes: t.Sequence[Node],
    keys: t.Sequence[Key],
    remote: Remote,
    now: int,
    options: t.Optional[Options] = None,
    fault: t.Optional[str] = None,
) -> Plan:
    """The steps that make the link what it shall be. ``fault`` says why its clusters could not be read."""
    options = options or Options()
    by_id = {key.id: key for key in keys}
    states = {node.name: classify(node, by_id, link, now) for node in nodes}
    base = Plan(link, states=states)
    if fault:
        return replace(base, blocked=fault, words=(fault,))
    missing = [node for node in nodes if not node.read]
    if missing and options.missing_nodes == "fail":
        text = "{0} cannot be read{1}, so nothing is done for this link".format(
            names(node.name for node in missing), because(missing[0].reason)
        )
        return replace(base, blocked=text, words=(text,))
    if options.mode == "untrust":
        return _plan_absent(base, nodes, by_id, remote, now, missing)
    if remote.security_model == "certificate" and remote.proven and not link.migrate:
        text = (
            "alias {0} on {1} works with the certificate model; set migrate: true on the link to move it to an API key "
            "under the same alias, and pause followers, transforms and machine learning jobs that use it first"
        ).format(link.alias, link.client)
        return replace(base, blocked=text, words=(text,))
    return _plan_present(base, nodes, by_id, remote, now, options, missing)


def _plan_present(
    base: Plan,
    nodes: t.Sequence[Node],
    keys: t.Mapping[str, Key],
    remote: Remote,
    now: int,
    options: Options,
    missing: t.Sequence[Node],
) -> Plan:
    link, states = base.link, base.states
    live = sorted((key for key in keys.values() if is_ours(key, link) and key.live(now)), key=age_order)
    held = {node.key_id for node in nodes if states[node.name] == LIVE}
    usable = [key for key in live if key.id in held]
    steps: t.List[Step] = []
    words: t.List[str] = []

    if remote.exists and remote.security_model == "certificate" and remote.proven:
        words.append(
            "alias {0} moves from the certificate model at {1} to an API key; the way back is untrust, then that "
            "address".format(link.alias, names(remote.addresses))
        )
    # The newest key that a node holds wins: after a rotation was cut off, the rotation is finished and not begun anew.
    target = usable[-1] if usable else None
    make = _reason_to_make(link, target, len(usable) > 1, now, options)
    if target is None or make:
        target_id = None
        action = "create" if target is None else "rotate"
        steps.append(Step(action, make))
        words.append("{0}: {1} key {2} on {3}".format(make, action_word(action), link.key_name, link.server))
    else:
        target_id = target.id
        drift = tuple(target.drift)
        if _expiring(link, target, now) and link.on_expiring == "extend":
            drift += () if "expiration" in drift else ("expiration",)
        if drift:
            why = "{0} of key {1} {2} not as asked for".format(
                names(drift), target_id, "are" if len(drift) > 1 else "is"
            )
            steps.append(Step("update", why, key_ids=(target_id,), fields=drift))
            words.append("{0}: update it in place".format(why))

    steps += _deliveries(nodes, states, target_id, usable, words, bool(make))
    delivered = any(step.action == "deliver" for step in steps)

    old = [key for key in live if key.id != target_id]
    revoke, kept = _revocable(link, old, target, target_id, now, missing, remote, options, words)

    model_differs = remote.exists and remote.security_model == "certificate"
    # A node that works with a live key of somebody else in memory, and ours in its file, looks like one that is right:
    # which key a node uses cannot be asked.
    if delivered:
        reload_why = "the nodes read their keystores only when they are told to"
    elif revoke:
        # The last run may have ended between the keystore and the reload, so a node may still use what is to go.
        reload_why = "make sure that no node still uses a key that is to be revoked"
    elif not remote.proven or model_differs:
        reload_why = "the link does not work although the credentials are right"
    else:
        reload_why = ""
    if reload_why:
        steps.append(Step("reload", reload_why))
        if not delivered:
            words.append("{0}: reload the secure settings of {1}".format(reload_why, link.client))
    if remote.settings_drift or not remote.exists:
        why = (
            "the settings of alias {0} differ ({1})".format(link.alias, ", ".join(remote.settings_drift))
            if remote.exists
            else "alias {0} is not set up on {1}".format(link.alias, link.client)
        )
        steps.append(Step("settings", why, fields=tuple(remote.settings_drift)))
        words.append(
            "{0}: write them".format(why) if remote.exists else "{0}: point it at {1}".format(why, link.server)
        )
    if steps and any(step.action != "update" for step in steps):
        steps.append(Step("prove", "only a real request through every node shows that the link works"))
    if revoke:
        why = "{0} {1} held by no node".format(names(revoke), "are" if len(revoke) > 1 else "is")
        if make and held:
            why = "{0} {1} replaced".format(names(revoke), "are" if len(revoke) > 1 else "is")
        steps.append(Step("revoke", why, key_ids=tuple(revoke)))
        words.append("{0}: revoke after the proof".format(why))
    return replace(base, steps=tuple(steps), words=tuple(words), target=target_id, kept=tuple(kept))


def _reason_to_make(link: Link, target: t.Optional[Key], unfinished: bool, now: int, options: Options) -> str:
    """Why a key must be made, or an empty string."""
    if target is None:
        return "no node of {0} holds a usable credential".format(link.client)
    if _expiring(link, target, now) and link.on_expiring == "rotate":
        return "key {0} expires in {1}".format(target.id, duration_words((target.expiration or 0) - now))
    if options.mode == "rotate" and not unfinished:
        return "a rotation was asked for"
    return ""


def _expiring(link: Link, key: Key, now: int) -> bool:
    return link.renew_before is not None and key.expiration is not None and key.expiration - now <= link.renew_before


def _deliveries(
    nodes: t.Sequence[Node],
    states: t.Mapping[str, str],
    target_id: t.Optional[str],
    usable: t.Sequence[Key],
    words: t.List[str],
    make: bool,
) -> t.List[Step]:
    source = next(
        (node.name for node in nodes if target_id is not None and node.key_id == target_id and node.read), None
    )
    steps = []
    alike: t.Dict[str, t.List[str]] = {}
    for node in nodes:
        if not node.read or (target_id is not None and node.key_id == target_id):
            continue
        state = STATE_WORDS.get(states[node.name], "holds an older key")
        why = "{0} {1}".format(node.name, state)
        if target_id is not None:
            why += "; spread the live one from {0}".format(source)
        steps.append(Step("deliver", why, node=node.name, source=source))
        alike.setdefault(state, []).append(node.name)
    for state, found in alike.items():
        many = len(found) > 1
        text = "{0} {1}".format(names(found), state.replace("holds", "hold", 1) if many else state)
        if target_id is not None:
            words.append("{0}; spread the live one from {1}".format(text, source))
        elif not make or not usable:
            words.append("{0}; give {1} the new one".format(text, "them" if many else "it"))
    if source is not None and steps:
        steps.insert(
            0, Step("spread", "the secret of a live key is known only to the nodes that hold it", source=source)
        )
    return steps


def _revocable(
    link: Link,
    old: t.Sequence[Key],
    target: t.Optional[Key],
    target_id: t.Optional[str],
    now: int,
    missing: t.Sequence[Node],
    remote: Remote,
    options: Options,
    words: t.List[str],
) -> t.Tuple[t.List[str], t.List[str]]:
    """Which of the other live keys of the link may go after the proof, and which stay for now."""
    if not old:
        return [], []
    ids = [key.id for key in old]
    if missing:
        words.append(
            "{0} cannot be read and may still use an older key, so {1} {2} alive".format(
                names(node.name for node in missing), names(ids), "stay" if len(ids) > 1 else "stays"
            )
        )
        return [], ids
    if not remote.provable and options.proof == "every_node":
        words.append(
            "{0} {1} alive, because the nodes of {2} cannot be asked one by one; give one URL per node, or set the "
            "proof to any".format(names(ids), "stay" if len(ids) > 1 else "stays", link.client)
        )
        return [], ids
    made = now if target_id is None or target is None else target.creation
    # An orphan newer than its successor was never in use, so no grace is owed to it.
    # Without a grace the clocks are not compared: the server's may be ahead of ours.
    keep = [
        key.id for key in old if link.grace and now < made + link.grace and (target_id is None or key.creation <= made)
    ]
    if keep:
        words.append(
            "{0} {1} for the grace of {2}".format(
                names(keep), "stay alive" if len(keep) > 1 else "stays alive", duration_words(link.grace)
            )
        )
    return [key_id for key_id in ids if key_id not in keep], keep


def _plan_absent(
    base: Plan,
    nodes: t.Sequence[Node],
    keys: t.Mapping[str, Key],
    remote: Remote,
    now: int,
    missing: t.Sequence[Node],
) -> Plan:
    """Settings, then credentials, then the key: without its credential an alias falls back to the certificate model."""
    link, states = base.link, base.states
    others = [
        node
        for node in nodes
        if states[node.name] in (FOREIGN, WRONG_NAME, WRONG_TYPE) and keys[t.cast(str, node.key_id)].live(now)
    ]
    live = sorted((key for key in keys.values() if is_ours(key, link) and key.live(now)), key=age_order)
    steps: t.List[Step] = []
    words: t.List[str] = []
    holders = [node for node in nodes if node.read and node.present and node not in others]
    if others:
        words.append(
            "alias {0} on {1} uses a key that belongs to somebody else; its settings and that credential stay".format(
                link.alias, names(node.name for node in others)
            )
        )
    elif remote.exists and remote.elsewhere and not holders:
        words.append(
            "alias {0} on {1} points elsewhere and no node holds a credential for it; its settings stay".format(
                link.alias, link.client
            )
        )
    elif remote.exists:
        steps.append(Step("unset", "without its credential the alias would fall back to the certificate model"))
        words.append("remove the settings of alias {0} on {1}".format(link.alias, link.client))
    for node in holders:
        why = "{0} holds the credential of alias {1}".format(node.name, link.alias)
        steps.append(Step("remove", why, node=node.name))
        words.append("{0}: remove it".format(why))
    revoke = [key.id for key in live]
    kept: t.List[str] = []
    if revoke and missing:
        words.append(
            "{0} cannot be read and may still hold the credential, so {1} stays alive".format(
                names(node.name for node in missing), names(revoke)
            )
        )
        revoke, kept = [], revoke
    if holders or revoke:
        steps.append(Step("reload", "the nodes forget a credential only when they are told to read their keystores"))
    if revoke:
        steps.append(Step("revoke", "no node holds it any more", key_ids=tuple(revoke)))
        words.append("revoke {0} on {1}".format(names(revoke), link.server))
    return replace(base, steps=tuple(steps), words=tuple(words), kept=tuple(kept))


def objections(
    plan: Plan, nodes: t.Sequence[Node], keys: t.Sequence[Key], made: t.Optional[str], now: int
) -> t.List[str]:
    """Why the planned revocation must not happen after all, judged by a second look taken after the proof.

    Another run may have worked on the same link meanwhile; keys and credentials that this run did not make tell it.
    """
    target = plan.target or made
    going = {key_id for step in plan.steps if step.action == "revoke" for key_id in step.key_ids}
    found = []
    for node in nodes:
        if not node.read:
            found.append("{0} cannot be read any more{1}".format(node.name, because(node.reason)))
        elif node.present and node.key_id in going:
            found.append("{0} still holds {1}".format(node.name, node.key_id))
        elif plan.link.id and target is not None and node.key_id != target:
            found.append("{0} holds {1} instead of {2}".format(node.name, node.key_id or "no key", target))
    known = going | set(plan.kept) | ({target} if target else set())
    strange = [key.id for key in keys if is_ours(key, plan.link) and key.live(now) and key.id not in known]
    if strange:
        found.append("{0} appeared while this run was at work".format(names(strange)))
    return found


def age_order(key: Key) -> t.Tuple[int, str]:
    return key.creation, key.id


def action_word(action: str) -> str:
    return {"create": "create", "rotate": "make a new"}[action]


def because(reason: str) -> str:
    return " ({0})".format(reason) if reason else ""


def names(items: t.Iterable[str]) -> str:
    listed = list(items)
    if len(listed) <= 1:
        return "".join(listed)
    return "{0} and {1}".format(", ".join(listed[:-1]), listed[-1])


def duration_words(milliseconds: int) -> str:
    """A length of time for people: the two largest units."""
    seconds = max(0, milliseconds // 1000)
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if seconds >= size:
            parts.append("{0}{1}".format(seconds // size, unit))
            seconds %= size
    return " ".join(parts[:2]) or "0s"
