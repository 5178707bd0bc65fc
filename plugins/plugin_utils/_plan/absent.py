# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done so that a link goes. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.case import Case, Plan, Step, revocations
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import (
    FOREIGN,
    WRONG_NAME,
    WRONG_TYPE,
    Node,
    names,
)


def plan_absent(case: Case, doubt: str) -> Plan:
    """Settings, then credentials, then the key: without its credential an alias falls back to the certificate model.

    `doubt`: why a node that nobody listed may hold the credential.
    """
    link, remote = case.link, case.remote
    steps: t.List[Step] = []
    words: t.List[str] = []
    stays: t.List[str] = []
    """What is left alone, and why."""
    owed = ""
    if case.adoption.left:
        owed = "{0}; it is left alone: revoke it if it was for this link, or take adopt out".format(
            case.adoption.trouble
        )
        words.append(owed)
    others = _with_live_keys_of_others(case)
    holders = [node for node in case.nodes if node.read and node.present and node not in others]
    # What trust would refuse to overwrite is not taken down either.
    ours = bool(case.live) or any(case.ours(key) and key.id in case.held for key in case.seen.keys)
    if holders and remote.exists and remote.elsewhere and not (ours or link.replace):
        holders = []
        stays.append(
            "alias {0} on {1} points to another place, and {2} knows no key of this link; its settings and credentials "
            "stay. If they may go, add replace: true to the link".format(link.alias, link.client, link.server)
        )
    elif others:
        stays.append(
            "alias {0} on {1} uses a key that belongs to somebody else; its settings and that credential stay".format(
                link.alias, names(node.name for node in others)
            )
        )
    elif remote.exists and remote.elsewhere and not holders:
        stays.append(
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
    revoke, kept = case.live, t.cast(t.Tuple[str, ...], ())
    if revoke and (case.missing or doubt):
        why = doubt or "{0} cannot be read and may still hold the credential".format(
            names(node.name for node in case.missing)
        )
        stays.append("{0}; {1} stays alive".format(why, names(key.id for key in revoke)))
        revoke, kept = [], tuple(key.id for key in revoke)
    if holders or revoke:
        steps.append(Step("reload", "the nodes forget a credential only when they are told to read their keystores"))
    if revoke:
        steps += revocations("no node holds it any more", revoke)
        words.append("revoke {0} on {1}".format(names(key.id for key in revoke), link.server))
    return case.plan(steps=tuple(steps), words=(*stays, *words), remarks=tuple(stays), kept=kept, owed=owed)


def _with_live_keys_of_others(case: Case) -> t.List[Node]:
    return [
        node
        for node in case.nodes
        if case.states[node.name] in (FOREIGN, WRONG_NAME, WRONG_TYPE)
        and case.keys[t.cast(str, node.key_id)].live(case.seen.now)
    ]
