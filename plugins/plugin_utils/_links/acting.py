# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done for links: keys, credentials, settings, their proof, and what goes. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.credential import inspect
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.alias import credentials_setting
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.role_entries import meaning
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import (
    Planned,
    proof_urls,
    usable,
    went_wrong,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phase import (
    Answers,
    Steps,
    by_place,
    each,
    note,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import MAKING, Call, Run
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import case
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.nodes import CLIENT_ROLE


def keys(_run: Run, steps: Steps) -> t.Iterator[Call]:
    """All keys of a server in one call."""
    for server, found in by_place(steps, "server").items():
        keys = [_key(planned, step) for planned, step in found]
        yield Call(server, "cross_cluster_api_keys", {"keys": keys}, [[planned.id] for planned, _step in found])


def _key(planned: Planned, step: case.Step) -> t.Dict[str, t.Any]:
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


def read_keys(run: Run, answers: Answers) -> None:
    for call, result in answers:
        for link, one, trouble in each(call, result, "api_keys"):
            action = next(step.action for step in run.planned[link].plan.steps if step.action in (*MAKING, "update"))
            progress, key = run.progress[link], one.get("api_key") or {}
            if not trouble and action in MAKING:
                progress.key_id, progress.expiration = key.get("id"), key.get("expiration")
                progress.encoded = one.get("encoded")
                if not progress.encoded and not run.options.check:
                    trouble = "the server did not tell its secret"
            note(run, link, action, "{0}: {1}".format(call.place, trouble) if trouble else None, one)


def secrets(_run: Run, steps: Steps) -> t.Iterator[Call]:
    """The secret of a live key is known only to the nodes that hold it."""
    for node, found in by_place(steps, "source").items():
        aliases = [planned.alias for planned, _step in found]
        links = [[planned.id for planned, _step in found]]
        yield Call(node, "keystore_info", {"aliases": aliases, "reveal": True}, links)


def read_secrets(run: Run, answers: Answers) -> None:
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


def credentials(run: Run, steps: Steps) -> t.Iterator[Call]:
    """All credentials that a node gets in one call."""
    for node, found in by_place(steps, "node").items():
        values = {credentials_setting(planned.alias): _secret(run, planned) for planned, _step in found}
        yield Call(node, "keystore", {"settings": values}, [[planned.id] for planned, _step in found])


def remove(_run: Run, steps: Steps) -> t.Iterator[Call]:
    """All credentials of a node that go in one call."""
    for node, found in by_place(steps, "node").items():
        names = [credentials_setting(planned.alias) for planned, _step in found]
        links = [[planned.id] for planned, _step in found]
        yield Call(node, "keystore", {"settings": names, "state": "absent"}, links)


def _secret(run: Run, planned: Planned) -> str:
    encoded = run.progress[planned.id].encoded
    if not run.options.check:
        return str(encoded)
    # Nothing is made in check mode, so there is no secret; this has its form, and an id that no key has.
    return encoded or base64.b64encode(b"made-in-a-real-run:" + b"x" * 22).decode("ascii")


def read_credentials(run: Run, answers: Answers) -> None:
    for call, result in answers:
        action = "remove" if call.arguments.get("state") == "absent" else "deliver"
        for link, one, trouble in each(call, result, "settings"):
            if not trouble and action == "deliver":
                run.progress[link].delivered.append(call.place)
            note(run, link, action, "{0}: {1}".format(call.place, trouble) if trouble else None, one)


def reload(run: Run, steps: Steps) -> t.Iterator[Call]:
    for client, found in by_place(steps, "client").items():
        # From 9.3 on the nodes report what they loaded; before 8.13 it is how the need for a restart is found out.
        # Not of a link that did not reach a node: the others would fail for it.
        whole = [
            planned
            for planned, _step in found
            if not (planned.absent or planned.unread or run.failed(planned, "deliver"))
        ]
        expect = [credentials_setting(planned.alias) for planned in whole]
        nodes = _reloading(run, client, [planned for planned, _step in found])
        if nodes:
            arguments = {"node_ids": nodes, "expect_settings": expect}
            yield Call(client, "reload_secure_settings", arguments, [[planned.id for planned, _step in found]])


def _reloading(run: Run, client: str, links: t.Sequence[Planned]) -> t.List[str]:
    lacking = {node for planned in links for node in run.lacking(planned)}
    if not lacking:
        # Only these use remote clusters; from the others no credential is expected.
        return ["{0}:true".format(CLIENT_ROLE)]
    spared = {planned.ids.get(node) for planned in links for node in lacking}
    nodes = usable(run.gathered.remotes.get(client)).get("nodes") or ()
    return [node["id"] for node in nodes if CLIENT_ROLE in node["roles"] and node["id"] not in spared]


def read_reload(run: Run, answers: Answers) -> None:
    for call, result in answers:
        trouble = went_wrong(result)
        lacking = {node for link in call.links[0] for node in run.lacking(run.planned[link])}
        for link in call.links[0]:
            spared = sorted(lacking & {*run.progress[link].delivered})
            if spared:
                why = "{0}: not reloaded, because a credential of another link could not be delivered there"
                run.fail(link, "reload", why.format(lk.names(spared)))
            # The module finds it out only where it expects a credential on every node.
            told = bool(usable(result).get("restart_required"))
            old = not trouble and bool(run.planned[link].old)
            run.progress[link].restart_required = (told or old) and not run.planned[link].absent
            note(run, link, "reload", "{0}: {1}".format(call.place, trouble) if trouble else None, usable(result))


def settings(_run: Run, steps: Steps) -> t.Iterator[Call]:
    """All aliases of a client in one call: those that come, or those that go."""
    for client, found in by_place(steps, "client").items():
        remotes = [
            {"alias": planned.alias, **({"state": "absent"} if planned.absent else planned.asked["settings"])}
            for planned, _step in found
        ]
        yield Call(client, "remote_cluster", {"remotes": remotes}, [[planned.id] for planned, _step in found])


def read_settings(run: Run, answers: Answers) -> None:
    for call, result in answers:
        for link, one, trouble in each(call, result, "remotes", "alias"):
            action = "unset" if run.planned[link].absent else "settings"
            note(run, link, action, "{0}: {1}".format(call.place, trouble) if trouble else None, one)


def proof(run: Run, steps: Steps) -> t.Iterator[Call]:
    """A request over each link, through every node of the client."""
    for client, found in by_place(steps, "client").items():
        urls = proof_urls(run.data["clusters"][client], found[0][0].unread)
        arguments = {"urls": urls, "probe": True, "wait_connected": run.options.wait}
        yield Call(client, "remote_cluster_info", arguments, [[planned.id for planned, _step in found]])


def read_proof(run: Run, answers: Answers) -> None:
    for call, result in answers:
        trouble = went_wrong(result)
        remotes = {remote["alias"]: remote for remote in usable(result).get("remotes") or ()}
        for link in call.links[0]:
            planned = run.planned[link]
            why = "{0}: {1}".format(call.place, trouble) if trouble else _unproven(planned, remotes.get(planned.alias))
            note(run, link, "prove", why, {"changed": True})


def _unproven(planned: Planned, remote: t.Optional[t.Mapping[str, t.Any]]) -> t.Optional[str]:
    if remote is None:
        return "alias {0} is not known on {1}".format(planned.alias, planned.client)
    probe = remote.get("probe") or {}
    if probe.get("ok"):
        return None
    text = str(probe.get("reason") or "no answer")
    return "{0}. {1}".format(text.rstrip("."), probe["advice"]) if probe.get("advice") else text


def revoke(_run: Run, steps: Steps) -> t.Iterator[Call]:
    """All keys of a server that go, in one call."""
    for server, found in by_place(steps, "server").items():
        ids: t.Dict[str, t.List[str]] = {}
        links: t.Dict[str, t.List[str]] = {}
        for planned, step in found:
            ids.setdefault(str(step.name), []).extend(step.key_ids)
            links.setdefault(str(step.name), []).append(planned.id)
        keys = [{"name": name, "ids": ids[name], "state": "absent"} for name in ids]
        yield Call(server, "cross_cluster_api_keys", {"keys": keys}, list(links.values()))


def read_revoke(run: Run, answers: Answers) -> None:
    for call, result in answers:
        for link, one, trouble in each(call, result, "api_keys"):
            note(run, link, "revoke", "{0}: {1}".format(call.place, trouble) if trouble else None, one)
            steps = run.planned[link].plan.steps if not trouble else ()
            run.progress[link].revoked += [
                key_id
                for step in steps
                if step.action == "revoke" and step.name == one.get("name")
                for key_id in step.key_ids
            ]


def roles(run: Run, _steps: Steps) -> t.Iterator[Call]:
    """The entries that all links together want in each local role: one call for each role, and one for what goes."""
    wanted: t.Dict[t.Tuple[str, str, str], t.Dict[str, t.Any]] = {}
    links: t.Dict[t.Tuple[str, str, str], t.List[str]] = {}
    for planned in run.planned.values():
        if planned.plan.blocked or not run.may(planned, "roles") or (planned.absent and run.options.mode == "rotate"):
            continue
        for role in planned.asked["roles"] if not planned.absent else without_needed(run, planned):
            state = "absent" if planned.absent else "present"
            place = (planned.client, role["name"], state)
            entries = wanted.setdefault(place, {"name": role["name"], "state": state})
            links.setdefault(place, []).append(planned.id)
            for part in ("remote_indices", "remote_cluster"):
                if role.get(part):
                    entries[part] = [*entries.get(part, []), *role[part]]
    for (client, name, state), entries in sorted(wanted.items()):
        # Without entries the module would take away all that there are.
        if entries.keys() & {"remote_indices", "remote_cluster"}:
            label = "{0} {1}".format(state, name)
            yield Call(client, "remote_access_role", entries, [links[client, name, state]], label)


def without_needed(run: Run, planned: Planned) -> t.Iterator[t.Dict[str, t.Any]]:
    """The role entries of a link that goes, but for those that a link that stays gives to the same role."""
    staying = [other.asked for other in run.planned.values() if not other.absent]
    staying += [link for link in run.data["others"] if not link["absent"]]
    for role in planned.asked["roles"]:
        alike = [
            other for link in staying for other in link["roles"]
            if link["from"] == planned.client and other["name"] == role["name"]
        ]  # fmt: skip
        parts: t.Dict[str, t.List[t.Any]] = {}
        for part in ("remote_indices", "remote_cluster"):
            needed = {meaning(entry) for other in alike for entry in other.get(part, ())}
            parts[part] = [entry for entry in role.get(part, ()) if meaning(entry) not in needed]
        if any(parts.values()):
            yield {"name": role["name"], **{part: entries for part, entries in parts.items() if entries}}


def read_roles(run: Run, answers: Answers) -> None:
    for call, result in answers:
        trouble = went_wrong(result)
        for link in call.links[0]:
            note(run, link, "roles", "{0}: {1}".format(call.place, trouble) if trouble else None, usable(result))


def read_authorities(run: Run, _answers: Answers) -> None:
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
    own = [planned for planned in run.planned.values() if planned.client == client and not planned.absent]
    paths = {planned.alias: run.data["clusters"][planned.server]["remote_ca_cert"] for planned in own}
    for link in run.data["others"]:
        if link["from"] == client and not link["absent"]:
            paths[link["alias"]] = run.data["clusters"][link["to"]]["remote_ca_cert"]
    new = [planned for planned in own if paths[planned.alias] and planned.has("prove") and not planned.probe.get("ok")]
    files = list(dict.fromkeys(paths[planned.alias] for planned in new))
    coming = {planned.alias for planned in new}
    rest = {alias: path for alias, path in paths.items() if alias not in coming}
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


def read_restart(run: Run, _answers: Answers) -> None:
    """Take the links out that wait for a restart which is not allowed, or which went wrong on a node of the client."""
    troubles = run.told.get("restart", {}) if run.options.restart else {}
    for planned in run.planned.values():
        waiting = run.waiting(planned)
        if not waiting:
            continue
        nodes = run.data["clusters"][planned.client]["nodes"]
        why = next((str(troubles[node]) for node in nodes if troubles.get(node)), "")
        unheard = [node for node in waiting if node not in troubles]
        if unheard and not run.options.check:
            why = why or "{0} was not restarted".format(lk.names(unheard))
        if not run.options.restart:
            blind = [node for node in waiting if node in planned.unseen]
            why = (
                "before version 8.13 nodes take a credential over only when they start; restart {0}, one at a time, or "
                "allow it with {1}, and run again"
            ).format(lk.names(waiting), run.options.restart_option)
            if blind:
                why += (
                    "; of {0} it cannot be seen whether that was done, because the file behind its keystore tool "
                    "cannot, so only a restart by the playbook counts"
                ).format(lk.names(blind))
        if why:
            run.fail(planned.id, "restart", why)
