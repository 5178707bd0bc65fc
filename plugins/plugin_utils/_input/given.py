# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The link of the role ``remote_cluster_client``, in the form of those that are asked for in lists. Pure.

This file is private to the crosscluster.elasticsearch collection.

Its key comes from elsewhere, so only the cluster that asks is at hand. Its nodes are the hosts of the play. The first
one says what is asked for, and each of them where its keystore is and what it is called.
"""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.credential import inspect
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.address import check_urls
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.alias import alias_problem
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.clusters import urls_of
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.fields import (
    Problems,
    addresses,
    checked,
    unknown_fields,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import SETTING_FIELDS, settings_of

ROLE = "remote_cluster_client"
OF_LINK = ("alias", "state", "credential", "settings", "wait", "restart")
"""What is asked for the link, so of all hosts alike."""
OF_NODE = ("keystore", "config_dir", "url", "node_name")
CLIENT, SERVER = "the local cluster", "the remote cluster"
_WORDS = {
    "listing": "the hosts of the play",
    "naming": "{0}_node_name".format(ROLE),
    "harm": "it would be left out",
}

Values = t.Mapping[str, t.Any]


def is_one(data: Values) -> bool:
    """Whether it is a link of this role, and not what is asked for in lists."""
    return "options" in data


def complete(asked: Values, hosts: t.Sequence[str]) -> t.Dict[str, t.Any]:
    """What the first host of the play says. `asked`: the options of the role by name, without its prefix.

    Raises ValueError with all that is wrong.
    """
    problems = Problems()
    absent = asked["state"] == "absent"
    urls = urls_of("{0}_connection".format(ROLE), asked["connection"].get("urls"), _own_url(asked, problems), problems)
    cluster = {
        "name": CLIENT, "nodes": list(hosts), "urls": urls, "node_urls": [], "proof_urls": urls,
        "api_from": asked["api_from"], "words": _WORDS,
    }  # fmt: skip
    data = {
        "clusters": {CLIENT: cluster},
        "nodes": {host: {"cluster": CLIENT, "position": position} for position, host in enumerate(hosts)},
        "links": [_link(asked, absent, problems)],
        "callers": [asked["api_from"]],
        "clients": [CLIENT],
        "used": [CLIENT],
        "others": [],
        "owner": "",
        "prune": False,
        "now": int(time.time() * 1000),
        "options": {
            "mode": "untrust" if absent else "trust",
            "wait": int(asked["wait"]),
            "restart": boolean(asked["restart"]),
            "restart_option": "{0}_restart".format(ROLE),
        },
        "said": _said(asked),
    }
    if problems:
        raise ValueError("; ".join(problems))
    return data


def _own_url(asked: Values, problems: Problems) -> t.List[str]:
    where, url = "{0}_url".format(ROLE), asked["url"]
    if url and addresses(where, url, problems):
        checked(where, problems, check_urls, [url])
    return [str(url)] if url else []


def _said(asked: Values) -> t.Dict[str, str]:
    """What all hosts have to say alike; of the credential only which key it is of."""
    found = {name: str(asked[name]) for name in OF_LINK}
    return {**found, "credential": inspect(asked["credential"]).api_key_id or ""}


def node(asked: Values, data: Values) -> t.Dict[str, str]:
    """What a host says of itself. Raises ValueError where it says something else of the link than the first one."""
    problems = Problems()
    _own_url(asked, problems)
    for name, value in _said(asked).items():
        if value != data["said"][name]:
            problems.add(
                "{0}_{1} is not the same for all hosts of the play, and a link is the work of all of them: give it to "
                "all",
                ROLE,
                name,
            )
    if problems:
        raise ValueError("; ".join(problems))
    return {name: str(asked[name]) for name in OF_NODE if asked[name]}


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
        "given": {
            "key_id": (credential.api_key_id if credential else None) or "",
            "addressed": bool({"proxy_address", "seeds"} & settings.keys()),
        },
        # There is no key to be made, found or revoked, and what the alias was before may go.
        "key_name": "", "adopt": None, "renew_before_ms": None, "on_expiring": "rotate", "grace": 0, "migrate": True,
        "replace": True, "absent": False, "team": "",
    }  # fmt: skip
