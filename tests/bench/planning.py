# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What planning alone takes for a mesh of N clusters with three nodes each, all linked: no server, no play.

Each size in a process of its own, because memory is told as its peak.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import complete, normalise
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import outcome, phases
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import Run, RunOptions
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import MARKER

from .measure import ACCESS

SIZES = (5, 20, 50)


def run(directory: Path) -> list[dict[str, t.Any]]:
    rows = []
    for size in SIZES:
        child = [sys.executable, "-c", f"from bench import planning; print(planning.measured({size}))"]
        done = subprocess.run(child, capture_output=True, text=True, check=True, cwd=directory)
        rows.append(json.loads(done.stdout))
    return rows


def measured(size: int) -> str:
    names = [f"c{number:02}" for number in range(size)]
    clusters = {
        name: {
            "username": "linker", "password": "x", "remote_cluster_server": f"{name}:9443",
            "nodes": [
                {"name": f"{name}-{node}", "url": f"https://{name}-{node}:9200", "config_dir": "/etc/elasticsearch"}
                for node in range(3)
            ],
        }
        for name in names
    }  # fmt: skip
    links = [{"from": one, "to": other, "access": ACCESS} for one, other in itertools.permutations(names, 2)]
    began = time.perf_counter()
    data = complete(normalise(clusters, links))
    seconds = {"input s": time.perf_counter() - began}
    for what, told in (("plan of nothing there s", world(data, False)), ("plan of all right s", world(data, True))):
        began = time.perf_counter()
        found = phases.so_far(Run(data, RunOptions(), told, data["now"]), "keys")
        steps = sum(len(planned.plan.steps) for planned in found.planned.values())
        calls = len(list(phases.KEYS.calls(found)))
        rows = outcome.rows(found, data["now"])
        assert (
            calls == (0 if "right" in what else size) and bool(steps) != ("right" in what) and len(rows) == len(links)
        )
        seconds[what] = time.perf_counter() - began
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(t.cast("re.Match[str]", re.search(r"VmHWM:\s+(\d+)", status)).group(1)) // 1024
    told_seconds = {name: round(value, 2) for name, value in seconds.items()}
    return json.dumps({"clusters": size, "links": len(links), **told_seconds, "MB": peak})


def world(data: dict[str, t.Any], right: bool) -> dict[str, t.Any]:
    """What modules would tell: nothing is there, or everything is right."""
    keystores: dict[str, t.Any] = {node: {"credentials": {}} for node in data["nodes"]}
    clusters: dict[t.Any, t.Any] = {}
    for name, cluster in data["clusters"].items():
        running = [
            {
                "id": node, "name": node, "roles": ["remote_cluster_client"], "started": 1,
                "urls": [data["nodes"][node]["url"]],
            }
            for node in cluster["nodes"]
        ]  # fmt: skip
        clusters[name, "cross_cluster_api_key_info", ""] = {"api_keys": []}
        clusters[name, "remote_cluster_info", ""] = {"remotes": [], "nodes": running}
    for link in data["links"] if right else ():
        key = {
            "id": link["key_name"], "name": link["key_name"], "type": "cross_cluster", "creation": 1,
            "access": link["access"], "metadata": {MARKER: {"client": link["from"], "alias": link["alias"]}},
        }  # fmt: skip
        clusters[link["to"], "cross_cluster_api_key_info", ""]["api_keys"].append(key)
        remote = {
            "alias": link["alias"], "security_model": "api_key", "settings": link["settings"],
            "probe": {"ok": True, "nodes": []},
        }  # fmt: skip
        clusters[link["from"], "remote_cluster_info", ""]["remotes"].append(remote)
        for node in data["clusters"][link["from"]]["nodes"]:
            keystores[node]["credentials"][link["alias"]] = {"state": "present", "api_key_id": key["id"]}
    return {"keystores": keystores, "clusters": clusters}
