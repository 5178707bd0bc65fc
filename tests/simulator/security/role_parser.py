# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Index privileges as roles and cross-cluster access spell them, with RoleDescriptor's error texts."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from ..rest.errors import EsHttpError, parse_error, security_error
from ..rest.xcontent import Value

_METADATA_FIELDS = "_*"  # granted implicitly


def fail(role: str, text: str) -> EsHttpError:
    return parse_error(f"failed to parse indices privileges for role [{role}]. {text}")


def string_array(role: str, value: Value, name: str, allow_null: bool = False) -> list[str] | None:
    if value.kind == "null" and allow_null:
        return None
    problem = None
    if value.kind != "array":
        problem = f"[{name}] field. expected a string array but found [{value.token}] value instead"
    else:
        for item in value.value:
            if item.kind != "string":
                found = f"one of the value in the array is [{item.token}]"
                problem = f"[null] field. expected a string array but {found}"
    if problem is not None:
        raise parse_error(f"failed to parse role [{role}]", parse_error(f"could not parse {problem}"))
    return [item.value for item in value.value]


def index_entry(role: str, value: Value, remote: bool = False, predefined: list[str] | None = None) -> dict[str, Any]:
    """One entry as it is stored. `predefined` privileges may not be given in it; `remote` entries need `clusters`."""
    if value.kind != "object":
        raise fail(
            role,
            "expected field [null] value to be an array of objects, but found an array element of type "
            f"[{value.token}]",
        )
    names: list[str] | None = None
    granted_privileges = predefined
    clusters: list[str] | None = None
    field_security: dict[str, Any] | None = None
    query: str | None = None
    restricted = False
    for key, _line, _column, child in value.value:
        if key == "names":
            if child.kind == "string":
                names = [child.value]
            elif child.kind == "array":
                names = string_array(role, child, key)
                if not names:
                    raise fail(role, f"[{key}] cannot be an empty array")
            else:
                raise fail(
                    role,
                    f"expected field [{key}] value to be a string or an array of strings, but found "
                    f"[{child.token}] instead",
                )
        elif key == "query":
            query = _query(role, child)
        elif key == "allow_restricted_indices":
            if child.kind != "boolean":
                raise fail(role, f"expected field [{key}] value to be a boolean, but found [{child.token}] instead")
            restricted = child.value
        elif key == "field_security":
            field_security = _field_security(role, child)
        elif key == "privileges":
            if predefined is not None:
                raise fail(role, "field [privileges] must not present")
            granted_privileges = string_array(role, child, key)
        elif key == "clusters" and remote:
            clusters = string_array(role, child, key)
        elif key == "transient_metadata" and child.kind == "object":
            continue
        elif key == "fields" and not remote and predefined is None:
            raise fail(
                role,
                '["fields": [...]] format has changed for field permissions in role, use ["field_security": '
                '{"grant":[...],'
                '"except":[...]}] instead',
            )
        else:
            raise fail(role, f"unexpected field [{key}]")
    if names is None:
        raise fail(role, "missing required [names] field")
    if granted_privileges is None:
        raise fail(role, "missing required [privileges] field")
    if remote and clusters is None:
        raise parse_error(
            f"failed to parse remote indices privileges for role [{role}]. missing required [clusters] field"
        )
    entry: dict[str, Any] = {"names": names, "privileges": list(granted_privileges)}
    if field_security is not None:
        entry["field_security"] = field_security
    if query is not None:
        entry["query"] = query
    entry["allow_restricted_indices"] = restricted
    if remote:
        entry["clusters"] = clusters
    return entry


def _query(role: str, value: Value) -> str | None:
    """A string is stored as it is, an object in compact form; neither is checked to be a query."""
    if value.kind == "object":
        return json.dumps(value.plain(), separators=(",", ":"), ensure_ascii=False)
    if value.kind == "string":
        return value.value or None
    if value.kind != "null":
        raise fail(
            role,
            "expected field [query] value to be null, a string, an array, or an object, but found "
            f"[{value.token}] instead",
        )
    return None


def _field_security(role: str, value: Value) -> dict[str, Any]:
    if value.kind != "object":
        raise fail(role, f'expected START_OBJECT but got {value.token} in "field_security".')
    found: dict[str, list[str] | None] = {}
    for key, _line, _column, child in value.value:
        if key not in ("grant", "except"):
            raise fail(role, f'"field_security" only accepts options grant and except, but got: {key}')
        found[key] = string_array(role, child, key, allow_null=True)
        if found[key] is None:
            raise fail(role, f"{key} must not be null.")
    if not found:
        raise fail(role, '"field_security" must not be empty.')
    if "except" in found and "grant" not in found:
        raise fail(role, "field_security requires grant if except is given")
    grant, denied = found["grant"] or [], found.get("except")
    for pattern in denied or []:
        if not any(fnmatchcase(pattern, allowed) for allowed in [*grant, _METADATA_FIELDS]):
            text = (
                "Exceptions for field permissions must be a subset of the granted fields but "
                f"{','.join(denied or [])} is not a subset of {','.join(grant)}"
            )
            cause = security_error(400, text)
            raise parse_error(f"failed to parse indices privileges for role [{role}] - {text}", cause)
    return {"grant": grant} if denied is None else {"grant": grant, "except": denied}


def has_document_or_field_security(entry: dict[str, Any]) -> bool:
    """`grant: ["*"]` alone restricts nothing."""
    fields = entry.get("field_security")
    return "query" in entry or (fields is not None and (fields["grant"] != ["*"] or bool(fields.get("except"))))
