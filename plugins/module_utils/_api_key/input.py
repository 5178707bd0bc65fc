# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of a key's name and metadata before any request. Pure; private to this collection."""

from __future__ import annotations

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
