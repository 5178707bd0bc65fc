# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bearer tokens: /_security/oauth2/token."""

from __future__ import annotations

import secrets
from typing import Any

from ..rest import object_parser
from ..rest.errors import validation_error
from ..rest.object_parser import BOOLEAN, STRING
from ..rest.routing import Request, route
from . import license, users
from .authentication import Authentication, of_user, unauthorized

_ACTION = "cluster:admin/xpack/security/token/"
_LIFETIME_S = 1200
_FIELDS = {
    "grant_type": STRING,
    "username": STRING,
    "password": STRING,
    "scope": STRING,
    "refresh_token": STRING,
    "kerberos_ticket": STRING,
}


def _invalid_grant(text: str) -> tuple[int, Any]:
    return 400, {"error": "invalid_grant", "error_description": text}


@route("POST", "/_security/oauth2/token", body="required")
async def create(request: Request) -> tuple[int, Any]:
    license.require(request.cluster, license.TOKENS)
    body = object_parser.parse(request.content(), "token_request", _FIELDS)
    grant = body.get("grant_type")
    needs = {"password": ("username", "password"), "client_credentials": (), "refresh_token": ("refresh_token",)}
    if grant not in needs:
        return 400, {
            "error": "unsupported_grant_type" if grant else "invalid_request",
            "error_description": f"unknown or missing grant type [{grant}]",
        }
    problems = [f"{field} is missing" for field in needs[grant] if not body.get(field)]
    problems += [
        f"{field} is not supported with the {grant} grant_type"
        for field in ("username", "password", "refresh_token")
        if field in body and field not in needs[grant]
    ]
    if problems:
        raise validation_error(problems)
    request.authorize(_ACTION + ("refresh" if grant == "refresh_token" else "create"))
    cluster = request.cluster
    if grant == "password":
        user = cluster.security.find(body["username"])
        if user is None or not user.enabled or not user.check_password(body["password"]):
            reason = f"unable to authenticate user [{body['username']}] for action [{_ACTION}create]"
            raise unauthorized(request, reason)
        auth = of_user(user)
    elif grant == "refresh_token":
        token = next((token for token in cluster.tokens.values() if token["refresh"] == body["refresh_token"]), None)
        if token is None or token["refreshed"]:
            return _invalid_grant(
                "could not refresh the requested token" if token is None else "token has already been refreshed"
            )
        token["refreshed"] = token["invalidated"] = True
        auth = token["auth"]
    else:
        auth = request.auth
    return 200, _mint(request, auth, with_refresh=grant != "client_credentials")


def _mint(request: Request, auth: Authentication, with_refresh: bool) -> dict[str, Any]:
    access, refresh = secrets.token_urlsafe(48), secrets.token_urlsafe(24) if with_refresh else None
    request.cluster.tokens[access] = {
        "auth": auth,
        "expires": request.cluster.now_ms() + _LIFETIME_S * 1000,
        "refresh": refresh,
        "refreshed": False,
        "invalidated": False,
    }
    body = {"access_token": access, "type": "Bearer", "expires_in": _LIFETIME_S}
    if refresh:
        body["refresh_token"] = refresh
    shown = users.describe(auth, request)
    shown["authentication_type"] = "token"
    return {**body, "authentication": shown}


@route("DELETE", "/_security/oauth2/token", body="required")
async def invalidate(request: Request) -> tuple[int, Any]:
    license.require(request.cluster, license.TOKENS)
    fields = {"token": STRING, "refresh_token": STRING, "realm_name": STRING, "username": STRING, "all": BOOLEAN}
    body = object_parser.parse(request.content(), "invalidate_token", fields)
    if not any(body.get(field) for field in ("token", "refresh_token", "realm_name", "username")):
        raise validation_error(["one of [token, refresh_token, realm_name, username] must be set"])
    request.authorize(_ACTION + "invalidate")
    hit = before = 0
    for text, token in request.cluster.tokens.items():
        auth = token["auth"]
        if not (
            text == body.get("token")
            or (token["refresh"] and token["refresh"] == body.get("refresh_token"))
            or (
                (body.get("username") or body.get("realm_name"))
                and body.get("username") in (None, auth.username)
                and body.get("realm_name") in (None, auth.realm)
            )
        ):
            continue
        before += token["invalidated"]
        hit += not token["invalidated"]
        token["invalidated"] = True
    status = 404 if not hit and not before and ("token" in body or "refresh_token" in body) else 200
    return status, {"invalidated_tokens": hit, "previously_invalidated_tokens": before, "error_count": 0}
