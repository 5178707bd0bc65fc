# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client side of a link: one node's connection to one alias (rules 5.3, 6.2, 8)."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from typing import Any

from .. import node_log, versions
from ..rest.errors import EsHttpError, illegal_argument
from ..settings.api import effective
from ..settings.catalog import as_list, enabled, mode, parse_host
from ..state import Node
from . import protocol as wire
from . import signing

# Settings whose change rebuilds a connection; skip_unavailable is read at each request instead.
REBUILD = (
    "mode",
    "seeds",
    "node_connections",
    "proxy",
    "proxy_address",
    "proxy_socket_connections",
    "server_name",
    "transport.compress",
    "transport.compression_scheme",
    "transport.ping_schedule",
)
OLDEST = (8, 10, 0)
UNREACHABLE = ("connect_transport_exception", "no_seed_node_left_exception", "node_disconnected_exception")
_WRONG_NAME = (62, 64)  # OpenSSL: neither the host name nor the address is on the certificate


def build_settings(node: Node, alias: str) -> dict[str, Any]:
    settings = effective(node)
    return {name: settings[key] for name in REBUILD if (key := f"cluster.remote.{alias}.{name}") in settings}


def skip_unavailable_default(node: Node) -> str:
    return "true" if node.has("skip_unavailable_default_true") else "false"


def skip_unavailable(node: Node, alias: str) -> bool:
    connection = node.connections.get(alias)
    return (connection.skip_unavailable if connection else skip_unavailable_default(node)) == "true"


def client_context(node: Node, api_key: bool) -> ssl.SSLContext | None:
    """TLS as the node's own file says, read at start; without authorities the system's trust store decides."""
    prefix = f"xpack.security.{'remote_cluster_client' if api_key else 'transport'}.ssl."
    if node.yml.get(prefix + "enabled", "true") == "false":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    verification = node.yml.get(prefix + "verification_mode", "full")
    context.check_hostname = verification == "full"
    if verification == "none":
        context.verify_mode = ssl.CERT_NONE
    files = as_list(node.yml.get(prefix + "certificate_authorities"))
    for file in files:
        context.load_verify_locations(node.ssl_file(file))
    if not files:
        context.load_default_certs()
    certificate, key = node.yml.get(prefix + "certificate"), node.yml.get(prefix + "key")
    if certificate and key:
        context.load_cert_chain(node.ssl_file(certificate), node.ssl_file(key))
    return context


class RemoteConnection:
    """The model is fixed when the object is built; the credential itself is looked up at each request."""

    def __init__(self, node: Node, alias: str) -> None:
        self.node = node
        self.alias = alias
        self.settings = build_settings(node, alias)
        settings = effective(node)
        self.mode = mode(settings, alias)
        self.api_key = alias in node.credentials
        self.skip_setting = settings.get(f"cluster.remote.{alias}.skip_unavailable", skip_unavailable_default(node))
        self.skip_unavailable = self.skip_setting
        self.channels: list[wire.Channel] = []
        self.sockets = 0  # of a proxy connection: as many as the server would have opened
        self.max_sockets = int(self.settings.get("proxy_socket_connections", 18))
        self._next = 0
        self._lock = asyncio.Lock()

    @property
    def addresses(self) -> list[str]:
        if self.mode == "PROXY":
            return as_list(self.settings.get("proxy_address"))
        return as_list(self.settings.get("seeds"))

    @property
    def open_channels(self) -> list[wire.Channel]:
        self.channels = [channel for channel in self.channels if channel.open]
        return self.channels

    @property
    def connected(self) -> bool:
        return bool(self.open_channels)

    @property
    def count(self) -> int:
        """Open connections; one socket stands for all of a proxy connection."""
        channels = len(self.open_channels)
        return min(channels, 1) * self.sockets if self.mode == "PROXY" else channels

    async def _refused(self, channel: wire.Channel) -> None:
        """A request that is refused costs one connection; of a proxy connection the others live on."""
        channel.open = False
        self.sockets -= 1
        if self.mode == "PROXY" and self.sockets > 0:
            spare = await self._open(self.addresses[0], greet=False)
            spare.remote = channel.remote
            self.channels = [spare]

    async def close(self) -> None:
        for channel in self.channels:
            await channel.close()
        self.channels = []

    # --- connecting ---
    async def connect(self) -> None:
        """Make sure there is an open channel; raises what the server reports or why none could be opened."""
        async with self._lock:
            if self.connected:
                return
            try:
                await (self._connect_proxy() if self.mode == "PROXY" else self._connect_sniff())
            except EsHttpError as error:
                causes = []
                cause: EsHttpError | None = error
                while cause is not None:
                    causes.append(f"{cause.type}: {cause.reason}")
                    cause = cause.caused_by
                node_log.warn(self.node, " caused by ".join(causes))
                raise

    async def _connect_proxy(self) -> None:
        address = self.addresses[0]
        try:
            self.channels = [await self._open(address)]
            self.sockets = self.max_sockets
        except EsHttpError as error:
            if error.type != "connect_transport_exception":
                raise
            node_log.warn(self.node, f"failed to open any proxy connections to cluster [{self.alias}]")
            text = f"Unable to open any proxy connections to cluster [{self.alias}] at address [{address}]"
            if self.node.has("proxy_error_names_configuration"):
                name = self.settings.get("server_name", "")
                text += f", configuredAddress=[{address}], configuredServerName=[{name}]"
            raise EsHttpError(500, "no_seed_node_left_exception", text, suppressed=[error.fields()]) from None

    async def _connect_sniff(self) -> None:
        """The first seed that answers names the nodes; only nodes that serve remote clusters are used with API keys."""
        failure: EsHttpError | None = None
        for seed in self.addresses:
            try:
                first = await self._open(as_list(self.settings.get("proxy"))[0] if self.settings.get("proxy") else seed)
            except EsHttpError as error:
                failure = error
                continue
            found = await self._send(
                first,
                "cluster:internal/remote_cluster/nodes",
                {"remote_cluster_server": self.api_key},
                {"username": "_cross_cluster_access", "roles": [], "internal": True},
            )
            limit = int(
                self.settings.get("node_connections")
                or effective(self.node).get("cluster.remote.connections_per_cluster", 3)
            )
            for address in found["addresses"][:limit]:
                try:
                    self.channels.append(await self._open(address))
                except EsHttpError as error:
                    failure = error
            await first.close()
            if self.channels:
                return
        assert failure is not None
        if failure.type == "connect_transport_exception":
            node_log.warn(self.node, f"fetching nodes from external cluster [{self.alias}] failed")
        raise failure

    async def _channel(self, host: str, port: int) -> wire.Channel:
        """The certificate has to bear the address or server_name, one of the two."""
        context, name = client_context(self.node, self.api_key), self.settings.get("server_name")
        try:
            return await asyncio.wait_for(wire.Channel.connect(host, port, context, name), 30)
        except ssl.SSLCertVerificationError as error:
            if not name or error.verify_code not in _WRONG_NAME:
                raise
        return await asyncio.wait_for(wire.Channel.connect(host, port, context, host), 30)

    async def _open(self, address: str, greet: bool = True) -> wire.Channel:
        status = 502 if self.node.has("connect_failure_is_502") else 500

        def failed(kind: str, reason: str, what: str = "connect_exception") -> EsHttpError:
            cause = EsHttpError(500, kind, reason)
            return EsHttpError(status, "connect_transport_exception", f"[][{address}] {what}", cause)

        host, port = parse_host(address)
        try:
            channel = await self._channel(host, port)
        except ssl.SSLCertVerificationError as error:
            node_log.warn(self.node, f"failed to establish trust with server at [{host}]; {error.verify_message}")
            raise failed("s_s_l_handshake_exception", f"PKIX path building failed: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise failed("s_s_l_handshake_exception", _alert(error)) from None
        except socket.gaierror:
            cause = EsHttpError(400, "unknown_host_exception", host)
            raise illegal_argument(f"unknown host [{host}]", cause) from None
        except (OSError, OverflowError, asyncio.TimeoutError, ValueError) as error:
            refused = isinstance(error, ConnectionRefusedError)
            text = f"Connection refused: {host}/{host}:{port}" if refused else str(error) or "connect timed out"
            raise failed("connect_exception", text) from None
        if not greet:
            return channel
        try:
            action = wire.HANDSHAKE if self.api_key else wire.PLAIN_HANDSHAKE
            channel.remote = await self._send(
                channel, action, {}, {"username": "_cross_cluster_access", "roles": [], "internal": True}
            )
        except (wire.ChannelClosed, ssl.SSLError) as error:
            await channel.close()
            if isinstance(error, ssl.SSLError):
                node_log.warn(self.node, _alert(error))
            raise failed(
                "transport_exception", "handshake failed because connection reset", "general node connection failure"
            ) from None
        except EsHttpError:
            await channel.close()
            raise
        if not self.api_key and self.node.has("certificate_model_deprecated"):
            node_log.deprecation(
                self.node,
                f"The remote cluster connection to [{self.alias}] is using the certificate-based security model. The "
                "certificate-based security model is deprecated and will be removed in a future major version.",
            )
        return channel

    @property
    def to_older(self) -> bool:
        """Is the server known to be of an older version?"""
        return any(tuple(channel.remote["version"]) < self.node.version for channel in self.open_channels)

    # --- requests ---
    async def request(self, action: str, body: Any, subject: dict[str, Any]) -> Any:
        """One request over a live channel; a channel that turns out dead is replaced once."""
        for attempt in (1, 2):
            await self.connect()
            channels = self.open_channels
            self._next += 1
            channel = channels[self._next % len(channels)]
            version = tuple(channel.remote["version"])
            if self.api_key and version < OLDEST:
                raise illegal_argument(
                    f"Settings for remote cluster [{self.alias}] indicate cross cluster access "
                    "headers should be sent but "
                    f"target cluster version [{versions.text(version)}] does not support receiving them"
                )
            try:
                return await self._send(channel, action, body, subject)
            except EsHttpError as error:
                if error.status == 401:
                    await self._refused(channel)
                raise
            except (wire.ChannelClosed, ssl.SSLError, OSError) as error:
                if attempt == 2:
                    raise EsHttpError(
                        500, "node_disconnected_exception", f"[{self.alias}][{action}] disconnected: {error}"
                    ) from None
        raise AssertionError

    async def _send(self, channel: wire.Channel, action: str, body: Any, subject: dict[str, Any]) -> Any:
        payload = json.dumps(subject, sort_keys=True)
        if not self.api_key:
            return await channel.request(action, {"_xpack_security_authentication": payload}, body)
        headers = {wire.CREDENTIALS: "ApiKey " + self.node.credentials.get(self.alias, ""), wire.SUBJECT: payload}
        if self.node.has("signing") and tuple(channel.remote.get("version", (9, 3, 0))) >= (9, 3, 0):
            signature = signing.sign(self.node, self.alias, [headers[wire.CREDENTIALS], payload])
            if signature is not None:
                headers[wire.SIGNATURE] = signature
        return await channel.request(action, headers, body)


def _alert(error: Exception) -> str:
    text = str(error).lower()
    if "bad_certificate" in text:
        return "Received fatal alert: bad_certificate"
    if "wrong_version_number" in text or "record layer" in text:
        return "not an SSL/TLS record"
    return f"Received fatal alert: {error}"


# --- a node's set of connections ---
def wanted(node: Node) -> list[str]:
    from ..settings.catalog import aliases

    settings = effective(node)
    return [alias for alias in aliases(settings) if enabled(settings, alias)]


async def refresh(node: Node, rebuild: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Bring the connections in line with settings and keystore; `rebuild`: aliases whose credential came or went."""
    if not node.running or "remote_cluster_client" not in node.roles:
        return
    keep = wanted(node)
    started: dict[str, str] = {}
    for alias in list(node.connections):
        if alias not in keep:
            await node.connections.pop(alias).close()
            node_log.info(node, f"remote cluster connection [{alias}] updated: DISCONNECTED")
    for alias in keep:
        old = node.connections.get(alias)
        new = RemoteConnection(node, alias)
        if old is not None and alias not in rebuild and old.settings == new.settings:
            if old.skip_setting != new.skip_setting:
                old.skip_unavailable = old.skip_setting = new.skip_setting
            continue
        if old is not None:
            await old.close()
            forgets = alias not in rebuild and not node.has("rebuild_keeps_skip_unavailable")
            if forgets and old.skip_setting == new.skip_setting:
                new.skip_unavailable = skip_unavailable_default(node)
        node.connections[alias] = new
        started[alias] = "CONNECTED" if old is None else "RECONNECTED"
    results = await asyncio.gather(
        *(asyncio.wait_for(node.connections[alias].connect(), 10) for alias in started), return_exceptions=True
    )
    for alias, result in zip(started, results, strict=True):
        if isinstance(result, asyncio.TimeoutError):
            node_log.warn(node, f"failed to update remote cluster connection [{alias}] within 10s")
        elif isinstance(result, Exception):
            node_log.warn(node, f"failed to update remote cluster connection [{alias}]: {result!r}")
        else:
            node_log.info(node, f"remote cluster connection [{alias}] updated: {started[alias]}")


async def drop(node: Node) -> None:
    for connection in node.connections.values():
        await connection.close()
    node.connections.clear()
