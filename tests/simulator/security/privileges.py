# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named privileges and the actions they grant: data only. Order is from narrow to wide, as the server's messages
list them."""

from __future__ import annotations

from fnmatch import fnmatchcase

from ..versions import Version

_SECURITY = "cluster:admin/xpack/security/"
_READ_SECURITY = tuple(
    _SECURITY + name
    for name in (
        "api_key/get",
        "api_key/query",
        "privilege/builtin/get",
        "privilege/get",
        "profile/get",
        "profile/has_privileges",
        "profile/suggest",
        "role/get",
        "role/query",
        "role_mapping/get",
        "service_account/credential/get*",
        "service_account/get",
        "user/get",
        "user/query",
        "user/has_privileges",
        "user/list_privileges",
        "realm/cache*",
        "settings/get",
    )
)

# name -> (granted patterns, excluded patterns)
CLUSTER: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "none": ((), ()),
    "cancel_task": (("cluster:admin/tasks/cancel",), ()),
    "cross_cluster_search": (
        (
            "cluster:internal/remote_cluster/handshake",
            "cluster:internal/remote_cluster/nodes",
            "cluster:monitor/main",
            "cluster:monitor/nodes/info",
        ),
        (),
    ),
    "cross_cluster_replication": (
        (
            "cluster:internal/remote_cluster/handshake",
            "cluster:internal/remote_cluster/nodes",
            "cluster:monitor/state",
            "cluster:monitor/nodes/info",
        ),
        (),
    ),
    "grant_api_key": ((_SECURITY + "api_key/grant*",), ()),
    "manage_own_api_key": ((), ()),  # decided in authorization.py, it depends on the request
    "manage_autoscaling": (("cluster:admin/autoscaling/*",), ()),
    "manage_behavioral_analytics": (("cluster:admin/xpack/application/analytics/*",), ()),
    "manage_ccr": (
        ("cluster:admin/xpack/ccr/*", "cluster:monitor/state", "cluster:admin/xpack/security/user/has_privileges"),
        (),
    ),
    "manage_enrich": (("cluster:admin/xpack/enrich/*",), ()),
    "manage_ilm": (("cluster:admin/ilm/*",), ()),
    "manage_index_templates": (
        ("indices:admin/template/*", "indices:admin/index_template/*", "cluster:admin/component_template/*"),
        (),
    ),
    "manage_ingest_pipelines": (("cluster:admin/ingest/pipeline/*", "cluster:monitor/nodes/info"), ()),
    "manage_logstash_pipelines": (("cluster:admin/logstash/pipeline/*",), ()),
    "manage_ml": (("cluster:admin/xpack/ml/*", "cluster:monitor/xpack/ml/*"), ()),
    "manage_oidc": ((_SECURITY + "oidc/*",), ()),
    "manage_pipeline": (("cluster:admin/ingest/pipeline/*",), ()),
    "manage_rollup": (("cluster:admin/xpack/rollup/*", "cluster:monitor/xpack/rollup/*"), ()),
    "manage_saml": ((_SECURITY + "saml/*",), ()),
    "manage_search_application": (("cluster:admin/xpack/application/search_application/*",), ()),
    "manage_service_account": ((_SECURITY + "service_account/*",), ()),
    "manage_slm": (("cluster:admin/slm/*", "cluster:admin/ilm/operation_mode/get"), ()),
    "manage_token": ((_SECURITY + "token/*",), ()),
    "manage_transform": (
        (
            "cluster:admin/data_frame/*",
            "cluster:monitor/data_frame/*",
            "cluster:monitor/transform/*",
            "cluster:admin/transform/*",
        ),
        (),
    ),
    "manage_user_profile": ((_SECURITY + "profile/*",), ()),
    "manage_watcher": (("cluster:admin/xpack/watcher/*", "cluster:monitor/xpack/watcher/*"), ()),
    "monitor_enrich": (("cluster:monitor/xpack/enrich/*", "cluster:admin/xpack/enrich/get"), ()),
    "monitor_ml": (("cluster:monitor/xpack/ml/*",), ()),
    "monitor_rollup": (("cluster:monitor/xpack/rollup/*",), ()),
    "monitor_snapshot": (
        ("cluster:admin/snapshot/status*", "cluster:admin/snapshot/get", "cluster:admin/repository/get"),
        (),
    ),
    "monitor_stats": (("cluster:monitor/stats*",), ()),
    "monitor_transform": (("cluster:monitor/data_frame/*", "cluster:monitor/transform/*"), ()),
    "monitor_watcher": (("cluster:monitor/xpack/watcher/*",), ()),
    "read_ccr": (("cluster:monitor/state", "cluster:admin/xpack/security/user/has_privileges"), ()),
    "read_ilm": (("cluster:admin/ilm/get", "cluster:admin/ilm/operation_mode/get"), ()),
    "read_pipeline": (("cluster:admin/ingest/pipeline/get", "cluster:admin/ingest/pipeline/simulate"), ()),
    "read_slm": (("cluster:admin/slm/get", "cluster:admin/slm/status", "cluster:admin/ilm/operation_mode/get"), ()),
    "transport_client": (("cluster:monitor/nodes/liveness", "cluster:monitor/state"), ()),
    "create_snapshot": (
        (
            "cluster:admin/snapshot/create",
            "cluster:admin/snapshot/status*",
            "cluster:admin/snapshot/get",
            "cluster:admin/repository/get",
        ),
        (),
    ),
    "delegate_pki": ((_SECURITY + "delegate_pki", _SECURITY + "token/invalidate"), ()),
    "read_security": (_READ_SECURITY, ()),
    "manage_api_key": ((_SECURITY + "api_key/*",), ()),
    "manage_security": ((_SECURITY + "*",), ()),
    "monitor": (("cluster:monitor/*",), ()),
    "manage": (("cluster:*", "indices:admin/template/*", "indices:admin/index_template/*"), (_SECURITY + "*",)),
    "all": (("cluster:*", "indices:admin/template/*", "indices:admin/index_template/*"), ()),
}
CLUSTER_SINCE: dict[str, Version] = {
    "cross_cluster_search": (8, 10, 0),
    "cross_cluster_replication": (8, 10, 0),
    "monitor_enrich": (8, 15, 0),
    "monitor_stats": (8, 17, 0),
}

_READ = ("indices:data/read/*",)
INDEX: dict[str, tuple[str, ...]] = {
    "none": (),
    "auto_configure": ("indices:admin/auto_create", "indices:admin/mapping/auto_put"),
    "create_doc": ("indices:data/write/index", "indices:data/write/bulk*", "indices:data/write/simulate/bulk"),
    "create": ("indices:data/write/index*", "indices:data/write/bulk*"),
    "create_index": ("indices:admin/create", "indices:admin/auto_create", "indices:admin/data_stream/create"),
    "cross_cluster_replication": (
        "indices:data/read/xpack/ccr/shard_changes*",
        "indices:monitor/stats*",
        "indices:admin/seq_no/add_retention_lease*",
        "indices:admin/seq_no/remove_retention_lease*",
        "indices:admin/seq_no/renew_retention_lease*",
    ),
    "cross_cluster_replication_internal": (
        "indices:internal/admin/ccr/restore/*",
        "internal:transport/proxy/indices:*",
    ),
    "delete": ("indices:data/write/delete*", "indices:data/write/bulk*"),
    "delete_index": ("indices:admin/delete", "indices:admin/data_stream/delete"),
    "index": (
        "indices:data/write/index*",
        "indices:data/write/bulk*",
        "indices:data/write/update*",
        "indices:data/write/simulate/bulk",
    ),
    "maintenance": (
        "indices:admin/refresh*",
        "indices:admin/flush*",
        "indices:admin/synced_flush",
        "indices:admin/forcemerge*",
    ),
    "manage_data_stream_lifecycle": ("indices:admin/data_stream/lifecycle/*",),
    "manage_follow_index": ("indices:admin/xpack/ccr/*", "indices:admin/close*", "indices:admin/open*"),
    "manage_ilm": ("indices:admin/ilm/*",),
    "manage_leader_index": ("indices:admin/xpack/ccr/forget_follower*",),
    "monitor": ("indices:monitor/*",),
    "read_cross_cluster": (
        "internal:transport/proxy/indices:data/read/*",
        "indices:admin/shards/search_shards",
        "indices:admin/resolve/cluster",
    ),
    "view_index_metadata": (
        "indices:admin/aliases/get",
        "indices:admin/get",
        "indices:admin/mappings/get*",
        "indices:admin/resolve/*",
        "indices:admin/shards/search_shards",
        "indices:admin/validate/query*",
        "indices:monitor/settings/get",
        "indices:admin/data_stream/get",
        "indices:monitor/get*",
    ),
    "read": (*_READ, "indices:admin/resolve/cluster"),
    "write": ("indices:data/write/*", "indices:admin/mapping/auto_put"),
    "manage": ("indices:monitor/*", "indices:admin/*"),
    "read_failure_store": (),
    "manage_failure_store": (),
    "all": ("indices:*", "internal:transport/proxy/indices:*"),
}
INDEX_SINCE: dict[str, Version] = {
    "cross_cluster_replication": (8, 10, 0),
    "cross_cluster_replication_internal": (8, 10, 0),
    "read_failure_store": (8, 19, 0),
    "manage_failure_store": (8, 19, 0),
}


def _matches(action: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in patterns)


def cluster_grants(privilege: str, action: str) -> bool:
    """A privilege is a known name or itself a pattern over actions."""
    if privilege in CLUSTER:
        granted, excluded = CLUSTER[privilege]
        return _matches(action, granted) and not _matches(action, excluded)
    return ":" in privilege and fnmatchcase(action, privilege)


def index_grants(privilege: str, action: str) -> bool:
    if privilege in INDEX:
        return _matches(action, INDEX[privilege])
    return ":" in privilege and fnmatchcase(action, privilege)


def cluster_names(version: Version) -> list[str]:
    return sorted(name for name in CLUSTER if CLUSTER_SINCE.get(name, version) <= version)


def index_names(version: Version) -> list[str]:
    return sorted(name for name in INDEX if INDEX_SINCE.get(name, version) <= version)


def granting_cluster(action: str, own_api_key: bool = False) -> list[str]:
    found = [name for name in CLUSTER if cluster_grants(name, action)]
    return ["manage_own_api_key", *found] if own_api_key else found


def granting_index(action: str) -> list[str]:
    return [name for name in INDEX if index_grants(name, action)]
