# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the results of the phases are among the variables of Ansible, and the logins that their calls need.

This file is private to the crosscluster.elasticsearch collection.

A task registers what its phase told in a variable that ends in the name of the phase: of a node among its own
variables, of clusters, which are asked once, among those of all hosts.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.argspec import CONNECTION_OPTIONS
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import paths
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import Data, went_wrong
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phases import NODES, Phase

PREFIX = "__cross_cluster_trust_told_"
INPUT = "__cross_cluster_trust_asked"
"""Where the completed input is registered, for all hosts."""

Variables = t.Mapping[str, t.Any]


def told(
    phases: t.Iterable[Phase],
    data: Data,
    own: Variables,
    of_host: t.Callable[[str], Variables],
    hosts: t.Collection[str],
) -> t.Dict[str, t.Dict[t.Any, t.Any]]:
    """What phases told of the nodes and clusters of some links. `hosts`: those that are left in the play."""
    clients = dict.fromkeys(link["from"] for link in data["links"])
    nodes = {node: of_host(node) for client in clients for node in data["clusters"][client]["nodes"] if node in hosts}
    return {phase.name: _of_phase(phase, own, nodes) for phase in phases}


def _of_phase(phase: Phase, own: Variables, nodes: t.Mapping[str, Variables]) -> t.Dict[t.Any, t.Any]:
    name = PREFIX + phase.name
    if phase.at == NODES:
        found = {node: variables[name] for node, variables in nodes.items() if name in variables}
        return {node: one.get("results") or () for node, one in found.items()} if phase.several else found
    registered = own.get(name)
    return by_call(registered.get("results") or () if isinstance(registered, t.Mapping) else ())


def by_call(entries: t.Iterable[Variables]) -> t.Dict[t.Any, t.Any]:
    """The results of all calls; of a host that could make none, that it could not."""
    found: t.Dict[t.Any, t.Any] = {}
    for entry in entries:
        results = entry.get("results")
        if went_wrong(entry) or not isinstance(results, (list, tuple)):
            found[entry.get("item"),] = entry
        else:
            found.update({(one["cluster"], one["module"], one.get("label") or ""): one for one in results})
    return found


def connection(cluster: Variables, sources: t.Any = (), api_from: str = "localhost") -> t.Dict[str, t.Any]:
    """The connection options of a cluster, as the modules take them. Of a login on the controller, files are found."""
    options = {name: cluster[name] for name in CONNECTION_OPTIONS if cluster.get(name) is not None}
    if "urls" not in options:
        nodes = [node["url"] for node in cluster.get("nodes") or [] if isinstance(node, t.Mapping) and node.get("url")]
        options["urls"] = [cluster["url"]] if cluster.get("url") else nodes
    if (cluster.get("api_from") or api_from) == "localhost":
        files = {name: paths.find(str(options[name]), sources) for name in paths.LOGIN_FILES if options.get(name)}
        options.update({name: path for name, path in files.items() if path})
    return options


def keystore(data: Data, node: str, cluster_of: t.Callable[[str], Variables]) -> t.Dict[str, t.Any]:
    """The options of the keystore modules for one node. `cluster_of`: what the user wrote of a cluster, passwords
    included, which is only looked at where there is one."""
    told = data["nodes"][node]
    options = {"executable": told.get("keystore"), "config_dir": told.get("config_dir")}
    if told.get("protected"):
        cluster = cluster_of(told["cluster"])
        nodes = [item for item in cluster.get("nodes") or [] if isinstance(item, t.Mapping)]
        entry: Variables = next((item for item in nodes if item.get("name") == node), {})
        options["keystore_password"] = entry.get("keystore_password", cluster.get("keystore_password"))
    return {name: value for name, value in options.items() if value is not None}
