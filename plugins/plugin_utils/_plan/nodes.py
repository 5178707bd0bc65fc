# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which running node of a cluster each listed node is, and which running nodes are not listed. Pure.

This file is private to the crosscluster.elasticsearch collection.

A node that uses remote clusters and is not listed gets no new credential, so it goes dark when the key it uses is
revoked. The cluster's own list of nodes tells of it. A running node is matched by one listed node at most: whoever
claims the name of another one leaves his own unmatched. What a node's own file says beats its name in the inventory and
its address: an entry that points at the host of another node serves that one twice, and its own not at all.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._versions import (
    RELOADABLE_CREDENTIALS,
    version_of,
)

CLIENT_ROLE = "remote_cluster_client"

Found = t.Mapping[str, t.Any]
"""A node as `remote_cluster_info` lists it."""


@dataclass(frozen=True)
class Listed:
    """A node of `elasticsearch_clusters`, and what tells which running node it is."""

    name: str
    url: t.Optional[str] = None
    node_name: t.Optional[str] = None
    """Given by the user."""
    own_name: t.Optional[str] = None
    """What the elasticsearch.yml of the node says."""


@dataclass(frozen=True)
class Members:
    """The nodes of a client cluster that use remote clusters, compared with those that are listed."""

    problem: str = ""
    """Why it is not known which nodes there are."""
    unlisted: t.Tuple[str, ...] = ()
    unmatched: t.Tuple[str, ...] = ()
    """Listed, and no running node was found for them: they are down, or bear another name in the cluster."""
    mistaken: t.Tuple[t.Tuple[str, str], ...] = ()
    """Listed, and the node whose elasticsearch.yml was found there."""
    started: t.Mapping[str, int] = field(default_factory=dict)
    """When the listed nodes started, by their own clocks."""
    at: t.Mapping[str, str] = field(default_factory=dict)
    """URL -> the listed node that it leads to, where it leads to one alone."""
    ids: t.Mapping[str, str] = field(default_factory=dict)
    """Listed node -> its id in the cluster."""
    old: t.Tuple[str, ...] = ()
    """The listed nodes that use a credential only once they start."""
    words: t.Mapping[str, str] = field(default_factory=dict)
    """Where the nodes are listed, what tells the name of one in its cluster, and what becomes of one that is not."""

    def trouble(self, cluster: str) -> str:
        """Why nothing may be written, and nothing ever revoked, for the links of this client; empty when all is
        known."""
        if self.problem:
            return (
                "it is not known which nodes of {0} use remote clusters, and one that is not listed {2}: {1}"
            ).format(
                cluster,
                self.problem.rstrip("."),
                self.words.get("harm", "would go dark with the key it uses"),
            )
        if not self.unlisted:
            return ""
        many = len(self.unlisted) > 1
        text = (
            "{0} {1} in {2} with the role {3} and {4} not listed, so {5}: add {0} to {6}"
        ).format(
            " and ".join(self.unlisted), "run" if many else "runs", cluster, CLIENT_ROLE, "are" if many else "is",
            self.words.get("harm") or (
                "the key in use could be revoked while {0} it".format("they still use" if many else "it still uses")
            ),
            self.words.get("listing", "elasticsearch_clusters.{0}.nodes".format(cluster)),
        )  # fmt: skip
        for name, other in self.mistaken:
            text += "; what is reached as {0} is {1} by its elasticsearch.yml, so look where {0} points to".format(
                name, other
            )
        if self.unmatched and not self.mistaken:
            text += "; or, where it is {0}, which no running node was found for, give that entry {2}: {1}".format(
                " or ".join(self.unmatched), self.unlisted[0], self.words.get("naming", "node_name")
            )
        return text


def may_be_slow(node: Found) -> bool:
    """Whether a node uses a credential only once it starts, or it is not known."""
    return CLIENT_ROLE in (node.get("roles") or ()) and version_of(node) < RELOADABLE_CREDENTIALS


def members(listed: t.Sequence[Listed], found: t.Optional[t.Sequence[Found]], problem: t.Optional[str]) -> Members:
    """The comparison. `found` is None when the nodes could not be listed."""
    if found is None:
        return Members(problem=problem or "the list of its nodes was not read")
    matched = match(listed, found)
    taken = {str(node["id"]) for node in matched.values()}
    clients = [node for node in found if CLIENT_ROLE in (node.get("roles") or ())]
    lost = [entry for entry in listed if entry.name not in matched]
    running = {node["name"] for node in found}
    return Members(
        unlisted=tuple(str(node["name"]) for node in clients if node["id"] not in taken),
        unmatched=tuple(entry.name for entry in lost),
        mistaken=tuple((entry.name, str(entry.own_name)) for entry in lost if entry.own_name in running),
        ids={name: str(node["id"]) for name, node in matched.items()},
        old=tuple(name for name, node in matched.items() if may_be_slow(node) and version_of(node) > (0,)),
        started={name: node["started"] for name, node in matched.items() if node.get("started")},
        at=_at(listed, matched),
    )


def _at(listed: t.Sequence[Listed], matched: t.Mapping[str, Found]) -> t.Dict[str, str]:
    told = [(url, name) for name, node in matched.items() for url in node.get("urls") or ()]
    told += [(entry.url.rstrip("/"), entry.name) for entry in listed if entry.url]
    names: t.Dict[str, t.Set[str]] = {}
    for url, name in told:
        names.setdefault(url.rstrip("/"), set()).add(name)
    return {url: found.pop() for url, found in names.items() if len(found) == 1}


def match(listed: t.Sequence[Listed], found: t.Sequence[Found]) -> t.Dict[str, Found]:
    """Listed name -> running node. What the user says decides; then the inventory's name, the address, the file."""
    running = {node["name"] for node in found}

    def may_be(entry: Listed, node: Found) -> bool:
        return entry.node_name is None and (entry.own_name not in running or entry.own_name == node["name"])

    said: t.Sequence[t.Callable[[Listed, Found], bool]] = (
        lambda entry, node: entry.node_name == node["name"],
        lambda entry, node: may_be(entry, node) and entry.name == node["name"],
        lambda entry, node: may_be(entry, node) and _is_at(entry.url, node),
        lambda entry, node: may_be(entry, node) and entry.own_name == node["name"],
    )
    matched: t.Dict[str, Found] = {}
    for is_it in said:
        left = [node for node in found if node["id"] not in [other["id"] for other in matched.values()]]
        for entry in listed:
            candidates = [node for node in left if entry.name not in matched and is_it(entry, node)]
            # An address of all nodes, such as that of a load balancer or of loopback, tells nothing.
            if len(candidates) == 1:
                matched[entry.name] = candidates[0]
                left.remove(candidates[0])
    return matched


def _is_at(url: t.Optional[str], node: Found) -> bool:
    if not url:
        return False
    url = url.rstrip("/")
    place = url.partition("://")[2].partition("/")[0]
    return url in (node.get("urls") or ()) or place in (node.get("http_addresses") or ())
