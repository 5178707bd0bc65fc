# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a keystore brought to what is asked for, all at once. Standard library only. Private to this collection.

Each call of the tool starts a JVM: names are listed once, only what is held is shown, one call writes all that differs,
and one shows whether it was written. A single setting is shown without a list.
"""

from __future__ import annotations

import os
import typing as t

from . import _credential
from ._alias import alias_of_credentials
from ._keystore import KeystoreTool, line_problem, name_problem
from ._keystore_errors import KeystoreError, KeystoreMissing
from ._keystore_memory import KeystoreMemory, places
from ._keystore_module import remote_name_problem
from ._keystore_write import replace

Result = t.Dict[str, t.Any]


class Item(t.NamedTuple):
    """A setting, and the value that it shall have; None: the keystore shall not hold it."""

    name: str
    wanted: t.Optional[str]
    problem: t.Optional[str]


def item(name: t.Any, value: t.Any, present: bool) -> Item:
    """What is asked for, with what is wrong about it."""
    text = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    name = str(name)
    # Whatever a keystore can hold can be taken out, also what should never have got in.
    return Item(name, text if present else None, _problem(name, text) if present else name_problem(name))


def _problem(name: str, value: t.Optional[str]) -> t.Optional[str]:
    problem = remote_name_problem(name)
    if problem:
        return problem
    if not value:
        return f"the value for [{name}] is empty or no text; to take the setting out use 'state: absent'"
    problem = line_problem(f"the value for [{name}]", value)
    if problem:
        return problem
    if alias_of_credentials(name) is not None:
        credential = _credential.inspect(value)
        if credential.state == _credential.MALFORMED:
            return f"the value for [{name}] is not an encoded API key: {credential.reason}"
    return None


def settle(tool: KeystoreTool, items: t.Sequence[Item], check_mode: bool) -> t.List[Result]:
    """Compare, write what differs, and tell what was done about each. One that is wrong stops no other."""
    good = [one for one in items if not one.problem]
    held, missing = _held(tool, [one.name for one in good])
    changing = {one.name: one.wanted for one in good if held[one.name] != one.wanted}
    trouble = None
    try:
        if changing:
            _write(tool, {name: held[name] for name in changing}, changing, missing, check_mode)
    except KeystoreError as e:
        trouble = str(e)
    return [_result(one, held.get(one.name), trouble if one.name in changing else None) for one in items]


def _held(
    tool: KeystoreTool, names: t.Sequence[str]
) -> t.Tuple[t.Dict[str, t.Optional[str]], t.Optional[KeystoreMissing]]:
    """The values of these settings, and how the keystore is missing where it is."""
    held: t.Dict[str, t.Optional[str]] = dict.fromkeys(names)
    try:
        there = set(names) if len(names) < 2 else set(names) & set(_listed(tool))
        held.update(tool.show_all(there))
    except KeystoreMissing as e:
        tool.check_node(e)
        return held, e
    return held, None


def _listed(tool: KeystoreTool) -> t.List[str]:
    """Names of all settings; from the earlier look where the file is still the same."""
    memory = _memory(tool)
    known = memory.recall(memory.digest())
    if "settings" not in known:
        return tool.list()
    tool.protected = False  # what is read from others is not kept
    return known["settings"]


def _write(
    tool: KeystoreTool,
    before: t.Mapping[str, t.Optional[str]],
    wanted: t.Mapping[str, t.Optional[str]],
    missing: t.Optional[KeystoreMissing],
    check_mode: bool,
) -> None:
    if missing:
        tool.check_creatable(missing)
    elif check_mode:
        tool.check_writable(wanted)
    if not check_mode:
        replace(tool, before, wanted)


def _result(one: Item, held: t.Optional[str], trouble: t.Optional[str]) -> Result:
    result: Result = {"name": one.name}
    if one.problem or trouble:
        return {**result, "failed": True, "msg": trouble or f"{one.problem}.", "changed": False}
    operation = "none"
    if held != one.wanted:
        operation = "remove" if one.wanted is None else "create" if held is None else "update"
    result.update(changed=operation != "none", operation=operation)
    result["diff"] = {
        "before": _describe(one.name, held, one.wanted),
        "after": _describe(one.name, one.wanted, one.wanted),
    }
    if alias_of_credentials(one.name) is not None:
        result["api_key_id"] = _credential.inspect(one.wanted).api_key_id
        result["previous_api_key_id"] = _credential.inspect(held).api_key_id
    return result


def _describe(name: str, value: t.Optional[str], wanted: t.Optional[str]) -> Result:
    """One side of the diff: never a secret."""
    if value is None:
        return {"name": name, "state": "absent"}
    shown: Result = {"name": name, "state": "present"}
    if alias_of_credentials(name) is not None:
        credential = _credential.inspect(value)
        shown["api_key_id"] = credential.api_key_id or f"none: {credential.reason}"
    elif wanted is not None:
        shown["value"] = "(hidden) as requested" if value == wanted else "(hidden) another value"
    return shown


def digest(tool: KeystoreTool) -> t.Optional[str]:
    """By which two looks at the keystore can be told to have seen the same; None where that cannot be seen."""
    return _memory(tool).digest()


def _memory(tool: KeystoreTool) -> KeystoreMemory:
    return KeystoreMemory(places(tool.path, tool.config_dir), os.environ)
