# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathered facts of an estate that does not exist: what the tasks of the roles would have registered.

estate = Estate({"paris": 2, "berlin": 2}, [("paris", "berlin")])
estate.key("paris/berlin")["invalidated"] = True
view, = estate.views()
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import view as link_view
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import normalise
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import Gathered

NOW = 1_800_000_000_000
DAY = 86_400_000


class Estate:
    """All links work, with keys that have 60 of 90 days left, until a test breaks something."""

    def __init__(
        self, clusters: t.Mapping[str, int], links: t.Sequence[tuple[str, str] | dict[str, t.Any]], now: int = NOW
    ) -> None:
        self.now = now
        given = {
            name: {
                "urls": [f"https://{name}-{i}:9200" for i in range(1, nodes + 1)],
                "username": "elastic",
                "password": "x",
                "remote_cluster_server": f"{name}.example:9443",
                "nodes": [f"{name}-{i}" for i in range(1, nodes + 1)],
            }
            for name, nodes in clusters.items()
        }
        access = {"search": [{"names": ["logs-*"]}]}
        wanted = [
            {"access": access, **(link if isinstance(link, dict) else {"from": link[0], "to": link[1]})}
            for link in links
        ]
        self.data = normalise(given, wanted)
        assert not self.data["errors"], self.data["errors"]
        self.keystores: dict[str, t.Any] = {
            node: {"credentials": {}, "settings": []}
            for cluster in self.data["clusters"].values()
            for node in cluster["nodes"]
        }
        self.keys: dict[str, list[dict[str, t.Any]]] = {name: [] for name in clusters}
        self.remotes: dict[str, list[dict[str, t.Any]]] = {name: [] for name in clusters}
        self.clusters: dict[str, t.Any] = {name: self._cluster(name, nodes) for name, nodes in clusters.items()}
        self.ports: dict[t.Any, t.Any] = {}
        self.failed: dict[tuple[str, str], str] = {}
        # What the clusters list beside their remotes: all nodes, under the names of the inventory.
        self.running: dict[str, list[dict[str, t.Any]]] = {
            name: [
                {"id": f"id-{node}", "name": node, "roles": ["remote_cluster_client"], "started": 1}
                for node in cluster["nodes"]
            ]
            for name, cluster in self.data["clusters"].items()
        }
        for number, link in enumerate(self.data["links"]):
            self._link(number, link)

    def _cluster(self, name: str, nodes: int) -> dict[str, t.Any]:
        return {
            "version": "9.3.0",
            "build_flavor": "default",
            "license": {"type": "trial", "status": "active", "expires": None},
            "nodes": [
                {
                    "name": f"{name}-{i}",
                    "version": "9.3.0",
                    "roles": ["data", "remote_cluster_client"],
                    "transport_address": f"10.0.0.{i}:9300",
                    "remote_cluster_server": {
                        "bound_address": [f"10.0.0.{i}:9443"],
                        "publish_address": f"10.0.0.{i}:9443",
                    },
                }
                for i in range(1, nodes + 1)
            ],
        }

    def _link(self, number: int, link: dict[str, t.Any]) -> None:
        key_id = f"key{number:04d}"
        self.keys[link["to"]].append(
            {
                "id": key_id,
                "name": link["key_name"],
                "type": "cross_cluster",
                "creation": self.now - 30 * DAY,
                "expiration": self.now + 60 * DAY,
                "invalidated": False,
                "username": "elastic",
                "metadata": link["metadata"],
                "access": link["access"],
            }
        )
        for node in self.data["clusters"][link["from"]]["nodes"]:
            self.keystores[node]["credentials"][link["alias"]] = {"api_key_id": key_id}
        urls = self.data["clusters"][link["from"]]["urls"]
        self.remotes[link["from"]].append(
            {
                "alias": link["alias"],
                "connected": True,
                "mode": "proxy",
                "security_model": "api_key",
                "addresses": [self.data["clusters"][link["to"]]["address"]],
                "skip_unavailable": True,
                "settings": {"mode": "proxy", "proxy_address": self.data["clusters"][link["to"]]["address"]},
                "probe": {
                    "ok": True,
                    "reason": None,
                    "advice": None,
                    "nodes": [{"url": url, "ok": True, "reason": None} for url in urls],
                },
            }
        )

    # -- what tests change ---------------------------------------------------------------------------------------------

    def link(self, link: str) -> dict[str, t.Any]:
        return next(entry for entry in self.data["links"] if entry["id"] == link)

    def key(self, link: str) -> dict[str, t.Any]:
        entry = self.link(link)
        return next(key for key in self.keys[entry["to"]] if key["name"] == entry["key_name"])

    def remote(self, link: str) -> dict[str, t.Any]:
        entry = self.link(link)
        return next(remote for remote in self.remotes[entry["from"]] if remote["alias"] == entry["alias"])

    def fail_probe(self, link: str, reason: str, nodes: t.Container[str] | None = None) -> None:
        remote = self.remote(link)
        remote["connected"] = False
        for entry in remote["probe"]["nodes"]:
            if nodes is None or any(node in entry["url"] for node in nodes):
                entry.update(ok=False, reason=reason)
        remote["probe"].update(ok=False, reason=reason)

    # -- what modules told --------------------------------------------------------------------------------------------

    def told(self, found: dict[str, t.Any], field: str) -> dict[str, t.Any]:
        return {
            name: {"failed": True, "msg": self.failed[field, name]}
            if (field, name) in self.failed
            else {field: entries, "nodes": self.running[name]}
            for name, entries in found.items()
        }

    def facts(self) -> link_view.Facts:
        keys, remotes = self.told(self.keys, "api_keys"), self.told(self.remotes, "remotes")
        return link_view.Facts(self.data, Gathered(self.keystores, keys, remotes, self.now), self.clusters, self.ports)

    def views(self) -> list[link_view.LinkView]:
        return link_view.views(self.facts())


def mesh(size: int) -> Estate:
    """`size` links among as few clusters as it takes, in every state that a link can be in."""
    count = 2
    while count * (count - 1) < size:
        count += 1
    names = [
        f"{place}-{number:02d}"
        for number, place in zip(range(count), ("berlin", "paris", "rome", "são-paulo", "tokyo") * count)
    ]
    pairs = [(a, b) for a in names for b in names if a != b][:size]
    estate = Estate(
        {name.encode("ascii", "ignore").decode(): 3 for name in names},
        [tuple(part.encode("ascii", "ignore").decode() for part in pair) for pair in pairs],
    )  # type: ignore[misc]
    for number, link in enumerate(estate.data["links"]):
        key = estate.key(link["id"])
        key["creation"] = estate.now - (number * 7 % 80) * DAY
        key["expiration"] = None if number % 29 == 28 else estate.now + (number * 13 % 120) * DAY
        if number % 17 == 1:
            key["expiration"] = estate.now - 3 * DAY
            estate.fail_probe(link["id"], "api key is expired")
        if number % 23 == 2:
            estate.keystores[estate.data["clusters"][link["from"]]["nodes"][1]]["credentials"].pop(link["alias"])
            estate.fail_probe(link["id"], "no credential", [estate.data["clusters"][link["from"]]["nodes"][1]])
    return estate
