# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings exist, what values they take, which may change on a running node: data, one parser per kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .. import versions
from ..rest.errors import EsHttpError, illegal_argument
from ..versions import Version

ALIAS = r"[-A-Za-z0-9_]+"
REMOTE_KEY = re.compile(rf"^cluster\.remote\.({ALIAS})\.(.+)$")
_TIME = re.compile(r"^([+-]?\d+(?:\.\d+)?)(nanos|micros|ms|s|m|h|d)$", re.IGNORECASE)

# suffix of cluster.remote.<alias>.* -> (kind, mode it needs or None, must the remote be enabled)
REMOTE: dict[str, tuple[str, str | None, bool]] = {
    "mode": ("mode", None, False),
    "seeds": ("hosts", "SNIFF", False),
    "node_connections": ("positive", "SNIFF", False),
    "proxy": ("host", None, False),
    "proxy_address": ("host", "PROXY", False),
    "proxy_socket_connections": ("positive", "PROXY", False),
    "server_name": ("text", "PROXY", False),
    "skip_unavailable": ("boolean", None, True),
    "transport.compress": ("compress", None, True),
    "transport.compression_scheme": ("scheme", None, True),
    "transport.ping_schedule": ("time", None, True),
}
REMOTE_DEFAULTS = {
    "mode": "SNIFF",
    "proxy_socket_connections": "18",
    "server_name": "",
    "proxy_address": "",
    "seeds": [],
}
SIGNING = {
    "signing.certificate",
    "signing.key",
    "signing.keystore.path",
    "signing.keystore.type",
    "signing.keystore.alias",
    "signing.keystore.algorithm",
}
SIGNING_GLOBAL = {
    "certificate_authorities",
    "truststore.path",
    "truststore.type",
    "truststore.algorithm",
    "diagnose.trust",
}
SECURE_REMOTE = {
    "credentials",
    "signing.key.secure_passphrase",
    "signing.keystore.secure_password",
    "signing.keystore.secure_key_password",
}
STATIC_REMOTE = {
    "cluster.remote.initial_connect_timeout": "30s",
    "cluster.remote.node.attr": "",
    "cluster.remote.connections_per_cluster": "3",
}

# Other dynamic settings that tools in the neighbourhood use: name -> (kind, default)
DYNAMIC: dict[str, tuple[str, str]] = {
    "action.auto_create_index": ("text", "true"),
    "action.destructive_requires_name": ("boolean", "true"),
    "cluster.max_shards_per_node": ("positive", "1000"),
    "cluster.routing.allocation.enable": ("text", "all"),
    "cluster.routing.rebalance.enable": ("text", "all"),
    "cluster.persistent_tasks.allocation.enable": ("text", "all"),
    "indices.recovery.max_bytes_per_sec": ("text", "40mb"),
    "search.max_buckets": ("positive", "65536"),
    "search.default_search_timeout": ("time", "-1"),
    "xpack.monitoring.collection.enabled": ("boolean", "false"),
    "xpack.security.authc.api_key.delete.retention_period": ("time", "7d"),
    "xpack.security.authc.api_key.delete.interval": ("time", "24h"),
}
STATIC = {
    "remote_cluster_server.enabled": "false",
    "remote_cluster.port": "9443",
    "remote_cluster.host": "[]",
    "remote_cluster.bind_host": "[]",
    "remote_cluster.publish_host": "[]",
    "remote_cluster.publish_port": "-1",
    "remote_cluster.tcp.keep_alive": "true",
    "remote_cluster.tcp.keep_idle": "-1",
    "remote_cluster.tcp.keep_interval": "-1",
    "remote_cluster.tcp.keep_count": "-1",
    "remote_cluster.tcp.no_delay": "true",
    "remote_cluster.tcp.reuse_address": "true",
    "remote_cluster.tcp.send_buffer_size": "-1b",
    "remote_cluster.tcp.receive_buffer_size": "-1b",
    "xpack.security.authc.api_key.enabled": "true",
    "xpack.security.enabled": "true",
    "cluster.name": "elasticsearch",
    "node.name": "",
    "node.roles": "",
    **STATIC_REMOTE,
}
_SSL = {
    "enabled",
    "certificate",
    "key",
    "certificate_authorities",
    "verification_mode",
    "client_authentication",
    "supported_protocols",
    "cipher_suites",
    "key_passphrase",
    "keystore.path",
    "keystore.type",
    "keystore.password",
    "keystore.key_password",
    "truststore.path",
    "truststore.type",
    "truststore.password",
    "trust_restrictions.path",
    "trust_restrictions.x509_fields",
}
_SSL_SECURE = {
    "secure_key_passphrase",
    "keystore.secure_password",
    "keystore.secure_key_password",
    "truststore.secure_password",
}
_SSL_KEY = re.compile(r"^xpack\.security\.(remote_cluster_client|remote_cluster_server|transport|http)\.ssl\.(.+)$")
# Whole families a node may have in its file; the simulator does not know their members.
_FAMILIES = (
    "action.",
    "bootstrap.",
    "cluster.",
    "discovery.",
    "gateway.",
    "http.",
    "indices.",
    "ingest.",
    "logger.",
    "monitor.",
    "network.",
    "node.",
    "path.",
    "processors.",
    "readiness.",
    "reindex.",
    "repositories.",
    "script.",
    "search.",
    "slm.",
    "thread_pool.",
    "transport.",
    "xpack.",
)
_SECURE_FAMILIES = re.compile(
    r"^(keystore\.seed|bootstrap\.password|autoconfiguration\.password_hash|xpack\.security\..*secure_.*|xpack\.notification\..*secure_.*"
    r"|xpack\.monitoring\.exporters\..*\.auth\.secure_password|xpack\.http\.ssl\..*secure_.*|reindex\.ssl\..*secure_.*"
    r"|xpack\.security\.authc\.realms\..*|s3\.client\.[^.]+\.(access_key|secret_key|session_token)|gcs\.client\.[^.]+\.credentials_file"
    r"|azure\.client\.[^.]+\.(account|key|sas_token))$"
)
SECURE_SIGNING_GLOBAL = "cluster.remote.signing.truststore.secure_password"


def is_secure(key: str, version: Version) -> bool:
    """Does the keystore of this version know the setting?"""
    found = REMOTE_KEY.match(key)
    if key == SECURE_SIGNING_GLOBAL or (found and found.group(2) in SECURE_REMOTE - {"credentials"}):
        return version >= (9, 3, 0)
    if found and found.group(2) == "credentials":
        return True
    ssl = _SSL_KEY.match(key)
    return bool(_SECURE_FAMILIES.match(key)) or bool(ssl and ssl.group(2) in _SSL_SECURE)


def is_mistaken(key: str, version: Version) -> bool:
    """Is it a secure setting that the server takes for one of elasticsearch.yml? (seen: 9.5.0)"""
    found = REMOTE_KEY.match(key)
    return version >= (9, 3, 0) and bool(found and found.group(2) == "signing.key.secure_passphrase")


def is_filtered(key: str) -> bool:
    """Settings the API accepts but never shows again."""
    found = REMOTE_KEY.match(key)
    return bool(found and found.group(2) in SIGNING) or (
        key.startswith("cluster.remote.signing.") and key[len("cluster.remote.signing.") :] in SIGNING_GLOBAL
    )


def dynamic_kind(key: str, version: Version) -> str | None:
    """The kind of a dynamic setting, None when there is none of this name."""
    if key in DYNAMIC:
        return DYNAMIC[key][0]
    if key.startswith("logger."):
        return "text"
    if key.startswith("cluster.remote.signing.") and key[len("cluster.remote.signing.") :] in SIGNING_GLOBAL:
        return "text" if versions.has(version, "signing_settings") else None
    found = REMOTE_KEY.match(key)
    if found is None or key in STATIC:
        return None
    if found.group(2) in SIGNING:
        return "text" if versions.has(version, "signing_settings") else None
    return REMOTE[found.group(2)][0] if found.group(2) in REMOTE else None


def is_known(key: str, version: Version) -> bool:
    """May the key stand in elasticsearch.yml (secure settings excepted, which have an error of their own)?"""
    if key in STATIC or dynamic_kind(key, version) is not None or is_secure(key, version):
        return True
    if key.startswith(("cluster.remote.", "remote_cluster.", "remote_cluster_server.")):
        return False
    ssl = _SSL_KEY.match(key)
    if ssl is not None:
        return ssl.group(2) in _SSL or ssl.group(2) in _SSL_SECURE
    return key.startswith(_FAMILIES)


# --- values ---
def check_value(key: str, kind: str, value: Any) -> None:
    """Refuse a value that the setting's own parser refuses."""
    if isinstance(value, list) and kind != "hosts":
        value = "[" + ", ".join(value) + "]" if kind != "text" else ",".join(value)
    _CHECKS[kind](key, value)


def _failed(key: str, value: str, more: str = "", cause: EsHttpError | None = None) -> EsHttpError:
    return illegal_argument(f"Failed to parse value [{value}] for setting [{key}]{more}", cause)


def _positive(key: str, value: str) -> None:
    if not re.fullmatch(r"[+-]?\d{1,10}", value) or abs(int(value)) > 2**31 - 1:
        raise _failed(key, value, cause=EsHttpError(400, "number_format_exception", f'For input string: "{value}"'))
    if int(value) < 1:
        raise _failed(key, value, " must be >= 1")


def _boolean(key: str, value: str) -> None:
    if value not in ("true", "false"):
        raise illegal_argument(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")


def _one_of(constants: str, *allowed: str) -> Callable[[str, str], None]:
    def check(_key: str, value: str) -> None:
        if value.lower() not in allowed:
            raise illegal_argument(f"No enum constant org.elasticsearch.transport.{constants}.{value.upper()}")

    return check


def parse_time(key: str, value: str) -> None:
    text = value.strip()
    if text in ("-1", "0"):
        return
    found = _TIME.match(text)
    if found is None or (found.group(2) == "M"):
        raise illegal_argument(
            f"failed to parse setting [{key}] with value [{value}] as a time value: unit is missing or unrecognized"
        )
    if "." in found.group(1):
        raise illegal_argument(f"failed to parse [{value}], fractional time values are not supported")
    if int(found.group(1)) < -1:
        raise illegal_argument(
            f"failed to parse setting [{key}] with value [{value}] as a time value: "
            "negative durations are not supported"
        )


def parse_host(text: str) -> tuple[str, int]:
    """host and port, split at the last colon as the server does; the host is not resolved."""
    host, colon, port = text.rpartition(":")
    if not colon:
        raise illegal_argument(f"remote hosts need to be configured as [host:port], found [{text}] instead")
    if not re.fullmatch(r"[+-]?\d+", port) or abs(int(port)) > 2**31 - 1:
        raise illegal_argument(
            "failed to parse port", EsHttpError(400, "number_format_exception", f'For input string: "{port}"')
        )
    if int(port) <= 0:
        raise illegal_argument(f"port number must be > 0 but was: [{int(port)}]")
    return host.removeprefix("[").removesuffix("]"), int(port)


def as_list(value: Any) -> list[str]:
    if isinstance(value, list):
        return value
    return [part.strip() for part in str(value).split(",") if part.strip()] if value else []


def _hosts(key: str, value: Any) -> None:
    for item in as_list(value):
        parse_host(item)


def _host(key: str, value: str) -> None:
    if value:
        parse_host(value)


_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "mode": _one_of("RemoteConnectionStrategy.ConnectionStrategy", "sniff", "proxy"),
    "hosts": _hosts,
    "host": _host,
    "positive": _positive,
    "text": lambda key, value: None,
    "boolean": _boolean,
    "compress": _one_of("Compression.Enabled", "true", "indexing_data", "false"),
    "scheme": _one_of("Compression.Scheme", "deflate", "lz4"),
    "time": parse_time,
}


# --- the settings of one alias against each other ---
def aliases(flat: dict[str, Any]) -> list[str]:
    """Every alias with an explicit setting (the names of global settings are none)."""
    found = {
        match.group(1)
        for key in flat
        if key not in STATIC
        and not key.startswith("cluster.remote.signing.")
        and (match := REMOTE_KEY.match(key))
        and (match.group(2) in REMOTE or match.group(2) in SIGNING)
    }
    return sorted(found)


def mode(flat: dict[str, Any], alias: str) -> str:
    return str(flat.get(f"cluster.remote.{alias}.mode", "SNIFF")).upper()


def enabled(flat: dict[str, Any], alias: str) -> bool:
    name = "proxy_address" if mode(flat, alias) == "PROXY" else "seeds"
    return bool(as_list(flat.get(f"cluster.remote.{alias}.{name}")))


def check_together(flat: dict[str, Any]) -> None:
    for alias in aliases(flat):
        configured = mode(flat, alias)
        for suffix, (_kind, required, needs_enabled) in REMOTE.items():
            key = f"cluster.remote.{alias}.{suffix}"
            if key not in flat:
                continue
            if required is not None and required != configured:
                raise illegal_argument(
                    f'Setting "{key}" cannot be used with the configured "cluster.remote.{alias}.mode" '
                    f"[required={required}, configured={configured}]"
                )
            if needs_enabled and not enabled(flat, alias):
                raise illegal_argument(f"Cannot configure setting [{key}] if remote cluster is not enabled.")
            if suffix == "proxy" and not as_list(flat.get(f"cluster.remote.{alias}.seeds")):
                raise illegal_argument(f"missing required setting [cluster.remote.{alias}.seeds] for setting [{key}]")
