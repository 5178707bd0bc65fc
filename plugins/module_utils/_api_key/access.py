# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cross-cluster API key grants: check it, compare it, write it. Pure; private to this collection.

Three forms:

* requested: as the user writes it (`names` a string or a list, `query` a dict or a JSON string, defaults left out);
* server form: lists and defaults spelled out, `query` a string; what is sent, returned and read back;
* canonical form: sorted, with queries parsed; two documents grant the same if and only if their canonical forms are
  equal (apart from several entries that add up to the same, which count as different).

Order never matters: an index may be read when any name of any entry matches.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE, BOOLEANS_TRUE

from .._errors import InputError

SIDES = ("search", "replication")
_FIELDS = {
    "search": ("names", "query", "field_security", "allow_restricted_indices"),
    "replication": ("names", "allow_restricted_indices"),
}

Access = t.Dict[str, t.List[t.Dict[str, t.Any]]]


def check_access(access: t.Any) -> Access:
    """The server form of what was requested, or InputError naming the place that is wrong."""
    if not isinstance(access, dict):
        raise InputError("access must be a dictionary with search, replication or both.")
    unknown = [key for key in access if key not in SIDES]
    if unknown:
        raise InputError(f"access.{unknown[0]} is not known: access takes search and replication.")
    checked: Access = {}
    for side in SIDES:
        entries = access.get(side)
        if entries is None:
            continue
        if isinstance(entries, dict):
            entries = [entries]
        if not isinstance(entries, (list, tuple)):
            raise InputError(f"access.{side} must be a list of dictionaries with names.")
        if entries:
            checked[side] = [_check_entry(side, f"access.{side}[{n}]", entry) for n, entry in enumerate(entries)]
    if not checked:
        raise InputError("access is empty: give at least one entry with names in access.search or access.replication.")
    if "replication" in checked and any(_limits(entry) for entry in checked.get("search", [])):
        raise InputError(
            "access.search has query or field_security while access.replication is given: Elasticsearch does not "
            "allow both "
            "in one key, so make one key for search and one for replication."
        )
    return checked


def server_form(access: t.Any) -> Access:
    """The server form of what a server told; never fails."""
    result: Access = {}
    for side in SIDES:
        entries = (access or {}).get(side) or []
        if isinstance(entries, dict):
            entries = [entries]
        if entries:
            result[side] = [_lenient_entry(entry) for entry in entries]
    return result


def canonical(access: t.Any) -> Access:
    """The canonical form of a requested or stored access; queries become what they mean, order goes."""
    result: Access = {}
    for side, entries in server_form(access).items():
        unique = {json.dumps(entry, sort_keys=True): entry for entry in map(_canonical_entry, entries)}
        result[side] = [unique[key] for key in sorted(unique)]
    return result


def same_access(one: t.Any, other: t.Any) -> bool:
    """Whether both grant the same."""
    return canonical_json(canonical(one)) == canonical_json(canonical(other))


def canonical_json(value: t.Any) -> str:
    """A text that is equal for equal JSON values only: true is not 1, and 1 is not 1.0."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _check_entry(side: str, where: str, entry: t.Any) -> t.Dict[str, t.Any]:
    if not isinstance(entry, dict):
        raise InputError(f"{where} must be a dictionary with names.")
    for key in entry:
        if key == "privileges":
            raise InputError(
                f"{where}.privileges is not allowed: Elasticsearch sets the privileges of a cross-cluster API key "
                "itself, for "
                "search and for replication."
            )
        if side == "replication" and key in ("query", "field_security"):
            if entry[key]:
                raise InputError(
                    f"{where}.{key} is not allowed: replication copies whole indices and knows no document or field "
                    "level "
                    "security."
                )
        elif key not in _FIELDS[side]:
            raise InputError(f"{where}.{key} is not known: an entry takes {', '.join(_FIELDS[side])}.")
    names = _check_names(entry.get("names"), f"{where}.names", "index names or patterns")
    for name in names:
        problem = _never_an_index(name)
        if problem:
            raise InputError(
                f"{where}.names has '{name}', which {problem}. Elasticsearch makes a key with it, which opens nothing"
                " and which newer versions refuse to update even with its own access."
            )
    checked: t.Dict[str, t.Any] = {"names": names}
    if side == "search":
        security = _check_field_security(entry.get("field_security"), f"{where}.field_security")
        if security is not None:
            checked["field_security"] = security
        query = _check_query(entry.get("query"), f"{where}.query")
        if query is not None:
            checked["query"] = query
    checked["allow_restricted_indices"] = _check_bool(
        entry.get("allow_restricted_indices"), f"{where}.allow_restricted_indices"
    )
    return checked


def _check_names(value: t.Any, where: str, what: str) -> t.List[str]:
    if value is None:
        raise InputError(f"{where} is missing: give a list of {what}.")
    names = [value] if isinstance(value, (str, int)) else value
    if not isinstance(names, (list, tuple)):
        raise InputError(f"{where} must be a list of {what}.")
    if not names:
        raise InputError(f"{where} is empty: give at least one of the {what}.")
    result = []
    for name in names:
        # A number is what YAML makes of an unquoted name such as 2026.
        if isinstance(name, bool) or not isinstance(name, (str, int)) or not str(name).strip():
            raise InputError(f"{where} must be a list of {what}; one of its items is not a text.")
        result.append(str(name))
    return result


def _never_an_index(name: str) -> t.Optional[str]:
    # Seen: create takes all three on 8.10.4 to 9.5.0; update refuses the selector on 8.19.0, all three on 9.5.0.
    if name.startswith("/"):
        closed = len(name) > 1 and name.endswith("/")
        return None if closed else "begins a regular expression and does not end it with '/'"
    if "," in name:
        return "holds a comma: write each name as an item of the list"
    return "holds a selector ('::'): name the index without it" if "::" in name else None


def _check_field_security(value: t.Any, where: str) -> t.Optional[t.Dict[str, t.List[str]]]:
    if value is None:
        return None
    if not isinstance(value, dict) or not value:
        raise InputError(
            f"{where} must be a dictionary with grant and possibly except; leave it out to grant all fields."
        )
    for key in value:
        if key not in ("grant", "except"):
            raise InputError(f"{where}.{key} is not known: field_security takes grant and except.")
    if value.get("grant") is None:
        raise InputError(f"{where}.except needs grant beside it: to grant all other fields, give grant ['*'].")
    result = {"grant": _check_fields(value["grant"], f"{where}.grant")}
    if value.get("except"):
        result["except"] = _check_fields(value["except"], f"{where}.except")
        for field in result["except"]:
            if _outside(field, result["grant"]):
                raise InputError(
                    f"{where}.except has '{field}', which grant does not grant, so that it cannot be taken away."
                )
    return result


def _check_fields(value: t.Any, where: str) -> t.List[str]:
    return [] if isinstance(value, list) and not value else _check_names(value, where, "field names or patterns")


def _outside(field: str, granted: t.Sequence[str]) -> bool:
    """Whether the field is certainly not granted; of two patterns the server has to tell."""
    if re.search(r"[*?/\\]", field) or any(pattern.startswith("/") or "\\" in pattern for pattern in granted):
        return False
    for pattern in granted:
        expression = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
        if re.match(f"^(?:{expression})\\Z", field, re.DOTALL):
            return False
    return True


def _check_query(value: t.Any, where: str) -> t.Optional[str]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = None
        if isinstance(parsed, dict):
            return value
    raise InputError(f"{where} must be a query as a dictionary, or as a string that holds one in JSON.")


def _check_bool(value: t.Any, where: str) -> bool:
    if value is None:
        return False
    if isinstance(value, str):
        value = value.lower()
    if isinstance(value, (str, bool, int)):
        if value in BOOLEANS_TRUE:
            return True
        if value in BOOLEANS_FALSE:
            return False
    raise InputError(f"{where} must be true or false.")


def _limits(entry: t.Mapping[str, t.Any]) -> bool:
    """Whether the entry has document or field level security (all fields granted is none)."""
    return "query" in entry or _fields_of(entry) is not None


def _fields_of(entry: t.Mapping[str, t.Any]) -> t.Optional[t.Dict[str, t.List[str]]]:
    security = entry.get("field_security")
    if not isinstance(security, dict):
        return None
    grant = security.get("grant")
    denied = security.get("except") or []
    if not denied and (grant is None or list(grant) == ["*"]):
        return None
    fields = {"grant": sorted(set(grant if grant is not None else ["*"]))}
    if denied:
        fields["except"] = sorted(set(denied))
    return fields


def _lenient_entry(entry: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    names = entry.get("names") or []
    result: t.Dict[str, t.Any] = {"names": [names] if isinstance(names, str) else list(names)}
    if isinstance(entry.get("field_security"), dict):
        result["field_security"] = entry["field_security"]
    query = entry.get("query")
    if isinstance(query, dict):
        query = json.dumps(query, separators=(",", ":"), ensure_ascii=False)
    if query:
        result["query"] = query
    result["allow_restricted_indices"] = bool(entry.get("allow_restricted_indices", False))
    return result


def _canonical_entry(entry: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    result: t.Dict[str, t.Any] = {"names": sorted(set(entry["names"]))}
    fields = _fields_of(entry)
    if fields is not None:
        result["field_security"] = fields
    if entry.get("query"):
        try:
            result["query"] = json.loads(entry["query"])
        except ValueError:
            result["query"] = entry["query"]
    result["allow_restricted_indices"] = entry["allow_restricted_indices"]
    return result
