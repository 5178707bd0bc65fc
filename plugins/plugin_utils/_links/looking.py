# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked at: what there is before anything is done, which versions talk, and again before keys go. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.key import Key
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._versions import too_old
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import words as doctor_words
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import left
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import (
    Planned,
    link_view,
    members_of,
    node_view,
    proof_urls,
    usable,
    went_wrong,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phase import Answers, Steps, by
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import Call, Run
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import mark
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.plan import objections


def keystores(run: Run, _steps: Steps) -> t.Iterator[Call]:
    """One run for each node, however many links it has."""
    links = by(run.data["links"], "from")
    for client in run.data["clients"]:
        # Of links that are not listed any more nobody knows the aliases.
        asked = {} if run.data["prune"] else {"aliases": [link["alias"] for link in links.get(client, ())]}
        for node in run.data["clusters"][client]["nodes"]:
            yield Call(node, "keystore_info", asked, ())


def clusters(run: Run, _steps: Steps) -> t.Iterator[Call]:
    """The keys of each server, and what each client sees through every node."""
    keystores = run.told.get("keystores", {})
    for server, links in by((link for link in run.data["links"] if "given" not in link), "to").items():
        yield Call(
            server, "cross_cluster_api_key_info", {**keys_of(run, links), "types": ["cross_cluster", "rest"]}, ()
        )
    if run.data["prune"]:
        yield from all_keys(run)
    for client in run.data["clients"]:
        cluster = run.data["clusters"][client]
        bear = cluster["nodes"] if run.options.missing_nodes == "keep" else ()
        urls = proof_urls(cluster, [node for node in bear if went_wrong(keystores.get(node))])
        arguments = {"urls": urls, "probe": True, "nodes": True, "node_urls": cluster["node_urls"]}
        yield Call(client, "remote_cluster_info", arguments, ())


def all_keys(run: Run) -> t.Iterator[Call]:
    """For keys of links that are not listed any more: any cluster may have been a server."""
    for name, cluster in run.data["clusters"].items():
        if cluster["api_from"] in run.data["callers"]:
            yield Call(name, "cross_cluster_api_key_info", left.ARGUMENTS, (), left.ALL)


def keys_of(run: Run, links: t.Sequence[t.Mapping[str, t.Any]]) -> t.Dict[str, t.Any]:
    """Which keys of a server matter to links: those of their names, and whatever their nodes hold."""
    keystores = run.told.get("keystores", {})
    ids = {link["adopt"] for link in links if link["adopt"]}
    for link in links:
        for node in run.data["clusters"][link["from"]]["nodes"]:
            held = node_view(node, keystores.get(node), link["alias"]).key_id
            ids |= {held} if held else set()
    return {"names": sorted({link["key_name"] for link in links}), "ids": sorted(ids), "acting_user": True}


def versions(_run: Run, steps: Steps) -> t.Iterator[Call]:
    new = [planned for planned, _step in steps]
    for name in sorted({side for planned in new for side in (planned.client, planned.server)}):
        yield Call(name, "cluster_info", {"license": False, "nodes": False}, ())


def read_versions(run: Run, answers: Answers) -> None:
    """New links whose clusters cannot talk to each other get no key. What is not known is not taken for too old."""
    told = {call.place: usable(result) for call, result in answers}
    cause, fix = doctor_words.WORDS["versions_incompatible"]
    for planned, _step in list(run.steps("create")):
        for name, other in ((planned.client, planned.server), (planned.server, planned.client)):
            oldest = too_old(told.get(name), told.get(other))
            if oldest:
                why = "{0}. {1}".format(cause, fix).format(cluster=name, version=told[name]["version"], oldest=oldest)
                run.planned[planned.id] = replace(planned, plan=replace(planned.plan, blocked=why, steps=()))


def _replaced(steps: Steps) -> t.List[t.Mapping[str, t.Any]]:
    """The links whose keys are replaced, each once. Of a link that goes, its removal looked at the keystores last, and
    what no node holds nobody misses."""
    return list({planned.id: planned.asked for planned, _step in steps if not planned.absent}.values())


def nodes_again(run: Run, steps: Steps) -> t.Iterator[Call]:
    """A second look, because another run may have been at work on the same link since the first one.

    Where the file of a keystore can be seen, it is enough that it is the one that this run left.
    """
    for client, links in by(_replaced(steps), "from").items():
        for node in run.data["clusters"][client]["nodes"]:
            arguments: t.Dict[str, t.Any] = {"remember": _digest(run, node) is not None}
            if not any(_names_no_alias(run, link) for link in links):
                arguments["aliases"] = [link["alias"] for link in links]
            yield Call(node, "keystore_info", arguments, ())


def _names_no_alias(run: Run, link: t.Mapping[str, t.Any]) -> bool:
    """Whether a key of this link that goes may be held under another alias: 1.0.0 did not mark for which one it is."""
    going = {
        key_id for step in run.planned[link["id"]].plan.steps if step.action == "revoke" for key_id in step.key_ids
    }
    told = usable(run.gathered.keys.get(link["to"])).get("api_keys") or ()
    return any(key["id"] in going and "alias" not in (mark(Key.from_server(key)) or {}) for key in told)


def _elsewhere(run: Run, planned: Planned, keystores: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Where keys that go are held under another alias."""
    going = planned.plan.going
    for name in run.data["clusters"][planned.client]["nodes"]:
        for alias, entry in (usable(keystores.get(name)).get("credentials") or {}).items():
            held = (entry or {}).get("api_key_id")
            if alias != planned.alias and held in going:
                yield "{0} holds {1} as {2}, too".format(name, held, alias)


def _digest(run: Run, node: str) -> t.Optional[str]:
    """Of the keystore file of a node, as this run saw or left it last."""
    left = usable(run.told.get("credentials", {}).get(node))
    return (left if "digest" in left else usable(run.told["keystores"].get(node))).get("digest")


def clusters_again(run: Run, steps: Steps) -> t.Iterator[Call]:
    links = _replaced(steps)
    for server, found in by(links, "to").items():
        yield Call(server, "cross_cluster_api_key_info", keys_of(run, found), ())
    for client in by(links, "from"):
        cluster = run.data["clusters"][client]
        arguments = {"urls": cluster["proof_urls"], "nodes": True, "node_urls": cluster["node_urls"]}
        yield Call(client, "remote_cluster_info", arguments, ())


def read_again(run: Run, answers: Answers) -> None:
    """Withdraw revocations that must not happen after all: something else worked on the link meanwhile."""
    told = {(call.module, call.place): result for call, result in answers}
    keystores = run.told.get("nodes_again", {})
    for planned in {planned.id: planned for planned, _step in run.steps("revoke") if not planned.absent}.values():
        server = told.get(("cross_cluster_api_key_info", planned.server))
        client = told.get(("remote_cluster_info", planned.client))
        members = members_of(run.data, planned.client, client, keystores)
        trouble = went_wrong(server) or members.trouble(planned.client)
        nodes = [
            node_view(name, keystores.get(name), planned.alias)
            for name in run.data["clusters"][planned.client]["nodes"]
        ]
        found = [trouble] if trouble else objections(
            replace(planned.plan, link=replace(link_view(planned.asked, server), adopt=planned.plan.link.adopt)),
            nodes, [Key.from_server(key) for key in usable(server)["api_keys"]],
            run.progress[planned.id].key_id, run.now,
        )  # fmt: skip
        found += _elsewhere(run, planned, keystores)
        if found:
            why = "{0}; nothing was revoked. Is another run at work on this link? Run again when it has ended"
            run.fail(planned.id, "revoke", why.format("; ".join(found)))
