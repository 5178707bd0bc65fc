# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the query DSL that API-key queries and the small search understand: compiled to Python predicates."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from typing import Any

from ..rest.errors import EsHttpError, illegal_argument, parse_error, x_content_error

Document = dict[str, Any]
Predicate = Callable[[Document], bool]
_UNITS = {"y": 365 * 86400, "M": 30 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "H": 3600, "m": 60, "s": 1}


class Fields:
    """What a caller says about names of fields and kinds of queries."""

    keywords = False  # a match takes the whole value
    unsupported: frozenset[str] = frozenset()
    not_supported = "unknown query [{}]"
    no_lookup = "terms query with terms lookup is not supported"
    date_format = "strict_date_optional_time||epoch_millis"

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def refuse(self, error: EsHttpError) -> None:
        """What is well-formed and not allowed."""
        raise error

    def fail(self, error: EsHttpError) -> None:
        """What only a shard finds out."""
        raise error

    def check(self, name: str) -> str:
        return name

    def is_date(self, name: str) -> bool:
        return False


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif value is not None:
        yield as_text(value)


def flatten(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, list[str]]]:
    for key, item in value.items():
        yield f"{prefix}.{key}", list(leaves(item))
        if isinstance(item, dict):
            yield from flatten(item, f"{prefix}.{key}")


def as_text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _values(document: Document, name: str) -> list[str]:
    value = document.get(name)
    if value is None:
        return []
    return [as_text(item) for item in value] if isinstance(value, list) else [as_text(value)]


def compile_query(query: Any, fields: Fields, depth: int = 0) -> Predicate:
    if not isinstance(query, dict):
        raise EsHttpError(400, "parsing_exception", "[_na] query malformed, must start with start_object")
    if depth > 30:
        raise illegal_argument(
            "The nested depth of the query exceeds the maximum nested depth for queries set in "
            "[indices.query.bool.max_nested_depth]"
        )
    if not query:
        raise illegal_argument("query malformed, empty clause found at [1:1]")
    if len(query) > 1:
        name = list(query)[0]
        raise EsHttpError(
            400, "parsing_exception", f"[{name}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]"
        )
    name, body = next(iter(query.items()))
    if name == "bool":
        return _bool(body, fields, depth)
    if name not in _KINDS or name in fields.unsupported:
        known = {
            "query_string",
            "match_phrase",
            "multi_match",
            "regexp",
            "fuzzy",
            "nested",
            "script",
            "more_like_this",
            "span_term",
            "constant_score",
            "dis_max",
            "terms_set",
            "percolate",
            "wrapper",
            "boosting",
            "function_score",
        }
        if name in known or name in fields.unsupported:
            fields.refuse(illegal_argument(fields.not_supported.format(name)))
            return lambda _document: False
        raise EsHttpError(
            400,
            "parsing_exception",
            f"unknown query [{name}]",
            EsHttpError(400, "named_object_not_found_exception", f"[1:1] unknown field [{name}]"),
        )
    if not isinstance(body, dict):
        raise EsHttpError(400, "parsing_exception", f"[{name}] query malformed, no start_object after query name")
    return _KINDS[name](name, body, fields)


def _bool(body: Any, fields: Fields, depth: int) -> Predicate:
    if not isinstance(body, dict):
        raise EsHttpError(400, "parsing_exception", "[bool] query malformed, no start_object after query name")
    clauses: dict[str, list[Predicate]] = {"must": [], "filter": [], "should": [], "must_not": []}
    minimum: int | None = None
    for key, value in body.items():
        if key in clauses:
            items = value if isinstance(value, list) else [value]
            try:
                clauses[key] = [compile_query(item, fields, depth + 1) for item in items]
            except EsHttpError as error:
                raise x_content_error(f"[1:1] [bool] failed to parse field [{key}]", error) from None
        elif key == "minimum_should_match" and isinstance(value, (int, str)) and re.fullmatch(r"-?\d+", str(value)):
            minimum = int(value)
        elif key not in ("boost", "_name"):
            raise EsHttpError(400, "x_content_parse_exception", f"[1:1] [bool] unknown field [{key}]")
    if minimum is None:
        minimum = 1 if clauses["should"] and not clauses["must"] and not clauses["filter"] else 0

    def matches(document: Document) -> bool:
        return (
            all(clause(document) for clause in clauses["must"])
            and all(clause(document) for clause in clauses["filter"])
            and not any(clause(document) for clause in clauses["must_not"])
            and (minimum <= 0 or sum(clause(document) for clause in clauses["should"]) >= minimum)
        )

    return matches


def _single(kind: str, body: dict[str, Any], fields: Fields, key: str) -> tuple[str, Any]:
    """`{field: value}` or `{field: {key: value}}`."""
    items = [(name, value) for name, value in body.items() if name not in ("boost", "_name") and value is not None]
    if len(items) != 1:
        if not items:
            raise illegal_argument("field name is null or empty")
        raise EsHttpError(
            400,
            "parsing_exception",
            f"[{kind}] query doesn't support multiple fields, found [{items[0][0]}] and [{items[1][0]}]",
        )
    name, value = items[0]
    if isinstance(value, dict):
        unknown = [
            option
            for option in value
            if option not in (key, "boost", "_name", "case_insensitive", "rewrite", "operator", "wildcard")
        ]
        if unknown:
            raise EsHttpError(400, "parsing_exception", f"[{kind}] query does not support [{unknown[0]}]")
        value = value.get(key, value.get("wildcard"))
    if isinstance(value, (list, dict)):
        raise EsHttpError(400, "parsing_exception", f"[{kind}] query does not support array of values")
    if value is None:
        raise illegal_argument("value cannot be null")
    return fields.check(name), value


def _term(kind: str, body: dict[str, Any], fields: Fields) -> Predicate:
    name, value = _single(kind, body, fields, "query" if kind == "match" else "value")
    wanted = as_text(value)
    if fields.is_date(name):
        low = _date(value, fields)
        return lambda document: document.get(name) == low
    if name == "invalidated" and wanted not in ("true", "false"):
        text = f"Can't parse boolean value [{wanted}], expected [true] or [false]"
        cause = illegal_argument(text)
        fields.fail(EsHttpError(400, "query_shard_exception", f"failed to create query: {text}", cause))
    return lambda document: wanted in _values(document, name)


def _match(kind: str, body: dict[str, Any], fields: Fields) -> Predicate:
    if fields.keywords:
        return _term(kind, body, fields)
    name, value = _single(kind, body, fields, "query")
    words = set(re.findall(r"\w+", as_text(value).lower()))
    return lambda document: any(words & set(re.findall(r"\w+", text.lower())) for text in _values(document, name))


def _terms(kind: str, body: dict[str, Any], fields: Fields) -> Predicate:
    items = [(name, value) for name, value in body.items() if name not in ("boost", "_name")]
    if len(items) != 1:
        raise EsHttpError(400, "parsing_exception", "[terms] query requires exactly one field")
    name, values = items[0]
    if isinstance(values, dict):
        fields.refuse(illegal_argument(fields.no_lookup))
        return lambda _document: False
    if not isinstance(values, list):
        raise EsHttpError(400, "parsing_exception", f"[terms] query does not support [{name}]")
    name = fields.check(name)
    wanted = {as_text(value) for value in values}
    return lambda document: bool(wanted.intersection(_values(document, name)))


def _prefix(kind: str, body: dict[str, Any], fields: Fields) -> Predicate:
    name, value = _single(kind, body, fields, "value")
    return lambda document: any(text.startswith(as_text(value)) for text in _values(document, name))


def _wildcard(kind: str, body: dict[str, Any], fields: Fields) -> Predicate:
    name, value = _single(kind, body, fields, "value")
    pattern = re.compile(translate(as_text(value).replace("[", "[[]")))
    return lambda document: any(pattern.match(text) for text in _values(document, name))


def _exists(kind: str, body: dict[str, Any], fields: Fields) -> Predicate:
    unknown = [key for key in body if key not in ("field", "boost", "_name")]
    if unknown:
        raise EsHttpError(400, "parsing_exception", f"[exists] query does not support [{unknown[0]}]")
    if not isinstance(body.get("field"), str) or not body["field"]:
        raise EsHttpError(400, "parsing_exception", "[exists] must be provided with a [field]")
    name = fields.check(body["field"])
    return lambda document: bool(_values(document, name))


def _ids(kind: str, body: dict[str, Any], fields: Fields) -> Predicate:
    values = body.get("values", [])
    unknown = [key for key in body if key not in ("values", "boost", "_name")]
    if unknown or not isinstance(values, (list, str)):
        name = unknown[0] if unknown else "values"
        text = f"[1:1] [ids] unknown field [{name}]"
        raise EsHttpError(400, "parsing_exception", text, x_content_error(text))
    wanted = {as_text(value) for value in (values if isinstance(values, list) else [values])}
    return lambda document: document.get("id", document.get("_id")) in wanted


def _range(kind: str, body: dict[str, Any], fields: Fields) -> Predicate:
    items = [(name, value) for name, value in body.items() if name not in ("boost", "_name")]
    if len(items) != 1:
        raise EsHttpError(400, "parsing_exception", "[range] query malformed, no field to indicate field name")
    if not isinstance(items[0][1], dict):
        raise EsHttpError(400, "parsing_exception", f"[range] query does not support [{items[0][0]}]")
    name, limits = fields.check(items[0][0]), items[0][1]
    tests: list[Callable[[Any], bool]] = []
    date = fields.is_date(name)
    for key, value in limits.items():
        if key in ("boost", "_name", "format", "time_zone", "relation"):
            continue
        if key not in _COMPARE:
            raise EsHttpError(400, "parsing_exception", f"[range] query does not support [{key}]")
        if value is None:
            continue
        limit = _date(value, fields, up=key in ("gt", "lte"), form=limits.get("format")) if date else value
        tests.append(_test(_COMPARE[key], limit))

    def matches(document: Document) -> bool:
        value = document.get(name)
        values = value if isinstance(value, list) else [value]
        return any(item is not None and all(test(item) for test in tests) for item in values)

    return matches


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def _test(compare: Callable[[Any, Any], bool], limit: Any) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        if isinstance(value, str) or isinstance(limit, str):
            return compare(as_text(value), as_text(limit))
        if isinstance(limit, (list, dict)) or isinstance(value, (list, dict)):
            raise illegal_argument("[range] query does not support objects or arrays as limits")
        return compare(value, limit)

    return test


def _date(value: Any, fields: Fields, up: bool = False, form: str | None = None) -> int:
    """Milliseconds of a date: a number, a date in one of the formats, or date math such as now-1d/d and ..||+1M."""
    form = form or fields.date_format
    try:
        return _moment(as_text(value), form, fields.now_ms, up)
    except (ValueError, OverflowError):
        day = as_text(value).partition("||")[0]
        text = f"failed to parse date field [{day}] with format [{form}]"
        cause = EsHttpError(400, "date_time_parse_exception", "Failed to parse with all enclosed parsers")
        fields.fail(parse_error(f"{text}: [{text}]", illegal_argument(text, cause)))
        return 0


def _moment(text: str, form: str, now_ms: int, up: bool) -> int:
    day, _bars, math = text.partition("||")
    if text.startswith("now"):
        base, math = now_ms, text[3:]
    elif "epoch_millis" in form and re.fullmatch(r"-?\d+", day):
        base = int(day)
    elif form == "epoch_millis":
        raise ValueError(day)
    else:
        moment = datetime.datetime.fromisoformat(day.replace("Z", "+00:00"))
        base = int((moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)).timestamp() * 1000)
    while math:
        found = re.match(r"([+-])(\d*)([yMwdhHms])|/([yMwdhHms])", math)
        if found is None:
            raise ValueError(text)
        if found.group(4):
            unit = _UNITS[found.group(4)] * 1000
            base = base // unit * unit + (unit - 1 if up else 0)
        else:
            step = int(found.group(2) or 1) * _UNITS[found.group(3)] * 1000
            base += step if found.group(1) == "+" else -step
        math = math[found.end() :]
    return base


def _simple_query_string(kind: str, body: dict[str, Any], fields: Fields) -> Predicate:
    """Words, a trailing * for prefixes, all fields given (or all searchable text fields)."""
    text = body.get("query")
    if not isinstance(text, str):
        raise EsHttpError(400, "parsing_exception", "[simple_query_string] query text missing")
    names = body.get("fields") or ["name", "username", "realm_name", "type", "metadata"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise EsHttpError(400, "parsing_exception", "[simple_query_string] query does not support [fields]")
    names = [fields.check(name.partition("^")[0]) for name in names if "*" not in name] or ["name"]
    words = [word.strip('"') for word in text.split()]
    every = str(body.get("default_operator", "or")).lower() == "and"

    def hit(document: Document, word: str) -> bool:
        return any(
            value.startswith(word[:-1]) if word.endswith("*") else value == word
            for name in names
            for value in _values(document, name)
        )

    return lambda document: (all if every else any)(hit(document, word) for word in words)


_KINDS: dict[str, Callable[[str, dict[str, Any], Fields], Predicate]] = {
    "match_all": lambda _kind, _body, _fields: lambda _document: True,
    "match_none": lambda _kind, _body, _fields: lambda _document: False,
    "term": _term,
    "terms": _terms,
    "match": _match,
    "prefix": _prefix,
    "wildcard": _wildcard,
    "exists": _exists,
    "ids": _ids,
    "range": _range,
    "simple_query_string": _simple_query_string,
}


def total(documents: list[tuple[Document, Any]], matches: Predicate) -> int:
    return sum(1 for document, _payload in documents if matches(document))
