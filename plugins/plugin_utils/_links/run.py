# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the role as far as it has come. Pure.

This file is private to the crosscluster.elasticsearch collection.

Nothing is stored but what modules told: plans and what became of them are derived from that, wherever they are needed.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import (
    Data,
    Gathered,
    Planned,
    plan_all,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.left import ALL
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import case
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import LIVE

Told = t.Mapping[str, t.Mapping[t.Any, t.Any]]
"""What modules told: phase -> place (a node, or cluster, module and label) -> result."""

MAKING = ("create", "rotate")
# What must not have gone wrong for a link before. Whatever went wrong, an old key is what still works.
_NEEDS = {
    "spread": MAKING,
    "deliver": (*MAKING, "spread"),
    "reload": (*MAKING, "spread"),
    "settings": (*MAKING, "spread"),
    "prove": (*MAKING, "spread"),
    "remove": ("unset",),
}
ODD = "odd"
"""What a phase told of a link could not be understood."""
# Where no node got the new credential, the alias would point at a cluster without a credential for it.
_NEED_A_HOLDER = ("reload", "settings", "prove")


class Call(t.NamedTuple):
    """One run of a module, on a node or at a cluster."""

    place: str
    module: str
    arguments: t.Mapping[str, t.Any]
    links: t.Sequence[t.Sequence[str]]
    """For each thing of a list form, the links that it is for."""
    label: str = ""
    """What tells it from others of that module at that place."""


@dataclass
class Progress:
    """What became of the steps of a link."""

    failed: t.Dict[str, str] = field(default_factory=dict)
    """Why, by action, in the order of what happened."""
    done: t.Set[str] = field(default_factory=set)
    """The actions that changed something, and the proof when it succeeded."""
    key_id: t.Optional[str] = None
    """Of the key that was made."""
    expiration: t.Optional[int] = None
    encoded: t.Optional[str] = None
    """The credential for the nodes that need it: of that key, or from a node that holds it."""
    delivered: t.List[str] = field(default_factory=list)
    revoked: t.List[str] = field(default_factory=list)
    restart_required: bool = False


@dataclass(frozen=True)
class RunOptions(case.Options):
    """What the variables of the role ask for."""

    wait: int = 20
    check: bool = False
    authorities: bool = False
    restart: bool = False
    restart_option: str = "cross_cluster_trust_restart"
    """What allows it."""
    stray_keys: bool = True
    ports: bool = True


class Run:
    """Plans and progress of some links."""

    def __init__(self, data: Data, options: RunOptions, told: Told, now: int) -> None:
        self.data, self.options, self.told, self.now = data, options, dict(told), now
        self.read: t.Set[str] = set()
        """The phases whose results are in the progress."""
        self.progress = {link["id"]: Progress() for link in data["links"]}

    @functools.cached_property
    def planned(self) -> t.Dict[str, Planned]:
        return {planned.id: planned for planned in plan_all(self.data, self.gathered, self.options)}

    @functools.cached_property
    def gathered(self) -> Gathered:
        found: t.Dict[str, t.Dict[str, t.Any]] = {"cross_cluster_api_key_info": {}, "remote_cluster_info": {}}
        for link in self.data["links"]:
            for side, module in (("to", "cross_cluster_api_key_info"), ("from", "remote_cluster_info")):
                if link[side] not in found[module]:
                    found[module][link[side]] = self.result("clusters", Call(link[side], module, {}, ()))
        keys, remotes = found.values()
        servers = {link["to"] for link in self.data["links"] if "left" in link}
        all_keys = {
            name: self.result("clusters", Call(name, "cross_cluster_api_key_info", {}, (), ALL)) for name in servers
        }
        return Gathered(self.told.get("keystores", {}), keys, remotes, self.now, all_keys)

    def hand_over(self, encoded: str) -> None:
        """The secret of a key that comes from elsewhere."""
        for progress in self.progress.values():
            progress.encoded = encoded or None

    def result(self, phase: str, call: Call) -> t.Any:
        """What a call told; where the host failed that was to make it, that."""
        told = self.told.get(phase, {})
        for key in (call.place, (call.place, call.module, call.label), self._caller(call.place)):
            if key in told:
                return told[key]
        return None

    def _caller(self, place: str) -> t.Tuple[str]:
        return (self.data["clusters"].get(place, {}).get("api_from", place),)

    def steps(self, *actions: str) -> t.Iterator[t.Tuple[Planned, case.Step]]:
        """The steps that may be taken, of all links."""
        for planned in self.planned.values():
            for step in planned.plan.steps:
                after = not step.after or step.after in self.progress[planned.id].done
                if step.action in actions and after and self.may(planned, step.action):
                    yield planned, step

    def may(self, planned: Planned, action: str) -> bool:
        """May the link still take such a step?"""
        progress = self.progress[planned.id]
        if action == "revoke":
            return not progress.failed
        if "authorities" in progress.failed or ODD in progress.failed:
            return False
        # A node that did not get its credential must not hide whether the others work.
        held = planned.plan.target is not None and LIVE in planned.plan.states.values()
        nobody = "deliver" in progress.failed and not held and not progress.delivered
        if nobody and action in _NEED_A_HOLDER:
            return False
        # A new alias for which no node has loaded a credential would be one of the certificate model.
        if "restart" in progress.failed and planned.remote is None and action in ("settings", "prove"):
            return False
        return not any(name in progress.failed for name in _NEEDS.get(action, ()))

    def failed(self, planned: Planned, action: str) -> bool:
        return action in self.progress[planned.id].failed

    def fail(self, link: str, action: str, why: str) -> None:
        """Note what went wrong first."""
        self.progress[link].failed.setdefault(action, why)

    def lacking(self, planned: Planned) -> t.Set[str]:
        """The nodes that did not get a credential. One whose keystore has lost it may still work from memory."""
        wanted = {str(step.node) for step in planned.plan.steps if step.action == "deliver"}
        return wanted - {*self.progress[planned.id].delivered}

    def restarts(self) -> t.List[str]:
        """The nodes that use what was delivered only once they start."""
        waiting = {node for planned in self.planned.values() for node in self.waiting(planned)}
        return [node for node in self.data["nodes"] if node in waiting]

    def waiting(self, planned: Planned) -> t.List[str]:
        """The nodes that use a new credential only once they start, Elasticsearch before 8.13, and did not yet."""
        progress = self.progress[planned.id]
        if not progress.restart_required:
            return []
        owing = {*planned.unrestarted, *progress.delivered} - {*planned.unread} - self.lacking(planned)
        if planned.old:
            owing &= {*planned.old}
        return [node for node in self.data["clusters"][planned.client]["nodes"] if node in owing]


def speaker(data: Data, cluster: str, hosts: t.Sequence[str], failed: t.Container[str] = ()) -> t.Optional[str]:
    """The host of the play that fails for the links of a client: one of its nodes, and one that was reached if any."""
    own = [node for node in data["clusters"][cluster]["nodes"] if node in hosts] or list(hosts)
    return min(own, key=lambda node: node in failed, default=None)
