# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/_security/user and /_security/_authenticate."""

from __future__ import annotations

import re
from typing import Any

from ..rest import object_parser
from ..rest.errors import EsHttpError, illegal_argument, parse_error, validation_error
from ..rest.routing import Request, route
from . import authorization, privileges
from .authentication import Authentication

_NAME = re.compile(r"^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$")
_ACTION = "cluster:admin/xpack/security/user/"
_NATIVE = "default_native"
_PATHS = ("/_security/user/{username}",)


@route("GET", "/_security/_authenticate")
async def authenticate(request: Request) -> tuple[int, Any]:
    return 200, describe(request.auth, request)


def describe(auth: Authentication, request: Request) -> dict[str, Any]:
    outer = auth.authenticated_as or auth
    body = {
        "username": auth.username,
        "roles": list(auth.roles),
        "full_name": auth.full_name,
        "email": auth.email,
        "metadata": auth.metadata,
        "enabled": auth.enabled,
        "authentication_realm": {"name": outer.realm, "type": outer.realm_type},
        "lookup_realm": {"name": auth.realm, "type": auth.realm_type},
        "authentication_type": outer.type,
    }
    if auth.api_key is not None:
        body["api_key"] = {"id": auth.api_key.id, "name": auth.api_key.name}
    return body


@route(("PUT", "POST"), *_PATHS, params={"refresh"}, body="required")
async def put_user(request: Request) -> tuple[int, Any]:
    name, cluster = request.path_params["username"], request.cluster
    fields = _parse_user(request)
    if len(name) > 507 or not _NAME.match(name):
        raise validation_error(
            [
                "Usernames must be at least 1 and no more than 507 characters. They can contain alphanumeric "
                "characters "
                "(a-z, A-Z, 0-9), spaces, punctuation, and printable symbols in the Basic Latin (ASCII) block. "
                "Leading or "
                "trailing whitespace is not allowed."
            ]
        )
    request.authorize(_ACTION + "put")
    if name in cluster.security.realms["reserved"]:
        raise validation_error([f"user [{name}] is reserved and only the password can be changed"])
    users = cluster.security.realms[_NATIVE]
    created = name not in users
    if created and fields["password"] is None:
        raise _not_valid("password must be specified unless you are updating an existing user")
    if created:
        user = cluster.security.add(name, fields["password"], fields["roles"])
    else:
        user = users[name]
        user.roles = fields["roles"]
        if fields["password"] is not None:
            user.set_password(fields["password"])
    user.full_name, user.email, user.metadata, user.enabled = (
        fields[key] for key in ("full_name", "email", "metadata", "enabled")
    )
    return 200, {"created": created}


def _not_valid(text: str) -> EsHttpError:
    return EsHttpError(400, "validation_exception", f"Validation Failed: 1: {text};")


def _parse_user(request: Request) -> dict[str, Any]:
    content = request.content()
    if content.kind != "object":
        raise parse_error(f"expected an object but found {content.token}")
    found: dict[str, Any] = {
        "password": None,
        "roles": None,
        "full_name": None,
        "email": None,
        "metadata": {},
        "enabled": True,
    }
    for key, _line, _column, value in content.value:
        if key in ("password", "password_hash"):
            if value.kind != "string":
                raise parse_error(f"expected field [{key}] to be of type string, but found [{value.token}] instead")
            if key == "password_hash":
                raise illegal_argument(
                    "The provided password hash is not a hash or it could not be resolved to a supported hash "
                    "algorithm."
                )
            if len(value.value) < 6:
                raise _not_valid("passwords must be at least [6] characters long")
            found[key] = value.value
        elif key == "roles":
            if value.kind == "string":
                found[key] = [part.strip() for part in value.value.split(",") if part.strip()]
            elif value.kind == "array" and all(item.kind == "string" for item in value.value):
                found[key] = [item.value for item in value.value]
            else:
                raise parse_error(
                    f"could not parse [{key}] field. expected a string array but found [{value.token}] value instead"
                )
        elif key in ("full_name", "email"):
            if value.kind not in ("string", "null"):
                raise parse_error(f"expected field [{key}] to be of type string, but found [{value.token}] instead")
            found[key] = value.value
        elif key == "metadata":
            if value.kind != "object":
                raise parse_error(f"expected field [{key}] to be of type object, but found [{value.token}] instead")
            found[key] = value.plain()
            if any(name.startswith("_") for name in found[key]):
                raise validation_error(["metadata keys may not start with [_]"])
        elif key == "enabled":
            if value.kind != "boolean":
                raise parse_error(f"expected field [{key}] to be of type boolean, but found [{value.token}] instead")
            found[key] = value.value
        elif key == "username":
            if value.value != request.path_params["username"]:
                raise illegal_argument(
                    "[username] in source does not match the username provided ["
                    + request.path_params["username"]
                    + "]"
                )
        else:
            raise parse_error(f"failed to parse add user request. unexpected field [{key}]")
    if found["roles"] is None:
        raise validation_error(["roles are missing"])
    return found


@route("GET", "/_security/user", *_PATHS, params={"with_profile_uid"})
async def get_users(request: Request) -> tuple[int, Any]:
    request.authorize(_ACTION + "get")
    wanted = request.path_params.get("username")
    names = wanted.split(",") if wanted else None
    found = {}
    for realm in ("reserved", _NATIVE):
        for name, user in request.cluster.security.realms[realm].items():
            if names is None or name in names:
                found[name] = {
                    "username": name,
                    "roles": user.roles,
                    "full_name": user.full_name,
                    "email": user.email,
                    "metadata": user.metadata,
                    "enabled": user.enabled,
                }
    return (404 if names is not None and not found else 200), found


@route("DELETE", *_PATHS, params={"refresh"})
async def delete_user(request: Request) -> tuple[int, Any]:
    request.authorize(_ACTION + "delete")
    name = request.path_params["username"]
    if name in request.cluster.security.realms["reserved"]:
        raise illegal_argument(f"user [{name}] is reserved and cannot be deleted")
    found = request.cluster.security.realms[_NATIVE].pop(name, None) is not None
    return (200 if found else 404), {"found": found}


@route(
    ("PUT", "POST"),
    "/_security/user/{username}/_password",
    "/_security/user/_password",
    params={"refresh"},
    body="required",
)
async def change_password(request: Request) -> tuple[int, Any]:
    name = request.path_params.get("username", request.user)
    fields = object_parser.parse(request.content(), "change_password", {"password": object_parser.STRING})
    if "password" not in fields:
        raise validation_error(["password is missing"])
    if len(fields["password"]) < 6:
        raise validation_error(["passwords must be at least [6] characters long"])
    if name != request.user or request.auth.api_key is not None:
        request.authorize(_ACTION + "change_password")
    user = request.cluster.security.find(name)
    if user is None or user.realm not in ("reserved", _NATIVE):
        raise validation_error(["user must exist in order to change password"])
    user.set_password(fields["password"])
    return 200, {}


@route("PUT", "/_security/user/{username}/_enable", "/_security/user/{username}/_disable", params={"refresh"})
async def set_enabled(request: Request) -> tuple[int, Any]:
    request.authorize(_ACTION + "set_enabled")
    name = request.path_params["username"]
    user = request.cluster.security.realms[_NATIVE].get(name)
    if user is None:
        raise EsHttpError(
            404, "resource_not_found_exception", f"only existing users can be enabled or disabled: [{name}]"
        )
    user.enabled = request.raw_path.endswith("_enable")
    return 200, {}


@route(("GET", "POST"), "/_security/user/_has_privileges", body="required")
async def has_privileges(request: Request) -> tuple[int, Any]:
    index_field = object_parser.object_list(
        lambda item: object_parser.parse(
            item,
            "has_privileges_index",
            {
                "names": object_parser.strings("names"),
                "privileges": object_parser.strings("privileges"),
                "allow_restricted_indices": object_parser.BOOLEAN,
            },
            ("names", "privileges"),
        )
    )
    fields = {
        "cluster": object_parser.strings("cluster"),
        "index": index_field,
        "application": (("array",), object_parser.plain),
    }
    body = object_parser.parse(request.content(), "has_privileges", fields)
    if not any(body.get(part) for part in fields):
        raise validation_error(["must specify at least one privilege"])
    known = privileges.cluster_names(request.node.version)
    for name in body.get("cluster", []):
        if name not in known and ":" not in name:
            raise illegal_argument(
                f"unknown cluster privilege [{name}]. a privilege must be either one of the predefined cluster "
                f"privilege names [{','.join(known)}] or a pattern over one of the available cluster actions"
            )
    cluster = {
        name: authorization.has_cluster_privilege(request.cluster, request.auth, name)
        for name in body.get("cluster", [])
    }
    index: dict[str, dict[str, bool]] = {}
    for entry in body.get("index", []):
        for name in entry["names"]:
            for privilege in entry["privileges"]:
                index.setdefault(name, {})[privilege] = _has_index_privilege(request, privilege, name)
    whole = all(cluster.values()) and all(value for each in index.values() for value in each.values())
    return 200, {
        "username": request.user,
        "has_all_requested": whole,
        "cluster": cluster,
        "index": index,
        "application": {},
    }


def _has_index_privilege(request: Request, privilege: str, name: str) -> bool:
    actions = privileges.INDEX.get(privilege, (privilege,))
    return all(
        any(
            authorization.pattern_matches(pattern, name)
            and (
                "all" in entry["privileges"]
                or privilege in entry["privileges"]
                or all(
                    any(privileges.index_grants(held, action.replace("*", "")) for held in entry["privileges"])
                    for action in actions
                )
            )
            for descriptor in union
            for entry in descriptor["indices"]
            for pattern in entry["names"]
        )
        for union in authorization.role_sets(request.cluster, request.auth)
    )
