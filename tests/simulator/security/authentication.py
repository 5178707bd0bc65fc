# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is asking: Basic, ApiKey and Bearer logins, run-as, and the 401 answers."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..rest.errors import EsHttpError, illegal_argument, security_error
from ..state import Cluster
from . import REALM_TYPES, User

if TYPE_CHECKING:
    from ..api_keys.model import ApiKey
    from ..rest.routing import Request

NO_PROVIDED = "unable to authenticate with provided credentials and anonymous access is not allowed for this request"


@dataclass
class Authentication:
    """The effective user. With run-as, `authenticated_as` is the user who logged in; with an API key, `api_key` is
    that key."""

    username: str
    roles: list[str]
    realm: str
    realm_type: str
    full_name: str | None = None
    email: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    enabled: bool = True
    type: str = "realm"
    api_key: ApiKey | None = None
    authenticated_as: Authentication | None = None
    found: bool = True  # False: run-as named a user no realm knows

    def same_owner(self, cluster: Cluster, username: str, realm: str) -> bool:
        return self.username == username and realm in cluster.security.same_owner_realms(self.realm)


class ApiKeyRefused(Exception):
    """`terminate`: the reason itself is the answer; otherwise it is only named beside the general refusal."""

    def __init__(self, reason: str, terminate: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.terminate = terminate


def of_user(user: User) -> Authentication:
    return Authentication(
        user.username,
        user.roles,
        user.realm,
        REALM_TYPES.get(user.realm, user.realm),
        user.full_name,
        user.email,
        user.metadata,
        user.enabled,
    )


def unauthorized(
    request: Request, reason: str, caused_by: EsHttpError | None = None, challenge: str = "", **extra: Any
) -> EsHttpError:
    comma = "," if request.node.has("challenge_comma") else ""
    every = [f'Basic realm="security"{comma} charset="UTF-8"', 'Bearer realm="security"', "ApiKey"]
    shown = [challenge] if challenge else every
    return security_error(
        401,
        reason,
        caused_by,
        headers={"WWW-Authenticate": ", ".join(shown)},
        **extra,
        header={"WWW-Authenticate": shown if len(shown) > 1 else shown[0]},
    )


async def authenticate(request: Request) -> Authentication:
    auth = _log_in(request)
    target = request.headers.get("es-security-runas-user")
    if target is None:
        return auth
    if not target.strip():
        raise unauthorized(request, f"unable to authenticate user [{auth.username}] for REST request [{request.uri}]")
    found = request.cluster.security.find(target)
    if found is None or auth.api_key is not None and auth.api_key.type == "cross_cluster":
        effective = Authentication(target, [], "", "", found=False)
    else:
        effective = of_user(found)
    effective.authenticated_as = auth
    from . import authorization

    authorization.check_run_as(request.cluster, effective)
    return effective


def _log_in(request: Request) -> Authentication:
    header = request.headers.get("Authorization")
    if not header:
        raise unauthorized(request, f"missing authentication credentials for REST request [{request.uri}]")
    scheme, _space, rest = header.partition(" ")
    rest = rest.strip()
    if not rest:
        raise unauthorized(request, f"missing authentication credentials for REST request [{request.uri}]")
    if scheme.lower() == "basic":
        return _basic(request, rest)
    if scheme.lower() == "apikey":
        return _api_key(request, rest)
    if scheme.lower() == "bearer":
        return _bearer(request, rest)
    raise unauthorized(request, f"missing authentication credentials for REST request [{request.uri}]")


def decoded(encoded: str) -> str:
    """What Java makes of base64; raises ValueError with its text."""
    strange = re.search(r"[^A-Za-z0-9+/=]", encoded)
    if strange:
        raise ValueError(f"Illegal base64 character {ord(strange.group()):x}")
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        raise ValueError("Input byte array has wrong 4-byte ending unit") from None


def _basic(request: Request, encoded: str) -> Authentication:
    try:
        username, colon, password = decoded(encoded).partition(":")
    except ValueError as error:
        cause = illegal_argument(str(error))
        raise unauthorized(request, "invalid basic authentication header encoding", cause) from None
    if not colon:
        raise unauthorized(request, "invalid basic authentication header value")
    # A realm that knows the name and not the password leaves it to the next one (seen on 8.10.4).
    users = [users[username] for users in request.cluster.security.realms.values() if username in users]
    user = next((user for user in users if user.enabled and user.check_password(password)), None)
    if user is None:
        raise unauthorized(request, f"unable to authenticate user [{username}] for REST request [{request.uri}]")
    return of_user(user)


def _api_key(request: Request, encoded: str) -> Authentication:
    try:
        key_id, colon, secret = decoded(encoded).partition(":")
        if not colon:
            raise ApiKeyRefused("invalid ApiKey value")
        key = check_api_key(request.cluster, key_id, secret, "rest")
    except ValueError as error:
        raise unauthorized(request, NO_PROVIDED, additional_unsuccessful_credentials=f"API key: {error}") from None
    except ApiKeyRefused as error:
        if error.terminate:
            raise unauthorized(request, error.reason) from None
        raise unauthorized(
            request, NO_PROVIDED, additional_unsuccessful_credentials=f"API key: {error.reason}"
        ) from None
    return of_api_key(key)


def of_api_key(key: ApiKey) -> Authentication:
    return Authentication(
        key.creator.username,
        [],
        "_es_api_key",
        "_es_api_key",
        metadata=dict(key.creator.metadata),
        type="api_key",
        api_key=key,
    )


def check_api_key(cluster: Cluster, key_id: str, secret: str, expected_type: str) -> ApiKey:
    """The order of checks of ApiKeyService; used for REST logins and (with type cross_cluster) for the link."""
    if not cluster.security.api_keys_enabled:
        raise ApiKeyRefused("api keys are not enabled")
    key = cluster.keys.get(key_id)
    if key is None:
        raise ApiKeyRefused(f"unable to find apikey with id {key_id}")
    if key.invalidated:
        raise ApiKeyRefused(f"api key [{key_id}] has been invalidated")
    if key.secret != secret:
        raise ApiKeyRefused(f"invalid credentials for API key [{key_id}]")
    if key.type != expected_type:
        raise ApiKeyRefused(
            f"authentication expected API key type of [{expected_type}], but API key [{key_id}] has type [{key.type}]",
            terminate=True,
        )
    if key.expired(cluster.now_ms()):
        raise ApiKeyRefused("api key is expired")
    return key


def _bearer(request: Request, text: str) -> Authentication:
    token = request.cluster.tokens.get(text)
    if token is None:
        text = "oauth2 token: invalid token"
        raise unauthorized(request, NO_PROVIDED, additional_unsuccessful_credentials=text)
    if token["invalidated"] or token["expires"] <= request.cluster.now_ms():
        raise unauthorized(
            request,
            "token expired",
            challenge='Bearer realm="security", error="invalid_token", error_description="The access token expired"',
        )
    auth: Authentication = token["auth"]
    user = request.cluster.security.find(auth.username)
    if user is None or not user.enabled:
        raise unauthorized(request, NO_PROVIDED)
    fresh = of_user(user)
    fresh.type = "token"
    return fresh
