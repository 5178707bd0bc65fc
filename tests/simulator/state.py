# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated cluster is made of: plain objects, changed only inside the event loop."""

from __future__ import annotations

import base64
import hashlib
import os
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from . import versions
from .versions import Version

# Other parts of the simulator hang themselves onto these moments:
#   cluster_created(cluster), node_created(cluster, node), node_starting(cluster, node) (may raise NodeStartError),
#   node_started(cluster, node), node_stopped(cluster, node), node_upgraded(cluster, node), node_configuring(node,
#   settings),
#   settings_changed(cluster), cluster_reset(cluster) (forget what tests did; core state is reset already),
#   cluster_removed(cluster)
_HOOKS: dict[str, list[Callable[..., Awaitable[None]]]] = defaultdict(list)


def on(event: str) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]:
    def register(function: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        _HOOKS[event].append(function)
        return function

    return register


async def fire(event: str, *arguments: Any) -> None:
    for function in _HOOKS[event]:
        await function(*arguments)


class NodeStartError(Exception):
    """The node's configuration keeps it from starting; the text is what the node would log."""


def random_id(length_bytes: int = 15) -> str:
    """A URL-safe id as the server makes them: 15 bytes give the 20 characters of a document id, 16 give 22."""
    return base64.urlsafe_b64encode(os.urandom(length_bytes)).decode().rstrip("=")


class Node:
    def __init__(self, cluster: Cluster, name: str, number: int) -> None:
        self.cluster = cluster
        self.name = name
        self.number = number
        digest = hashlib.sha256(f"{cluster.uuid}/{name}".encode()).digest()[:16]
        self.id = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        self.ephemeral_id = random_id(16)
        self.home: Path = cluster.directory / name
        self.config_dir = self.home / "config"
        self.version: Version = cluster.created_version
        self.yml: dict[str, Any] = {}
        self.credentials: dict[str, str] = {}
        self.connections: dict[str, Any] = {}
        self.running = False
        self.started_ms = 0  # by the clock of its files, which no control turns
        self.port = 0
        self.url = ""
        self.listener: Any = None  # what server.py needs to stop the HTTPS port again

    @property
    def keystore_file(self) -> Path:
        return self.config_dir / "elasticsearch.keystore"

    @property
    def yml_file(self) -> Path:
        return self.config_dir / "elasticsearch.yml"

    @property
    def roles(self) -> list[str]:
        configured = self.yml.get("node.roles")
        if configured is None:
            return ["data", "ingest", "master", "remote_cluster_client"]
        if isinstance(configured, str):
            configured = [part.strip() for part in configured.split(",") if part.strip()]
        return [str(role) for role in configured]

    def ssl_file(self, path: str) -> Path:
        """Certificates and keys are read below the configuration directory only."""
        found = Path(os.path.normpath(self.config_dir / path))
        if self.config_dir not in found.parents:
            raise PermissionError(
                f"cannot read the configured file [{found}] because access to read the file is blocked; SSL resources "
                f"should be placed in the [{self.config_dir}] directory"
            )
        return found

    def has(self, feature: str) -> bool:
        return versions.has(self.version, feature)


class Cluster:
    def __init__(
        self, name: str, version: str, directory: Path, nodes: int = 3, node_versions: list[str] | None = None
    ) -> None:
        self.name = name
        self.directory = directory
        self.created_version = versions.parse(version)
        self.uuid = random_id(16)
        self.clock_offset_ms = 0
        self.license = "trial"
        self.license_started: dict[str, int] = {}
        self.security: Any = None  # security.Security
        self.keys: dict[str, Any] = {}  # id -> api_keys.model.ApiKey
        self.tokens: dict[str, Any] = {}
        self.persistent: dict[str, Any] = {}
        self.transient: dict[str, Any] = {}
        self.indices: dict[str, Any] = {}
        self.remote_cluster_server = ""  # "127.0.0.1:port", set by link.py
        self.peers: dict[str, Cluster] = {}  # all clusters of this simulator, by name
        self.extra: dict[str, Any] = {}  # room for other parts
        self.nodes: list[Node] = [Node(self, f"{name}-{number}", number) for number in range(1, nodes + 1)]
        for node, node_version in zip(self.nodes, node_versions or [], strict=False):
            node.version = versions.parse(node_version)
        self.first_versions = {node.name: node.version for node in self.nodes}

    @property
    def version(self) -> Version:
        """The oldest node decides what the cluster as a whole can do."""
        return min(node.version for node in self.nodes)

    def has(self, feature: str) -> bool:
        return versions.has(self.version, feature)

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.clock_offset_ms

    def node(self, name: str | None) -> Node:
        for node in self.nodes:
            if name in (node.name, node.id):
                return node
        raise KeyError(f"cluster [{self.name}] has no node [{name}]")

    @property
    def http_ca(self) -> Path:
        return self.directory / "certs" / "http_ca.crt"

    @property
    def remote_ca(self) -> Path:
        return self.directory / "certs" / "remote_cluster_ca.crt"


def new_uuid() -> str:
    return str(uuid.uuid4())
