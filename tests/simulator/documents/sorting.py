# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sorting and paging of API-key queries: missing values come last in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..rest import object_parser
from ..rest.errors import illegal_argument
from ..rest.xcontent import Value
from .query_dsl import Document, as_text


def _order_of(value: Value) -> str:
    if str(value.value) not in ("asc", "desc"):
        raise illegal_argument(f"No enum constant org.elasticsearch.search.sort.SortOrder.{str(value.value).upper()}")
    return value.value


_FIELDS: dict[str, object_parser.Field] = {
    "order": (("string",), _order_of),
    **dict.fromkeys(("format", "missing", "mode", "unmapped_type"), object_parser.STRING),
}


def parse_sort(value: Value, check: Callable[[str], str]) -> list[tuple[str, bool]]:
    """[(field, descending)]"""
    found = []
    for item in value.value if value.kind == "array" else [value]:
        if item.kind == "string":
            found.append((check(item.value), False))
        elif item.kind == "object":
            for name, _line, _column, options in item.value:
                chosen = object_parser.parse(options, "field_sort", _FIELDS)
                found.append((check(name), chosen.get("order") == "desc"))
        else:
            raise illegal_argument("mal-formatted sort object")
    return found


def _sort_value(document: Document, name: str, position: int, down: bool, numeric: set[str]) -> Any:
    value = position if name == "_doc" else document.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    if value is None and name in numeric:
        return -(2**63) if down else 2**63 - 1  # what stands for a missing number, so that it comes last
    return int(value) if isinstance(value, bool) else value


def _order(value: Any) -> tuple[int, Any]:
    if isinstance(value, (int, float)):
        return (0, value)
    return (1, as_text(value))


def sorted_page(
    found: list[tuple[Document, Any]],
    sort: list[tuple[str, bool]],
    numeric: set[str],
    start: int,
    size: int,
    after: list[Any] | None,
) -> tuple[list[tuple[Document, Any]], list[list[Any]]]:
    if after is not None:
        if not sort:
            raise illegal_argument("Sort must contain at least one field.")
        if len(after) != len(sort):
            raise illegal_argument(f"search_after has {len(after)} value(s) but sort has {len(sort)}.")
    rows = [
        (document, payload, [_sort_value(document, name, position, down, numeric) for name, down in sort])
        for position, (document, payload) in enumerate(found)
    ]
    for index in range(len(sort) - 1, -1, -1):
        down = sort[index][1]
        present = [row for row in rows if row[2][index] is not None]
        missing = [row for row in rows if row[2][index] is None]
        present.sort(key=lambda row, at=index: _order(row[2][at]), reverse=down)
        rows = present + missing
    if after is not None:
        rows = [row for row in rows if _is_after(row[2], after, sort)]
    page = rows[start : start + size]
    return [(row[0], row[1]) for row in page], [row[2] for row in page]


def _is_after(values: list[Any], after: list[Any], sort: list[tuple[str, bool]]) -> bool:
    for value, limit, (_name, down) in zip(values, after, sort, strict=True):
        if value is None or limit is None:
            if (value is None) != (limit is None):
                return value is None
            continue
        left, right = _order(value), _order(limit)
        if left != right:
            return left < right if down else left > right
    return False
