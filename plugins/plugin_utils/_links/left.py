# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that were ours and have left the list, as links that go. Pure.

This file is private to the crosscluster.elasticsearch collection.

What shows them is the mark of their live keys. It names client, alias and owner; where an earlier release left the
alias out, the keystores of the client tell it. Whatever else stands under an alias belongs to somebody else.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.key import Key, User
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.alias import alias_problem
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import (
    Data,
    Results,
    usable,
    went_wrong,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk

ALL = "all"
"""What tells the call for all keys of a server from that for the keys of its links."""
ARGUMENTS = {"types": ["cross_cluster"], "active_only": True, "acting_user": True}

Told = t.Mapping[t.Any, t.Any]
"""The results of calls at clusters."""


class Stray(t.NamedTuple):
    """A live key with our mark, of no listed link."""

    server: str
    key: Key
    raw: t.Mapping[str, t.Any]

    @property
    def client(self) -> str:
        return str(_mark(self.key).get("client"))

    @property
    def alias(self) -> t.Optional[str]:
        return _mark(self.key).get("alias")


def strays(data: Data, told: Told, now: int) -> t.List[Stray]:
    """The keys of links that are not listed any more, between clusters that are. Others may share the servers, so what
    bears the mark of another owner is none of ours."""
    listed = [*data["links"], *data["others"]]
    found = []
    for server in data["clusters"]:
        for raw in usable(_all_keys(told, server)).get("api_keys") or ():
            key = Key.from_server(raw)
            marker = _mark(key)
            ours = marker.get("client") in data["clusters"] and marker.get("owner", "") == data["owner"]
            known = any(_is_of(link, server, key, marker) for link in listed)
            if ours and not known and key.type == lk.KEY_TYPE and key.live(now):
                found.append(Stray(server, key, raw))
    return found


def _mark(key: Key) -> t.Mapping[str, str]:
    """Our mark, where it is one that we may have made."""
    marker = lk.mark(key) or {}
    whole = all(isinstance(marker.get(name, ""), str) for name in ("client", "alias", "owner"))
    return marker if whole and ("alias" not in marker or alias_problem(marker["alias"]) is None) else {}


def _is_of(link: Data, server: str, key: Key, marker: t.Mapping[str, str]) -> bool:
    """Whether a link that is listed sees to this key."""
    if link["to"] != server:
        return False
    mine = marker.get("client") == link["from"] and marker.get("alias", link["alias"]) == link["alias"]
    return key.id == link["adopt"] or (key.name == link["key_name"] and mine)


def _all_keys(told: Told, server: str) -> t.Any:
    return told.get((server, "cross_cluster_api_key_info", ALL))


def troubles(told: Told) -> t.List[str]:
    """Why it is not known which links have left the list."""
    found = []
    for place, result in told.items():
        trouble = went_wrong(result) if place[-1] == ALL or len(place) == 1 else None
        if trouble:
            found.append("{0} was not asked for the keys of links that are not listed: {1}".format(place[0], trouble))
    return found


def added(data: Data, told: t.Mapping[str, Told]) -> Data:
    """What was asked for, with the links that have left the list. `told`: by phase."""
    return {**data, "links": [*data["links"], *links(data, told["clusters"], told["keystores"], data["now"])]}


def links(data: Data, told: Told, keystores: Results, now: int) -> t.List[Data]:
    """The links that are removed, and those that would have to be and cannot."""
    groups: t.Dict[t.Tuple[str, str, str, str], t.List[Stray]] = {}
    for stray in strays(data, told, now):
        user = usable(_all_keys(told, stray.server)).get("acting_user")
        owner = User(user["name"], user.get("realm")) if user else None
        if lk.of_our_user(stray.key, lk.Link("", "", "", "", "", owner=owner)):
            alias = stray.alias or _held_as(data, keystores, stray) or stray.server
            groups.setdefault((stray.client, alias, stray.server, stray.key.name), []).append(stray)
    taken = {(link["from"], link["alias"]) for link in (*data["links"], *data["others"])}
    found: t.List[Data] = []
    # Of several for one alias, the one whose key the nodes hold comes first.
    for place, keys in sorted(groups.items(), key=lambda item: not _holders(data, keystores, item[1], item[0][1])):
        found.append(_link(data, keystores, place, keys, taken))
        taken.add(place[:2])
    return sorted(found, key=lambda link: str(link["id"]))


def _held_as(data: Data, keystores: Results, stray: Stray) -> t.Optional[str]:
    return next(
        (alias for _node, alias, key_id in _held(data, keystores, stray.client) if key_id == stray.key.id), None
    )


def _held(data: Data, keystores: Results, client: str) -> t.Iterator[t.Tuple[str, str, t.Optional[str]]]:
    for node in data["clusters"][client]["nodes"]:
        for alias, entry in (usable(keystores.get(node)).get("credentials") or {}).items():
            yield node, alias, (entry or {}).get("api_key_id")


def _holders(data: Data, keystores: Results, keys: t.Sequence[Stray], alias: str) -> t.List[str]:
    ids = {stray.key.id for stray in keys}
    return [
        node for node, held_as, key_id in _held(data, keystores, keys[0].client) if held_as == alias and key_id in ids
    ]


def _link(
    data: Data,
    keystores: Results,
    place: t.Tuple[str, str, str, str],
    keys: t.Sequence[Stray],
    taken: t.Container[t.Tuple[str, str]],
) -> Data:
    client, alias, server, key_name = place
    ids = {stray.key.id for stray in keys}
    held = list(_held(data, keystores, client))
    elsewhere = sorted({other for _node, other, key_id in held if key_id in ids and other != alias})
    others = [node for node, other, key_id in held if other == alias and key_id not in ids]
    holders = _holders(data, keystores, keys, alias)
    trouble = ""
    if not data["clusters"][client]["nodes"]:
        trouble = "the nodes of {0}, which may hold it, are not listed".format(client)
    elif elsewhere:
        trouble = "nodes of {0} hold it as {1}".format(client, lk.names(elsewhere))
    elif holders and others:
        trouble = "{0} of {1} hold something else as {2}".format(lk.names(others), client, alias)
    elif holders and (client, alias) in taken:
        trouble = "alias {0} of {1} belongs to another link, and {2} still holds it".format(
            alias, client, lk.names(holders)
        )
    told = "key {0} ({1}) on {2} is of a link that is not listed any more".format(
        lk.names(sorted(ids)), key_name, server
    )
    return {
        "id": "{0}/{1}".format(client, alias)
        if (client, alias) not in taken
        else "{0} {1} on {2}".format(client, key_name, server),
        "from": client, "to": server, "alias": alias, "key_name": key_name, "absent": True, "team": data["owner"],
        "settings": {}, "roles": [], "adopt": None, "renew_before_ms": None, "on_expiring": "rotate", "grace": 0,
        "migrate": False, "replace": False, "metadata": {}, "access": None, "expiration": None,
        "certificate_identity": None,
        "left": {
            "told": told,
            "ids": sorted(ids),
            # Without a holder it is not known whose the alias is by now.
            "alone": not holders,
            "trouble": "{0}: {1}; see who needs it, and revoke it by its id if nobody does".format(told, trouble)
            if trouble else "",
        },
    }  # fmt: skip
