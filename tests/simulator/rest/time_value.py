# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch time values ("30d")."""

from __future__ import annotations

import re

from .errors import EsHttpError, illegal_argument

_UNITS = (
    ("nanos", 1),
    ("micros", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
)
_LONG = 2**63


def parse_nanos(text: str, setting: str) -> int:
    """The duration in nanoseconds. -1 is allowed with any unit; minutes are a lower-case m only."""
    normalized = text.lower().strip()
    for unit, nanos in _UNITS:
        # "M" would mean months to a reader, so minutes are looked for in the text as it was given
        if (text if unit == "m" else normalized).endswith(unit):
            return _number(text, normalized[: -len(unit)].strip(), setting) * nanos
    if re.fullmatch(r"-0*1", normalized):
        return -1_000_000
    if re.fullmatch(r"0+", normalized):
        return 0
    raise illegal_argument(
        f"failed to parse setting [{setting}] with value [{text}] as a time value: unit is missing or unrecognized"
    )


def _number(text: str, digits: str, setting: str) -> int:
    if re.fullmatch(r"[+-]?[0-9]+", digits) and -_LONG <= int(digits) < _LONG:
        value = int(digits)
        if value < -1:
            raise illegal_argument(
                f"failed to parse setting [{setting}] with value [{text}] as a time value: "
                "negative durations are not supported"
            )
        return value
    cause = EsHttpError(400, "number_format_exception", f'For input string: "{digits}"')
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[fd]?", digits):
        raise illegal_argument(f"failed to parse [{text}], fractional time values are not supported", cause)
    raise illegal_argument(f"failed to parse [{text}]", cause)
