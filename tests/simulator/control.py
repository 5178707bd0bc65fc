# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control: the verbs tests use to watch and disturb clusters, as Python calls and on a loopback HTTP port.

    POST <url>/<cluster>/<verb>   body: the arguments as a JSON object   ->  {"result": ...} or 400 {"error": "text"}

Modules add verbs with @verb("name"); the function takes the cluster and keyword arguments.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from . import certificates, node_settings, versions
from .rest import server
from .security import bootstrap
from .settings import flat as flat_settings
from .state import Cluster, Node, NodeStartError, fire

Verb = Callable[..., Awaitable[Any]]
VERBS: dict[str, Verb] = {}

_SCRIPT = """#!{python} -IS
# What a service manager does on a real node; it starts with the configuration its files have now.
import json, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
body = json.dumps({{"node": {node!r}}}).encode()
request = urllib.request.Request({url!r}, data=body, headers={{"X-Control-Token": {token!r}}})
try:
    opener.open(request, timeout=120).read()
except urllib.error.HTTPError as error:
    sys.exit({verb!r} + " of " + {node!r} + " failed: " + json.loads(error.read())["error"])
except OSError as error:
    sys.exit({verb!r} + " of " + {node!r} + " failed: the simulator does not answer (" + str(error) + ")")
"""


def verb(name: str) -> Callable[[Verb], Verb]:
    def register(function: Verb) -> Verb:
        VERBS[name] = function
        return function

    return register


async def call(cluster: Cluster, name: str, arguments: dict[str, Any]) -> Any:
    if name not in VERBS:
        raise ValueError(f"unknown control verb [{name}]; known are {', '.join(sorted(VERBS))}")
    return await VERBS[name](cluster, **arguments)


class ControlServer:
    def __init__(self, clusters: dict[str, Cluster], directory: Path) -> None:
        self.clusters = clusters
        self.directory = directory
        self.token = os.urandom(12).hex()
        self.url = ""
        self.runner: web.ServerRunner | None = None

    async def start(self) -> None:
        self.runner = web.ServerRunner(
            web.Server(self.handle, access_log=None), handle_signals=False, shutdown_timeout=0.05
        )
        await self.runner.setup()
        bound = server._bind(0)
        self.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        await web.SockSite(self.runner, bound).start()
        for cluster in self.clusters.values():
            cluster.extra["control_token"] = self.token
        file = self.directory / "control.json"
        file.write_text(json.dumps({"url": self.url, "token": self.token, "verbs": sorted(VERBS)}), encoding="utf-8")
        file.chmod(0o600)

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
        (self.directory / "control.json").unlink(missing_ok=True)

    async def handle(self, http: web.BaseRequest) -> web.Response:
        try:
            _empty, name, verb_name = http.path.split("/")
            if http.headers.get("X-Control-Token") != self.token:
                raise ValueError("the control token is missing or wrong")
            arguments = json.loads(await http.read() or b"{}")
            result = await call(self.clusters[name], verb_name, arguments)
        except (ValueError, KeyError, TypeError, NodeStartError) as error:
            text = error.args[0] if error.args else repr(error)
            return web.json_response({"error": str(text)}, status=400)
        return web.json_response({"result": result})


# --- clusters and nodes ---


async def create_cluster(cluster: Cluster, control_url: str) -> None:
    if cluster.directory.exists() and not (cluster.directory / ".simulated-cluster").exists():
        raise ValueError(f"{cluster.directory} exists and was not made by the simulator")
    shutil.rmtree(cluster.directory, ignore_errors=True)
    cluster.directory.mkdir(parents=True)
    (cluster.directory / ".simulated-cluster").touch()
    bootstrap.create(cluster)
    certificates.make_authorities(cluster)
    for node in cluster.nodes:
        (node.home / "bin").mkdir(parents=True)
        node.config_dir.mkdir(parents=True)
        certificates.make_node_certificates(cluster, node)
        for verb_name in ("restart_node", "stop_node", "start_node"):
            script = node.home / "bin" / verb_name.replace("_", "-")
            url, token = f"{control_url}/{cluster.name}/{verb_name}", cluster.extra["control_token"]
            text = _SCRIPT.format(python=sys.executable, url=url, node=node.name, token=token, verb=verb_name)
            script.write_text(text, encoding="utf-8")
            script.chmod(0o700)
    await fire("cluster_created", cluster)
    for node in cluster.nodes:
        await fire("node_created", cluster, node)


async def configure_node(node: Node, trust: bool) -> None:
    cluster = node.cluster
    trusted = cluster.peers.values() if trust else ()
    authorities = certificates.trust(node.config_dir, {peer.name: peer.remote_ca for peer in trusted})
    settings = node_settings.first(cluster.name, node.name, authorities)
    await fire("node_configuring", node, settings)
    text = yaml.safe_dump(settings, sort_keys=False)
    node.yml_file.write_text(text, encoding="utf-8")
    cluster.extra.setdefault("first_yml", {})[node.name] = text
    keystore = node.keystore_file.read_bytes() if node.keystore_file.exists() else b""
    cluster.extra.setdefault("fresh_keystores", {})[node.name] = keystore


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, as the server does."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _value in node.value:
            if key.value in seen:
                raise NodeStartError(f"Duplicate field '{key.value}' in elasticsearch.yml")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yml(node: Node) -> dict[str, Any]:
    try:
        tree = yaml.load(node.yml_file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  # a SafeLoader
    except OSError as error:
        raise NodeStartError(f"cannot read elasticsearch.yml: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise NodeStartError(f"elasticsearch.yml is not valid YAML: {str(error).splitlines()[0]}") from None
    if tree is not None and not isinstance(tree, dict):
        raise NodeStartError("elasticsearch.yml must hold a mapping of settings")
    return flat_settings.flatten(tree or {})


async def start_node(node: Node) -> None:
    if node.running:
        return
    node.yml = read_yml(node)
    node.started_ms = int(time.time() * 1000)
    await fire("node_starting", node.cluster, node)
    await server.start_node(node)
    node.running = True
    await fire("node_started", node.cluster, node)


async def stop_node(node: Node) -> None:
    if not node.running:
        return
    node.running = False
    await server.stop_node(node)
    await fire("node_stopped", node.cluster, node)


async def remove_cluster(cluster: Cluster) -> None:
    for node in cluster.nodes:
        await stop_node(node)
        if node.listener is not None:
            node.listener.close()
    await fire("cluster_removed", cluster)


def describe(cluster: Cluster) -> dict[str, Any]:
    """One entry of clusters.json."""
    return {
        "version": versions.text(cluster.version),
        "cluster_uuid": cluster.uuid,
        "urls": [node.url for node in cluster.nodes],
        "username": "elastic",
        "password": cluster.extra["password"],
        "ca_cert": str(cluster.http_ca),
        "remote_cluster_server": cluster.remote_cluster_server,
        "remote_ca_cert": str(cluster.remote_ca),
        "nodes": [
            {
                "name": node.name,
                "url": node.url,
                "home": str(node.home),
                "config_dir": str(node.config_dir),
                "keystore": str(node.home / "bin" / "elasticsearch-keystore"),
            }
            for node in cluster.nodes
        ],
    }
