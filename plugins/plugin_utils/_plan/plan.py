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
from dataclasses import replace

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.absent import plan_absent
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.case import Case, Options, Plan, Seen
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import (
    UNKNOWN,
    Key,
    Link,
    Node,
    because,
    classify,
    is_ours,
    judge_adoption,
    names,
    unmarked,
    whose,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.present import plan_given, plan_present


def plan_link(link: Link, seen: Seen, options: t.Optional[Options] = None) -> Plan:
    """The steps that make the link what it shall be."""
    options = options or Options()
    by_id = {key.id: key for key in seen.keys}
    adoption = judge_adoption(link, seen.nodes, by_id, seen.now)
    link = replace(link, adopt=adoption.key_id)
    states = {node.name: classify(node, by_id, link, seen.now) for node in seen.nodes}
    case = Case(link, seen, options, adoption, states)
    doubt = seen.members.trouble(link.client)
    stop = seen.fault or _unread(case, doubt)
    if link.absent and options.mode == "rotate":
        return case.plan(words=("it has state: absent, and there is nothing to rotate; the trust playbook removes it",))
    if not stop and not case.absent and link.given is None:
        stop = adoption.trouble or _foreign_trouble(case) or _works_by_certificate(case) or _taken(case)
    if stop:
        return case.stopped(stop)
    if case.absent:
        plan = plan_absent(case, doubt)
    else:
        plan = plan_present(case) if link.given is None else plan_given(case)
    unwritable = next(
        (node for node in seen.nodes for step in plan.steps if step.node == node.name and node.write_problem), None
    )
    if unwritable:
        # A key that reaches no node would be left behind by every run.
        return case.stopped("{0}: {1}".format(unwritable.name, unwritable.write_problem))
    return plan


def _unread(case: Case, doubt: str) -> str:
    """A node that holds up the link, because it is not listed or cannot be read."""
    missing, absent, strict = case.missing, case.absent, case.options.missing_nodes == "fail"
    if doubt and (strict or not absent):
        return doubt
    if missing and (strict or (len(missing) == len(case.nodes) and not absent)):
        text = "{0} cannot be read{1}, so nothing is done for this link".format(
            names(node.name for node in missing), because(missing[0].reason)
        )
        if case.link.given is not None:
            text += "; bring it back, or take it out of the hosts of the play if it is gone for good"
        return text
    return ""


def _works_by_certificate(case: Case) -> str:
    remote, link = case.remote, case.link
    if remote.security_model != "certificate" or not remote.proven or link.migrate:
        return ""
    return (
        "alias {0} on {1} works with the certificate model; set migrate: true on the link to move it to an API "
        "key under the same alias, and pause followers, transforms and machine learning jobs that use it first"
    ).format(link.alias, link.client)


def _foreign_trouble(case: Case) -> str:
    """A key under the name of the link that somebody made in another way, where nothing is ours yet."""
    link, keys = case.link, case.keys
    found = unmarked(link, keys, case.seen.now)
    if not found or any(case.ours(keys[held]) for held in case.held if held in keys):
        return ""
    holders = [node for node in case.nodes if node.key_id in [key.id for key in found]]
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


def _taken(case: Case) -> str:
    """The alias, or what the nodes hold under it, is of somebody else, and the link would overwrite it.

    The only copy of a secret would be lost, and searches would go to another cluster. A link that is ours is put right.
    """
    link, remote, now = case.link, case.remote, case.seen.now
    ours = any(case.ours(key) and (key.live(now) or key.id in case.held) for key in case.seen.keys)
    if ours or link.adopt or link.replace or link.migrate:
        return ""
    found = []
    for node in case.nodes:
        key = case.keys.get(node.key_id or "")
        if key is not None and key.type == "cross_cluster" and key.live(now):
            found.append("{0} holds the live key {1} ({2}), which {3}".format(node.name, key.id, key.name, whose(key)))
        elif case.states[node.name] == UNKNOWN:
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


def objections(
    plan: Plan, nodes: t.Sequence[Node], keys: t.Sequence[Key], made: t.Optional[str], now: int
) -> t.List[str]:
    """Why the planned revocation must not happen after all, judged by a second look taken after the proof.

    Another run may have worked on the same link meanwhile; keys and credentials that this run did not make tell it.
    """
    target = plan.target or made
    going = plan.going
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
