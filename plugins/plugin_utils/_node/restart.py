# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which node of a cluster a host is, and whether it and the cluster are well after its restart. Pure.

This file is private to the crosscluster.elasticsearch collection.

Health alone proves nothing: right after the command it is still what it was, and a cluster without indices of users
stays green while a node is away. So the node must be listed with another start of its process first, and health be read
after that.
"""

from __future__ import annotations

import typing as t

Data = t.Dict[str, t.Any]
STATUS = ("red", "yellow", "green")


def match(
    nodes: t.Sequence[t.Mapping[str, t.Any]], given: str, others: t.Sequence[t.Optional[str]]
) -> t.Optional[t.Mapping[str, t.Any]]:
    """The node with the given name; where none is given, with the first of the other names that a node has."""
    by_name = {node["name"]: node for node in nodes}
    return next((by_name[name] for name in ([given] if given else others) if name in by_name), None)


def before(info: t.Any, host: str, given: str = "", at_itself: bool = False, in_file: str = "") -> Data:
    """What to compare with after the restart of a host, from what ``cluster_info`` returned; ``problem`` says why it
    cannot be.

    :arg at_itself: the node itself was asked, so that it is the one that answered.
    :arg in_file: ``node.name`` of its elasticsearch.yml.
    """
    told = info.get("msg") if isinstance(info, t.Mapping) and not info.get("skipped") else None
    if not isinstance(info, t.Mapping) or "nodes" not in info:
        if told:
            return {"problem": "its cluster cannot be asked whether it is back. {0}".format(told)}
        return {"problem": "nobody can be asked whether it is back; give urls of its cluster, or the url of the node"}
    nodes, health = info["nodes"], info.get("health")
    if nodes is None or health is None:
        text = "the nodes and the health of its cluster may not be read; the login needs the cluster privilege monitor"
        return {"problem": text}
    node = match(nodes, given, [host, info.get("node") if at_itself else None, in_file])
    if node is None:
        text = "no running node of its cluster is called [{0}] (there are {1}); start it, or give its name as node_name"
        return {"problem": text.format(given or host, ", ".join(str(other["name"]) for other in nodes) or "none")}
    return {
        "problem": "",
        "cluster": info["cluster_uuid"],
        "node": node["name"],
        "started": node["started"],
        "listens": bool(node["remote_cluster_server"]),
        "health": health,
    }


def trouble(info: t.Any, then: t.Mapping[str, t.Any], wanted: str) -> str:
    """Why the next node must wait, empty when it need not.

    Well is a cluster with the wanted health, or with what it was before the restart.
    """
    if not isinstance(info, t.Mapping) or not info.get("nodes"):
        told = info.get("msg") if isinstance(info, t.Mapping) else None
        return str(told or "the nodes of the cluster could not be read")
    node = match(info["nodes"], then["node"], ())
    if node is None:
        return "{0} is not in the list of nodes".format(then["node"])
    if node["started"] == then["started"]:
        return "{0} is still the process that it was before".format(then["node"])
    health = info.get("health")
    if health is None:
        return "the health of the cluster could not be read"
    if rank(health["status"]) >= rank(wanted):
        return ""
    if (
        rank(health["status"]) >= rank(then["health"]["status"])
        and health["missing_shards"] <= then["health"]["missing_shards"]
    ):
        return ""
    return "{0} is back, but the cluster is {1} ({2} copies of shards are missing), and was {3} ({4}) before".format(
        then["node"], health["status"], health["missing_shards"], then["health"]["status"],
        then["health"]["missing_shards"],
    )  # fmt: skip


def rank(status: t.Optional[str]) -> int:
    return STATUS.index(status) if status in STATUS else -1
