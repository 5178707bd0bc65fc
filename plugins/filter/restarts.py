# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters with which the roles restart nodes one at a time."""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import outside
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._node import restart as restarting


def restart_before(
    info: t.Any, host: str, given: str = "", at_itself: bool = False, in_file: t.Any = ""
) -> t.Dict[str, t.Any]:
    return restarting.before(info, host, given, at_itself, in_file)


def restart_trouble(info: t.Any, then: t.Mapping[str, t.Any], wanted: str) -> str:
    return restarting.trouble(info, then, wanted)


class FilterModule:
    """Filters of the roles."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        return outside.filters(restart_before, restart_trouble)
