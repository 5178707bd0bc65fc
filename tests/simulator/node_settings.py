# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first elasticsearch.yml of a node, simulated or real: flat keys, as an operator would have it after setting the
remote cluster server up."""

from __future__ import annotations

from typing import Any


def first(cluster: str, node: str, authorities: list[str]) -> dict[str, Any]:
    """Without `authorities` (files of remote-cluster CAs) the node trusts no remote cluster yet."""
    settings: dict[str, Any] = {
        "cluster.name": cluster,
        "node.name": node,
        "network.host": "127.0.0.1",
        "xpack.security.enabled": True,
        "xpack.security.http.ssl.enabled": True,
        "xpack.security.http.ssl.certificate": "certs/http.crt",
        "xpack.security.http.ssl.key": "certs/http.key",
        "xpack.security.transport.ssl.enabled": True,
        "xpack.security.transport.ssl.certificate": "certs/transport.crt",
        "xpack.security.transport.ssl.key": "certs/transport.key",
        "xpack.security.transport.ssl.certificate_authorities": ["certs/transport_ca.crt"],
        "remote_cluster_server.enabled": True,
        "xpack.security.remote_cluster_server.ssl.enabled": True,
        "xpack.security.remote_cluster_server.ssl.certificate": "certs/remote_cluster.crt",
        "xpack.security.remote_cluster_server.ssl.key": "certs/remote_cluster.key",
    }
    if authorities:
        settings["xpack.security.remote_cluster_client.ssl.certificate_authorities"] = authorities
    return settings
