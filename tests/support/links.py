# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links between simulated clusters, made by the playbooks: run them, search through them, break them.

estate = Links(world, tmp_path, [("paris", "berlin")])
run = estate.play("trust")
assert estate.search("paris", "berlin") == [200, 200, 200]
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

from simulator import Simulator

from .playbook import Run, run_playbook
from .worlds import Api, put_credential

ACCESS = {"search": [{"names": ["logs-*"]}]}
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
_MISTAKE = re.compile(r"template|undefined|invalid data passed to|Traceback|mistake in the collection", re.IGNORECASE)
# Long tests run only on demand.
SLOW = bool(os.environ.get("CROSSCLUSTER_SLOW_TESTS"))


class Links:
    def __init__(self, world: Simulator, directory: Path, links: t.Sequence[t.Any], **defaults: t.Any) -> None:
        self.world, self.directory, self._numbers = world, directory, itertools.count(1)
        self.clusters = world.spec["clusters"]
        # With skip_unavailable a failing link would be a search that succeeds with nothing found.
        common = {"access": ACCESS, "skip_unavailable": False, **defaults}
        self.links = [
            {**common, **(link if isinstance(link, dict) else {"from": link[0], "to": link[1]})} for link in links
        ]
        for name in {link["to"] for link in self.links}:
            assert self.api(name).put("/logs-1/_doc/1?refresh=true", {"of": name}).status in (200, 201)

    def api(self, cluster: str, node: int = 0) -> Api:
        return Api(self.clusters[cluster], node=node)

    def play(
        self,
        name: str,
        *,
        env: dict[str, str] | None = None,
        variables: dict[str, t.Any] | None = None,
        **options: t.Any,
    ) -> Run:
        """One of the playbooks of the collection."""
        given = {"elasticsearch_clusters": self.clusters, "cross_cluster_links": self.links, **(variables or {})}
        given["elasticsearch_clusters"] = {
            name: {**cluster, "nodes": [_reached_from_here(node) for node in cluster.get("nodes", [])]}
            for name, cluster in given["elasticsearch_clusters"].items()
        }
        for cluster in self.clusters:
            self.world.control(cluster, "clear_log")
        done = run_playbook(
            f"crosscluster.elasticsearch.{name}",
            directory=self.directory / f"run-{next(self._numbers)}",
            extra_vars=given,
            # As on real nodes, what one run remembers is there in the next.
            env={"XDG_CACHE_HOME": str(self.directory / "cache"), **(env or {})},
            **options,
        )
        # The roles go on where one link fails, and would go on over mistakes of their own.
        assert not [text for text in done.messages if _MISTAKE.search(text)], str(done)
        return done

    def role(self, name: str, clusters: str, variables: dict[str, t.Any], **options: t.Any) -> Run:
        """A role on all nodes of clusters, named with blanks between; it finds what clusters.json tells of a node in
        `node_...`."""
        play = [
            {"hosts": "all", "gather_facts": False, "roles": [f"crosscluster.elasticsearch.{name}"], "vars": variables}
        ]
        hosts = {
            node["name"]: {**{f"node_{field}": value for field, value in node.items()}, **LOCAL}
            for cluster in clusters.split()
            for node in self.clusters[cluster]["nodes"]
        }
        directory = self.directory / f"role-{next(self._numbers)}"
        return run_playbook(play, directory=directory, inventory={"all": {"hosts": hosts}}, **options)

    def search(self, client: str, alias: str) -> list[int]:
        """The status of a search through every node of the client."""
        nodes = range(len(self.clusters[client]["urls"]))
        return [self.api(client, node).get(f"/{alias}:logs-1/_search").status for node in nodes]

    def all_work(self) -> bool:
        there = [link for link in self.links if link.get("state") != "absent"]
        return all(set(self.search(link["from"], link.get("alias", link["to"]))) == {200} for link in there)

    def writes(self) -> list[tuple[str, str, str]]:
        """The write requests since the last run began."""
        return [
            (cluster, entry["method"], entry["path"])
            for cluster in self.clusters
            for entry in self.world.log(cluster, writes_only=True)
            if "/_doc" not in entry["path"]
        ]

    def requests(self) -> int:
        return sum(len(self.world.log(cluster)) for cluster in self.clusters)

    def live_keys(self, server: str, name: str | None = None) -> list[dict[str, t.Any]]:
        keys = self.api(server).get("/_security/api_key?active_only=true").json["api_keys"]
        return [key for key in keys if name is None or key["name"] == name]

    def hold(self, node: dict[str, t.Any], alias: str, encoded: str) -> None:
        put_credential(node, alias, encoded)

    def protect(self, cluster: str, password: str) -> None:
        """Give every keystore of the cluster a password, and the node what it needs to start with it."""
        for node in self.clusters[cluster]["nodes"]:
            subprocess.run(
                [node["keystore"], "passwd"], input=f"{password}\n{password}\n", text=True, check=True, timeout=60,
                capture_output=True, env={**os.environ, "ES_PATH_CONF": node["config_dir"]},
            )  # fmt: skip
            Path(node["home"], "lib", "keystore_passphrase").write_text(password + "\n", encoding="utf-8")

    def reload(self, cluster: str) -> None:
        assert self.api(cluster).post("/_nodes/reload_secure_settings").status == 200


def report(run: Run) -> dict[str, dict[str, t.Any]]:
    """What the role says about each link."""
    rows = run.result("Sum up each link")["ansible_facts"]["cross_cluster_trust_report"]
    return {row["link"]: row for row in rows}


def module_runs(run: Run) -> int:
    """How often a module of the collection was run on some host."""
    ended = ("runner_on_ok", "runner_on_failed", "runner_item_on_ok", "runner_item_on_failed")
    ours = [event for event in run.events if event["event"] in ended and "crosscluster" in event["action"]]
    items = {(event["task"], event["host"]) for event in ours if "item" in event["event"]}
    return sum(
        event["result"].get("module_runs", not event["action"].endswith(".check_play"))
        for event in ours
        # A loop tells its items once more.
        if "item" in event["event"] or (event["task"], event["host"]) not in items
    )


def plan(run: Run) -> dict[str, list[str]]:
    """The plan in words, of the links that have one."""
    looked = run.results("Read the keys of the servers, and ask the clients for their remotes through every node")
    told = [*run.results(" : Plan"), *(item for one in looked for item in one.get("results", ()))]
    return {link: words for one in told for link, words in one.get("plan", {}).items()}


def _reached_from_here(node: dict[str, t.Any]) -> dict[str, t.Any]:
    return {**node, "vars": {**LOCAL, **node.get("vars", {})}}


class Searching:
    """Searches without a pause through every node of a client, for as long as the block lasts."""

    def __init__(self, links: Links, client: str, alias: str) -> None:
        self.links, self.client, self.alias = links, client, alias
        self.made, self.failed = 0, []  # type: int, list[str]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._search, daemon=True)

    def __enter__(self) -> Searching:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _search(self) -> None:
        nodes = [self.links.api(self.client, node) for node in range(len(self.links.clusters[self.client]["urls"]))]
        # Two cores are shared with the run itself: a short pause lets it get somewhere.
        while not self._stop.wait(0.005):
            for node in nodes:
                answer = node.get(f"/{self.alias}:logs-1/_search")
                self.made += 1
                if answer.status != 200 or answer.json["hits"]["total"]["value"] != 1:
                    self.failed.append(repr(answer))
