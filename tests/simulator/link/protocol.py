# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire between clusters: length-prefixed JSON over TLS, many requests at a time on one channel."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import ssl
import struct
from typing import Any

from ..rest.errors import EsHttpError

HANDSHAKE = "cluster:internal/remote_cluster/handshake"
PLAIN_HANDSHAKE = "internal:transport/handshake"
CREDENTIALS = "_cross_cluster_access_credentials"
SUBJECT = "_cross_cluster_access_subject_info"
SIGNATURE = "_cross_cluster_access_signature"
MAX_MESSAGE = 64 * 1024 * 1024


def to_wire(error: EsHttpError) -> dict[str, Any]:
    return {
        "status": error.status,
        "type": error.type,
        "reason": error.reason,
        "extra": error.extra,
        "caused_by": to_wire(error.caused_by) if error.caused_by else None,
    }


def from_wire(data: dict[str, Any]) -> EsHttpError:
    cause = from_wire(data["caused_by"]) if data["caused_by"] else None
    return EsHttpError(data["status"], data["type"], data["reason"], cause, **data["extra"])


async def read(reader: asyncio.StreamReader) -> Any:
    (size,) = struct.unpack(">I", await reader.readexactly(4))
    if size > MAX_MESSAGE:
        raise ConnectionError("message too long")
    return json.loads(await reader.readexactly(size))


def write(writer: asyncio.StreamWriter, message: Any) -> None:
    data = json.dumps(message).encode()
    writer.write(struct.pack(">I", len(data)) + data)


class ChannelClosed(Exception):
    """The other side went away before it answered."""


class Channel:
    """The client's end of one connection."""

    def __init__(self, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.address = address
        self.open = True
        self.remote: dict[str, Any] = {}  # what the handshake told
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._task = asyncio.ensure_future(self._receive(reader))

    @classmethod
    async def connect(cls, host: str, port: int, context: ssl.SSLContext | None, server_name: str | None) -> Channel:
        reader, writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname=(server_name or host) if context else None
        )
        return cls(f"{host}:{port}", reader, writer)

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        failure: Exception = ChannelClosed("connection already closed")
        try:
            while True:
                message = await read(reader)
                if "alert" in message:
                    raise ssl.SSLError(1, message["alert"])
                waiting = self._waiting.pop(message["id"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
        except ssl.SSLError as error:
            failure = error
        except (OSError, EOFError, ValueError):
            pass
        finally:
            self.open = False
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(failure)
            self._waiting.clear()
            with contextlib.suppress(Exception):
                self._writer.close()

    async def request(self, action: str, headers: dict[str, Any], body: Any) -> Any:
        """The answer's body; raises the remote's error or ChannelClosed."""
        if not self.open:
            raise ChannelClosed("connection already closed")
        number = next(self._numbers)
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        write(self._writer, {"id": number, "action": action, "headers": headers, "body": body})
        message = await waiting
        if "error" in message:
            raise from_wire(message["error"])
        return message["body"]

    async def close(self) -> None:
        self.open = False
        self._task.cancel()
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await self._task
