# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Elasticsearch client of all modules and of the lookup. Private to this collection.

What is sent again, and when:

* A request that did not get out (no connection) goes to the next URL; nothing has happened yet.
* A safe request (one that may be repeated: reads, and what the caller marks so) is also sent again when its answer got
  lost or was 429, 502, 503 or 504.
* An unsafe one (the creation of a key) is sent again only after 429: Elasticsearch answers so when it rejects a request
  before it begins to work on it. 502, 503 and 504 may come from a proxy after the node has acted.
* Between rounds over the URLs it waits, doubling each time, with jitter; a Retry-After of the server is honoured.
* All of it together takes at most TOTAL_FACTOR times `timeout`.
"""

from __future__ import annotations

import copy
import ipaddress
import json
import os
import random
import time
import typing as t
from urllib.parse import urlencode, urlsplit

from .._errors import EsApiError, EsConnectionError, EsError, EsTlsError, InputError, NotSent
from .._versions import parse
from .address import check_urls
from .login import Login, build_login
from .tls import TlsOptions, check_options
from .transport import RawResponse, Transport

TOTAL_FACTOR = 3
BACKOFF_FIRST = 0.5
BACKOFF_MOST = 10.0
_REPEATABLE = (429, 502, 503, 504)


class Response(t.NamedTuple):
    """A good answer."""

    status: int
    body: t.Any
    headers: t.Mapping[str, str]
    url: str


class ServerInfo(t.NamedTuple):
    """What GET / tells."""

    version: t.Tuple[int, ...]
    number: str
    flavor: str
    cluster_name: str

    @property
    def serverless(self) -> bool:
        return self.flavor == "serverless"


class ElasticsearchClient:
    """Talks to one cluster through any of its URLs."""

    def __init__(
        self,
        options: t.Mapping[str, t.Any],
        *,
        transport: t.Optional[t.Any] = None,
        environ: t.Optional[t.Mapping[str, str]] = None,
        sleep: t.Callable[[float], None] = time.sleep,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self.urls = check_urls(options.get("urls") or [])
        self.login: Login = build_login(options, os.environ if environ is None else environ)
        self.timeout = float(_at_least(options, "timeout", 30, 1))
        self.retries = int(_at_least(options, "retries", 3, 0))
        tls = TlsOptions(
            validate_certs=options.get("validate_certs", True) is not False,
            ca_cert=options.get("ca_cert") or None,
            ca_fingerprint=options.get("ca_fingerprint") or None,
            client_cert=options.get("client_cert") or None,
            client_key=options.get("client_key") or None,
        )
        check_options(tls)
        self._tls = tls
        #: What the user should know and need not change.
        self.warnings = plain_http(self.urls, tls, bool(self.login.headers))
        self.transport = transport or Transport(tls)
        self.requests = 0
        self._sleep = sleep
        self._clock = clock
        self._info: t.Optional[ServerInfo] = None

    @property
    def cluster(self) -> str:
        """The cluster, for messages."""
        more = len(self.urls) - 1
        return self.urls[0] + (f" (or {more} more)" if more else "")

    def at(self, url: str) -> ElasticsearchClient:
        """A client for the same cluster that uses this URL only."""
        one = copy.copy(self)
        one.urls = check_urls([url])
        one.warnings = plain_http(one.urls, self._tls, bool(self.login.headers))
        one.requests = 0
        one._info = None
        return one

    def patient(self, seconds: float) -> ElasticsearchClient:
        """This client, waiting at least so long for an answer."""
        one = copy.copy(self)
        one.timeout = max(self.timeout, seconds)
        return one

    def another(self) -> ElasticsearchClient:
        """A client with connections of its own, for another thread: one remembers one request per URL."""
        one = copy.copy(self)
        one.urls = list(self.urls)
        one.transport = Transport(self._tls)
        one.requests = 0
        return one

    def pause(self, seconds: float) -> None:
        """Wait."""
        if seconds > 0:
            self._sleep(seconds)

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def info(self) -> ServerInfo:
        """Version and flavour of the server, asked once."""
        if self._info is None:
            body = self.request("GET", "/", attempt="read the version of the cluster").body
            version = body.get("version") or {}
            number = str(version.get("number") or "")
            self._info = ServerInfo(
                version=parse(number),
                number=number,
                flavor=str(version.get("build_flavor") or ""),
                cluster_name=str(body.get("cluster_name") or ""),
            )
        return self._info

    def request(
        self,
        method: str,
        path: str,
        params: t.Optional[t.Mapping[str, t.Any]] = None,
        body: t.Optional[t.Any] = None,
        safe: t.Optional[bool] = None,
        attempt: t.Optional[str] = None,
    ) -> Response:
        """Send a request and return the good answer; anything else is an EsError whose text says `Cannot {attempt}`."""
        if safe is None:
            safe = method in ("GET", "HEAD")
        target = path + ("?" + urlencode(_plain(params)) if params else "")
        data = None if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        try:
            return self._rounds(method, target, data, safe)
        except EsError as exc:
            exc.attempt = exc.attempt or attempt
            raise

    def _rounds(self, method: str, target: str, data: t.Optional[bytes], safe: bool) -> Response:
        end = self._clock() + self.timeout * TOTAL_FACTOR
        round_number = 0
        while True:
            failure, wait = self._one_round(method, target, data, safe, end)
            if isinstance(failure, Response):
                return failure
            if round_number >= self.retries or wait is None:
                raise failure
            pause = max(wait, min(BACKOFF_MOST, BACKOFF_FIRST * 2**round_number) * random.uniform(0.5, 1.0))
            if self._clock() + pause >= end:
                if wait and not failure.advice:
                    failure.advice = f"It asks to wait {wait:g} s, more than is left of {TOTAL_FACTOR} x timeout."
                raise failure
            self._sleep(pause)
            round_number += 1

    def _one_round(
        self, method: str, target: str, data: t.Optional[bytes], safe: bool, end: float
    ) -> t.Tuple[t.Any, t.Optional[float]]:
        """Try every URL once. Returns the answer, or the failure and the seconds to wait at least (None: give up)."""
        failure: t.Optional[EsError] = None
        tried: t.List[str] = []
        wait = 0.0
        for url in list(self.urls):
            left = end - self._clock()
            if failure is not None and left <= 0:
                break
            try:
                self.requests += 1
                timeout = min(self.timeout, max(left, 0.1))
                answer = self.transport.send(method, url, target, self._headers(data), data, timeout)
                result = self._read(answer, method, safe)
            except NotSent as exc:
                self.requests -= 1
                tried.append(url)
                failure = _first_told(failure, exc)
                continue
            except EsConnectionError as exc:
                if not safe:
                    return exc, None
                failure = exc
                continue
            except EsApiError as exc:
                from .answer_errors import retry_after

                wait_for = retry_after(answer.headers.get("retry-after"))
                if exc.status not in _REPEATABLE or not (safe or exc.status == 429):
                    return exc, None
                failure = exc
                wait = max(wait, wait_for)
                if exc.status == 429:
                    break  # the cluster is busy, not the node
                continue
            except EsError as exc:
                return exc, None
            self._prefer(url)
            return result, None
        if isinstance(failure, EsTlsError):
            return failure, None  # waiting does not make a certificate trusted
        if isinstance(failure, NotSent) and not failure.advice:
            several = f"None of the {len(tried)} urls could be reached. " if len(tried) > 1 else ""
            failure.advice = several + "Check urls, and that this host may connect there."
        return failure, wait

    def _prefer(self, url: str) -> None:
        # A node that is down is not asked first again.
        if self.urls[0] != url:
            index = self.urls.index(url)
            self.urls = self.urls[index:] + self.urls[:index]

    def _headers(self, data: t.Optional[bytes]) -> t.Dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "crosscluster.elasticsearch", **self.login.headers}
        if data is not None:
            headers["Content-Type"] = "application/json"
        return headers

    def _read(self, answer: RawResponse, method: str, safe: bool) -> Response:
        if answer.status >= 300 or answer.headers.get("x-elastic-product") != "Elasticsearch":
            from .answer_errors import explain

            raise explain(answer, self.login, may_have_acted=not safe)
        try:
            body = json.loads(answer.text) if answer.text.strip() else None
            parsed = True
        except (ValueError, RecursionError):
            body, parsed = None, False
        if not parsed or (body is None and method != "HEAD"):
            raise EsConnectionError("the answer is cut off or not JSON", url=answer.url, may_have_acted=not safe)
        return Response(answer.status, body, answer.headers, answer.url)


def plain_http(urls: t.Sequence[str], tls: TlsOptions, login: bool) -> t.List[str]:
    """What is to be said of URLs without TLS: nothing, a warning, or that they are refused."""
    plain = [url for url in urls if url.startswith("http:")]
    trust = "ca_fingerprint" if tls.ca_fingerprint else "ca_cert" if tls.ca_cert else "client_cert"
    if plain and (tls.ca_fingerprint or tls.ca_cert or tls.client_cert):
        raise InputError(
            f"{trust} is given, and {plain[0]} has no TLS, so nothing would be checked: write https://, or leave out "
            f"{trust} (possibly taken from ELASTICSEARCH_CA_CERT)."
        )
    far = [url for url in plain if not _is_loopback(urlsplit(url).hostname or "")]
    if not far or not login:
        return []
    return [f"{far[0]} has no TLS: whoever is on the way reads the login. Write https://."]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


def _first_told(first: t.Optional[EsError], new: EsError) -> EsError:
    # Of several nodes that cannot be reached the first tells most: it is the one the user named first.
    return first if isinstance(first, NotSent) else new


def _plain(params: t.Mapping[str, t.Any]) -> t.List[t.Tuple[str, str]]:
    return [
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in params.items()
        if value is not None
    ]


def _at_least(options: t.Mapping[str, t.Any], name: str, default: int, least: int) -> t.Any:
    value = options.get(name)
    value = default if value is None else value
    if value < least:
        raise InputError(f"{name} must be at least {least}.")
    return value
