# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks as jobs of AWX: credentials injected by the kit's own credential types, an own directory for each
job, and
nothing on disk between them."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest

from simulator import Simulator
from support import awx_rules, runner
from support.awx_kit import TEMPLATES, TYPES
from support.worlds import Api, reset

pytestmark = pytest.mark.skipif(runner.not_root() is None, reason="cannot stop being root here (no user namespaces)")

FORBIDDEN = ("username", "password", "ca_cert")


class Estate:
    """An AWX with the kit, in front of two simulated clusters that link each other."""

    def __init__(self, world: Simulator, directory: Path) -> None:
        self.world, self.directory, self.number = world, directory, 0
        self.clusters = world.spec["clusters"]
        # The inventory of AWX: everything but the logins.
        self.variables = {
            "elasticsearch_clusters": {
                name: {key: value for key, value in cluster.items() if key not in FORBIDDEN}
                for name, cluster in self.clusters.items()
            },
            "cross_cluster_links": [
                {"from": "paris", "to": "berlin", "access": {"search": [{"names": ["logs-*"]}]}, "expiration": "90d"},
            ],
        }
        self.secrets: set[str] = {cluster["password"] for cluster in self.clusters.values()}

    def environment(self, directory: Path) -> dict[str, str]:
        """The two credentials of the job, through the injectors of the kit."""
        found: dict[str, str] = {}
        for entry, name in zip(TYPES, ("paris", "berlin")):
            cluster = self.clusters[name]
            ca = Path(cluster["ca_cert"]).read_text()
            fields = {"cluster": name, "username": cluster["username"], "password": cluster["password"], "ca_cert": ca}
            found.update(awx_rules.inject(entry, fields, directory))
        return found

    def start(self, playbook: str, **extra_vars: t.Any) -> tuple[t.Any, Path, str]:
        self.number += 1
        ident = f"job{self.number}"
        directory = self.directory / ident
        directory.mkdir()
        node = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {name["name"]: node for cluster in self.clusters.values() for name in cluster["nodes"]}
        inventory = {"all": {"hosts": {"localhost": node, **hosts}, "vars": self.variables}}
        process = runner.start(directory, f"{playbook}.yml", extra_vars, self.environment(directory), inventory, ident)
        return process, directory, ident

    def run(self, playbook: str, **extra_vars: t.Any) -> runner.Job:
        job = runner.finish(*self.start(playbook, **extra_vars))
        self.sweep(job)
        return job

    @property
    def nodes(self) -> int:
        """How many of them are to hold the key."""
        return len(self.clusters["paris"]["nodes"])

    def held(self) -> list[str]:
        """Key ids that the nodes hold, and the secrets learned from them."""
        found = []
        for node in self.clusters["paris"]["nodes"]:
            shown = subprocess.run(
                [node["keystore"], "show", "cluster.remote.berlin.credentials"],
                capture_output=True,
                text=True,
                check=False,
                env={"ES_PATH_CONF": node["config_dir"], "PATH": "/usr/bin:/bin"},
            )
            if shown.returncode == 0:
                key_id, _colon, secret = base64.b64decode(shown.stdout).decode().partition(":")
                found.append(key_id)
                self.secrets |= {shown.stdout.strip(), secret, f"{key_id}:{secret}"}
        return found

    def live(self) -> list[str]:
        keys = Api(self.clusters["berlin"]).get("/_security/api_key?name=paris-berlin").json["api_keys"]
        return [key["id"] for key in keys if not key["invalidated"]]

    def sweep(self, job: runner.Job) -> None:
        """No secret in anything that the job left: events, output, facts, artifacts."""
        self.held()
        for name, content in job.files():
            for secret in self.secrets:
                assert secret.encode() not in content, f"{name} holds a secret"


@pytest.fixture
def estate(make_world: t.Callable[..., Simulator]) -> t.Iterator[Estate]:
    world = make_world(nodes=2)
    reset(world)
    for node in world.spec["clusters"]["paris"]["nodes"]:
        subprocess.run(
            [node["keystore"], "remove", "cluster.remote.berlin.credentials"],
            capture_output=True,
            check=False,
            env={"ES_PATH_CONF": node["config_dir"], "PATH": "/usr/bin:/bin"},
        )
    # The paths of sockets are at most 107 characters long, and Ansible puts some into its temporary folder.
    with tempfile.TemporaryDirectory(prefix="awx", ignore_cleanup_errors=True) as directory:
        yield Estate(world, Path(directory))


def test_the_life_of_a_link_as_jobs(estate: Estate) -> None:
    """Trust, again, doctor, rotation, report, a break that the doctor names: six jobs that share nothing but the
    clusters.
    """
    # The first job is that of a template with a survey, whose answer chooses the link.
    template = next(entry for entry in TEMPLATES if entry["name"] == "Cross-cluster: trust one link")
    (question,) = template["survey_spec"]["spec"]
    job = estate.run("trust", **{question["variable"]: "paris/berlin"})
    assert (job.rc, job.status) == (0, "successful"), job
    key = Api(estate.clusters["berlin"]).get("/_security/api_key?name=paris-berlin").json["api_keys"][0]
    assert key["access"]["search"][0]["names"] == ["logs-*"] and key["expiration"]
    first = estate.live()
    assert len(first) == 1 and estate.held() == first * estate.nodes

    estate.world.clear_log()
    job = estate.run("trust")
    assert (job.rc, job.changed) == (0, 0), job
    assert not [entry for name in estate.clusters for entry in estate.world.log(name, writes_only=True)]

    job = estate.run("rotate")
    assert job.rc == 0, job
    second = estate.live()
    assert len(second) == 1 and second != first and estate.held() == second * estate.nodes
    (done,) = job.artifacts["cross_cluster_done"]["links"]
    assert (done["done"], done["made"], done["revoked"]) == ("rotated", second, first) and done["proven"] is True

    files = {kind: str(estate.directory / f"report.{kind}") for kind in ("json", "html", "prometheus", "bulk")}
    job = estate.run("report", **{f"cross_cluster_report_{kind}": path for kind, path in files.items()})
    assert job.rc == 0, job
    report = json.loads(Path(files["json"]).read_text())
    assert report["links"][0]["key_id"] == second[0] and report["links"][0]["state"] == "ok"
    assert job.artifacts["cross_cluster_report"]["summary"]["healthy"] is True
    assert second[0] in Path(files["html"]).read_text() and second[0] in Path(files["bulk"]).read_text()
    assert 'key_days_left{client="paris",server="berlin",alias="berlin"} 90' in Path(files["prometheus"]).read_text()

    estate.world.clear_log()
    Api(estate.clusters["berlin"]).delete("/_security/api_key", {"ids": second})
    estate.world.clear_log()
    job = estate.run("verify", cross_cluster_verify_fail_on=["broken", "unknown"])
    assert (job.rc, job.status) == (2, "failed"), job
    told = job.artifacts["cross_cluster_report"]
    assert told["status"] == 2 and told["attention"][0]["findings"][0]["code"] == "credential_revoked"
    assert "Run the trust playbook" in job.stdout
    assert not [entry for name in estate.clusters for entry in estate.world.log(name, writes_only=True)]


def test_two_slices_at_once(estate: Estate) -> None:
    """Two jobs act on the same link at the same time. However they meet, what the nodes hold in the end is alive on
    each of them
    or is made so by the next run, which leaves one live key and nothing to do."""
    for playbook in ("trust", "rotate"):
        started = [estate.start(playbook), estate.start(playbook)]
        jobs = [runner.finish(*one) for one in started]
        for job in jobs:
            estate.sweep(job)
        live = estate.live()
        assert set(estate.held()) <= set(live), (playbook, estate.held(), live, *map(str, jobs))
    job = estate.run("trust")
    assert job.rc == 0, job
    live = estate.live()
    assert len(live) == 1 and estate.held() == live * estate.nodes
    search = Api(estate.clusters["paris"]).get("/_resolve/cluster/berlin:*").json
    assert search["berlin"]["connected"], search
