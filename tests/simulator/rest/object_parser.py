# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarative object parsers with Elasticsearch's wording: unknown fields, wrong value types, missing arguments,
wrapped causes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import xcontent
from .errors import EsHttpError, illegal_argument, x_content_error
from .xcontent import Value

Convert = Callable[[Value], Any]
Field = tuple[tuple[str, ...], Convert]  # accepted kinds of value, and what makes a Python value of it


def string(value: Value) -> str:
    return value.value


def plain(value: Value) -> Any:
    return value.plain()


def strings(name: str) -> Field:
    """A string or a list of strings."""

    def convert(value: Value) -> list[str]:
        if value.kind == "string":
            return [value.value]
        for item in value.value:
            if item.kind not in ("string", "number", "boolean"):
                raise x_content_error(f"{item.at} Can't get text on a {item.token} at {item.line}:{item.column}")
        return [item.value if item.kind == "string" else str(item.plain()) for item in value.value]

    return ("string", "array"), convert


STRING: Field = (("string",), string)
OBJECT: Field = (("object",), plain)
BOOLEAN: Field = (("boolean",), plain)


def object_list(convert: Convert) -> Field:
    """A list of objects, or one bare object."""

    def each(value: Value) -> list[Any]:
        items = value.value if value.kind == "array" else [value]
        return [convert(item) for item in items]

    return ("array", "object"), each


def parse(value: Value, name: str, fields: dict[str, Field], required: tuple[str, ...] = ()) -> dict[str, Any]:
    if value.kind != "object":
        raise x_content_error(f"{value.at} [{name}] Expected START_OBJECT but was: {value.token}")
    found: dict[str, Any] = {}
    for key, line, column, child in value.value:
        if key not in fields:
            raise x_content_error(
                f"[{line}:{column}] [{name}] unknown field [{key}]{xcontent.did_you_mean(key, list(fields))}"
            )
        kinds, convert = fields[key]
        if child.kind not in kinds:
            raise x_content_error(f"{child.at} [{name}] {key} doesn't support values of type: {child.token}")
        try:
            found[key] = convert(child)
        except EsHttpError as error:
            raise x_content_error(f"{child.at} [{name}] failed to parse field [{key}]", error) from None
    missing = [key for key in required if key not in found]
    if missing:
        raise illegal_argument(f"Required [{', '.join(missing)}]")
    return found


def build(name: str, make: Callable[[], Any], found: dict[str, Any], fields: dict[str, Field]) -> Any:
    """Run a constructor; what it refuses is wrapped as ConstructingObjectParser wraps it: it builds with the last of
    all fields, or else at the end."""
    try:
        return make()
    except EsHttpError as error:
        refusal = x_content_error(f"Failed to build [{name}] after last required field arrived", error)
    if set(found) == set(fields):
        raise x_content_error(f"[1:1] [{name}] failed to parse field [{list(found)[-1]}]", refusal)
    raise refusal
