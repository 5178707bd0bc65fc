# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`filter_path`: keep (or with a leading minus drop) the parts of an answer that the dotted patterns name."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

_NOTHING = object()


def apply(body: Any, expression: str) -> Any:
    patterns = [part.strip() for part in expression.split(",") if part.strip()]
    includes = [part.split(".") for part in patterns if not part.startswith("-")]
    excludes = [part[1:].split(".") for part in patterns if part.startswith("-")]
    result = _keep(body, includes) if includes else body
    if result is _NOTHING:
        return {}
    return _drop(result, excludes) if excludes else result


def _step(patterns: list[list[str]], key: str) -> tuple[list[list[str]], bool]:
    """Patterns left below `key`, and whether one of them ends here."""
    rest: list[list[str]] = []
    done = False
    for pattern in patterns:
        if pattern[0] == "**":
            rest.append(pattern)
            below, ends = _step([pattern[1:]], key) if len(pattern) > 1 else ([], True)
            rest.extend(below)
            done = done or ends
        elif fnmatchcase(key, pattern[0]):
            if len(pattern) == 1:
                done = True
            else:
                rest.append(pattern[1:])
    return rest, done


def _keep(value: Any, patterns: list[list[str]]) -> Any:
    if isinstance(value, list):
        kept = [item for item in (_keep(item, patterns) for item in value) if item is not _NOTHING]
        return kept or _NOTHING
    if not isinstance(value, dict):
        return _NOTHING
    found = {}
    for key, item in value.items():
        rest, done = _step(patterns, key)
        if done:
            found[key] = item
        elif rest:
            below = _keep(item, rest)
            if below is not _NOTHING:
                found[key] = below
    return found or _NOTHING


def _drop(value: Any, patterns: list[list[str]]) -> Any:
    if isinstance(value, list):
        return [_drop(item, patterns) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, item in value.items():
        rest, done = _step(patterns, key)
        if not done:
            found[key] = _drop(item, rest) if rest else item
    return found
