# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether all of a role's work is done for all of its hosts, as the play runs it.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible import context
from ansible.inventory.manager import InventoryManager
from ansible.utils.vars import load_extra_vars

NODES = "crosscluster_elasticsearch_nodes"
"""The group that the first play of each playbook makes, for the second one."""
PLAYBOOK = "__cross_cluster_playbook"
"""The variable that the plays of our playbooks set to their number."""
PLAYBOOKS = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, "playbooks")
_APART = ("free", "host_pinned")
_TRUE = ("true", "yes", "on", "1")


def refusals(task: t.Any, variables: t.Mapping[str, t.Any], batches: bool) -> list[str]:
    """What is wrong with the way the play runs the role that ``task`` is of."""
    found = []
    hosts, batch = variables["ansible_play_hosts"], variables["ansible_play_batch"]
    around = list(_around(task._parent))
    strategy = next((str(item._play.strategy) for item in around if getattr(item, "_play", None)), "")
    if any(strategy.endswith(word) for word in _APART):
        found.append(
            f"the strategy [{strategy}] lets hosts run ahead of each other, and every step of this role is one of all "
            "hosts: use strategy linear for this play"
        )
    if not batches and set(hosts) - set(batch):
        found.append("a link is the work of all nodes of its client at once: leave serial out of the play")
    if len(hosts) > 1 and any(str(getattr(item, "run_once", None)).lower() in _TRUE for item in around):
        found.append("run_once around this role leaves the other hosts of the play out: take it away")
    # Tags of a role do not reach the tasks of the files that it includes while it runs.
    tags = _tags(variables, "ansible_run_tags")
    if not {"all", "untagged"} & {*tags}:
        found.append(f"--tags {','.join(tags)} leaves out tasks of this role: run it without --tags")
    skipped = [tag for tag in _tags(variables, "ansible_skip_tags") if tag in ("all", "untagged")]
    if skipped:
        found.append(f"--skip-tags {','.join(skipped)} leaves out tasks of this role: run it without")
    return found


def asked_for(task: t.Any, variables: t.Mapping[str, t.Any]) -> bool:
    """Whether ``--tags`` mean the role at all. Its check bears the tag always, so it also runs where they do not."""
    tags = {*_tags(variables, "ansible_run_tags")}
    own = {str(tag) for item in _around(task) for tag in getattr(item, "tags", None) or ()} - {"always"}
    return PLAYBOOK in variables or bool(tags & {"all", "untagged"}) or bool(tags & own)


def _tags(variables: t.Mapping[str, t.Any], name: str) -> list[str]:
    return sorted(map(str, variables.get(name) or ()))


def _around(task: t.Any) -> t.Iterator[t.Any]:
    """The task and all that it stands in."""
    while task is not None:
        yield task
        task = getattr(task, "_parent", None)


def nothing_left(groups: t.Mapping[str, t.Sequence[str]], loader: t.Any) -> str | None:
    """Why no task of a playbook of ours would run, or only some in its midst: then none of its tasks can tell."""
    # A playbook of others that imports ours may start elsewhere, or leave ours out.
    if any(map(_ours, context.CLIARGS.get("args") or ())):
        if context.CLIARGS.get("start_at_task"):
            return "every step builds on those before it: run all of this playbook, without --start-at-task"
        skipped = sorted({"always", "tagged"} & set(context.CLIARGS.get("skip_tags") or ()))
        if skipped:
            return f"--skip-tags {','.join(skipped)} leaves out all tasks of this playbook: run it without"
    # Where the inventory has hosts, Ansible says that none is left, or the second play which are missing.
    if not groups.get("all") and left_out(["localhost"], groups, loader):
        limit = context.CLIARGS["subset"]
        return f"--limit {limit} leaves out localhost, and the inventory has no other host: run without --limit"
    return None


def _ours(playbook: str) -> bool:
    """Whether what stands on the command line is a playbook of this collection."""
    return playbook.startswith("crosscluster.elasticsearch.") or (
        os.path.realpath(os.path.dirname(playbook)) == os.path.realpath(PLAYBOOKS)
    )


def nodes_of(data: t.Mapping[str, t.Any]) -> list[str]:
    """The nodes that the links of a run need."""
    return [node for name in data["clients"] for node in data["clusters"][name]["nodes"]]


def hosts_of(
    data: t.Mapping[str, t.Any], clusters: t.Mapping[str, t.Any], known: t.Collection[str]
) -> dict[str, list[str]]:
    """The hosts of the second play of a playbook, and those that it does not have yet, or not with their variables.

    Names that would be patterns go into a group. Where no node asks, localhost does the work, so that a report of no
    link is written, too.
    """
    own = {
        entry["name"]
        for name in data["clients"]
        for entry in clusters[name].get("nodes") or ()
        if isinstance(entry, t.Mapping) and entry.get("vars")
    }
    nodes = nodes_of(data)
    plain = [node for node in nodes if re.fullmatch(r"\w[\w.-]*", node)]
    strange = [node for node in nodes if node not in known or node in own or node not in plain]
    hosts = [*plain, *([NODES] if len(plain) < len(nodes) else [])] or ["localhost"]
    return {"hosts": hosts, "strangers": strange}


def no_pruning(data: t.Mapping[str, t.Any], own_list: bool, loader: t.Any) -> list[str]:
    """Why links that are not listed cannot be removed in this run: the list may be a part of what there is."""
    found = []
    if data["prune"] and context.CLIARGS.get("subset"):
        found.append("--limit may leave out nodes of the clusters that are looked at: run without it")
    extra = load_extra_vars(loader) if data["prune"] else {}
    if "cross_cluster_links" in extra and "cross_cluster_prune" not in extra:
        found.append("A list on the command line may be a part of the links: give both there, or none")
    if data["prune"] and own_list:
        found.append("cross_cluster_trust_links may be a part of the links: give all of them as cross_cluster_links")
    return [f"cross_cluster_prune removes what is not in the list. {text}" for text in found]


def left_out(needed: t.Sequence[str], groups: t.Mapping[str, t.Sequence[str]], loader: t.Any) -> str | None:
    """Which of these hosts ``--limit`` leaves out, and what to give in its place."""
    # As it was given: a variable of that name may be a fact of a node.
    limit = context.CLIARGS.get("subset")
    if not limit:
        return None
    inventory = InventoryManager(loader=loader, parse=False)
    for group, hosts in groups.items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(host, group=group)
    for host in needed:
        if host != "localhost":  # where no inventory has it, it is there nevertheless, and not one of all
            inventory.add_host(host)
    inventory.subset(limit)
    missing = [host for host in needed if not inventory.get_hosts(host)]
    if not missing:
        return None
    return (
        "--limit {0} leaves out {1}. Localhost reads the clusters and links, and a link is the work of all nodes of "
        "its client: give --limit '{2}', or none, and only the links that are meant"
    ).format(limit, ", ".join(missing), ",".join(dict.fromkeys(["localhost", *needed])))
