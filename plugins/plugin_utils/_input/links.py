# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user wrote in ``elasticsearch_clusters`` and ``cross_cluster_links``, checked and completed. Pure.

This file is private to the crosscluster.elasticsearch collection.

The result holds no passwords: it travels through facts and loops, while secrets stay where the user put them.
"""

from __future__ import annotations

import re
import time
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.access import check_access
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.input import check_metadata
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.address import REMOTE_LOGIN
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.alias import alias_problem
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.role_entries import OPTIONS as ENTRIES
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.role_entries import problem
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.settings import OPTIONS, wrong_settings
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.clusters import clusters_of
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.fields import (
    Problems,
    addresses,
    checked,
    did_you_mean,
    kind,
    milliseconds,
    switch,
    unknown_fields,
    wrong_type,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.only import (
    Choice,
    choose,
    owner_of,
    prunes,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import MARKER, OPERATOR_PREFIX

# Field names equal those of the options of the modules they end in.
KEY_FIELDS = ("access", "metadata", "expiration", "renew_before", "on_expiring", "certificate_identity")
SETTING_FIELDS = tuple(OPTIONS)
LINK_FIELDS = (
    "from",
    "to",
    "alias",
    "name",
    "state",
    "adopt",
    *KEY_FIELDS,
    *SETTING_FIELDS,
    "grace",
    "migrate",
    "replace",
    "roles",
    "description",
)
ROLE_FIELDS = ("name", "remote_indices", "remote_cluster")
EVERYTHING = Choice()


def complete(data: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    """What was asked for, with the hosts that clusters are called from, and the time by which all is judged.

    Raises ValueError with all that is wrong.
    """
    if data["errors"]:
        raise ValueError("; ".join(data["errors"]))
    used = (data["clusters"][name]["api_from"] for name in data["used"])
    return {**data, "callers": list(dict.fromkeys(used)), "now": int(time.time() * 1000)}


def normalise(
    clusters: t.Any, links: t.Any, sources: t.Optional[t.Sequence[t.Any]] = None, choice: Choice = EVERYTHING
) -> t.Dict[str, t.Any]:
    """Clusters, nodes and links in full, and what is wrong with them. Files are looked for where the sources of the
    inventory are given."""
    problems = Problems()
    owner = owner_of(choice, problems)
    known = clusters_of(clusters, problems, sources)
    nodes: t.Dict[str, t.Dict[str, t.Any]] = {}
    for cluster in known.values():
        for position, (node, entry) in enumerate(zip(cluster["nodes"], cluster.pop("entries"))):
            if node in nodes:
                problems.add(
                    "elasticsearch_clusters: node [{0}] is listed twice ({1} and {2}); give each node an inventory "
                    "name of its own",
                    node,
                    nodes[node]["cluster"],
                    cluster["name"],
                )
            nodes[node] = {"cluster": cluster["name"], "position": position, **entry}
    found = _links(links, known, owner, problems)
    chosen, prune = choose(found, choice, problems), prunes(choice, found, problems)
    ends = {link[side] for link in chosen for side in ("from", "to")}
    clients = {link["from"] for link in chosen}
    return {
        "clusters": known, "nodes": nodes, "links": chosen, "errors": list(problems), "owner": owner, "prune": prune,
        # What the run is not for, and is there nevertheless.
        "others": [link for link in found if link not in chosen],
        "used": [name for name in known if prune or name in ends],
        # The clusters whose nodes are visited: where links may have been that are not listed any more, all.
        "clients": [name for name in known if name in clients or (prune and known[name]["nodes"])],
    }  # fmt: skip


def _links(
    links: t.Any, clusters: t.Mapping[str, t.Mapping[str, t.Any]], owner: str, problems: Problems
) -> t.List[t.Dict[str, t.Any]]:
    if not isinstance(links, (list, tuple)):
        problems.add("cross_cluster_links must be a list of links, not {0}", kind(links))
        return []
    result: t.List[t.Dict[str, t.Any]] = []
    aliases: t.Dict[t.Tuple[str, str], int] = {}
    keys: t.Dict[t.Tuple[str, str], int] = {}
    adopted: t.Dict[t.Tuple[str, t.Optional[str]], int] = {}
    for number, value in enumerate(links):
        link = _link(number, value, clusters, owner, problems)
        if link is None:
            continue
        alias = (link["from"], link["alias"])
        if alias in aliases:
            problems.add(
                "cross_cluster_links[{0}] and [{1}] both use alias [{2}] on {3}; give one of them another alias",
                aliases[alias],
                number,
                link["alias"],
                link["from"],
            )
        key = (link["to"], link["key_name"])
        if key in keys:
            problems.add(
                "cross_cluster_links[{0}] and [{1}] would share the API key [{2}] on {3}; give one of them a name of "
                "its own",
                keys[key],
                number,
                link["key_name"],
                link["to"],
            )
        aliases.setdefault(alias, number)
        keys.setdefault(key, number)
        if link["adopt"] and (link["to"], link["adopt"]) in adopted:
            problems.add(
                "cross_cluster_links[{0}] and [{1}] both adopt the API key [{2}] of {3}; a key belongs to one link",
                adopted[link["to"], link["adopt"]],
                number,
                link["adopt"],
                link["to"],
            )
        adopted.setdefault((link["to"], link["adopt"]), number)
        result.append(link)
    return result


def _link(
    number: int, value: t.Any, clusters: t.Mapping[str, t.Mapping[str, t.Any]], owner: str, problems: Problems
) -> t.Optional[t.Dict[str, t.Any]]:
    where = "cross_cluster_links[{0}]".format(number)
    if not isinstance(value, t.Mapping):
        problems.add("{0} must be a dictionary with from and to, not {1}", where, kind(value))
        return None
    unknown_fields(where, value, LINK_FIELDS, problems)
    before = len(problems)
    for side, meaning in (("from", "the cluster that asks"), ("to", "the cluster that holds the data")):
        name = value.get(side)
        if not isinstance(name, str) or not name:
            problems.add("{0} has no [{1}]; name {2}", where, side, meaning)
        elif name not in clusters:
            problems.add(
                "{0}: [{1}: {2}] is not in elasticsearch_clusters{3}", where, side, name, did_you_mean(name, clusters)
            )
    # The other fields are checked all the same, so that all that is wrong is told at once.
    whole = len(problems) == before
    client, server = str(value.get("from")), str(value.get("to"))
    where = "{0} ({1} to {2})".format(where, client, server) if whole else where
    if whole and client == server:
        problems.add("{0} links a cluster to itself; a cluster searches its own indices without a link", where)
        whole = False
    alias = value.get("alias", server)
    if not isinstance(alias, str):
        problems.add("{0}: alias must be text, not {1}", where, kind(alias))
        alias, whole = server, False
    trouble = alias_problem(alias) if whole or "alias" in value else None
    if trouble:
        hint = "" if "alias" in value else " (it is taken from [to]; give an alias)"
        problems.add("{0}: {1}{2}", where, trouble, hint)
    if whole and not clusters[client]["nodes"]:
        problems.add(
            "{0}: cluster [{1}] has no nodes, but the nodes of the cluster that asks must hold the credential; list "
            "them, or use the key module and your platform's own keystore for a hosted cluster",
            where,
            client,
        )
    key_name = value.get("name", default_key_name(client, server, alias))
    if not isinstance(key_name, str) or not key_name or key_name != key_name.strip() or key_name.startswith("_"):
        problems.add(
            "{0}: name must be text that neither begins with an underscore nor begins or ends with a space", where
        )
        key_name = default_key_name(client, server, alias)
    elif key_name.startswith(OPERATOR_PREFIX):
        problems.add(
            "{0}: keys named [{1}...] belong to Elastic's operator; choose another name", where, OPERATOR_PREFIX
        )
    state = value.get("state", "present")
    if state not in ("present", "absent"):
        problems.add("{0}: state must be present or absent, not [{1}]", where, state)
    link = {
        "id": "{0}/{1}".format(client, alias),
        "absent": state == "absent",
        "team": owner,
        "from": client,
        "to": server,
        "alias": alias,
        "key_name": key_name,
        "adopt": _adopt(where, value.get("adopt"), problems),
        "settings": settings_of(where, value, clusters.get(server), problems),
        "roles": _roles(where, alias, value.get("roles"), problems),
        "migrate": switch(where, "migrate", value.get("migrate"), problems),
        "replace": switch(where, "replace", value.get("replace"), problems),
        "grace": milliseconds(where, "grace", value.get("grace"), problems) or 0,
        # The mark tells the next run, and people, which link the key was made for.
        **_key(where, {"client": client, "alias": alias, "owner": owner}, value, problems),
    }
    return link if whole else None


def _adopt(where: str, value: t.Any, problems: Problems) -> t.Optional[str]:
    if value is not None and (not isinstance(value, str) or not re.fullmatch(r"[\w-]{1,64}", value, re.ASCII)):
        problems.add("{0}: adopt must be the id of an API key, for example VuaCfGcBCdbkQm-e5aOx", where)
        return None
    return value


def _key(
    where: str, marker: t.Mapping[str, str], value: t.Mapping[str, t.Any], problems: Problems
) -> t.Dict[str, t.Any]:
    access = value.get("access")
    if access is None and value.get("state") != "absent":
        problems.add(
            "{0} has no access; say what may be read, for example access: {{search: [{{names: ['logs-*']}}]}}", where
        )
    elif access is not None:
        checked(where, problems, check_access, access)
    metadata = value.get("metadata", {})
    if not isinstance(metadata, t.Mapping):
        problems.add("{0}: metadata must be a dictionary, not {1}", where, kind(metadata))
        metadata = {}
    metadata = checked(where, problems, check_metadata, metadata) or {}
    identity = value.get("certificate_identity")
    if identity and not isinstance(identity, str):
        problems.add("{0}: certificate_identity must be text, not {1}", where, kind(identity))
    on_expiring = value.get("on_expiring", "rotate")
    if on_expiring not in ("rotate", "extend"):
        problems.add("{0}: on_expiring must be rotate or extend, not [{1}]", where, on_expiring)
    renew_before = milliseconds(where, "renew_before", value.get("renew_before"), problems)
    expiration = milliseconds(where, "expiration", value.get("expiration"), problems)
    if renew_before and expiration and renew_before >= expiration:
        problems.add(
            "{0}: renew_before {1} is not shorter than expiration {2}, so every run would make a new key",
            where,
            value["renew_before"],
            value["expiration"],
        )
    if renew_before and value.get("expiration") is None:
        problems.add("{0}: renew_before needs expiration, which says how long the renewed key lives", where)
    return {
        "access": access,
        "metadata": {**metadata, MARKER: dict(marker)},
        "expiration": value.get("expiration"),
        "renew_before": value.get("renew_before"),
        "renew_before_ms": renew_before,
        "on_expiring": on_expiring,
        "certificate_identity": value.get("certificate_identity"),
    }


def settings_of(
    where: str, value: t.Mapping[str, t.Any], server: t.Optional[t.Mapping[str, t.Any]], problems: Problems
) -> t.Dict[str, t.Any]:
    """The options of the module ``remote_cluster`` for the alias."""
    given = {name: value[name] for name in SETTING_FIELDS if value.get(name) is not None}
    settings = dict(given)
    for name, one in given.items():
        here = "{0}: {1}".format(where, name)
        wrong = wrong_type(here, OPTIONS[name], one)
        if name in ("proxy_address", "seeds") and addresses(here, one, problems, REMOTE_LOGIN) is None:
            del settings[name]
        elif wrong:
            problems.append(wrong)
            del settings[name]
    if server is None or "mode" in given.keys() - settings.keys():
        return settings  # It is not known what belongs together.
    address = settings.get("proxy_address") or settings.get("seeds") or server["address"]
    if not address:
        if not {"proxy_address", "seeds"} & given.keys():
            problems.add(
                "{0}: it is not known where clients reach {1}; give remote_cluster_server (host:port, by default port "
                "9443) of cluster [{1}]",
                where,
                server["name"],
            )
        return settings
    mode = settings.setdefault("mode", "proxy" if isinstance(address, str) else "sniff")
    # As the module will have them: numbers may be written as text.
    taken = ArgumentSpecValidator(OPTIONS).validate(settings).validated_parameters
    for trouble in wrong_settings({name: taken[name] for name in settings}):
        problems.add("{0}: {1}", where, trouble)
    # The address of the server was checked with its cluster.
    if mode == "proxy":
        settings.setdefault("proxy_address", address if isinstance(address, str) else list(address)[0])
        if server.get("server_name"):
            settings.setdefault("server_name", server["server_name"])
    else:
        settings.setdefault("seeds", [address] if isinstance(address, str) else list(address))
    return settings


def _roles(where: str, alias: str, roles: t.Any, problems: Problems) -> t.List[t.Dict[str, t.Any]]:
    """Entries for local roles; ``clusters`` is the alias unless it is given."""
    if roles is None:
        return []
    if not isinstance(roles, (list, tuple)):
        problems.add("{0}: roles must be a list, not {1}", where, kind(roles))
        return []
    result = []
    for number, role in enumerate(roles):
        here = "{0}: roles[{1}]".format(where, number)
        if not isinstance(role, t.Mapping) or not role.get("name"):
            problems.add("{0} needs the name of a role", here)
            continue
        unknown_fields(here, role, ROLE_FIELDS, problems)
        entries: t.Dict[str, t.Any] = {"name": role["name"]}
        for part in ROLE_FIELDS[1:]:
            given = role.get(part) or []
            if not isinstance(given, (list, tuple)) or not all(isinstance(entry, t.Mapping) for entry in given):
                problems.add("{0}.{1} must be a list of dictionaries", here, part)
            elif given:
                entries[part] = [{"clusters": [alias], **entry} for entry in given]
        if not entries.keys() & set(ROLE_FIELDS[1:]):
            problems.add("{0} has neither remote_indices nor remote_cluster; give what the role may do there", here)
        told = ArgumentSpecValidator({"name": {"type": "str"}, **ENTRIES}).validate(entries)
        wrong = told.error_messages or list(filter(None, [problem(str(role["name"]), told.validated_parameters)]))
        for text in wrong:
            problems.add("{0}: {1}", here, text)
        result.append(entries)
    return result


def default_key_name(client: str, server: str, alias: str) -> str:
    """``<from>-<to>``, and the alias behind it when it is not the name of the server."""
    return "-".join([client, server] + ([alias] if alias != server else []))
