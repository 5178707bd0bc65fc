# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Licence levels, their API, and what a feature needs."""

from __future__ import annotations

from typing import Any

from ..rest.errors import EsHttpError, security_error
from ..rest.routing import Request, route
from ..state import Cluster, new_uuid

REMOTE = "advanced-remote-cluster-security"
TOKENS = "security-token-service"
_LEVELS = ["basic", "standard", "gold", "platinum", "enterprise", "trial"]
_NEEDS = {REMOTE: "enterprise", TOKENS: "standard"}
_TRIAL_MS = 30 * 24 * 3600 * 1000


def allowed(cluster: Cluster, feature: str) -> bool:
    if cluster.license == "expired":
        return False
    return _LEVELS.index(cluster.license) >= _LEVELS.index(_NEEDS[feature])


def refusal(feature: str) -> EsHttpError:
    return security_error(
        403, f"current license is non-compliant for [{feature}]", **{"license.expired.feature": feature}
    )


def require(cluster: Cluster, feature: str) -> None:
    if not allowed(cluster, feature):
        raise refusal(feature)


@route("GET", "/_license", params={"local", "accept_enterprise", "master_timeout"})
async def get_license(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:monitor/xpack/license/get")
    cluster = request.cluster
    expired = cluster.license == "expired"
    kind = "trial" if expired else cluster.license
    issued = cluster.extra.setdefault("license_issued", cluster.now_ms())
    body = {
        "status": "expired" if expired else "active",
        "uid": cluster.extra.setdefault("license_uid", new_uuid()),
        "type": kind,
        "issue_date": "2026-01-01T00:00:00.000Z",
        "issue_date_in_millis": issued,
        "max_nodes": None if kind == "enterprise" else 1000,
        "max_resource_units": 100 if kind == "enterprise" else None,
        "issued_to": cluster.name,
        "issuer": "elasticsearch",
        "start_date_in_millis": -1,
    }
    if kind == "trial":
        body["expiry_date_in_millis"] = issued + _TRIAL_MS
    return 200, {"license": body}


@route("GET", "/_license/basic_status", params={"master_timeout"})
async def basic_status(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:monitor/xpack/license/basic_status")
    return 200, {"eligible_to_start_basic": request.cluster.license != "basic"}


@route("GET", "/_license/trial_status", params={"master_timeout"})
async def trial_status(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:monitor/xpack/license/trial_status")
    return 200, {"eligible_to_start_trial": request.cluster.license == "basic"}


@route("POST", "/_license/start_basic", params={"acknowledge", "master_timeout", "timeout"})
async def start_basic(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:admin/xpack/license/start_basic")
    cluster = request.cluster
    if cluster.license == "basic":
        return 403, {
            "acknowledged": True,
            "basic_was_started": False,
            "error_message": "Operation failed: Current license is basic.",
        }
    if not request.flag("acknowledge"):
        text = (
            "This license update requires acknowledgement. To acknowledge the license, please read the "
            "following messages and call "
            '/start_basic again, this time with the "acknowledge=true" parameter:'
        )
        return 200, {
            "acknowledged": False,
            "basic_was_started": False,
            "error_message": "Operation failed: Needs acknowledgement.",
            "acknowledge": {
                "message": text,
                "security": ["The following X-Pack security functionality will be disabled: ..."],
            },
        }
    cluster.license = "basic"
    return 200, {"acknowledged": True, "basic_was_started": True}


@route("POST", "/_license/start_trial", params={"acknowledge", "type", "master_timeout"})
async def start_trial(request: Request) -> tuple[int, Any]:
    request.authorize("cluster:admin/xpack/license/start_trial")
    cluster = request.cluster
    kind = request.params.get("type", "trial")
    if kind not in ("trial", "platinum", "enterprise", "gold"):
        raise EsHttpError(
            400,
            "illegal_argument_exception",
            f"Cannot start trial of type [{kind}]. Valid trial types are [enterprise,gold,platinum,trial].",
        )
    if not request.flag("acknowledge"):
        text = (
            "This API initiates a free 30-day trial for all platinum features. By starting this trial, you "
            "agree that it is subject to "
            "the terms and conditions at https://www.elastic.co/legal/trial_license/. To begin your free trial, call "
            '/start_trial again and specify the "acknowledge=true" parameter.'
        )
        return 200, {
            "acknowledged": False,
            "trial_was_started": False,
            "error_message": "Operation failed: Needs acknowledgement.",
            "acknowledge": {"message": text},
        }
    # The clusters begin with a trial that stands for the first one; on a test cluster it may be started again once
    # it went basic.
    if cluster.license in ("trial", "enterprise", "platinum", "gold"):
        return 403, {
            "acknowledged": True,
            "trial_was_started": False,
            "error_message": "Operation failed: Trial was already activated.",
        }
    cluster.license = "trial"
    cluster.extra["license_issued"] = cluster.now_ms()
    return 200, {"acknowledged": True, "trial_was_started": True, "type": kind}
