# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the link rules do over and over, in terms of one simulator."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import yaml

from simulator import Simulator
from support import worlds
from support.worlds import Answer, Api, put_credential, reset

SEARCH = "/berlin:logs-*/_search"


class _Plain(yaml.SafeDumper):
    """Elasticsearch takes an alias of YAML for a text."""

    def ignore_aliases(self, data: t.Any) -> bool:
        return True


class Pair:
    """paris asks berlin, under the alias `berlin`; skip_unavailable is false so that causes show."""

    def __init__(self, world: Simulator) -> None:
        self.world = world
        self.berlin = Api(world.cluster("berlin"))
        self.paris = Api(world.cluster("paris"))
        self.nodes = world.cluster("paris")["nodes"]

    # --- berlin ---
    def document(self, index: str = "logs-1", source: dict[str, t.Any] | None = None, identity: str = "1") -> None:
        answer = self.berlin.put(f"/{index}/_doc/{identity}?refresh=true", source or {"team": "a", "secret": "s"})
        assert answer.status in (200, 201), answer

    # --- paris ---
    def credential(self, encoded: str, nodes: list[int] | None = None, alias: str = "berlin") -> None:
        for number, node in enumerate(self.nodes):
            if nodes is None or number in nodes:
                put_credential(node, alias, encoded)

    def credentials(self, values: dict[str, str]) -> None:
        """Those of several aliases at once, and in use: the tool and a reload take seconds on a real node."""
        names = [f"cluster.remote.{alias}.credentials" for alias in values]
        for number in range(len(self.nodes)):
            done = self.tool(
                "add", "--force", *names, node=number, stdin="".join(f"{one}\n" for one in values.values())
            )
            assert done.returncode == 0, done
        self.load()

    def forget(self) -> None:
        """No remote cluster any more; credentials stay."""
        answer = self.paris.put(
            "/_cluster/settings", {scope: {"cluster.remote.*": None} for scope in ("persistent", "transient")}
        )
        assert answer.status == 200, answer

    def tool(
        self, *arguments: str, node: int = 0, stdin: str = "", cluster: str = "paris"
    ) -> subprocess.CompletedProcess[str]:
        command = [self.world.cluster(cluster)["nodes"][node]["keystore"], *arguments]
        return subprocess.run(
            command, input=stdin, text=True, capture_output=True, timeout=120, check=False, env={}, cwd="/"
        )

    def reload(self, body: t.Any = None, node_id: str = "") -> Answer:
        return self.paris.post(f"/_nodes{node_id}/reload_secure_settings", body)

    def load(self) -> None:
        """The nodes take in what their keystores hold: before 8.13 only when they start."""
        if worlds.number(self.paris.spec["version"]) >= (8, 13):
            assert "reload_exception" not in self.reload().text
        else:
            for node in self.nodes:
                self.world.control("paris", "restart_node", node=node["name"])

    def settings(self, alias: str = "berlin", **values: t.Any) -> Answer:
        flat = {f"cluster.remote.{alias}.{name.replace('__', '.')}": value for name, value in values.items()}
        return self.paris.put("/_cluster/settings", {"persistent": flat})

    def proxy(self, address: str | None = None, alias: str = "berlin", **more: t.Any) -> Answer:
        address = address or self.world.cluster("berlin")["remote_cluster_server"]
        answer = self.settings(alias, mode="proxy", proxy_address=address, **{"skip_unavailable": False, **more})
        assert answer.status == 200, answer
        return answer

    def link(self, access: t.Any = None, **settings: t.Any) -> dict[str, t.Any]:
        key = self.berlin.key(**({"access": access} if access else {}))
        self.credential(key["encoded"])
        self.load()
        self.proxy(**settings)
        return key

    def search(self, expression: str = SEARCH, node: int = 0, user: Api | None = None) -> Answer:
        asked = user or self.paris.at_node(node)
        return asked.get(expression)

    def info(self, node: int = 0) -> dict[str, t.Any]:
        return self.paris.at_node(node).get("/_remote/info").json

    def resolve(self, expression: str = "/berlin:logs-*", user: Api | None = None) -> t.Any:
        return (user or self.paris).get("/_resolve/cluster" + expression).json

    # --- files and nodes ---
    def yml(self, cluster: str, nodes: list[int] | None = None, **change: t.Any) -> None:
        """Change elasticsearch.yml (None removes) and restart; keys are given with `__` for dots."""
        for number, node in enumerate(self.world.cluster(cluster)["nodes"]):
            if nodes is None or number in nodes:
                self.write_yml(node, {key.replace("__", "."): value for key, value in change.items()})
                self.world.control(cluster, "restart_node", node=node["name"])

    @staticmethod
    def write_yml(node: dict[str, t.Any], change: dict[str, t.Any]) -> None:
        path = os.path.join(node["config_dir"], "elasticsearch.yml")
        with open(path, encoding="utf-8") as stream:
            settings = yaml.safe_load(stream) or {}
        settings.update(change)
        with open(path, "w", encoding="utf-8") as stream:
            yaml.dump({key: value for key, value in settings.items() if value is not None}, stream, _Plain)

    def log(self, cluster: str = "paris", node: int = 0) -> str:
        return self.world.control(cluster, "node_log", node=self.world.cluster(cluster)["nodes"][node]["name"])

    def deprecations(self, node: int = 0) -> str:
        """What a node of paris has warned of, each thing once."""
        home = Path(self.world.cluster("paris")["nodes"][node]["home"])
        path = home / "logs" / "paris_deprecation.json"
        return path.read_text(encoding="utf-8") if path.exists() else ""


def hand_over_authorities(world: t.Any, cluster: str) -> list[str]:
    """Those of both clusters, as files of each node of this one: a node reads none elsewhere."""
    other = world.cluster("paris" if cluster == "berlin" else "berlin")
    for node in world.cluster(cluster)["nodes"]:
        certs = Path(node["config_dir"], "certs")
        shutil.copyfile(
            Path(other["nodes"][0]["config_dir"], "certs", "transport_ca.crt"), certs / "peer_transport.crt"
        )
        shutil.copyfile(other["remote_ca_cert"], certs / "peer_remote_cluster.crt")
    return ["certs/transport_ca.crt", "certs/peer_transport.crt", "certs/peer_remote_cluster.crt"]


def texts(answer: Answer) -> str:
    """Status and every reason, outermost first, on one line."""
    return f"{answer.status} {' | '.join(_told(answer.error))}"


def _told(error: dict[str, t.Any]) -> t.Iterator[str]:
    yield str(error["reason"])
    if "additional_unsuccessful_credentials" in error:
        yield error["additional_unsuccessful_credentials"]
    for one in [error["caused_by"]] if "caused_by" in error else error.get("suppressed", []):
        yield from _told(one)


def as_new(world: t.Any) -> Pair:
    """The pair in simulated clusters that are as new, with the document that is searched for."""
    reset(world)
    pair = Pair(world)
    pair.document()
    return pair
