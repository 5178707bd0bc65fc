# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sorting and paging of API-key queries: missing values come last in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import illegal_argument
from .query_dsl import Document, as_text


def parse_sort(sort: Any, check: Callable[[str], str]) -> list[tuple[str, bool]]:
    """[(field, descending)]"""
    found = []
    for item in [] if sort is None else sort if isinstance(sort, list) else [sort]:
        if isinstance(item, str):
            found.append((check(item), item == "_score"))
        elif isinstance(item, dict):
            for name, options in item.items():
                order = options.get("order", "asc") if isinstance(options, dict) else options
                if order not in ("asc", "desc"):
                    raise illegal_argument(
                        f"No enum constant org.elasticsearch.search.sort.SortOrder.{str(order).upper()}"
                    )
                found.append((check(name), order == "desc"))
        else:
            raise illegal_argument(
                "malformed sort format, within the sort array, an object, or an actual string are allowed"
            )
    return found


def _sort_value(document: Document, name: str, position: int) -> Any:
    value = position if name == "_doc" else document.get(name)
    return value[0] if isinstance(value, list) and value else None if isinstance(value, list) else value


def _order(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return (1, "true" if value else "false")
    if isinstance(value, (int, float)):
        return (0, value)
    return (1, as_text(value))


def sorted_page(
    found: list[tuple[Document, Any]], sort: list[tuple[str, bool]], start: int, size: int, after: list[Any] | None
) -> tuple[list[tuple[Document, Any]], list[list[Any]]]:
    if after is not None:
        if not sort:
            raise illegal_argument("Sort must contain at least one field.")
        if start > 0:
            raise illegal_argument("`from` parameter must be set to 0 when `search_after` is used.")
        if len(after) != len(sort):
            raise illegal_argument(f"search_after has {len(after)} value(s) but sort has {len(sort)}.")
        if any(isinstance(value, (list, dict)) for value in after):
            raise illegal_argument("Can't handle type of [search_after] value")
    rows = [
        (document, payload, [_sort_value(document, name, position) for name, _down in sort])
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
