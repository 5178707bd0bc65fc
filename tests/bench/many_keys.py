# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key module among many keys of others: time, memory and requests of one run, in a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import typing as t
from pathlib import Path

from simulator import Simulator
from support.modules import run_module
from support.worlds import connection

from .measure import ACCESS

# The bare request is the one that the module makes: it tells what of the time is the server's.
# VmHWM because ru_maxrss starts with that of the parent.
CHILD = """
import json, re, sys, time
from support.modules import run_module
args = json.loads(sys.argv[1])
started = time.perf_counter()
result = run_module("cross_cluster_api_key", args)
took = time.perf_counter() - started
assert not result.failed and not result.changed, result
memory = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)) // 1024
import requests
terms = {"name": "ours", "type": "cross_cluster", "invalidated": False}
query = {
    "query": {
        "bool": {
            "filter": [{"term": {field: value}} for field, value in terms.items()],
            "must_not": [{"range": {"expiration": {"lte": "now"}}}],
        }
    },
    "sort": [{"creation": {"order": "asc"}}],
    "size": 10000,
}
session = requests.Session()
login = {"auth": (args["username"], args["password"]), "verify": args["ca_cert"]}
session.get(args["urls"][0], **login)
started = time.perf_counter()
session.post(args["urls"][0] + "/_security/_query/api_key", json=query, **login)
print(json.dumps([took, memory, time.perf_counter() - started]))
"""


def run(directory: Path) -> list[dict[str, t.Any]]:
    rows: list[dict[str, t.Any]] = []
    with Simulator(directory, clusters={"berlin": {"nodes": 1}}) as sim:
        berlin = sim.spec["clusters"]["berlin"]
        args = {**connection(berlin), "name": "ours", "access": ACCESS}

        def child() -> list[float]:
            done = subprocess.run(
                [sys.executable, "-c", CHILD, json.dumps(args)], capture_output=True, text=True, check=True
            )
            return json.loads(done.stdout)

        assert run_module("cross_cluster_api_key", args).changed
        there = 0
        for count in (10, 1000, 10_000):
            sim.control("berlin", "fill_keys", count=count - there, name_prefix="foreign-", type="cross_cluster")
            there = count
            child()
            sim.clear_log()
            found = [child() for _time in range(9)]
            ms = 1000 * statistics.median(one[0] for one in found)
            bare = 1000 * statistics.median(one[2] for one in found)
            own = round(ms - bare)
            rows.append(
                {"foreign keys": count, "requests": len(sim.log("berlin")) // 9 - 2, "ms": round(ms),
                 "of the server": round(bare, 1), "of the module": own,
                 "ratio": round(own / rows[0]["of the module"], 2) if rows else 1.0,
                 "MB": max(one[1] for one in found)}
            )  # fmt: skip
    return rows
