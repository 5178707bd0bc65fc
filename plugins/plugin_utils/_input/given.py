# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The link of the role ``remote_cluster_client``, in the form of those that are asked for in lists. Pure.

This file is private to the crosscluster.elasticsearch collection.

Its key comes from elsewhere, so only the cluster that asks is at hand. Its nodes are the hosts of the play, each of
which says of itself what is asked for.
"""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.credential import inspect
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.alias import alias_problem
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.clusters import urls_of
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.fields import Problems, unknown_fields
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import SETTING_FIELDS, settings_of

ROLE = "remote_cluster_client"
OPTIONS = (
    "alias", "state", "credential", "settings", "connection", "api_from", "keystore", "keystore_password", "config_dir",
    "url", "node_name", "wait", "restart",
)  # fmt: skip
CLIENT, SERVER = "the local cluster", "the remote cluster"

Values = t.Mapping[str, t.Any]


def is_one(data: Values) -> bool:
    """Whether it is what a host of this role said, and not what is asked for in lists."""
    return "options" in data


def complete(asked: Values, host: str, hosts: t.Sequence[str]) -> t.Dict[str, t.Any]:
    """What one host of the play says. `asked`: the options of the role by name, without its prefix.

    Raises ValueError with all that is wrong.
    """
    problems = Problems()
    absent = asked["state"] == "absent"
    node = {name: str(asked[name]) for name in ("url", "node_name", "keystore", "config_dir") if asked[name]}
    where = "{0}_connection".format(ROLE)
    urls = urls_of(where, asked["connection"].get("urls"), [node["url"]] if "url" in node else [], problems)
    data = {
        "clusters": {
            CLIENT: {
                "name": CLIENT, "nodes": list(hosts), "urls": urls, "api_from": asked["api_from"],
                "words": {"listing": "the hosts of the play", "naming": "{0}_node_name".format(ROLE)},
            }
        },
        "nodes": {host: {"cluster": CLIENT, **node, "protected": bool(asked["keystore_password"])}},
        "links": [_link(asked, absent, problems)],
        "callers": [asked["api_from"]],
        "now": int(time.time() * 1000),
        "options": {
            "mode": "untrust" if absent else "trust",
            "wait": int(asked["wait"]),
            "restart": boolean(asked["restart"]),
            "restart_option": "{0}_restart".format(ROLE),
        },
    }  # fmt: skip
    if problems:
        raise ValueError("; ".join(problems))
    return data


def _link(asked: Values, absent: bool, problems: Problems) -> t.Dict[str, t.Any]:
    trouble = alias_problem(asked["alias"])
    if trouble:
        problems.add("{0}_alias: {1}", ROLE, trouble)
    credential = inspect(asked["credential"]) if asked["credential"] and not absent else None
    if credential and credential.reason:
        problems.add("{0}_credential is not an encoded API key: {1}", ROLE, credential.reason)
    where, settings = "{0}_settings".format(ROLE), {} if absent else asked["settings"]
    unknown_fields(where, settings, SETTING_FIELDS, problems)
    # Without an address the other settings of an alias that is there are written.
    server = {"name": SERVER, "address": None} if {"proxy_address", "seeds"} & settings.keys() else None
    return {
        "id": asked["alias"], "from": CLIENT, "to": SERVER, "alias": asked["alias"], "roles": [],
        "settings": settings_of(where, settings, server, problems),
        "given": (credential.api_key_id if credential else None) or "",
        # There is no key to be made, found or revoked, and what the alias was before may go.
        "key_name": "", "adopt": None, "renew_before_ms": None, "on_expiring": "rotate", "grace": 0, "migrate": True,
        "replace": True,
    }  # fmt: skip


def whole(said: t.Mapping[str, Values]) -> t.Dict[str, t.Any]:
    """What all hosts of the play said, the first one of the cluster and the link. Raises ValueError."""
    first = next(iter(said.values()))
    for name in ("links", "options"):
        if any(one[name] != first[name] for one in said.values()):
            raise ValueError(
                "the variables of {0} are not the same for all hosts of the play, and a link is the work of all of "
                "them: give those that do not describe a node to all".format(ROLE)
            )
    cluster = first["clusters"][CLIENT]
    nodes = {}
    for position, host in enumerate(cluster["nodes"]):
        own = said[host]["nodes"][host] if host in said else {"cluster": CLIENT}
        nodes[host] = {**own, "position": position}
    node_urls = [node["url"] for node in nodes.values() if node.get("url")]
    # Through each of its own addresses a node can be asked whether the link works for it.
    proof_urls = node_urls if len(node_urls) == len(nodes) else cluster["urls"]
    return {
        **first,
        "nodes": nodes,
        "clusters": {CLIENT: {**cluster, "node_urls": node_urls, "proof_urls": proof_urls}},
    }
