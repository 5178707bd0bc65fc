# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, roles, tokens and licence of a cluster, and who may do what."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import Any

REALM_TYPES = {
    "reserved": "reserved",
    "default_file": "file",
    "default_native": "native",
    "_es_api_key": "_es_api_key",
    "default_pki": "pki",
}


@dataclass
class User:
    username: str
    roles: list[str]
    realm: str = "default_native"
    full_name: str | None = None
    email: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    enabled: bool = True
    salt: bytes = b""
    digest: bytes = b""

    def set_password(self, password: str) -> None:
        # Salted SHA-256 instead of bcrypt: a test double must answer hundreds of requests a second.
        self.salt = os.urandom(8)
        self.digest = hashlib.sha256(self.salt + password.encode("utf-8", "surrogatepass")).digest()

    def check_password(self, password: str) -> bool:
        return hashlib.sha256(self.salt + password.encode("utf-8", "surrogatepass")).digest() == self.digest


class Security:
    """Users are kept per realm, in the order the realms are asked."""

    def __init__(self) -> None:
        self.realms: dict[str, dict[str, User]] = {"reserved": {}, "default_file": {}, "default_native": {}}
        self.roles: dict[str, dict[str, Any]] = {}
        self.domains: list[set[str]] = []  # realms that share a security domain
        self.api_keys_enabled = True

    def find(self, username: str) -> User | None:
        for users in self.realms.values():
            if username in users:
                return users[username]
        return None

    def same_owner_realms(self, realm: str) -> set[str]:
        for domain in self.domains:
            if realm in domain:
                return set(domain)
        return {realm}

    def add(self, username: str, password: str, roles: list[str], realm: str = "default_native", **fields: Any) -> User:
        user = User(username, roles, realm, **fields)
        user.set_password(password)
        self.realms.setdefault(realm, {})[username] = user
        return user
