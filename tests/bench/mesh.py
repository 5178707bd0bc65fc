# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh of N clusters with three nodes each, all linked to each other.

The first run makes the links, the second finds nothing to do, then all keys are rotated and all links taken down. The
uri recipe does what the second does.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import time
import typing as t
from pathlib import Path

from simulator import Simulator
from support.links import LOCAL, Links, module_runs
from support.playbook import run_playbook

from . import measure

SIZES = tuple(int(size) for size in os.environ.get("BENCH_MESH", "2 5 10 20").split())
COMPARED_AT = 10
PLAYED = (("first run", "trust"), ("second run", "trust"), ("rotation", "rotate"), ("teardown", "untrust"))


def run(directory: Path) -> list[dict[str, t.Any]]:
    rows = []
    for size in SIZES:
        names = [f"c{number:02}" for number in range(size)]
        folder = directory / str(size)
        with Simulator(folder / "sim", clusters={name: {"nodes": 3} for name in names}) as sim:
            links = Links(sim, folder, list(itertools.permutations(names, 2)))
            for what, playbook in PLAYED:
                play = functools.partial(links.play, playbook, timeout=1800)
                rows.append(measured(sim, links, size, what, play, module_runs))
                if size == COMPARED_AT and what == "second run":
                    play = functools.partial(recipe, links)
                    rows.append(measured(sim, links, size, "uri recipe, nothing to do", play, items))
        before = measure.earlier(directory)
        if before and size == COMPARED_AT:
            with Simulator(folder / "before", clusters={name: {"nodes": 3} for name in names}) as sim:
                links = Links(sim, folder / "earlier", list(itertools.permutations(names, 2)))
                for what in ("first run, before", "second run, before"):
                    trust = functools.partial(links.play, "trust", timeout=1800, env=before)
                    rows.append(measured(sim, links, size, what, trust, module_runs))
    return rows


def measured(
    sim: Simulator, links: Links, size: int, what: str, play: t.Callable[[], t.Any], count: t.Callable[[t.Any], int]
) -> dict[str, t.Any]:
    for name in sim.clusters:
        sim.control(name, "clear_keystore_calls")
        sim.control(name, "clear_log")
    started = time.perf_counter()
    done = play()
    took = time.perf_counter() - started
    assert done.ok, str(done)
    calls = sum(len(lines) for name in sim.clusters for lines in sim.control(name, "keystore_calls").values())
    return {
        "clusters": size, "links": len(links.links), "run": what, "module runs": count(done),
        "requests": sum(len(sim.log(name)) for name in sim.clusters), "writes": len(links.writes()),
        "settings writes": sum(path.startswith("/_cluster/settings") for _cluster, _method, path in links.writes()),
        "keystore calls": calls, "s": round(took, 1),
        "controller MB": (done.events[-1]["peak_kb"] or 0) // 1024, **largest(done.events),
    }  # fmt: skip


def largest(events: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """The result that is longest as it is shown with -v: one line of JSON; items are shown one by one."""
    shown = [event for event in events if "results" not in (event.get("result") or {})]
    event = max(shown, key=lambda event: len(json.dumps(event.get("result"))))
    return {"largest result kB": len(json.dumps(event["result"])) // 1024, "of": event["task"].rsplit(" : ", 1)[-1]}


def items(done: t.Any) -> int:
    return sum(event["event"] == "runner_item_on_ok" for event in done.events)


def recipe(links: Links) -> t.Any:
    """What is written by hand today: link by link, one uri or command for each question."""
    items = [
        {
            "from": links.clusters[link["from"]],
            "to": links.clusters[link["to"]],
            "alias": link["to"],
            "name": f"{link['from']}-{link['to']}",
        }
        for link in links.links
    ]
    login = {
        "url_username": "{{ item.%s.username }}", "url_password": "{{ item.%s.password }}", "force_basic_auth": True,
        "ca_path": "{{ item.%s.ca_cert }}",
    }  # fmt: skip

    def uri(side: str, url: str, **more: t.Any) -> dict[str, t.Any]:
        given = {name: value % side if isinstance(value, str) else value for name, value in login.items()}
        return {
            "ansible.builtin.uri": {"url": url, **given, **more},
            "loop": "{{ links }}",
            "loop_control": {"label": "{{ item.name }}"},
        }

    query = {"query": {"bool": {"filter": [{"term": {"name": "{{ item.name }}"}}, {"term": {"invalidated": False}}]}}}
    tasks = [
        uri("to", "{{ item.to.urls[0] }}/_security/_query/api_key", method="POST", body_format="json", body=query),
        uri("from", "{{ item.from.urls[0] }}/_cluster/settings?flat_settings=true"),
        *(uri("from", "{{ item.from.urls[%d] }}/_resolve/cluster/{{ item.alias }}:*" % node) for node in range(3)),
        *(
            {
                "ansible.builtin.command": "{{ item.from.nodes[%d].keystore }} list" % node,
                "environment": {"ES_PATH_CONF": "{{ item.from.nodes[%d].config_dir }}" % node},
                "changed_when": False,
                "loop": "{{ links }}",
                "loop_control": {"label": "{{ item.name }}"},
            }
            for node in range(3)
        ),
    ]
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    return run_playbook(plays, directory=links.directory / "recipe", extra_vars={**LOCAL, "links": items}, timeout=1800)
