# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTPS listener per node: TLS, authentication, dispatch, response headers, faults and the request log."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import re
import socket
from typing import Any

from aiohttp import web

from .. import certificates
from ..security import authentication
from ..state import Node
from . import faults, filter_path, request_log
from .errors import EsHttpError, SimpleError, illegal_argument
from .routing import Request, dumps, find, parse_query

LOG = logging.getLogger("simulator")
_MEDIA = re.compile(r"^application/(vnd\.elasticsearch\+)?(json|x-ndjson)\s*((?:;[^;]*)*)$", re.IGNORECASE)
_COMPATIBLE = re.compile(r"compatible-with\s*=\s*\"?(\d+)")
_HTTP_LIMITS = {"max_line_size": 4096 * 4, "max_field_size": 16384, "max_headers": 256}


class Listener:
    """Holds a node's port for the whole life of the simulator (a bound socket that does not listen refuses
    connections)."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.reservation = _bind(0)
        self.port: int = self.reservation.getsockname()[1]
        self.runner: web.ServerRunner | None = None

    async def start(self) -> None:
        server = web.Server(self.handle, access_log=None, keepalive_timeout=75)
        self.runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.05)
        await self.runner.setup()
        folder = self.node.config_dir / "certs"
        context = self.node.cluster.extra.setdefault("http_contexts", {}).get(self.node.name)
        if context is None:
            context = certificates.server_context(folder / "http.crt", folder / "http.key")
            self.node.cluster.extra["http_contexts"][self.node.name] = context
        await web.SockSite(self.runner, _bind(self.port), ssl_context=context, backlog=512).start()

    async def stop(self) -> None:
        if self.runner is not None:
            runner, self.runner = self.runner, None
            await runner.cleanup()

    def close(self) -> None:
        self.reservation.close()

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        entry = request_log.Entry(self.node, http.method, http.raw_path)
        try:
            raw = await http.read()
        except Exception as error:  # the peer went away, or sent a body that is not what its headers say
            LOG.debug("reading a request failed: %s", error)
            return web.Response(status=400)
        fault = faults.take(self.node, http.method, http.raw_path)
        entry.body = raw
        try:
            if fault is not None:
                early = await fault.before(http, entry)
                if early is not None:
                    return early
            status, payload, headers = await respond(self.node, http.method, http.raw_path, raw, http.headers, entry)
            if fault is not None:
                late = await fault.after(http, entry, status, payload, headers)
                if late is not None:
                    return late
            entry.status = status
            return web.Response(status=status, body=b"" if http.method == "HEAD" else payload, headers=headers)
        finally:
            entry.write()


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


async def respond(
    node: Node, method: str, uri: str, raw: bytes, headers: Any, entry: request_log.Entry | None = None
) -> tuple[int, bytes, dict[str, str]]:
    """From the bytes of a request to the bytes of the answer; every failure becomes an Elasticsearch error."""
    request = Request(node, method, uri, raw, headers)
    out = {
        "X-Elastic-Product": "Elasticsearch",
        "Content-Type": _response_type(headers.get("Accept"), headers.get("Content-Type")),
    }
    body: Any
    try:
        request.query = parse_query(request.raw_query, uri)
        request.params = dict(request.query)
        _check_media(node, headers, raw)
        request.auth = await authentication.authenticate(request)
        if entry is not None:
            entry.user = request.auth.username
        route, request.path_params = find("GET" if method == "HEAD" else method, request.raw_path, node)
        request.params = {**request.query, **request.path_params}
        request.check(route)
        status, body = await route.handler(request)
        failed = False
    except (EsHttpError, SimpleError) as error:
        failed = True
        status, body = error.status, error.body()
        out.update(error.headers)
        if isinstance(error, EsHttpError) and request.query.get("error_trace") in ("", "true"):
            body["error"]["stack_trace"] = f"{error.type}: {error.reason}\n\tat simulator"
    except Exception:
        # A hole in the simulator itself. It is logged as such, and the fuzz test fails on it.
        LOG.exception("unhandled error in %s %s", method, uri)
        with contextlib.suppress(Exception):
            node.cluster.extra.setdefault("bugs", []).append(f"{method} {uri}")
        failed = True
        status = 500
        body = EsHttpError(500, "simulator_bug_exception", "the simulator failed on this request; see its log").body()
    out.update(request.response_headers)
    for warning in request.warnings:
        out["Warning"] = f'299 Elasticsearch-{".".join(map(str, node.version))} "{warning}"'
    if isinstance(body, bytes):
        return status, body, out
    if isinstance(body, str):
        out["Content-Type"] = "text/plain; charset=UTF-8"
        return status, body.encode(), out
    if not failed and request.query.get("filter_path"):  # errors are built without the filter
        body = filter_path.apply(body, request.query["filter_path"])
    pretty = request.query.get("pretty") in ("", "true")
    return status, dumps(body, pretty).encode("utf-8", "surrogatepass"), out


def _response_type(accept: str | None, content_type: str | None) -> str:
    for header in (accept, content_type if not accept or accept == "*/*" else None):
        if header and "vnd.elasticsearch+" in header.lower():
            found = _COMPATIBLE.search(header)
            return (
                f"application/vnd.elasticsearch+json;compatible-with={found.group(1)}"
                if found
                else "application/vnd.elasticsearch+json"
            )
    return "application/json"


def _check_media(node: Node, headers: Any, raw: bytes) -> None:
    major = node.version[0]
    accept, content_type = headers.get("Accept"), headers.get("Content-Type")
    for name, header in (("Accept", accept), ("Content-Type", content_type)):
        found = _COMPATIBLE.search(header or "")
        if found and int(found.group(1)) not in (major, major - 1):
            raise _bad_media_type(
                f"{name} version must be either version {major} or {major - 1}, "
                f"but found {found.group(1)}. {name}={header}"
            )
    if accept and "vnd.elasticsearch+json" not in accept and not _accepts(accept):
        raise EsHttpError(400, "media_type_header_exception", "Invalid media-type value on headers [Accept]")
    if raw:
        if content_type is None:
            raise SimpleError(406, "Content-Type header [] is not supported")
        if not content_type.strip():
            cause = illegal_argument("Header [Content-Type] cannot be empty.")
            text = "Invalid media-type value on headers [Content-Type]"
            raise EsHttpError(400, "media_type_header_exception", text, cause)
        if not _MEDIA.match(content_type.strip()):
            raise SimpleError(406, f"Content-Type header [{content_type}] is not supported")


def _bad_media_type(reason: str) -> EsHttpError:
    text = "Invalid media-type value on headers [Content-Type, Accept]"
    error = EsHttpError(400, "media_type_header_exception", text, EsHttpError(400, "status_exception", reason))
    error.root = error
    return error


def _accepts(header: str) -> bool:
    return any(
        part.split(";")[0].strip().lower()
        in (
            "*/*",
            "application/*",
            "application/json",
            "application/x-ndjson",
            "text/plain",
            "application/vnd.elasticsearch+x-ndjson",
        )
        for part in header.split(",")
    )


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


async def start_node(node: Node) -> None:
    if node.listener is None:
        node.listener = Listener(node)
        node.port = node.listener.port
        node.url = f"https://127.0.0.1:{node.port}"
    await node.listener.start()


async def stop_node(node: Node) -> None:
    if node.listener is not None:
        await node.listener.stop()
    await asyncio.sleep(0)
