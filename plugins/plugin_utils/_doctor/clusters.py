# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clusters say about themselves that can break a link: licence, version, ports, roles of nodes. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.address import port_of
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._versions import (
    CROSS_CLUSTER_API_KEYS,
    too_old,
    version_of,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.view import Data, Facts, LinkView
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk

ENOUGH = ("enterprise", "trial")


def examine(found: t.Any, facts: Facts) -> None:
    """`found` is a Findings."""
    view = found.view
    client, server = facts.clusters.get(view.link["from"]), facts.clusters.get(view.link["to"])
    for side, name, cluster in (("client", view.link["from"], client), ("server", view.link["to"], server)):
        if not cluster:
            continue
        _licence(found, side, name, cluster)
        if (0,) < version_of(cluster) < CROSS_CLUSTER_API_KEYS:
            found.word("too_old", "error", side=side, cluster=name, version=cluster["version"])
        if cluster.get("build_flavor") == "serverless":
            found.word("serverless", "error", side=side, cluster=name)
    if client and server and not view.proven:
        _versions(found, client, server)
    if client and not view.proven:
        lacking = [
            node["name"]
            for node in client.get("nodes") or []
            if "remote_cluster_client" not in (node.get("roles") or [])
        ]
        own = [name for name in lacking if any(name == node.name for node in view.nodes)]
        if own:
            found.word("node_lacks_role", "error", nodes=lk.names(own))
    if server and not view.proven and view.link["from"] != view.link["to"]:
        _server_ports(found, server)


def _versions(found: t.Any, client: Data, server: Data) -> None:
    for name, one, other in ((found.view.link["from"], client, server), (found.view.link["to"], server, client)):
        oldest = too_old(one, other)
        if oldest:
            found.word(
                "versions_incompatible",
                "error",
                "GET / of the other cluster: minimum_wire_compatibility_version " + oldest,
                cluster=name,
                version=one["version"],
                oldest=oldest,
            )


def _licence(found: t.Any, side: str, name: str, cluster: Data) -> None:
    licence = cluster.get("license")
    if licence and (licence.get("type") not in ENOUGH or licence.get("status") not in (None, "active")):
        found.word(
            "license",
            "error",
            "GET /_license of {0}: type {1}, status {2}".format(name, licence.get("type"), licence.get("status")),
            side,
            cluster=name,
        )


def _server_ports(found: t.Any, server: Data) -> None:
    nodes = server.get("nodes") or []
    serving = [node for node in nodes if node.get("remote_cluster_server")]
    if nodes and not serving:
        found.word(
            "server_disabled",
            "error",
            "no node of {0} lists a remote_cluster_server".format(found.view.link["to"]),
            "server",
        )
        return
    off = [node["name"] for node in nodes if not node.get("remote_cluster_server")]
    if off:
        found.word("server_partly_disabled", "warning", None, "server", nodes=lk.names(off))
    ports = {port_of(node["remote_cluster_server"].get("publish_address") or "") for node in serving}
    transport = {port_of(node.get("transport_address") or "") for node in nodes} | {9300}
    http = {port_of(node.get("http_address") or "") for node in nodes} | {9200}
    bound = [address for node in serving for address in node["remote_cluster_server"].get("bound_address") or []]
    for address in addresses(found.view):
        port = port_of(address)
        if port in transport - ports:
            found.word("transport_port", "error", _told(server, serving), address=address, port=port, nodes="the nodes")
        elif port in http - ports:
            found.word("http_port", "error", _told(server, serving), address=address, port=port, nodes="the nodes")
        elif bound and all(loopback(entry) for entry in bound) and not loopback(address):
            found.word(
                "server_loopback", "error", "bound to " + ", ".join(sorted(set(bound))[:4]), "server", address=address
            )


def _told(server: Data, serving: t.Sequence[Data]) -> str:
    published = sorted({str(node["remote_cluster_server"].get("publish_address")) for node in serving})
    return "the server publishes " + ", ".join(published[:4])


def addresses(view: LinkView) -> t.List[str]:
    """Where the alias points at; where it shall point when it is not set up."""
    remote = view.remote or {}
    found = list(remote.get("addresses") or [])
    if not found:
        settings = view.link.get("settings") or {}
        found = [settings["proxy_address"]] if settings.get("proxy_address") else list(settings.get("seeds") or [])
    return [str(address) for address in found]


def loopback(address: str) -> bool:
    host = address.rsplit(":", 1)[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False
