# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust: from the TLS options to an SSLContext. Private to this collection.

The context is always built here rather than by `requests`, so that it does not depend on the versions of requests and
urllib3 which certificates are trusted, and so that REQUESTS_CA_BUNDLE cannot replace a CA that was asked for.

A CA given by its fingerprint is fetched first, see _tls_anchor.py.
"""

from __future__ import annotations

import os
import re
import ssl
import typing as t

from .._errors import InputError

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
