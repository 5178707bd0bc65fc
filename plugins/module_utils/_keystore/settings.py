# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a keystore brought to what is asked for, all at once. Standard library only. Private to this collection.

Each call of the tool starts a JVM: names are listed once, only what is held is shown, one call writes all that differs,
and one shows whether it was written. A single setting is shown without a list.
"""

from __future__ import annotations

import typing as t

from .._api_key import credential
from .._remote.alias import alias_of_credentials
from .errors import KeystoreError, KeystoreMissing
from .memory import KeystoreMemory
from .module import remote_name_problem
from .read import describe, learned, memory_of, names_in
from .tool import KeystoreTool, line_problem, name_problem
from .write import replace

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
        found = credential.inspect(value)
        if found.state == credential.MALFORMED:
            return f"the value for [{name}] is not an encoded API key: {found.reason}"
    return None


class Held(t.NamedTuple):
    """What the keystore holds under a name."""

    present: bool = False
    value: t.Optional[str] = None
    """None also where the id of the key in it says enough."""
    api_key_id: t.Optional[str] = None


def settle(tool: KeystoreTool, items: t.Sequence[Item], check_mode: bool) -> t.List[Result]:
    """Compare, write what differs, and tell what was done about each. One that is wrong stops no other."""
    good = [one for one in items if not one.problem]
    memory = memory_of(tool)
    seen = memory.digest()
    known = memory.recall(seen)
    held, missing, listed = _held(tool, good, known)
    changing = {one.name: one.wanted for one in good if not _right(one, held[one.name])}
    trouble = None
    try:
        if changing:
            # What was not read can only come back with the whole file.
            before = {name: held[name].value for name in changing if held[name].value or not held[name].present}
            _write(tool, before, changing, missing, None if seen is None else memory, check_mode)
    except KeystoreError as e:
        trouble = str(e)
    if changing and not check_mode and not trouble and not missing and seen is not None:
        _keep(tool, memory, known, listed, changing)
    return [_result(one, held.get(one.name, Held()), trouble if one.name in changing else None) for one in items]


def _right(one: Item, held: Held) -> bool:
    return not held.present if one.wanted is None else held.value == one.wanted


def _held(
    tool: KeystoreTool, items: t.Sequence[Item], known: t.Mapping[str, t.Any]
) -> t.Tuple[t.Dict[str, Held], t.Optional[KeystoreMissing], t.Optional[t.List[str]]]:
    """What the keystore holds under these names, how it is missing where it is, and its names as far as they are known.

    Only what must be compared is shown: what is known from an earlier look at the same file says which key is in it.
    """
    held = {one.name: Held() for one in items}
    listed = names_in(known)
    ids = known.get("credentials", {})
    if known:
        tool.protected = False  # what is read from others is not kept
    try:
        if listed is None and len(items) > 1:
            listed = tool.list()
        show = []
        for one in items:
            alias = alias_of_credentials(one.name)
            if alias in ids and ids[alias] is None:
                continue
            if listed is not None and one.name not in listed:
                continue
            key_id = (ids.get(alias) or {}).get("api_key_id")
            if key_id and key_id != credential.inspect(one.wanted).api_key_id:
                held[one.name] = Held(True, None, key_id)
            elif one.wanted is None and listed is not None:
                held[one.name] = Held(True)
            else:
                show.append(one.name)
        for name, value in tool.show_all(show).items():
            held[name] = Held(value is not None, value, credential.inspect(value).api_key_id)
    except KeystoreMissing as e:
        tool.check_node(e)
        return held, e, None
    return held, None, listed


def _write(
    tool: KeystoreTool,
    before: t.Mapping[str, t.Optional[str]],
    wanted: t.Mapping[str, t.Optional[str]],
    missing: t.Optional[KeystoreMissing],
    memory: t.Optional[KeystoreMemory],
    check_mode: bool,
) -> None:
    if missing:
        tool.check_creatable(missing)
    elif check_mode:
        tool.check_writable(wanted)
    if not check_mode:
        replace(tool, before, wanted, memory.snapshot() if memory else None)


def _keep(
    tool: KeystoreTool,
    memory: KeystoreMemory,
    known: t.Mapping[str, t.Any],
    listed: t.Optional[t.Sequence[str]],
    written: t.Mapping[str, t.Optional[str]],
) -> None:
    """Remember what was written, so that nobody has to ask the tool for it."""
    now = memory.digest()
    if now is None or tool.protected is not False:
        return
    if listed is not None:
        gone = {name for name, value in written.items() if value is None}
        listed = sorted({*listed, *written} - gone)
    credentials = {}
    for name, value in written.items():
        alias = alias_of_credentials(name)
        if alias is not None:
            credentials[alias] = None if value is None else describe(value)
    memory.keep(now, learned(known, list(credentials), credentials, listed))


def _result(one: Item, held: Held, trouble: t.Optional[str]) -> Result:
    result: Result = {"name": one.name}
    if one.problem or trouble:
        return {**result, "failed": True, "msg": trouble or f"{one.problem}.", "changed": False}
    operation = "none"
    if not _right(one, held):
        operation = "remove" if one.wanted is None else "update" if held.present else "create"
    result.update(changed=operation != "none", operation=operation)
    wanted = Held(one.wanted is not None, one.wanted, credential.inspect(one.wanted).api_key_id)
    result["diff"] = {"before": _describe(one.name, held, one.wanted), "after": _describe(one.name, wanted, one.wanted)}
    if alias_of_credentials(one.name) is not None:
        result["api_key_id"], result["previous_api_key_id"] = wanted.api_key_id, held.api_key_id
    return result


def _describe(name: str, held: Held, wanted: t.Optional[str]) -> Result:
    """One side of the diff: never a secret."""
    if not held.present:
        return {"name": name, "state": "absent"}
    shown: Result = {"name": name, "state": "present"}
    if alias_of_credentials(name) is not None:
        reason = credential.inspect(held.value).reason
        shown["api_key_id"] = held.api_key_id or f"none: {reason}"
    elif wanted is not None:
        shown["value"] = "(hidden) as requested" if held.value == wanted else "(hidden) another value"
    return shown


def digest(tool: KeystoreTool) -> t.Optional[str]:
    """By which two looks at the keystore can be told to have seen the same; None where that cannot be seen."""
    return memory_of(tool).digest()
