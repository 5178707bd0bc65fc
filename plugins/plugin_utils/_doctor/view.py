# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was gathered about one link from both of its sides, in one place. Pure.

This file is private to the crosscluster.elasticsearch collection.

The doctor and the report look at the same facts as the plan: what the keystores of the client nodes hold, the keys on
the server, and what the client cluster sees. Nothing here knows a secret; of a credential only the key id is known.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.key import Key
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import gathered as lg
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import nodes as ln

Data = t.Dict[str, t.Any]
DAY = 86_400_000


@dataclass(frozen=True)
class Facts:
    """What modules told; `clusters` and `ports` by cluster and by (node, address)."""

    data: t.Mapping[str, t.Any]
    gathered: lg.Gathered
    clusters: t.Mapping[str, t.Any] = field(default_factory=dict)
    ports: t.Mapping[t.Tuple[str, str], t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkView:
    """One link. Where a side could not be read, `faults` has the reason under `client` or `server`."""

    link: t.Mapping[str, t.Any]
    nodes: t.Tuple[lk.Node, ...]
    states: t.Mapping[str, str]
    keys: t.Mapping[str, t.Mapping[str, t.Any]]
    remote: t.Optional[t.Mapping[str, t.Any]]
    faults: t.Mapping[str, str]
    now: int
    members: ln.Members
    asked: lk.Link
    """The link with the key that it adopts, as far as it may have it."""
    adoption: lk.Adoption

    @property
    def held(self) -> t.Dict[str, t.List[str]]:
        """Key id -> the nodes that hold it."""
        found: t.Dict[str, t.List[str]] = {}
        for node in self.nodes:
            if node.key_id:
                found.setdefault(node.key_id, []).append(node.name)
        return found

    @property
    def key(self) -> t.Optional[t.Mapping[str, t.Any]]:
        """The key in use: a live one of the link that most nodes hold, else whatever most nodes hold and the server
        knows.
        """
        held = self.held
        order = sorted(held, key=lambda key_id: (self.live(key_id), len(held[key_id]), self._creation(key_id)))
        known = [key_id for key_id in order if key_id in self.keys]
        return self.keys[known[-1]] if known else None

    @property
    def probe(self) -> t.Mapping[str, t.Any]:
        return (self.remote or {}).get("probe") or {}

    @property
    def proven(self) -> t.Optional[bool]:
        """Did a real request go through every node? None when nobody could ask, or needs to."""
        if "client" in self.faults or self.link["absent"]:
            return None
        return bool(self.probe.get("ok"))

    @property
    def by_certificate(self) -> bool:
        """Does the link work without a key?"""
        return bool(self.proven) and (self.remote or {}).get("security_model") == "certificate"

    def node_at(self, entry: t.Mapping[str, t.Any]) -> t.Optional[str]:
        """The listed node that an entry of the probe is about."""
        if len(self.nodes) == 1:
            return self.nodes[0].name
        return self.members.at.get(str(entry.get("url") or "").rstrip("/"))

    @property
    def failing(self) -> t.List[t.Mapping[str, t.Any]]:
        """The requests of the probe that failed."""
        return [entry for entry in self.probe.get("nodes") or [self.probe] if not entry.get("ok")]

    def live(self, key_id: str) -> bool:
        return any(state == lk.LIVE and node.key_id == key_id for node, state in self.pairs())

    def pairs(self) -> t.List[t.Tuple[lk.Node, str]]:
        return [(node, self.states[node.name]) for node in self.nodes]

    def _creation(self, key_id: str) -> int:
        return int((self.keys.get(key_id) or {}).get("creation") or 0)

    def orphans(self) -> t.List[t.Mapping[str, t.Any]]:
        """Live keys of this link that no node holds. Empty as long as a node cannot be read: it may hold one."""
        if any(not node.read for node in self.nodes):
            return []
        held = self.held
        ours = []
        for raw in self.keys.values():
            key = Key.from_server(raw)
            if key.id not in held and key.live(self.now) and lk.is_ours(key, self.asked):
                ours.append(raw)
        return sorted(ours, key=lambda raw: (raw.get("creation") or 0, raw["id"]))


def views(facts: Facts) -> t.List[LinkView]:
    servers, clients = facts.gathered.keys, facts.gathered.remotes
    return [_view(facts, link, servers.get(link["to"]), clients.get(link["from"])) for link in facts.data["links"]]


def _view(facts: Facts, link: t.Mapping[str, t.Any], server: t.Any, client: t.Any) -> LinkView:
    keystores, now, faults = facts.gathered.keystores, facts.gathered.now, {}
    for side, result in (("server", server), ("client", client)):
        trouble = lg.went_wrong(result)
        if trouble:
            faults[side] = trouble
    nodes = tuple(
        lg.node_view(name, keystores.get(name), link["alias"]) for name in facts.data["clusters"][link["from"]]["nodes"]
    )
    keys = {} if "server" in faults else {str(key["id"]): key for key in server["api_keys"]}
    by_id = {key_id: Key.from_server(key) for key_id, key in keys.items()}
    known = lg.link_view(link, server)
    adoption = lk.judge_adoption(known, nodes, by_id, now)
    known = replace(known, adopt=adoption.key_id)
    states = {}
    for node in nodes:
        # Without the server's list nothing can be said of a key, which is not the same as that it is unknown.
        judged = lk.classify(node, by_id, known, now)
        states[node.name] = lk.UNREAD if "server" in faults and judged == lk.UNKNOWN else judged
    remote = lg.remote_of(client, link["alias"])
    members = lg.members_of(facts.data, link["from"], client, keystores)
    return LinkView(link, nodes, states, keys, remote, faults, now, members, known, adoption)


def days(milliseconds: int) -> int:
    """Whole days, rounded down: a key with 23 hours left has 0 days left."""
    return milliseconds // DAY
