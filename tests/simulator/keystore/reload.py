# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""POST /_nodes/reload_secure_settings (rules 6.2)."""

from __future__ import annotations

from typing import Any

from .. import node_log
from ..control import verb
from ..documents import info
from ..link import client as link_client
from ..rest.errors import EsHttpError, x_content_error
from ..rest.routing import Request, route
from ..security import authorization
from ..state import Cluster, Node
from . import hooks as keystore_hooks

_RELOAD = "cluster:admin/xpack/security/remote_cluster_credentials/reload"
_NO_TLS = (
    "Secure settings cannot be updated cluster wide when TLS for the transport layer is not "
    "enabled. Enable TLS or use the API "
    "with a `_local` filter on each node."
)


@route(
    "POST",
    "/_nodes/reload_secure_settings",
    "/_nodes/{node_id}/reload_secure_settings",
    params={"timeout"},
    body="optional",
)
async def reload(request: Request) -> tuple[int, Any]:
    password = _password(request)
    request.authorize("cluster:admin/nodes/reload_secure_settings")
    cluster, expression = request.cluster, request.path_params.get("node_id")
    nodes = info.node_filter(request, expression)
    if (
        password
        and len(nodes) > 1
        and any(node.yml.get("xpack.security.transport.ssl.enabled") != "true" for node in nodes)
    ):
        raise EsHttpError(500, "exception", _NO_TLS)
    unreachable = _unreachable(cluster, expression)
    results: dict[str, Any] = {}
    for node in nodes:
        result: dict[str, Any] = {"name": node.name}
        try:
            result.update(await _reload(request, node, password))
        except EsHttpError as error:
            node_log.warn(node, f"failed to reload secure settings: {error.reason}")
            result["reload_exception"] = error.fields()
        results[node.id] = result
    return 200, {
        "_nodes": info.nodes_header(len(nodes) + unreachable, unreachable),
        "cluster_name": cluster.name,
        "nodes": results,
    }


def _password(request: Request) -> str:
    if not request.raw.strip():
        return ""
    content = request.content()
    if content.kind != "object":
        raise x_content_error(f"{content.at} [reload_secure_settings] Expected START_OBJECT but was: {content.token}")
    password = ""
    for name, line, column, value in content.value:
        if name != "secure_settings_password":
            raise x_content_error(f"[{line}:{column}] [reload_secure_settings] unknown field [{name}]")
        if value.kind != "string":
            raise x_content_error(
                f"{value.at} [reload_secure_settings] secure_settings_password doesn't support values of type: "
                f"{value.token}"
            )
        password = value.value
    return password


def _unreachable(cluster: Cluster, expression: str | None) -> int:
    """Nodes the cluster has just lost but still counts: only while a test says so."""
    lost: set[str] = cluster.extra.get("unreachable", set())
    return len(
        [
            node
            for node in cluster.nodes
            if node.name in lost
            and not node.running
            and (
                not expression
                or expression == "_all"
                or node.name in expression.split(",")
                or node.id in expression.split(",")
            )
        ]
    )


async def _reload(request: Request, node: Node, password: str) -> dict[str, Any]:
    planned = node.cluster.extra.get("fail_reload", {})
    if node.name in planned:
        planned[node.name]["times"] -= 1
        reason = planned[node.name]["reason"]
        if planned[node.name]["times"] == 0:
            del planned[node.name]
        raise EsHttpError(500, "illegal_state_exception", reason)
    secure = keystore_hooks.load(node, password, check=node.has("reload_checks_names"))
    old_credentials = dict(node.credentials)
    node.secure = secure  # type: ignore[attr-defined]
    details = keystore_hooks.details(node, secure) if node.has("reload_details") else {}
    if node.has("reload_remote_credentials"):
        # 8.13.0-8.15.0 ran this step as the caller instead of as the system.
        as_caller = not node.has("reload_needs_only_manage")
        if as_caller and not authorization.has_cluster(node.cluster, request.auth, _RELOAD):
            denied = authorization.denied(node.cluster, request.auth, _RELOAD, ["manage_security", "all"], "cluster")
            text = "secure settings reload failed for one or more security components"
            raise EsHttpError(500, "exception", text, suppressed=[denied.fields()])
        node.credentials = keystore_hooks.credentials(secure)
        changed = set(old_credentials) ^ set(node.credentials)
        for alias in sorted(changed - set(link_client.wanted(node))):
            node_log.info(node, f"no connection rebuild required for remote cluster [{alias}] after credentials change")
        if changed:
            node_log.info(node, f"rebuilding [{len(changed)}] connections after credentials update")
        # A value that changed is used by the next request; only a credential that came or went rebuilds.
        await link_client.refresh(node, rebuild=changed)
    return details


@verb("fail_reload")
async def fail_reload(
    cluster: Cluster, node: str, reason: str = "plugin [simulated] failed to reload", times: int = 1
) -> None:
    """The node answers everything else but reports this from its reload; times=0: for good."""
    cluster.extra.setdefault("fail_reload", {})[cluster.node(node).name] = {"reason": reason, "times": times}


@verb("unreachable_node")
async def unreachable_node(cluster: Cluster, node: str, unreachable: bool = True) -> None:
    """A stopped node that the cluster still counts, so that a reload reports it as failed."""
    names = cluster.extra.setdefault("unreachable", set())
    (names.add if unreachable else names.discard)(cluster.node(node).name)
