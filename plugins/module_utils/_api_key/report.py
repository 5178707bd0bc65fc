# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which API keys to read, and how to tell about them. Pure; private to this collection."""

from __future__ import annotations

import typing as t

from .access import server_form
from .key import KEY_TYPE

_DAY_MS = 24 * 3600 * 1000


def started_days(milliseconds: int) -> int:
    """1 in the last hour, and 0 or less once it is over: an alert is on <= 0."""
    return -(-milliseconds // _DAY_MS)


_COPIED = ("id", "name", "type", "creation", "expiration", "invalidation", "username", "realm", "realm_type")


class Filter(t.NamedTuple):
    """What to read. names, prefix and ids add up; the rest narrows down."""

    names: t.Tuple[str, ...] = ()
    prefix: t.Optional[str] = None
    ids: t.Tuple[str, ...] = ()
    types: t.Tuple[str, ...] = (KEY_TYPE,)
    username: t.Optional[str] = None
    realm: t.Optional[str] = None
    active_only: bool = False
    expires_within_ms: t.Optional[int] = None

    @property
    def selects(self) -> bool:
        return bool(self.names or self.prefix or self.ids)

    def matches(self, key: t.Mapping[str, t.Any]) -> bool:
        """The filter once more on what the server gave."""
        chosen = not self.selects or (
            key["name"] in self.names
            or (bool(self.prefix) and str(key["name"]).startswith(str(self.prefix)))
            or key["id"] in self.ids
        )
        if not chosen or key["type"] not in self.types:
            return False
        if self.username is not None and key["username"] != self.username:
            return False
        if self.realm is not None and key["realm"] != self.realm:
            return False
        if self.active_only and not key["active"]:
            return False
        if self.expires_within_ms is not None:
            return key["active"] and key["expires_in_ms"] is not None and key["expires_in_ms"] <= self.expires_within_ms
        return True

    def query(self, by_type: bool = True) -> t.Dict[str, t.Any]:
        """The query for the server, which knows types of keys from 8.13 on. Expired keys stay out by its own clock."""
        filters: t.List[t.Any] = [{"terms": {"type": list(self.types)}}] if by_type else []
        filters += self._name_filters()
        if self.username is not None:
            filters.append({"term": {"username": self.username}})
        if self.realm is not None:
            filters.append({"term": {"realm_name": self.realm}})
        query: t.Dict[str, t.Any] = {"filter": filters}
        if self.active_only or self.expires_within_ms is not None:
            filters.append({"term": {"invalidated": False}})
            query["must_not"] = [{"range": {"expiration": {"lte": "now"}}}]
        return {"bool": query}

    def _name_filters(self) -> t.List[t.Any]:
        choices: t.List[t.Any] = []
        if self.names:
            choices.append({"terms": {"name": list(self.names)}})
        if self.prefix:
            choices.append({"prefix": {"name": {"value": self.prefix}}})
        if self.ids:
            choices.append({"ids": {"values": list(self.ids)}})
        return [{"bool": {"should": choices}}] if choices else []


def describe(entry: t.Mapping[str, t.Any], now_ms: int, live_by_server: bool) -> t.Dict[str, t.Any]:
    """A key as it is returned. `live_by_server`: the server has left out what it holds for dead."""
    key: t.Dict[str, t.Any] = {name: entry.get(name) for name in _COPIED}
    key["type"] = entry.get("type") or "rest"
    key["invalidated"] = bool(entry.get("invalidated"))
    key["metadata"] = dict(entry.get("metadata") or {})
    key["access"] = server_form(entry.get("access")) if key["type"] == KEY_TYPE else None
    key["certificate_identity"] = entry.get("certificate_identity") or None
    # Written when the key was made or last updated: a key that is older than a privilege lacks it.
    descriptor = (entry.get("role_descriptors") or {}).get("cross_cluster") if key["type"] == KEY_TYPE else None
    key["cluster_privileges"] = list(descriptor.get("cluster") or []) if descriptor else None
    left = None if key["expiration"] is None else key["expiration"] - now_ms
    expired = left is not None and left <= 0 and not live_by_server
    key["status"] = "revoked" if key["invalidated"] else "expired" if expired else "live"
    key["active"] = key["status"] == "live"
    key["expires_in_ms"] = left
    key["days_left"] = None if left is None else started_days(left)
    return key


def report(
    entries: t.Iterable[t.Mapping[str, t.Any]], wanted: Filter, now_ms: int, live_by_server: bool
) -> t.List[t.Dict[str, t.Any]]:
    """The keys that match, sorted by name and age."""
    keys = [describe(entry, now_ms, live_by_server) for entry in entries]
    keys = [key for key in keys if wanted.matches(key)]
    for key in keys:
        del key["expires_in_ms"]
    return sorted(keys, key=lambda key: (str(key["name"]), key["creation"] or 0, str(key["id"])))
