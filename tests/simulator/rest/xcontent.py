# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as the server reads it: one value with line and column of every part, trailing text ignored, and its wording
of errors."""

from __future__ import annotations

import json
import re
from typing import Any

from .errors import EsHttpError, x_content_error

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_MAX_DEPTH = 100

TOKENS = {
    "object": "START_OBJECT",
    "array": "START_ARRAY",
    "string": "VALUE_STRING",
    "number": "VALUE_NUMBER",
    "boolean": "VALUE_BOOLEAN",
    "null": "VALUE_NULL",
}


class Value:
    """One JSON value. `kind` is a key of TOKENS; for objects `value` is a list of (name, line, column, Value),
    duplicates refused."""

    __slots__ = ("column", "kind", "line", "value")

    def __init__(self, kind: str, value: Any, line: int, column: int) -> None:
        self.kind = kind
        self.value = value
        self.line = line
        self.column = column

    @property
    def token(self) -> str:
        return TOKENS[self.kind]

    @property
    def at(self) -> str:
        return f"[{self.line}:{self.column}]"

    def plain(self) -> Any:
        if self.kind == "object":
            return {name: child.plain() for name, _line, _column, child in self.value}
        if self.kind == "array":
            return [child.plain() for child in self.value]
        return self.value


class _Reader:
    def __init__(self, text: str, end_of_file: bool) -> None:
        self.text = text
        self.end_of_file = end_of_file
        self.position = 0
        self.starts = [0] + [match.end() for match in re.finditer("\n", text)]

    def place(self, position: int | None = None) -> tuple[int, int]:
        position = self.position if position is None else position
        low, high = 0, len(self.starts) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.starts[middle] <= position:
                low = middle
            else:
                high = middle - 1
        return low + 1, position - self.starts[low] + 1

    def fail(self, what: str) -> EsHttpError:
        line, column = self.place()
        cause = EsHttpError(
            400, "json_parse_exception", f"{what}\n at [Source: (byte[]); line: {line}, column: {column}]"
        )
        return x_content_error(f"[{line}:{column}] {what}", cause)

    def unexpected(self, expected: str) -> EsHttpError:
        if self.position >= len(self.text):
            line, column = self.place()
            what = f"Unexpected end-of-input: {expected}"
            cause = EsHttpError(400, "json_e_o_f_exception", what)
            if self.end_of_file:
                text = f"[{line}:{column}] Unexpected end of file"
                return EsHttpError(400, "x_content_e_o_f_exception", text, cause)
            return x_content_error(f"[{line}:{column}] {what}", cause)
        character = self.text[self.position]
        if character.isalpha():
            word = re.compile(r"\w+").match(self.text, self.position)
            return self.fail(
                f"Unrecognized token '{word.group() if word else character}': was expecting (JSON String, "
                "Number, Array, "
                "Object or token 'null', 'true' or 'false')"
            )
        return self.fail(f"Unexpected character ('{character}' (code {ord(character)})): {expected}")

    def skip(self) -> None:
        self.position = _SPACE.match(self.text, self.position).end()  # type: ignore[union-attr]

    def string(self) -> str:
        found = _STRING.match(self.text, self.position)
        if found is None:
            if '"' not in self.text[self.position + 1 :]:
                self.position = len(self.text)
                raise self.unexpected("was expecting closing quote for a string value")
            raise self.fail("Illegal character or escape in a string value")
        self.position = found.end()
        return json.loads(found.group())

    def value(self, depth: int = 0) -> Value:
        if depth > _MAX_DEPTH:
            raise self.fail(f"Document nesting depth ({depth}) exceeds the maximum allowed")
        self.skip()
        line, column = self.place()
        character = self.text[self.position : self.position + 1]
        if character == "{":
            return Value("object", self.members(depth), line, column)
        if character == "[":
            return Value("array", self.items(depth), line, column)
        if character == '"':
            return Value("string", self.string(), line, column)
        for word, kind, value in (("true", "boolean", True), ("false", "boolean", False), ("null", "null", None)):
            if self.text.startswith(word, self.position):
                end = self.position + len(word)
                if not re.match(r"\w", self.text[end : end + 1]):
                    self.position = end
                    return Value(kind, value, line, column)
        found = _NUMBER.match(self.text, self.position)
        if found is None or re.match(r"[\w.]", self.text[found.end() : found.end() + 1]):
            raise self.unexpected(
                "expected a value"
                if character in ("}", "]", ",")
                else "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
            )
        self.position = found.end()
        return Value("number", _number(found, self), line, column)

    def members(self, depth: int) -> list[tuple[str, int, int, Value]]:
        self.position += 1
        found: list[tuple[str, int, int, Value]] = []
        names: set[str] = set()
        self.skip()
        if self.text.startswith("}", self.position):
            self.position += 1
            return found
        while True:
            self.skip()
            line, column = self.place()
            if not self.text.startswith('"', self.position):
                raise self.unexpected("was expecting double-quote to start field name")
            name = self.string()
            if name in names:
                raise self.fail(f"Duplicate field '{name}'")
            names.add(name)
            self.skip()
            if not self.text.startswith(":", self.position):
                raise self.unexpected("was expecting a colon to separate field name and value")
            self.position += 1
            found.append((name, line, column, self.value(depth + 1)))
            self.skip()
            if self.text.startswith("}", self.position):
                self.position += 1
                return found
            if not self.text.startswith(",", self.position):
                raise self.unexpected("was expecting comma to separate Object entries")
            self.position += 1

    def items(self, depth: int) -> list[Value]:
        self.position += 1
        found: list[Value] = []
        self.skip()
        if self.text.startswith("]", self.position):
            self.position += 1
            return found
        while True:
            found.append(self.value(depth + 1))
            self.skip()
            if self.text.startswith("]", self.position):
                self.position += 1
                return found
            if not self.text.startswith(",", self.position):
                raise self.unexpected("was expecting comma to separate Array entries")
            self.position += 1


def _number(found: re.Match[str], reader: _Reader) -> int | float:
    if found.group(1) or found.group(2):
        value = float(found.group())
        if value in (float("inf"), float("-inf")):
            raise reader.fail(f"Numeric value ({found.group()}) out of range")
        return value
    if len(found.group()) > 1000:
        raise reader.fail("Number value length exceeds the maximum allowed (1000)")
    return int(found.group())


def parse(raw: bytes, end_of_file: bool = False) -> Value:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"Invalid UTF-8 start byte 0x{raw[error.start]:02x}"
        raise x_content_error(f"[1:{error.start + 1}] {what}", EsHttpError(400, "json_parse_exception", what)) from None
    return _Reader(text, end_of_file).value()


def _likeness(one: str, other: str) -> float:
    """1 less the share of characters that have to be changed."""
    row = list(range(len(other) + 1))
    for number, character in enumerate(one, 1):
        before, row[0] = row[0], number
        for index, letter in enumerate(other, 1):
            before, row[index] = row[index], min(row[index] + 1, row[index - 1] + 1, before + (character != letter))
    return 1 - row[-1] / max(len(one), len(other), 1)


def did_you_mean(name: str, known: list[str]) -> str:
    close = [one for one in sorted(known, key=lambda one: (-_likeness(name, one), one)) if _likeness(name, one) > 0.5]
    if not close:
        return ""
    if len(close) == 1:
        return f" did you mean [{close[0]}]?"
    return f" did you mean any of [{', '.join(close)}]?"


def unrecognized(path: str, names: list[str], known: set[str], what: str) -> str:
    """RestController's sentence for parameters nobody read."""
    parts = []
    for name in names:
        hint = did_you_mean(name, sorted(known))
        parts.append(f"[{name}] ->{hint}" if hint else f"[{name}]")
    plural = "s" if len(names) > 1 else ""
    return f"request [{path}] contains unrecognized {what}{plural}: {', '.join(parts)}"


def of_plain(value: Any) -> Value:
    """Positions for a Python value, for callers inside the simulator."""
    return parse(json.dumps(value).encode())
