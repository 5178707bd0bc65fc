# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes to a keystore that are believed only when they were seen. Standard library only. Private to this collection.

An exit code of 0 proves nothing: some versions store an empty value with it, and so does a script that loses standard
input on its way to the tool.
"""

from __future__ import annotations

import typing as t

from .errors import KeystoreError, not_written
from .memory import Snapshot
from .tool import KeystoreTool, line_problem, removing, writing

# Names and values; None where the keystore does not hold the setting.
Settings = t.Mapping[str, t.Optional[str]]


def replace(tool: KeystoreTool, before: Settings, wanted: Settings, snapshot: t.Optional[Snapshot] = None) -> None:
    """Set all these settings, or take all of them out, and see that it was done; else put back what was there: the
    file, where it can be seen which it is, or else the values `before`."""
    _put(tool, wanted)
    # A call writes all of its settings or none, so one of them tells of the others.
    name, value = list(wanted.items())[-1]
    attempt = (removing if value is None else writing)(list(wanted))
    try:
        held = tool.show(name)
    except KeystoreError as e:
        raise KeystoreError(
            f"Cannot tell whether it was possible to {attempt}: the tool ended without an error, but then another call"
            f" failed, and nothing was put back. {e}"
        ) from e
    if held == value:
        return
    if held and value and value in held:
        # Whatever adds to the output added to the earlier value too, which must not get into the keystore like that.
        raise not_written(attempt, "shows more than the value", "Nothing was put back", tool.path)
    raise not_written(attempt, _shows(held, value), _restore(tool, before, snapshot), tool.path)


def _put(tool: KeystoreTool, settings: Settings) -> None:
    values = {name: value for name, value in settings.items() if value is not None}
    if values:
        tool.add(values)
    if len(values) < len(settings):
        tool.remove([name for name in settings if name not in values])


def _shows(held: t.Optional[str], wanted: t.Optional[str]) -> str:
    if wanted is None:
        return "still holds it"
    if held is None:
        return "does not hold it"
    return "holds another value" if held else "holds an empty value"


def _restore(tool: KeystoreTool, before: Settings, snapshot: t.Optional[Snapshot]) -> str:
    """Put back what the keystore held; how that went."""
    try:
        if snapshot:
            if not snapshot.changed():
                return "Nothing was changed"
            snapshot.put_back()
            return "What it held before was put back"
        damaged = _different(tool, before)
        if not damaged:
            return "Nothing was changed"
        # What came from a file may have several lines, and the tool takes one.
        if not any(line_problem(name, value or "") for name, value in damaged.items()):
            _put(tool, damaged)
            if not _different(tool, before):
                return "What it held before was put back"
    except (KeystoreError, OSError):
        pass
    return "What it held before could NOT be put back"


def _different(tool: KeystoreTool, settings: Settings) -> Settings:
    return {name: value for name, value in settings.items() if tool.show(name) != value}
