# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of a key's name, metadata and certificate identity before any request. Pure; private to this collection."""

from __future__ import annotations

import re
import typing as t

from .._errors import InputError

NAME_LENGTH = 256


def check_name(name: str) -> str:
    """The server's rules for names."""
    if not name:
        raise InputError("name is empty.")
    if len(name) > NAME_LENGTH:
        raise InputError(f"name has {len(name)} characters; Elasticsearch takes at most {NAME_LENGTH}.")
    if name != name.strip():
        raise InputError(f"name '{name}' begins or ends with white space, which Elasticsearch refuses.")
    if name.startswith("_"):
        raise InputError(f"name '{name}' begins with an underscore, which Elasticsearch keeps for itself.")
    return name


def check_metadata(metadata: t.Mapping[t.Any, t.Any]) -> t.Dict[str, t.Any]:
    """The metadata with text keys, as JSON has them."""
    for key in metadata:
        if str(key).startswith("_"):
            raise InputError(f"metadata key '{key}' begins with an underscore, which Elasticsearch keeps for itself.")
    return {str(key): value for key, value in metadata.items()}


def check_certificate_identity(pattern: str) -> str:
    """Refuse what no Java regular expression can be; Python's `re` differs too much to judge the rest."""
    problem = _certainly_wrong(pattern)
    if problem:
        raise InputError(
            f"certificate_identity is not a regular expression: {problem}. It is matched against the whole subject "
            "of the "
            "client cluster's signing certificate, such as CN=cluster-a,O=Example."
        )
    return pattern


def _certainly_wrong(pattern: str) -> t.Optional[str]:
    if re.search(r"\(\?[a-zA-Z]*x", pattern):
        return None  # comments may hold anything
    depth = classes = 0
    fresh = True  # at the beginning of an alternative, where nothing can be repeated
    class_start = -1
    index = 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\":
            if index + 1 == len(pattern):
                return "it ends with a backslash"
            if pattern[index + 1] == "Q":
                end = pattern.find("\\E", index)
                if end < 0:
                    return None if not depth and not classes else "something is not closed"
                index = end + 2
            else:
                index += 2
            fresh = False
            continue
        if classes:
            if char == "[":
                classes += 1
            elif char == "]" and index > class_start + 1:
                classes -= 1
        elif char == "[":
            classes = 1
            class_start = index + (1 if pattern[index + 1 : index + 2] == "^" else 0)
            fresh = False
        elif char == "(":
            depth += 1
            fresh = True
            special = re.match(r"\(\?(?:[:=!>]|<[=!]|<[A-Za-z][A-Za-z0-9]*>|[a-zA-Z-]*[:)])", pattern[index:])
            if special:
                index += len(special.group())
                if special.group().endswith(")"):
                    depth -= 1
                continue
            if pattern[index + 1 : index + 2] == "?":
                return "a group begins with an unknown '(?'"
        elif char == ")":
            depth -= 1
            if depth < 0:
                return "a ')' has no '('"
            fresh = False
        elif char == "|":
            fresh = True
        elif char in "*+?" and fresh:
            return f"'{char}' has nothing to repeat"
        else:
            fresh = False
        index += 1
    if classes:
        return "a '[' is not closed"
    if depth:
        return "a '(' is not closed"
    return None
