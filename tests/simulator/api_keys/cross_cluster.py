# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""POST and PUT /_security/cross_cluster/api_key (rules 1 and 2)."""

from __future__ import annotations

import re
from typing import Any

from .. import versions
from ..control import verb
from ..rest import java_regex, object_parser, time_value
from ..rest.errors import EsHttpError, illegal_argument, not_found
from ..rest.object_parser import OBJECT, STRING, Field
from ..rest.routing import Request, route
from ..rest.xcontent import Value
from ..security import license
from ..state import Cluster, Node, random_id
from . import access, model
from .model import ApiKey, Creator

_ACTION = "cluster:admin/xpack/security/cross_cluster/api_key/"


def _fields(node: Node, update: bool) -> dict[str, Field]:
    fields: dict[str, Field] = {"access": (("object",), access.parse), "metadata": OBJECT}
    if not update:
        fields["name"] = STRING
    if not update or node.has("update_expiration"):
        fields["expiration"] = STRING
    if node.has("certificate_identity"):
        fields["certificate_identity"] = (("string", "null") if update else ("string",)), _identity
    return fields


def _parse(request: Request, name: str, required: tuple[str, ...], update: bool) -> dict[str, Any]:
    fields = _fields(request.node, update)
    found = object_parser.parse(request.content(), name, fields, required)

    def build() -> dict[str, Any]:
        if "expiration" in found:
            found["expiration"] = time_value.parse_nanos(found["expiration"], "expiration")
        if "access" in found and not update:
            found["access"] = access.descriptor(found["access"], request.cluster.version)
        return found

    object_parser.build(name, build, found, fields)
    if "access" in found and update:  # built later there, and so not wrapped
        found["access"] = access.descriptor(found["access"], request.cluster.version)
    return found


def _identity(value: Value) -> str | None:
    pattern = value.value
    if pattern is None:
        return None
    try:
        java_regex.compile_pattern(pattern)
        return pattern
    except re.error as error:
        cause = EsHttpError(400, "pattern_syntax_exception", f"{error} near index {error.pos or 0}\n{pattern}")
        raise illegal_argument(
            f"Invalid certificate_identity format: [{pattern}]. Must be a valid regex.", cause
        ) from None


def _check_nodes(cluster: Cluster, verb_name: str, identity: bool) -> None:
    if not cluster.has("cross_cluster_api_key"):
        raise illegal_argument(
            f"all nodes must have version [8.10.0] or higher to support {verb_name} cross cluster API keys"
        )
    if identity and not cluster.has("certificate_identity"):
        raise illegal_argument(
            "all nodes must have version [9.3.0] or higher to support certificate identity for cross cluster API keys"
        )


@route("POST", "/_security/cross_cluster/api_key", body="required", feature="cross_cluster_api_key")
async def create(request: Request) -> tuple[int, Any]:
    license.require(request.cluster, license.REMOTE)
    payload = _parse(request, "cross_cluster_api_key_request", ("name", "access"), update=False)
    model.refuse(model.name_problems(request.node, payload["name"]) + model.metadata_problems(payload.get("metadata")))
    request.authorize(_ACTION + "create")
    if request.auth.api_key is not None:
        raise illegal_argument(
            "authentication via API key not supported: An API key cannot be used to create a cross-cluster API key"
        )
    model.check_enabled(request.cluster)
    _check_nodes(request.cluster, "creating", payload.get("certificate_identity") is not None)
    now = request.cluster.now_ms()
    key = model.store(
        request.cluster,
        ApiKey(
            model.new_id(request.cluster),
            payload["name"],
            "cross_cluster",
            random_id(16),
            now,
            Creator.of(request.auth),
            {access.ROLE: payload["access"]},
            request.cluster.version,
            model.expiration_from(now, payload.get("expiration")),
            payload.get("metadata"),
            certificate_identity=payload.get("certificate_identity"),
        ),
    )
    return 200, key.minted()


@route("PUT", "/_security/cross_cluster/api_key/{id}", body="required", feature="cross_cluster_api_key")
async def update(request: Request) -> tuple[int, Any]:
    license.require(request.cluster, license.REMOTE)
    payload = _parse(request, "update_cross_cluster_api_key_request_payload", (), update=True)
    with_identity = request.node.has("certificate_identity")
    problems = model.metadata_problems(payload.get("metadata")) + model.expiration_problems(payload)
    if "access" not in payload and payload.get("metadata") is None and "certificate_identity" not in payload:
        problems.append(
            "must update [access], [metadata], or [certificate_identity] for cross-cluster API keys"
            if with_identity
            else "must update either [access] or [metadata] for cross-cluster API keys"
        )
    for entry in payload["access"]["indices"] if "access" in payload else []:
        problems += [text for name in entry["names"] for text in _name_problems(request.node, name)]
    model.refuse(problems)
    request.authorize(_ACTION + "update")
    if request.auth.api_key is not None:
        raise illegal_argument("authentication via API key not supported: only the owner user can update an API key")
    model.check_enabled(request.cluster)
    _check_nodes(request.cluster, "updating", payload.get("certificate_identity") is not None)
    key = owned_key(request, request.path_params["id"])
    check_updatable(request.cluster, key, "cross_cluster")
    return 200, {"updated": apply(request, key, payload)}


def _name_problems(node: Node, name: str) -> list[str]:
    """Only an update minds."""
    if node.has("selectors_refused") and "::" in name:
        return [f"selectors [::] are not allowed in the index name expression [{name}]"]
    if node.has("names_refused") and "," in name:
        return [f"commas [,] are not allowed in the index name expression [{name}]"]
    if node.has("names_refused") and name.startswith("/") and not name[1:].endswith("/"):
        return [f"invalid regular expression pattern [{name}]"]
    return []


def owned_key(request: Request, key_id: str) -> ApiKey:
    """The key, if the effective user owns it: name and realm (or a realm of the same domain) must be the creator's."""
    key = request.cluster.keys.get(key_id)
    if key is None or not request.auth.same_owner(request.cluster, key.creator.username, key.creator.realm):
        raise not_found(f"no API key owned by requesting user found for ID [{key_id}]")
    return key


def check_updatable(cluster: Cluster, key: ApiKey, expected_type: str) -> None:
    if key.invalidated:
        raise illegal_argument(f"cannot update invalidated API key [{key.id}]")
    if key.expired(cluster.now_ms()):
        raise illegal_argument(f"cannot update expired API key [{key.id}]")
    if key.type != expected_type:
        raise illegal_argument(f"cannot update API key of type [{key.type}] while expected type is [{expected_type}]")


def apply(request: Request, key: ApiKey, payload: dict[str, Any], limited_by: dict[str, Any] | None = None) -> bool:
    """Write what differs; False when the server would call it a no-op (rule 2.1)."""
    cluster = request.cluster
    creator = Creator.of(request.auth)
    descriptors = {access.ROLE: payload["access"]} if "access" in payload else payload.get("role_descriptors")
    metadata = payload.get("metadata")
    expiration = model.expiration_from(cluster.now_ms(), payload.get("expiration"))
    changed = (
        "expiration" in payload
        or key.version != cluster.version
        or not _same_creator(key.creator, creator)
        or metadata is not None
        and (key.metadata is None or not model.same(metadata, key.metadata))
        or descriptors is not None
        and not model.same(descriptors, key.role_descriptors)
        or limited_by is not None
        and not model.same(limited_by, key.limited_by)
        or "certificate_identity" in payload
        and payload["certificate_identity"] != key.certificate_identity
    )
    if not changed:
        return False
    if "expiration" in payload:
        key.expiration = expiration
    if metadata is not None:
        key.metadata = metadata
    if descriptors is not None:
        key.role_descriptors = descriptors
    if limited_by is not None:
        key.limited_by = limited_by
    if "certificate_identity" in payload:
        key.certificate_identity = payload["certificate_identity"]
    key.creator, key.version = creator, cluster.version
    return True


def _same_creator(first: Creator, second: Creator) -> bool:
    simple = ("username", "realm", "realm_type", "full_name", "email")
    return all(getattr(first, name) == getattr(second, name) for name in simple) and model.same(
        first.metadata, second.metadata
    )


@verb("fill_keys")
async def fill_keys(
    cluster: Cluster,
    count: int,
    name_prefix: str = "filler-",
    type: str = "cross_cluster",
    username: str = "elastic",
    access_json: dict[str, Any] | None = None,
    name: str | None = None,
    expiration_seconds: int | None = None,
    metadata: dict[str, Any] | None = None,
) -> list[str]:
    """Thousands of keys at once; with `name` all of them share that name. Returns their ids."""
    user = cluster.security.find(username)
    if user is None:
        raise ValueError(f"no user [{username}]")
    creator = Creator(
        username,
        user.realm,
        {"reserved": "reserved", "default_file": "file"}.get(user.realm, "native"),
        user.full_name,
        user.email,
        dict(user.metadata),
    )
    entries = [{"names": ["logs-*"], "privileges": access.SEARCH_PRIVILEGES, "allow_restricted_indices": False}]
    if access_json is not None:
        from ..rest import xcontent

        role = access.descriptor(access.parse(xcontent.of_plain(access_json)), cluster.version)
    else:
        role = access.descriptor({"search": entries}, cluster.version)
    now = cluster.now_ms()
    made = []
    for number in range(count):
        descriptors = {access.ROLE: role} if type == "cross_cluster" else {}
        key = ApiKey(
            model.new_id(cluster),
            name or f"{name_prefix}{number:05d}",
            type,
            random_id(16),
            now,
            creator,
            descriptors,
            cluster.version,
            model.expiration_from(now, None if expiration_seconds is None else expiration_seconds * 10**9),
            metadata,
        )
        made.append(model.store(cluster, key).id)
    return made


@verb("mint_legacy_key")
async def mint_legacy_key(
    cluster: Cluster, name: str, access_json: dict[str, Any], username: str = "elastic", version: str = "8.13.0"
) -> dict[str, Any]:
    """A key as an older version would have stored it (without monitor_enrich; with DLS/FLS beside replication)."""
    from ..rest import xcontent

    ids = await fill_keys(cluster, 1, name=name, username=username)
    key = cluster.keys[ids[0]]
    old = versions.parse(version)
    key.role_descriptors = {access.ROLE: access.descriptor(access.parse(xcontent.of_plain(access_json)), old)}
    key.version = old
    return key.minted()
