# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor: from what both sides of a link say to cause, evidence and fix. Pure and read-only.

This file is private to the crosscluster.elasticsearch collection.

One side rarely knows what is wrong: a node only says "unable to connect", and with skip_unavailable a search says
nothing at all. The cause shows when what the nodes hold is laid beside what the server knows. A finding that explains
the failure makes the vague words of the node its evidence, so that each cause is named once.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import clusters as sides
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import connection, credentials
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.findings import Findings
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.view import Data, Facts, LinkView
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import MISREAD
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk


def examine(
    views: t.Sequence[LinkView], facts: Facts, warn_days: int = 14, roles: t.Sequence[Data] = ()
) -> t.List[Data]:
    found: t.List[Data] = []
    for view in views:
        own = [role for role in roles if role["link"] == view.link["id"]]
        try:
            found += examine_link(view, facts, warn_days, own)
        except MISREAD as exc:
            odd = Findings(view)
            why = "what was told of it cannot be understood ({0})".format(type(exc).__name__)
            odd.word("cluster_unread", "unknown", why, "server", cluster=view.link["to"])
            found += odd
    return found


def examine_link(view: LinkView, facts: Facts, warn_days: int, roles: t.Sequence[Data]) -> t.List[Data]:
    found = Findings(view)
    for side, name in (("server", view.link["to"]), ("client", view.link["from"])):
        if side in view.faults:
            found.word("cluster_unread", "unknown", view.faults[side], side, cluster=name)
    credentials.nodes(found)
    if view.link["absent"]:
        # What is left of it is drift.
        credentials.unread(found)
        for role in roles:
            found.word("remote_indices_left", "warning", role.get("evidence"), role=role["role"])
        return in_order(found)
    credentials.others(found)
    credentials.credentials(found)
    connection.alias(found, facts)
    sides.examine(found, facts)
    unsure = connection.ports(found, facts)
    credentials.key(found, facts, warn_days)
    for role in roles:
        found.word("remote_indices_missing", "error", role.get("evidence"), role=role["role"])
    if "client" not in view.faults and view.remote is not None and not view.proven:
        connection.probe(found, facts)
        unsure = [item for item in unsure if any(one["code"] in connection.VAGUE for one in found.explaining(item[0]))]
        for address in sorted({port["address"] for _node, port in unsure}):
            nodes = [(node, port) for node, port in unsure if port["address"] == address]
            reason, names = nodes[0][1].get("reason"), lk.names(node for node, _port in nodes)
            found.word("certificate_unchecked", "info", reason, address=address, nodes=names)
    if view.proven is False and view.remote is not None and view.remote.get("skip_unavailable"):
        found.word("skip_unavailable_masks", "warning")
    return in_order(found)


def in_order(found: Findings) -> t.List[Data]:
    order = {"error": 0, "unknown": 1, "warning": 2, "info": 3}
    return sorted(found, key=lambda item: order[item["level"]])
