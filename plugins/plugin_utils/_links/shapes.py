# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a module told has the form that the rest of a run relies on. Pure.

This file is private to the crosscluster.elasticsearch collection.

A node or server that somebody else controls, or a mistake in one, must not hold up the links of others: a result of
another form counts as one that failed.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import went_wrong

_NONE = type(None)
_TEXT, _NUMBER, _FLAG = (str, _NONE), (int, _NONE), (bool, _NONE)
_MAPPING = (dict, _NONE)


class MapOf(t.NamedTuple):
    """A dictionary with any names, and values of one form."""

    form: t.Any


_KEYSTORE = {
    "credentials": MapOf({"api_key_id": _TEXT, "encoded": _TEXT}),
    "node_name": _TEXT, "host_name": _TEXT, "modified": _NUMBER, "digest": _TEXT, "write_problem": _TEXT,
    "listed": {"url": _TEXT, "node_name": _TEXT},
}  # fmt: skip
_NODE = {
    "id": str,
    "name": str,
    "version": _TEXT,
    "roles": [str],
    "urls": [str],
    "http_addresses": [str],
    "started": _NUMBER,
}
_PROBE = {"ok": _FLAG, "cause": _TEXT, "reason": _TEXT, "advice": _TEXT}
_REMOTE = {
    "alias": str, "security_model": _TEXT, "addresses": [str], "server_name": _TEXT, "settings": _MAPPING,
    "probe": {**_PROBE, "nodes": [{**_PROBE, "url": _TEXT}]},
}  # fmt: skip
_KEY = {
    "id": str, "name": str, "type": _TEXT, "creation": _NUMBER, "expiration": _NUMBER, "invalidated": _FLAG,
    "username": _TEXT, "realm": _TEXT, "metadata": _MAPPING, "access": _MAPPING, "certificate_identity": _TEXT,
    "cluster_privileges": [str],
}  # fmt: skip
# A list that has something to say is there, whatever else is not.
_NEEDED = {
    "keystore_info": "credentials",
    "cross_cluster_api_key_info": "api_keys",
    "remote_cluster_info": "remotes",
}
SHAPES: t.Dict[str, t.Any] = {
    "keystore_info": _KEYSTORE,
    "keystore": {"settings": [{"name": str}], "digest": _TEXT},
    "cross_cluster_api_key_info": {
        "api_keys": [_KEY], "acting_user": {"name": str, "realm": _TEXT},
    },
    "cross_cluster_api_keys": {"api_keys": [{"name": str, "api_key": {"id": _TEXT, "expiration": _NUMBER}}]},
    "remote_cluster_info": {"remotes": [_REMOTE], "nodes": [_NODE], "nodes_problem": _TEXT},
    "remote_cluster": {"remotes": [{"alias": str}]},
    "reload_secure_settings": {"restart_required": _FLAG},
    "remote_access_role": {"operation": _TEXT},
    "remote_port_info": {
        "ports": [{"address": str, "cause": _TEXT, "trust": _TEXT, "reason": _TEXT}],
    },
    "cluster_info": {
        "version": _TEXT, "minimum_wire_compatibility_version": _TEXT, "build_flavor": _TEXT,
        "license": _MAPPING, "nodes": [{"name": str, "roles": [str]}],
    },
}  # fmt: skip


def checked(module: str, result: t.Any) -> t.Any:
    """The result of a module, or why it is none."""
    if went_wrong(result):
        return result
    needed = _NEEDED.get(module)
    if fits(SHAPES.get(module, {}), result) and (needed is None or result.get(needed) is not None):
        return result
    return {"failed": True, "msg": "what it told does not have the form of a result of {0}".format(module)}


def fits(form: t.Any, value: t.Any) -> bool:
    """What is missing fits; only texts that are named alone must be there."""
    if isinstance(form, MapOf):
        return value is None or (
            isinstance(value, t.Mapping)
            and all(isinstance(name, str) and fits(form.form, one) for name, one in value.items())
        )
    if isinstance(form, dict):
        return value is None or (
            isinstance(value, t.Mapping) and all(fits(one, value.get(name)) for name, one in form.items())
        )
    if isinstance(form, list):
        return value is None or (
            isinstance(value, (list, tuple)) and all(one is not None and fits(form[0], one) for one in value)
        )
    return isinstance(value, form)
