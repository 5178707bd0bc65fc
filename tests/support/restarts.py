# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restarts of nodes: a command for the playbooks, one that does not wait for the node, and what they left."""

from __future__ import annotations

import sys
from pathlib import Path

from .worlds import Api

HOME = "{{ (elasticsearch_clusters.paris.nodes | selectattr('name', 'eq', inventory_hostname) | first).home }}"
RESTART = {
    "cross_cluster_trust_restart": True,
    "cross_cluster_trust_restart_command": [f"{HOME}/bin/restart-node"],
}

_SLOW = """
import os, subprocess, sys, time
home, name, log, *steps = sys.argv[1:]
if os.fork():
    sys.exit()  # the command ends before anything has happened
null = os.open(os.devnull, os.O_RDWR)
for number in range(3):
    os.dup2(null, number)
for step in steps:
    time.sleep(1.5)
    subprocess.run([f"{home}/bin/{step}-node"], check=True)
    with open(log, "a") as file:
        file.write(f"{step} {name}\\n")
"""


class SlowRestarts:
    """A command that ends at once, while the node goes down and comes up later; it notes when which one did."""

    def __init__(self, directory: Path) -> None:
        self._script, self._log = directory / "slow-restart.py", directory / "slow-restart.log"
        self._script.write_text(_SLOW, encoding="utf-8")

    def command(self, *steps: str, home: str = "{{ node_home }}") -> list[str]:
        """For the host of the play, with the steps stop and start unless others are given."""
        names = [home, "{{ inventory_hostname }}", str(self._log), *(steps or ("stop", "start"))]
        return [sys.executable, str(self._script), *names]

    @property
    def seen(self) -> list[str]:
        return self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []


def started(api: Api) -> dict[str, int]:
    """When the process of each node started."""
    nodes = api.get("/_nodes/jvm?filter_path=nodes.*.name,nodes.*.jvm.start_time_in_millis").json["nodes"].values()
    return {node["name"]: node["jvm"]["start_time_in_millis"] for node in nodes}
