# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that hand the work of the links to the roles. They are documented so that the roles can be read; playbooks of
users have no need for them."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._text import printable
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import registered
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import outside
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import normalise
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import outcome


def link_input(clusters: t.Any, links: t.Any, sources: t.Any = ()) -> t.Dict[str, t.Any]:
    data = normalise(clusters, links, sources)
    if data["errors"]:
        raise AnsibleFilterError("; ".join(data["errors"]))
    callers = dict.fromkeys(
        data["clusters"][link[side]]["api_from"] for link in data["links"] for side in ("from", "to")
    )
    # All that is judged by the time in this run is judged by the same time.
    return {**data, "callers": list(callers), "now": int(time.time() * 1000)}


def link_connection(
    cluster: t.Mapping[str, t.Any], sources: t.Any = (), api_from: str = "localhost"
) -> t.Dict[str, t.Any]:
    """The connection options of a cluster, as the modules take them."""
    return registered.connection(cluster, sources, api_from)


def link_table(rows: t.Any) -> t.List[str]:
    return outcome.table(rows)


def link_text(text: t.Any) -> str:
    """What something outside said, on one line."""
    return printable(str(text))


class FilterModule:
    """Filters of the roles."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        return outside.filters(link_input, link_connection, link_table, link_text)
