# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client cluster sees of its remote clusters. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import time
import typing as t

from .. import _diagnosis
from .._errors import InputError
from .._http.argspec import ArgumentSpec
from .._http.client import ElasticsearchClient
from .._nodes import list_nodes
from .._remote import state as remote_state
from .._remote.alias import alias_problem
from .._remote.requests import (
    probe,
    read_info,
    read_settings,
)
from .._remote.settings import read_aliases
from .._runner import Task

PARALLEL_NODES = 8
POLL_SECONDS = 1.0

SPEC = ArgumentSpec(
    {
        "alias": {"type": "str"},
        "probe": {"type": "bool", "default": False},
        "wait_connected": {"type": "int", "default": 0},
        "nodes": {"type": "bool", "default": False},
        "node_urls": {"type": "list", "elements": "str", "default": []},
    }
)

Remotes = t.List[t.Dict[str, t.Any]]


def look(client: ElasticsearchClient, params: t.Mapping[str, t.Any], states: t.Mapping[str, t.Any]) -> Remotes:
    """Everything as it is now; `retry` in it tells whether waiting may help."""
    only = params["alias"]
    info = read_info(client)
    aliases = sorted(alias for alias in {*info, *states} if only in (None, alias))
    remotes = [remote_state.describe(alias, info.get(alias), states.get(alias)) for alias in aliases]
    if params["probe"] and aliases:
        proofs = probe_all(client, aliases, only)
        for remote in remotes:
            remote["probe"] = _diagnosis.combine(proofs[remote["alias"]])
            remote["retry"] = all(found.ok or found.retry for _url, found in proofs[remote["alias"]])
    return remotes


def probe_all(
    client: ElasticsearchClient, aliases: t.Sequence[str], only: t.Optional[str]
) -> t.Dict[str, t.List[t.Tuple[str, _diagnosis.Diagnosis]]]:
    """Probe through every URL, some at a time."""
    # In a fixed order: the client moves URLs that do not answer to the back.
    urls = sorted(client.urls)
    with concurrent.futures.ThreadPoolExecutor(min(PARALLEL_NODES, len(urls))) as pool:
        found = list(pool.map(lambda url: probe(client.at(url), aliases, only), urls))
    return {alias: [(url, one[alias]) for url, one in zip(urls, found)] for alias in aliases}


def worth_waiting(remotes: Remotes, alias: t.Optional[str]) -> bool:
    """Whether something is not there yet that may come by itself."""
    if not remotes:
        return alias is not None
    return any(
        not remote["probe"]["ok"] and remote["retry"] if "probe" in remote else not remote["connected"]
        for remote in remotes
    )


def work(task: Task, client: ElasticsearchClient) -> t.Dict[str, t.Any]:
    """Read, wait when asked to, and describe."""
    params = task.params
    if params["alias"] is not None:
        problem = alias_problem(params["alias"])
        if problem:
            raise InputError(f"Nothing was read: {problem}.")
    if params["wait_connected"] < 0:
        raise InputError("wait_connected must be 0 or more.")
    end = time.monotonic() + params["wait_connected"]
    states = read_aliases(read_settings(client))
    remotes = look(client, params, states)
    while time.monotonic() < end and worth_waiting(remotes, params["alias"]):
        time.sleep(min(POLL_SECONDS, max(0.0, end - time.monotonic())))
        remotes = look(client, params, states)
    for remote in remotes:
        remote.pop("retry", None)
    listed = list_nodes(client, params["node_urls"])._asdict() if params["nodes"] else {}
    return {"changed": False, "remotes": remotes, **listed}
