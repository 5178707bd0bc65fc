# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor says: for each finding its cause and the way out.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

FIX_SPREAD = (
    "Run the trust playbook: it gives the live key of {source} to the other nodes, reloads them and proves the link."
)
FIX_NEW = "Run the trust playbook: it makes a new key [{key_name}] on {server}, delivers it to every node, reloads and proves."  # noqa: E501
FIX_SPREAD_OR_NEW = "Where another node holds a live one: {0} Else: {1}".format(FIX_SPREAD, FIX_NEW)
FIX_FOREIGN = (
    "Nothing of somebody else is touched. If {ids} is meant for this link, give the link its name (name:) and log in as its owner; "  # noqa: E501
    "if not, use another alias, or remove cluster.remote.{alias}.credentials from the nodes and run the trust playbook."
)
FIX_LOGS = "See the log of the node for the alias, and the log of the server cluster at the same time."

WORDS = {
    "drift": (
        "the link is not as asked for: {plan}",
        "Run the trust playbook. Where something has to be settled first, it leaves the link as it is and says what.",
    ),
    "cluster_unread": (
        "{cluster} could not be asked, so its side of the link is not known",
        "Check urls, login and ca_cert of {cluster} in elasticsearch_clusters, and that it can be reached from api_from.",  # noqa: E501
    ),
    "node_unread": (
        "the keystore of {nodes} could not be read, so it is not known what is held there",
        "Check that the node is in the inventory and reachable, that the login may run elasticsearch-keystore (become), and its path.",  # noqa: E501
    ),
    "node_unlisted": (
        "running in {client} with the role remote_cluster_client and not listed: {nodes}; nobody knows what they hold",
        "Add {nodes} to elasticsearch_clusters.{client}.nodes; a listed node that bears another name in its cluster needs node_name in its "  # noqa: E501
        "entry. Until then trust and rotate do nothing for the links of {client}.",
    ),
    "nodes_unknown": (
        "it is not known which nodes of {client} use remote clusters",
        "Give the login of {client} the cluster privilege monitor, and see that all nodes answer. Until then trust and rotate do nothing for "  # noqa: E501
        "the links of {client}.",
    ),
    "key_unmarked": (
        "key {key_id} on {server} bears the name [{key_name}] of the link and was not made by this collection; it is never touched",  # noqa: E501
        "If the nodes use it and the link shall go on with it, add adopt: {key_id} to the link; else give the link another name (name:), or "  # noqa: E501
        "revoke the key when nobody needs it.",
    ),
    "adopt_served": (
        "the key that the link adopts has been replaced",
        "Take adopt out of the link.",
    ),
    "mixed_keys": (
        "the nodes of {client} hold different live keys: a rotation was cut off",
        "Run the trust playbook: it finishes the rotation and revokes the old key last.",
    ),
    "alias_missing": (
        "alias {alias} is not set up on {client}",
        "Run the trust playbook, or point the alias at {server} with crosscluster.elasticsearch.remote_cluster.",
    ),
    "settings_differ": (
        "alias {alias} on {client} is not set up as the link says: {fields}",
        "Run the trust playbook to write the settings, or correct the link if the cluster is right.",
    ),
    "not_reloaded": (
        "the keystore holds the right credential, but {nodes} of {client} did not read it yet",
        "Reload the secure settings (crosscluster.elasticsearch.reload_secure_settings, or the trust playbook). From 8.13.0 to 8.15.0 that "  # noqa: E501
        "needs manage_security too.",
    ),
    "restart_needed": (
        "the keystore holds the right credential, but before 8.13 {nodes} of {client} read it only when they start",
        "Restart the nodes one after the other, or upgrade to 8.13 or newer, where a reload is enough.",
    ),
    "license": (
        "the licence of {cluster} does not cover remote clusters with API keys",
        "{cluster} needs an active Enterprise or trial licence; both sides do.",
    ),
    "too_old": (
        "{cluster} runs {version}, and API keys for remote clusters begin with 8.10",
        "Upgrade {cluster}.",
    ),
    "versions_incompatible": (
        "{cluster} runs {version}, and the other cluster talks to {oldest} and newer only",
        "Upgrade {cluster} to {oldest} or newer first; until then no setting makes this link work.",
    ),
    "serverless": (
        "{cluster} is a serverless project, which has no remote clusters",
        "Use cross-project search of Elastic Cloud there.",
    ),
    "node_lacks_role": (
        "the role remote_cluster_client is missing on {nodes} of {client}",
        "Leave the node out of nodes and urls, or add the role to node.roles in elasticsearch.yml and restart it.",
    ),
    "server_disabled": (
        "the remote cluster server is not enabled on {server}",
        "Set remote_cluster_server.enabled: true (role remote_cluster_server) on its nodes, and restart them.",
    ),
    "server_partly_disabled": (
        "the remote cluster server is not enabled on {nodes} of {server}",
        "Enable it on every node that a proxy or seeds may lead to, and restart these.",
    ),
    "server_loopback": (
        "the remote cluster server of {server} is bound to loopback only, and {client} comes from elsewhere ({address})",  # noqa: E501
        "Set remote_cluster.host on the nodes of {server} (left out, it follows transport.host), and restart them.",
    ),
    "transport_port": (
        "{address} is the transport port of {server}, which takes no API keys",
        "Point alias {alias} at the port of the remote cluster server (remote_cluster.port, 9443 by default).",
    ),
    "http_port": (
        "{address} is the HTTP port of {server}",
        "Point alias {alias} at the port of the remote cluster server (remote_cluster.port, 9443 by default).",
    ),
    "unreachable": (
        "{nodes} cannot open a connection to {address}",
        "Check that the server listens there (remote_cluster.host, remote_cluster.port), firewalls, and network policies of Elastic Cloud.",  # noqa: E501
    ),
    "unknown_host": (
        "{nodes} cannot resolve the name in {address}",
        "Correct the address of alias {alias}, or the DNS of the nodes.",
    ),
    "not_tls": (
        "what answers at {address} does not speak TLS",
        "Point alias {alias} at the remote cluster server, or enable xpack.security.remote_cluster_server.ssl there.",
    ),
    "certificate_untrusted": (
        "the certificate that {address} shows is not trusted by {nodes} of {client}",
        "Hand the CA of {server} to the nodes (xpack.security.remote_cluster_client.ssl.certificate_authorities; the trust playbook does it "  # noqa: E501
        "when remote_ca_cert is given) and restart them. If the certificate of the server changed, take the new CA.",
    ),
    "certificate_unchecked": (
        "{address} shows a certificate of an authority that the system of {nodes} does not know; what Elasticsearch trusts there could not be seen",  # noqa: E501
        "Give remote_ca_cert of {server}, or config_dir of {nodes}, so that the next run can tell whether this is the cause.",  # noqa: E501
    ),
    "certificate_model": (
        "alias {alias} of {client} works by the certificate model, without an API key, at {address}",
        "Where that is {server}, nothing is wrong with it. With migrate: true on the link the trust playbook moves it to an API key.",  # noqa: E501
    ),
    "certificate_expired": (
        "the certificate that {address} shows is not valid at this time",
        "Renew the certificate of the remote cluster server on {server}; check the clocks.",
    ),
    "certificate_name": (
        "the certificate that {address} shows does not bear the name that {client} connects to",
        "Use an address that the certificate bears, or issue one with the name or address of the link (in proxy mode, server_name only sets "  # noqa: E501
        "SNI).",
    ),
    "orphaned_key": (
        "key {key_id} [{key_name}] on {server} is live and no node of {client} holds it",
        "Run the trust playbook, which revokes such keys once the link is proven, or revoke it as {owner}.",
    ),
    "not_listed": (
        "key {key_id} [{key_name}] on {server} is live and was made for {alias} of {client}, a link no longer listed",
        "Put the link back into the list, with state: absent if it shall go, and run the trust playbook; or let trust "
        "remove all such links of this owner with cross_cluster_prune: true.",
    ),
    "remote_indices_left": (
        "role {role} of {client} still has the entries of the link, which has state: absent",
        "Run the trust playbook, or crosscluster.elasticsearch.remote_access_role with state: absent.",
    ),
    "expires_soon": (
        "key {key_id} on {server} expires in {left}",
        "Run the rotate playbook (no search fails), or set renew_before on the link and run trust on a schedule.",
    ),
    "key_access_invalid": (
        "key {key_id} restricts search to documents or fields and replicates too, which is refused since 8.14",
        "Give the link either the restricted search or the replication, or make two links, and run the trust playbook.",
    ),
    "monitor_enrich_missing": (
        "key {key_id} was made before {server} had 8.15, so ENRICH in ES|QL across the link fails",
        "Run the rotate playbook; or update the key with the same access, which renews its privileges.",
    ),
    "certificate_identity_unsupported": (
        "key {key_id} wants signed requests, and {client} runs {version}, which cannot sign",
        "Upgrade {client} to 9.3 or newer, or clear certificate_identity of the link.",
    ),
    "certificate_identity_missing": (
        "the key wants signed requests, and those of {nodes} are not signed",
        "Set cluster.remote.{alias}.signing.certificate and .key on {client}, or clear certificate_identity of the link.",  # noqa: E501
    ),
    "certificate_identity_mismatch": (
        "the certificate that signs for {nodes} does not match certificate_identity of the key",
        "certificate_identity is a regular expression for the whole DN (CN=...), and case matters: correct it on the link, or sign with the "  # noqa: E501
        "right certificate.",
    ),
    "signature_untrusted": (
        "{server} does not trust the certificate that signs for {nodes}",
        "Set cluster.remote.signing.certificate_authorities on {server}; without it signed requests fail for every key.",  # noqa: E501
    ),
    "key_wrong_secret": (
        "the credential on {nodes} has the right key id and a wrong secret",
        "The value was damaged on its way, and no one can read the right one from the server: run the rotate playbook.",
    ),
    "remote_indices_missing": (
        "role {role} of {client} lacks the remote_indices or remote_cluster entries that the link gives it",
        "Run the trust playbook, or crosscluster.elasticsearch.remote_access_role, which keeps the rest of the role.",
    ),
    "login_lacks_remote_indices": (
        "the login used for {client} has no remote_indices for {alias}, so the link itself could not be tested",
        "Give a role of this login remote_indices for {alias} (crosscluster.elasticsearch.remote_access_role), or verify as a superuser.",  # noqa: E501
    ),
    "skip_unavailable_masks": (
        "searches through {alias} on {client} succeed with results missing, because skip_unavailable is true",
        "Do not conclude from a search that the link works. Set skip_unavailable: false on the link where missing results are worse than an "  # noqa: E501
        "error.",
    ),
}
