# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a link is worth by what its nodes hold and what the server knows of that. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.key import Key
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._versions import (
    CERTIFICATE_IDENTITY,
    MONITOR_ENRICH,
    version_of,
    version_text,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import clusters as sides
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import words
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.findings import Findings
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.view import DAY, Facts, LinkView, days
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk


def nodes(found: Findings) -> None:
    members = found.view.members
    if "client" in found.view.faults:
        return
    if members.problem:
        found.word("nodes_unknown", "unknown", members.problem)
    elif members.unlisted:
        evidence = (
            "listed, and not running under that name: " + ", ".join(members.unmatched) if members.unmatched else None
        )
        found.word("node_unlisted", "unknown", evidence, nodes=lk.names(members.unlisted))


def others(found: Findings) -> None:
    view = found.view
    by_id = {raw_id: Key.from_server(raw) for raw_id, raw in view.keys.items()}
    for key in lk.unmarked(view.asked, by_id, view.now)[:20]:
        found.word("key_unmarked", "warning", "it " + lk.whose(key), "server", key_id=key.id)
    if view.adoption.hint:
        found.word("adopt_served", "info", view.adoption.hint)


def unread(found: Findings) -> None:
    lost = [node for node, state in found.view.pairs() if state == lk.UNREAD and not node.read]
    if lost:
        found.word("node_unread", "unknown", lost[0].reason, nodes=lk.names(node.name for node in lost))


def credentials(found: Findings) -> None:
    view = found.view
    unread(found)
    groups: t.Dict[str, t.List[lk.Node]] = {}
    for node, state in view.pairs():
        groups.setdefault(state, []).append(node)
    live = groups.get(lk.LIVE, [])
    if view.by_certificate:
        # Nothing is missing: the link works without a key. One that shall move to a key is told as drift.
        groups.pop(lk.ABSENT, None)
        if not view.link.get("migrate"):
            addresses = ", ".join(sides.addresses(view)) or "its address"
            found.word("certificate_model", "warning", address=addresses)
    # What nodes have in memory works on until the next reload or restart, so this is not yet an outage.
    level = "warning" if view.proven else "error"
    for state, nodes in groups.items():
        if state in (lk.LIVE, lk.UNREAD):
            continue
        ids = sorted({node.key_id for node in nodes if node.key_id})
        cause = "{0} of {1} {2}".format(
            lk.names(node.name for node in nodes),
            view.link["from"],
            lk.STATE_WORDS[state].replace("holds", _verb(nodes), 1),
        )
        if live:
            cause += ", while {0} {1} a live one: the credential is delivered to {2} of {3} nodes".format(
                lk.names(node.name for node in live), _verb(live), len(live), len(view.nodes)
            )
        if view.proven:
            cause += "; what is in memory still works until a restart or reload" + (
                ", or the clocks differ" if state == lk.EXPIRED else ""
            )
        found.add(
            "credential_" + state,
            level,
            (cause, _credential_fix(view, state, live, ids)),
            _key_evidence(view, ids),
            about=[node.name for node in nodes],
        )
    if len({node.key_id for node in live}) > 1:
        found.word("mixed_keys", "warning", "; ".join("{0}: {1}".format(node.name, node.key_id) for node in live))


def _verb(nodes: t.Sequence[lk.Node]) -> str:
    return "holds" if len(nodes) == 1 else "hold"


def _credential_fix(view: LinkView, state: str, live: t.Sequence[lk.Node], ids: t.Sequence[str]) -> str:
    names = {
        "alias": view.link["alias"],
        "server": view.link["to"],
        "key_name": view.link["key_name"],
        "ids": lk.names(ids),
    }
    if state in (lk.FOREIGN, lk.WRONG_NAME):
        return words.FIX_FOREIGN.format(**names)
    if live:
        return words.FIX_SPREAD.format(source=live[0].name, **names)
    return words.FIX_NEW.format(**names)


def _key_evidence(view: LinkView, ids: t.Sequence[str]) -> str:
    told = []
    for key_id in ids:
        key = view.keys.get(key_id)
        if key is None:
            told.append("key {0} is not among the keys of {1}".format(key_id, view.link["to"]))
            continue
        parts = [
            "key {0} is named {1}".format(key_id, key.get("name")),
            "type {0}".format(key.get("type") or "cross_cluster"),
        ]
        if key.get("username"):
            parts.append("owner {0}".format(key["username"]))
        if key.get("invalidated"):
            parts.append("revoked")
        elif key.get("expiration") is not None and key["expiration"] <= view.now:
            parts.append("expired {0} days ago".format(days(view.now - key["expiration"])))
        told.append(", ".join(parts))
    return "; ".join(told)


def key(found: Findings, facts: Facts, warn_days: int) -> None:
    """The key in use: will it last, and can it do what keys of today can?"""
    view, key = found.view, found.view.key
    for raw in view.orphans()[:20]:
        found.word("orphaned_key", "warning", side="server", key_id=raw["id"], owner=raw.get("username") or "its owner")
    if key is None or not view.live(key["id"]):
        return
    if key.get("expiration") is not None and key["expiration"] - view.now < warn_days * DAY:
        found.word(
            "expires_soon",
            "warning",
            side="server",
            key_id=key["id"],
            left=lk.duration_words(key["expiration"] - view.now),
        )
    access = key.get("access") or {}
    search = access.get("search") or []
    if access.get("replication") and any(entry.get("query") or entry.get("field_security") for entry in search):
        found.word("key_access_invalid", "error", side="server", key_id=key["id"])
    privileges = key.get("cluster_privileges")
    version = version_of(facts.clusters.get(view.link["to"]))
    if search and privileges is not None and "monitor_enrich" not in privileges and version >= MONITOR_ENRICH:
        found.word(
            "monitor_enrich_missing",
            "warning",
            "cluster privileges of the key: " + ", ".join(privileges),
            "server",
            key_id=key["id"],
        )
    client = version_of(facts.clusters.get(view.link["from"]))
    if key.get("certificate_identity") and (0,) < client < CERTIFICATE_IDENTITY:
        found.word("certificate_identity_unsupported", "error", key_id=key["id"], version=version_text(client))
