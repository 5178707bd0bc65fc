# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and credentials of a keystore: from memory as long as its file is the same, else from the tool.

Standard library only. Private to this collection.
"""

from __future__ import annotations

import os
import typing as t

from .._api_key import credential
from .._remote.alias import alias_of_credentials, credentials_setting
from .._secrets import mark_api_key
from .memory import KeystoreMemory, places
from .tool import KeystoreTool

Data = t.Dict[str, t.Any]


def memory_of(tool: KeystoreTool) -> KeystoreMemory:
    """What is remembered of the keystore that this tool reads."""
    return KeystoreMemory(places(tool.path, tool.config_dir), os.environ)


def answer(
    tool: KeystoreTool, aliases: t.Optional[t.Sequence[str]], reveal: bool, remember: bool, keep: bool
) -> t.Dict[str, t.Any]:
    """What an earlier run read from the same file, or else what the tool says now."""
    if reveal or not remember:
        return {"remembered": False, **_shown(_read(tool, aliases, reveal))}
    memory = memory_of(tool)
    digest = memory.digest()
    known = memory.recall(digest)
    found = _recalled(known, aliases)
    if found is not None:
        tool.protected = False
        return {"remembered": True, **found}
    read = _read(tool, aliases, reveal)
    # A keystore that was written to meanwhile may have given answers from before and after.
    if keep and digest is not None and not read["protected"] and memory.digest() == digest:
        memory.keep(digest, learned(known, aliases, read["credentials"], read["listed"]))
    return {"remembered": False, **_shown(read)}


def _read(tool: KeystoreTool, aliases: t.Optional[t.Sequence[str]], reveal: bool) -> Data:
    # One name is shown in the time of a list. Of several it is seen first which are there.
    listed = tool.list() if not aliases or (len(aliases) > 1 and not reveal) else None
    names = listed if not aliases else [credentials_setting(alias) for alias in aliases]
    wanted = {name for name in names or () if alias_of_credentials(name) is not None}
    if listed is not None:
        wanted &= set(listed)
    held = {name: value for name, value in tool.show_all(wanted).items() if value is not None}
    return {
        "found": True,
        "protected": bool(tool.protected),
        "settings": sorted(held) if aliases else listed,
        "credentials": {alias_of_credentials(name): describe(value, reveal) for name, value in held.items()},
        "listed": listed,
    }


def _shown(read: Data) -> Data:
    return {name: value for name, value in read.items() if name != "listed"}


def _recalled(known: t.Mapping[str, t.Any], aliases: t.Optional[t.Sequence[str]]) -> t.Optional[Data]:
    """The answer, when everything that is asked for was read before."""
    credentials, names = known.get("credentials", {}), names_in(known)
    if names is not None:
        absent = [alias for alias in aliases or () if credentials_setting(alias) not in names]
        credentials = {**dict.fromkeys(absent), **credentials}
    if aliases and not set(aliases) - set(credentials):
        held = {alias: credentials[alias] for alias in sorted(set(aliases)) if credentials[alias] is not None}
        settings = sorted(credentials_setting(alias) for alias in held)
    elif not aliases and "settings" in known:
        held = {alias: credential for alias, credential in credentials.items() if credential is not None}
        settings = known["settings"]
    else:
        return None
    return {"found": True, "protected": False, "settings": settings, "credentials": held}


def names_in(known: t.Mapping[str, t.Any]) -> t.Optional[t.List[str]]:
    """The names of all settings, where they are known."""
    found: t.Optional[t.List[str]] = known.get("names", known.get("settings"))
    return found


def learned(
    known: t.Mapping[str, t.Any],
    aliases: t.Optional[t.Sequence[str]],
    credentials: t.Mapping[str, t.Optional[t.Mapping[str, t.Any]]],
    listed: t.Optional[t.Sequence[str]],
) -> Data:
    """What is known of the file with what was read now; of an alias without a credential that there is none.

    `names` are those of all settings; they are `settings` as well when all their credentials are known. What is
    malformed is left out: another release may judge it differently.
    """
    all_of_them = {**known.get("credentials", {}), **dict.fromkeys(aliases or ()), **credentials}
    sure = {alias: held for alias, held in all_of_them.items() if held is None or held["api_key_id"] is not None}
    found: Data = {"credentials": sure}
    listed = names_in(known) if listed is None else listed
    if listed is not None:
        found["names"] = list(listed)
        if len(sure) == len(all_of_them) and (not aliases or "settings" in known):
            found["settings"] = list(listed)
    return found


def describe(value: str, reveal: bool = False) -> Data:
    """One credential."""
    found = credential.inspect(value)
    shown: Data = {"state": found.state, "api_key_id": found.api_key_id, "reason": found.reason}
    if reveal:
        shown["encoded"] = mark_api_key(value)
    return shown
