# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts clusters in an event loop of their own thread, and lets tests watch and disturb them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from . import control, handlers, versions
from .state import Cluster

PASSWORD_BYTES = 12


class Simulator:
    """A context manager: clusters run inside the `with` block, in a background thread.

    `clusters` is {name: {"version", "nodes" (count), "node_versions" (for mixed clusters)}}; missing values come
    from the arguments.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        clusters: dict[str, dict[str, Any]] | list[str],
        version: str = versions.DEFAULT,
        nodes: int = 3,
        trust: bool = True,
    ) -> None:
        handlers.load()
        self.directory = Path(directory).resolve()
        self.trust = trust
        wanted = clusters if isinstance(clusters, dict) else {name: {} for name in clusters}
        self.clusters: dict[str, Cluster] = {}
        for name, options in wanted.items():
            node_versions = options.get("node_versions")
            count = len(node_versions) if node_versions else int(options.get("nodes", nodes))
            cluster = Cluster(
                name,
                options.get("version") or (node_versions or [version])[0],
                self.directory / name,
                count,
                node_versions,
            )
            cluster.peers = self.clusters
            cluster.extra["trust"] = trust
            self.clusters[name] = cluster
        self.loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._control: control.ControlServer | None = None

    # --- life ---
    def __enter__(self) -> Simulator:
        ready = threading.Event()
        problem: list[BaseException] = []

        def run() -> None:
            loop = asyncio.new_event_loop()
            self.loop = loop
            try:
                loop.run_until_complete(self.start())
            except BaseException as error:
                problem.append(error)
                loop.run_until_complete(self.stop())
                ready.set()
                return
            ready.set()
            loop.run_forever()
            loop.run_until_complete(self.stop())
            loop.close()

        self._thread = threading.Thread(target=run, name="simulator", daemon=True)
        self._thread.start()
        ready.wait()
        if problem:
            self._thread.join()
            raise problem[0]
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.loop is not None and self._thread is not None and self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(timeout=20)

    async def start(self) -> None:
        """In the running loop: prepare homes, open every port, write control.json."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._control = control.ControlServer(self.clusters, self.directory)
        await self._control.start()
        for cluster in self.clusters.values():
            await control.create_cluster(cluster, self._control.url)
        for cluster in self.clusters.values():
            for node in cluster.nodes:
                await control.configure_node(node, self.trust)
        for cluster in self.clusters.values():
            for node in cluster.nodes:
                await control.start_node(node)

    async def stop(self) -> None:
        for cluster in self.clusters.values():
            await control.remove_cluster(cluster)
        if self._control is not None:
            await self._control.stop()
        pending = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    # --- what tests use ---
    @property
    def spec(self) -> dict[str, Any]:
        """The content of clusters.json."""
        return {"clusters": {name: control.describe(cluster) for name, cluster in self.clusters.items()}}

    def cluster(self, name: str) -> dict[str, Any]:
        return control.describe(self.clusters[name])

    def run(self, coroutine: Coroutine[Any, Any, Any], timeout: float = 60) -> Any:
        """Run a coroutine inside the simulator's loop and give back its result."""
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def control(self, cluster: str, verb: str, **arguments: Any) -> Any:
        return self.run(control.call(self.clusters[cluster], verb, arguments))

    def fault(self, cluster: str, kind: str, **arguments: Any) -> None:
        self.control(cluster, "fault", kind=kind, **arguments)

    def clear_faults(self, cluster: str | None = None) -> None:
        for name in [cluster] if cluster else list(self.clusters):
            self.control(name, "clear_faults")

    def log(self, cluster: str, writes_only: bool = False) -> list[dict[str, Any]]:
        return self.control(cluster, "log", writes_only=writes_only)

    def clear_log(self, cluster: str | None = None) -> None:
        for name in [cluster] if cluster else list(self.clusters):
            self.control(name, "clear_log")

    def bugs(self) -> list[str]:
        """Requests that made the simulator itself fail; must stay empty."""
        return [text for cluster in self.clusters.values() for text in cluster.extra.get("bugs", [])]


def write_spec(simulator: Simulator) -> Path:
    """clusters.json, written in one step once everything answers."""
    target = simulator.directory / "clusters.json"
    temporary = target.with_suffix(".json.tmp")
    temporary.write_text(json.dumps(simulator.spec, indent=2) + "\n", encoding="utf-8")
    temporary.chmod(0o600)
    os.replace(temporary, target)
    return target


def clean(directory: Path, names: list[str]) -> None:
    """Remove what an earlier run left, and nothing else."""
    for name in names:
        if (directory / name / ".simulated-cluster").exists():
            shutil.rmtree(directory / name)
    for name in ("clusters.json", "control.json"):
        (directory / name).unlink(missing_ok=True)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
