# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may speak on the remote-cluster port: the checks of every message, in the server's order (rules 8, 1.5, 5.7)."""

from __future__ import annotations

import json
from typing import Any

from .. import node_log, versions
from ..rest.errors import EsHttpError, illegal_argument, security_error
from ..rest.java_regex import full_match
from ..security.authentication import ApiKeyRefused, check_api_key, decoded
from ..state import Node
from . import protocol as wire
from . import signing

LICENSE_TEXT = "current license is non-compliant for [advanced-remote-cluster-security]"
ALLOWED_HEADERS = {
    wire.CREDENTIALS,
    wire.SUBJECT,
    wire.SIGNATURE,
    "_xpack_audit_request_id",
    "trace.id",
    "X-Opaque-Id",
    "trace.parent",
    "X-elastic-product-origin",
    "_es_task_id",
}
OLDEST = (8, 10, 0)


def license_error() -> EsHttpError:
    return security_error(403, LICENSE_TEXT, **{"license.expired.feature": "advanced-remote-cluster-security"})


def check_license(node: Node) -> None:
    if node.cluster.license not in ("trial", "enterprise"):
        raise license_error()


def authenticate(node: Node, action: str, headers: dict[str, Any]) -> dict[str, Any]:
    """The subject of a message; raises what the remote answers."""
    check_license(node)
    for name in (wire.CREDENTIALS, wire.SUBJECT):
        if name not in headers:
            raise illegal_argument(
                "Cross cluster requests through the dedicated remote cluster server port require transport header "
                f"[{name}] but none found. Please ensure you have configured remote cluster credentials on the "
                "cluster originating the request.",
            )
    for name in sorted(headers):
        if name not in ALLOWED_HEADERS:
            raise illegal_argument(
                f"Transport request header [{name}] is not allowed for cross cluster requests through the dedicated "
                "remote cluster server port"
            )
    try:
        certificate = signing.verify(
            node, headers.get(wire.SIGNATURE), [headers[wire.CREDENTIALS], headers[wire.SUBJECT]]
        )
        if node.yml.get("xpack.security.authc.api_key.enabled", "true") == "false":
            raise security_error(
                401,
                "api keys are not enabled",
                EsHttpError(400, "feature_not_enabled_exception", "api keys are not enabled"),
            )
        if node.cluster.version < OLDEST:
            raise illegal_argument(
                f"all nodes must have version [{versions.text(OLDEST)}] or higher to support cross cluster requests "
                "through the dedicated remote cluster port"
            )
        key = _check_key(node, action, *_extract(headers[wire.CREDENTIALS]), certificate)
    except EsHttpError as error:
        reason = error.extra.get("additional_unsuccessful_credentials", error.reason).removeprefix("API key: ")
        node_log.warn(node, f"Authentication using apikey failed - {reason}")
        raise
    return {"model": "api_key", "key": key, **json.loads(headers[wire.SUBJECT])}


def _extract(header: str) -> tuple[str, str]:
    """id and secret from 'ApiKey <base64>'."""
    try:
        encoded = header.removeprefix("ApiKey ")
        try:
            key_id, colon, secret = decoded(encoded).partition(":")
        except ValueError as error:
            raise illegal_argument(str(error)) from None
        if not colon:
            raise illegal_argument("invalid ApiKey value")
        if len(secret) != 22:
            raise illegal_argument("invalid cross-cluster API key value")
    except EsHttpError as error:
        text = f"cross cluster access header [{wire.CREDENTIALS}] value must be a valid API key credential"
        raise security_error(401, "error attempting to authenticate request", illegal_argument(text, error)) from None
    return key_id, secret


def _check_key(node: Node, action: str, key_id: str, secret: str, certificate: str | None) -> Any:
    try:
        key = check_api_key(node.cluster, key_id, secret, "cross_cluster")
    except ApiKeyRefused as error:
        if error.terminate:
            raise security_error(401, error.reason) from None
        # The reason is no part of the chain of causes.
        raise security_error(
            401,
            f"unable to authenticate user [{key_id}] for action [{action}]",
            additional_unsuccessful_credentials=f"API key: {error.reason}",
        ) from None
    pattern = key.certificate_identity
    if pattern is None or not node.has("certificate_identity"):
        return key
    if certificate is None:
        raise security_error(
            401,
            f"API key (type:[cross_cluster], id:[{key_id}]) requires certificate identity matching [{pattern}], "
            "but no certificate was provided",
        )
    if not full_match(pattern, certificate):
        raise security_error(
            401,
            f"DN from provided certificate [{certificate}] does not match API Key certificate identity pattern "
            f"[{pattern}]",
        )
    return key
