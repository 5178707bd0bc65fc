# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reload of secure settings. Private to this collection."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from .._errors import EsApiError, InputError
from .._http.argspec import ArgumentSpec
from .._http.client import ElasticsearchClient
from .._reload import (
    call_advice,
    read_answer,
    summarise,
)
from .._remote.alias import alias_of_credentials
from .._runner import Task
from .._versions import RELOADABLE_CREDENTIALS, parse

SPEC = ArgumentSpec(
    {
        "node_ids": {"type": "list", "elements": "str"},
        "keystore_password": {"type": "str", "no_log": True},
        "expect_settings": {"type": "list", "elements": "str"},
    }
)


def node_path(node_ids: t.Optional[t.Sequence[str]]) -> str:
    """The part of the path that selects nodes."""
    if not node_ids:
        return ""
    for node_id in node_ids:
        if not node_id.strip() or "/" in node_id:
            raise InputError(f"[{node_id}] in node_ids selects no node: give ids, names, addresses or filters.")
    return "/" + ",".join(quote(node_id.strip(), safe="*_-.:") for node_id in node_ids)


def list_nodes(client: ElasticsearchClient, where: str) -> t.List[t.Dict[str, t.Any]]:
    """The nodes that would reload."""
    answer = client.request(
        "GET", f"/_nodes{where}", params={"filter_path": "nodes.*.name"}, attempt="list the nodes of the cluster"
    )
    nodes = answer.body.get("nodes") or {}
    found = [{"id": node_id, "name": node.get("name")} for node_id, node in nodes.items()]
    return sorted(found, key=lambda node: str(node["name"]))


def oldest_version(client: ElasticsearchClient, where: str) -> t.Tuple[int, ...]:
    """Of all nodes: in the middle of an upgrade the one that answers may be newer than the others."""
    attempt = "find out the versions of the nodes"
    answer = client.request("GET", f"/_nodes{where}", params={"filter_path": "nodes.*.version"}, attempt=attempt)
    versions = [parse(str(node.get("version"))) for node in (answer.body.get("nodes") or {}).values()]
    return min(versions, default=RELOADABLE_CREDENTIALS)


def reload(client: ElasticsearchClient, where: str, password: t.Optional[str]) -> t.Mapping[str, t.Any]:
    """The request. It may be repeated: reading a keystore twice does no harm."""
    # The cluster gives up on a node before we give up on the cluster, so that the answer names the node.
    wait = max(1, int(client.timeout * 0.8))
    try:
        answer = client.request(
            "POST",
            f"/_nodes{where}/reload_secure_settings",
            params={"timeout": f"{wait}s"},
            body={"secure_settings_password": password} if password else None,
            safe=True,
            attempt="reload the secure settings",
        )
    except EsApiError as e:
        e.advice = call_advice([e.reason or "", *e.causes]) or e.advice
        raise
    return answer.body


def work(task: Task, client: ElasticsearchClient) -> t.Dict[str, t.Any]:
    """Reload, or tell what would reload."""
    params = task.params
    where = node_path(params["node_ids"])
    expected = params["expect_settings"] or []
    result: t.Dict[str, t.Any] = {"changed": True, "verified": None, "restart_required": False}
    if task.check_mode:
        result["nodes"] = list_nodes(client, where)
        total = len(result["nodes"])
    else:
        password = params["keystore_password"]
        outcome = read_answer(reload(client, where, password), expected, bool(password))
        result["nodes"], total = outcome.nodes, outcome.total
        if outcome.failures:
            raise InputError(
                summarise(outcome.failures, total, client.cluster),
                nodes=outcome.nodes,
                failed_nodes=[failure.as_dict() for failure in outcome.failures],
            )
        if outcome.tells_names:
            result["verified"] = True
    if not total:
        raise InputError(f"node_ids {params['node_ids']} selects no node of {client.cluster}, so none was reloaded.")
    remote = [name for name in expected if alias_of_credentials(name) is not None]
    oldest = oldest_version(client, where) if remote and result["verified"] is None else RELOADABLE_CREDENTIALS
    if oldest < RELOADABLE_CREDENTIALS:
        result["restart_required"] = True
        task.warn(
            f"Elasticsearch {'.'.join(map(str, oldest))} takes over {', '.join(remote)} only when it starts:"
            " restart each node (from 8.13 on a reload is enough)."
        )
    return result
