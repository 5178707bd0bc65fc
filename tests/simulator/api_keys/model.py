# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is stored of an API key, and how it is shown."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from .. import versions
from ..rest.errors import EsHttpError, validation_error
from ..security.authentication import Authentication
from ..state import Cluster, Node, random_id
from . import access

RETENTION_MS = 7 * 24 * 3600 * 1000
_WHITESPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f "  # what Java calls so: no-break spaces are none
_MAX_INSTANT_MS = 31556889864403199 * 1000


@dataclass
class Creator:
    username: str
    realm: str
    realm_type: str
    full_name: str | None = None
    email: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, auth: Authentication) -> Creator:
        if auth.api_key is not None:
            source = auth.api_key.creator
            return cls(
                source.username, source.realm, source.realm_type, source.full_name, source.email, dict(source.metadata)
            )
        return cls(auth.username, auth.realm, auth.realm_type, auth.full_name, auth.email, dict(auth.metadata))


@dataclass
class ApiKey:
    id: str
    name: str
    type: str
    secret: str
    creation: int
    creator: Creator
    role_descriptors: dict[str, Any]
    version: versions.Version
    expiration: int | None = None
    metadata: dict[str, Any] | None = None  # None: never given, which an update tells from {}
    limited_by: dict[str, Any] = field(default_factory=dict)
    certificate_identity: str | None = None
    invalidated: bool = False
    invalidation: int | None = None

    def expired(self, now: int) -> bool:
        return self.expiration is not None and self.expiration <= now

    def active(self, now: int) -> bool:
        return not self.invalidated and not self.expired(now)

    @property
    def encoded(self) -> str:
        return base64.b64encode(f"{self.id}:{self.secret}".encode()).decode()

    def shown(self, node: Node, with_limited_by: bool = False) -> dict[str, Any]:
        """One entry of GET and query answers."""
        body: dict[str, Any] = {"id": self.id, "name": self.name}
        if node.has("cross_cluster_api_key"):
            body["type"] = self.type
        body["creation"] = self.creation
        if self.expiration is not None:
            body["expiration"] = self.expiration
        body["invalidated"] = self.invalidated
        if self.invalidated and node.has("invalidation_time"):
            body["invalidation"] = self.invalidation
        body["username"] = self.creator.username
        body["realm"] = self.creator.realm
        if node.has("realm_type"):
            body["realm_type"] = self.creator.realm_type
        body["metadata"] = self.metadata or {}
        body["role_descriptors"] = self.role_descriptors
        if self.type == "rest" and with_limited_by:
            body["limited_by"] = [self.limited_by]
        if self.type == "cross_cluster":
            body["access"] = access.shown(self.role_descriptors[access.ROLE])
            if self.certificate_identity is not None and node.has("certificate_identity"):
                body["certificate_identity"] = self.certificate_identity
        return body

    def minted(self) -> dict[str, Any]:
        """The answer to a create request: the only time the secret is shown."""
        body: dict[str, Any] = {"id": self.id, "name": self.name}
        if self.expiration is not None:
            body["expiration"] = self.expiration
        return {**body, "api_key": self.secret, "encoded": self.encoded}


def new_id(cluster: Cluster) -> str:
    while True:
        key_id = random_id(15)
        if key_id not in cluster.keys:
            return key_id


def store(cluster: Cluster, key: ApiKey) -> ApiKey:
    cluster.keys[key.id] = key
    cluster.extra["keys_changed"] = cluster.extra.get("keys_changed", 0) + 1
    return key


def expiration_from(now: int, nanos: int | None) -> int | None:
    """Whole seconds from now, truncated."""
    if nanos is None:
        return None
    expiration = now + abs(nanos) // 10**9 * (-1000 if nanos < 0 else 1000)
    if expiration > _MAX_INSTANT_MS:
        raise EsHttpError(500, "date_time_exception", "Instant exceeds minimum or maximum instant")
    if expiration >= 2**63:
        raise EsHttpError(500, "arithmetic_exception", "long overflow")
    return expiration


def expiration_problems(payload: dict[str, Any]) -> list[str]:
    """Of an update: creating a key that is expired is fine."""
    return ["API key expiration must be in the future"] if payload.get("expiration", 1) <= 0 else []


def name_problems(node: Node, name: str) -> list[str]:
    if not name:
        return ["api key name is required"]
    problems = []
    if len(name) > 256:
        problems.append("api key name may not be more than 256 characters long")
    if name != name.strip(_WHITESPACE):
        problems.append("api key name may not begin or end with whitespace")
    if name.startswith("_"):
        problems.append("api key name may not begin with an underscore")
    return problems[:1] if node.has("one_name_problem") else problems


def metadata_problems(metadata: dict[str, Any] | None) -> list[str]:
    if metadata is not None and any(key.startswith("_") for key in metadata):
        return ["API key metadata keys may not start with [_]"]
    return []


def refuse(problems: list[str]) -> None:
    if problems:
        raise validation_error(problems)


def same(first: Any, second: Any) -> bool:
    """Java's equality of maps: 1 and 1.0 differ, the order of keys does not matter, the order of lists does."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def check_enabled(cluster: Cluster) -> None:
    if not cluster.security.api_keys_enabled:
        raise EsHttpError(
            400, "feature_not_enabled_exception", "api keys are not enabled", **{"disabled.feature": "api_keys"}
        )


def matches_name(name: str, pattern: str) -> bool:
    """A trailing * makes a prefix; nothing else is special."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
