# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed cross-cluster requests of 9.3+ (rules 5.7): real PEM files, real signatures."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from .. import node_log
from ..rest.errors import EsHttpError, illegal_argument, security_error
from ..settings.catalog import REMOTE_KEY, as_list
from ..state import Node

_TRUST = "cluster.remote.signing."


def _settings(node: Node) -> dict[str, Any]:
    return {**node.yml, **node.cluster.persistent, **node.cluster.transient}


def _secure(node: Node, name: str) -> str | None:
    return getattr(node, "secure", {}).get(name)


def _file(node: Node, value: str) -> Path:
    path = node.config_dir / value
    if not path.is_file():
        raise illegal_argument(f"Configured file [{path}] not found")
    return path


def check_update(node: Node, merged: dict[str, Any], changed: set[str], master: bool) -> None:
    """Only the master refuses a change, and only for files that are missing; the rest is told in the log."""
    try:
        check_settings(node, merged, changed)
    except EsHttpError as error:
        if master and not error.reason.startswith("Failed to load"):
            raise
        node_log.error(node, error.reason)


def check_settings(node: Node, merged: dict[str, Any], changed: set[str]) -> None:
    """The settings and the files on this node."""
    aliases = {
        found.group(1) for key in changed if (found := REMOTE_KEY.match(key)) and found.group(2).startswith("signing.")
    }
    for alias in sorted(aliases - {"signing"}):
        _identity(node, merged, alias)
    if any(key.startswith(_TRUST) for key in changed):
        _authorities(node, merged)


def _identity(node: Node, settings: dict[str, Any], alias: str) -> tuple[x509.Certificate, Any] | None:
    prefix = f"cluster.remote.{alias}.signing."
    certificate, key, store = (settings.get(prefix + name) for name in ("certificate", "key", "keystore.path"))
    if not certificate and not key and not store:
        return None
    failed = f"Failed to load signing config for cluster [{alias}]"
    if bool(certificate) != bool(key) and not store:
        given, lacking = ("key", "certificate") if key else ("certificate", "key")
        reason = f"cannot specify [signing.{given}] without also setting [signing.{lacking}]"
        raise EsHttpError(500, "ssl_config_exception", reason)
    try:
        if store:
            password = _secure(node, prefix + "keystore.secure_password") or ""
            private, leaf, _more = pkcs12.load_key_and_certificates(_file(node, store).read_bytes(), password.encode())
        else:
            leaf = x509.load_pem_x509_certificates(_file(node, certificate).read_bytes())[0]
            # No node runs with the passphrase of a key: see settings_catalog.is_mistaken.
            private = serialization.load_pem_private_key(_file(node, key).read_bytes(), None)
    except (ValueError, TypeError, OSError) as error:
        raise illegal_argument(failed, EsHttpError(400, "ssl_config_exception", str(error))) from None
    if leaf is None or not isinstance(private, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise illegal_argument(failed, illegal_argument("only RSA and EC keys are supported"))
    return leaf, private


def _authorities(node: Node, settings: dict[str, Any]) -> list[x509.Certificate] | None:
    files = as_list(settings.get(_TRUST + "certificate_authorities"))
    store = settings.get(_TRUST + "truststore.path")
    try:
        if store:
            password = _secure(node, _TRUST + "truststore.secure_password") or ""
            loaded = pkcs12.load_pkcs12(_file(node, store).read_bytes(), password.encode())
            return [entry.certificate for entry in loaded.additional_certs]
        if not files:
            return None
        return [found for file in files for found in x509.load_pem_x509_certificates(_file(node, file).read_bytes())]
    except (ValueError, OSError) as error:
        raise illegal_argument(
            "Failed to load trust config", EsHttpError(400, "ssl_config_exception", str(error))
        ) from None


def sign(node: Node, alias: str, parts: list[str]) -> str | None:
    """The signature header of a request towards `alias`, None when no signing is configured."""
    try:
        identity = _identity(node, _settings(node), alias)
    except EsHttpError:
        return None  # the log of the node has said so when the settings came
    if identity is None:
        return None
    leaf, private = identity
    data = "\n".join(parts).encode()
    if isinstance(private, rsa.RSAPrivateKey):
        algorithm, signature = "SHA256withRSA", private.sign(data, padding.PKCS1v15(), hashes.SHA256())
    else:
        algorithm, signature = "SHA256withECDSA", private.sign(data, ec.ECDSA(hashes.SHA256()))
    chain = base64.b64encode(leaf.public_bytes(serialization.Encoding.DER)).decode()
    return json.dumps({"certificate": chain, "algorithm": algorithm, "signature": base64.b64encode(signature).decode()})


def distinguished_name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()


def verify(node: Node, header: str | None, parts: list[str]) -> str | None:
    """The subject of the signing certificate, None for an unsigned message."""
    if header is None or not node.has("signing"):
        return None
    # Without, those of the Java runtime count, who signed nothing here.
    authorities = _authorities(node, _settings(node)) or []
    content = json.loads(header)
    leaf = x509.load_der_x509_certificate(base64.b64decode(content["certificate"]))
    name = distinguished_name(leaf)
    shown = f"[({name};X.509;SHA1:{leaf.fingerprint(hashes.SHA1()).hex()})]"  # noqa: S303  # as the server does
    if not any(_issued(leaf, authority) for authority in authorities):
        raise security_error(
            401,
            f"Failed to verify cross cluster api key signature certificate from {shown}",
        )
    data, signature, public = "\n".join(parts).encode(), base64.b64decode(content["signature"]), leaf.public_key()
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            public.verify(signature, data, ec.ECDSA(hashes.SHA256()))  # type: ignore[call-arg,union-attr]
    except InvalidSignature:
        raise security_error(401, f"Invalid cross cluster api key signature from {shown}") from None
    return name


def _issued(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    if leaf == authority:
        return True
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
