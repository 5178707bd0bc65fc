# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks that give nodes their link ports and keep their connections in line (rules 5.3, 5.6)."""

from __future__ import annotations

from typing import Any, NoReturn

from .. import node_log
from ..documents import info
from ..state import Cluster, Node, NodeStartError, on
from . import client as link_client
from .server import Front, NodeLink


@on("cluster_created")
async def reserve_address(cluster: Cluster) -> None:
    front = Front(cluster)
    cluster.extra["front"] = front
    cluster.remote_cluster_server = front.port.address


@on("node_created")
async def reserve_ports(cluster: Cluster, node: Node) -> None:
    node.link = NodeLink(node)  # type: ignore[attr-defined]


@on("node_configuring")
async def configure(node: Node, settings: dict[str, Any]) -> None:
    settings["remote_cluster.port"] = node.link.remote_cluster.number  # type: ignore[attr-defined]
    settings["transport.port"] = node.link.transport.number  # type: ignore[attr-defined]


@on("node_starting")
async def check_tls(cluster: Cluster, node: Node) -> None:
    """A node does not start with certificates it cannot load."""
    try:
        if node.yml.get("remote_cluster_server.enabled") == "true":
            node.link.context("remote_cluster_server")  # type: ignore[attr-defined]
        node.link.context("transport")  # type: ignore[attr-defined]
        for api_key in (True, False):
            link_client.client_context(node, api_key)
    except PermissionError as error:
        _refuse(node, f"failed to load SSL configuration - {error}")
    except (OSError, KeyError) as error:
        _refuse(node, f"failed to load SSL configuration: cannot read the configured file or setting [{error}]")
    prefix = "xpack.security.remote_cluster_client.ssl"
    if node.yml.get(f"{prefix}.certificate_authorities") and node.yml.get(f"{prefix}.truststore.path"):
        reason = "cannot specify both [certificate_authorities] and [truststore.path]"
        _refuse(node, f"failed to load SSL configuration [{prefix}] - {reason}")


def _refuse(node: Node, text: str) -> NoReturn:
    node_log.error(node, text)
    raise NodeStartError(text)


@on("node_started")
async def open_ports(cluster: Cluster, node: Node) -> None:
    await node.link.open()  # type: ignore[attr-defined]
    await cluster.extra["front"].refresh()
    # Peers that come up later are found by the first request; as on real clusters a node starts
    # whatever its remotes do.
    await link_client.refresh(node)


@on("node_stopped")
async def close_ports(cluster: Cluster, node: Node) -> None:
    await link_client.drop(node)
    await node.link.close()  # type: ignore[attr-defined]
    await cluster.extra["front"].refresh()


@on("cluster_reset")
async def forget_links(cluster: Cluster) -> None:
    for name in ("fail_reload", "unreachable"):
        cluster.extra.pop(name, None)
    for node in cluster.nodes:
        await link_client.drop(node)


@on("cluster_removed")
async def release(cluster: Cluster) -> None:
    front = cluster.extra.get("front")
    if front is not None:
        await front.port.close()
        front.port.reservation.close()
    for node in cluster.nodes:
        if hasattr(node, "link"):
            node.link.remote_cluster.reservation.close()
            node.link.transport.reservation.close()


@on("settings_changed")
async def settings_changed(cluster: Cluster) -> None:
    for node in cluster.nodes:
        await link_client.refresh(node)


def _server_section(node: Node) -> dict[str, Any] | None:
    if not node.link.serving:  # type: ignore[attr-defined]
        return None
    address = node.link.remote_cluster.address  # type: ignore[attr-defined]
    return {"bound_address": [address], "publish_address": address}


info.NODE_SECTIONS["remote_cluster_server"] = _server_section
info.NODE_SECTIONS["transport"] = lambda node: {
    "bound_address": [node.link.transport.address],
    "publish_address": node.link.transport.address,
    "profiles": {},
}
