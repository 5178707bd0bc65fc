# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules told of nodes and clusters, and the plans that follow from it. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.key import Key, User
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.fields import listed
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import case
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import nodes as ln
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.drift import key_drift, settings_drift
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.plan import plan_link

Data = t.Dict[str, t.Any]
Asked = t.Mapping[str, t.Any]
"""A link as `normalise` completes it."""
Results = t.Mapping[str, t.Any]
"""What a module told, by node or by cluster."""


MISREAD = (AttributeError, KeyError, TypeError, ValueError)
"""What goes wrong where something told has another form than expected."""


class Gathered(t.NamedTuple):
    """What was there before anything was done."""

    keystores: Results
    """`keystore_info`, by node."""
    keys: Results
    """`cross_cluster_api_key_info`, by server."""
    remotes: Results
    """`remote_cluster_info`, by client."""
    now: int
    all_keys: t.Optional[Results] = None
    """All live keys, by server, where links that are not listed any more are looked for."""


@dataclass(frozen=True)
class Planned:
    """A link, what is to be done for it, and what it was like."""

    asked: Asked
    plan: case.Plan
    remote: t.Optional[t.Mapping[str, t.Any]] = None
    """What the client told of the alias."""
    unrestarted: t.Tuple[str, ...] = ()
    """Nodes of which it cannot be seen that they started after their keystores were written to last."""
    unseen: t.Tuple[str, ...] = ()
    """Those of them of which that can never be seen."""
    ids: t.Mapping[str, str] = field(default_factory=dict)
    """Node -> its id in the cluster."""
    old: t.Tuple[str, ...] = ()
    """Nodes that use a credential only once they start, where their versions are known."""
    provable: bool = True
    """Every node can be asked by itself."""
    slow: bool = False
    """A node may use a credential only once it starts."""

    @property
    def id(self) -> str:
        return str(self.asked["id"])

    @property
    def client(self) -> str:
        return str(self.asked["from"])

    @property
    def server(self) -> str:
        return str(self.asked["to"])

    @property
    def alias(self) -> str:
        return str(self.asked["alias"])

    @property
    def absent(self) -> bool:
        """The link goes."""
        return self.plan.absent

    @property
    def probe(self) -> t.Mapping[str, t.Any]:
        return (self.remote or {}).get("probe") or {}

    @property
    def unread(self) -> t.List[str]:
        return [node for node, state in self.plan.states.items() if state == lk.UNREAD]

    def has(self, action: str) -> bool:
        return any(step.action == action for step in self.plan.steps)


def went_wrong(result: t.Any) -> t.Optional[str]:
    """Why a module has no useful result, or None."""
    if not isinstance(result, t.Mapping):
        return "the host was not part of this run"
    if result.get("trouble"):
        return short(result["trouble"]) or "the task failed"
    if result.get("unreachable"):
        return short(result.get("msg")) or "the host could not be reached"
    if result.get("failed"):
        return short(result.get("msg")) or "the task failed"
    return "it was left out of this run" if result.get("skipped") else None


def short(message: t.Any) -> str:
    """One line of a message: what tools put behind it belongs into the log of the task."""
    text = str(message or "").strip()
    return text.splitlines()[0].strip() if text else ""


def usable(result: t.Any) -> t.Mapping[str, t.Any]:
    """What a module told; nothing where it did not get through."""
    return {} if went_wrong(result) else t.cast(t.Mapping[str, t.Any], result)


def node_view(name: str, result: t.Any, alias: str) -> lk.Node:
    """What ``keystore_info`` told about the alias on one node."""
    trouble = went_wrong(result)
    if trouble is None and not isinstance(result.get("credentials"), t.Mapping):
        trouble = "its keystore was not read"
    if trouble is not None:
        return lk.Node(name, read=False, reason=trouble)
    entry = result["credentials"].get(alias)
    key_id = entry.get("api_key_id") if entry else None
    # What cannot be one is nothing to ask a server for.
    key_id = key_id if key_id and re.fullmatch(r"[\w-]{1,64}", key_id, re.ASCII) else None
    return lk.Node(name, present=bool(entry), key_id=key_id, write_problem=short(result.get("write_problem")))


def members_of(data: t.Mapping[str, t.Any], cluster: str, client: t.Any, keystores: Results) -> ln.Members:
    """The nodes that the client cluster itself lists (`client`: what `remote_cluster_info` told), against ours."""
    trouble = went_wrong(client)
    if trouble:
        return ln.Members(problem=trouble)
    listed = []
    for name in data["clusters"][cluster]["nodes"]:
        told = usable(keystores.get(name))
        entry, own_name = {**data["nodes"][name], **(told.get("listed") or {})}, told.get("node_name")
        listed.append(ln.Listed(name, entry.get("url"), entry.get("node_name"), own_name))
    found = ln.members(listed, client.get("nodes"), client.get("nodes_problem"))
    return replace(found, words=data["clusters"][cluster].get("words", {}))


def not_restarted(members: ln.Members, nodes: t.Sequence[str], keystores: Results) -> t.List[str]:
    """The nodes of which it cannot be seen that they started after their keystores were written to last.

    Both times are by the clock of the node. Before 8.13 a node uses what was in its keystore when it started.
    """
    found = []
    for name in nodes:
        modified = usable(keystores.get(name)).get("modified")
        if modified is None or members.started.get(name, 0) <= modified:
            found.append(name)
    return found


def link_view(link: Asked, server: t.Any) -> lk.Link:
    """The link as the plan takes it. `server`: what `cross_cluster_api_key_info` told, for whose user we act."""
    user = server.get("acting_user") if isinstance(server, t.Mapping) else None
    return lk.Link(
        id=link["id"], client=link["from"], server=link["to"], alias=link["alias"], key_name=link["key_name"],
        owner=User(user["name"], user.get("realm")) if user else None, adopt=link["adopt"],
        renew_before=link["renew_before_ms"], on_expiring=link["on_expiring"], grace=link["grace"],
        migrate=link["migrate"], replace=link["replace"], given=lk.Given(**link["given"]) if "given" in link else None,
        absent=link["absent"], team=link["team"],
    )  # fmt: skip


def remote_view(
    found: t.Optional[t.Mapping[str, t.Any]],
    link: Asked,
    cluster: t.Mapping[str, t.Any],
    running: t.Sequence[t.Mapping[str, t.Any]] = (),
) -> case.Remote:
    """What the client told of the alias, as the plan takes it."""
    provable = _places(cluster["proof_urls"], running) >= len(cluster["nodes"])
    if found is None:
        return case.Remote(provable=provable)
    drift = tuple(settings_drift(link, found))
    probe = found.get("probe") or {}
    return case.Remote(
        exists=True,
        settings_drift=drift,
        security_model=found.get("security_model"),
        proven=bool(probe.get("ok")),
        used=any(node.get("ok") for node in probe.get("nodes") or ()),
        provable=provable,
        elsewhere=any(name in drift for name in ("proxy_address", "seeds", "mode")),
        addresses=tuple(found.get("addresses") or ()),
    )


def _places(urls: t.Sequence[str], running: t.Sequence[t.Mapping[str, t.Any]]) -> int:
    """How many nodes these addresses lead to, as far as can be told: two names of one node are one place."""
    found = set()
    for url in urls:
        nodes = [node["id"] for node in running if url in (node.get("urls") or ())]
        found.add(nodes[0] if len(nodes) == 1 else url)
    return len(found)


def proof_urls(cluster: t.Mapping[str, t.Any], unread: t.Collection[str]) -> t.List[str]:
    """Where to ask whether links work: at every node but those that are put up with although they cannot be read."""
    urls: t.List[str] = cluster["proof_urls"]
    if urls != cluster["node_urls"] or len(urls) != len(cluster["nodes"]):
        return urls
    return [url for node, url in zip(cluster["nodes"], urls) if node not in unread] or urls


def plan_all(data: t.Mapping[str, t.Any], gathered: Gathered, options: case.Options) -> t.List[Planned]:
    """The plans of all links."""
    members = {
        name: members_of(data, name, gathered.remotes.get(name), gathered.keystores)
        for name in {link["from"] for link in data["links"]}
    }
    return [_guarded(data, link, gathered, options, members[link["from"]]) for link in data["links"]]


def _guarded(
    data: t.Mapping[str, t.Any], link: Asked, gathered: Gathered, options: case.Options, members: ln.Members
) -> Planned:
    """What is told of one link holds up no other."""
    try:
        return _planned(data, link, gathered, options, members)
    except MISREAD as exc:
        why = "what {0} or {1} told of it cannot be understood ({2})".format(
            link["from"], link["to"], type(exc).__name__
        )
        return Planned(link, case.Plan(link_view(link, None), blocked=why, words=(why,)))


def _planned(
    data: t.Mapping[str, t.Any], link: Asked, gathered: Gathered, options: case.Options, members: ln.Members
) -> Planned:
    cluster = data["clusters"][link["from"]]
    servers = gathered.all_keys or {} if "left" in link else gathered.keys
    server, client = servers.get(link["to"]), gathered.remotes.get(link["from"])
    left = link.get("left") or {}
    troubles = [(link["from"], went_wrong(client))]
    if "given" not in link:
        troubles.insert(0, (link["to"], went_wrong(server)))
    fault = next(("{0}: {1}".format(side, trouble) for side, trouble in troubles if trouble), None)
    fault = left.get("trouble") or fault or _in_doubt(data, link, remote_of(client, link["alias"]))
    found = remote_of(client, link["alias"])
    nodes = [
        replace(
            node_view(name, gathered.keystores.get(name), link["alias"]), wrong_secret=_wrong_secret(name, found, data)
        )
        for name in cluster["nodes"]
    ]
    if left.get("alone"):
        nodes, found = [replace(node, present=False, key_id=None) for node in nodes], None
    # What neither bears the name of the link nor is held for it is nothing to it, and a server has many.
    held = {node.key_id for node in nodes}
    ids = {*held, link["adopt"]}
    told = [key for key in usable(server).get("api_keys") or () if "ids" not in left or key["id"] in left["ids"]]
    keys = [Key.from_server(key) for key in told if key["name"] == link["key_name"] or key["id"] in ids]
    of_link = [key for key in keys if key.name == link["key_name"] or key.id == link["adopt"]]
    remote = remote_view(found, link, cluster, usable(client).get("nodes") or ())
    drift = {} if link["absent"] else {key.id: key_drift(link, key) for key in of_link}
    unseen = [name for name in cluster["nodes"] if usable(gathered.keystores.get(name)).get("modified") is None]
    unrestarted = not_restarted(members, cluster["nodes"], gathered.keystores)
    waiting = [name for name in unrestarted if name in members.old and name not in unseen]
    still = [name for name in unrestarted if name in members.old]
    if left.get("alone") and still and not fault:
        fault = "{0}: {1} {2} not started since its keystore was written to last, and may use it from memory".format(
            left["told"], lk.names(still), "have" if len(still) > 1 else "has"
        )
    seen = case.Seen(nodes, keys, remote, gathered.now, members, fault, waiting, drift)
    plan = plan_link(link_view(link, server), seen, options)
    slow = not plan.absent and any(map(ln.may_be_slow, usable(client).get("nodes") or ()))
    return Planned(
        link, plan, found, tuple(unrestarted), tuple(unseen), members.ids, members.old, remote.provable, slow
    )


def _in_doubt(data: t.Mapping[str, t.Any], link: Asked, found: t.Optional[t.Mapping[str, t.Any]]) -> t.Optional[str]:
    """Why the alias of a link that has left the list may be somebody else's by now: nothing says where it pointed."""
    if "left" not in link or link["left"]["alone"] or found is None:
        return None
    address = data["clusters"][link["to"]]["address"]
    wanted, points = listed(address), found.get("addresses") or ()
    if {*map(str, wanted)} & {*map(str, points)} and found.get("security_model") != "certificate":
        return None
    return (
        "{0}: alias {1} of {2} points to {3}, and {4} is reached at {5}; see whose it is, and put the link back into "
        "the list with state: absent to remove it"
    ).format(
        link["left"]["told"], link["alias"], link["from"], lk.names(map(str, points)) or "nothing", link["to"],
        lk.names(map(str, wanted)) or "an address that is not known",
    )  # fmt: skip


def remote_of(client: t.Any, alias: str) -> t.Optional[t.Mapping[str, t.Any]]:
    """The alias in what `remote_cluster_info` told."""
    return next((entry for entry in usable(client).get("remotes") or () if entry["alias"] == alias), None)


def _wrong_secret(name: str, found: t.Optional[t.Mapping[str, t.Any]], data: t.Mapping[str, t.Any]) -> bool:
    """Did a request through this node, or through all that could be asked, show that the secret it uses is wrong?

    A node that lies, or a file that was damaged, may have given it to others, which only look right.
    """
    asked_nodes = ((found or {}).get("probe") or {}).get("nodes") or []
    wrong = [node["url"] for node in asked_nodes if node.get("cause") == "key_wrong_secret"]
    url = str(data["nodes"][name].get("url") or "").rstrip("/")
    return bool(wrong) and (url in wrong or len(wrong) == len(asked_nodes))
