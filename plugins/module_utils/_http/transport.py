# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP exchange with one URL. Private to this collection; the only file that imports requests and its urllib3.

What is decided here is what happened to one request; whether and where to try again is decided in _client.py.

The exchange is urllib3's. requests, whose import takes as long again as all of this file's work, is loaded only where
the environment names a proxy, which it knows best, and where its CA bundle is wanted.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import ssl
import sys
import threading
import traceback
import typing as t

from .._errors import EsConnectionError, EsTlsError, NotSent, NotSentTls
from .tls import TlsOptions, build_context

try:
    if importlib.util.find_spec("requests") is None:
        raise ImportError("No module named 'requests'")
    import urllib3
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
except ImportError:
    HAS_REQUESTS = False
    REQUESTS_IMPORT_ERROR: t.Optional[str] = traceback.format_exc()
else:
    HAS_REQUESTS = True
    REQUESTS_IMPORT_ERROR = None

# Time to open a connection: a node that is down must leave time for the next one.
CONNECT_TIMEOUT = 10.0
LARGEST_ANSWER = 64 << 20
"""Bytes, decoded. The largest answer there is, 10 000 API keys, takes some 30 MB."""
_CHUNK = 16 << 10  # as it comes; a compressed one becomes a thousand times as much at worst


class Request(t.NamedTuple):
    """What goes out."""

    method: str
    base: str
    path: str
    headers: t.Mapping[str, str]
    body: t.Optional[bytes]
    timeout: float


class RawResponse(t.NamedTuple):
    """An answer as it came."""

    status: int
    text: str
    headers: t.Mapping[str, str]
    url: str


class Transport:
    """Sends single requests; keeps connections open between them."""

    def __init__(self, tls: TlsOptions) -> None:
        self._tls = tls
        if HAS_REQUESTS and not tls.validate_certs:
            # Asked for by an option; a warning per request would stand between the lines of a lookup's output.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._sessions: t.Dict[str, _Session] = {}
        # What can be wrong with the files is found now, before anything is sent.
        self._context = None if tls.ca_fingerprint else build_context(tls, bundle=_requests_bundle(tls))
        if tls.ca_fingerprint and tls.client_cert:
            build_context(tls._replace(validate_certs=False))

    def send(
        self, method: str, base: str, path: str, headers: t.Mapping[str, str], body: t.Optional[bytes], timeout: float
    ) -> RawResponse:
        """Send a request to base + path. NotSent: it did not get out; EsConnectionError: no answer came."""
        session = self._sessions.setdefault(base, _Session())
        session.begin()
        box: t.Dict[str, t.Any] = {}

        def work() -> None:
            try:
                box["response"] = self._exchange(session, Request(method, base, path, headers, body, timeout))
            except BaseException as exc:  # handed over to the caller's thread
                box["error"] = exc

        # A thread because the time-outs of sockets are per read: a server that sends a byte now and then would hold
        # the task for ever.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(timeout + 0.25)
        if thread.is_alive():
            self._sessions.pop(base, None)
            if not session.give_up():
                raise NotSent(f"no connection within {timeout:.3g} s", url=base)
            raise EsConnectionError(f"no complete answer within {timeout:.3g} s", url=base, may_have_acted=True)
        if "error" in box:
            raise box["error"]
        return box["response"]

    def close(self) -> None:
        """Close the kept connections."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def _exchange(self, session: _Session, request: Request) -> RawResponse:
        base, timeout = request.base, request.timeout
        if session.http is None:
            session.open(base, self._context_for(base, timeout), self._tls.validate_certs)
        try:
            answer = session.http.request(
                request.method,
                base + request.path,
                headers={"Accept-Encoding": "gzip, deflate", **request.headers},
                body=request.body,
                timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT, timeout), read=timeout),
                # A redirect is an answer too: another server's.
                redirect=False,
                retries=False,
                enforce_content_length=True,
                preload_content=False,
            )
            data = _read(answer, base)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as exc:
            # Here and below, code for what seldom happens is loaded when it does: a module run compiles all it loads.
            from .transport_errors import explain

            raise explain(exc, base, min(CONNECT_TIMEOUT, timeout), timeout, session.sent) from exc
        return RawResponse(
            answer.status, data.decode("utf-8", "replace"), {k.lower(): v for k, v in answer.headers.items()}, base
        )

    def _context_for(self, base: str, timeout: float) -> t.Optional[ssl.SSLContext]:
        if not base.lower().startswith("https:"):
            return None
        if self._context is None:
            # The same CA is expected of all nodes.
            self._context = build_context(self._tls, anchor=self._fetch_pinned(base, timeout))
        return self._context

    def _fetch_pinned(self, base: str, timeout: float) -> bytes:
        from .tls_anchor import fetch_from

        if _proxy_for(base):
            raise NotSent(
                "ca_fingerprint cannot be used through the proxy that the environment names",
                url=base,
                advice="Give the CA as a file in ca_cert, or name the host in NO_PROXY.",
            )
        try:
            return fetch_from(base, self._tls.ca_fingerprint or "", min(CONNECT_TIMEOUT, timeout))
        except EsTlsError as exc:
            raise NotSentTls(exc.problem, url=base, advice=exc.advice) from exc
        except EsConnectionError as exc:
            raise NotSent(exc.problem, url=base, advice=exc.advice) from exc


def _read(answer: t.Any, base: str) -> bytes:
    """The whole answer, decoded. A small one may unpack to more than there is memory."""
    parts: t.List[bytes] = []
    size = 0
    for part in answer.stream(_CHUNK, decode_content=True):
        size += len(part)
        if size > LARGEST_ANSWER:
            answer.close()
            raise EsConnectionError(
                f"its answer is larger than {LARGEST_ANSWER >> 20} MiB", url=base, may_have_acted=True
            )
        parts.append(part)
    answer.release_conn()
    return b"".join(parts)


class _Session:
    """urllib3's pools for one URL, and whether the request in hand was put on the wire."""

    def __init__(self) -> None:
        self.http: t.Any = None
        self.sent = False
        self._given_up = False
        self._lock = threading.Lock()
        self._connection: t.Any = None

    def begin(self) -> None:
        """A new request."""
        self.sent = False

    def sending(self, connection: t.Any) -> None:
        """The request goes out now; not any more when nobody waits for its answer."""
        with self._lock:
            if self._given_up:
                raise OSError("given up")
            self.sent = True
            self._connection = connection

    def give_up(self) -> bool:
        """End it wherever it is; whether it was sent. What was not yet sent never is."""
        with self._lock:
            self._given_up = True
            connection = self._connection
        with contextlib.suppress(OSError):
            if connection is not None and connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)
        return self.sent

    def open(self, base: str, context: t.Optional[ssl.SSLContext], verify: bool) -> None:
        tls: t.Dict[str, t.Any] = {}
        if context is not None:
            tls = {"ssl_context": context, "cert_reqs": "CERT_REQUIRED" if verify else "CERT_NONE"}
            if not verify:
                tls["assert_hostname"] = False
            if urllib3.__version__.startswith("1."):
                # It tells the context no host name when that is an address, and compares the certificate itself.
                context.check_hostname = False
        proxy = _proxy_for(base)
        self.http = _proxy_manager(proxy, tls) if proxy else urllib3.PoolManager(**tls)
        self.http.pool_classes_by_scheme = _pool_classes(self)

    def close(self) -> None:
        if self.http is not None:
            self.http.clear()


def _proxy_for(base: str) -> t.Optional[str]:
    """The proxy that the environment (on macOS also the system) names for this URL."""
    if sys.platform != "darwin" and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    import requests

    proxy = requests.utils.select_proxy(base, requests.utils.get_environ_proxies(base))
    return requests.utils.prepend_scheme_if_needed(proxy, "http") if proxy else None


def _proxy_manager(proxy: str, tls: t.Mapping[str, t.Any]) -> t.Any:
    """What requests makes of a proxy: it reads the login from the URL, and knows SOCKS."""
    import requests

    return requests.adapters.HTTPAdapter().proxy_manager_for(proxy, **tls)


def _pool_classes(session: _Session) -> t.Dict[str, t.Any]:
    """urllib3's pool classes with connections that mark the session once a request goes out.

    From an exception alone it cannot be told whether a TLS connection broke before or after the request was sent, and
    a creation may be repeated only when it was not.
    """

    def marking(connection_class: t.Any) -> t.Any:
        class Connection(connection_class):
            opening = False

            def connect(self) -> t.Any:
                self.opening = True  # a CONNECT to a proxy also passes through send()
                try:
                    return super().connect()
                finally:
                    self.opening = False

            def send(self, data: t.Any) -> t.Any:
                if not self.opening:
                    if self.sock is None:
                        self.connect()
                    session.sending(self)
                return super().send(data)

        return Connection

    class Http(HTTPConnectionPool):
        ConnectionCls = marking(HTTPConnectionPool.ConnectionCls)

    class Https(HTTPSConnectionPool):
        ConnectionCls = marking(HTTPSConnectionPool.ConnectionCls)

    return {"http": Http, "https": Https}


def _requests_bundle(tls: TlsOptions) -> t.Optional[str]:
    if not HAS_REQUESTS or tls.ca_cert or not tls.validate_certs:
        return None
    import requests

    return requests.utils.DEFAULT_CA_BUNDLE_PATH
