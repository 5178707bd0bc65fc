# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster: certificates, nodes, and what clusters.json says of it."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from simulator import certificates

from . import node_scripts
from .account import Account
from .node import Node
from .words import Problem, last_line

SECONDS = 120


@dataclass
class Cluster:
    name: str
    version: str
    directory: Path
    count: int
    jdk: Path
    distribution: Path
    module: Path
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    extra: dict[str, Any] = field(default_factory=dict)
    uuid: str = ""
    nodes: list[Node] = field(default_factory=list)

    @property
    def http_ca(self) -> Path:
        return self.directory / "certs" / "http_ca.crt"

    @property
    def remote_ca(self) -> Path:
        return self.directory / "certs" / "remote_cluster_ca.crt"

    # --- files ---
    def make(self) -> None:
        """Authorities and homes; settings follow when the authorities of all clusters are there."""
        certificates.make_authorities(self)
        names = [f"{self.name}-{number}" for number in range(1, self.count + 1)]
        self.nodes = [Node(name, self.directory / name) for name in names]
        for node in self.nodes:
            node.make_home(self.distribution, self.module, self.jdk)
            certificates.make_node_certificates(self, node)

    def configure(self, trusted: list[Cluster], account: Account) -> None:
        self._make_keystores()
        for node in self.nodes:
            authorities = certificates.trust(node.config_dir, {peer.name: peer.remote_ca for peer in trusted})
            node.write_settings(self.name, self.nodes, authorities)
            node_scripts.write(node.home, account)
            node.hand_over(account)

    def _make_keystores(self) -> None:
        """With the password of elastic; made once by the version's own tool, as a call of it takes seconds."""
        first, *others = self.nodes
        done = subprocess.run(
            [str(first.keystore), "add", "--stdin", "--force", "bootstrap.password"],
            input=self.password + "\n",
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "ES_PATH_CONF": str(first.config_dir)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Problem(f"the keystore of {first.name} cannot be made: {last_line(done.stderr)}")
        for node in others:
            shutil.copy(first.config_dir / "elasticsearch.keystore", node.config_dir)

    # --- life ---
    def wait(self) -> None:
        """Until every node answers and knows all others, and there is a licence, which comes a moment later."""
        end = time.monotonic() + SECONDS
        known = f"/_cluster/health?wait_for_status=yellow&wait_for_nodes={self.count}&timeout=1s"
        with requests.Session() as session:
            session.trust_env = False
            session.auth = ("elastic", self.password)
            session.verify = str(self.http_ca)
            for node in self.nodes:
                self.uuid = self._ask(session, node.url + "/", end)["cluster_uuid"]
                self._ask(session, node.url + known, end)
                self._ask(session, node.url + "/_license", end)

    def _ask(self, session: requests.Session, url: str, end: float) -> Any:
        while True:
            try:
                answer = session.get(url, timeout=30)
                answer.raise_for_status()
                return answer.json()
            except requests.RequestException as error:
                if time.monotonic() > end:
                    raise Problem(f"{self.name} does not answer: {error}") from None
                time.sleep(0.5)

    def describe(self) -> dict[str, Any]:
        """One entry of clusters.json."""
        return {
            "version": self.version,
            "cluster_uuid": self.uuid,
            "urls": [node.url for node in self.nodes],
            "username": "elastic",
            "password": self.password,
            "ca_cert": str(self.http_ca),
            "remote_cluster_server": f"127.0.0.1:{self.nodes[0].port('remote_cluster')}",
            "remote_ca_cert": str(self.remote_ca),
            "nodes": [node.describe() for node in self.nodes],
        }
