# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request log of a cluster: what was asked, by whom, and what was answered; secrets are masked before they are
kept."""

from __future__ import annotations

import base64
import json
from typing import Any

from ..state import Node

_SECRET_KEYS = {
    "password",
    "secure_settings_password",
    "token",
    "access_token",
    "refresh_token",
    "api_key",
    "encoded",
    "password_hash",
    "kerberos_ticket",
}
_MASK = "***"
WRITES = {"POST", "PUT", "DELETE", "PATCH"}
# POST requests that only read
READING_POSTS = ("_search", "_count", "_query/api_key", "_has_privileges", "_query/user", "_query/role", "_mget")


def masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _MASK if key in _SECRET_KEYS and isinstance(item, str) else masked(item) for key, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


class Entry:
    __slots__ = ("body", "fault", "method", "node", "status", "uri", "user")

    def __init__(self, node: Node, method: str, uri: str) -> None:
        self.node = node
        self.method = method
        self.uri = uri
        self.body = b""
        self.user: str | None = None
        self.status: int | None = None  # None: no answer was sent
        self.fault: str | None = None

    def write(self) -> None:
        self.node.cluster.extra.setdefault("log", []).append(self)

    def shown(self) -> dict[str, Any]:
        path, _mark, query = self.uri.partition("?")
        body: Any = None
        if self.body:
            try:
                body = masked(json.loads(self.body))
            except ValueError:
                body = f"<{len(self.body)} bytes>"
        shown = {
            "node": self.node.name,
            "method": self.method,
            "path": path,
            "query": query,
            "body": body,
            "user": self.user,
            "status": self.status,
        }
        if self.fault is not None:
            shown["fault"] = self.fault
        return shown


def is_write(method: str, path: str) -> bool:
    return method in WRITES and not path.endswith(READING_POSTS)


def entries(log: list[Entry], writes_only: bool = False) -> list[dict[str, Any]]:
    return [entry.shown() for entry in log if not writes_only or is_write(entry.method, entry.uri.partition("?")[0])]


def basic_user(header: str | None) -> str | None:
    """The name in a Basic header, so that a failed login is logged with the user it tried."""
    if not header or not header.startswith("Basic "):
        return None
    try:
        return base64.b64decode(header[6:]).decode().partition(":")[0]
    except ValueError:
        return None
