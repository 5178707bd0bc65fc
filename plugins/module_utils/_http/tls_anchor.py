# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch the CA that ca_fingerprint names from the server. Private to this collection.

A CA given by its fingerprint is fetched from the server first, over a connection that carries nothing, and becomes the
only CA that is trusted. Every later connection is then verified in full (chain and host name) against it, as Elastic
Agent and Beats do with `ca_trusted_fingerprint`. Only looking whether some certificate of the chain has the fingerprint
would accept anybody who appends the (public) CA certificate to a chain of his own.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import sys
import typing as t
from urllib.parse import urlsplit

from .._errors import EsConnectionError, EsTlsError
from .tls import parse_fingerprint
from .transport_errors import describe_tls_error


def fetch_from(base: str, fingerprint: str, timeout: float) -> bytes:
    """The certificate (DER) with this fingerprint out of the chain that the server at this URL presents."""
    parts = urlsplit(base)
    host, port = parts.hostname or "", parts.port or 443
    return fetch_anchor(host, fingerprint, timeout, lambda: socket.create_connection((host, port), timeout=timeout))


def fetch_anchor(host: str, fingerprint: str, timeout: float, opener: t.Callable[[], socket.socket]) -> bytes:
    """The same, over the connection that `opener` opens."""
    if sys.version_info < (3, 10):  # It has no way to ask for the chain.
        raise EsTlsError(
            "ca_fingerprint needs Python 3.10 or newer on the host that asks",
            advice="Give the CA as a file in ca_cert, or call the cluster from another host.",
        )
    chain: t.List[bytes] = []
    try:
        chain = _presented_chain(host, timeout, opener)
    except socket.timeout as exc:
        raise EsConnectionError(f"no TLS answer within {timeout:g} s") from exc
    except ssl.SSLError as exc:
        raise EsTlsError(describe_tls_error(exc)) from exc
    except OSError as exc:
        raise EsConnectionError(f"the connection broke ({exc.strerror or type(exc).__name__})") from exc
    wanted = parse_fingerprint(fingerprint)
    for certificate in chain:
        if hashlib.sha256(certificate).hexdigest() == wanted:
            return certificate
    raise EsTlsError(
        "no certificate that the server presents has the fingerprint of ca_fingerprint",
        advice="Either this is another server than expected, or its CA was replaced, or it does not send its CA "
        "certificate: compare the fingerprint, or give the CA as a file in ca_cert.",
    )


def _presented_chain(host: str, timeout: float, opener: t.Callable[[], socket.socket]) -> t.List[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with opener() as raw, context.wrap_socket(raw, server_hostname=host) as connection:
        public = getattr(connection, "get_unverified_chain", None)
        if public is not None:  # Python 3.13
            return [bytes(certificate) for certificate in public()]
        certificates = connection._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # 3.10-3.12
        return [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in certificates]
