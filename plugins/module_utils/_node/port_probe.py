# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What answers at the address of a remote cluster. Standard library only. Private to this collection.

A connection is opened and TLS is spoken, and nothing is sent in it. A transport port tells itself by asking for a
client
certificate, which the port of the remote cluster server does not do.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import typing as t

from .files import MOST, read_regular
from .settings import setting, settings_text

ALERT_WAIT = 0.5
"""In TLS 1.3 the handshake ends for the client before the server has missed its certificate: the alert comes later."""

SSL = "xpack.security.remote_cluster_client.ssl."
"""Where elasticsearch.yml says what a node trusts when it connects to remote cluster servers."""

Result = t.Dict[str, t.Any]


class Trust(t.NamedTuple):
    """What elasticsearch.yml of this node says of certificates."""

    known: bool
    """Whether it can be told. It cannot where the file cannot be read, or names a truststore."""
    files: t.List[str]
    """The files of authorities that it names. Where it names none, those of the JDK are trusted."""
    mode: str
    """full, certificate or none."""


def node_trust(config_dir: str) -> Trust:
    text = settings_text(config_dir)
    if text is None:
        return Trust(False, [], "full")
    mode = setting(text, SSL + "verification_mode") or ["full"]
    truststore = setting(text, SSL + "truststore.path")
    files = [os.path.join(config_dir, path) for path in setting(text, SSL + "certificate_authorities")]
    return Trust(not truststore, files, mode[0].lower())


def split(address: str) -> t.Tuple[str, int]:
    host, _colon, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def trust(ca_certs: t.Sequence[str], pem: t.Optional[str]) -> ssl.SSLContext:
    """A context that trusts these files and this text, or what the system trusts without either."""
    if not ca_certs and not pem:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for path in ca_certs:
        content = read_regular(path, MOST)
        if content is None:
            raise OSError(f"[{path}] is not a regular file of at most {MOST} bytes")
        context.load_verify_locations(cadata=content.decode("ascii", "ignore"))
    if pem:
        context.load_verify_locations(cadata=pem)
    return context


def probe(
    address: str, context: ssl.SSLContext, server_name: t.Optional[str], timeout: float, mode: str = "full"
) -> Result:
    """`cause` is None when a client that trusts the same would get through to the API key."""
    host, port = split(address)
    result: Result = {"address": address, "cause": None, "reason": None, "names": [], "not_after": None}
    try:
        raw = socket.create_connection((host, port), timeout)
    except socket.gaierror as exc:
        return {**result, "cause": "unknown_host", "reason": exc.strerror or str(exc)}
    except OSError as exc:
        return {**result, "cause": "unreachable", "reason": exc.strerror or str(exc) or type(exc).__name__}
    try:
        # Which of host and server_name is verified differs between versions, so either will do (see _named).
        context.check_hostname = False
        if mode == "none":
            context.verify_mode = ssl.CERT_NONE
        name = server_name or (None if _is_ip(host) else host)
        with context.wrap_socket(raw, server_hostname=name) as secure:
            certificate = t.cast(Result, secure.getpeercert() or {})
            result["names"] = [value for _kind, value in certificate.get("subjectAltName") or ()]
            result["not_after"] = certificate.get("notAfter")
            wanted = _wants_certificate(secure)
            if wanted:
                return {**result, "cause": "transport_port", "reason": "it asks for a client certificate: " + wanted}
            if mode == "full" and not _named(host, server_name, certificate):
                shown = ", ".join(result["names"]) or "none"
                return {**result, "cause": "certificate_name", "reason": f"it bears {shown}, and the link says {host}"}
            return result
    except ssl.SSLCertVerificationError as exc:
        # 9 and 10: not yet valid, has expired.
        cause = "certificate_expired" if exc.verify_code in (9, 10) else "certificate_untrusted"
        return {**result, "cause": cause, "reason": exc.verify_message}
    except ssl.SSLError as exc:
        text = exc.reason or str(exc)
        if (
            "CERTIFICATE_REQUIRED" in text.upper()
            or "BAD_CERTIFICATE" in text.upper()
            or "HANDSHAKE_FAILURE" in text.upper()
        ):
            return {**result, "cause": "transport_port", "reason": "it asks for a client certificate: " + text}
        return {**result, "cause": "not_tls", "reason": text}
    except OSError as exc:
        return {**result, "cause": "not_tls", "reason": exc.strerror or str(exc) or "the connection was closed"}
    finally:
        raw.close()


def _wants_certificate(secure: ssl.SSLSocket) -> t.Optional[str]:
    secure.settimeout(ALERT_WAIT)
    try:
        secure.recv(1)
    except ssl.SSLError as exc:
        text = str(exc.reason or exc)
        return text if "CERTIFICATE" in text.upper() else None
    except OSError:
        return None
    return None


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _named(host: str, server_name: t.Optional[str], certificate: Result) -> bool:
    """Does the certificate bear the host of the address, or the name that is sent?"""
    wanted = {host.lower()} | ({server_name.lower()} if server_name else set())
    for kind, value in certificate.get("subjectAltName") or ():
        for name in wanted:
            if kind == "IP Address" and _is_ip(name):
                if ipaddress.ip_address(value) == ipaddress.ip_address(name):
                    return True
            elif (
                value.lower() == name
                or kind == "DNS"
                and value.startswith("*.")
                and name.partition(".")[2] == value[2:].lower()
            ):  # noqa: E501
                return True
    return False
