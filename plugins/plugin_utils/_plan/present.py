# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done so that a link works. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.case import (
    Case,
    Plan,
    Step,
    revocations,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import (
    ABSENT,
    LIVE,
    STATE_WORDS,
    WRONG_SECRET,
    Given,
    Key,
    duration_words,
    mark,
    names,
    unmarked,
    whose,
)


def plan_present(case: Case) -> Plan:
    link, states, live = case.link, case.states, case.live
    held = {node.key_id for node in case.nodes if states[node.name] == LIVE}
    # An adopted key that our own replaced is older in use, whenever it was made.
    usable = sorted((key for key in live if key.id in held), key=lambda key: (key.id != link.adopt, key.age))
    # The newest key that a node holds wins: after a rotation was cut off, the rotation is finished and not begun anew.
    target = usable[-1] if usable else None
    words = _remarks(case)
    if target is None and len(live) > 1:
        return _without_holders(case, words)
    # Another live key may be in use: in the memory of a node that waits for its restart, on one that is down. Or its
    # secret was lost, with a run that was cut off before it delivered.
    unfinished = target is not None and len(live) > 1
    reason = _reason_to_make(case, target) or _poisoned(case, target)
    make = "" if unfinished else reason
    making = target is None or bool(make)
    target_id = None if making or target is None else target.id
    steps: t.List[Step] = []
    if making:
        action = "create" if target is None else "rotate"
        steps.append(Step(action, make, name=link.key_name, marker=_marker(case, target)))
        what = "create" if target is None else "make a new"
        words.append("{0}: {1} key {2} on {3}".format(make, what, link.key_name, link.server))
    elif target is not None:
        steps += _update(case, target, words)
    steps += _deliveries(case, target_id, words, bool(usable))
    old = [key for key in live if key.id != target_id]
    made = case.seen.now if target_id is None or target is None else target.creation
    revoke, kept = _revocable(case, old, made, target_id is not None, words)
    steps += _use(case, steps, words, bool(revoke))
    if revoke:
        why = "{0} {1} held by no node".format(names(revoke), "are" if len(revoke) > 1 else "is")
        if make and held:
            why = "{0} {1} replaced".format(names(revoke), "are" if len(revoke) > 1 else "is")
        steps += revocations(why, [case.keys[key_id] for key_id in revoke])
        words.append("{0}: revoke after the proof".format(why))
    owed = ""
    if unfinished and target is not None and _is_owed(case, target, old, kept):
        owed = (
            "{0}, but {1} {2} alive of the rotation before; a new one begins when {3} gone, so that there are never "
            "three".format(
                reason, names(key.id for key in old), "are" if len(old) > 1 else "is",
                "they are" if len(old) > 1 else "it is",
            )
        )  # fmt: skip
        words.append(owed if kept else "{0}: run again".format(owed))
    elif unfinished and case.options.mode == "rotate":
        words.append("this ends the rotation before; to replace {0} as well, run again".format(target_id))
    told = {"words": tuple(words), "remarks": tuple(_remarks(case)), "owed": owed}
    return case.plan(steps=tuple(steps), target=target_id, kept=tuple(kept), **told)


def plan_given(case: Case) -> Plan:
    """The key comes from elsewhere: it is neither made nor revoked, and its server is not asked."""
    link, given = case.link, t.cast(Given, case.link.given)
    empty = [node.name for node in case.nodes if case.states[node.name] == ABSENT]
    if not case.remote.exists and not given.addressed:
        return case.stopped(
            "alias {0} is not set up on {1}, and it is not known where it shall point to; give proxy_address or seeds "
            "in remote_cluster_client_settings".format(link.alias, link.client)
        )
    if empty and not given.key_id:
        return case.stopped(
            "{0} {1} no credential for alias {2}, which would fall back to the certificate model; give "
            "remote_cluster_client_credential".format(names(empty), "hold" if len(empty) > 1 else "holds", link.alias)
        )
    words, steps = _remarks(case), t.cast(t.List[Step], [])
    if given.key_id:
        steps += _hand_over(case, given.key_id, words)
    if case.seen.waiting:
        why = "{0} {1} not started since a credential was written".format(
            names(case.seen.waiting), "have" if len(case.seen.waiting) > 1 else "has"
        )
        steps.append(Step("reload", why))
        words.append(why)
    elif steps and case.remote.proven:
        steps.append(Step("reload", "the nodes read their keystores only when they are told to", after="deliver"))
    elif steps:
        steps.append(Step("reload", "the link does not work yet"))
    steps += _settings(case, words)
    if steps or not case.remote.proven:
        steps.append(Step("prove", "only a real request through every node shows that the link works"))
    return case.plan(steps=tuple(steps), words=tuple(words), target=given.key_id or None)


def _hand_over(case: Case, key_id: str, words: t.List[str]) -> t.List[Step]:
    """The secret is at hand, so whatever a node holds is compared with it, unless the node was seen to work with it."""
    seen = case.remote.proven and case.remote.provable
    steps = []
    for node in case.nodes:
        right = case.states[node.name] == LIVE
        if not node.read or (right and seen):
            continue
        state = (
            "may hold another secret of it" if right else STATE_WORDS.get(case.states[node.name], "holds another key")
        )
        why = "{0} {1}".format(node.name, state)
        steps.append(Step("deliver", why, node=node.name))
        if not right:
            words.append("{0}; give it {1}".format(why, key_id))
    return steps


def _remarks(case: Case) -> t.List[str]:
    """What is worth a word whatever is done."""
    link, remote = case.link, case.remote
    words = [case.adoption.hint] if case.adoption.hint else []
    for key in unmarked(link, case.keys, case.seen.now):
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
    return words


def _marker(case: Case, target: t.Optional[Key]) -> t.Dict[str, t.Any]:
    marker: t.Dict[str, t.Any] = {"client": case.link.client, "alias": case.link.alias, "owner": case.link.team}
    if target is not None and target.id == case.link.adopt:
        marker["replaces"] = target.id
    elif case.adoption.replaced:
        marker["replaces"] = case.adoption.replaced
    return marker


def _update(case: Case, target: Key, words: t.List[str]) -> t.List[Step]:
    drift = tuple(case.seen.drift.get(target.id, ()))
    if _expiring(case, target) and case.link.on_expiring == "extend":
        drift += () if "expiration" in drift else ("expiration",)
    if not drift:
        return []
    why = "{0} of key {1} {2} not as asked for".format(names(drift), target.id, "are" if len(drift) > 1 else "is")
    words.append("{0}: update it in place".format(why))
    # A mark of an earlier release is completed.
    marker = None if target.id == case.link.adopt else {**_marker(case, None), **(mark(target) or {})}
    return [Step("update", why, key_ids=(target.id,), fields=drift, name=target.name, marker=marker)]


def _use(case: Case, before: t.Sequence[Step], words: t.List[str], revoking: bool) -> t.List[Step]:
    """What makes the nodes use the credentials that they hold by then, and shows that they do."""
    delivered = any(step.action == "deliver" for step in before)
    steps = []
    reload = _reason_to_reload(case, delivered, revoking)
    if reload:
        steps.append(Step("reload", reload))
        if not delivered:
            words.append("{0}: reload the secure settings of {1}".format(reload, case.link.client))
    steps += _settings(case, words)
    if any(step.action != "update" for step in (*before, *steps)):
        steps.append(Step("prove", "only a real request through every node shows that the link works"))
    return steps


def _reason_to_reload(case: Case, delivered: bool, revoking: bool) -> str:
    if delivered:
        return "the nodes read their keystores only when they are told to"
    if revoking:
        # The last run may have ended between the keystore and the reload, so a node may still use what is to go.
        return "make sure that no node still uses a key that is to be revoked"
    # A node that works with a live key of somebody else in memory, and ours in its file, looks like one that is right:
    # which key a node uses cannot be asked.
    if not case.remote.proven or (case.remote.exists and case.remote.security_model == "certificate"):
        return "the link does not work although the credentials are right"
    return ""


def _settings(case: Case, words: t.List[str]) -> t.List[Step]:
    link, remote = case.link, case.remote
    if remote.exists and not remote.settings_drift:
        return []
    if remote.exists:
        why = "the settings of alias {0} differ ({1})".format(link.alias, ", ".join(remote.settings_drift))
        words.append("{0}: write them".format(why))
    else:
        why = "alias {0} is not set up on {1}".format(link.alias, link.client)
        words.append("{0}: point it at {1}".format(why, link.server))
    return [Step("settings", why, fields=tuple(remote.settings_drift))]


def _without_holders(case: Case, words: t.Sequence[str]) -> Plan:
    """Two keys of the link are alive, and none is in a keystore that can be read: no third is made."""
    live = case.live
    told, alias = names(key.id for key in live), case.link.alias
    if case.missing:
        return case.stopped(
            "{0} are alive, and {1}, which may hold them, cannot be read, so no third key is made; bring them back, or "
            "take them out of nodes if they are gone for good".format(told, names(node.name for node in case.missing))
        )
    if case.remote.used:
        return case.stopped(
            "{0} are alive, no node holds one of them in its keystore, and alias {1} works, so a node still uses one "
            "from memory and no third key is made; run untrust for this link and then trust, while nobody searches "
            "it".format(told, alias)
        )
    # Runs made them that could not deliver them. One stays, as the mark by which the link is known to be ours.
    going = live[:-1]
    why = "{0} reached no node, and their secrets are lost".format(told)
    owed = "{0}: {1} {2} revoked, and the next run makes a new one; see first what kept them from the nodes".format(
        why, names(key.id for key in going), "are" if len(going) > 1 else "is"
    )
    reload = [Step("reload", "make sure that no node still uses a key that is to be revoked")]
    steps = [*(reload if case.remote.exists else []), *revocations(why, going)]
    return case.plan(steps=tuple(steps), words=(*words, owed), owed=owed, kept=(live[-1].id,))


def _is_owed(case: Case, target: Key, old: t.Sequence[Key], kept: t.Sequence[str]) -> bool:
    """Was more asked for than the end of the rotation before?"""
    if _expiring(case, target) and case.link.on_expiring == "rotate":
        return True
    # Nothing came of the one before when its key was lost.
    only_lost = all(key.age > target.age and key.id != case.link.adopt for key in old)
    return case.options.mode == "rotate" and (bool(kept) or only_lost)


def _reason_to_make(case: Case, target: t.Optional[Key]) -> str:
    """Why a key must be made, or an empty string."""
    if target is None:
        return "no node of {0} holds a usable credential".format(case.link.client)
    if _expiring(case, target) and case.link.on_expiring == "rotate":
        return "key {0} expires in {1}".format(target.id, duration_words((target.expiration or 0) - case.seen.now))
    if case.options.mode == "rotate":
        return "a rotation was asked for"
    return ""


def _poisoned(case: Case, target: t.Optional[Key]) -> str:
    """A node got a wrong secret from the only one that has another to give: that one is damaged, or lies."""
    wrong = [node.name for node in case.nodes if case.states[node.name] == WRONG_SECRET]
    right = _holders(case, target.id) if target else []
    if not wrong or not right or len(right) > 1:
        return ""
    return "{0} {1} a wrong secret, and only {2} could hand out another".format(
        names(wrong), "hold" if len(wrong) > 1 else "holds", right[0]
    )


def _expiring(case: Case, key: Key) -> bool:
    before = case.link.renew_before
    return before is not None and key.expiration is not None and key.expiration - case.seen.now <= before


def _holders(case: Case, key_id: t.Optional[str]) -> t.List[str]:
    """The nodes with the live credential of this key."""
    return [node.name for node in case.nodes if case.states[node.name] == LIVE and node.key_id == key_id]


def _deliveries(case: Case, target_id: t.Optional[str], words: t.List[str], replaces: bool) -> t.List[Step]:
    """`target_id`: None for a key that is made. `replaces`: whether nodes hold one that works."""
    states = case.states
    right = _holders(case, target_id)
    # Who handed a wrong secret out once is not asked again, as far as that can be told.
    source = right[-1 if WRONG_SECRET in states.values() else 0] if right else None
    steps = []
    alike: t.Dict[str, t.List[str]] = {}
    for node in case.nodes:
        if not node.read or node.name in right:
            continue
        state = STATE_WORDS.get(states[node.name], "holds an older key")
        why = "{0} {1}".format(node.name, state)
        if source is not None:
            why += "; spread the live one from {0}".format(source)
        steps.append(Step("deliver", why, node=node.name, source=source))
        alike.setdefault(state, []).append(node.name)
    for state, found in alike.items():
        many = len(found) > 1
        text = "{0} {1}".format(names(found), state.replace("holds", "hold", 1) if many else state)
        if source is not None:
            words.append("{0}; spread the live one from {1}".format(text, source))
        elif not replaces:
            words.append("{0}; give {1} the new one".format(text, "them" if many else "it"))
    if source is not None and steps:
        why = "the secret of a live key is known only to the nodes that hold it"
        steps.insert(0, Step("spread", why, source=source))
    return steps


def _revocable(
    case: Case, old: t.Sequence[Key], made: int, in_use: bool, words: t.List[str]
) -> t.Tuple[t.List[str], t.List[str]]:
    """Which of the other live keys of the link may go after the proof, and which stay for now.

    `made`: when their successor was made; `in_use`: it was there before this run.
    """
    ids, grace = [key.id for key in old], case.link.grace
    if not old:
        return [], []
    if case.missing:
        words.append(
            "{0} cannot be read and may still use an older key, so {1} {2} alive".format(
                names(node.name for node in case.missing), names(ids), "stay" if len(ids) > 1 else "stays"
            )
        )
        return [], ids
    if not case.remote.provable and case.options.proof == "every_node":
        words.append(
            "{0} {1} alive, because the nodes of {2} cannot be asked one by one; give one URL per node, or set the "
            "proof to any".format(names(ids), "stay" if len(ids) > 1 else "stays", case.link.client)
        )
        return [], ids
    # An orphan newer than its successor was never in use, so no grace is owed to it.
    # Without a grace the clocks are not compared: the server's may be ahead of ours.
    keep = [key.id for key in old if grace and case.seen.now < made + grace and (not in_use or key.creation <= made)]
    if keep:
        words.append(
            "{0} {1} for the grace of {2}".format(
                names(keep), "stay alive" if len(keep) > 1 else "stays alive", duration_words(grace)
            )
        )
    return [key_id for key_id in ids if key_id not in keep], keep
