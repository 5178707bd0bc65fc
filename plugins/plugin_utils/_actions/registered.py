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
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import paths, play
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import shapes
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import Data, went_wrong
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phases import NODES, Phase

PREFIX = "__cross_cluster_trust_told_"
INPUT = "__cross_cluster_trust_asked"
"""Where the completed input is registered, for all hosts."""

PHASE = "phase"
"""What each result of a call says of itself: a task may do several phases."""

RUN = "run"
"""What each result of a phase says of itself: of which run it is, by the time of its input."""

Variables = t.Mapping[str, t.Any]


class Hosts(t.NamedTuple):
    of_play: t.Sequence[str]
    """Those that the play began with."""
    left: t.Collection[str]
    variables: t.Callable[[str], Variables]


def asked(variables: Variables) -> Data:
    """What is asked for, once that was read. Of a playbook of ours, its first play has read it on localhost."""
    home: Variables = variables["hostvars"]["localhost"] if variables.get(play.PLAYBOOK) == 2 else variables
    registered = home.get(INPUT)
    found = registered.get("input") if isinstance(registered, t.Mapping) else None
    return dict(found) if isinstance(found, t.Mapping) else {}


def told(
    tasks: t.Mapping[str, t.Iterable[Phase]],
    data: Data,
    own: Variables,
    hosts: Hosts,
) -> t.Dict[str, t.Dict[t.Any, t.Any]]:
    """What phases told of the nodes and clusters of some links in this run. `tasks`: the phases that each one did."""
    nodes = {
        node: hosts.variables(node)
        for client in data["clients"]
        for node in data["clusters"][client]["nodes"]
        if node in hosts.of_play
    }
    found: t.Dict[str, t.Dict[t.Any, t.Any]] = {}
    for task, phases in tasks.items():
        for phase in phases:
            found.setdefault(phase.name, {}).update(_of_task(PREFIX + task, phase, data, own, nodes))
            if phase.by_role:
                lost = [node for node in found["keystores"] if node not in hosts.left]
                found[phase.name].update(dict.fromkeys(lost, "the host was lost in this run"))
    return found


def views(hosts: Hosts, data: Data) -> t.List[t.Dict[str, str]]:
    """What each host of the play asks for, as it said with its keystore."""
    told = [hosts.variables(host).get(PREFIX + "keystores") or {} for host in hosts.of_play]
    return [one["options"] for one in told if _of_now(one, data) and isinstance(one.get("options"), dict)]


def _of_task(
    name: str, phase: Phase, data: Data, own: Variables, nodes: t.Mapping[str, Variables]
) -> t.Dict[t.Any, t.Any]:
    if phase.by_role:
        return {node: variables[name] for node, variables in nodes.items() if name in variables}
    if phase.at != NODES:
        registered = own.get(name)
        entries = registered.get("results") if isinstance(registered, t.Mapping) else ()
        return by_call(entries, data, phase.name)
    found = {node: variables[name] for node, variables in nodes.items() if _of_now(variables.get(name), data)}
    if phase.several:
        return {
            node: [shapes.checked(phase.module, one) for one in _list(registered.get("results"))]
            for node, registered in found.items()
        }
    return {node: shapes.checked(phase.module, registered) for node, registered in found.items()}


def by_call(entries: t.Any, data: Data, phase: str) -> t.Dict[t.Any, t.Any]:
    """The results of all calls of a phase; of a host that could make none, that it could not. A host speaks for no
    cluster that is called from elsewhere."""
    found: t.Dict[t.Any, t.Any] = {}
    for entry in _list(entries):
        if not _of_now(entry, data):
            continue
        caller = entry.get("item")
        if went_wrong(entry):
            found[caller,] = entry
            continue
        for one in _list(entry.get("results")):
            told = one if isinstance(one, t.Mapping) else {}
            if told.get(PHASE) != phase:
                continue
            place, module, label = (str(told.get(name) or "") for name in ("cluster", "module", "label"))
            if not place and went_wrong(told):
                found[caller,] = told
            elif data["clusters"].get(place, {}).get("api_from") == caller:
                found[place, module, label] = shapes.checked(module, one)
    return found


def _of_now(registered: t.Any, data: Data) -> bool:
    """Whether it is of this run: another one in the same play, or in one before, may have registered it."""
    if not isinstance(registered, t.Mapping):
        return False
    # Ansible's own word that a host was not reached bears no time.
    return registered[RUN] == data["now"] if RUN in registered else went_wrong(registered) is not None


def _list(value: t.Any) -> t.Sequence[t.Any]:
    return value if isinstance(value, (list, tuple)) else ()


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
