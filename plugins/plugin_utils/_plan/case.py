# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is made of and made from: what was seen of a link, what shall be, and the steps. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import (
    Adoption,
    Key,
    Link,
    Node,
    is_ours,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.nodes import Members


@dataclass(frozen=True)
class Remote:
    """What the client cluster says about the alias."""

    exists: bool = False
    settings_drift: t.Tuple[str, ...] = ()
    security_model: t.Optional[str] = None
    """``api_key`` or ``certificate``; how the connection was built, on the node that was asked."""
    proven: bool = False
    """A real request went through every node that could be asked."""
    used: bool = False
    """A real request went through some node."""
    provable: bool = True
    """Every node of the client cluster can be asked by itself."""
    elsewhere: bool = False
    """The alias points at another address than the one of the server."""
    addresses: t.Tuple[str, ...] = ()


KNOWN = Members()
"""No doubt about which nodes there are."""


@dataclass(frozen=True)
class Options:
    """What is asked for all links."""

    mode: str = "trust"
    """``trust``, ``rotate``, which leaves links that go alone, ``untrust``, or ``verify``, which plans as ``trust``."""
    missing_nodes: str = "fail"
    """When the keystore of a node cannot be read: ``fail``, or ``keep`` (work on the others, revoke nothing)."""
    proof: str = "every_node"
    """``every_node``: revoke only after each node was asked by itself; ``any``: a request through any URL will do."""


@dataclass(frozen=True)
class Step:
    """One thing to do. Executed in the order given."""

    action: str
    why: str
    node: t.Optional[str] = None
    source: t.Optional[str] = None
    key_ids: t.Tuple[str, ...] = ()
    fields: t.Tuple[str, ...] = ()
    name: t.Optional[str] = None
    """The name of these keys; an adopted one keeps its own."""
    after: str = ""
    """Only when a step of this action changed something."""
    marker: t.Optional[t.Mapping[str, t.Any]] = None
    """Our mark, for the metadata that are written; None leaves the metadata alone."""


@dataclass(frozen=True)
class Plan:
    link: Link
    steps: t.Tuple[Step, ...] = ()
    words: t.Tuple[str, ...] = ()
    """The plan for people, one sentence per entry; also what is *not* done and why."""
    remarks: t.Tuple[str, ...] = ()
    """Those of them that are worth a word whatever is done."""
    blocked: t.Optional[str] = None
    """Why nothing is done for this link."""
    target: t.Optional[str] = None
    """The id of the key that all nodes shall hold; None when it is made in this run."""
    kept: t.Tuple[str, ...] = ()
    """Live keys of the link that would go but stay for now."""
    owed: str = ""
    """What was asked for and cannot be done in this run; the steps go ahead, and the run is not green."""
    states: t.Mapping[str, str] = field(default_factory=dict)
    absent: bool = False
    """The link goes."""

    @property
    def going(self) -> t.Set[str]:
        """The ids of the keys that are to be revoked."""
        return {key_id for step in self.steps if step.action == "revoke" for key_id in step.key_ids}

    def actions(self) -> t.List[str]:
        return [step.action for step in self.steps]


@dataclass(frozen=True)
class Seen:
    """What was seen of a link."""

    nodes: t.Sequence[Node]
    keys: t.Sequence[Key]
    remote: Remote
    now: int
    members: Members = KNOWN
    fault: t.Optional[str] = None
    """Why its clusters could not be read."""
    waiting: t.Sequence[str] = ()
    """Nodes that have not started since their keystores were written to, and use a credential only once they start."""
    drift: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)
    """Key id -> what differs from what the link asks for: access, metadata, expiration, certificate_identity."""


@dataclass(frozen=True)
class Case:
    """A link that is planned, with what follows from what was seen of it."""

    link: Link
    """With the key that it adopts, as far as it may have it."""
    seen: Seen
    options: Options
    adoption: Adoption
    states: t.Mapping[str, str]

    @functools.cached_property
    def keys(self) -> t.Dict[str, Key]:
        return {key.id: key for key in self.seen.keys}

    @property
    def absent(self) -> bool:
        """Whether the link goes, in this run or for good."""
        return self.options.mode == "untrust" or self.link.absent

    @property
    def remote(self) -> Remote:
        return self.seen.remote

    @property
    def nodes(self) -> t.Sequence[Node]:
        return self.seen.nodes

    @property
    def missing(self) -> t.List[Node]:
        """The nodes whose keystores could not be read."""
        return [node for node in self.nodes if not node.read]

    @property
    def held(self) -> t.Set[t.Optional[str]]:
        return {node.key_id for node in self.nodes}

    @property
    def live(self) -> t.List[Key]:
        """The live keys of the link, the oldest first."""
        return sorted(
            (key for key in self.seen.keys if self.ours(key) and key.live(self.seen.now)), key=lambda key: key.age
        )

    def ours(self, key: Key) -> bool:
        return is_ours(key, self.link)

    def plan(self, **found: t.Any) -> Plan:
        return Plan(self.link, states=self.states, absent=self.absent, **found)

    def stopped(self, why: str) -> Plan:
        return self.plan(blocked=why, words=(why,))


def revocations(why: str, keys: t.Sequence[Key]) -> t.List[Step]:
    """One step for each name: an adopted key bears its own."""
    by_name: t.Dict[str, t.List[str]] = {}
    for key in keys:
        by_name.setdefault(key.name, []).append(key.id)
    return [Step("revoke", why, key_ids=tuple(ids), name=name) for name, ids in by_name.items()]
