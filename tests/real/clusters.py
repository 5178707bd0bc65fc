# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings clusters up and takes them down again, whatever happens in between."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from simulator.runtime import write_spec

from . import account, baseline, fetch, jdk, module
from .cluster import Cluster
from .place import Place
from .words import Problem, busy

MEMORY = 700  # MB that one node takes


def number(version: str) -> tuple[int, ...]:
    if not re.fullmatch(r"(8\.1\d|9\.\d+)\.\d+", version):
        raise Problem(f"version [{version}]: use a whole one from 8.10.0 on, such as 9.5.0.")
    return tuple(map(int, version.split(".")))


def available_memory(meminfo: str) -> int:
    """MB, from what /proc/meminfo says."""
    fields = dict(line.split(":") for line in meminfo.splitlines())
    return int(fields["MemAvailable"].split()[0]) // 1024


def find_jdks(versions: Iterable[str]) -> dict[str, Path]:
    """The JDK for each version; what cannot be fetched for want of Maven is found here too."""
    found = jdk.found(jdk.candidates(os.environ))
    jdks = {version: jdk.choose(number(version), found) for version in dict.fromkeys(versions)}
    for version in jdks:
        fetch.check(version)
    return jdks


def bring(version: str, home: Path) -> tuple[Path, Path, Path]:
    """What a node of this version is made of, from the cache or into it: JDK, distribution, compiled module."""
    distribution = fetch.distribution(version)
    return home, distribution, module.module(version, distribution, home)


class Clusters:
    """A context manager: `versions` is {name: version}; inside the block the clusters answer."""

    def __init__(self, directory: str | os.PathLike[str], versions: dict[str, str], nodes: int = 1, trust: bool = True):
        self.place = Place(Path(directory).resolve())
        self.versions = versions
        self.count = nodes
        self.trust = trust
        self.clusters: dict[str, Cluster] = {}
        self._workers = ThreadPoolExecutor(max_workers=32)

    @property
    def directory(self) -> Path:
        return self.place.directory

    @property
    def spec(self) -> dict[str, Any]:
        """The content of clusters.json."""
        return {"clusters": {name: cluster.describe() for name, cluster in self.clusters.items()}}

    def __enter__(self) -> Clusters:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _start(self) -> None:
        jdks = self._check()
        self.place.take()
        parts = {version: bring(version, home) for version, home in jdks.items()}
        homes = self.place.make_homes(self.account)
        nodes = f"{self.count * len(self.versions)} node{'s' * (self.count * len(self.versions) > 1)}"
        with busy(f"laying out {nodes}, run by the user {self.account.name}, below {homes}"):
            for name, version in self.versions.items():
                self.clusters[name] = Cluster(name, version, homes / name, self.count, *parts[version])
            clusters = list(self.clusters.values())
            self._all(clusters, Cluster.make)
            trusted = clusters if self.trust else []
            self._all(clusters, lambda cluster: cluster.configure(trusted, self.account))
        with busy(f"starting {', '.join(f'{name} ({version})' for name, version in self.versions.items())}"):
            self._all([node for cluster in clusters for node in cluster.nodes], lambda node: node.run("start-node"))
            self._all(clusters, Cluster.wait)
        for node in [node for cluster in clusters for node in cluster.nodes]:
            baseline.keep(node.home, node.config_dir)
        write_spec(self)

    def _check(self) -> dict[str, Path]:
        """The JDK for each version; all that can be missing is found missing here, before anything is begun."""
        self.account = account.choose()
        jdks = find_jdks(self.versions.values())
        for home in jdks.values():
            if not self.account.reaches(home / "bin" / "java"):
                raise Problem(f"the user {self.account.name}, who runs the servers, may not run {home}/bin/java.")
        needed = MEMORY * self.count * len(self.versions)
        free = available_memory(Path("/proc/meminfo").read_text(encoding="ascii"))
        if free < needed:
            raise Problem(
                f"{self.count * len(self.versions)} nodes need about {needed} MB of memory, and {free} MB are free: "
                "choose fewer CLUSTERS or NODES."
            )
        return jdks

    def _all(self, things: Sequence[Any], do: Callable[[Any], None]) -> None:
        """At the same time; the first failure counts."""
        for done in [self._workers.submit(do, thing) for thing in things]:
            done.result()

    def stop(self) -> None:
        """Nothing runs and nothing is left but logs, wherever the start had come to."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self.place.leave()
        self._workers.shutdown(wait=True)
