# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From task results to plans, from plans to the work of each host, and from what was done to the report. Pure.

This file is private to the crosscluster.elasticsearch collection.

The roles run the same few tasks for all links at once. Each task loops over what :func:`work` gives its host, so a link
that is right costs nothing, and the API calls of different clusters run on different forks.
"""

from __future__ import annotations

import collections
import typing as t
from dataclasses import replace

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._alias import credentials_setting
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key import User
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _doctor_words
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_keys as lk
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_nodes as ln
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_plan as lp
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._versions import too_old

Data = t.Dict[str, t.Any]
Results = t.Mapping[str, t.Any]
"""What a task registered, by host."""

STAGE_WORDS = {
    "make": "the API key could not be made",
    "update": "the API key could not be updated",
    "spread": "the credential could not be read",
    "deliver": "the credential could not be delivered",
    "remove": "the credential could not be removed",
    "reload": "the secure settings could not be reloaded",
    "restart": "the nodes could not be restarted",
    "settings": "the settings could not be written",
    "unset": "the settings could not be removed",
    "prove": "the link does not work",
    "revoke": "the API key could not be revoked",
    "certificate_authorities": "the certificate authority could not be handed over",
    "roles": "the local role could not be changed",
}

# The steps that a task of the roles carries out; a step that is not here is part of another one.
STAGES = {
    "versions": ("create",),
    "make": ("create", "rotate"),
    "update": ("update",),
    "spread": ("spread",),
    "deliver": ("deliver",),
    "remove": ("remove",),
    "reload": ("reload",),
    "settings": ("settings",),
    "unset": ("unset",),
    "prove": ("prove",),
    "revoke": ("revoke",),
    "roles": (),
}

# What a probe says when the nodes do not trust the authority of the server.
UNTRUSTED = ("tls_untrusted",)


# -- who does what ----------------------------------------------------------------------------------------------------


def leaders(
    data: t.Mapping[str, t.Any], hosts: t.Sequence[str], keystores: t.Optional[Results] = None
) -> t.Dict[str, str]:
    """The host that plans the links of each client cluster and makes their API calls: one of its own nodes.

    It is one that could be reached, if there is any. For a client without a node in the play another leader steps in,
    so that each host takes its work from one place.
    """
    clients = [name for name in data["clusters"] if any(link["from"] == name for link in data["links"])]
    own = {}
    for name in clients:
        nodes = [node for node in data["clusters"][name]["nodes"] if node in hosts]
        own[name] = min(nodes, key=lambda node: bool(went_wrong((keystores or {}).get(node))), default=None)
    others = sorted({host for host in own.values() if host is not None}) or hosts
    found = {
        name: host or (others[number % len(others)] if others else None)
        for number, (name, host) in enumerate(own.items())
    }
    return {name: host for name, host in found.items() if host is not None}


def assign(
    data: t.Mapping[str, t.Any], hosts: t.Sequence[str], keystores: t.Optional[Results] = None
) -> t.Dict[str, str]:
    """The host of the play whose fork reads from a cluster: its leader, or for a server a host with little to do."""
    result = leaders(data, hosts, keystores)
    used = collections.Counter(result.values())
    for name, cluster in data["clusters"].items():
        own = [node for node in cluster["nodes"] if node in hosts]
        if name not in result and hosts:
            result[name] = min(own or hosts, key=lambda host: used[host])
            used[result[name]] += 1
    return result


def reads(data: t.Mapping[str, t.Any], hosts: t.Sequence[str], keystores: Results, missing_nodes: str = "fail") -> Data:
    """What each host has to ask: the keys of servers (side ``to``) and the remotes of clients (side ``from``)."""
    assigned = assign(data, hosts, keystores)
    result: Data = {"to": {}, "from": {}}
    for side, shared in result.items():
        for name in data["clusters"]:
            links = [link for link in data["links"] if link[side] == name]
            if not links or name not in assigned:
                continue
            item: Data = {"cluster": name, "links": [link["id"] for link in links]}
            if side == "to":
                item["names"] = sorted({link["key_name"] for link in links})
                adopted = {link["adopt"] for link in links if link["adopt"]}
                item["ids"] = sorted(adopted | _held_ids(data, links, keystores))
            else:
                item["node_urls"] = data["clusters"][name]["node_urls"]
                nodes = data["clusters"][name]["nodes"] if missing_nodes == "keep" else ()
                item["urls"] = proof_urls(
                    data["clusters"][name], [node for node in nodes if went_wrong(keystores.get(node))]
                )
            shared.setdefault(assigned[name], []).append(item)
    return result


def proof_urls(cluster: t.Mapping[str, t.Any], unread: t.Collection[str]) -> t.List[str]:
    """Where to ask whether links work: at every node but those that are put up with although they cannot be read."""
    urls: t.List[str] = cluster["proof_urls"]
    if urls != cluster["node_urls"] or len(urls) != len(cluster["nodes"]):
        return urls
    return [url for node, url in zip(cluster["nodes"], urls) if node not in unread] or urls


def _held_ids(data: t.Mapping[str, t.Any], links: t.Sequence[t.Mapping[str, t.Any]], keystores: Results) -> t.Set[str]:
    held = set()
    for link in links:
        for name in data["clusters"][link["from"]]["nodes"]:
            node = node_view(name, keystores.get(name), link["alias"])
            if node.key_id:
                held.add(node.key_id)
    return held


# -- what was found ---------------------------------------------------------------------------------------------------


def went_wrong(result: t.Any) -> t.Optional[str]:
    """Why a task has no useful result, or None."""
    if not isinstance(result, t.Mapping):
        return "the host was not part of this run"
    if result.get("unreachable"):
        return short(result.get("msg")) or "the host could not be reached"
    if result.get("failed"):
        return short(result.get("msg")) or "the task failed"
    return None


def short(message: t.Any) -> str:
    """One line of a message: what tools put behind it belongs into the log of the task."""
    text = str(message or "").strip()
    return text.splitlines()[0].strip() if text else ""


def node_view(name: str, result: t.Any, alias: str) -> lk.Node:
    """What ``keystore_info`` told about the alias on one node."""
    trouble = went_wrong(result)
    if trouble is None and not isinstance(result.get("credentials"), t.Mapping):
        trouble = "its keystore was not read"
    if trouble is not None:
        return lk.Node(name, read=False, reason=trouble)
    entry = result["credentials"].get(alias)
    key_id = entry.get("api_key_id") if entry else None
    return lk.Node(name, present=bool(entry), key_id=key_id, write_problem=short(result.get("write_problem")))


def members_of(data: t.Mapping[str, t.Any], cluster: str, client: t.Any, keystores: Results) -> ln.Members:
    """The nodes that the client cluster itself lists (`client`: what `remote_cluster_info` told), against ours."""
    trouble = went_wrong(client)
    if trouble:
        return ln.Members(problem=trouble)
    listed = []
    for name in data["clusters"][cluster]["nodes"]:
        entry, own_name = data["nodes"][name], _read_on(name, keystores).get("node_name")
        listed.append(ln.Listed(name, entry.get("url"), entry.get("node_name"), own_name))
    return ln.members(listed, client.get("nodes"), client.get("nodes_problem"))


def not_restarted(members: ln.Members, nodes: t.Sequence[str], keystores: Results) -> t.List[str]:
    """The nodes of which it cannot be seen that they started after their keystores were written to last.

    Both times are by the clock of the node. Before 8.13 a node uses what was in its keystore when it started.
    """
    found = []
    for name in nodes:
        modified = _read_on(name, keystores).get("modified")
        if modified is None or members.started.get(name, 0) <= modified:
            found.append(name)
    return found


def _read_on(name: str, keystores: Results) -> t.Mapping[str, t.Any]:
    """What ``keystore_info`` told of a node; nothing where it did not get through."""
    result = keystores.get(name)
    return {} if went_wrong(result) else t.cast(t.Mapping[str, t.Any], result)


def key_view(
    key: t.Mapping[str, t.Any], link: t.Optional[t.Mapping[str, t.Any]], drift: t.Callable[..., t.Sequence[str]]
) -> lk.Key:
    return lk.Key(
        id=str(key["id"]),
        name=str(key["name"]),
        type=str(key.get("type") or "cross_cluster"),
        creation=int(key.get("creation") or 0),
        expiration=key.get("expiration"),
        invalidated=bool(key.get("invalidated")),
        username=key.get("username"),
        realm=key.get("realm"),
        metadata=key.get("metadata") or {},
        drift=tuple(drift(link, key)) if link is not None else (),
    )


def by_cluster(results: Results) -> t.Dict[str, t.Any]:
    """The results of looped tasks of all hosts, by the cluster they asked."""
    found: t.Dict[str, t.Any] = {}
    for result in results.values():
        if isinstance(result, t.Mapping):
            for entry in result.get("results") or []:
                found[entry["item"]["cluster"]] = entry
    return found


def plan_all(
    data: t.Mapping[str, t.Any],
    keystores: Results,
    keys: Results,
    remotes: Results,
    now: int,
    options: lp.Options,
    drift: t.Callable[..., t.Sequence[str]],
    settings_drift: t.Callable[..., t.Sequence[str]],
) -> t.List[Data]:
    """The plans of all links, as plain data."""
    servers, clients = by_cluster(keys), by_cluster(remotes)
    members = {
        name: members_of(data, name, clients.get(name), keystores) for name in {link["from"] for link in data["links"]}
    }
    plans = []
    for link in data["links"]:
        known = members[link["from"]]
        plan, remote = _plan(data, link, keystores, servers, clients, known, now, options, drift, settings_drift)
        plan_of = plan_data(plan, options, remote)
        nodes = data["clusters"][link["from"]]["nodes"]
        plan_of["unrestarted"] = not_restarted(known, nodes, keystores)
        plan_of["unseen"] = [node for node in nodes if _read_on(node, keystores).get("modified") is None]
        plans.append(plan_of)
    return plans


def asked(link: t.Mapping[str, t.Any], server: t.Any) -> lk.Link:
    """The link as the plan takes it. `server`: what `cross_cluster_api_key_info` told, for whose user we act."""
    user = server.get("acting_user") if isinstance(server, t.Mapping) else None
    return lk.Link(
        id=link["id"], client=link["from"], server=link["to"], alias=link["alias"], key_name=link["key_name"],
        owner=User(user["name"], user.get("realm")) if user else None, adopt=link["adopt"],
        renew_before=link["renew_before_ms"], on_expiring=link["on_expiring"], grace=link["grace"],
        migrate=link["migrate"], replace=link["replace"],
    )  # fmt: skip


def _plan(
    data: t.Mapping[str, t.Any],
    link: t.Mapping[str, t.Any],
    keystores: Results,
    servers: t.Mapping[str, t.Any],
    clients: t.Mapping[str, t.Any],
    members: ln.Members,
    now: int,
    options: lp.Options,
    drift: t.Callable[..., t.Sequence[str]],
    settings_drift: t.Callable[..., t.Sequence[str]],
) -> t.Tuple[lp.Plan, t.Any]:
    nodes = [node_view(name, keystores.get(name), link["alias"]) for name in data["clusters"][link["from"]]["nodes"]]
    server: t.Any = servers.get(link["to"])
    client: t.Any = clients.get(link["from"])
    server_trouble, client_trouble = went_wrong(server), went_wrong(client)
    fault = None
    if server_trouble or client_trouble:
        side = link["to"] if server_trouble else link["from"]
        fault = "{0}: {1}".format(side, server_trouble or client_trouble)
    keys = [
        key_view(key, link if key.get("name") == link["key_name"] or key["id"] == link["adopt"] else None, drift)
        for key in (() if server_trouble else server["api_keys"])
    ]
    found = None
    if not client_trouble:
        found = next((entry for entry in client["remotes"] if entry["alias"] == link["alias"]), None)
    cluster = data["clusters"][link["from"]]
    running = () if client_trouble else client.get("nodes") or ()
    remote = remote_view(found, link, cluster, settings_drift, running)
    nodes = [replace(node, wrong_secret=_wrong_secret(node.name, found, data)) for node in nodes]
    return lp.plan_link(asked(link, server), nodes, keys, remote, now, options, members, fault), found


def _wrong_secret(name: str, found: t.Optional[t.Mapping[str, t.Any]], data: t.Mapping[str, t.Any]) -> bool:
    """Did a request through this node, or through all that could be asked, show that the secret it uses is wrong?

    A node that lies, or a file that was damaged, may have given it to others, which only look right.
    """
    asked_nodes = ((found or {}).get("probe") or {}).get("nodes") or []
    wrong = [node["url"] for node in asked_nodes if node.get("cause") == "key_wrong_secret"]
    url = str(data["nodes"][name].get("url") or "").rstrip("/")
    return bool(wrong) and (url in wrong or len(wrong) == len(asked_nodes))


def remote_view(
    found: t.Optional[t.Mapping[str, t.Any]],
    link: t.Mapping[str, t.Any],
    cluster: t.Mapping[str, t.Any],
    settings_drift: t.Callable[..., t.Sequence[str]],
    running: t.Sequence[t.Mapping[str, t.Any]] = (),
) -> lp.Remote:
    provable = _places(cluster["proof_urls"], running) >= len(cluster["nodes"])
    if found is None:
        return lp.Remote(provable=provable)
    drift = tuple(settings_drift(link, found))
    probe = found.get("probe") or {}
    return lp.Remote(
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


def plan_data(plan: lp.Plan, options: lp.Options, found: t.Optional[t.Mapping[str, t.Any]] = None) -> Data:
    probe = (found or {}).get("probe") or {}
    return {
        "link": plan.link.id,
        "from": plan.link.client,
        "to": plan.link.server,
        "alias": plan.link.alias,
        "key_name": plan.link.key_name,
        "blocked": plan.blocked,
        "steps": [step.as_dict() for step in plan.steps],
        "words": list(plan.words),
        "target": plan.target,
        "kept": list(plan.kept),
        "owed": plan.owed,
        "adopt": plan.link.adopt,
        "states": dict(plan.states),
        "present": options.mode != "untrust",
        "proven": bool(probe.get("ok")),
        "cause": probe.get("cause"),
        "reason": probe.get("reason"),
        "advice": probe.get("advice"),
    }


# -- what each host does ----------------------------------------------------------------------------------------------


def work(
    plans: t.Sequence[Data],
    status: t.Mapping[str, Data],
    data: t.Mapping[str, t.Any],
    hosts: t.Sequence[str],
    leader: str,
) -> t.Dict[str, t.Dict[str, t.List[Data]]]:
    """The items each host has to work off in each stage, leaving out links that failed before."""
    result: t.Dict[str, t.Dict[str, t.List[Data]]] = {}
    for stage in STAGES:
        for doer, item in _items(plans, status, data, leader, stage):
            if doer in hosts:
                result.setdefault(doer, {}).setdefault(stage, []).append(item)
    for stages in result.values():
        for stage in ("versions", "reload", "prove"):
            if stage in stages:
                stages[stage] = _per_cluster(stages[stage])
    return result


def _items(
    plans: t.Sequence[Data],
    status: t.Mapping[str, Data],
    data: t.Mapping[str, t.Any],
    leader: str,
    stage: str,
) -> t.Iterator[t.Tuple[str, Data]]:
    if stage == "roles":
        for item in role_items(plans, status, data):
            yield leader, item
    for plan in plans:
        for step in plan["steps"]:
            if step["action"] not in STAGES[stage] or not allowed(plan, status.get(plan["link"], {}), stage):
                continue
            item = {"link": plan["link"], "alias": plan["alias"], "present": plan["present"], **step}
            if stage in ("make", "update", "revoke"):
                item.update(cluster=plan["to"])
                if step.get("marker"):
                    item["metadata"] = {**_link(data, plan)["metadata"], lk.MARKER: step["marker"]}
                yield leader, item
            elif stage == "versions":
                for side in ("from", "to"):
                    yield leader, {**item, "cluster": plan[side]}
            elif stage in ("deliver", "remove", "spread"):
                item.update(cluster=plan["from"], maker=leader, key_id=plan["target"])
                yield step["source"] if stage == "spread" else step["node"], item
            else:
                item.update(cluster=plan["from"])
                if stage == "prove":
                    item["urls"] = proof_urls(data["clusters"][plan["from"]], unread(plan))
                yield leader, item


def _link(data: t.Mapping[str, t.Any], plan: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    found: t.Mapping[str, t.Any] = next(link for link in data["links"] if link["id"] == plan["link"])
    return found


def unread(plan: t.Mapping[str, t.Any]) -> t.List[str]:
    return [node for node, state in plan["states"].items() if state == lk.UNREAD]


def role_items(plans: t.Sequence[Data], status: t.Mapping[str, Data], data: t.Mapping[str, t.Any]) -> t.List[Data]:
    """The entries that all links together want in each local role: one call for each role."""
    links = {link["id"]: link for link in data["links"]}
    result: t.Dict[t.Tuple[str, str], Data] = {}
    for plan in plans:
        if plan["blocked"] or not allowed(plan, status.get(plan["link"], {}), "roles"):
            continue
        for role in links[plan["link"]]["roles"]:
            entry = result.setdefault(
                (plan["from"], role["name"]), {"cluster": plan["from"], "name": role["name"], "links": []}
            )
            entry["links"].append(plan["link"])
            for part in ("remote_indices", "remote_cluster"):
                if role.get(part):
                    entry[part] = [*entry.get(part, []), *role[part]]
    return list(result.values())


def authorities(
    plans: t.Sequence[Data], data: t.Mapping[str, t.Any], cluster: t.Optional[str], client: t.Any = None
) -> Data:
    """Which authorities the nodes of a client need for links that do not work yet, and whether a restart is owed.

    A first list of authorities takes the place of those of the JDK, by which the nodes may trust the servers of their
    other aliases. So it comes with it which authorities these need (``besides``), and for which that is not known
    (``unknown``). `client`: what `remote_cluster_info` told.
    """
    files: t.List[str] = []
    links: t.List[str] = []
    owed = False
    for plan in plans:
        path = data["clusters"][plan["to"]]["remote_ca_cert"]
        if plan["from"] != cluster or not path or not any(step["action"] == "prove" for step in plan["steps"]):
            continue
        if plan["proven"]:
            continue
        files += [] if path in files else [path]
        links.append(plan["link"])
        owed = owed or plan["cause"] in UNTRUSTED
    others = [plan for plan in plans if plan["from"] == cluster and plan["link"] not in links]
    paths = {plan["alias"]: data["clusters"][plan["to"]]["remote_ca_cert"] for plan in others}
    ours = {plan["alias"] for plan in plans if plan["from"] == cluster}
    for remote in client["remotes"] if client and not went_wrong(client) else ():
        if remote["alias"] not in ours and remote["security_model"] == "api_key":
            paths[remote["alias"]] = None
    return {
        "files": files,
        "links": links,
        "restart_now": owed,
        "besides": sorted({path for path in paths.values() if path and path not in files}),
        "unknown": sorted(alias for alias, path in paths.items() if not path),
    }


def without_authorities(
    status: t.Mapping[str, Data], plans: t.Sequence[Data], data: t.Mapping[str, t.Any], troubles: t.Mapping[str, str]
) -> t.Dict[str, Data]:
    """Take the links out whose nodes could not be made to trust the server."""
    folded = {name: dict(entry) for name, entry in status.items()}
    for node, trouble in troubles.items():
        cluster = (data["nodes"].get(node) or {}).get("cluster")
        for link in authorities(plans, data, cluster)["links"]:
            entry = folded.setdefault(link, {})
            # The first trouble is told: that of later nodes may be that they had to wait for this one.
            entry["failed"] = {"certificate_authorities": "{0}: {1}".format(node, trouble), **entry.get("failed", {})}
    return folded


def restarts(plans: t.Sequence[Data], status: t.Mapping[str, Data], data: t.Mapping[str, t.Any]) -> t.List[str]:
    """The nodes that take their credentials over only when they start, Elasticsearch before 8.13, and did not yet."""
    owing: t.Dict[str, t.Set[str]] = {}
    for plan in plans:
        if status.get(plan["link"], {}).get("restart_required"):
            owing.setdefault(plan["from"], set()).update(_waiting(plan, status))
    return [node for cluster in sorted(owing) for node in data["clusters"][cluster]["nodes"] if node in owing[cluster]]


def _waiting(plan: t.Mapping[str, t.Any], status: t.Mapping[str, Data]) -> t.Set[str]:
    """The nodes that were written to after they started, in this run or before it."""
    return {*plan["unrestarted"], *status.get(plan["link"], {}).get("delivered", ())}


def without_restart(
    status: t.Mapping[str, Data],
    plans: t.Sequence[Data],
    data: t.Mapping[str, t.Any],
    permitted: bool,
    troubles: t.Mapping[str, str],
) -> t.Dict[str, Data]:
    """Take the links out that wait for a restart which is not allowed, or which went wrong on a node of the client."""
    folded = {name: dict(entry) for name, entry in status.items()}
    for plan in plans:
        waiting = restarts([plan], status, data)
        blind = [node for node in waiting if node in plan["unseen"]]
        nodes = data["clusters"][plan["from"]]["nodes"]
        text = next((troubles[node] for node in nodes if waiting and troubles.get(node)), None)
        if waiting and not permitted:
            text = (
                "before version 8.13 nodes take a credential over only when they start; restart {0}, one at a time, or "
                "allow it with cross_cluster_trust_restart, and run again"
            ).format(lk.names(waiting))
            if blind:
                text += (
                    "; of {0} it cannot be seen whether that was done, because the file behind its keystore tool "
                    "cannot, so only a restart by the playbook counts"
                ).format(lk.names(blind))
        if text:
            entry = folded[plan["link"]]
            entry["failed"] = {**entry.get("failed", {}), "restart": text}
    return folded


def without_incompatible(plans: t.Sequence[Data], versions: Results) -> t.List[Data]:
    """Block the links that have no key yet and whose clusters cannot talk to each other, as far as that is known."""
    told = {name: {} if went_wrong(entry) else entry for name, entry in by_cluster(versions).items()}
    cause, fix = _doctor_words.WORDS["versions_incompatible"]
    result = []
    for plan in plans:
        for name, other in ((plan["from"], plan["to"]), (plan["to"], plan["from"])):
            oldest = too_old(told.get(name), told.get(other))
            if oldest and any(step["action"] == "create" for step in plan["steps"]):
                text = "{0}. {1}".format(cause, fix).format(cluster=name, version=told[name]["version"], oldest=oldest)
                plan = {**plan, "blocked": text, "steps": []}
        result.append(plan)
    return result


def _per_cluster(items: t.Sequence[Data]) -> t.List[Data]:
    """One call does for all links of a cluster."""
    result: t.Dict[str, Data] = {}
    for item in items:
        entry = result.setdefault(item["cluster"], {"cluster": item["cluster"], "links": [], "expect": []})
        if "urls" in item:
            entry["urls"] = item["urls"]
        entry["links"].append(item["link"])
        if item["present"]:
            # From 9.3 on the nodes report what they loaded; before 8.13 it is how the need for a restart is found out.
            entry["expect"].append(credentials_setting(item["alias"]))
    return list(result.values())


def allowed(plan: t.Mapping[str, t.Any], status: t.Mapping[str, t.Any], stage: str) -> bool:
    """May the link still take part in this stage?"""
    failed = status.get("failed") or {}
    if "certificate_authorities" in failed:
        return False
    if stage == "revoke":
        # Whatever went wrong, the old key is what still works.
        return not failed
    if stage in ("deliver", "spread"):
        return not any(name in failed for name in ("make", "spread"))
    if stage in ("reload", "settings", "prove"):
        # A node that did not get its credential must not hide whether the others work. Where none holds it, the alias
        # would point at a cluster without a credential for it.
        nobody = "deliver" in failed and plan["target"] is None and not status.get("delivered")
        return not nobody and not any(name in failed for name in ("make", "spread"))
    if stage == "remove":
        return "unset" not in failed
    return True


def fold(
    status: t.Mapping[str, Data],
    plans: t.Sequence[Data],
    data: t.Mapping[str, t.Any],
    hosts: t.Sequence[str],
    leader: str,
    results: Results,
    stage: str,
) -> t.Dict[str, Data]:
    """Add what a stage did to what is known about each link."""
    folded = {name: dict(entry) for name, entry in status.items()}

    def note(link: str, trouble: t.Optional[str], changed: bool, **more: t.Any) -> None:
        entry = folded.setdefault(link, {})
        if trouble:
            entry["failed"] = {**entry.get("failed", {}), stage: trouble}
        if changed:
            entry["done"] = [*entry.get("done", []), stage] if stage not in entry.get("done", []) else entry["done"]
        entry.update({name: value for name, value in more.items() if value is not None})

    for host, stages in work(plans, status, data, hosts, leader).items():
        result = results.get(host)
        expected = stages.get(stage)
        if not expected:
            continue
        entries = result.get("results") if isinstance(result, t.Mapping) else None
        if not entries:
            trouble = went_wrong(result)
            for item in expected:
                for link in item.get("links") or [item["link"]]:
                    note(link, trouble, trouble is None and bool(result and result.get("changed")))
            continue
        for entry in entries:
            if entry.get("skipped"):
                continue  # in check mode there is nothing to prove yet
            item = entry["item"]
            trouble = went_wrong(entry)
            for link in item.get("links") or [item["link"]]:
                where = "{0}: {1}".format(item.get("node") or item["cluster"], trouble) if trouble else None
                if stage == "prove" and trouble is None:
                    note(link, *_proof(entry, next(plan for plan in plans if plan["link"] == link)))
                elif stage == "reload":
                    note(
                        link, where, bool(entry.get("changed")), restart_required=entry.get("restart_required") or None
                    )
                elif stage == "make":
                    note(link, where, bool(entry.get("changed")), **_made(entry))
                elif stage == "deliver" and trouble is None:
                    before = folded.get(link, {}).get("delivered", [])
                    note(link, None, bool(entry.get("changed")), delivered=[*before, item["node"]])
                else:
                    note(link, where, bool(entry.get("changed")))
    return folded


def _made(entry: t.Mapping[str, t.Any]) -> Data:
    key = entry.get("api_key") or {}
    return {"made": key.get("id"), "expiration": key.get("expiration")}


def _proof(entry: t.Mapping[str, t.Any], plan: Data) -> t.Tuple[t.Optional[str], bool]:
    found = next((remote for remote in entry.get("remotes") or [] if remote["alias"] == plan["alias"]), None)
    if found is None:
        return "alias {0} is not known on {1}".format(plan["alias"], plan["from"]), False
    probe = found.get("probe") or {}
    if probe.get("ok"):
        return None, True
    text = str(probe.get("reason") or "no answer")
    return "{0}. {1}".format(text.rstrip("."), probe["advice"]) if probe.get("advice") else text, False


def second_look(
    plans: t.Sequence[Data],
    status: t.Mapping[str, Data],
    data: t.Mapping[str, t.Any],
    keystores: Results,
    keys: Results,
    remotes: Results,
    now: int,
) -> t.Dict[str, Data]:
    """Withdraw revocations that must not happen after all: something else worked on the link meanwhile."""
    folded = {name: dict(entry) for name, entry in status.items()}
    servers, clients = by_cluster(keys), by_cluster(remotes)
    for plan in plans:
        revoke = [step for step in plan["steps"] if step["action"] == "revoke"]
        if not revoke or not allowed(plan, status.get(plan["link"], {}), "revoke"):
            continue
        link = {**_link(data, plan), "adopt": plan["adopt"]}
        nodes = [
            node_view(name, keystores.get(name), link["alias"]) for name in data["clusters"][link["from"]]["nodes"]
        ]
        server: t.Any = servers.get(link["to"])
        trouble = went_wrong(server) or members_of(data, link["from"], clients.get(link["from"]), keystores).trouble(
            link["from"]
        )
        found = [trouble] if trouble else lp.objections(
            lp.Plan(
                asked(link, server),
                steps=tuple(lp.Step("revoke", "", key_ids=tuple(step["key_ids"])) for step in revoke),
                target=plan["target"], kept=tuple(plan["kept"]),
            ),
            nodes, [key_view(key, None, lambda *_a: ()) for key in server["api_keys"]],
            status.get(plan["link"], {}).get("made"), now,
        )  # fmt: skip
        if found:
            entry = folded.setdefault(plan["link"], {})
            text = "{0}; nothing was revoked. Is another run at work on this link? Run again when it has ended".format(
                "; ".join(found)
            )
            entry["failed"] = {**entry.get("failed", {}), "revoke": text}
    return folded


# -- what people see --------------------------------------------------------------------------------------------------


def report(
    plans: t.Sequence[Data],
    status: t.Mapping[str, Data],
    words: t.Mapping[str, t.Sequence[str]],
    keys: Results,
    mode: str,
    check: bool,
    now: int,
) -> t.List[Data]:
    """One entry per link: its state and why."""
    servers = by_cluster(keys)
    rows = []
    for plan in plans:
        entry = status.get(plan["link"], {})
        failed = entry.get("failed") or {}
        key_id = entry.get("made") or plan["target"]
        expiration = entry.get("expiration") or _expiration(servers.get(plan["to"]), key_id)
        told = words.get(plan["link"]) or ()
        note = ""
        if plan["blocked"]:
            state, note = "blocked", plan["blocked"]
        elif failed:
            stage, text = next(iter(failed.items()))
            state, note = "failed", "{0}: {1}".format(STAGE_WORDS.get(stage, stage), text)
            if plan["present"] and not allowed(plan, entry, "settings"):
                note += "; the settings of alias {0} were left as they are".format(plan["alias"])
        elif plan["owed"]:
            state, note = "unfinished", "; ".join(told)
        elif plan["steps"] and mode == "verify":
            state, note = "wrong", "; ".join(told)
        elif plan["steps"] or entry.get("done"):
            state = {"untrust": "removed"}.get(mode, "changed")
            note = "; ".join([*told, *(["local roles changed"] if "roles" in entry.get("done", []) else [])])
            if check:
                state = "would be " + state
        else:
            state = "gone" if mode == "untrust" else "right"
            note = "; ".join(told)
        proven = plan["proven"] if not plan["steps"] else "prove" in entry.get("done", [])
        rows.append({
            "link": plan["link"], "from": plan["from"], "to": plan["to"], "alias": plan["alias"], "state": state,
            "ok": state not in ("blocked", "failed", "unfinished", "wrong"),
            "api_key_id": None if mode == "untrust" else key_id,
            "expiration": None if mode == "untrust" else expiration,
            "days_left": None if expiration is None or mode == "untrust" else max(0, (expiration - now) // 86_400_000),
            "proven": bool(proven) and mode != "untrust" and not failed and not unread(plan),
            "actions": [step["action"] for step in plan["steps"]],
            "kept": plan["kept"],
            "note": note,
        })  # fmt: skip
    return rows


def _expiration(server: t.Any, key_id: t.Optional[str]) -> t.Optional[int]:
    if went_wrong(server) or key_id is None:
        return None
    return next((key.get("expiration") for key in server["api_keys"] if key["id"] == key_id), None)


def table(rows: t.Sequence[Data]) -> t.List[str]:
    """The report as lines of text, columns aligned."""
    head = ("LINK", "ALIAS", "STATE", "PROOF", "KEY", "EXPIRES")
    cells = [head]
    for row in rows:
        days = row["days_left"]
        cells.append((
            "{0} -> {1}".format(row["from"], row["to"]), row["alias"], row["state"],
            "every node" if row["proven"] else "-", row["api_key_id"] or "-",
            "in {0} days".format(days) if days is not None else "-",
        ))  # fmt: skip
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = []
    for number, line in enumerate(cells):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        if number and rows[number - 1]["note"] and rows[number - 1]["state"] != "right":
            lines.append("    " + rows[number - 1]["note"])
    return lines
