# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the answer of `_nodes/reload_secure_settings`, which is HTTP 200 whatever happened. Pure. Private."""

from __future__ import annotations

import re
import typing as t

from ._errors import told_by
from ._remote.alias import alias_of_credentials

_REPORTED = ("secure_setting_names", "keystore_path", "keystore_digest", "keystore_last_modified_time")


class Failure(t.NamedTuple):
    """A node that did not reload."""

    node_id: t.Optional[str]
    name: t.Optional[str]
    type: t.Optional[str]
    reason: str
    advice: str

    def as_dict(self) -> t.Dict[str, t.Any]:
        """For the result of the module."""
        return {
            "id": self.node_id,
            "name": self.name,
            "type": self.type,
            "reason": self.reason,
            "advice": self.advice,
        }


class Outcome(t.NamedTuple):
    """What the answer says."""

    total: int
    nodes: t.List[t.Dict[str, t.Any]]
    failures: t.List[Failure]
    tells_names: bool


def read_answer(body: t.Mapping[str, t.Any], expected: t.Sequence[str], password_given: bool) -> Outcome:
    """Take the answer apart."""
    counts = body.get("_nodes") or {}
    nodes: t.List[t.Dict[str, t.Any]] = []
    failures: t.List[Failure] = []
    for node_id, node in sorted((body.get("nodes") or {}).items(), key=lambda item: str(item[1].get("name"))):
        shown = {"id": node_id, "name": node.get("name")}
        shown.update({field: node[field] for field in _REPORTED if field in node})
        nodes.append(shown)
        failure = node.get("reload_exception")
        if failure:
            failures.append(_node_failure(node_id, node.get("name"), failure, password_given))
            continue
        reported = node.get("secure_setting_names")
        if reported is not None:
            missing = sorted(set(expected) - set(reported))
            if missing:
                failures.append(_not_loaded(node_id, node.get("name"), missing))
    unreachable = int(counts.get("failed") or 0)
    if unreachable:
        failures.extend(_unreachable(counts, unreachable))
    tells_names = bool(nodes) and all("secure_setting_names" in node for node in nodes)
    return Outcome(int(counts.get("total", len(nodes)) or 0), nodes, failures, tells_names)


def summarise(failures: t.Sequence[Failure], total: int, cluster: str) -> str:
    """One message for all nodes that failed."""
    texts = []
    for failure in failures[:3]:
        who = f"[{failure.name or failure.node_id}]" if failure.name or failure.node_id else "a node"
        kind = f"{failure.type}: " if failure.type else ""
        texts.append(f"{who} ({kind}{failure.reason.rstrip('.')})")
    more = len(failures) - len(texts)
    listed = ", ".join(texts) + (f" and {more} more" if more > 0 else "")
    advice = " ".join(dict.fromkeys(failure.advice for failure in failures))
    return f"Secure settings were not reloaded by {len(failures)} of {total} nodes of {cluster}: {listed}. {advice}"


def call_advice(texts: t.Sequence[str]) -> t.Optional[str]:
    """What to do when the call as a whole was refused."""
    said = " ".join(texts)
    if "TLS for the transport layer is not enabled" in said:
        return (
            "Elasticsearch sends a keystore password to other nodes only over TLS: enable"
            " xpack.security.transport.ssl, or reload node by node, with the node's own address in urls and"
            " node_ids [_local]."
        )
    return None


def _node_failure(node_id: str, name: t.Optional[str], failure: t.Mapping[str, t.Any], password_given: bool) -> Failure:
    # Before 8.15 what went wrong in security stands among what was suppressed.
    reasons = [told for _type, told in told_by(failure)] or [""]
    reason = next((text for text in reasons if text), "no reason given")
    root = reasons[-1]
    shown = f"{reason}: {root}" if root and root not in reason else reason
    return Failure(node_id, name, failure.get("type"), shown[:500], _node_advice(" ".join(reasons), password_given))


def _node_advice(said: str, password_given: bool) -> str:
    if "remote_cluster_credentials/reload] is unauthorized" in said:
        return (
            "Elasticsearch 8.13.0 to 8.15.0 wants manage_security beside manage for this: log in as a user who has"
            " both, or upgrade to 8.15.1."
        )
    if "Provided keystore password was incorrect" in said or "cannot read configured password protected" in said:
        if password_given:
            return (
                "Correct keystore_password; a node whose keystore has no password fails in the same way, so reload"
                " protected and unprotected nodes in separate calls with node_ids."
            )
        return "The keystore of the node is protected by a password: give it as keystore_password."
    if "Keystore is missing" in said:
        return (
            "Create the keystore on the node (the module crosscluster.elasticsearch.keystore does when it sets a value)"
            " and check that it lies in the node's configuration directory."
        )
    if re.search(r"unknown (secure )?setting|not recognized|is a non-secure setting", said):
        return (
            "Remove that setting from the keystore of the node (crosscluster.elasticsearch.keystore with"
            " state absent) before the node restarts, because it would not start."
        )
    if re.search(r"AccessDenied|access denied|[Pp]ermission denied", said):
        return "Make the keystore file readable for the user that Elasticsearch runs as (owner and mode 660)."
    if "is unauthorized" in said:
        return "Log in as a user with the cluster privilege manage."
    return "See the log of the node for the details."


def _not_loaded(node_id: str, name: t.Optional[str], missing: t.Sequence[str]) -> Failure:
    remote = any(alias_of_credentials(setting) is not None for setting in missing)
    advice = "Set it in the keystore of that node with crosscluster.elasticsearch.keystore and reload again."
    if remote:
        advice += " Until then the node uses the certificate model for that remote cluster."
    return Failure(node_id, name, None, f"it reloaded, but its keystore lacks {', '.join(missing)}", advice)


def _unreachable(counts: t.Mapping[str, t.Any], number: int) -> t.List[Failure]:
    advice = "Check that the node is up and part of the cluster; it reads its keystore when it starts."
    found = []
    for failure in counts.get("failures") or []:
        # Its cause says more than that it failed.
        reason = [reason for _type, reason in told_by(failure)][:2] or ["it did not answer"]
        found.append(Failure(failure.get("node_id"), None, failure.get("type"), reason[-1][:500], advice))
    found.extend(Failure(None, None, None, "it did not answer", advice) for _number in range(number - len(found)))
    return found
