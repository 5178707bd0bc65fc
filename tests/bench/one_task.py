# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task: our modules beside ansible.builtin.ping, one ansible.builtin.uri GET, and uri tasks for the same job."""

from __future__ import annotations

import functools
import typing as t
from pathlib import Path

from simulator import Simulator
from support.worlds import connection

from . import measure
from .measure import ACCESS, FQCN

LOOP = {"loop": "{{ range(times | int) | list }}"}
QUERY = {"query": {"bool": {"filter": [{"term": {"name": "steady"}}, {"term": {"type": "cross_cluster"}}]}}}


def again(variant: t.Callable[[int], list[dict[str, t.Any]]], number: int) -> list[dict[str, t.Any]]:
    """The same variant with numbers of its own, so that what it makes is new again."""
    return variant(number + 1000)


def run(directory: Path) -> list[dict[str, t.Any]]:
    with Simulator(directory / "sim", clusters={"berlin": {"nodes": 1}}) as sim:
        berlin = sim.spec["clusters"]["berlin"]
        url, store = berlin["urls"][0], str(directory / "store")
        settings = {"alias": "paris", "mode": "proxy", "proxy_address": "paris.example:9443", "skip_unavailable": True}
        steady = {"name": "steady", "access": ACCESS}
        prepare = [
            {f"{FQCN}cross_cluster_api_key": {**steady, "credential_store": store}},
            {f"{FQCN}remote_cluster": settings},
        ]
        measure.timed(directory / "prepare", measure.play(prepare, berlin))

        def get(path: str, **body: t.Any) -> dict[str, t.Any]:
            more = {"body_format": "json", "body": body, "method": "POST"} if body else {}
            return {"ansible.builtin.uri": {"url": url + path, **more}, **LOOP}

        def key(**options: t.Any) -> dict[str, t.Any]:
            return {f"{FQCN}cross_cluster_api_key": options, **LOOP}

        def new(number: int, kind: str) -> str:
            return f"{kind}-{number}-{{{{ item }}}}"

        def look(**options: t.Any) -> dict[str, t.Any]:
            given = "".join(f", {name}={value!r}" for name, value in options.items())
            lookup = f"lookup('{FQCN}cross_cluster_api_key', 'steady', store='{store}', output='id'{given})"
            return {"ansible.builtin.debug": {"msg": "{{ %s }}" % lookup}, **LOOP}

        variants: dict[str, t.Callable[[int], list[dict[str, t.Any]]]] = {
            "ansible.builtin.ping": lambda _n: [{"ansible.builtin.ping": {}, **LOOP}],
            "uri: one GET": lambda _n: [get("/_security/api_key?name=steady")],
            "key unchanged": lambda _n: [key(**steady)],
            "uri recipe: key unchanged (query)": lambda _n: [get("/_security/_query/api_key", **QUERY)],
            "key created": lambda n: [key(name=new(n, "made"), access=ACCESS)],
            "uri recipe: key created (query, create)": lambda n: [
                get("/_security/_query/api_key", **QUERY),
                get("/_security/cross_cluster/api_key", name=new(n, "recipe"), access=ACCESS),
            ],
            "key updated": lambda n: [key(**steady, metadata={"round": f"{n}-{{{{ item }}}}"})],
            "remote_cluster unchanged": lambda _n: [{f"{FQCN}remote_cluster": settings, **LOOP}],
            "debug": lambda _n: [{"ansible.builtin.debug": {"msg": "steady"}, **LOOP}],
            "lookup": lambda _n: [look()],
            "lookup, verified": lambda _n: [look(verify=True, **connection(berlin))],
        }
        before = measure.earlier(directory)
        environments = {}
        for name in ("key unchanged", "key created", "key updated", "remote_cluster unchanged") if before else ():
            variants[f"{name}, before"] = functools.partial(again, variants[name])
            environments[f"{name}, before"] = before
        found = measure.compare(directory, berlin, variants, environments=environments)
        floor = found["uri: one GET"]
        return [measure.row(name, seconds, floor) for name, seconds in found.items()]
