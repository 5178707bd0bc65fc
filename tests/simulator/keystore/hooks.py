# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node does with its keystore and its file of settings when it starts (rules 5.1, 5.6, 6.4)."""

from __future__ import annotations

import difflib
import hashlib
import re
from typing import Any

from .. import node_log
from ..control import verb
from ..link import signing
from ..rest.errors import EsHttpError, illegal_argument
from ..settings import catalog
from ..state import Cluster, Node, NodeStartError, on
from . import install as keystore_install
from . import keystore_file

_CREDENTIALS = re.compile(rf"^cluster\.remote\.({catalog.ALIAS})\.credentials$")
_HINT = (
    "please check that any required plugins are installed, "
    "or check the breaking changes documentation for removed settings"
)
_PROFILE = "transport.profiles._remote_cluster."


@on("node_created")
async def install_tool(cluster: Cluster, node: Node) -> None:
    keystore_install.install(node.home, node.version)
    node.secure = {}  # type: ignore[attr-defined]  # what the node read from its keystore last


@on("node_upgraded")
async def new_version(cluster: Cluster, node: Node) -> None:
    keystore_install.set_version(node.home, node.version)


@on("node_starting")
async def read_configuration(cluster: Cluster, node: Node) -> None:
    """Refuse what the node refuses; the reason goes to its log, as on a real one."""
    try:
        check_yml(node)
        node.secure = open_at_start(node)  # type: ignore[attr-defined]
        node.credentials = credentials(node.secure)  # type: ignore[attr-defined]
        merged = {**node.yml, **cluster.persistent, **cluster.transient}
        signing.check_settings(node, merged, {key for key in merged if ".signing." in key})
    except EsHttpError as error:
        node_log.error(node, f"fatal exception while booting Elasticsearch: {error.reason}")
        raise NodeStartError(error.reason) from None
    except NodeStartError as error:
        node_log.error(node, f"fatal exception while booting Elasticsearch: {error}")
        raise


def check_yml(node: Node) -> None:
    for key, value in node.yml.items():
        if key.startswith(_PROFILE):
            raise illegal_argument(
                "Remote Access settings should not be configured using the [_remote_cluster] profile. "
                "Use the [remote_cluster.] settings instead."
            )
        if not catalog.is_known(key, node.version):
            close = difflib.get_close_matches(key, catalog.STATIC, n=1, cutoff=0.9)
            raise illegal_argument(f"unknown setting [{key}] {f'did you mean [{close[0]}]?' if close else _HINT}")
        if catalog.is_secure(key, node.version):
            raise illegal_argument(
                f"Setting [{key}] is a secure setting and must be stored inside the Elasticsearch keystore, but was "
                "found inside elasticsearch.yml"
            )
        kind = catalog.dynamic_kind(key, node.version)
        if kind is not None and value is not None:
            catalog.check_value(key, kind, value)
    port = node.yml.get("remote_cluster.port")
    if port is not None and not (re.fullmatch(r"\d{1,5}", str(port)) and int(port) <= 65535):
        raise illegal_argument(f"Failed to parse value [{port}] for setting [remote_cluster.port] must be <= 65535")
    catalog.check_together(node.yml)


def load(node: Node, password: str, check: bool = True) -> dict[str, str]:
    """The keystore's settings; the exceptions are those of a reload."""
    try:
        keystore = keystore_file.Keystore.load(
            str(node.config_dir), keystore_file.format_for(node.version), keystore_install.kdf_cache()
        )
    except keystore_file.KeystoreFormatError as error:
        kind = re.sub(r"(?<!^)(?=[A-Z])", "_", error.java.rpartition(".")[2]).lower()
        raise EsHttpError(500, kind, str(error)) from None
    except keystore_file.KeystoreSecurityError as error:
        raise EsHttpError(500, "security_exception", str(error)) from None
    except OSError as error:
        raise EsHttpError(500, "access_denied_exception", str(error.filename)) from None
    if keystore is None:
        raise EsHttpError(500, "illegal_state_exception", "Keystore is missing")
    try:
        keystore.decrypt(password)
    except keystore_file.KeystoreSecurityError as error:
        raise EsHttpError(500, "security_exception", str(error)) from None
    assert keystore.entries is not None
    for name in keystore.entries if check else ():
        if catalog.is_mistaken(name, node.version):
            raise illegal_argument(
                f"Setting [{name}] is a non-secure setting and must be stored inside elasticsearch.yml, but was found "
                "inside the Elasticsearch keystore"
            )
        if not catalog.is_secure(name, node.version):
            raise illegal_argument(f"unknown secure setting [{name}] {_HINT}")
    return {name: value.decode("utf-8", "replace") for name, value in keystore.entries.items()}


def open_at_start(node: Node) -> dict[str, str]:
    """A start makes a missing keystore, adds a missing seed and upgrades the format."""
    passphrase = node.home / "lib" / "keystore_passphrase"  # what a service manager hands over on a protected node
    password = passphrase.read_text(encoding="utf-8").rstrip("\n") if passphrase.exists() else None
    if not node.keystore_file.exists():
        keystore_install.write(node.home, node.version, {})
    try:
        entries = load(node, password or "")
    except EsHttpError as error:
        if password is None and error.type == "security_exception":
            raise NodeStartError(
                "unable to read from standard input; is standard input open and a tty attached?"
            ) from None
        raise
    password = password or ""
    wanted = keystore_file.format_for(node.version)
    present = int.from_bytes(node.keystore_file.read_bytes()[27:31], "big")
    if present != wanted or keystore_file.SEED not in entries:
        keystore = keystore_file.Keystore(wanted, keystore_install.kdf_cache())
        keystore.entries = {name: value.encode() for name, value in entries.items()}
        keystore.add_seed()
        keystore.save(str(node.config_dir), password)
    return entries


def credentials(secure: dict[str, str]) -> dict[str, str]:
    return {found.group(1): value for name, value in secure.items() if (found := _CREDENTIALS.match(name))}


def details(node: Node, secure: dict[str, str]) -> dict[str, Any]:
    """What 9.3+ tells about the keystore it has just read."""
    path = node.keystore_file
    return {
        "secure_setting_names": sorted(secure),
        "keystore_path": str(path),
        "keystore_digest": hashlib.sha256(path.read_bytes()).hexdigest(),
        "keystore_last_modified_time": _stamp(path.stat().st_mtime),
    }


def _stamp(seconds: float) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@on("cluster_reset")
async def fresh_keystores(cluster: Cluster) -> None:
    for node in cluster.nodes:
        node.keystore_file.unlink(missing_ok=True)
        (node.home / "lib" / "keystore_passphrase").unlink(missing_ok=True)
        keystore_install.write(node.home, node.version, {})
        keystore_install.clear_calls(node.home)
        keystore_install.set_jvm_delay(node.home, 0)
        node_log.clear(node)
        node.credentials = {}
        node.secure = load(node, "")  # type: ignore[attr-defined]


@verb("jvm_delay")
async def jvm_delay(cluster: Cluster, seconds: float, node: str | None = None) -> None:
    """Every call of the keystore tool takes this much longer, as a JVM does."""
    for one in [cluster.node(node)] if node else cluster.nodes:
        keystore_install.set_jvm_delay(one.home, float(seconds))


@verb("keystore_calls")
async def keystore_calls(cluster: Cluster) -> dict[str, list[str]]:
    """The calls of the tool per node since the last clear: command and setting names."""
    return {node.name: keystore_install.calls(node.home) for node in cluster.nodes}


@verb("clear_keystore_calls")
async def clear_keystore_calls(cluster: Cluster) -> None:
    for node in cluster.nodes:
        keystore_install.clear_calls(node.home)


@verb("node_log")
async def read_log(cluster: Cluster, node: str) -> str:
    return node_log.read(cluster.node(node))


@verb("loaded_credentials")
async def loaded_credentials(cluster: Cluster) -> dict[str, dict[str, str]]:
    """alias -> key id of what each node has loaded; never a secret."""
    import base64
    import binascii

    def key_id(value: str) -> str:
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, ValueError):
            return "(malformed)"

    return {node.name: {alias: key_id(value) for alias, value in node.credentials.items()} for node in cluster.nodes}
