# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /_security/api_key (rule 3.1)."""

from __future__ import annotations

from typing import Any

from ..rest.errors import illegal_argument
from ..rest.routing import Request, route
from ..security import authorization
from . import model

_ACTION = "cluster:admin/xpack/security/api_key/get"
_SINCE = {"active_only": "cross_cluster_api_key", "with_profile_uid": "realm_type"}


@route(
    "GET",
    "/_security/api_key",
    params={"id", "name", "username", "realm_name", "owner", "with_limited_by", "active_only", "with_profile_uid"},
)
async def get_keys(request: Request) -> tuple[int, Any]:
    for name, feature in _SINCE.items():
        if name in request.query and not request.node.has(feature):
            raise illegal_argument(f"request [{request.raw_path}] contains unrecognized parameter: [{name}]")
    key_id, name, username, realm = (_given(request, field) for field in ("id", "name", "username", "realm_name"))
    owner, active_only, with_limited_by = (
        request.flag("owner"),
        request.flag("active_only"),
        request.flag("with_limited_by"),
    )
    request.flag("with_profile_uid")
    problems = []
    if (key_id or name) and (username or realm):
        problems.append("username or realm name must not be specified when the api key id or api key name is specified")
    if owner and (username or realm):
        problems.append("neither username nor realm-name may be specified when retrieving owned API keys")
    if key_id and name:
        problems.append("only one of [api key id, api key name] can be specified")
    model.refuse(problems)
    auth = request.auth
    own_id = auth.api_key is not None and key_id == auth.api_key.id and not with_limited_by
    own = owner or own_id or (username == auth.username and realm is not None and realm == auth.realm)
    authorization.authorize_cluster(request.cluster, auth, _ACTION, request, own=own)
    model.check_enabled(request.cluster)
    owner_name = owner_realms = None
    if owner:
        creator = model.Creator.of(auth)
        owner_name, owner_realms = creator.username, request.cluster.security.same_owner_realms(creator.realm)
    now = request.cluster.now_ms()
    found = []
    candidates = request.cluster.keys.values()
    if key_id:
        candidates = [request.cluster.keys[key_id]] if key_id in request.cluster.keys else []
    for key in candidates:
        if (
            (name and not model.matches_name(key.name, name))
            or (username and key.creator.username != username)
            or (realm and key.creator.realm != realm)
            or (active_only and not key.active(now))
            or (owner and (key.creator.username != owner_name or key.creator.realm not in owner_realms))
        ):
            continue
        found.append(key.shown(request.node, with_limited_by))
    return (404 if key_id and not found else 200), {"api_keys": found}


def _given(request: Request, name: str) -> str | None:
    """A blank value counts as not given."""
    value = request.query.get(name)
    return value if value and value.strip() else None
