# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults a test asks for: what a network, a proxy or a busy server does to a request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from ..state import Cluster, Node
from .request_log import Entry

KINDS = (
    "reset_before",
    "reset_after",
    "delay",
    "trickle",
    "status",
    "redirect",
    "truncate",
    "garbage",
    "texts",
    "refuse",
)
_STATUSES = (400, 403, 429, 500, 502, 503, 504)


class Fault:
    """One planned fault; it wears off after `times` requests (0: never)."""

    def __init__(
        self,
        cluster: Cluster,
        kind: str,
        method: str | None = None,
        path: str | None = None,
        node: str | None = None,
        times: int = 1,
        **params: Any,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"unknown kind of fault [{kind}]; choose one of {', '.join(KINDS)}")
        if kind == "status" and params.get("status") not in _STATUSES:
            raise ValueError(f"a fault of kind [status] needs status, one of {_STATUSES}")
        if node is not None:
            node = cluster.node(node).name
        self.kind = kind
        self.method = method
        self.path = path
        self.node = node
        self.left = times if times > 0 else -1
        self.params = params

    def matches(self, node: Node, method: str, uri: str) -> bool:
        path = uri.partition("?")[0]
        return (
            self.left != 0
            and self.kind != "refuse"
            and (self.node is None or self.node == node.name)
            and (self.method is None or self.method == method)
            and (self.path is None or fnmatchcase(path, self.path))
        )

    async def before(self, http: web.BaseRequest, entry: Entry) -> web.StreamResponse | None:
        entry.fault = self.kind
        if self.kind == "delay":
            await asyncio.sleep(float(self.params.get("seconds", 1)))
            return None
        if self.kind == "reset_before":
            return _reset(http)
        if self.kind == "redirect":
            entry.status = int(self.params.get("status", 302))
            return web.Response(
                status=entry.status, headers={"Location": str(self.params.get("location", "https://127.0.0.1:1/login"))}
            )
        if self.kind == "status" and not self.params.get("act"):
            return self.refusal(entry)
        return None

    async def after(
        self, http: web.BaseRequest, entry: Entry, status: int, payload: bytes, headers: dict[str, str]
    ) -> web.StreamResponse | None:
        if self.kind == "reset_after":
            return _reset(http)
        if self.kind == "status":
            return self.refusal(entry)
        if self.kind == "garbage":
            entry.status = status
            return web.Response(
                status=status, body=str(self.params.get("body", "<html>not json</html>")).encode(), headers=headers
            )
        if self.kind == "texts":
            entry.status = status
            said = _hostile(json.loads(payload or b"null"), str(self.params["text"]), self.params.get("only"))
            return web.Response(status=status, text=json.dumps(said), headers=headers)
        if self.kind in ("trickle", "truncate"):
            entry.status = status
            response = web.StreamResponse(status=status, headers=headers)
            response.content_length = len(payload)
            await response.prepare(http)
            if self.kind == "truncate":
                await response.write(payload[: len(payload) // 2])
                return _reset(http, response)
            pause = float(self.params.get("seconds", 1)) / max(len(payload), 1)
            with contextlib.suppress(ConnectionResetError):  # the client had enough
                for index in range(len(payload)):
                    await response.write(payload[index : index + 1])
                    await asyncio.sleep(pause)
                await response.write_eof()
            return response
        return None

    def refusal(self, entry: Entry) -> web.StreamResponse:
        status = int(self.params["status"])
        headers = {}
        if self.params.get("retry_after") is not None:
            headers["Retry-After"] = str(self.params["retry_after"])
        entry.status = status
        if self.params.get("html"):
            text = f"<html><head><title>{status}</title></head><body><h1>{status} from a proxy</h1></body></html>"
            return web.Response(status=status, text=text, content_type="text/html", headers=headers)
        kind, reason = {
            429: ("es_rejected_execution_exception", "rejected execution of coordinating operation"),
            503: ("cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"),
        }.get(status, ("exception", f"upstream answered {status}"))
        reason = str(self.params.get("reason", reason))
        body = {
            "error": {"root_cause": [{"type": kind, "reason": reason}], "type": kind, "reason": reason},
            "status": status,
        }
        headers["X-Elastic-Product"] = "Elasticsearch"
        return web.Response(status=status, text=json.dumps(body), content_type="application/json", headers=headers)


def _hostile(value: Any, text: str, only: list[str] | None, key: str = "") -> Any:
    """What a hostile server makes of its answer: `text` behind every text in it, or behind those of some fields."""
    if isinstance(value, dict):
        return {name: _hostile(item, text, only, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_hostile(item, text, only, key) for item in value]
    return value + text if isinstance(value, str) and (only is None or key in only) else value


def _reset(http: web.BaseRequest, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """Cut the TCP connection hard (RST), so that the client sees a reset and no answer."""
    transport = http.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return response or web.Response(status=500)


def take(node: Node, method: str, uri: str) -> Fault | None:
    for fault in node.cluster.extra.get("faults", []):
        if fault.matches(node, method, uri):
            fault.left -= 1
            return fault
    return None
