# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merging remote privileges into a role, and taking them out again. Pure. Private to this collection.

Entries are compared by what they mean: names and privileges are sets, a query may be text or an object, and what the
server fills in is the same as nothing.
"""

from __future__ import annotations

import json
import typing as t

Entry = t.Dict[str, t.Any]
FIELDS = ("remote_indices", "remote_cluster")
_STRINGS = {"type": "list", "elements": "str"}
_REQUIRED = {**_STRINGS, "required": True}
OPTIONS: t.Dict[str, t.Dict[str, t.Any]] = {
    "remote_indices": {
        "type": "list",
        "elements": "dict",
        "options": {
            "clusters": _REQUIRED,
            "names": _REQUIRED,
            "privileges": _REQUIRED,
            "query": {"type": "raw"},
            "field_security": {"type": "dict", "options": {"grant": _STRINGS, "except": _STRINGS}},
            "allow_restricted_indices": {"type": "bool"},
        },
    },
    "remote_cluster": {
        "type": "list",
        "elements": "dict",
        "options": {"clusters": _REQUIRED, "privileges": _REQUIRED},
    },
}


def meaning(entry: t.Mapping[str, t.Any]) -> str:
    """Two entries with the same meaning give the same text."""
    field_security = entry.get("field_security") or {}
    return json.dumps(
        [
            *_place(entry),
            _set(entry.get("privileges")),
            _query(entry.get("query")),
            [_set(field_security.get("grant")), _set(field_security.get("except"))],
            bool(entry.get("allow_restricted_indices")),
        ],
        sort_keys=True,
    )


def clean(entry: t.Mapping[str, t.Any]) -> Entry:
    """An entry as it is sent: without what was not given."""
    shown = {key: value for key, value in entry.items() if value is not None}
    if isinstance(shown.get("field_security"), dict):
        shown["field_security"] = {key: value for key, value in shown["field_security"].items() if value is not None}
    return shown


def add(current: t.Sequence[Entry], given: t.Sequence[Entry]) -> t.List[Entry]:
    """Make sure of the given entries.

    An entry for the same clusters and the same names is the earlier form of the given one and is replaced, so that
    privileges can also be narrowed. Everything else stays, in its order.
    """
    wanted = {meaning(entry) for entry in given}
    places = {_place_key(entry) for entry in given}
    result: t.List[Entry] = []
    seen = set()
    for entry in current:
        sense = meaning(entry)
        if _place_key(entry) in places and (sense not in wanted or sense in seen):
            continue
        seen.add(sense)
        result.append(dict(entry))
    for entry in given:
        if meaning(entry) not in seen:
            seen.add(meaning(entry))
            result.append(clean(entry))
    return result


def remove(current: t.Sequence[Entry], given: t.Optional[t.Sequence[Entry]]) -> t.List[Entry]:
    """Take the given entries out; all of them when None."""
    if given is None:
        return []
    unwanted = {meaning(entry) for entry in given}
    return [dict(entry) for entry in current if meaning(entry) not in unwanted]


def merge_role(role: t.Optional[t.Mapping[str, t.Any]], given: t.Mapping[str, t.Any], absent: bool) -> Entry:
    """The body to send: the role with its remote privileges changed and everything else as it was."""
    body = {key: value for key, value in (role or {}).items() if key != "transient_metadata"}
    nothing_given = all(given.get(field) is None for field in FIELDS)
    for field in FIELDS:
        current = body.get(field) or []
        if absent:
            changed = remove(current, None if nothing_given else given.get(field) or [])
        else:
            changed = add(current, given.get(field) or [])
        # An empty list would be a needless (and for old servers an unknown) field.
        body.pop(field, None)
        if changed:
            body[field] = changed
    return body


def entries(role: t.Optional[t.Mapping[str, t.Any]]) -> t.Dict[str, t.List[Entry]]:
    """The remote privileges of a role."""
    return {field: list((role or {}).get(field) or []) for field in FIELDS}


def same(one: t.Mapping[str, t.Any], other: t.Mapping[str, t.Any]) -> bool:
    """Whether two roles have the same remote privileges."""
    return all(
        sorted(meaning(entry) for entry in one.get(field) or [])
        == sorted(meaning(entry) for entry in other.get(field) or [])
        for field in FIELDS
    )


def problem(name: str, given: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """What the server would refuse in the name of a role and the entries for it, or None."""
    if not name or name != name.strip() or any(char in name for char in ",*/"):
        return "it is not the name of one role"
    return next(filter(None, (problem_of(field, given.get(field) or []) for field in FIELDS)), None)


def problem_of(field: str, given: t.Sequence[Entry]) -> t.Optional[str]:
    """What the server would refuse in the given entries, or None."""
    for number, entry in enumerate(given, 1):
        where = f"entry {number} of {field}"
        for key in ("clusters", "names", "privileges"):
            if key not in entry and key == "names" and field == "remote_cluster":
                continue
            values = entry.get(key)
            if not values:
                return f"{where}: {key} is empty"
            if any(not str(value).strip() for value in values):
                return f"{where}: {key} holds an empty string"
        query = entry.get("query")
        if query is not None and not isinstance(query, (dict, str)):
            return f"{where}: query must be a dictionary or a JSON string"
        if isinstance(query, str) and query and not isinstance(_query(query), (dict, list)):
            return f"{where}: query is not JSON"
        security = entry.get("field_security")
        if security is not None:
            grant, excluded = security.get("grant"), security.get("except")
            if not grant and not excluded:
                return f"{where}: field_security is empty"
            if excluded and not grant:
                return f"{where}: field_security has except without grant"
    return None


def _place(entry: t.Mapping[str, t.Any]) -> t.List[t.Any]:
    return [_set(entry.get("clusters")), _set(entry.get("names"))]


def _place_key(entry: t.Mapping[str, t.Any]) -> str:
    return json.dumps(_place(entry))


def _set(values: t.Any) -> t.List[str]:
    if values is None:
        return []
    if isinstance(values, str):
        return [values]
    return sorted({str(value) for value in values})


def _query(query: t.Any) -> t.Any:
    if query in (None, ""):
        return None
    if isinstance(query, str):
        try:
            return json.loads(query)
        except ValueError:
            return query
    return query
