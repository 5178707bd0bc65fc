# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs every test may use: nodes, faults, log, clock, licence, keys in bulk. Others live beside what they
disturb."""

from __future__ import annotations

import asyncio
from typing import Any

from . import control, versions
from .control import verb
from .keystore import install as keystore_install
from .rest import faults, request_log, server
from .security import bootstrap
from .state import Cluster, Node, fire


@verb("stop_node")
async def stop_node(cluster: Cluster, node: str) -> None:
    await control.stop_node(cluster.node(node))


@verb("start_node")
async def start_node(cluster: Cluster, node: str) -> None:
    await control.start_node(cluster.node(node))


@verb("restart_node")
async def restart_node(cluster: Cluster, node: str) -> None:
    await control.stop_node(cluster.node(node))
    await control.start_node(cluster.node(node))


@verb("upgrade")
async def upgrade(cluster: Cluster, version: str, node: str | None = None) -> None:
    """A rolling upgrade: the node (or one after the other) restarts with the new version; what is stored stays as it
    is."""
    new = versions.parse(version)
    for one in [cluster.node(node)] if node else cluster.nodes:
        if new < one.version:
            raise ValueError(f"cannot downgrade node [{one.name}] from [{versions.text(one.version)}] to [{version}]")
        running = one.running
        await control.stop_node(one)
        one.version = new
        await fire("node_upgraded", cluster, one)
        if running:
            await control.start_node(one)


@verb("fault")
async def fault(cluster: Cluster, kind: str, **arguments: Any) -> None:
    made = faults.Fault(cluster, kind, **arguments)
    if kind == "refuse":
        # the port itself refuses, whatever the path; lasts until clear_faults, or for `seconds`
        for node in cluster.nodes:
            if node.running and made.node in (None, node.name):
                await server.stop_node(node)
                cluster.extra.setdefault("refusing", set()).add(node.name)
        if made.params.get("seconds"):

            async def end() -> None:
                await asyncio.sleep(float(made.params["seconds"]))
                await _accept_again(cluster)

            cluster.extra["refusing_task"] = asyncio.create_task(end())
        return
    cluster.extra.setdefault("faults", []).append(made)


async def _accept_again(cluster: Cluster) -> None:
    names, cluster.extra["refusing"] = cluster.extra.get("refusing", set()), set()
    for node in cluster.nodes:
        if node.name in names and node.running:
            await server.start_node(node)


@verb("clear_faults")
async def clear_faults(cluster: Cluster) -> None:
    cluster.extra["faults"] = []
    await _accept_again(cluster)


@verb("log")
async def log(cluster: Cluster, writes_only: bool = False) -> list[dict[str, Any]]:
    return request_log.entries(cluster.extra.get("log", []), writes_only)


@verb("clear_log")
async def clear_log(cluster: Cluster) -> None:
    cluster.extra["log"] = []


@verb("advance_clock")
async def advance_clock(cluster: Cluster, seconds: float) -> int:
    cluster.clock_offset_ms += int(seconds * 1000)
    return cluster.now_ms()


@verb("now")
async def now(cluster: Cluster) -> int:
    return cluster.now_ms()


@verb("set_license")
async def set_license(cluster: Cluster, type: str) -> None:
    if type not in ("basic", "gold", "platinum", "enterprise", "trial", "expired"):
        raise ValueError(
            f"unknown licence [{type}]; choose basic, gold, platinum, enterprise, trial or expired (a trial that ended)"
        )
    cluster.license = type


@verb("add_user")
async def add_user(
    cluster: Cluster, username: str, password: str, roles: list[str], realm: str = "default_file", **fields: Any
) -> None:
    """A user of another realm than the native one, which the API cannot make."""
    cluster.security.add(username, password, roles, realm, **fields)


@verb("set_domains")
async def set_domains(cluster: Cluster, domains: list[list[str]]) -> None:
    """Security domains: realms in which the same name is the same owner."""
    cluster.security.domains = [set(domain) for domain in domains]


@verb("set_api_keys_enabled")
async def set_api_keys_enabled(cluster: Cluster, enabled: bool) -> None:
    cluster.security.api_keys_enabled = enabled


@verb("bugs")
async def bugs(cluster: Cluster) -> list[str]:
    return list(cluster.extra.get("bugs", []))


@verb("reset")
async def reset(cluster: Cluster) -> None:
    """Back to a fresh cluster: all nodes up, first version and files, nothing of what a test made or planned."""
    await clear_faults(cluster)
    password = cluster.extra["password"]
    bootstrap.create(cluster)
    cluster.extra["password"] = password
    cluster.security.find("elastic").set_password(password)
    had_settings = bool(cluster.persistent or cluster.transient)
    for store in (cluster.keys, cluster.tokens, cluster.persistent, cluster.transient, cluster.indices):
        store.clear()
    cluster.license, cluster.clock_offset_ms = "trial", 0
    for name in ("last_purge_ms", "license_issued", "fail_reload", "unreachable"):
        cluster.extra.pop(name, None)
    for node in cluster.nodes:
        await _reset_node(cluster, node)
    await fire("cluster_reset", cluster)
    for node in cluster.nodes:
        await control.start_node(node)
    if had_settings:
        await fire("settings_changed", cluster)
    cluster.extra["log"] = []


async def _reset_node(cluster: Cluster, node: Node) -> None:
    """Files and version as they were; the node is stopped when it has to read them again."""
    for name in ("jvm_delay", "keystore_passphrase"):
        (node.home / "lib" / name).unlink(missing_ok=True)
    keystore_install.clear_calls(node.home)
    yml, version = cluster.extra["first_yml"][node.name], cluster.first_versions[node.name]
    fresh = cluster.extra["fresh_keystores"]
    keystore = node.keystore_file.read_bytes() if node.keystore_file.exists() else b""
    untouched = keystore == fresh.get(node.name) and keystore_names(node) <= {"keystore.seed"}
    if untouched and node.version == version and node.yml_file.read_text("utf-8") == yml:
        return
    await control.stop_node(node)
    node.version = version
    node.yml_file.write_text(yml, encoding="utf-8")
    await fire("node_upgraded", cluster, node)
    keystore_install.write(node.home, version, {})
    fresh[node.name] = node.keystore_file.read_bytes()


def keystore_names(node: Node) -> set[str]:
    """Names of the settings the node has loaded."""
    return set(getattr(node, "secure", {}))
