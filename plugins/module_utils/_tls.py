# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust: from the TLS options to an SSLContext. Private to this collection.

The context is always built here rather than by `requests`, so that it does not depend on the versions of requests and
urllib3 which certificates are trusted, and so that REQUESTS_CA_BUNDLE cannot replace a CA that was asked for.

A CA given by its fingerprint is fetched from the server first, over a connection that carries nothing, and becomes the
only CA that is trusted. Every later connection is then verified in full (chain and host name) against it, as Elastic
Agent and Beats do with `ca_trusted_fingerprint`. Only looking whether some certificate of the chain has the fingerprint
would accept anybody who appends the (public) CA certificate to a chain of his own.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import ssl
import time
import typing as t

from ._errors import EsConnectionError, EsTlsError, InputError

_PARTIAL_CHAIN = 0x80000  # ssl.VERIFY_X509_PARTIAL_CHAIN has a name from Python 3.10 on only
_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class TlsOptions(t.NamedTuple):
    """The TLS half of the connection options."""

    validate_certs: bool = True
    ca_cert: t.Optional[str] = None
    ca_fingerprint: t.Optional[str] = None
    client_cert: t.Optional[str] = None
    client_key: t.Optional[str] = None


def parse_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint as 64 lower-case hex digits; Elasticsearch prints it so, openssl with colons."""
    digits = re.sub(r"^sha-?256(?:\s+fingerprint)?\s*[=:]\s*", "", text.strip(), flags=re.IGNORECASE)
    digits = re.sub(r"[:\s]", "", digits).lower()
    if not re.match(r"^[0-9a-f]{64}\Z", digits):
        hint = " (40 digits are a SHA-1 fingerprint)" if re.match(r"^[0-9a-f]{40}\Z", digits) else ""
        raise InputError(
            "ca_fingerprint must be the SHA-256 fingerprint of the CA certificate, 64 hex digits with or without colons"
            f"{hint}; Elasticsearch prints it at its first start, and "
            "'openssl x509 -fingerprint -sha256 -noout -in http_ca.crt' shows it."
        )
    return digits


def check_options(options: TlsOptions) -> None:
    """Refuse what cannot work before any connection is opened."""
    if options.client_key and not options.client_cert:
        raise InputError("client_key needs client_cert: give the certificate (PEM) that belongs to the key.")
    if options.ca_cert and options.ca_fingerprint:
        raise InputError("ca_cert and ca_fingerprint both say which CA to trust: give one of them.")
    if options.ca_fingerprint:
        parse_fingerprint(options.ca_fingerprint)
        if not options.validate_certs:
            raise InputError("ca_fingerprint has no effect with validate_certs=false: give one of them.")
    for name in ("ca_cert", "client_cert", "client_key"):
        path = getattr(options, name)
        if path and not os.path.exists(path):
            raise InputError(f"{name}: the file '{path}' does not exist on the host this task runs on.")
        if path and not os.access(path, os.R_OK):
            raise InputError(f"{name}: the file '{path}' cannot be read by the user this task runs as.")


def build_context(
    options: TlsOptions, anchor: t.Optional[bytes] = None, bundle: t.Optional[str] = None
) -> ssl.SSLContext:
    """The context for all connections. `anchor`: the pinned CA (DER); `bundle`: trusted when nothing is named."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not options.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif anchor is not None:
        context.load_verify_locations(cadata=anchor)
        context.verify_flags |= _PARTIAL_CHAIN
    elif options.ca_cert:
        _load_ca(context, options.ca_cert, "ca_cert")
        # An intermediate CA, or the server's own certificate, may be what was given.
        context.verify_flags |= _PARTIAL_CHAIN
    else:
        _load_public(context, bundle)
    if options.client_cert:
        _load_client_certificate(context, options.client_cert, options.client_key)
    return context


def _load_ca(context: ssl.SSLContext, path: str, name: str) -> None:
    try:
        if os.path.isdir(path):
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as exc:  # SSLError is an OSError
        raise InputError(f"{name}: '{path}' does not hold a readable CA certificate in PEM form.") from exc


def _load_public(context: ssl.SSLContext, bundle: t.Optional[str]) -> None:
    for variable in _BUNDLE_VARIABLES:
        path = os.environ.get(variable)
        if path and os.path.exists(path):
            _load_ca(context, path, variable)
            return
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if bundle and os.path.exists(bundle):
        _load_ca(context, bundle, "the CA bundle of the Python library requests")


def _load_client_certificate(context: ssl.SSLContext, certificate: str, key: t.Optional[str]) -> None:
    def no_passphrase() -> t.NoReturn:
        # Without this OpenSSL would ask on the terminal and wait for ever.
        raise InputError(f"client_key: '{key or certificate}' is protected by a passphrase: give a key without one.")

    try:
        context.load_cert_chain(certificate, key or None, password=no_passphrase)
    except (OSError, ValueError) as exc:
        where = f"'{certificate}' and '{key}'" if key else f"'{certificate}'"
        raise InputError(
            f"client_cert: {where} do not hold a certificate and its private key in PEM form"
            + (" that belong together." if key else "; client_key names the file of the key when it is separate.")
        ) from exc


def fetch_anchor(host: str, fingerprint: str, timeout: float, opener: t.Callable[[], socket.socket]) -> bytes:
    """The certificate (DER) with this fingerprint out of the chain that the server presents."""
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
