# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node: its home, its files, and the scripts that start and stop it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from simulator import node_settings

from . import module, ports
from .account import Account
from .words import Problem, last_line

JVM_OPTIONS = """-Xms400m
-Xmx400m
-XX:TieredStopAtLevel=1
"""


@dataclass
class Node:
    name: str
    home: Path
    reserved: dict[str, socket.socket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in ("http", "transport", "remote_cluster"):
            self.reserved[kind] = ports.reserve()

    def port(self, kind: str) -> int:
        return ports.number(self.reserved[kind])

    @property
    def config_dir(self) -> Path:
        return self.home / "config"

    @property
    def keystore(self) -> Path:
        return self.home / "bin" / "elasticsearch-keystore"

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port('http')}"

    # --- files ---
    def make_home(self, distribution: Path, stand_in: Path, jdk: Path) -> None:
        """What no node changes is linked, the rest is this node's own."""
        for folder in ("lib", "modules"):
            _link(distribution / folder, self.home / folder)
        _link(stand_in, self.home / "modules" / module.NAME)
        shutil.copytree(distribution / "bin", self.home / "bin")
        shutil.copytree(distribution / "config", self.home / "config")
        (self.home / "jdk").symlink_to(jdk)
        for folder in ("data", "logs", "plugins", "run"):
            (self.home / folder).mkdir()

    def write_settings(self, cluster: str, seeds: list[Node], authorities: list[str]) -> None:
        settings = {
            **node_settings.first(cluster, self.name, authorities),
            **{f"{kind}.port": self.port(kind) for kind in ("http", "transport", "remote_cluster")},
            "discovery.seed_hosts": [f"127.0.0.1:{node.port('transport')}" for node in seeds],
            "cluster.initial_master_nodes": [node.name for node in seeds],
            "cluster.routing.allocation.disk.threshold_enabled": False,
            "xpack.license.self_generated.type": "trial",
            # Each request, with method and path, in the log: tests see there what was asked of the node.
            "logger.org.elasticsearch.http.HttpTracer": "TRACE",
        }
        (self.config_dir / "elasticsearch.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        (self.config_dir / "jvm.options.d" / "test.options").write_text(JVM_OPTIONS, encoding="utf-8")

    def hand_over(self, account: Account) -> None:
        """Owners and modes as the packages set them: the configuration stays root's, readable through its group."""
        if not account.prefix:
            return
        self.home.chmod(0o755)
        for path in (self.config_dir, *self.config_dir.rglob("*")):
            os.chown(path, 0, account.gid)
            path.chmod(0o2750 if path.is_dir() else 0o660)
        for folder in ("data", "logs", "plugins", "run"):
            os.chown(self.home / folder, account.uid, account.gid)

    # --- life ---
    def run(self, script: str) -> None:
        command = [str(self.home / "bin" / script)]
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True, check=False
        )
        if done.returncode:
            raise Problem(f"{self.name} does not start: {reason(done.stdout + done.stderr)}")

    def describe(self) -> dict[str, str]:
        return {
            "name": self.name,
            "url": self.url,
            "home": str(self.home),
            "config_dir": str(self.config_dir),
            "keystore": str(self.keystore),
        }


def reason(output: str) -> str:
    """Why a node did not start, from the much that it and its launcher say: what ended it, and the root of that."""
    fatal = re.search(r"fatal exception while booting Elasticsearch\s*(.+)|during initialization of VM\n(.+)", output)
    if not fatal:
        return last_line(output)
    trace = output[fatal.end() :].split("\n\n")[0]
    roots = re.findall(r"^Caused by: (.+)", trace, re.MULTILINE)
    return "; ".join([fatal[1] or fatal[2], *roots[-1:]])


def _link(source: Path, target: Path) -> None:
    """The same files under another name; a copy where links cannot reach, as from one file system to another."""

    def link(old: str, new: str) -> None:
        try:
            os.link(old, new)
        except OSError:
            shutil.copy2(old, new)

    shutil.copytree(source, target, copy_function=link)
