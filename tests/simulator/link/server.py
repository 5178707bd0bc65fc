# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server side of a link: TLS ports of a node, and what becomes of each message (rules 5.6, 8)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import ssl
from typing import Any

from .. import node_log
from ..rest.errors import EsHttpError, security_error
from ..settings.catalog import as_list
from ..settings.flat import text
from ..state import Cluster, Node
from . import authentication as link_authentication
from . import protocol as wire

LOG = logging.getLogger("simulator")
REMOTE_PROFILE, DEFAULT_PROFILE = "_remote_cluster", "default"
ACTIONS: dict[str, Any] = {}  # action -> async handler(node, subject, body)


def action(name: str) -> Any:
    def register(handler: Any) -> Any:
        ACTIONS[name] = handler
        return handler

    return register


def bind(port: int = 0) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


class Port:
    """A TLS port that can be closed and opened again at the same number."""

    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.reservation = bind()
        self.number: int = self.reservation.getsockname()[1]
        self.server: asyncio.Server | None = None
        self.writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.number}"

    async def open(self, pick: Any, context: ssl.SSLContext | None) -> None:
        """`pick()` names the node that serves a new channel."""
        if self.server is not None:
            return

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            node = pick()
            if node is None:
                writer.close()
                return
            if node.link.client_authentication(self.profile) == "required" and not writer.get_extra_info("peercert"):
                wire.write(writer, {"alert": "bad_certificate"})
                writer.close()
                return
            self.writers.add(writer)
            node.link.channels.add(writer)
            try:
                await self._serve(node, reader, writer)
            finally:
                self.writers.discard(writer)
                node.link.channels.discard(writer)
                with contextlib.suppress(Exception):
                    writer.close()

        self.server = await asyncio.start_server(serve, sock=bind(self.number), ssl=context, backlog=256)

    async def close(self) -> None:
        server, self.server = self.server, None
        if server is not None:
            server.close()
        for writer in list(self.writers):
            writer.transport.abort()

    async def _serve(self, node: Node, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                message = await wire.read(reader)
                task = asyncio.ensure_future(self._answer(node, message, writer))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except (OSError, EOFError, ValueError, ssl.SSLError):
            return

    async def _answer(self, node: Node, message: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        close = False
        try:
            body = await handle(node, self.profile, message["action"], message["headers"], message["body"])
            answer = {"id": message["id"], "body": body}
        except EsHttpError as error:
            answer = {"id": message["id"], "error": wire.to_wire(error)}
            # Failed authentication costs the channel, on either port; a refused action does not.
            close = error.status == 401 or message["action"] in (wire.HANDSHAKE, wire.PLAIN_HANDSHAKE)
        except Exception:
            LOG.exception("unhandled error in %s", message.get("action"))
            node.cluster.extra.setdefault("bugs", []).append(f"link {message.get('action')}")
            failure = EsHttpError(500, "simulator_bug_exception", "the simulator failed on this request; see its log")
            answer = {"id": message["id"], "error": wire.to_wire(failure)}
        with contextlib.suppress(Exception):
            wire.write(writer, answer)
            await writer.drain()
            if close:
                writer.close()


async def handle(node: Node, profile: str, name: str, headers: dict[str, Any], body: Any) -> Any:
    hello = {
        "cluster_name": node.cluster.name,
        "cluster_uuid": node.cluster.uuid,
        "version": list(node.version),
        "node": node.name,
    }
    if profile == REMOTE_PROFILE:
        if node.version < (8, 10, 0):
            return hello  # a build with the feature flag, before headers of every message were checked
        subject = link_authentication.authenticate(node, name, headers)
        if name == wire.HANDSHAKE:
            return hello
    else:
        if name == wire.HANDSHAKE:
            node_log.warn(node, f"missing authentication credentials for action [{name}]")
            raise security_error(401, f"missing authentication credentials for action [{name}]")
        if name == wire.PLAIN_HANDSHAKE:
            return hello
        subject = {"model": "certificate", **json.loads(headers["_xpack_security_authentication"])}
    handler = ACTIONS.get(name)
    if handler is None:
        raise EsHttpError(400, "action_not_found_transport_exception", f"No handler for action [{name}]")
    return await handler(node, subject, body)


class NodeLink:
    """The ports of one node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.remote_cluster = Port(REMOTE_PROFILE)
        self.transport = Port(DEFAULT_PROFILE)
        self.channels: set[asyncio.StreamWriter] = set()

    @property
    def serving(self) -> bool:
        return self.node.running and self.node.yml.get("remote_cluster_server.enabled") == "true"

    async def open(self) -> None:
        node = self.node
        if node.yml.get("remote_cluster_server.enabled") == "true":
            await self.remote_cluster.open(lambda: node, self.context("remote_cluster_server"))
        else:
            await self.remote_cluster.close()
        await self.transport.open(lambda: node, self.context("transport"))

    async def close(self) -> None:
        await self.remote_cluster.close()
        await self.transport.close()
        for writer in list(self.channels):
            writer.transport.abort()

    def client_authentication(self, profile: str) -> str:
        """none, optional or required; without TLS nobody can be asked for a certificate."""
        name, default = ("remote_cluster_server", "none") if profile == REMOTE_PROFILE else ("transport", "required")
        prefix = f"xpack.security.{name}.ssl."
        if self.node.yml.get(prefix + "enabled", "true") == "false":
            return "none"
        return text(self.node.yml.get(prefix + "client_authentication", default))

    def context(self, name: str) -> ssl.SSLContext | None:
        node, prefix = self.node, f"xpack.security.{name}.ssl."
        if node.yml.get(prefix + "enabled", "true") == "false":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            node.ssl_file(node.yml[prefix + "certificate"]), node.ssl_file(node.yml[prefix + "key"])
        )
        profile = REMOTE_PROFILE if name == "remote_cluster_server" else DEFAULT_PROFILE
        if self.client_authentication(profile) != "none":
            for file in as_list(node.yml.get(prefix + "certificate_authorities")):
                context.load_verify_locations(node.ssl_file(file))
            # asyncio drops the alert about a missing client certificate, so `required` is enforced,
            # with its alert, in Port.
            context.verify_mode = ssl.CERT_OPTIONAL
        return context


class Front:
    """The cluster's published remote-cluster address: what a load balancer in front of the nodes' ports would be."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.port = Port(REMOTE_PROFILE)
        self._turn = 0
        self._signature: Any = None

    def pick(self) -> Node | None:
        serving = [node for node in self.cluster.nodes if node.link.serving]  # type: ignore[attr-defined]
        self._turn += 1
        return serving[self._turn % len(serving)] if serving else None

    async def refresh(self) -> None:
        """Open while any node serves. TLS is that of the first serving node (all nodes share the authority)."""
        serving = [node for node in self.cluster.nodes if node.link.serving]  # type: ignore[attr-defined]
        if not serving:
            self._signature = None
            await self.port.close()
            return
        settings = {
            key: value
            for key, value in serving[0].yml.items()
            if key.startswith("xpack.security.remote_cluster_server.ssl.")
        }
        signature = (serving[0].name, sorted(settings.items(), key=str))
        if self.port.server is None or signature != self._signature:
            if self.port.server is not None:
                server, self.port.server = self.port.server, None
                server.close()  # open channels to the other nodes stay
            self._signature = signature
            await self.port.open(self.pick, serving[0].link.context("remote_cluster_server"))  # type: ignore[attr-defined]
