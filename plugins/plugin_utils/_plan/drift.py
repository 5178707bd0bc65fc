# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between what a link asks for and what the clusters have. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key import key as api_key
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.access import check_access
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.duration import parse_duration
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote import settings as remote_settings
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import MARKER


def key_drift(link: t.Mapping[str, t.Any], found: api_key.Key) -> t.List[str]:
    """Which fields of the API key have to be updated, by the rules of the module that will do it."""
    # An adopted key keeps its metadata and its end; both come with the key that replaces it.
    adopted = found.id == link["adopt"]
    wanted = api_key.Wanted(
        name=link["key_name"],
        access=check_access(link["access"]),
        # What else stands in a mark of ours is kept as it is.
        metadata=None if adopted else {**link["metadata"], MARKER: found.metadata.get(MARKER)},
        certificate_identity=link["certificate_identity"],
        expiration=parse_duration(link["expiration"], "expiration") if link["expiration"] and not adopted else None,
    )
    body = api_key.changes(wanted, found, extend=False)
    if "expiration" in body and body.get("metadata") == found.metadata:
        # Sent along only because the server refuses an expiration alone.
        del body["metadata"]
    return list(body)


def settings_drift(link: t.Mapping[str, t.Any], remote: t.Mapping[str, t.Any]) -> t.List[str]:
    """Which settings of the alias are not as asked for; what was not asked for is left alone."""
    current = remote.get("settings") or {}
    return [
        option
        for option, value in link["settings"].items()
        if not remote_settings.same(
            remote_settings.SUFFIXES[option], current.get(remote_settings.SUFFIXES[option]), value
        )
    ]
