# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role cross_cluster_report asks further, by host, and how its results are read. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_run as lr
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._link_view import Data


def sides(data: t.Mapping[str, t.Any], hosts: t.Sequence[str], host: str, side: str) -> t.List[Data]:
    """The clusters that one host asks: those of one side of a link (`to`, `from`), of both, or their `roles`."""
    assigned = lr.assign(data, hosts)
    if side == "roles":
        return [
            {"cluster": link["from"], "link": link["id"], "role": role}
            for link in data["links"]
            if assigned.get(link["from"]) == host
            for role in link["roles"]
        ]
    wanted = ("from", "to") if side == "both" else (side,)
    used = {link[name] for link in data["links"] for name in wanted}
    return [{"cluster": name} for name in data["clusters"] if name in used and assigned.get(name) == host]


def ports(data: t.Mapping[str, t.Any], remotes: lr.Results, host: str, clusters: t.Mapping[str, t.Any]) -> t.List[Data]:
    """The addresses that a node shall connect to: those of its links that do not work."""
    own = (data["nodes"].get(host) or {}).get("cluster")
    client = lr.by_cluster(remotes).get(own) if own is not None else None
    if client is None or lr.went_wrong(client):
        return []
    result = []
    for link in data["links"]:
        remote = next((entry for entry in client["remotes"] if entry["alias"] == link["alias"]), None)
        if link["from"] != own or remote is None or (remote.get("probe") or {}).get("ok"):
            continue
        node = next(
            (
                entry
                for entry in clusters[own].get("nodes") or []
                if isinstance(entry, t.Mapping) and entry.get("name") == host
            ),
            {},
        )
        addresses = remote.get("addresses") or []
        if addresses:
            result.append(
                {
                    "link": link["id"],
                    "addresses": addresses,
                    "server_name": remote.get("server_name"),
                    "config_dir": node.get("config_dir"),
                    "remote_ca_cert": data["clusters"][link["to"]].get("remote_ca_cert"),
                }
            )
    return result


def cluster_facts(results: t.Iterable[t.Any]) -> t.Dict[str, t.Any]:
    return {
        name: entry
        for name, entry in lr.by_cluster(dict(enumerate(results))).items()  # type: ignore[arg-type]
        if not lr.went_wrong(entry)
    }


def port_facts(results: lr.Results) -> t.Dict[t.Tuple[str, str], t.Any]:
    return {
        (host, port["address"]): port
        for host, result in results.items()
        if isinstance(result, t.Mapping)
        for entry in result.get("results") or []
        if not lr.went_wrong(entry)
        for port in entry.get("ports") or []
    }


def role_facts(results: t.Iterable[t.Any]) -> t.List[Data]:
    """The roles that lack entries: the module would have changed them. A role that cannot be read lacks them too."""
    found = []
    for result in results:
        for entry in (result.get("results") or []) if isinstance(result, t.Mapping) else []:
            trouble = lr.went_wrong(entry)
            # The task says that it changes nothing, so what the module would do is in its operation.
            if trouble or entry.get("operation", "none") != "none":
                found.append(
                    {"link": entry["item"]["link"], "role": entry["item"]["role"]["name"], "evidence": trouble}
                )
    return found


def complaints(
    report: t.Mapping[str, t.Any], fail_on: t.Sequence[str], host: str, hosts: t.Sequence[str], data: t.Any
) -> t.List[str]:
    """What one host fails with: the links of its cluster that are in a state or have a finding that was named."""
    assigned = lr.assign(data, hosts)
    told = []
    for row in report["links"]:
        codes = {item["code"] for item in row["findings"]}
        if assigned.get(row["client"]) != host or not ({row["state"], *codes} & set(fail_on)):
            continue
        worst = row["findings"][0] if row["findings"] else None
        told.append("{0}: {1}. {2}".format(row["link"], worst["cause"], worst["fix"]) if worst else row["link"])
    return told
