# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings as the server keeps them: flat keys, values as strings or lists of strings."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Any

import yaml


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Nested or flat settings to flat ones; None (delete) is kept. Raises ValueError with the server's text."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, dict):
            flat.update(flatten(value, path))
        elif isinstance(value, list):
            if any(item is None or isinstance(item, (dict, list)) for item in value):
                raise ValueError("only value lists are allowed in serialized settings")
            flat[path] = [text(item) for item in value]
        else:
            flat[path] = None if value is None else text(value)
    return flat


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Flat settings as nested objects; a key that is also another's parent stays dotted."""
    tree: dict[str, Any] = {}
    for key in sorted(flat):
        level = tree
        parts = key.split(".")
        for position, part in enumerate(parts[:-1]):
            child = level.setdefault(part, {})
            if not isinstance(child, dict):
                level[".".join(parts[position:])] = flat[key]
                break
            level = child
        else:
            level[parts[-1]] = flat[key]
    return tree


def without(flat: dict[str, Any], pattern: str) -> dict[str, Any]:
    """`flat` without what a simple pattern (only `*` is special) matches."""
    translated = pattern.replace("[", "[[]").replace("?", "[?]")
    return {key: value for key, value in flat.items() if not fnmatch.fnmatchcase(key, translated)}


def read_yml(path: Path) -> dict[str, Any]:
    """elasticsearch.yml, flat. Raises ValueError with the parser's text."""
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"malformed, expected settings to start with 'object': {error}") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ValueError("malformed, expected settings to start with 'object', instead was [VALUE_STRING]")
    return {key: value for key, value in flatten(loaded).items() if value is not None}
