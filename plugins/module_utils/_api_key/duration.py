# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations as Elasticsearch writes them ("30d"). Pure; private to this collection.

Stricter than the server where the server accepts what nobody can mean: "0" and "-1d" make a key that is dead at once,
and what is shorter than a second is cut down to zero."""

from __future__ import annotations

import re
import typing as t

from .._errors import InputError

_NANOS = {
    "nanos": 1,
    "micros": 1000,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
}
_UNITS = "s, m (minutes), h or d"
_LONG = 2**63 - 1


class Duration(t.NamedTuple):
    """A positive duration, and how to write it for the server."""

    text: str
    ms: int

    def __str__(self) -> str:
        return self.text


def parse_duration(value: t.Any, option: str) -> Duration:
    """Read a duration, or InputError with the option's name, what is wrong and what to write."""
    text = str(value).strip()
    shown = text if len(text) <= 40 else text[:40] + "..."
    if isinstance(value, bool) or text.lower() in ("", "never", "none", "null"):
        raise InputError(
            f"{option} '{shown}' is not a duration, and there is no value for 'never': leave the option out for a "
            "key that "
            "does not expire. From an existing key an expiration cannot be removed: make a new key with rotate=true."
        )
    match = re.match(r"^([+-]?\d+)(\.\d+)?\s*([A-Za-z]*)\Z", text)
    if not match:
        raise InputError(
            f"{option} '{shown}' is not a duration: write a whole number and a unit ({_UNITS}), such as 90d."
        )
    number, fraction, unit = match.groups()
    # The server takes upper case too, except M, which could mean months.
    unit = unit if unit == "M" else unit.lower()
    if unit not in _NANOS:
        hint = {"": "has no unit", "M": "has the unit M (minutes are m; there are no months)"}
        raise InputError(
            f"{option} '{shown}' {hint.get(unit, f'has an unknown unit ({unit})')}: Elasticsearch knows {_UNITS}, so "
            "write "
            "weeks and months in days, such as 30d."
        )
    if fraction:
        raise InputError(
            f"{option} '{shown}' is a fraction, which Elasticsearch does not take: use a smaller unit, as 36h for 1.5d."
        )
    count = int(number)
    nanos = count * _NANOS[unit]
    if nanos < 10**9:
        raise InputError(f"{option} '{shown}' would make a key that has expired at once: give at least 1s.")
    if count > _LONG:
        raise InputError(f"{option} '{shown}' is too long for Elasticsearch.")
    return Duration(f"{count}{unit}", nanos // 10**6)
