# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What went wrong with an exchange, in words. Private to this collection; loaded only when something did."""

from __future__ import annotations

import re
import socket
import ssl
import typing as t

from .._errors import EsConnectionError, NotSent, NotSentTls

_CERTIFICATE_ALERT = re.compile(r"alert[ _](certificate|bad[ _]certificate|unknown[ _]ca|handshake)", re.IGNORECASE)


def explain(exc: t.Any, base: str, connect: float, timeout: float, sent: bool) -> EsConnectionError:
    """Our exception for one of urllib3's. connect, timeout: the seconds there were to connect, and in all."""
    import urllib3

    chain = list(_chain(exc))
    # urllib3 counts a refused connection among the time-outs.
    refused = urllib3.exceptions.NewConnectionError
    timed_out = any(
        isinstance(item, (urllib3.exceptions.TimeoutError, socket.timeout)) and not isinstance(item, refused)
        for item in chain
    )
    refusal = next((text for text in map(str, chain) if _CERTIFICATE_ALERT.search(text)), None)
    if refusal:
        # With TLS 1.3 the server's verdict on the client certificate comes after the request was written, and unread.
        return NotSentTls(
            "the server refused the client's certificate, or wants one",
            url=base,
            advice="Check client_cert and client_key.",
        )
    if sent:
        problem = "the connection broke before the answer was complete"
        if timed_out:
            problem = f"no complete answer within {timeout:.3g} s"
        advice = None if timed_out or base.startswith("https:") else "If the cluster wants TLS, write https:// in urls."
        return EsConnectionError(problem, url=base, may_have_acted=True, advice=advice)
    if isinstance(exc, urllib3.exceptions.ProxyError):
        return NotSent(
            "the proxy that the environment names did not open a connection",
            url=base,
            advice="Check HTTPS_PROXY, or name the cluster's hosts in NO_PROXY.",
        )
    tls = next((item for item in chain if isinstance(item, ssl.SSLError)), None)
    if tls is not None or isinstance(exc, urllib3.exceptions.SSLError):
        problem = describe_tls_error(tls or exc)
        advice = None
        if "certificate is not trusted" in problem:
            advice = (
                "Give the cluster's CA in ca_cert (or its fingerprint in ca_fingerprint), and in urls a host name that "
                "the certificate holds."
            )
        return NotSentTls(problem, url=base, advice=advice)
    if timed_out:
        return NotSent(f"no connection within {connect:.3g} s", url=base)
    if isinstance(exc, ValueError):
        return NotSent("the request could not be formed from this URL and login", url=base)
    return NotSent(f"no connection ({_os_reason(chain)})", url=base)


def _chain(exc: t.Optional[BaseException]) -> t.Iterator[BaseException]:
    """The exception with all it was raised from or wraps."""
    todo: t.List[t.Any] = [exc]
    seen: t.List[int] = []
    while todo:
        item = todo.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.append(id(item))
        yield item
        todo += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]


def _os_reason(chain: t.Iterable[BaseException]) -> str:
    for item in chain:
        if isinstance(item, socket.gaierror):
            return "the host name is not known"
        if isinstance(item, OSError) and item.strerror:
            return item.strerror.lower()
    return "refused or unreachable"


def describe_tls_error(exc: BaseException) -> str:
    """The useful part of an SSL error, in words."""
    message = getattr(exc, "verify_message", None)
    if not message:
        found = re.search(r"certificate verify failed: ([^(\"]+)", str(exc))
        message = found.group(1).strip() if found else None
    if message:
        return f"its certificate is not trusted: {message}"
    text = re.sub(r"\s*\(_ssl\.c:\d+\)", "", str(getattr(exc, "reason", None) or exc))
    if re.search(r"doesn't match|does not match", str(exc)):  # how urllib3 before 2.0 says so
        return "its certificate is not trusted: it is not for this host name"
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text:
        return "it does not speak TLS on this port (is the URL meant to begin with http:// ?)"
    return f"the TLS handshake failed ({text})"
