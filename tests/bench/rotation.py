# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty links rotated in one run, under search."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

from simulator import Simulator
from support.links import Links, Searching

LINKS = 20


def run(directory: Path) -> list[dict[str, t.Any]]:
    with Simulator(directory / "sim", clusters={"berlin": {"nodes": 3}, "paris": {"nodes": 3}}) as sim:
        wanted = [{"from": "paris", "to": "berlin", "alias": f"remote-{number}"} for number in range(LINKS)]
        links = Links(sim, directory, wanted)
        assert links.play("trust").ok
        with Searching(links, "paris", "remote-7") as searching:
            started = time.perf_counter()
            done = links.play("rotate")
            took = time.perf_counter() - started
        assert done.ok, str(done)
        requests = sum(len(sim.log(name)) for name in sim.clusters) - searching.made
        return [
            {"links": LINKS, "s": round(took, 1), "s per link": round(took / LINKS, 2), "tasks": len(done.tasks),
             "requests": max(requests, 0), "searches made": searching.made, "searches failed": len(searching.failed)}
        ]  # fmt: skip
