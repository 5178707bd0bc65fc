# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of a run: in which order steps are taken, which module takes them where, and how its result is read. Pure.

This file is private to the crosscluster.elasticsearch collection.

The order is the safety. A credential is delivered, loaded and proven on every node before the key that it replaces is
revoked. Of a link that goes, first go its settings, because without its credential an alias would fall back to the
certificate model, then the credentials, then the key.

The roles run one task for each phase. It does the work of all links at once: a call for each node that has something to
do, and for each cluster, all of which are made in one run of a module. What went wrong for a link keeps its later steps
from being taken, and those of no other link.
"""

from __future__ import annotations

import base64
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._alias import credentials_setting
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._credential import inspect
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _doctor_words
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_keys as lk
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_plan as lp
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import (
    Planned,
    key_view,
    link_view,
    members_of,
    node_view,
    proof_urls,
    usable,
    went_wrong,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import MAKING, Call, Run
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._versions import too_old

NODES, CLUSTERS = "nodes", "clusters"

Answers = t.Sequence[t.Tuple[Call, t.Any]]
"""Calls and their results."""


def _nothing(_run: Run, _answers: Answers) -> None:
    """What was read is in the plan already."""


@dataclass(frozen=True)
class Phase:
    name: str
    at: str
    """Whether its calls go to nodes or to clusters."""
    calls: t.Callable[[Run], t.Iterable[Call]]
    read: t.Callable[[Run, Answers], None] = _nothing
    """Notes what the calls told in the progress of the links."""
    real: bool = False
    """Not in check mode, in which nothing was done that could be seen."""
    several: bool = False
    """Whether a node has a call for each of its links."""


def so_far(run: Run, until: t.Optional[str] = None) -> Run:
    """The run with what all phases told that come before one."""
    if run.options.mode == "verify":
        return run
    for phase in phases_of(run.options.absent):
        if phase.name == until:
            break
        read(run, phase)
    return run


def read(run: Run, phase: Phase) -> None:
    """Note what a phase told."""
    if not (phase.real and run.options.check):
        phase.read(run, [(call, run.result(phase.name, call)) for call in phase.calls(run)])


# -- reading -----------------------------------------------------------------------------------------------------------


def _keystores(run: Run) -> t.Iterator[Call]:
    """One run for each node, however many links it has."""
    for client, links in _by(run.data["links"], "from").items():
        aliases = [link["alias"] for link in links]
        for node in run.data["clusters"][client]["nodes"]:
            yield Call(node, "keystore_info", {"aliases": aliases}, ())


def _clusters(run: Run) -> t.Iterator[Call]:
    """The keys of each server, and what each client sees through every node."""
    keystores = run.told.get("keystores", {})
    for server, links in _by(run.data["links"], "to").items():
        yield Call(
            server, "cross_cluster_api_key_info", {**_keys_of(run, links), "types": ["cross_cluster", "rest"]}, ()
        )
    for client in _by(run.data["links"], "from"):
        cluster = run.data["clusters"][client]
        bear = cluster["nodes"] if run.options.missing_nodes == "keep" else ()
        urls = proof_urls(cluster, [node for node in bear if went_wrong(keystores.get(node))])
        arguments = {"urls": urls, "probe": True, "nodes": True, "node_urls": cluster["node_urls"]}
        yield Call(client, "remote_cluster_info", arguments, ())


def _keys_of(run: Run, links: t.Sequence[t.Mapping[str, t.Any]]) -> t.Dict[str, t.Any]:
    """Which keys of a server matter to links: those of their names, and whatever their nodes hold."""
    keystores = run.told.get("keystores", {})
    ids = {link["adopt"] for link in links if link["adopt"]}
    for link in links:
        for node in run.data["clusters"][link["from"]]["nodes"]:
            held = node_view(node, keystores.get(node), link["alias"]).key_id
            ids |= {held} if held else set()
    return {"names": sorted({link["key_name"] for link in links}), "ids": sorted(ids), "acting_user": True}


def _versions(run: Run) -> t.Iterator[Call]:
    new = [planned for planned, _step in run.steps("create")]
    for name in sorted({side for planned in new for side in (planned.client, planned.server)}):
        yield Call(name, "cluster_info", {"license": False, "nodes": False}, ())


def _read_versions(run: Run, answers: Answers) -> None:
    """New links whose clusters cannot talk to each other get no key. What is not known is not taken for too old."""
    told = {call.place: usable(result) for call, result in answers}
    cause, fix = _doctor_words.WORDS["versions_incompatible"]
    for planned, _step in list(run.steps("create")):
        for name, other in ((planned.client, planned.server), (planned.server, planned.client)):
            oldest = too_old(told.get(name), told.get(other))
            if oldest:
                why = "{0}. {1}".format(cause, fix).format(cluster=name, version=told[name]["version"], oldest=oldest)
                run.planned[planned.id] = replace(planned, plan=replace(planned.plan, blocked=why, steps=()))


# -- a link comes or changes -------------------------------------------------------------------------------------------


def _keys(run: Run) -> t.Iterator[Call]:
    """All keys of a server in one call."""
    for server, found in _by_place(run.steps(*MAKING, "update"), "server").items():
        keys = [_key(planned, step) for planned, step in found]
        yield Call(server, "cross_cluster_api_keys", {"keys": keys}, [[planned.id] for planned, _step in found])


def _key(planned: Planned, step: lp.Step) -> t.Dict[str, t.Any]:
    link = planned.asked
    key = {"name": step.name, "access": link["access"], "certificate_identity": link["certificate_identity"]}
    if step.marker:
        key["metadata"] = {**link["metadata"], lk.MARKER: step.marker}
    if step.action in MAKING:
        key.update(rotate=True, expiration=link["expiration"] or None)
    else:
        key["ids"] = list(step.key_ids)
        # An adopted key, which has no mark, keeps its end unless that is what is due.
        if step.marker or "expiration" in step.fields:
            key["expiration"] = link["expiration"] or None
        if "expiration" in step.fields:
            key.update(renew_before=link["renew_before"], on_expiring="extend")
    return {name: value for name, value in key.items() if value is not None}


def _read_keys(run: Run, answers: Answers) -> None:
    for call, result in answers:
        for link, one, trouble in _each(call, result, "api_keys"):
            action = next(step.action for step in run.planned[link].plan.steps if step.action in (*MAKING, "update"))
            progress, key = run.progress[link], one.get("api_key") or {}
            if not trouble and action in MAKING:
                progress.key_id, progress.expiration = key.get("id"), key.get("expiration")
                progress.encoded = one.get("encoded")
                if not progress.encoded and not run.options.check:
                    trouble = "the server did not tell its secret"
            _note(run, link, action, "{0}: {1}".format(call.place, trouble) if trouble else None, one)


def _secrets(run: Run) -> t.Iterator[Call]:
    """The secret of a live key is known only to the nodes that hold it."""
    for node, found in _by_place(run.steps("spread"), "source").items():
        aliases = [planned.alias for planned, _step in found]
        links = [[planned.id for planned, _step in found]]
        yield Call(node, "keystore_info", {"aliases": aliases, "reveal": True}, links)


def _read_secrets(run: Run, answers: Answers) -> None:
    for call, result in answers:
        trouble = went_wrong(result)
        credentials = usable(result).get("credentials")
        for link in call.links[0]:
            planned = run.planned[link]
            held = credentials.get(planned.alias) if isinstance(credentials, t.Mapping) else None
            encoded = str((held or {}).get("encoded") or "")
            if not trouble and inspect(encoded).api_key_id != planned.plan.target:
                why = "it handed out another credential than it had told of, which was given to no other node"
                run.fail(link, "spread", "{0}: {1}".format(call.place, why))
            elif trouble:
                run.fail(link, "spread", "{0}: {1}".format(call.place, trouble))
            else:
                run.progress[link].encoded = encoded


def _credentials(run: Run) -> t.Iterator[Call]:
    """All credentials of a node in one call; they come, or they go."""
    for node, found in _by_place(run.steps("deliver"), "node").items():
        settings = {credentials_setting(planned.alias): _secret(run, planned) for planned, _step in found}
        yield Call(node, "keystore", {"settings": settings}, [[planned.id] for planned, _step in found])
    for node, found in _by_place(run.steps("remove"), "node").items():
        names = [credentials_setting(planned.alias) for planned, _step in found]
        links = [[planned.id] for planned, _step in found]
        yield Call(node, "keystore", {"settings": names, "state": "absent"}, links)


def _secret(run: Run, planned: Planned) -> str:
    encoded = run.progress[planned.id].encoded
    # Nothing is made in check mode, so there is no secret; this has its form, and an id that no key has.
    return encoded or base64.b64encode(b"made-in-a-real-run:" + b"x" * 22).decode("ascii")


def _read_credentials(run: Run, answers: Answers) -> None:
    for call, result in answers:
        action = "remove" if call.arguments.get("state") == "absent" else "deliver"
        for link, one, trouble in _each(call, result, "settings"):
            if not trouble and action == "deliver":
                run.progress[link].delivered.append(call.place)
            _note(run, link, action, "{0}: {1}".format(call.place, trouble) if trouble else None, one)


def _reload(run: Run) -> t.Iterator[Call]:
    for client, found in _by_place(run.steps("reload"), "client").items():
        # From 9.3 on the nodes report what they loaded; before 8.13 it is how the need for a restart is found out.
        expect = [] if run.options.absent else [credentials_setting(planned.alias) for planned, _step in found]
        # Only these use remote clusters; from the others no credential is expected.
        arguments = {"node_ids": ["remote_cluster_client:true"], "expect_settings": expect}
        yield Call(client, "reload_secure_settings", arguments, [[planned.id for planned, _step in found]])


def _read_reload(run: Run, answers: Answers) -> None:
    for call, result in answers:
        trouble = went_wrong(result)
        for link in call.links[0]:
            run.progress[link].restart_required = bool(usable(result).get("restart_required"))
            _note(run, link, "reload", "{0}: {1}".format(call.place, trouble) if trouble else None, usable(result))


def _settings(run: Run) -> t.Iterator[Call]:
    """All aliases of a client in one call."""
    for client, found in _by_place(run.steps("settings", "unset"), "client").items():
        remotes = [
            {
                "alias": planned.alias,
                **(planned.asked["settings"] if step.action == "settings" else {"state": "absent"}),
            }
            for planned, step in found
        ]
        yield Call(client, "remote_cluster", {"remotes": remotes}, [[planned.id] for planned, _step in found])


def _read_settings(run: Run, answers: Answers) -> None:
    for call, result in answers:
        for link, one, trouble in _each(call, result, "remotes", "alias"):
            action = "settings" if run.planned[link].has("settings") else "unset"
            _note(run, link, action, "{0}: {1}".format(call.place, trouble) if trouble else None, one)


def _proof(run: Run) -> t.Iterator[Call]:
    """A request over each link, through every node of the client."""
    for client, found in _by_place(run.steps("prove"), "client").items():
        urls = proof_urls(run.data["clusters"][client], found[0][0].unread)
        arguments = {"urls": urls, "probe": True, "wait_connected": run.options.wait}
        yield Call(client, "remote_cluster_info", arguments, [[planned.id for planned, _step in found]])


def _read_proof(run: Run, answers: Answers) -> None:
    for call, result in answers:
        trouble = went_wrong(result)
        remotes = {remote["alias"]: remote for remote in usable(result).get("remotes") or ()}
        for link in call.links[0]:
            planned = run.planned[link]
            why = "{0}: {1}".format(call.place, trouble) if trouble else _unproven(planned, remotes.get(planned.alias))
            _note(run, link, "prove", why, {"changed": True})


def _unproven(planned: Planned, remote: t.Optional[t.Mapping[str, t.Any]]) -> t.Optional[str]:
    if remote is None:
        return "alias {0} is not known on {1}".format(planned.alias, planned.client)
    probe = remote.get("probe") or {}
    if probe.get("ok"):
        return None
    text = str(probe.get("reason") or "no answer")
    return "{0}. {1}".format(text.rstrip("."), probe["advice"]) if probe.get("advice") else text


# -- before something is revoked ---------------------------------------------------------------------------------------


def _losing(run: Run) -> t.Dict[str, Planned]:
    """The links that lose a key."""
    return {planned.id: planned for planned, _step in run.steps("revoke")}


def _nodes_again(run: Run) -> t.Iterator[Call]:
    """A second look, because another run may have been at work on the same link since the first one.

    Where the file of a keystore can be seen, it is enough that it is the one that this run left.
    """
    for client, links in _by([planned.asked for planned in _losing(run).values()], "from").items():
        for node in run.data["clusters"][client]["nodes"]:
            arguments = {"aliases": [link["alias"] for link in links], "remember": _digest(run, node) is not None}
            yield Call(node, "keystore_info", arguments, ())


def _digest(run: Run, node: str) -> t.Optional[str]:
    """Of the keystore file of a node, as this run saw or left it last."""
    left = usable(run.told.get("credentials", {}).get(node))
    return (left if "digest" in left else usable(run.told["keystores"].get(node))).get("digest")


def _clusters_again(run: Run) -> t.Iterator[Call]:
    links = [planned.asked for planned in _losing(run).values()]
    for server, found in _by(links, "to").items():
        yield Call(server, "cross_cluster_api_key_info", _keys_of(run, found), ())
    for client in _by(links, "from"):
        cluster = run.data["clusters"][client]
        arguments = {"urls": cluster["proof_urls"], "nodes": True, "node_urls": cluster["node_urls"]}
        yield Call(client, "remote_cluster_info", arguments, ())


def _read_again(run: Run, answers: Answers) -> None:
    """Withdraw revocations that must not happen after all: something else worked on the link meanwhile."""
    told = {(call.module, call.place): result for call, result in answers}
    keystores = run.told.get("nodes_again", {})
    for planned in list(_losing(run).values()):
        server = told.get(("cross_cluster_api_key_info", planned.server))
        client = told.get(("remote_cluster_info", planned.client))
        members = members_of(run.data, planned.client, client, keystores)
        trouble = went_wrong(server) or members.trouble(planned.client)
        nodes = [
            node_view(name, keystores.get(name), planned.alias)
            for name in run.data["clusters"][planned.client]["nodes"]
        ]
        found = [trouble] if trouble else lp.objections(
            replace(planned.plan, link=replace(link_view(planned.asked, server), adopt=planned.plan.link.adopt)),
            nodes, [key_view(key) for key in usable(server)["api_keys"]],
            run.progress[planned.id].key_id, run.now,
        )  # fmt: skip
        if found:
            why = "{0}; nothing was revoked. Is another run at work on this link? Run again when it has ended"
            run.fail(planned.id, "revoke", why.format("; ".join(found)))


def _revoke(run: Run) -> t.Iterator[Call]:
    """All keys of a server that go, in one call."""
    for server, found in _by_place(run.steps("revoke"), "server").items():
        ids: t.Dict[str, t.List[str]] = {}
        links: t.Dict[str, t.List[str]] = {}
        for planned, step in found:
            ids.setdefault(str(step.name), []).extend(step.key_ids)
            links.setdefault(str(step.name), []).append(planned.id)
        keys = [{"name": name, "ids": ids[name], "state": "absent"} for name in ids]
        yield Call(server, "cross_cluster_api_keys", {"keys": keys}, list(links.values()))


def _read_revoke(run: Run, answers: Answers) -> None:
    for call, result in answers:
        for link, one, trouble in _each(call, result, "api_keys"):
            _note(run, link, "revoke", "{0}: {1}".format(call.place, trouble) if trouble else None, one)


# -- local roles, and what roles of their own do -----------------------------------------------------------------------


def _roles(run: Run) -> t.Iterator[Call]:
    """The entries that all links together want in each local role: one call for each role."""
    wanted: t.Dict[t.Tuple[str, str], t.Dict[str, t.Any]] = {}
    links: t.Dict[t.Tuple[str, str], t.List[str]] = {}
    for planned in run.planned.values():
        if planned.plan.blocked or not run.may(planned, "roles"):
            continue
        for role in planned.asked["roles"]:
            place = (planned.client, role["name"])
            state = "absent" if run.options.absent else "present"
            entries = wanted.setdefault(place, {"name": role["name"], "state": state})
            links.setdefault(place, []).append(planned.id)
            for part in ("remote_indices", "remote_cluster"):
                if role.get(part):
                    entries[part] = [*entries.get(part, []), *role[part]]
    for (client, name), entries in wanted.items():
        yield Call(client, "remote_access_role", entries, [links[client, name]], name)


def _read_roles(run: Run, answers: Answers) -> None:
    for call, result in answers:
        trouble = went_wrong(result)
        for link in call.links[0]:
            _note(run, link, "roles", "{0}: {1}".format(call.place, trouble) if trouble else None, usable(result))


def _no_calls(_run: Run) -> t.Iterator[Call]:
    """The work is that of another role."""
    return iter(())


def _read_authorities(run: Run, _answers: Answers) -> None:
    """Leave out links whose nodes could not be made to trust the server."""
    troubles = run.told.get("authorities", {}) if run.options.authorities else {}
    for node, trouble in troubles.items():
        client = run.data["nodes"].get(node, {}).get("cluster")
        for link in authorities(run, client).links if trouble else ():
            # The first trouble is told: that of later nodes may be that they had to wait for this one.
            run.fail(link, "authorities", "{0}: {1}".format(node, trouble))


class Authorities(t.NamedTuple):
    """What the nodes of a client need for links that do not work yet."""

    links: t.List[str]
    files: t.List[str]
    restart_now: bool
    besides: t.List[str]
    """What they need for their other aliases: a first list takes the place of the authorities of the JDK."""
    unknown: t.List[str]
    """The aliases for which that is not known."""


def authorities(run: Run, client: t.Optional[str]) -> Authorities:
    """Which authorities the nodes of a client need, and whether a restart is owed."""
    own = [planned for planned in run.planned.values() if planned.client == client]
    paths = {planned.alias: run.data["clusters"][planned.server]["remote_ca_cert"] for planned in own}
    new = [planned for planned in own if paths[planned.alias] and planned.has("prove") and not planned.probe.get("ok")]
    files = list(dict.fromkeys(paths[planned.alias] for planned in new))
    rest = {planned.alias: paths[planned.alias] for planned in own if planned not in new}
    for remote in usable(run.gathered.remotes.get(str(client))).get("remotes") or ():
        if remote["alias"] not in paths and remote["security_model"] == "api_key":
            rest[remote["alias"]] = None
    return Authorities(
        [planned.id for planned in new],
        files,
        # What a probe says when the nodes do not trust the authority of the server.
        any(planned.probe.get("cause") == "tls_untrusted" for planned in new),
        sorted({path for path in rest.values() if path and path not in files}),
        sorted(alias for alias, path in rest.items() if not path),
    )


def _read_restart(run: Run, _answers: Answers) -> None:
    """Take the links out that wait for a restart which is not allowed, or which went wrong on a node of the client."""
    if run.options.check:
        return
    troubles = run.told.get("restart", {}) if run.options.restart else {}
    for planned in run.planned.values():
        waiting = run.waiting(planned)
        if not waiting:
            continue
        nodes = run.data["clusters"][planned.client]["nodes"]
        why = next((str(troubles[node]) for node in nodes if troubles.get(node)), "")
        if not run.options.restart:
            blind = [node for node in waiting if node in planned.unseen]
            why = (
                "before version 8.13 nodes take a credential over only when they start; restart {0}, one at a time, or "
                "allow it with cross_cluster_trust_restart, and run again"
            ).format(lk.names(waiting))
            if blind:
                why += (
                    "; of {0} it cannot be seen whether that was done, because the file behind its keystore tool "
                    "cannot, so only a restart by the playbook counts"
                ).format(lk.names(blind))
        if why:
            run.fail(planned.id, "restart", why)


# -- the order ---------------------------------------------------------------------------------------------------------

KEYSTORES = Phase("keystores", NODES, _keystores)
GATHER = Phase("clusters", CLUSTERS, _clusters)
VERSIONS = Phase("versions", CLUSTERS, _versions, _read_versions)
AUTHORITIES = Phase("authorities", NODES, _no_calls, _read_authorities)
KEYS = Phase("keys", CLUSTERS, _keys, _read_keys)
SECRETS = Phase("secrets", NODES, _secrets, _read_secrets)
CREDENTIALS = Phase("credentials", NODES, _credentials, _read_credentials)
RELOAD = Phase("reload", CLUSTERS, _reload, _read_reload)
RESTART = Phase("restart", NODES, _no_calls, _read_restart)
SETTINGS = Phase("settings", CLUSTERS, _settings, _read_settings)
PROOF = Phase("proof", CLUSTERS, _proof, _read_proof, real=True)
NODES_AGAIN = Phase("nodes_again", NODES, _nodes_again, real=True)
CLUSTERS_AGAIN = Phase("clusters_again", CLUSTERS, _clusters_again, _read_again, real=True)
REVOKE = Phase("revoke", CLUSTERS, _revoke, _read_revoke)
ROLES = Phase("roles", CLUSTERS, _roles, _read_roles)

FIRST = (KEYSTORES, GATHER)
PRESENT = (
    VERSIONS,
    AUTHORITIES,
    KEYS,
    SECRETS,
    CREDENTIALS,
    RELOAD,
    RESTART,
    SETTINGS,
    PROOF,
    NODES_AGAIN,
    CLUSTERS_AGAIN,
    REVOKE,
)
# The removal itself looks at the keystores last, and what no node holds nobody misses.
ABSENT = (SETTINGS, CREDENTIALS, RELOAD, REVOKE)
LAST = (ROLES,)


def phases_of(absent: bool) -> t.Sequence[Phase]:
    return (*FIRST, *(ABSENT if absent else PRESENT), *LAST)


PHASES = {phase.name: phase for phase in (*FIRST, *PRESENT, *LAST)}


# -- helpers -----------------------------------------------------------------------------------------------------------


def _by(links: t.Iterable[t.Mapping[str, t.Any]], side: str) -> t.Dict[str, t.List[t.Mapping[str, t.Any]]]:
    found: t.Dict[str, t.List[t.Mapping[str, t.Any]]] = {}
    for link in links:
        found.setdefault(link[side], []).append(link)
    return found


def _by_place(
    steps: t.Iterable[t.Tuple[Planned, lp.Step]], place: str
) -> t.Dict[str, t.List[t.Tuple[Planned, lp.Step]]]:
    """Steps by the place where they are taken: the server or client of the link, the node or source of the step."""
    found: t.Dict[str, t.List[t.Tuple[Planned, lp.Step]]] = {}
    for planned, step in steps:
        where = getattr(planned if place in ("server", "client") else step, place)
        found.setdefault(where, []).append((planned, step))
    return found


def _each(
    call: Call, result: t.Any, field: str, name: str = "name"
) -> t.Iterator[t.Tuple[str, t.Mapping[str, t.Any], t.Optional[str]]]:
    """What a list form told of each link, and what went wrong with it. It may have been called for more links than the
    ones that are looked at here, so its things are told apart by name."""
    things = call.arguments["keys" if field == "api_keys" else field]
    told = result.get(field) if isinstance(result, t.Mapping) else None
    entries = list(told) if isinstance(told, (list, tuple)) else []
    missing = {"failed": True, "msg": went_wrong(result) or "its result is not whole"}
    for links, thing in zip(call.links, things):
        wanted = thing if isinstance(thing, str) else thing[name]
        found = [one for one in entries if one.get(name) == wanted] or [missing]
        if len(found) > 1:
            # Keys that were adopted may bear the name of others.
            own = [one for one in found if (one.get("api_key") or {}).get("id") in thing.get("ids", ())]
            found = own or [one for one in found if one.get("failed")] or [missing]
        for link in links:
            yield link, found[0], went_wrong(found[0])


def _note(run: Run, link: str, action: str, trouble: t.Optional[str], result: t.Mapping[str, t.Any]) -> None:
    if trouble:
        run.fail(link, action, trouble)
    elif result.get("changed"):
        run.progress[link].done.add(action)
