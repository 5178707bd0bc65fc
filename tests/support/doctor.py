# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role cross_cluster_report does, with the real modules and filters in this process: seconds instead of a
minute.

The playbook itself is run in test_awx_runner.py; here it is about what is found.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.filter import diagnosis, links
from support.modules import run_module

ACCESS = {"search": [{"names": ["logs-*"]}]}


def examine(clusters: dict[str, t.Any], wanted: list[dict[str, t.Any]], **options: t.Any) -> dict[str, t.Any]:
    """The report of these links."""
    data = links.link_input(clusters, wanted)
    assert not data["errors"], data["errors"]
    hosts = [node for link in data["links"] for node in data["clusters"][link["from"]]["nodes"]]
    hosts = sorted(set(hosts))

    def each(module: str, items: list[dict[str, t.Any]], check: bool = False, **how: t.Any) -> dict[str, t.Any]:
        found = []
        for item in items:
            args = {name: value(item) if callable(value) else value for name, value in how.items()}
            found.append(
                {
                    **run_module(module, {**links.link_connection(clusters[item["cluster"]]), **args}, check=check),
                    "item": item,
                }
            )
        return {"results": found}

    keystores = {
        host: run_module("keystore_info", links.link_node(clusters[data["nodes"][host]["cluster"]], host))
        for host in hosts
    }
    hostvars = {host: {"__cross_cluster_trust_keystore": result} for host, result in keystores.items()}
    reads = links.link_reads(data, hosts, hostvars)
    keys, remotes, infos, strays, roles, ports = {}, {}, [], {}, [], {}
    for host in hosts:
        keys[host] = each(
            "cross_cluster_api_key_info",
            reads["to"].get(host, []),
            names=lambda item: item["names"],
            ids=lambda item: item["ids"],
            types=["cross_cluster", "rest"],
            acting_user=True,
        )
        remotes[host] = each("remote_cluster_info", reads["from"].get(host, []), probe=True, nodes=True)
        infos.append(each("cluster_info", diagnosis.link_sides(data, hosts, host)))
        strays[host] = each(
            "cross_cluster_api_key_info", diagnosis.link_sides(data, hosts, host, "to"), active_only=True
        )
        entries = []
        for item in diagnosis.link_sides(data, hosts, host, "roles"):
            entries += each("remote_access_role", [item], check=True, **item["role"])["results"]
        roles.append({"results": entries})
    for host in hosts:
        found = []
        for item in diagnosis.link_ports(data, remotes, host, clusters):
            args = {name: item[name] for name in ("addresses", "server_name", "config_dir") if item.get(name)}
            found.append({**run_module("remote_port_info", args), "item": item})
        ports[host] = {"results": found}
    return diagnosis.link_diagnosis(data, keystores, keys, remotes, infos, ports, roles, strays, **options)
