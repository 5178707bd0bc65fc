# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the keystore tool's exit code and error output mean, and what to do about it. Private to this collection.

The tool can echo what it read: an unexpected question prints `Did not understand answer '<lower-cased secret>'`. So
nothing it says is passed on before every form of every secret is taken out.
"""

from __future__ import annotations

import os
import re
import typing as t

from .._secrets import redact
from .._text import printable

PROMPT = "Enter password for the elasticsearch keystore"
# Prompts end without a line break, so they stand before what is said next.
_PROMPTS = re.compile(rf"{PROMPT} : |Enter value for [^:\n]*: ")

# Names of sysexits.h, as the tool uses them.
_EXIT_NAMES = {
    64: "usage error",
    65: "bad data or missing keystore",
    70: "internal error",
    73: "cannot create the file",
    74: "input/output error",
    77: "no permission",
    78: "configuration error",
    126: "it cannot be executed",
    127: "a program it needs was not found",
}


class KeystoreError(Exception):
    """A keystore operation that failed, with a text that can be shown."""

    def __init__(self, message: str) -> None:
        # It may quote what the tool or the file system said.
        super().__init__(printable(message))


class KeystoreMissing(KeystoreError):
    """There is no keystore file."""

    def __init__(self, message: str, path: t.Optional[str]) -> None:
        super().__init__(message)
        self.path = path


class SettingAbsent(KeystoreError):
    """The keystore does not hold the setting."""


class Ended(t.NamedTuple):
    """How a call of the tool ended."""

    tool: str
    rc: int
    stderr: str
    password_given: bool = False


def explain(
    attempt: str,
    ended: Ended,
    secrets: t.Sequence[t.Optional[str]] = (),
    owner_of: t.Optional[t.Callable[[str], t.Optional[str]]] = None,
) -> KeystoreError:
    """The error for a call of the tool that ended with a code other than 0."""
    tool, rc, stderr, password_given = ended
    # JVM notices and log lines may be wrapped around the one line that matters.
    said = without_secrets(stderr, secrets)

    def error(problem: str, advice: str) -> KeystoreError:
        return KeystoreError(f"Cannot {attempt}: {problem}. {advice}")

    found = re.search(r"keystore not found(?: at \[([^\]]*)\])?", said)
    if found:
        path = found.group(1)
        where = f" at [{path}]" if path else ""
        return KeystoreMissing(
            f"Cannot {attempt}: there is no keystore{where}. Set [config_dir] to the directory that holds the node's"
            " elasticsearch.yml, or create the keystore with 'elasticsearch-keystore create'.",
            path,
        )
    if "does not exist in the keystore" in said:
        return SettingAbsent(f"Cannot {attempt}: the keystore does not hold it.")
    starved = "unable to read from standard input" in said
    if starved and (password_given or PROMPT not in said):
        return error("the tool got less input than it asked for", _unchanged(tool))
    if starved or "Provided keystore password was incorrect" in said:
        if password_given:
            return error("the keystore password is wrong", "Correct [keystore_password]; it can differ per node.")
        return error("the keystore is protected by a password", "Give it as [keystore_password].")
    found = re.search(r"will not overwrite keystore at \[([^\]]*)\]", said)
    if found:
        return wrong_owner(attempt, found.group(1), owner_of(found.group(1)) if owner_of else None)
    found = re.search(r"unable to create temporary keystore at \[([^\]]*)\]", said)
    if found:
        directory = os.path.dirname(found.group(1))
        return error(
            f"this user may not write to [{directory}]",
            "Run the task with 'become: true' and as 'become_user' the owner of the keystore file"
            " (root for deb and rpm packages, the service's user for archives).",
        )
    found = re.search(r"AccessDeniedException: (\S+)|access denied[:\s]+\S*?(/\S+)", said)
    if found:
        path = (found.group(1) or found.group(2)).rstrip(",")
        return error(f"this user may not read [{path}]", _become(owner_of(path) if owner_of else None))
    if "format is too new" in said or "format version is too new" in said:
        return error(
            f"the keystore was written by a newer Elasticsearch than [{tool}] belongs to",
            "Set [executable] to the tool of the installation that runs the node.",
        )
    if re.search(r"corrupted|tampered|checksum failed|codec header mismatch|read past EOF", said):
        return error("the keystore file is damaged", "Restore it from a backup of this node, or create it anew.")
    if "does not match the allowed setting name pattern" in said:
        return error("the tool refuses the name of the setting", "Names have letters, digits, [.], [-] and [_] only.")
    if rc == 64 and "show" in said and re.search(r"[Uu]nknown command|not a command|[Nn]o such command", said):
        return error(
            "this tool has no command [show], so it is older than 7.16",
            "Links by cross-cluster API keys need Elasticsearch 8.10 or later; is [executable] the right tool?",
        )
    if "could not find java" in said:
        return error("the tool finds no Java to run with", "Unset ES_JAVA_HOME for this user or correct it.")
    detail = _last_error(said)
    what = _EXIT_NAMES.get(rc)
    code = f"exit code {rc}" + (f", {what}" if what else "")
    return error(
        f"[{tool}] failed ({code})" + (f": {detail}" if detail else ""), "Run the tool by hand as the same user."
    )


def wrong_owner(attempt: str, path: str, owner: t.Optional[str]) -> KeystoreError:
    """The tool keeps the owner of the file by refusing to run as anyone else."""
    whose = f"belongs to the user [{owner}]" if owner else "belongs to another user"
    return KeystoreError(
        f"Cannot {attempt}: [{path}] {whose}, and the tool does not write another user's keystore. {_become(owner)}"
    )


def not_written(attempt: str, holds: str, outcome: str, tool: str) -> KeystoreError:
    """The tool ended as if it had done what the keystore does not show."""
    return KeystoreError(
        f"Cannot {attempt}: [{tool}] ended without an error, but the keystore {holds}. {outcome}."
        f" Check that [executable] is the elasticsearch-keystore of this node. {_unchanged(tool)}"
    )


def without_secrets(text: str, secrets: t.Sequence[t.Optional[str]]) -> str:
    """What the tool said. An echoed answer is a secret as often as not, whatever it was."""
    return redact(re.sub(r"Did not understand answer '.*'", "Did not understand the answer", text), secrets)


def _unchanged(tool: str) -> str:
    return f"If [{tool}] is a script of your own, it must hand over standard input and output unchanged."


def _become(owner: t.Optional[str]) -> str:
    if owner:
        return f"Run the task with 'become: true' and 'become_user: {owner}'."
    return "Run the task with 'become: true' and as 'become_user' the owner of the keystore file."


def _last_error(said: str) -> t.Optional[str]:
    lines = [line.strip() for line in _PROMPTS.sub("", said).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    uncaught = [line for line in lines if re.match(r"Exception in thread|[\w.$]+(Exception|Error)\b", line)]
    found = errors or uncaught or lines[-1:]
    if not found:
        return None
    chosen = re.sub(r"^ERROR:\s*", "", found[0])
    chosen = re.sub(r",? with exit code \d+$", "", chosen)
    return chosen[:300].rstrip(".")
