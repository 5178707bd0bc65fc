# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that hand the work of the links to the roles. They are documented so that the roles can be read; playbooks of
users have no need for them."""

from __future__ import annotations

import base64
import time
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._argspec import CONNECTION_OPTIONS
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._credential import inspect
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._text import printable
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import (
    _link_drift,
    _link_input,
    _link_plan,
    _link_run,
    _outside,
    _paths,
)


def link_input(clusters: t.Any, links: t.Any, sources: t.Any = ()) -> t.Dict[str, t.Any]:
    data = _link_input.normalise(clusters, links, sources)
    if data["errors"]:
        raise AnsibleFilterError("; ".join(data["errors"]))
    return data


def link_connection(
    cluster: t.Mapping[str, t.Any], sources: t.Any = (), api_from: str = "localhost"
) -> t.Dict[str, t.Any]:
    """The connection options of a cluster, as the modules take them. Of a login on the controller, files are found."""
    options = {name: cluster[name] for name in CONNECTION_OPTIONS if cluster.get(name) is not None}
    if "urls" not in options:
        nodes = [node["url"] for node in cluster.get("nodes") or [] if isinstance(node, t.Mapping) and node.get("url")]
        options["urls"] = [cluster["url"]] if cluster.get("url") else nodes
    if (cluster.get("api_from") or api_from) == "localhost":
        files = {name: _paths.find(str(options[name]), sources) for name in _paths.LOGIN_FILES if options.get(name)}
        options.update({name: path for name, path in files.items() if path})
    return options


def link_node(cluster: t.Mapping[str, t.Any], node: str) -> t.Dict[str, t.Any]:
    """The options of the keystore modules for one node."""
    entry = next(
        (item for item in cluster.get("nodes") or [] if isinstance(item, t.Mapping) and item.get("name") == node), {}
    )
    options = {"executable": entry.get("keystore"), "config_dir": entry.get("config_dir")}
    options["keystore_password"] = entry.get("keystore_password", cluster.get("keystore_password"))
    return {name: value for name, value in options.items() if value is not None}


def link_reads(data: t.Any, hosts: t.Any, hostvars: t.Any, missing_nodes: str = "fail") -> t.Dict[str, t.Any]:
    """Who leads the links of each client, and what each host has to ask of servers and clients."""
    keystores = registered(hostvars, hosts, "keystore")
    reads = _link_run.reads(data, hosts, keystores, missing_nodes)
    return {**reads, "leaders": _link_run.leaders(data, hosts, keystores)}


def link_plans(
    data: t.Any, hosts: t.Any, host: str, reads: t.Any, hostvars: t.Any, mode: str = "trust",
    missing_nodes: str = "fail", proof: str = "every_node",
) -> t.Dict[str, t.Any]:  # fmt: skip
    """The plans of the links that a host leads, and what each host has to do for them."""
    options = _link_plan.Options(mode="trust" if mode == "verify" else mode, missing_nodes=missing_nodes, proof=proof)
    clients = [name for name, leader in reads["leaders"].items() if leader == host]
    nodes = [node for name in clients for node in data["clusters"][name]["nodes"]]
    plans = _link_run.plan_all(
        {**data, "links": [link for link in data["links"] if link["from"] in clients]},
        registered(hostvars, [node for node in nodes if node in hosts], "keystore"),
        registered(hostvars, reads["to"], "keys"),
        registered(hostvars, [host], "remotes"),
        now(), options, _link_drift.key_drift, _link_drift.settings_drift,
    )  # fmt: skip
    words = {plan["link"]: plan.pop("words") for plan in plans}
    run = {
        "leader": host,
        "hosts": [name for name in hosts if name == host or name in nodes],
        "plans": plans,
        "words": _outside.shown({link: told for link, told in words.items() if told}),
        "todo": sorted({step["action"] for plan in plans for step in plan["steps"]}),
    }
    return _again(run, data, {})


def link_advance(run: t.Any, data: t.Any, stage: str, hostvars: t.Any) -> t.Dict[str, t.Any]:
    """The run after a stage: what was done, what went wrong, and what is left to do."""
    results = registered(hostvars, run["hosts"], stage)
    if stage == "versions":
        return _again({**run, "plans": _link_run.without_incompatible(run["plans"], results)}, data, run["status"])
    return _again(
        run, data, _link_run.fold(run["status"], run["plans"], data, run["hosts"], run["leader"], results, stage)
    )


def _again(run: t.Mapping[str, t.Any], data: t.Any, status: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    work = _link_run.work(run["plans"], status, data, run["hosts"], run["leader"])
    return {**run, "status": status, "work": work}


def registered(hostvars: t.Any, hosts: t.Iterable[str], name: str) -> t.Dict[str, t.Any]:
    """What a task of the role registered on each of these hosts."""
    name = "__cross_cluster_trust_" + name
    return {host: hostvars[host].get(name, {}) for host in hosts}


def link_secret(item: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any], check: bool = False) -> str:
    """The encoded key for one node: from the task that made it, or from the node that holds it."""
    for entry in found.get("results") or []:
        if entry["item"]["link"] != item["link"]:
            continue
        encoded = entry.get("encoded") or ((entry.get("credentials") or {}).get(item["alias"]) or {}).get("encoded")
        if encoded and item.get("key_id") not in (None, inspect(str(encoded)).api_key_id):
            raise AnsibleFilterError(
                "{0} handed out another credential for {1} than it had told of; it was given to no other node".format(
                    item.get("source"), item["link"]
                )
            )
        if encoded:
            return str(encoded)
    if check:
        # Nothing is made in check mode, so there is no secret; this has its form, and an id that no key has.
        return base64.b64encode(b"made-in-a-real-run:" + b"x" * 22).decode("ascii")
    raise AnsibleFilterError("the credential for {0} is not at hand".format(item["link"]))


def link_authorities(plans: t.Any, data: t.Any, node: str, remotes: t.Any = None) -> t.Dict[str, t.Any]:
    """The authorities that a node needs for links that do not work yet."""
    cluster = (data["nodes"].get(node) or {}).get("cluster")
    return _link_run.authorities(plans, data, cluster, _link_run.by_cluster({node: remotes}).get(cluster))


def link_untrusting(run: t.Any, data: t.Any, hostvars: t.Any) -> t.Dict[str, t.Any]:
    """Take out the links whose nodes could not be made to trust the server."""
    found = {node: text for node, text in registered(hostvars, run["hosts"], "trouble").items() if text}
    return _again(run, data, _link_run.without_authorities(run["status"], run["plans"], data, found))


def link_restarts(runs: t.Any, data: t.Any) -> t.List[str]:
    """The nodes that take their credentials over only when they start."""
    return [
        node for run in runs for node in _link_run.restarts(run["plans"], run["status"], data) if node in run["hosts"]
    ]


def link_waiting(run: t.Any, data: t.Any, hostvars: t.Any, permitted: bool = False) -> t.Dict[str, t.Any]:
    """Take out the links that wait for a restart which is not allowed or went wrong."""
    troubles = registered(hostvars, run["hosts"], "unwell")
    return _again(run, data, _link_run.without_restart(run["status"], run["plans"], data, permitted, troubles))


def link_second_look(run: t.Any, data: t.Any, reads: t.Any, hostvars: t.Any) -> t.Dict[str, t.Any]:
    """Withdraw revocations that must not happen after all."""
    keystores = registered(hostvars, run["hosts"], "keystore_again")
    keys = registered(hostvars, reads["to"], "keys_again")
    remotes = registered(hostvars, [run["leader"]], "remotes_again")
    return _again(run, data, _link_run.second_look(run["plans"], run["status"], data, keystores, keys, remotes, now()))


def link_report(
    run: t.Any, reads: t.Any, hostvars: t.Any, mode: str = "trust", check: bool = False
) -> t.List[t.Dict[str, t.Any]]:
    """One entry per link: its state and why."""
    keys = registered(hostvars, reads["to"], "keys")
    rows = _link_run.report(run["plans"], run["status"], run["words"], keys, mode, check, now())
    return t.cast(t.List[t.Dict[str, t.Any]], _outside.shown(rows))


def link_table(rows: t.Any) -> t.List[str]:
    return _link_run.table(rows)


def link_text(text: t.Any) -> str:
    """What something outside said, on one line."""
    return printable(str(text))


def now() -> int:
    return int(time.time() * 1000)


class FilterModule:
    """Filters of the roles."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        return _outside.filters(
            link_input,
            link_connection,
            link_node,
            link_reads,
            link_plans,
            link_advance,
            link_secret,
            link_authorities,
            link_untrusting,
            link_restarts,
            link_waiting,
            link_second_look,
            link_report,
            link_table,
            link_text,
        )
