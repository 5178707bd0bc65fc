# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the key module share."""

from __future__ import annotations

import typing as t

from support.modules import Result, check_real_again, run_module
from support.worlds import Api, connection

MODULE = "cross_cluster_api_key"
FQCN = f"crosscluster.elasticsearch.{MODULE}"
_OF_TASKS = (
    "register", "loop", "until", "retries", "delay", "async", "poll", "check_mode", "ignore_errors", "no_log",
)  # fmt: skip
LOGS = {"search": [{"names": ["logs-*"]}]}
DAY = 24 * 3600


def key_task(world: t.Any, name: str, **options: t.Any) -> dict[str, t.Any]:
    """A task that calls the module on berlin; options of tasks are told from those of the module by their names."""
    task = {field: options.pop(field) for field in list(options) if field in _OF_TASKS}
    return {"name": "Key", FQCN: {**connection(world.cluster("berlin")), "name": name, **options}, **task}


def play(*tasks: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return [{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]


def writes(world: t.Any) -> list[dict[str, t.Any]]:
    return world.log("berlin", writes_only=True)


class Keys:
    """The key module on the cluster berlin, as its superuser or as somebody else."""

    def __init__(self, world: t.Any, name: str = "paris-berlin", cluster: str = "berlin", **options: t.Any) -> None:
        self.world = world
        self.cluster = cluster
        self.name = name
        self.api = Api(world.cluster(cluster))
        self.options = {**connection(world.cluster(cluster)), "name": name, **options}

    def as_user(self, name: str, password: str = "secret-1") -> Keys:
        return Keys(self.world, self.name, self.cluster, username=name, password=password)

    def run(self, check: bool = False, **args: t.Any) -> Result:
        return run_module(MODULE, {**self.options, **args}, check=check)

    def three(self, **args: t.Any) -> Result:
        return check_real_again(MODULE, {**self.options, **args}, self.world, self.cluster)

    def counted(self, check: bool = False, **args: t.Any) -> tuple[Result, list[str]]:
        self.world.clear_log()
        result = self.run(check, **args)
        return result, self.requests()

    def requests(self) -> list[str]:
        return [f"{entry['method']} {entry['path']}" for entry in self.world.log(self.cluster)]

    def writes(self) -> list[str]:
        return [f"{entry['method']} {entry['path']}" for entry in self.world.log(self.cluster, writes_only=True)]

    def all(self) -> list[dict[str, t.Any]]:
        query = {"size": 10000, "query": {"term": {"name": self.name}}}
        return self.api.post("/_security/_query/api_key", query).json["api_keys"]

    def live(self) -> list[str]:
        now = self.world.control(self.cluster, "now")
        return [
            key["id"]
            for key in sorted(self.all(), key=lambda key: (key["creation"], key["id"]))
            if key["type"] == "cross_cluster" and not key["invalidated"] and (key.get("expiration") or now + 1) > now
        ]

    def clock(self, seconds: float) -> None:
        self.world.control(self.cluster, "advance_clock", seconds=seconds)
