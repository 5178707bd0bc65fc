# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real certificates for every port: an HTTP CA, a remote-cluster CA and a transport CA per cluster (EC keys, so it
is quick)."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import trustme

from .state import Cluster, Node

KINDS = ("http", "remote_cluster", "transport")


def make_authorities(cluster: Cluster) -> None:
    folder = cluster.directory / "certs"
    folder.mkdir(parents=True, exist_ok=True)
    authorities = {kind: trustme.CA(organization_name=f"{cluster.name} {kind}") for kind in KINDS}
    cluster.extra["authorities"] = authorities
    for kind, authority in authorities.items():
        (folder / f"{kind}_ca.crt").write_bytes(authority.cert_pem.bytes())


def make_node_certificates(cluster: Cluster, node: Node) -> None:
    """<config>/certs/<kind>.crt holds leaf and CA, as Elasticsearch's own tools write it, so a CA fingerprint can be
    checked."""
    folder = node.config_dir / "certs"
    folder.mkdir(parents=True, exist_ok=True)
    for kind, authority in cluster.extra["authorities"].items():
        leaf = authority.issue_cert("127.0.0.1", "localhost", node.name, cluster.name, common_name=node.name)
        chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems) + authority.cert_pem.bytes()
        (folder / f"{kind}.crt").write_bytes(chain)
        key = folder / f"{kind}.key"
        key.write_bytes(leaf.private_key_pem.bytes())
        key.chmod(0o600)
        (folder / f"{kind}_ca.crt").write_bytes(authority.cert_pem.bytes())


def trust(config_dir: Path, authorities: dict[str, Path]) -> list[str]:
    """Lay the remote-cluster CAs of these clusters into a node's configuration; their names as settings have them."""
    names = []
    for cluster, authority in authorities.items():
        names.append(f"certs/{cluster}_remote_cluster_ca.crt")
        shutil.copyfile(authority, config_dir / names[-1])
    return names


def server_context(certificate: Path, key: Path, client_authorities: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_authorities is not None:
        context.load_verify_locations(client_authorities)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context
