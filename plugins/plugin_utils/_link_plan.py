# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a link: what has to be done, in which order, and why, as pure functions.

This file is private to the crosscluster.elasticsearch collection.

A link lets the client cluster (``from``) ask the server cluster (``to``) under an alias. The truth about the secret in
use is what the keystores of the client nodes hold: the API key *id* is readable there without the secret. The plan
compares these ids with the keys alive on the server. Five laws hold for every state, cut off after any step:

1. No key is revoked while a client node still holds it, nor before every node is proven to work with its successor. A
   running node that is not listed counts as one that holds it.
2. A key is made only when no node holds a usable one that could be spread, or when a rotation is due and the one before
   is finished.
3. Cut off anywhere, the next runs converge: one live key, no orphans, no search failed in between, and never a third
   live key.
4. Keys of others are never touched: what does not bear our mark for this client, unless the link adopts it by id.
5. A link that is right has no steps.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._link_keys import (
    FOREIGN,
    LIVE,
    STATE_WORDS,
    UNKNOWN,
    WRONG_NAME,
    WRONG_SECRET,
    WRONG_TYPE,
    Adoption,
    Key,
    Link,
    Node,
    age_order,
    because,
    classify,
    duration_words,
    is_ours,
    judge_adoption,
    names,
    unmarked,
    whose,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._link_nodes import Members


@dataclass(frozen=True)
class Remote:
    """What the client cluster says about the alias."""

    exists: bool = False
    settings_drift: t.Tuple[str, ...] = ()
    security_model: t.Optional[str] = None
    """``api_key`` or ``certificate``; how the connection was built, on the node that was asked."""
    proven: bool = False
    """A real request went through every node that could be asked."""
    used: bool = False
    """A real request went through some node."""
    provable: bool = True
    """Every node of the client cluster can be asked by itself."""
    elsewhere: bool = False
    """The alias points at another address than the one of the server."""
    addresses: t.Tuple[str, ...] = ()


KNOWN = Members()
"""No doubt about which nodes there are."""


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
    name: t.Optional[str] = None
    """The name of these keys; an adopted one keeps its own."""
    marker: t.Optional[t.Mapping[str, t.Any]] = None
    """Our mark, for the metadata that are written; None leaves the metadata alone."""

    def as_dict(self) -> t.Dict[str, t.Any]:
        result: t.Dict[str, t.Any] = {"action": self.action, "why": self.why}
        for name in ("node", "source", "name", "marker"):
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
    owed: str = ""
    """What was asked for and cannot be done in this run; the steps go ahead, and the run is not green."""
    states: t.Mapping[str, str] = field(default_factory=dict)

    def actions(self) -> t.List[str]:
        return [step.action for step in self.steps]


def plan_link(
    link: Link,
    nodes: t.Sequence[Node],
    keys: t.Sequence[Key],
    remote: Remote,
    now: int,
    options: t.Optional[Options] = None,
    members: Members = KNOWN,
    fault: t.Optional[str] = None,
) -> Plan:
    """The steps that make the link what it shall be. ``fault`` says why its clusters could not be read."""
    options = options or Options()
    by_id = {key.id: key for key in keys}
    adoption = judge_adoption(link, nodes, by_id, now)
    link = replace(link, adopt=adoption.key_id)
    base = Plan(link, states={node.name: classify(node, by_id, link, now) for node in nodes})
    missing = [node for node in nodes if not node.read]
    doubt = members.trouble(link.client)
    teardown, strict = options.mode == "untrust", options.missing_nodes == "fail"
    stop = fault or ""
    if doubt and (strict or not teardown):
        stop = stop or doubt
    if missing and (strict or (len(missing) == len(nodes) and not teardown)):
        stop = stop or "{0} cannot be read{1}, so nothing is done for this link".format(
            names(node.name for node in missing), because(missing[0].reason)
        )
    if stop:
        return replace(base, blocked=stop, words=(stop,))
    if teardown:
        plan = _plan_absent(base, nodes, by_id, remote, now, missing, doubt, adoption)
    else:
        stop = adoption.trouble or _foreign_trouble(base, nodes, by_id, now)
        if not stop and remote.security_model == "certificate" and remote.proven and not link.migrate:
            stop = (
                "alias {0} on {1} works with the certificate model; set migrate: true on the link to move it to an API "
                "key under the same alias, and pause followers, transforms and machine learning jobs that use it first"
            ).format(link.alias, link.client)
        stop = stop or _taken(base, nodes, by_id, remote, now)
        if stop:
            return replace(base, blocked=stop, words=(stop,))
        plan = _plan_present(base, nodes, by_id, remote, now, options, missing, adoption)
    unwritable = next(
        (node for node in nodes for step in plan.steps if step.node == node.name and node.write_problem), None
    )
    if unwritable:
        # A key that reaches no node would be left behind by every run.
        stop = "{0}: {1}".format(unwritable.name, unwritable.write_problem)
        return replace(base, blocked=stop, words=(stop,))
    return plan


def _foreign_trouble(base: Plan, nodes: t.Sequence[Node], keys: t.Mapping[str, Key], now: int) -> str:
    """A key under the name of the link that somebody made in another way, where nothing is ours yet."""
    link = base.link
    found = unmarked(link, keys, now)
    if not found or any(is_ours(keys[held], link) for held in {node.key_id or "" for node in nodes} if held in keys):
        return ""
    holders = [node for node in nodes if node.key_id in [key.id for key in found]]
    key = next((key for key in found if holders and key.id == holders[0].key_id), found[-1])
    others = [other.id for other in found if other is not key]
    text = "key {0} on {1} bears the name [{2}] of this link, {3}, and was not made by this collection".format(
        key.id, link.server, key.name, whose(key)
    )
    if others:
        text += "; so {0} {1}".format("do" if len(others) > 1 else "does", names(others))
    if not holders:
        return "{0}; no node holds it. Give the link another name, or revoke {1} if nobody needs it".format(
            text, key.id
        )
    used = "{0} {1}".format(names(node.name for node in holders), "use" if len(holders) > 1 else "uses")
    way_out = "To go on with it, add adopt: {0} to the link; to leave it alone, give the link another name"
    return "{0}; {1} it. {2}".format(text, used, way_out.format(key.id))


def _taken(base: Plan, nodes: t.Sequence[Node], keys: t.Mapping[str, Key], remote: Remote, now: int) -> str:
    """The alias, or what the nodes hold under it, is of somebody else, and the link would overwrite it.

    The only copy of a secret would be lost, and searches would go to another cluster. A link that is ours is put right.
    """
    link = base.link
    held = {node.key_id for node in nodes}
    ours = any(is_ours(key, link) and (key.live(now) or key.id in held) for key in keys.values())
    if ours or link.adopt or link.replace or link.migrate:
        return ""
    found = []
    for node in nodes:
        key = keys.get(node.key_id or "")
        if key is not None and key.type == "cross_cluster" and key.live(now):
            found.append("{0} holds the live key {1} ({2}), which {3}".format(node.name, key.id, key.name, whose(key)))
        elif base.states[node.name] == UNKNOWN:
            found.append("{0} holds a key that {1} does not know".format(node.name, link.server))
    if remote.exists and remote.elsewhere:
        where = " at {0}".format(names(remote.addresses)) if remote.addresses else ""
        found.append("the alias points to another place{0}".format(where))
    if not found:
        return ""
    return (
        "alias {0} on {1} is in use, and not by a key of this link: {2}. To overwrite that, add replace: true to the "
        "link; to leave it alone, give the link another alias"
    ).format(link.alias, link.client, "; ".join(found))


# -- present -----------------------------------------------------------------------------------------------------------


def _plan_present(
    base: Plan,
    nodes: t.Sequence[Node],
    keys: t.Mapping[str, Key],
    remote: Remote,
    now: int,
    options: Options,
    missing: t.Sequence[Node],
    adoption: Adoption,
) -> Plan:
    link, states = base.link, base.states
    live = sorted((key for key in keys.values() if is_ours(key, link) and key.live(now)), key=age_order)
    held = {node.key_id for node in nodes if states[node.name] == LIVE}
    # An adopted key that our own replaced is older in use, whenever it was made.
    usable = sorted((key for key in live if key.id in held), key=lambda key: (key.id != link.adopt, age_order(key)))
    steps: t.List[Step] = []
    words: t.List[str] = [adoption.hint] if adoption.hint else []

    for key in unmarked(link, keys, now):
        words.append(
            "{0} on {1} bears the name of this link and was not made by this collection ({2}); it is left alone".format(
                key.id, link.server, whose(key)
            )
        )
    if remote.exists and remote.security_model == "certificate" and remote.proven:
        words.append(
            "alias {0} moves from the certificate model at {1} to an API key; the way back is untrust, then that "
            "address".format(link.alias, names(remote.addresses))
        )
    # The newest key that a node holds wins: after a rotation was cut off, the rotation is finished and not begun anew.
    target = usable[-1] if usable else None
    reason = _reason_to_make(link, target, now, options) or _poisoned(target, nodes, states)
    # Another live key may be in use: in the memory of a node that waits for its restart, on one that is down. Or its
    # secret was lost, with a run that was cut off before it delivered.
    unfinished = target is not None and len(live) > 1
    if target is None and len(live) > 1:
        return _without_holders(base, live, missing, remote, words)
    make = "" if unfinished else reason
    if target is None or make:
        target_id = None
        action = "create" if target is None else "rotate"
        marker: t.Dict[str, t.Any] = {"client": link.client, "alias": link.alias}
        if target is not None and target.id == link.adopt:
            marker["replaces"] = target.id
        elif adoption.replaced:
            marker["replaces"] = adoption.replaced
        steps.append(Step(action, make, name=link.key_name, marker=marker))
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
            marker_now = None if target.id == link.adopt else target.marker
            steps.append(Step("update", why, key_ids=(target_id,), fields=drift, name=target.name, marker=marker_now))
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
        steps += _revocations(why, [keys[key_id] for key_id in revoke])
        words.append("{0}: revoke after the proof".format(why))
    owed = ""
    if unfinished and target is not None and _is_owed(link, target, old, kept, now, options):
        owed = (
            "{0}, but {1} {2} alive of the rotation before; a new one begins when {3} gone, so that there are never "
            "three".format(
                reason, names(key.id for key in old), "are" if len(old) > 1 else "is",
                "they are" if len(old) > 1 else "it is",
            )
        )  # fmt: skip
        words.append(owed if kept else "{0}: run again".format(owed))
    elif unfinished and options.mode == "rotate":
        words.append("this ends the rotation before; to replace {0} as well, run again".format(target_id))
    return replace(base, steps=tuple(steps), words=tuple(words), target=target_id, kept=tuple(kept), owed=owed)


def _without_holders(
    base: Plan, live: t.Sequence[Key], missing: t.Sequence[Node], remote: Remote, words: t.Sequence[str]
) -> Plan:
    """Two keys of the link are alive, and none is in a keystore that can be read: no third is made."""
    told, alias = names(key.id for key in live), base.link.alias
    stop = ""
    if missing:
        stop = (
            "{0} are alive, and {1}, which may hold them, cannot be read, so no third key is made; bring them back, or "
            "take them out of nodes if they are gone for good"
        ).format(told, names(node.name for node in missing))
    elif remote.used:
        stop = (
            "{0} are alive, no node holds one of them in its keystore, and alias {1} works, so a node still uses one "
            "from memory and no third key is made; run untrust for this link and then trust, while nobody searches it"
        ).format(told, alias)
    if stop:
        return replace(base, blocked=stop, words=(stop,))
    # Runs made them that could not deliver them. One stays, as the mark by which the link is known to be ours.
    going = live[:-1]
    why = "{0} reached no node, and their secrets are lost".format(told)
    owed = "{0}: {1} {2} revoked, and the next run makes a new one; see first what kept them from the nodes".format(
        why, names(key.id for key in going), "are" if len(going) > 1 else "is"
    )
    steps = [Step("reload", "make sure that no node still uses a key that is to be revoked")] if remote.exists else []
    return replace(
        base, steps=(*steps, *_revocations(why, going)), words=(*words, owed), owed=owed, kept=(live[-1].id,)
    )


def _is_owed(link: Link, target: Key, old: t.Sequence[Key], kept: t.Sequence[str], now: int, options: Options) -> bool:
    """Was more asked for than the end of the rotation before?"""
    if _expiring(link, target, now) and link.on_expiring == "rotate":
        return True
    # Nothing came of the one before when its key was lost.
    only_lost = all(age_order(key) > age_order(target) and key.id != link.adopt for key in old)
    return options.mode == "rotate" and (bool(kept) or only_lost)


def _revocations(why: str, keys: t.Sequence[Key]) -> t.List[Step]:
    """One step for each name: an adopted key bears its own."""
    by_name: t.Dict[str, t.List[str]] = {}
    for key in keys:
        by_name.setdefault(key.name, []).append(key.id)
    return [Step("revoke", why, key_ids=tuple(ids), name=name) for name, ids in by_name.items()]


def _reason_to_make(link: Link, target: t.Optional[Key], now: int, options: Options) -> str:
    """Why a key must be made, or an empty string."""
    if target is None:
        return "no node of {0} holds a usable credential".format(link.client)
    if _expiring(link, target, now) and link.on_expiring == "rotate":
        return "key {0} expires in {1}".format(target.id, duration_words((target.expiration or 0) - now))
    if options.mode == "rotate":
        return "a rotation was asked for"
    return ""


def _poisoned(target: t.Optional[Key], nodes: t.Sequence[Node], states: t.Mapping[str, str]) -> str:
    """A node got a wrong secret from the only one that has another to give: that one is damaged, or lies."""
    wrong = [node.name for node in nodes if states[node.name] == WRONG_SECRET]
    right = [node.name for node in nodes if target and node.key_id == target.id and states[node.name] == LIVE]
    if not wrong or not right or len(right) > 1:
        return ""
    return "{0} {1} a wrong secret, and only {2} could hand out another".format(
        names(wrong), "hold" if len(wrong) > 1 else "holds", right[0]
    )


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
    right = [node.name for node in nodes if states[node.name] == LIVE and node.key_id == target_id]
    # Who handed a wrong secret out once is not asked again, as far as that can be told.
    source = right[-1 if WRONG_SECRET in states.values() else 0] if right else None
    steps = []
    alike: t.Dict[str, t.List[str]] = {}
    for node in nodes:
        if not node.read or node.name in right:
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
    doubt: str,
    adoption: Adoption,
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
    owed = ""
    if adoption.left:
        owed = "{0}; it is left alone: revoke it if it was for this link, or take adopt out".format(adoption.trouble)
        words.append(owed)
    holders = [node for node in nodes if node.read and node.present and node not in others]
    # What trust would refuse to overwrite is not taken down either.
    held = {node.key_id for node in nodes}
    ours = bool(live) or any(is_ours(key, link) and key.id in held for key in keys.values())
    if holders and remote.exists and remote.elsewhere and not (ours or link.replace):
        holders = []
        words.append(
            "alias {0} on {1} points to another place, and {2} knows no key of this link; its settings and credentials "
            "stay. If they may go, add replace: true to the link".format(link.alias, link.client, link.server)
        )
    elif others:
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
    if revoke and (missing or doubt):
        why = doubt or "{0} cannot be read and may still hold the credential".format(
            names(node.name for node in missing)
        )
        words.append("{0}; {1} stays alive".format(why, names(revoke)))
        revoke, kept = [], revoke
    if holders or revoke:
        steps.append(Step("reload", "the nodes forget a credential only when they are told to read their keystores"))
    if revoke:
        steps += _revocations("no node holds it any more", [keys[key_id] for key_id in revoke])
        words.append("revoke {0} on {1}".format(names(revoke), link.server))
    return replace(base, steps=tuple(steps), words=tuple(words), kept=tuple(kept), owed=owed)


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


def action_word(action: str) -> str:
    return {"create": "create", "rotate": "make a new"}[action]
