# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Java regular expressions, as far as certificate identities and role patterns use them.

Python's `re` does the work. Translated: (?<name>..), \\z, \\Z, \\h, \\R, \\Q..\\E, POSIX and common Unicode \\p
classes. Possessive
quantifiers and atomic groups work on Python 3.11+. Not supported (reported as an invalid pattern): class
intersections `&&`, nested classes,
\\G, \\X and flags other than i, m, s, x, u.
"""

from __future__ import annotations

import functools
import re

_CLASSES = {
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Upper": "A-Z",
    "Lower": "a-z",
    "Punct": r"!-/:-@\[-`{-~",
    "Space": r" \t\n\x0b\f\r",
    "XDigit": "0-9a-fA-F",
    "ASCII": r"\x00-\x7f",
    "L": r"a-zA-Z\u00c0-\u024f",
    "Lu": r"A-Z\u00c0-\u00de",
    "Ll": r"a-z\u00df-\u00ff",
    "N": "0-9",
    "Nd": "0-9",
    "IsAlphabetic": r"a-zA-Z\u00c0-\u024f",
    "IsDigit": "0-9",
}


def _translate(pattern: str) -> str:
    out: list[str] = []
    position = 0
    in_class = False
    while position < len(pattern):
        two = pattern[position : position + 2]
        if two == "\\Q":
            end = pattern.find("\\E", position + 2)
            end = len(pattern) if end < 0 else end
            out.append(re.escape(pattern[position + 2 : end]))
            position = end + 2
            continue
        if two in ("\\p", "\\P"):
            found = re.compile(r"\\[pP](?:\{(\w+)\}|(\w))").match(pattern, position)
            name = (found.group(1) or found.group(2)) if found else ""
            if found is None or name not in _CLASSES or (in_class and two == "\\P"):
                raise re.error(f"Unknown character property name {{{name}}}")
            out.append(_CLASSES[name] if in_class else f"[{'^' if two == chr(92) + 'P' else ''}{_CLASSES[name]}]")
            position = found.end()
            continue
        if two[:1] == "\\":
            if len(two) < 2 or two[1] in "GXEyCIijklmoqVY":
                raise re.error("Illegal/unsupported escape sequence")
            out.append(
                {
                    "\\z": r"\Z",
                    "\\Z": r"(?=\n?\Z)",
                    "\\h": r"[ \t\xa0]",
                    "\\R": r"(?:\r\n|[\n\x0b\f\r])",
                    "\\e": r"\x1b",
                }.get(two, two)
            )
            position += 2
            continue
        if (
            pattern.startswith("(?<", position)
            and pattern[position + 3 : position + 4] not in ("=", "!")
            and not in_class
        ):
            out.append("(?P<")
            position += 3
            continue
        character = pattern[position]
        if in_class and (two == "&&" or character == "["):
            raise re.error("class intersections and nested classes are not supported")
        if character == "[" and not in_class:
            in_class = True
            out.append("[")
            position += 1
            for start in ("^", "]"):
                if pattern.startswith(start, position):
                    out.append(start if start == "^" else "\\]")
                    position += 1
            continue
        if character == "]":
            out.append("]" if in_class else "\\]")
            in_class = False
            position += 1
            continue
        out.append(character)
        position += 1
    return "".join(out)


@functools.lru_cache(maxsize=1000)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Raises re.error for what Java's Pattern would refuse."""
    try:
        return re.compile(_translate(pattern))
    except (OverflowError, RecursionError) as error:
        raise re.error(str(error)) from None


def full_match(pattern: str, text: str) -> bool:
    try:
        return compile_pattern(pattern).fullmatch(text) is not None
    except re.error:
        return False
