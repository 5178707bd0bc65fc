# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time playbooks against each other: all of them in every round, so that what else the machine does hits all alike."""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import tarfile
import time
import typing as t
from pathlib import Path

from support.playbook import ROOT, Run, run_playbook
from support.worlds import connection

FQCN = "crosscluster.elasticsearch."
BEFORE = os.environ.get("BENCH_BEFORE")
ACCESS = {"search": [{"names": ["logs-*"]}]}


def earlier(directory: Path) -> dict[str, str]:
    """Environment that runs the collection as it was at the commit BENCH_BEFORE; empty without one."""
    if not BEFORE:
        return {}
    tree = directory / "before" / "ansible_collections" / "crosscluster" / "elasticsearch"
    if not tree.exists():
        tree.mkdir(parents=True)
        done = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=True)
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(tree)
    return {"ANSIBLE_COLLECTIONS_PATH": str(directory / "before")}


def play(tasks: list[dict[str, t.Any]], cluster: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    get = {
        "url_username": cluster["username"], "url_password": cluster["password"], "force_basic_auth": True,
        "ca_path": cluster["ca_cert"], "return_content": True,
    }  # fmt: skip
    defaults = {f"group/{FQCN}elasticsearch": connection(cluster), "ansible.builtin.uri": get}
    return [{"hosts": "all", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}]


def timed(directory: Path, plays: list[dict[str, t.Any]], **options: t.Any) -> tuple[float, Run]:
    started = time.perf_counter()
    run = run_playbook(plays, directory=directory, **options)
    took = time.perf_counter() - started
    assert run.ok, str(run)
    return took, run


def compare(
    directory: Path,
    cluster: dict[str, t.Any],
    variants: dict[str, t.Callable[[int], list[dict[str, t.Any]]]],
    rounds: int = 9,
    times: int = 10,
    environments: t.Mapping[str, dict[str, str]] | None = None,
) -> dict[str, list[float]]:
    """Seconds for one pass of each variant, one value per round: what `times` passes take beyond an empty play.

    Each round begins with another variant, so that none always comes first. A variant gets the number of the round, so
    that it can make something new, and gives tasks that loop `times` times.
    environments: variables for single variants.
    """
    found: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        empty, _run = timed(directory / "empty", play([{"ansible.builtin.meta": "noop"}], cluster))
        first = number * 4 % len(variants)
        for name in [*list(variants)[first:], *list(variants)[:first]]:
            took, _run = timed(
                directory / "run", play(variants[name](number), cluster), extra_vars={"times": times},
                env=(environments or {}).get(name),
            )  # fmt: skip
            if number:  # the first round only warms caches up
                found[name].append((took - empty) / times)
    return found


def row(name: str, seconds: list[float], floor: list[float], **more: t.Any) -> dict[str, t.Any]:
    """Median and quartiles in milliseconds, and the ratio to the floor, round by round."""
    ratios = [one / other for one, other in zip(seconds, floor)]
    low, middle, high = statistics.quantiles(seconds, n=4)
    return {
        "what": name, "ms": round(middle * 1000), "quartiles": f"{low * 1000:.0f}-{high * 1000:.0f}",
        "ratio": round(statistics.median(ratios), 2), "ratios": f"{min(ratios):.2f}-{max(ratios):.2f}", **more,
    }  # fmt: skip
