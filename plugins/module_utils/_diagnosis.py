# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what a cluster says about a link to its cause and the way out. Pure. Private to this collection.

The table is matched from top to bottom against all of an error's reasons, outermost to root, so the most telling
texts stand first and the generic ones (a link that is merely not connected) last.
"""

from __future__ import annotations

import re
import typing as t

from ._errors import told_by
from ._http.address import port_of
from ._text import printable

_DELIVER = (
    "Put the encoded form of a live cross-cluster key into cluster.remote.{alias}.credentials of every node"
    " (crosscluster.elasticsearch.keystore) and reload the secure settings."
)


class Rule(t.NamedTuple):
    """One row: texts that tell a cause. `retry`: time alone may cure it. `ok`: the link works nevertheless."""

    cause: str
    pattern: str
    advice: str
    retry: bool = False
    ok: bool = False


class Diagnosis(t.NamedTuple):
    """What was found out about one alias through one node."""

    ok: bool
    cause: t.Optional[str] = None
    reason: t.Optional[str] = None
    advice: t.Optional[str] = None
    retry: bool = False


RULES = (
    # The remote cluster names the key in a denial only after it has accepted the key.
    Rule(
        "key_works_access_denied",
        r"is unauthorized for user .*authenticated by API key id \[",
        "The link works; the access of the key or the remote_indices of the login do not cover this request.",
        ok=True,
    ),
    Rule(
        "license",
        r"non-compliant for \[advanced-remote-cluster-security\]",
        "Both clusters need an Enterprise or trial licence: compare GET /_license of the two.",
    ),
    Rule(
        "key_unknown",
        r"unable to find apikey with id",
        "The server cluster has no such key: it was purged, or [{alias}] points at another cluster than the one that"
        " made the key. " + _DELIVER,
    ),
    Rule(
        "key_wrong_secret",
        r"invalid credentials for API key \[",
        "The id is right and the secret is not: the value was damaged on its way. " + _DELIVER,
    ),
    Rule("key_revoked", r"api key \[[^\]]*\] has been invalidated", "The key was revoked. " + _DELIVER),
    Rule("key_expired", r"api key is expired", "The key has expired. " + _DELIVER),
    Rule(
        "key_wrong_type",
        r"expected API key type of \[cross_cluster\]",
        "The credential is a REST API key. Create a key with crosscluster.elasticsearch.cross_cluster_api_key."
        " " + _DELIVER,
    ),
    Rule(
        "key_malformed",
        r"invalid ApiKey value|invalid cross-cluster API key value|failed to extract credentials|Illegal base64"
        r"|must be a valid API key credential|error attempting to authenticate request",
        "The credential is not the encoded form of a key. " + _DELIVER,
    ),
    Rule(
        "certificate_identity_missing",
        r"requires certificate identity matching .* but no certificate was provided",
        "The key wants signed requests: set cluster.remote.{alias}.signing.certificate and .key on the client"
        " cluster, or"
        " clear certificate_identity of the key.",
    ),
    Rule(
        "certificate_identity_mismatch",
        r"does not match API Key certificate identity pattern",
        "Sign with a certificate whose DN matches, or correct certificate_identity of the key (it is a regular"
        " expression for the whole DN).",
    ),
    Rule(
        "signature_untrusted",
        r"Failed to verify cross cluster api key signature certificate|has not trust configuration",
        "Let the server cluster trust the signing certificate: cluster.remote.signing.certificate_authorities there."
        " Its file must stay on every node: one that misses it does not join its cluster again after a restart.",
    ),
    Rule(
        "signature_invalid",
        r"Invalid cross cluster api key signature",
        "Check that cluster.remote.{alias}.signing.key belongs to the certificate, and the clocks of both clusters.",
    ),
    Rule(
        "key_access_invalid",
        r"search does not support document or field level security if replication is assigned",
        "The key was made before 8.14 with restricted search beside replication, which is refused now: give it"
        " access to"
        " one of them, or make two keys.",
    ),
    Rule(
        "login_lacks_remote_indices",
        r"no remote indices privileges apply for the target cluster",
        "This was decided on the client cluster, so the link itself was not tested: give a role of this login"
        " remote_indices for [{alias}] (crosscluster.elasticsearch.remote_access_role), or probe as a superuser.",
    ),
    Rule(
        "no_credential",
        r"\[_cross_cluster_access_credentials\] but none found",
        "This node's keystore holds no credential for [{alias}]. " + _DELIVER,
    ),
    Rule(
        "api_keys_disabled",
        r"api keys are not enabled",
        "Enable xpack.security.authc.api_key.enabled on the server cluster.",
    ),
    Rule(
        "transport_port",
        r"missing authentication credentials for action \[cluster:internal/remote_cluster/handshake"
        r"|requires channel profile to be \[_remote_cluster\]|bad_certificate",
        "The address is that of the transport port (9300): point [{alias}] at the remote cluster server (9443).",
    ),
    Rule(
        "certificate_name",
        r"No subject alternative|No name matching|hostname mismatch|doesn't match any of the subject",
        "The certificate of the server does not bear the name or address of the link: correct the certificate, the"
        " address, or server_name.",
    ),
    Rule(
        "tls_untrusted",
        r"failed to establish trust with server|did not trust this server|unable to find valid certification path|PKIX"
        r"|certificate verify failed|certificate_unknown|unknown_ca|SSLHandshake|handshake_failure",
        "Let the nodes of the client cluster trust the CA of the server:"
        " xpack.security.remote_cluster_client.ssl.certificate_authorities in elasticsearch.yml, then restart them.",
    ),
    Rule(
        "remote_too_old",
        r"does not support receiving them",
        "The server cluster runs an Elasticsearch before 8.10: upgrade it, or use the certificate model.",
    ),
    Rule(
        "remote_mixed_versions",
        r"all nodes must have version .* or higher",
        "Finish the upgrade: some nodes are too old for this.",
    ),
    Rule(
        "header_not_allowed",
        r"is not allowed for cross cluster requests through the dedicated remote cluster",
        "Something on the client cluster adds a header that the server refuses; see the log of the node.",
    ),
    Rule(
        "internal_user",
        r"Internal user \[[^\]]*\] should not be used for cross cluster requests",
        "A known mistake of Elasticsearch 9.2 and 9.3 for searches with ccs_minimize_roundtrips=false: upgrade.",
    ),
    Rule(
        "role_too_new",
        r"unexpected field \[remote_cluster\]",
        "A role of the login has remote_cluster privileges that the other cluster is too old to read: upgrade it to"
        " 8.15.",
    ),
    Rule(
        "node_lacks_role",
        r"does not have the \[?remote_cluster_client\]? role|does not have the remote cluster client role",
        "Leave this node out of urls, or give it the role remote_cluster_client and restart it.",
    ),
    Rule(
        "alias_unknown",
        r"no such remote cluster",
        "Define the alias with crosscluster.elasticsearch.remote_cluster; case matters.",
    ),
    Rule(
        "key_lacks_access",
        r"is unauthorized for user",
        "Compare the access of the key with the remote_indices of the roles of this login: both must allow the"
        " request.",
    ),
    Rule(
        "authentication",
        r"unable to authenticate user|security_exception",
        "The server cluster does not accept the credential. Compare the id in the keystore"
        " (crosscluster.elasticsearch.keystore_info) with the keys of the server (cross_cluster_api_key_info)."
        " " + _DELIVER,
    ),
    Rule(
        "versions_incompatible",
        r"handshake failed because connection reset|incompatible wire format",
        "One of the clusters may be too old for the other: compare version.number of each with"
        " version.minimum_wire_compatibility_version of the other (GET /), and upgrade the older one.",
        retry=True,
    ),
    Rule(
        "unknown_host",
        r"unknown host|UnknownHost|nodename nor servname|Name or service not known",
        "The name in the address of [{alias}] cannot be resolved on this node: correct the address or the DNS.",
        retry=True,
    ),
    Rule(
        "unreachable",
        r"connect_exception|Connection refused|connect_timeout|connection timed out|No route to host",
        "Nothing listens there: set remote_cluster_server.enabled and remote_cluster.host (it binds to loopback when"
        " left"
        " out) on the server cluster, restart it, and open port 9443 in firewalls.",
        retry=True,
    ),
)

NOT_CONNECTED = (
    "Elasticsearch tells the reason only in the log of the node. Most frequent: the port 9443 is closed or bound to"
    " loopback (remote_cluster.host), the CA of the server is not trusted"
    " (xpack.security.remote_cluster_client.ssl.certificate_authorities), or the key is dead (compare the id from"
    " crosscluster.elasticsearch.keystore_info with the live keys of the server)."
)
# Causes that no text of the server cluster tells: when they are found, and what to do.
UNSAID = {
    "node_unreachable": (
        "A node of the client cluster cannot be asked itself.",
        "Check that the node is up, its address in urls, and what answers there.",
    ),
    "login_refused": ("The client cluster answers 401.", "Correct the login of the client cluster."),
    "login_lacks_privilege": (
        "The client cluster answers 403, and not about the remote cluster.",
        "Probe as a superuser of the client cluster.",
    ),
    "http_port": (
        "The address has the port 9200.",
        "9200 is the HTTP port: point [{alias}] at the remote cluster server (9443 by default).",
    ),
    "not_connected": ("Nothing that tells more.", NOT_CONNECTED),
    "unknown": (
        "Something that none of the texts here is a part of.",
        "See the logs of this node and of the server cluster.",
    ),
}
_NOT_CONNECTED = re.compile(
    r"Unable to connect to|connect_transport_exception|failed to open any proxy connections"
    r"|fetching nodes from external cluster|node_disconnected|NodeDisconnected|no_seed_node|not connected",
    re.IGNORECASE,
)


def diagnose(texts: t.Sequence[t.Optional[str]], alias: str) -> Diagnosis:
    """Cause and advice for the reasons of an error, outermost first."""
    said = [text for text in texts if text]
    everything = " | ".join(said)
    reason = most_telling(said)
    for rule in RULES:
        if re.search(rule.pattern, everything, re.IGNORECASE | re.DOTALL):
            return Diagnosis(rule.ok, rule.cause, reason, rule.advice.format(alias=alias), rule.retry)
    if not said or _NOT_CONNECTED.search(everything):
        return unsaid("not_connected", alias, reason or "the remote cluster is not connected", True)
    return unsaid("unknown", alias, reason, True)


def unsaid(cause: str, alias: str, reason: t.Optional[str], retry: bool = False) -> Diagnosis:
    """A cause that no text of the server cluster tells."""
    return Diagnosis(False, cause, reason, UNSAID[cause][1].format(alias=alias), retry)


def diagnose_resolve(entry: t.Optional[t.Mapping[str, t.Any]], alias: str) -> Diagnosis:
    """The entry of one alias in the answer of GET _resolve/cluster."""
    if entry is None:
        return diagnose([f"no such remote cluster: [{alias}]"], alias)
    error = entry.get("error")
    if entry.get("connected"):
        return Diagnosis(True, reason=str(error)[:500] if error else None)
    return diagnose([str(error) if error else None], alias)


def diagnose_search(body: t.Mapping[str, t.Any], alias: str) -> Diagnosis:
    """The answer (HTTP 200) of a search on one alias, which skip_unavailable lets succeed whatever happened."""
    clusters = body.get("_clusters") or {}
    details = (clusters.get("details") or {}).get(alias) or {}
    status = details.get("status")
    if status in ("skipped", "failed") or (status is None and clusters.get("skipped")):
        texts: t.List[str] = []
        for failure in details.get("failures") or []:
            texts.extend(reasons_of(failure.get("reason") or {}))
        found = diagnose(texts, alias)
        if found.cause in ("not_connected", "unknown"):
            advice = f"The search was skipped, and skip_unavailable hides why. {found.advice}"
            found = found._replace(reason=found.reason or "the search was skipped", advice=advice)
        return found
    if not clusters.get("successful"):
        # An answer that does not say that the remote cluster took part proves nothing.
        reason = "the answer to the search does not tell whether the remote cluster took part"
        return Diagnosis(False, "unknown", reason, f"Search [{alias}:*] by hand and look at _clusters.")
    return Diagnosis(True)


def refine(
    found: Diagnosis,
    alias: str,
    security_model: t.Optional[str] = None,
    addresses: t.Sequence[str] = (),
) -> Diagnosis:
    """A better cause for a link that is merely not connected, from how the node tries to connect."""
    if found.ok or found.cause not in ("not_connected", "unknown", "unreachable", "tls_untrusted", "transport_port"):
        return found
    ports = {port_of(address) for address in addresses}
    if security_model == "certificate" and 9300 not in ports:
        return found._replace(
            cause="no_credential",
            advice=f"This node's keystore holds no credential for [{alias}], so it tries the certificate model."
            f" {_DELIVER.format(alias=alias)}",
        )
    if security_model == "api_key" and ports == {9300}:
        return found._replace(cause="transport_port", advice=_rule("transport_port").advice.format(alias=alias))
    if ports == {9200}:
        return found._replace(
            cause="http_port",
            advice=UNSAID["http_port"][1].format(alias=alias),
        )
    return found


def combine(per_node: t.Sequence[t.Tuple[str, Diagnosis]]) -> t.Dict[str, t.Any]:
    """The proof of one alias from what was found through each node: it holds only when it holds through all."""
    failed = [(url, found) for url, found in per_node if not found.ok]
    noted = [found for _url, found in per_node if found.ok and found.cause]
    # A cause that time does not cure tells more than a node that is on its way.
    telling = sorted(failed, key=lambda item: item[1].retry)
    shown = telling[0][1] if telling else noted[0] if noted else Diagnosis(True)
    reason = shown.reason
    if failed and len(per_node) > 1:
        where = telling[0][0]
        reason = f"{reason} (through {len(failed)} of {len(per_node)} nodes, first {where})"
    return {
        "ok": bool(per_node) and not failed,
        "cause": shown.cause,
        "reason": reason,
        "advice": shown.advice,
        "nodes": [
            {"url": url, "ok": found.ok, "cause": found.cause, "reason": found.reason, "advice": found.advice}
            for url, found in per_node
        ],
    }


def reasons_of(error: t.Any) -> t.List[str]:
    """Type and reason of a nested error, outermost first."""
    return [printable(f"{kind}: {reason}" if kind else reason) for kind, reason in told_by(error)]


def most_telling(texts: t.Sequence[str]) -> t.Optional[str]:
    """The outermost and the root reason in one line."""
    if not texts:
        return None
    first, root = texts[0], texts[-1]
    return (first if root in first else f"{first}: {root}")[:500]


def _rule(cause: str) -> Rule:
    return next(rule for rule in RULES if rule.cause == cause)
