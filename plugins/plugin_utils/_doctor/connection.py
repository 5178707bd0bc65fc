# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client sees of a link: its alias, its ports, and real requests. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils import _diagnosis
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.address import port_of
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._versions import (
    RELOADABLE_CREDENTIALS,
    version_of,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import clusters as sides
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import words
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.findings import Findings
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.view import Data, Facts, LinkView
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.drift import settings_drift

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


def alias(found: Findings, facts: Facts) -> None:
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
            "restart_needed" if (0,) < client < RELOADABLE_CREDENTIALS else "not_reloaded",
            "error",
            "the connection was built with the certificate model",
            about=live,
            nodes=lk.names(live),
        )


def ports(found: Findings, facts: Facts) -> t.List[t.Tuple[str, Data]]:
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


def probe(found: Findings, facts: Facts) -> None:
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
            found.add(cause or "unknown", "error", (text, advice or words.FIX_LOGS), seen, about=about)


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
