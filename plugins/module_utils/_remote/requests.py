# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests about remote clusters that several modules make. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from .._diagnosis import Diagnosis, diagnose, diagnose_resolve, diagnose_search, refine, unsaid
from .._errors import EsBadRequest, EsConnectionError, EsError, InputError
from .._http.client import ElasticsearchClient
from .state import addresses_of, security_model

# What a cluster says of a login of its own; a key that the remote cluster refuses is one "for action [..]".
_REFUSED_HERE = re.compile(r"for REST request|with provided credentials")
# Causes that say little more than that the link does not work.
_UNCLEAR = ("authentication", "not_connected", "unknown")
# Nested, because the names of flat settings contain the dots that filter_path takes for levels.
_FILTER = ",".join(f"{section}.cluster.remote" for section in ("persistent", "transient", "defaults"))


def read_settings(client: ElasticsearchClient) -> t.Mapping[str, t.Any]:
    """Explicit settings of all remote clusters; `defaults` holds those of elasticsearch.yml that nothing overrides."""
    return client.request(
        "GET",
        "/_cluster/settings",
        params={"include_defaults": True, "filter_path": _FILTER},
        attempt="read the settings of remote clusters",
    ).body


def read_info(client: ElasticsearchClient) -> t.Mapping[str, t.Any]:
    """`_remote/info` of the first node that has connections to remote clusters."""
    attempt = "read the state of remote clusters"
    failure: t.Optional[EsError] = None
    for url in list(client.urls):
        # The first call may go to any node that is up; only a node without the role makes us ask the others.
        asked = client if failure is None else client.at(url)
        try:
            return asked.request("GET", "/_remote/info", attempt=attempt).body
        except EsBadRequest as e:
            if not e.says("remote_cluster_client"):
                raise
            failure = e
    if failure is None:
        raise InputError("urls is empty: give the address of at least one node.")
    failure.advice = "Name a node with the role remote_cluster_client in urls: only such nodes connect to others."
    raise failure


def probe(client: ElasticsearchClient, aliases: t.Sequence[str], only: t.Optional[str]) -> t.Dict[str, Diagnosis]:
    """A real request over each link, through the one node of this client: one request for all aliases."""
    try:
        body = client.request(
            "GET", f"/_resolve/cluster/{only or '*'}:*", attempt="send a request to the remote clusters"
        ).body
    except EsError as e:
        if e.says("no handler found", "incorrect HTTP method"):
            return {alias: _probe_by_search(client, alias) for alias in aliases}
        return {alias: _failure(e, alias) for alias in aliases}
    found = {}
    for alias in aliases:
        found[alias] = diagnose_resolve(body.get(alias), alias)
    if any(not diagnosis.ok for diagnosis in found.values()):
        _look_closer(client, found)
    return found


def _probe_by_search(client: ElasticsearchClient, alias: str) -> Diagnosis:
    # Elasticsearch before 8.13 has no _resolve/cluster.
    try:
        body = client.request(
            "GET", f"/{alias}:*/_search", params={"size": 0}, attempt=f"search the remote cluster [{alias}]"
        ).body
    except EsError as e:
        return _failure(e, alias)
    return diagnose_search(body, alias)


def _failure(e: EsError, alias: str) -> Diagnosis:
    if isinstance(e, EsConnectionError) or e.status is None or e.reason is None:
        return unsaid("node_unreachable", alias, str(e), True)
    if e.status == 401 and _REFUSED_HERE.search(e.reason):
        return unsaid("login_refused", alias, str(e))
    found = diagnose([f"{e.type}: {e.reason}" if e.type else e.reason, *e.causes], alias)
    unclear = found.cause in ("authentication", "key_lacks_access", "unknown")
    if unclear and e.status == 403 and "remote" not in e.reason:
        return unsaid("login_lacks_privilege", alias, str(e))
    return found


def _look_closer(client: ElasticsearchClient, found: t.Dict[str, Diagnosis]) -> None:
    """Only on the failing way: what a search is told, and how this very node tries to connect."""
    for alias, diagnosis in found.items():
        # _resolve/cluster tells that a key was refused, and a search tells why.
        if diagnosis.cause in _UNCLEAR:
            told = _probe_by_search(client, alias)
            if not told.ok and told.cause not in (*_UNCLEAR, "unreachable"):
                found[alias] = told
    try:
        info = client.request("GET", "/_remote/info", attempt="read the state of remote clusters").body
    except EsError:
        return
    for alias, diagnosis in found.items():
        entry = info.get(alias)
        if diagnosis.ok or entry is None:
            continue
        mode = str(entry.get("mode", "sniff")).lower()
        addresses = addresses_of(mode, entry.get("proxy_address"), entry.get("seeds"))
        found[alias] = refine(diagnosis, alias, security_model(entry), addresses)
