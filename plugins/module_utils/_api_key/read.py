# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests that read cross-cluster API keys. Private to this collection."""

from __future__ import annotations

import contextlib
import typing as t

from .._errors import EsBadRequest, EsError, EsPermissionError, InputError
from .._http.client import ElasticsearchClient
from .._versions import CROSS_CLUSTER_API_KEYS
from .key import KEY_TYPE, User

QUERY_PATH = "/_security/_query/api_key"
LAST_MOMENT = 253_402_300_799_999  # the end of the year 9999
PAGE = 10000  # the most a query returns at once; usually all there is

Entry = t.Dict[str, t.Any]


def find_live(client: ElasticsearchClient, name: str) -> t.List[Entry]:
    """The live cross-cluster API keys of exactly this name, as the server tells them: one request."""
    return find_all_live(client, [name])[name]


def find_all_live(client: ElasticsearchClient, names: t.Collection[str]) -> t.Dict[str, t.List[Entry]]:
    """Those of several names, by name: also one request."""
    attempt = "look for the API keys named " + ", ".join(f"'{name}'" for name in names)
    # Whether a key has expired is left to the clock of the server. `term` is exact where the `name` of the get-API-
    # key API takes a trailing * as a wildcard. The type can be asked for from 8.13 on only, and is told by all.
    named: t.Dict[str, t.Any] = (
        {"terms": {"name": sorted(names)}} if len(names) > 1 else {"term": {"name": [*names][0]}}
    )
    live = {
        "bool": {
            "filter": [named, {"term": {"invalidated": False}}],
            "must_not": [{"range": {"expiration": {"lte": "now"}}}],
        }
    }
    try:
        entries = query_keys(client, live, attempt)
    except EsBadRequest:
        with contextlib.suppress(EsError):
            _require_version(client.info(), CROSS_CLUSTER_API_KEYS, "cross-cluster API keys", attempt, client)
        raise
    found: t.Dict[str, t.List[Entry]] = {name: [] for name in names}
    for entry in entries:
        if entry.get("type") == KEY_TYPE and not entry.get("invalidated") and entry.get("name") in found:
            found[entry["name"]].append(entry)
    return found


def query_keys(client: ElasticsearchClient, query: t.Mapping[str, t.Any], attempt: str) -> t.List[Entry]:
    """All keys that the query matches, oldest first.

    Beyond 10 000 it goes on by date, which is exact but for a full page of keys made in the same millisecond.
    """
    found: t.Dict[str, Entry] = {}
    since: t.Optional[int] = None
    while True:
        filters: t.List[t.Any] = [query]
        if since is not None:
            filters.append({"range": {"creation": {"gte": since}}})
        body = {
            "query": query if since is None else {"bool": {"filter": filters}},
            "sort": [{"creation": {"order": "asc"}}],
            "size": PAGE,
        }
        try:
            answer = client.request("POST", QUERY_PATH, body=body, safe=True, attempt=attempt).body
        except EsPermissionError as exc:
            exc.advice = exc.advice or (
                "The user needs the cluster privilege read_security, manage_api_key or manage_security."
            )
            raise
        page = [checked(entry) for entry in answer.get("api_keys") or [] if isinstance(entry, dict)]
        fresh = [entry for entry in page if str(entry.get("id")) not in found]
        found.update((str(entry.get("id")), entry) for entry in fresh)
        if len(page) < PAGE or not fresh:
            return list(found.values())
        since = int(page[-1].get("creation") or 0)


def checked(entry: Entry) -> Entry:
    """A key as the server tells it, with times that are times."""
    for name in ("creation", "expiration", "invalidation"):
        if entry.get(name) is not None:
            entry[name] = a_time(entry[name])
    return entry


def a_time(value: t.Any) -> int:
    """Milliseconds, within what calendars can show."""
    return min(max(value, 0), LAST_MOMENT) if isinstance(value, int) else 0


def login_user(client: ElasticsearchClient) -> t.Optional[User]:
    """The user the requests act as, where the login tells."""
    return User(client.login.user) if client.login.user else None


def who_acts(
    client: ElasticsearchClient,
    entries: t.Sequence[t.Mapping[str, t.Any]] = (),
    expected: t.Optional[t.Collection[str]] = None,
) -> User:
    """The user the requests act as.

    Asked only where the login does not tell, or where keys of two users of this name must be told apart: they are of
    two realms, or there are others than the `expected` ones, whose realm may be another one.
    """
    known = login_user(client)
    mine = [entry for entry in entries if known and entry.get("username") == known.name]
    strange = [entry for entry in mine if expected is not None and entry.get("id") not in expected]
    if known and not strange and len({entry.get("realm") for entry in mine}) <= 1:
        return known
    body = client.request("GET", "/_security/_authenticate", attempt="find out which user the login belongs to").body
    # With run_as, the keys belong to the user that was looked up. The realm of an API key is none that keys belong to.
    realm = body.get("lookup_realm") or body.get("authentication_realm") or {}
    return User(str(body.get("username")), None if body.get("authentication_type") == "api_key" else realm.get("name"))


def _require_version(
    info: t.Any, least: t.Tuple[int, int], what: str, attempt: str, client: ElasticsearchClient
) -> None:
    if info.serverless:
        raise InputError(
            f"Cannot {attempt} at {client.cluster}: Elasticsearch Serverless has no cross-cluster API keys; it links "
            "projects "
            "with cross-project search."
        )
    if info.version < least:
        raise InputError(
            f"Cannot {attempt} at {client.cluster}: {what} need Elasticsearch {least[0]}.{least[1]} or newer, and "
            "this cluster has "
            f"{info.number}."
        )
