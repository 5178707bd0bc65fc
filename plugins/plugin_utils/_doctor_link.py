# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor: from what both sides of a link say to cause, evidence and fix. Pure and read-only.

This file is private to the crosscluster.elasticsearch collection.

One side rarely knows what is wrong: a node only says "unable to connect", and with skip_unavailable a search says
nothing at all. The cause shows when what the nodes hold is laid beside what the server knows. A finding that explains
the failure makes the vague words of the node its evidence, so that each cause is named once.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils import _diagnosis
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._address import port_of
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _doctor_clusters as sides
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _doctor_words as words
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_keys as lk
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._link_drift import settings_drift
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._link_view import (
    DAY,
    Data,
    Facts,
    LinkView,
    days,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import key_view
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._versions import version_of, version_text

VAGUE = ("not_connected", "unknown", "authentication", "unreachable", "tls_untrusted", None)
"""Causes of a probe that say that something is wrong and not what. A node that holds no credential tries the
certificate
model, for instance, and then complains about TLS."""

ANSWERED = (
    "license", "api_keys_disabled", "header_not_allowed", "internal_user", "signature_untrusted", "signature_invalid",
    "certificate_identity_missing", "certificate_identity_mismatch", "key_works_access_denied", "key_access_invalid",
    "key_unknown", "key_wrong_secret", "key_revoked", "key_expired", "key_wrong_type",
)  # fmt: skip
"""Causes that only the server can have told: whoever is told one has a connection, and its TLS is right."""

KEY_STATES = {
    "key_unknown": lk.UNKNOWN,
    "key_revoked": lk.REVOKED,
    "key_expired": lk.EXPIRED,
    "key_wrong_type": lk.WRONG_TYPE,
    "key_malformed": lk.MALFORMED,
    "no_credential": lk.ABSENT,
}
"""What the server says of a key, and the state of the keystore that explains it."""

CODES = (
    *words.WORDS,
    *("credential_" + state for state in lk.STATE_WORDS),
    *(rule.cause for rule in _diagnosis.RULES),
    *_diagnosis.UNSAID,
)
"""All that a finding may have for a code, some of them twice."""


class Findings(list):
    """The findings about one link, each cause once."""

    def __init__(self, view: LinkView) -> None:
        super().__init__()
        self.view = view
        self.about: t.Dict[int, t.Container[t.Optional[str]]] = {}
        """The nodes that a finding is about, by its place; what is about the whole link is not in here."""

    def add(
        self,
        code: str,
        level: str,
        cause: str,
        fix: str,
        evidence: t.Optional[str] = None,
        side: str = "client",
        about: t.Optional[t.Collection[t.Optional[str]]] = None,
    ) -> None:
        if any(item["code"] == code and item["cause"] == cause for item in self):
            return
        if about is not None:
            self.about[len(self)] = about
        self.append(
            {
                "link": self.view.link["id"],
                "code": code,
                "level": level,
                "side": side,
                "cause": cause,
                "evidence": evidence or None,
                "fix": fix,
            }
        )

    def word(
        self,
        code: str,
        level: str,
        evidence: t.Optional[str] = None,
        side: str = "client",
        about: t.Optional[t.Collection[t.Optional[str]]] = None,
        **values: t.Any,
    ) -> None:
        """A finding whose texts stand in the table of words."""
        link = self.view.link
        names = {
            "client": link["from"],
            "server": link["to"],
            "alias": link["alias"],
            "key_name": link["key_name"],
            **values,
        }
        cause, fix = words.WORDS[code]
        self.add(code, level, cause.format(**names), fix.format(**names), evidence, side, about)

    def explaining(self, node: t.Optional[str]) -> t.List[Data]:
        """The errors that tell why requests through a node fail. Where nobody knows which node an address leads to,
        that is any of them."""
        return [
            item
            for place, item in enumerate(self)
            if item["level"] == "error" and (node is None or node in self.about.get(place, (node,)))
        ]


def examine(
    views: t.Sequence[LinkView], facts: Facts, warn_days: int = 14, roles: t.Sequence[Data] = ()
) -> t.List[Data]:
    found: t.List[Data] = []
    for view in views:
        found += examine_link(view, facts, warn_days, [role for role in roles if role["link"] == view.link["id"]])
    return found


def examine_link(view: LinkView, facts: Facts, warn_days: int, roles: t.Sequence[Data]) -> t.List[Data]:
    found = Findings(view)
    for side, name in (("server", view.link["to"]), ("client", view.link["from"])):
        if side in view.faults:
            found.word("cluster_unread", "unknown", view.faults[side], side, cluster=name)
    _nodes(found)
    _others(found)
    _credentials(found)
    _alias(found, facts)
    sides.examine(found, facts)
    unsure = _ports(found, facts)
    _key(found, facts, warn_days)
    for role in roles:
        found.word("remote_indices_missing", "error", role.get("evidence"), role=role["role"])
    if "client" not in view.faults and view.remote is not None and not view.proven:
        _probe(found, facts)
        unsure = [item for item in unsure if any(one["code"] in VAGUE for one in found.explaining(item[0]))]
        for address in sorted({port["address"] for _node, port in unsure}):
            nodes = [(node, port) for node, port in unsure if port["address"] == address]
            reason, names = nodes[0][1].get("reason"), lk.names(node for node, _port in nodes)
            found.word("certificate_unchecked", "info", reason, address=address, nodes=names)
    if view.proven is False and view.remote is not None and view.remote.get("skip_unavailable"):
        found.word("skip_unavailable_masks", "warning")
    order = {"error": 0, "unknown": 1, "warning": 2, "info": 3}
    return sorted(found, key=lambda item: order[item["level"]])


# -- who belongs to the link -------------------------------------------------------------------------------------------


def _nodes(found: Findings) -> None:
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


def _others(found: Findings) -> None:
    view = found.view
    by_id = {raw_id: key_view(raw) for raw_id, raw in view.keys.items()}
    for key in lk.unmarked(view.asked, by_id, view.now)[:20]:
        found.word("key_unmarked", "warning", "it " + lk.whose(key), "server", key_id=key.id)
    if view.adoption.hint:
        found.word("adopt_served", "info", view.adoption.hint)


# -- what the nodes hold, against what the server knows ----------------------------------------------------------------


def _credentials(found: Findings) -> None:
    view = found.view
    groups: t.Dict[str, t.List[lk.Node]] = {}
    for node, state in view.pairs():
        groups.setdefault(state, []).append(node)
    unread = [node for node in groups.get(lk.UNREAD, []) if not node.read]
    if unread:
        found.word("node_unread", "unknown", unread[0].reason, nodes=lk.names(node.name for node in unread))
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
            cause,
            _credential_fix(view, state, live, ids),
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


def _key(found: Findings, facts: Facts, warn_days: int) -> None:
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
    if search and privileges is not None and "monitor_enrich" not in privileges and version >= (8, 15):
        found.word(
            "monitor_enrich_missing",
            "warning",
            "cluster privileges of the key: " + ", ".join(privileges),
            "server",
            key_id=key["id"],
        )
    client = version_of(facts.clusters.get(view.link["from"]))
    if key.get("certificate_identity") and (0,) < client < (9, 3):
        found.word("certificate_identity_unsupported", "error", key_id=key["id"], version=version_text(client))


# -- what the client sees ----------------------------------------------------------------------------------------------


def _alias(found: Findings, facts: Facts) -> None:
    view = found.view
    if "client" in view.faults:
        return
    if view.remote is None:
        found.word("alias_missing", "error")
        return
    drift = list(settings_drift(view.link, view.remote))
    # A link of the certificate model goes to another port by its nature.
    if drift and not view.by_certificate:
        found.word(
            "settings_differ",
            "warning",
            "addresses of the alias: " + ", ".join(view.remote.get("addresses") or []) or None,
            fields=lk.names(drift),
        )
    # How the connection was built is told by one node; of the others only those that fail can be meant.
    failing = {view.node_at(entry) for entry in view.failing}
    live = [node.name for node, state in view.pairs() if state == lk.LIVE and (None in failing or node.name in failing)]
    if view.remote.get("security_model") == "certificate" and live and not view.proven:
        client = version_of(facts.clusters.get(view.link["from"]))
        found.word(
            "restart_needed" if (0,) < client < (8, 13) else "not_reloaded",
            "error",
            "the connection was built with the certificate model",
            about=live,
            nodes=lk.names(live),
        )


def _ports(found: Findings, facts: Facts) -> t.List[t.Tuple[str, Data]]:
    """What answered when a node was told to connect to the address of the link. Returned is what proves nothing, as it
    is not known what the node trusts."""
    if any(item["code"] in ("transport_port", "http_port") for item in found):
        return []  # It is the wrong port, so its certificate tells nothing.
    view, unsure = found.view, []
    answered = {view.node_at(entry) for entry in view.failing if _cause(view, entry) in ANSWERED}
    groups: t.Dict[t.Tuple[str, str], t.List[t.Tuple[str, Data]]] = {}
    for (node, address), port in facts.ports.items():
        if address not in sides.addresses(view) or not any(node == own.name for own in view.nodes):
            continue
        if not port.get("cause") or node in answered or None in answered:
            continue
        if port["cause"] == "certificate_untrusted" and port.get("trust") == "system":
            unsure.append((node, port))
        else:
            groups.setdefault((port["cause"], address), []).append((node, port))
    for (cause, address), members in groups.items():
        found.word(
            cause,
            "error",
            members[0][1].get("reason"),
            about=[node for node, _port in members],
            nodes=lk.names(node for node, _port in members),
            address=address,
            port=port_of(address),
        )
    return unsure


def _probe(found: Findings, facts: Facts) -> None:
    """The real requests. Each node may fail for a reason of its own; what is explained already only gets
    their words.
    """
    view = found.view
    groups: t.Dict[t.Optional[str], t.List[Data]] = {}
    for entry in view.failing:
        cause = _cause(view, entry)
        groups.setdefault(cause, []).append({**entry, "cause": cause})
    for cause, together in sorted(groups.items(), key=lambda group: group[0] in VAGUE):
        if cause == "login_lacks_remote_indices":
            found.word("login_lacks_remote_indices", "unknown", _seen(together))
            continue
        # The file is right and the memory is not.
        old = [entry for entry in together if _remembers(found, cause, entry)]
        if old:
            found.word("not_reloaded", "error", _seen(old), about=_about(view, old), nodes=_names(view, old))
        members = [entry for entry in together if entry not in old and not _told(found, cause, entry)]
        if not members:
            continue
        seen, about = _seen(members), _about(view, members)
        if cause in words.WORDS:
            found.word(cause, "error", seen, about=about, **_values(view, members))
        else:
            advice = (
                members[0].get("advice") or _diagnosis.diagnose([members[0].get("reason")], view.link["alias"]).advice
            )
            text = "requests through {0} fail".format(_names(view, members))
            found.add(cause or "unknown", "error", text, advice or words.FIX_LOGS, seen, about=about)


def _cause(view: LinkView, entry: t.Mapping[str, t.Any]) -> t.Optional[str]:
    if entry.get("cause") is None and entry.get("reason"):
        return _diagnosis.diagnose([entry["reason"]], view.link["alias"]).cause
    return entry.get("cause")


def _remembers(found: Findings, cause: t.Optional[str], entry: Data) -> bool:
    """Does a node whose keystore is right use another key, by what the server says of it?"""
    view, node, state = found.view, found.view.node_at(entry), KEY_STATES.get(cause or "")
    named = set(
        re.findall(r"(?:apikey with id |api key \[|API key \[id \[?|API key \[)([A-Za-z0-9_-]+)", _seen([entry]))
    )
    right = view.states.get(node) == lk.LIVE if node else lk.LIVE in view.states.values()
    told = any(item["code"] == "credential_" + str(state) for item in found.explaining(node))
    held = {one.key_id for one in view.nodes if node in (None, one.name)}
    return state is not None and right and not told and bool(named) and not named & held


def _told(found: Findings, cause: t.Optional[str], entry: Data) -> bool:
    """Is what a node said told already? Then it is evidence for that."""
    state, seen, errors = KEY_STATES.get(cause or ""), _seen([entry]), found.explaining(found.view.node_at(entry))
    codes = {cause} if state is None else {"credential_" + state}
    if cause == "no_credential":
        codes.add("not_reloaded")
    same = errors if cause in VAGUE else [item for item in errors if item["code"] in codes]
    for item in same[:1]:
        if seen not in (item["evidence"] or ""):
            item["evidence"] = "; ".join(part for part in (item["evidence"], seen) if part)
    return bool(same)


def _about(view: LinkView, entries: t.Sequence[Data]) -> t.Optional[t.List[t.Optional[str]]]:
    """The nodes that entries of the probe are about; None when that is not known of all."""
    nodes = [view.node_at(entry) for entry in entries]
    return None if None in nodes else nodes


def _names(view: LinkView, entries: t.Sequence[Data]) -> str:
    return lk.names(view.node_at(entry) or _host(entry) for entry in entries)


def _values(view: LinkView, members: t.Sequence[Data]) -> Data:
    addresses = sides.addresses(view)
    return {
        "nodes": _names(view, members),
        "address": ", ".join(addresses) or "its address",
        "cluster": "{0} or {1}".format(view.link["from"], view.link["to"]),
        "key_id": next(iter(view.held), "in use"),
        "port": port_of(addresses[0]) if addresses else "?",
    }


def _seen(members: t.Sequence[Data]) -> str:
    told: t.List[str] = []
    for entry in members:
        text = "through {0}: {1}".format(_host(entry), entry.get("reason") or "no reason given")
        if text not in told:
            told.append(text)
    return "; ".join(told[:3]) + ("; and {0} more".format(len(told) - 3) if len(told) > 3 else "")


def _host(entry: Data) -> str:
    return re.sub(r"^https?://", "", str(entry.get("url") or "any node")).rstrip("/")
