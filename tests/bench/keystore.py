# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of the keystore tool on one node when nothing is to be done; each starts a JVM, here a delay of 1.5 seconds.

The first look is at a file that nobody has looked at since it was written; later ones find it unchanged.
"""

from __future__ import annotations

import subprocess
import time
import typing as t
from pathlib import Path

from simulator import Simulator
from support.modules import run_module
from support.worlds import Api

JVM = 1.5


def run(directory: Path) -> list[dict[str, t.Any]]:
    rows: list[dict[str, t.Any]] = []
    with Simulator(directory, clusters={"berlin": {"nodes": 1}, "paris": {"nodes": 1}}) as sim:
        node = sim.spec["clusters"]["paris"]["nodes"][0]
        tool = {"executable": node["keystore"], "config_dir": node["config_dir"]}
        cache = {"XDG_CACHE_HOME": str(directory / "cache")}
        encoded = Api(sim.spec["clusters"]["berlin"]).key("any")["encoded"]
        for count in (1, 10, 50):
            aliases = [f"remote-{number}" for number in range(count)]
            names = [f"cluster.remote.{alias}.credentials" for alias in aliases]
            subprocess.run(
                [node["keystore"], "add", "-f", *names], input="\n".join([encoded] * count) + "\n",
                env={"ES_PATH_CONF": node["config_dir"], "PATH": "/usr/bin:/bin"},
                text=True, check=True, capture_output=True,
            )  # fmt: skip
            sim.control("paris", "jvm_delay", seconds=JVM)
            for what, options in (
                ("which key each alias holds, first look", {"aliases": aliases}),
                ("the same, later", {"aliases": aliases}),
                ("the same, without memory", {"aliases": aliases, "remember": False}),
            ):
                sim.control("paris", "clear_keystore_calls")
                started = time.perf_counter()
                result = run_module("keystore_info", {**tool, **options}, environ=cache)
                took = time.perf_counter() - started
                assert not result.failed, result
                calls = sum(map(len, sim.control("paris", "keystore_calls").values()))
                rows.append({"aliases": count, "question": what, "calls": calls, "s": round(took, 1)})
            sim.control("paris", "jvm_delay", seconds=0)
    return rows
