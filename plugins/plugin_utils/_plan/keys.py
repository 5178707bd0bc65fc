# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an API key is, and what the credential of a node is worth. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.key import KEY_TYPE, Key, User

# What a node's keystore entry is, judged against the keys of the server.
ABSENT = "absent"
LIVE = "live"
EXPIRED = "expired"
REVOKED = "revoked"
UNKNOWN = "unknown"
WRONG_TYPE = "wrong_type"
WRONG_NAME = "wrong_name"
MALFORMED = "malformed"
FOREIGN = "foreign"
WRONG_SECRET = "wrong_secret"  # noqa: S105  # what a node holds
UNREAD = "unread"
OTHER = "other"

STATE_WORDS = {
    ABSENT: "holds no credential",
    EXPIRED: "holds an expired key",
    REVOKED: "holds a revoked key",
    UNKNOWN: "holds a key that the server does not know",
    WRONG_TYPE: "holds a key that is not a cross-cluster key",
    WRONG_NAME: "holds a key of another name",
    MALFORMED: "holds something that is not an API key",
    FOREIGN: "holds a key that belongs to somebody else",
    WRONG_SECRET: "holds a wrong secret",
}

# The metadata that marks a key as made for one client cluster. Top level keys with a leading underscore are reserved.
MARKER = "crosscluster_elasticsearch"
# Elastic's own operator makes keys with this prefix.
OPERATOR_PREFIX = "eck-"


@dataclass(frozen=True)
class Node:
    """A client node: what its keystore holds for the alias of the link."""

    name: str
    read: bool = True
    reason: str = ""
    present: bool = False
    key_id: t.Optional[str] = None
    wrong_secret: bool = False
    """A request through the node showed that only the id of its key is right."""
    write_problem: str = ""
    """Why its keystore cannot be written to, as far as that can be seen before it is tried."""


class Given(t.NamedTuple):
    """A key that comes from elsewhere."""

    key_id: str
    """Empty where the keystores are left alone."""
    addressed: bool
    """It is known where a new alias would point to."""


@dataclass(frozen=True)
class Link:
    """What is asked for."""

    id: str
    client: str
    server: str
    alias: str
    key_name: str
    owner: t.Optional[User] = None
    """The user that the run acts as on the server."""
    adopt: t.Optional[str] = None
    """The id of a key made by somebody else that is ours while the link names it."""
    renew_before: t.Optional[int] = None
    on_expiring: str = "rotate"
    grace: int = 0
    migrate: bool = False
    replace: bool = False
    """What the alias and the keystores hold of somebody else may go."""
    given: t.Optional[Given] = None
    """Of a link whose key comes from elsewhere."""
    absent: bool = False
    """The link goes, whatever becomes of the others."""
    team: str = ""
    """Whose links these are, where several share clusters."""


def mark(key: Key) -> t.Optional[t.Mapping[str, t.Any]]:
    """Our mark, if there is one; whose client it names is another question."""
    found = key.metadata.get(MARKER)
    return found if isinstance(found, t.Mapping) else None


def of_operator(key: Key) -> bool:
    """Made by Elastic's own operator."""
    return key.of_operator or key.name.startswith(OPERATOR_PREFIX)


def is_ours(key: Key, link: Link) -> bool:
    """May this key be used, changed and revoked for the link? Everything else belongs to somebody else."""
    if not of_our_user(key, link):
        return False
    return key.id == link.adopt or (key.name == link.key_name and _is_marked_for(mark(key) or {}, link))


def _is_marked_for(marker: t.Mapping[str, t.Any], link: Link) -> bool:
    """Earlier releases did not mark for which alias a key is, or of which team."""
    mine = {"client": link.client, "alias": link.alias, "owner": link.team}
    return "client" in marker and all(marker.get(name, own) == own for name, own in mine.items())


def of_our_user(key: Key, link: Link) -> bool:
    """A cross-cluster key of the user that the run acts as, and not Elastic's operator's."""
    if key.type != KEY_TYPE or of_operator(key):
        return False
    return link.owner is None or key.username is None or link.owner.owns(key.username, key.realm)


def is_unmarked(key: Key, link: Link) -> bool:
    """Bears the name of the link and belongs to our user, and nothing says that this collection made it."""
    return of_our_user(key, link) and key.name == link.key_name and mark(key) is None and key.id != link.adopt


def classify(node: Node, keys: t.Mapping[str, Key], link: Link, now: int) -> str:
    """What the node's credential is worth."""
    if not node.read:
        return UNREAD
    if not node.present:
        return ABSENT
    if not node.key_id:
        return MALFORMED
    if link.given is not None:
        right = WRONG_SECRET if node.wrong_secret else LIVE
        return right if node.key_id == link.given.key_id else OTHER
    key = keys.get(node.key_id)
    if key is None:
        return UNKNOWN
    if key.type != KEY_TYPE:
        return WRONG_TYPE
    if key.name != link.key_name and key.id != link.adopt:
        return WRONG_NAME
    if key.invalidated:
        return REVOKED
    if key.expired(now):
        return EXPIRED
    if not is_ours(key, link):
        return FOREIGN
    return WRONG_SECRET if node.wrong_secret else LIVE


@dataclass(frozen=True)
class Adoption:
    """What becomes of `adopt` of a link."""

    key_id: t.Optional[str] = None
    """The key that is ours by it."""
    trouble: str = ""
    """Why the link cannot have this key."""
    hint: str = ""
    """It has served: the key was replaced."""
    replaced: t.Optional[str] = None
    """That key, for the mark of those that follow while the link names it."""
    left: bool = False
    """The key is live, and stays so."""


def judge_adoption(link: Link, nodes: t.Sequence[Node], keys: t.Mapping[str, Key], now: int) -> Adoption:
    """The key must be live, cross-cluster, of our user, and the one that the nodes hold, so that a mistaken id does no
    harm. It stays ours until the key that replaced it, whose mark names it, has made it superfluous.
    """
    if not link.adopt:
        return Adoption()
    told = "adopt: {0}".format(link.adopt)
    key = keys.get(link.adopt)
    ours = {key.id: key for key in keys.values() if is_ours(key, replace(link, adopt=None))}
    usable = key is not None and key.live(now) and of_our_user(key, link)
    successors = [other.id for other in ours.values() if (mark(other) or {}).get("replaces") == link.adopt]
    if usable and successors:
        return Adoption(link.adopt)
    if successors and (key is None or not key.live(now)):
        hint = "{0}: that key was replaced by {1}; take adopt out of the link".format(told, successors[-1])
        return Adoption(hint=hint, replaced=link.adopt)
    if key is None:
        return Adoption(
            trouble="{0}: {1} has no such key; correct the id, or take adopt out of the link".format(told, link.server)
        )
    if not key.live(now):
        dead = "was revoked" if key.invalidated else "has expired"
        return Adoption(
            trouble="{0}: that key {1}; take adopt out of the link, and a new one is made".format(told, dead)
        )
    other = next(
        (node for node in nodes if node.key_id != key.id and _holds_live_stranger(node, ours, keys, now)), None
    )
    trouble = ""
    if key.type != KEY_TYPE:
        trouble = "that is no cross-cluster key"
    elif not of_our_user(key, link):
        trouble = "that key {0}, and only its owner can change it".format(whose(key))
    elif (mark(key) or {"client": link.client}).get("client") != link.client:
        trouble = "that key was made for the client [{0}], which may use it".format((mark(key) or {}).get("client"))
    elif not any(node.key_id == key.id for node in nodes):
        trouble = "no node of {0} holds that key".format(link.client)
    elif other:
        trouble = "{0} holds {1} instead of that key".format(other.name, other.key_id)
    if trouble:
        return Adoption(trouble="{0}: {1}".format(told, trouble), left=True)
    return Adoption(key.id)


def _holds_live_stranger(node: Node, ours: t.Mapping[str, Key], keys: t.Mapping[str, Key], now: int) -> bool:
    held = keys.get(node.key_id or "")
    return held is not None and held.id not in ours and held.live(now)


def unmarked(link: Link, keys: t.Mapping[str, Key], now: int) -> t.List[Key]:
    return sorted((key for key in keys.values() if is_unmarked(key, link) and key.live(now)), key=lambda key: key.age)


def whose(key: Key) -> str:
    """Who a key belongs to, in words."""
    if of_operator(key):
        return "is managed by Elastic Cloud on Kubernetes"
    team = (mark(key) or {}).get("owner")
    return "belongs to {0}{1}{2}".format(
        key.username or "its owner",
        " of the realm {0}".format(key.realm) if key.realm else "",
        " and bears the mark of the owner [{0}]".format(team) if team else "",
    )


def because(reason: str) -> str:
    return " ({0})".format(reason) if reason else ""


def names(items: t.Iterable[str]) -> str:
    listed = list(items)
    if len(listed) <= 1:
        return "".join(listed)
    return "{0} and {1}".format(", ".join(listed[:-1]), listed[-1])


def duration_words(milliseconds: int) -> str:
    """A length of time for people: the two largest units."""
    seconds = max(0, milliseconds // 1000)
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if seconds >= size:
            parts.append("{0}{1}".format(seconds // size, unit))
            seconds %= size
    return " ".join(parts[:2]) or "0s"
