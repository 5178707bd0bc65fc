# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make real` with real servers: make test PYTEST_ARGS="-m java tests/real"."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from real import clusters, jdk, processes
from support.worlds import Api, link

VERSION = "9.5.0"

pytestmark = [
    pytest.mark.java,
    pytest.mark.skipif(not shutil.which("mvn"), reason="needs Maven"),
    pytest.mark.skipif(
        not {number for number, _home in jdk.found(jdk.candidates(os.environ))}
        & set(jdk.suitable(clusters.number(VERSION))),
        reason=f"needs a JDK that Elasticsearch {VERSION} runs on",
    ),
]


def test_clusters_come_up_work_restart_and_leave_nothing(tmp_path):
    with clusters.Clusters(tmp_path, {"berlin": VERSION, "paris": VERSION}) as running:
        spec = running.spec["clusters"]
        homes = running.place.homes
        for name, cluster in spec.items():
            root = Api(cluster).get("/")
            assert root.status == 200 and root.json["version"]["number"] == VERSION == cluster["version"]
            assert (root.json["cluster_uuid"], root.json["cluster_name"]) == (cluster["cluster_uuid"], name)
            assert Api(cluster)("HEAD", "/").status == 200
            assert Api(cluster).get("/_license").json["license"]["type"] == "trial"

        # What the module stands in for: the security index, and the query for keys by their type.
        berlin = Api(spec["berlin"])
        berlin.put("/logs-a/_doc/1?refresh=true", {"message": "one"})
        rest = berlin.rest_key()
        key = link(spec["paris"], spec["berlin"], "berlin")
        for kind, own in (("rest", rest), ("cross_cluster", key)):
            answer = berlin.post("/_security/_query/api_key", {"query": {"term": {"type": kind}}})
            assert own["id"] in [found["id"] for found in answer.json["api_keys"]], answer
        nobody = berlin.user("nobody-asks", cluster=["manage_own_api_key"])
        assert nobody.get("/").status == 403

        paris = Api(spec["paris"])
        assert paris.get("/berlin:logs-*/_search").json["hits"]["total"]["value"] == 1

        home = spec["paris"]["nodes"][0]["home"]
        before = paris.get("/_nodes/jvm").json["nodes"]
        for script in ("restart-node", "stop-node", "stop-node", "start-node", "start-node"):
            subprocess.run([f"{home}/bin/{script}"], check=True, capture_output=True, timeout=120)
        after = paris.get("/_nodes/jvm").json["nodes"]
        assert before.keys() == after.keys() and before != after
        assert (tmp_path / "clusters.json").stat().st_mode & 0o777 == 0o600
    assert processes.below(homes) == [] and not homes.exists() and not (tmp_path / "clusters.json").exists()
