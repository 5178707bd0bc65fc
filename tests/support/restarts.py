# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restarts of nodes: a command for the playbooks, one that does not wait for the node, and what they left."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

from .simulated import Api

RESTART = {
    "cross_cluster_trust_restart": True,
    "cross_cluster_trust_restart_command": [
        "{{ (elasticsearch_clusters.paris.nodes | selectattr('name', 'eq', inventory_hostname) | first).home }}"
        "/bin/restart-node"
    ],
}

_SLOW = """
import json, os, sys, time, urllib.request
cluster, node, log, *steps = sys.argv[1:]
if os.fork():
    sys.exit()  # the command ends before anything has happened
null = os.open(os.devnull, os.O_RDWR)
for number in range(3):
    os.dup2(null, number)
with open({control!r}) as file:
    control = json.load(file)
for step in steps:
    time.sleep(1.5)
    body = json.dumps({{"node": node}}).encode()
    address = f"{{control['url']}}/{{cluster}}/{{step}}_node"
    request = urllib.request.Request(address, body, {{"X-Control-Token": control["token"]}})
    urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(request).read()
    with open(log, "a") as file:
        file.write(f"{{step}} {{node}}\\n")
"""


class SlowRestarts:
    """A command that ends at once, while the node goes down and comes up later; it notes when which one did."""

    def __init__(self, sim: t.Any, directory: Path, cluster: str) -> None:
        self._script, self._log, self._cluster = directory / "slow-restart.py", directory / "slow-restart.log", cluster
        self._script.write_text(_SLOW.format(control=str(sim.directory / "control.json")), encoding="utf-8")

    def command(self, *steps: str) -> list[str]:
        """For `inventory_hostname`, with the steps stop and start unless others are given."""
        names = [str(self._log), *(steps or ("stop", "start"))]
        return [sys.executable, str(self._script), self._cluster, "{{ inventory_hostname }}", *names]

    @property
    def seen(self) -> list[str]:
        return self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []


def started(api: Api) -> dict[str, int]:
    """When the process of each node started."""
    nodes = api.get("/_nodes/jvm?filter_path=nodes.*.name,nodes.*.jvm.start_time_in_millis").json["nodes"].values()
    return {node["name"]: node["jvm"]["start_time_in_millis"] for node in nodes}
