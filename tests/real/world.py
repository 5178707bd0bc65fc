# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running clusters, as tests see them: what a Simulator offers, as far as a real server can do it.

Tests find them by their clusters.json, so they need not be started by the test, and may have been used before.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests
import yaml

from simulator.rest import request_log

from . import baseline
from .clusters import number

SECONDS = 120
AUTHORITIES = "xpack.security.remote_cluster_client.ssl.certificate_authorities"
_TRACED = re.compile(
    r"^\[([^\]]+)\].*?\[o\.e\.h\.HttpTracer *\] \[[^\]]+\] \[\d+\]\[[^\]]*\]\[([A-Z]+)\]\[(.*)\] received"
)


class World:
    """These clusters of a clusters.json; without `trust`, a reset takes the authorities of remote clusters away."""

    def __init__(self, spec: Path, clusters: Iterable[str] = (), trust: bool = True) -> None:
        everything = json.loads(spec.read_text(encoding="utf-8"))["clusters"]
        wanted = list(clusters) or list(everything)
        missing = sorted(set(wanted) - set(everything))
        assert not missing, f"there is no real cluster {missing}: mark the test with what it needs"
        self._spec = {name: everything[name] for name in wanted}
        self.directory = spec.parent
        self.trust = trust
        self._read: dict[str, int] = {}

    @property
    def spec(self) -> dict[str, Any]:
        return {"clusters": copy.deepcopy(self._spec)}

    @property
    def clusters(self) -> list[str]:
        return list(self._spec)

    def cluster(self, name: str) -> dict[str, Any]:
        return copy.deepcopy(self._spec[name])

    def control(self, cluster: str, verb: str, **arguments: Any) -> Any:
        do = getattr(self, f"_{verb}", None)
        assert do, f"no real cluster can [{verb}]: mark the test with what it needs"
        return do(cluster, **arguments)

    def fault(self, cluster: str, kind: str, **_arguments: Any) -> None:
        raise AssertionError(f"{cluster} is real and makes no fault [{kind}]: mark the test with what it needs")

    def bugs(self) -> list[str]:
        return []

    # --- requests ---
    def log(self, cluster: str, writes_only: bool = False) -> list[dict[str, Any]]:
        """Requests since the last clear_log, as the nodes traced them."""
        found = []
        for node in self._spec[cluster]["nodes"]:
            with _log_file(cluster, node).open(encoding="utf-8", errors="replace") as stream:
                stream.seek(self._read.get(node["name"], 0))
                for line in stream:
                    traced = _TRACED.match(line)
                    if traced:
                        at, method, uri = traced.groups()
                        path, _mark, query = uri.partition("?")
                        entry = {"node": node["name"], "method": method, "path": path, "query": query}
                        if not writes_only or request_log.is_write(method, path):
                            found.append((at, entry))
        return [entry for _at, entry in sorted(found, key=lambda one: one[0])]

    def clear_log(self, cluster: str | None = None) -> None:
        for name in [cluster] if cluster else self.clusters:
            for node in self._spec[name]["nodes"]:
                self._read[node["name"]] = _log_file(name, node).stat().st_size

    _log = log
    _clear_log = clear_log

    # --- nodes ---
    def _restart_node(self, cluster: str, node: str) -> None:
        self._run(cluster, node, "restart-node")
        self._wait(cluster)

    def _stop_node(self, cluster: str, node: str) -> None:
        self._run(cluster, node, "stop-node")

    def _start_node(self, cluster: str, node: str) -> None:
        self._run(cluster, node, "start-node")
        self._wait(cluster)

    def _node_log(self, cluster: str, node: str) -> str:
        return _log_file(cluster, self._node(cluster, node)).read_text(encoding="utf-8", errors="replace")

    def _now(self, _cluster: str) -> int:
        return int(time.time() * 1000)

    def _node(self, cluster: str, name: str) -> dict[str, Any]:
        return next(node for node in self._spec[cluster]["nodes"] if node["name"] == name)

    def _run(self, cluster: str, node: str, script: str) -> None:
        command = [str(Path(self._node(cluster, node)["home"], "bin", script))]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, f"{script} of {node}: {done.stdout[-3000:]}{done.stderr[-3000:]}"

    def _wait(self, cluster: str) -> None:
        """Until the nodes that run know each other, and the cluster answers."""
        running = [node for node in self._spec[cluster]["nodes"] if _runs(node)]
        health = f"/_cluster/health?wait_for_status=yellow&wait_for_nodes={len(running)}&timeout=1s"
        for node in running:
            self._ask(cluster, "GET", health, url=node["url"], until=200)
            self._ask(cluster, "GET", "/_security/_authenticate", url=node["url"], until=200)

    # --- back to the beginning ---
    def _reset(self, cluster: str) -> None:
        """Nothing of what tests made is in the cluster; keys that were alive are dead, and stay to be seen."""
        nodes = self._spec[cluster]["nodes"]
        stopped = [node["name"] for node in nodes if not (_runs(node) and self._lets_in(cluster, node))]
        if not stopped:
            # Before files go: a node that misses the file of a setting gets no further than its start (9.5.0).
            self._forget_settings(cluster)
        for node in nodes:
            Path(node["home"], "lib", "keystore_passphrase").unlink(missing_ok=True)
        changed = {node["name"]: baseline.restore(node, self._first_yml(node)) for node in nodes}
        new = number(self._spec[cluster]["version"]) >= (8, 13)
        # Before 8.13 a credential is read only when a node starts.
        restart = [name for name, files in changed.items() if files - ({baseline.KEYSTORE} if new else set())]
        for name in set(restart) | set(stopped):
            self._run(cluster, name, "stop-node")
        for name in set(restart) | set(stopped):
            self._run(cluster, name, "start-node")
        if restart or stopped:
            self._wait(cluster)
        self._forget_settings(cluster)
        if any(baseline.KEYSTORE in files for files in changed.values()) and new:
            self._ask(cluster, "POST", "/_nodes/reload_secure_settings")
        self._forget_security(cluster)
        for index in self._ask(cluster, "GET", "/_cat/indices?format=json&h=index"):
            self._ask(cluster, "DELETE", "/" + index["index"])
        self.clear_log(cluster)

    def _lets_in(self, cluster: str, node: dict[str, Any]) -> bool:
        """Whether it knows the superuser: not if it started without the keystore in which his first password is."""
        with self._session(cluster) as session:
            return session.get(node["url"] + "/_security/_authenticate", timeout=60).status_code != 401

    def _first_yml(self, node: dict[str, Any]) -> str:
        text = Path(node["home"], baseline.NAME, "elasticsearch.yml").read_text(encoding="utf-8")
        if self.trust:
            return text
        settings = yaml.safe_load(text)
        settings.pop(AUTHORITIES, None)
        return yaml.safe_dump(settings, sort_keys=False)

    def _forget_settings(self, cluster: str) -> None:
        settings = self._ask(cluster, "GET", "/_cluster/settings?flat_settings=true")
        body = {kind: dict.fromkeys(settings[kind]) for kind in ("persistent", "transient") if settings[kind]}
        if body:
            self._ask(cluster, "PUT", "/_cluster/settings", body)

    def _forget_security(self, cluster: str) -> None:
        live = [
            key["id"] for key in self._ask(cluster, "GET", "/_security/api_key")["api_keys"] if not key["invalidated"]
        ]
        for begin in range(0, len(live), 500):
            self._ask(cluster, "DELETE", "/_security/api_key", {"ids": live[begin : begin + 500]})
        for kind in ("user", "role"):
            for name, one in self._ask(cluster, "GET", f"/_security/{kind}").items():
                if not one["metadata"].get("_reserved"):
                    self._ask(cluster, "DELETE", f"/_security/{kind}/{requests.utils.quote(name, safe='')}")

    def _session(self, cluster: str) -> requests.Session:
        spec, session = self._spec[cluster], requests.Session()
        session.trust_env = False
        session.auth, session.verify = (spec["username"], spec["password"]), spec["ca_cert"]
        return session

    def _ask(self, cluster: str, method: str, path: str, body: Any = None, url: str = "", until: int = 0) -> Any:
        spec, end = self._spec[cluster], time.monotonic() + SECONDS
        with self._session(cluster) as session:
            while True:
                try:
                    answer = session.request(method, (url or spec["urls"][0]) + path, json=body, timeout=60)
                except requests.ConnectionError:
                    assert until and time.monotonic() < end, f"{cluster} does not answer {method} {path}"
                else:
                    if answer.status_code in (200, until or 200):
                        return answer.json()
                    assert until and time.monotonic() < end, f"{method} {path} of {cluster}: {answer.text[:600]}"
                time.sleep(0.3)


def _log_file(cluster: str, node: dict[str, Any]) -> Path:
    return Path(node["home"], "logs", f"{cluster}.log")


def _runs(node: dict[str, Any]) -> bool:
    """As the scripts of the node tell it: the process whose environment says that it is this node."""
    try:
        pid = Path(node["home"], "run", "pid").read_text(encoding="ascii").strip()
        return f"HOME={node['home']}/run".encode() in Path("/proc", pid, "environ").read_bytes().split(b"\0")
    except OSError:
        return False
