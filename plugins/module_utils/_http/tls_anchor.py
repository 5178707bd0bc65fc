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
import time
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
    raw = opener()
    if not _reads_chain():
        try:
            return _chain_on_the_wire(context, raw, host, timeout)
        finally:
            raw.close()
    with raw, context.wrap_socket(raw, server_hostname=host) as connection:
        public = getattr(connection, "get_unverified_chain", None)
        if public is not None:  # Python 3.13
            return [bytes(certificate) for certificate in public()]
        certificates = connection._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # 3.10-3.12
        return [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in certificates]


def _reads_chain() -> bool:
    # SSLSocket keeps an _ssl._SSLSocket; Python 3.8 and 3.9 have no way to ask it for the chain.
    import _ssl

    return hasattr(ssl.SSLSocket, "get_unverified_chain") or hasattr(_ssl._SSLSocket, "get_unverified_chain")  # type: ignore


def _chain_on_the_wire(context: ssl.SSLContext, raw: socket.socket, host: str, timeout: float) -> t.List[bytes]:
    """Python 3.8 and 3.9: up to TLS 1.2 the Certificate message is not encrypted and can be read as it passes."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=host)
    seen = b""
    end = time.monotonic() + timeout
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        else:
            return certificates_in(seen)
        raw.sendall(outgoing.read())
        raw.settimeout(max(0.01, end - time.monotonic()))
        data = raw.recv(65536)
        if not data:
            raise ssl.SSLError("the server closed the connection during the TLS handshake")
        seen += data
        incoming.write(data)
        chain = certificates_in(seen)
        if chain:
            return chain


def certificates_in(stream: bytes) -> t.List[bytes]:
    """The certificates (DER) in the plain part of a TLS 1.2 handshake, once the message with them is complete."""
    handshake = b""
    while len(stream) >= 5:
        kind, length = stream[0], int.from_bytes(stream[3:5], "big")
        if kind != 22 or len(stream) < 5 + length:  # 22: handshake record
            break
        handshake += stream[5 : 5 + length]
        stream = stream[5 + length :]
    while len(handshake) >= 4:
        kind, length = handshake[0], int.from_bytes(handshake[1:4], "big")
        body = handshake[4 : 4 + length]
        if len(body) < length:
            break
        if kind == 11:  # Certificate: a list of length-prefixed certificates, itself length-prefixed
            return _split_certificates(body[3:])
        handshake = handshake[4 + length :]
    return []


def _split_certificates(data: bytes) -> t.List[bytes]:
    certificates = []
    while len(data) >= 3:
        length = int.from_bytes(data[:3], "big")
        certificates.append(data[3 : 3 + length])
        data = data[3 + length :]
    return certificates
