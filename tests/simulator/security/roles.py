# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/_security/role and the parser of role descriptors, which API keys use as well.

Fields for remote clusters have parsers of their own: they register with @role_field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..rest.errors import illegal_argument, parse_error, validation_error
from ..rest.routing import Request, route
from ..rest.xcontent import Value
from ..state import Node
from . import bootstrap, privileges
from .role_parser import index_entry, string_array

_ACTION = "cluster:admin/xpack/security/role/"
_NAME = re.compile(r"^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$")

# field -> function(role name, value, node) giving what is stored; a field it gives None for is unknown to that version
ROLE_FIELDS: dict[str, Callable[[str, Value, Node], Any]] = {}
# field -> function(stored entries, node) giving the texts of a validation error
ROLE_PROBLEMS: dict[str, Callable[[Any, Node], list[str]]] = {}


def role_field(name: str) -> Callable[[Callable[[str, Value, Node], Any]], Callable[[str, Value, Node], Any]]:
    def register(function: Callable[[str, Value, Node], Any]) -> Callable[[str, Value, Node], Any]:
        ROLE_FIELDS[name] = function
        return function

    return register


def role_problems(name: str) -> Callable[[Callable[[Any, Node], list[str]]], Callable[[Any, Node], list[str]]]:
    def register(function: Callable[[Any, Node], list[str]]) -> Callable[[Any, Node], list[str]]:
        ROLE_PROBLEMS[name] = function
        return function

    return register


def parse_role(name: str, value: Value, node: Node) -> dict[str, Any]:
    """A role descriptor as it is stored."""
    if value.kind != "object":
        raise parse_error(f"failed to parse role descriptor. expected an object but found [{value.token}] instead")
    role: dict[str, Any] = {
        "cluster": [],
        "indices": [],
        "applications": [],
        "run_as": [],
        "metadata": {},
        "transient_metadata": {"enabled": True},
    }
    for key, _line, _column, child in value.value:
        if key in ("cluster", "run_as"):
            role[key] = string_array(name, child, key, allow_null=True) or []
        elif key in ("indices", "index"):
            role["indices"] = _list(name, key, child, lambda item: index_entry(name, item))
        elif key == "applications":
            role[key] = _list(name, key, child, lambda item: _application(name, item))
        elif key == "metadata":
            if child.kind != "object":
                raise parse_error(f"expected field [metadata] to be of type object, but found [{child.token}] instead")
            role[key] = child.plain()
        elif key == "transient_metadata":
            if child.kind != "object":
                raise parse_error(f"expected field [{key}] to be an object, but found [{child.token}] instead")
        elif key == "global":
            if child.kind != "object":
                raise parse_error(
                    "Failed to parse object: expecting token of type [START_OBJECT] but found [" + child.token + "]"
                )
            role[key] = child.plain()
        elif key == "description":
            if child.kind != "string":
                raise parse_error(f"expected field [description] to be a string, but found [{child.token}] instead")
            role[key] = child.value
        elif key in ROLE_FIELDS:
            parsed = ROLE_FIELDS[key](name, child, node)
            if parsed is None:
                raise parse_error(f"failed to parse role [{name}]. unexpected field [{key}]")
            role[key] = parsed
        else:
            raise parse_error(f"failed to parse role [{name}]. unexpected field [{key}]")
    return role


def _list(role: str, field: str, value: Value, convert: Callable[[Value], Any]) -> list[Any]:
    if value.kind != "array":
        kind = "application" if field == "applications" else "indices"
        raise parse_error(
            f"failed to parse {kind} privileges for role [{role}]. expected field [{field}] value to be an "
            "array, but found "
            f"[{value.token}] instead"
        )
    return [convert(item) for item in value.value]


def _application(role: str, value: Value) -> dict[str, Any]:
    if value.kind != "object":
        raise parse_error(
            f"failed to parse application privileges for role [{role}]. expected field [applications] value to "
            "be an array "
            f"of objects, but found an array element of type [{value.token}]"
        )
    found: dict[str, Any] = {}
    for key, _line, _column, child in value.value:
        if key == "application" and child.kind == "string":
            found[key] = child.value
        elif key in ("privileges", "resources"):
            found[key] = string_array(role, child, key)
        else:
            raise parse_error(f"failed to parse application privileges for role [{role}]. unexpected field [{key}]")
    for key in ("application", "privileges", "resources"):
        if not found.get(key):
            raise parse_error(
                f"failed to parse application privileges for role [{role}]. missing required [{key}] field"
            )
    return found


def problems(node: Node, descriptors: dict[str, dict[str, Any]]) -> list[str]:
    """What RoleDescriptorRequestValidator would list."""
    found = []
    cluster_names, index_names = privileges.cluster_names(node.version), privileges.index_names(node.version)
    for role in descriptors.values():
        for name in role["cluster"]:
            if name.lower() not in cluster_names and not name.startswith(
                ("cluster:", "indices:admin/template/", "internal:")
            ):
                found.append(
                    f"unknown cluster privilege [{name}]. a privilege must be either one of the predefined "
                    "cluster privilege "
                    f"names [{','.join(cluster_names)}] or a pattern over one of the available cluster actions"
                )
        for entry in role["indices"]:
            found += unknown_index_privileges(entry["privileges"], index_names)
        for field, check in ROLE_PROBLEMS.items():
            if field in role:
                found += check(role[field], node)
        if any(key.startswith("_") for key in role["metadata"]):
            found.append("role descriptor metadata keys may not start with [_]")
        if len(role.get("description") or "") > 1000:
            found.append("Role description must be less than 1000 characters.")
    return found


def unknown_index_privileges(names: list[str], known: list[str]) -> list[str]:
    return [
        f"unknown index privilege [{name}]. a privilege must be either one of the predefined fixed indices privileges "
        f"[{','.join(known)}] or a pattern over one of the available index actions"
        for name in names
        if name.lower() not in known and not name.startswith(("indices:", "internal:"))
    ]


@route(("PUT", "POST"), "/_security/role/{name}", params={"refresh"}, body="required")
async def put_role(request: Request) -> tuple[int, Any]:
    name = request.path_params["name"]
    role = parse_role(name, request.content(), request.node)
    texts = problems(request.node, {name: role})
    if len(name) > 507 or not _NAME.match(name):
        texts.insert(
            0,
            "Role names must be at least 1 and no more than 507 characters. They can contain alphanumeric "
            "characters (a-z, A-Z, "
            "0-9), spaces, punctuation, and printable symbols in the Basic Latin (ASCII) block. Leading or "
            "trailing whitespace is "
            "not allowed.",
        )
    if texts:
        raise validation_error(texts)
    request.authorize(_ACTION + "put")
    if name in bootstrap.reserved_roles():
        raise validation_error([f"Role [{name}] is reserved and may not be used."])
    created = name not in request.cluster.security.roles
    request.cluster.security.roles[name] = role
    return 200, {"role": {"created": created}}


@route("GET", "/_security/role", "/_security/role/{name}")
async def get_roles(request: Request) -> tuple[int, Any]:
    request.authorize(_ACTION + "get")
    wanted = request.path_params.get("name")
    roles = request.cluster.security.roles
    if wanted is None:
        return 200, dict(roles)
    found = {name: roles[name] for name in wanted.split(",") if name in roles}
    return (200 if found else 404), found


@route("DELETE", "/_security/role/{name}", params={"refresh"})
async def delete_role(request: Request) -> tuple[int, Any]:
    request.authorize(_ACTION + "delete")
    name = request.path_params["name"]
    if name in bootstrap.reserved_roles():
        raise illegal_argument(f"role [{name}] is reserved and cannot be deleted")
    found = request.cluster.security.roles.pop(name, None) is not None
    return (200 if found else 404), {"found": found}
