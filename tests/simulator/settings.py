# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET and PUT /_cluster/settings (rules 5.1, 5.2, 5.7)."""

from __future__ import annotations

from typing import Any

from . import flat_settings, signing
from . import settings_catalog as catalog
from .errors import EsHttpError, illegal_argument, validation_error, x_content_error
from .routing import Request, route
from .state import Cluster, Node, fire

_COMMON = {"flat_settings", "master_timeout", "timeout"}


def effective(node: Node) -> dict[str, Any]:
    """What counts on one node: its file, overridden by persistent, overridden by transient settings."""
    return {**node.yml, **node.cluster.persistent, **node.cluster.transient}


@route("GET", "/_cluster/settings", params={*_COMMON, "include_defaults", "local"})
async def get_settings(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:monitor/settings")
    cluster, flat = request.cluster, request.flag("flat_settings")
    defaults = request.flag("include_defaults")
    body = {"persistent": _shown(cluster.persistent, flat), "transient": _shown(cluster.transient, flat)}
    if defaults:
        body["defaults"] = _shown(_defaults(request.node), flat)
    return 200, body


def _shown(settings: dict[str, Any], flat: bool) -> dict[str, Any]:
    visible = {key: value for key, value in settings.items() if not catalog.is_filtered(key)}
    return dict(sorted(visible.items())) if flat else flat_settings.nest(visible)


def _defaults(node: Node) -> dict[str, Any]:
    values: dict[str, Any] = {name: default for name, (_kind, default) in catalog.DYNAMIC.items()}
    values.update({name: default for name, default in catalog.STATIC.items() if name != "node.roles"})
    values.update(node.yml)
    explicit = {**node.cluster.persistent, **node.cluster.transient}
    hidden = (".ssl.key", "secure_")
    return {
        key: value for key, value in values.items() if key not in explicit and not any(part in key for part in hidden)
    }


@route("PUT", "/_cluster/settings", params=_COMMON, body="optional")
async def put_settings(request: Request) -> tuple[int, Any]:
    changes = _parse(request)
    request.authorize("cluster:admin/settings/update")
    if not changes["persistent"] and not changes["transient"]:
        raise validation_error(["no settings to update"])
    cluster = request.cluster
    transient = _updated(cluster, "transient", cluster.transient, changes["transient"])
    persistent = _updated(cluster, "persistent", cluster.persistent, changes["persistent"])
    for node in cluster.nodes:
        if node.running or node is request.node:
            merged = {**node.yml, **persistent, **transient}
            catalog.check_together(merged)
            signing.check_settings(node, merged, {*changes["persistent"], *changes["transient"]})
    cluster.persistent, cluster.transient = persistent, transient
    await fire("settings_changed", cluster)
    shown = {name: {key: value for key, value in changes[name].items() if value is not None} for name in changes}
    flat = request.flag("flat_settings")
    return 200, {
        "acknowledged": True,
        "persistent": _shown(shown["persistent"], flat),
        "transient": _shown(shown["transient"], flat),
    }


def _parse(request: Request) -> dict[str, dict[str, Any]]:
    content = request.content()
    if content.kind != "object":
        raise x_content_error(
            f"{content.at} [cluster_update_settings_request] Expected START_OBJECT but was: {content.token}"
        )
    changes: dict[str, dict[str, Any]] = {"persistent": {}, "transient": {}}
    for name, line, column, value in content.value:
        if name not in changes:
            raise x_content_error(f"[{line}:{column}] [cluster_update_settings_request] unknown field [{name}]")
        if value.kind != "object":
            raise x_content_error(
                f"{value.at} [cluster_update_settings_request] {name} doesn't support values of type: {value.token}"
            )
        changes[name] = flat_settings.flatten(value.plain())
    return changes


def _updated(cluster: Cluster, scope: str, current: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """One scope after the change; raises the server's refusals."""
    version = cluster.version
    result = dict(current)
    deletes = []
    for key, value in changes.items():
        kind = catalog.dynamic_kind(key, version)
        if value is None and (kind is not None or key.endswith("*")):
            deletes.append(key)
        elif kind is None:
            raise _refused(scope, key, cluster)
        else:
            catalog.check_value(key, kind, value)
            result[key] = value
    for key in deletes:
        kept = flat_settings.without(result, key)
        kept.update({name: changes[name] for name in result if changes.get(name) is not None})
        result = kept
    return result


def _refused(scope: str, key: str, cluster: Cluster) -> EsHttpError:
    if key.startswith("cluster.remote..") and key[len("cluster.remote..") :] in catalog.REMOTE:
        return illegal_argument("remote clusters must not have the empty string as its key")
    if key in catalog.FINAL:
        return illegal_argument(f"final {scope} setting [{key}], not updateable")
    if key in catalog.STATIC or catalog.is_secure(key, cluster.version):
        return illegal_argument(f"{scope} setting [{key}], not dynamically updateable")
    return illegal_argument(f"{scope} setting [{key}], not recognized")
