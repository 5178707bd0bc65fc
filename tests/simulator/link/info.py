# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /_remote/info: what the asked node itself knows (rules 5.4)."""

from __future__ import annotations

from typing import Any

from ..rest.errors import illegal_argument
from ..rest.routing import Request, route
from ..settings.api import effective
from ..state import Node
from . import client as link_client


@route("GET", "/_remote/info")
async def remote_info(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:monitor/remote/info")
    node = request.node
    if "remote_cluster_client" not in node.roles:
        raise illegal_argument(f"node [{node.name}] does not have the [remote_cluster_client] role")
    return 200, {alias: describe(node, connection) for alias, connection in sorted(node.connections.items())}


def describe(node: Node, connection: link_client.RemoteConnection) -> dict[str, Any]:
    settings = effective(node)
    count = connection.count
    body: dict[str, Any] = {"connected": count > 0, "mode": connection.mode.lower()}
    if connection.mode == "PROXY":
        body["proxy_address"] = connection.addresses[0]
        body["server_name"] = connection.settings.get("server_name", "")
        body["num_proxy_sockets_connected"] = count
        body["max_proxy_socket_connections"] = connection.max_sockets
    else:
        default = settings.get("cluster.remote.connections_per_cluster", 3)
        body["seeds"] = connection.addresses
        body["num_nodes_connected"] = count
        body["max_connections_per_cluster"] = int(connection.settings.get("node_connections") or default)
    body["initial_connect_timeout"] = settings.get("cluster.remote.initial_connect_timeout", "30s")
    body["skip_unavailable"] = link_client.skip_unavailable(node, connection.alias)
    if connection.api_key:
        body["cluster_credentials"] = "::es_redacted::"
    return body
