# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One picture per alias from `_remote/info` and the settings. Pure. Private to this collection."""

from __future__ import annotations

import typing as t

from .settings import State, plain


def describe(alias: str, info: t.Optional[t.Mapping[str, t.Any]], state: t.Optional[State]) -> t.Dict[str, t.Any]:
    """What the node that answered says about an alias (`info`), and what is configured for it (`state`)."""
    settings = plain(state) if state else {}
    if info is None:
        # Configured, but the node that answered has no connection object for it.
        mode = str(settings.get("mode", "sniff")).lower()
        address = settings.get("proxy_address")
        return {
            "alias": alias,
            "connected": False,
            "mode": mode,
            "security_model": None,
            "addresses": addresses_of(mode, address, settings.get("seeds")),
            "server_name": settings.get("server_name"),
            "skip_unavailable": _bool(settings.get("skip_unavailable")),
            "connections": 0,
            "settings": settings,
        }
    mode = str(info.get("mode", "sniff")).lower()
    return {
        "alias": alias,
        "connected": bool(info.get("connected")),
        "mode": mode,
        "security_model": security_model(info),
        "addresses": addresses_of(mode, info.get("proxy_address"), info.get("seeds")),
        "server_name": info.get("server_name") or None,
        "skip_unavailable": _bool(info.get("skip_unavailable")),
        "connections": info.get("num_nodes_connected", info.get("num_proxy_sockets_connected")),
        "settings": settings,
    }


def security_model(info: t.Mapping[str, t.Any]) -> str:
    """Elasticsearch shows (redacted) credentials only for connections of the API key model."""
    return "api_key" if info.get("cluster_credentials") else "certificate"


def addresses_of(mode: str, proxy_address: t.Optional[str], seeds: t.Optional[t.Sequence[str]]) -> t.List[str]:
    """Where the link points."""
    if mode == "proxy":
        return [proxy_address] if proxy_address else []
    return list(seeds or [])


def _bool(value: t.Any) -> t.Optional[bool]:
    if value is None or isinstance(value, bool):
        return value
    return str(value).lower() == "true"
