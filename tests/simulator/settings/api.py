# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET and PUT /_cluster/settings (rules 5.1, 5.2, 5.7)."""

from __future__ import annotations

from typing import Any

from ..link import signing
from ..rest.errors import EsHttpError, illegal_argument, validation_error
from ..rest.routing import Request, dumps, route
from ..state import Cluster, Node, fire
from . import catalog
from . import flat as flat_settings

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
    return _form({key: value for key, value in settings.items() if not catalog.is_filtered(key)}, flat)


def _form(settings: dict[str, Any], flat: bool) -> dict[str, Any]:
    return dict(sorted(settings.items())) if flat else flat_settings.nest(settings)


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
    if not changes["persistent"] and not changes["transient"]:
        raise validation_error(["no settings to update"])
    request.authorize("cluster:admin/settings/update")
    cluster = request.cluster
    transient = _updated(cluster, "transient", cluster.transient, changes["transient"])
    persistent = _updated(cluster, "persistent", cluster.persistent, changes["persistent"])
    for scope in (transient, persistent):  # each must be consistent by itself
        catalog.check_together(scope)
    for node in cluster.nodes:
        if node.running or node is request.node:
            merged = {**node.yml, **persistent, **transient}
            changed = {*changes["persistent"], *changes["transient"]}
            signing.check_update(node, merged, changed, master=node is request.node)
    cluster.persistent, cluster.transient = persistent, transient
    await fire("settings_changed", cluster)
    shown = {name: {key: value for key, value in changes[name].items() if value is not None} for name in changes}
    flat = request.flag("flat_settings")
    return 200, {
        "acknowledged": True,
        # Here, and only here, what is filtered shows.
        "persistent": _form(shown["persistent"], flat),
        "transient": _form(shown["transient"], flat),
    }


def _parse(request: Request) -> dict[str, dict[str, Any]]:
    """Only the two scopes are looked at, and what is wrong in them is told as a failure of the server."""
    body = request.json()
    changes: dict[str, dict[str, Any]] = {"persistent": {}, "transient": {}}
    for name in changes.keys() & body if isinstance(body, dict) else ():
        tree = body[name]
        if tree is not None and not isinstance(tree, dict):
            kind = {str: "java.lang.String", list: "java.util.ArrayList"}.get(type(tree), "java.lang.Number")
            raise EsHttpError(500, "class_cast_exception", f"class {kind} cannot be cast to class java.util.Map")
        try:
            if tree is None:
                raise ValueError("expecting token of type [START_OBJECT] but found [VALUE_NULL]")
            changes[name] = flat_settings.flatten(tree)
        except ValueError as error:
            cause = EsHttpError(500, "illegal_state_exception", str(error))
            raise EsHttpError(
                500, "settings_exception", f"Failed to load settings from [{dumps(tree)}]", cause
            ) from None
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
    if key in catalog.STATIC or catalog.is_secure(key, cluster.version):
        return illegal_argument(f"{scope} setting [{key}], not dynamically updateable")
    return illegal_argument(f"{scope} setting [{key}], not recognized")
