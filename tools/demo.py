# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, shown: link two clusters both ways, prove it, run again, rotate under search, verify, tear down.

tools/demo.py [--on VERSION] [BIN WORK]: on real clusters of this version instead of simulated ones; use the
ansible-playbook and the Python of the folder BIN, and work in the folder WORK. `make dist` does so with the collection
as it is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import requests
import setup

from real.__main__ import catch_signals
from real.words import Problem, still
from simulator import Simulator

PARSER = argparse.ArgumentParser()
PARSER.add_argument("--on", metavar="VERSION")
PARSER.add_argument("bin", nargs="?", default=os.path.dirname(sys.executable))
PARSER.add_argument("work", nargs="?", default=os.path.join(setup.ROOT, ".build", "demo"))
OPTIONS = PARSER.parse_args()
BIN, WORK = OPTIONS.bin, OPTIONS.work
INDEX = "logs-demo"
LINKS = [
    {"from": "berlin", "to": "paris", "access": {"search": [{"names": ["logs-*"]}]}, "expiration": "90d"},
    {"from": "paris", "to": "berlin", "access": {"search": [{"names": ["logs-*"]}]}, "expiration": "90d"},
]


def say(text: str = "") -> None:
    print(text, flush=True)


def fail(text: str) -> None:
    sys.exit("demo: " + text)


class Cluster:
    """One cluster over HTTP, as any client sees it."""

    def __init__(self, spec: dict) -> None:
        self.spec = spec

    def session(self) -> requests.Session:
        session = requests.Session()
        session.auth = (self.spec["username"], self.spec["password"])
        return session

    def call(
        self, session: requests.Session, url: str, method: str, path: str, body: dict | None = None
    ) -> requests.Response:
        return session.request(method, url + path, json=body, verify=self.spec["ca_cert"], timeout=30)

    def add_documents(self, count: int) -> None:
        with self.session() as session:
            for number in range(count):
                answer = self.call(
                    session,
                    self.spec["urls"][0],
                    "PUT",
                    "/%s/_doc/%d?refresh=true" % (INDEX, number),
                    {"message": "event %d" % number},
                )
                answer.raise_for_status()

    def search(self, session: requests.Session, url: str, alias: str) -> int:
        """Hits of a search through the link; -1 when it failed or when the remote was skipped, which a 200 can hide."""
        try:
            answer = self.call(session, url, "GET", "/%s:%s/_search?size=0" % (alias, INDEX))
            body = answer.json()
        except (requests.RequestException, ValueError):
            return -1
        if answer.status_code != 200 or body.get("_clusters", {}).get("skipped"):
            return -1
        return body["hits"]["total"]["value"]


class ConstantSearch:
    """Searches through every node of every link, about a hundred times a second, until it is stopped."""

    def __init__(self, clusters: dict[str, Cluster]) -> None:
        self.made = self.failed = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(clusters[link["from"]], link["to"]), daemon=True) for link in LINKS
        ]

    def _run(self, cluster: Cluster, alias: str) -> None:
        with cluster.session() as session:
            for url in itertools.cycle(cluster.spec["urls"]):
                if self._stop.is_set():
                    return
                failed = cluster.search(session, url, alias) < 0
                with self._lock:
                    self.made += 1
                    self.failed += failed
                # Two cores are shared with the clusters and with Ansible.
                time.sleep(0.01)

    def __enter__(self) -> ConstantSearch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


class Playbooks:
    """Runs the playbooks of the collection the way a user does, with a log of each run."""

    def __init__(self, clusters: dict) -> None:
        self.variables = os.path.join(WORK, "variables.json")
        values = {
            "elasticsearch_clusters": clusters,
            "cross_cluster_links": LINKS,
            "ansible_connection": "local",
            "ansible_python_interpreter": os.path.join(BIN, "python"),
        }
        with open(self.variables, "w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), 0o600)
            json.dump(values, stream)

    def run(self, name: str) -> tuple[str, int, float]:
        """Output, number of changed tasks and seconds."""
        command = [
            os.path.join(BIN, "ansible-playbook"),
            "crosscluster.elasticsearch." + name,
        ]
        command += ["-i", "localhost,", "-e", "@" + self.variables]
        started = time.monotonic()
        environment = dict(os.environ, ANSIBLE_NOCOLOR="1")
        with still("running the playbook `%s`" % name):
            done = subprocess.run(command, cwd=WORK, capture_output=True, text=True, env=environment, check=False)
        took = time.monotonic() - started
        log = os.path.join(WORK, "%s.log" % name)
        with open(log, "w", encoding="utf-8") as stream:
            stream.write(done.stdout + done.stderr)
        if done.returncode:
            say(done.stdout[-3000:] + done.stderr[-2000:])
            fail(
                "the playbook `%s` ended with exit code %d (whole output: %s)."
                % (name, done.returncode, os.path.relpath(log))
            )
        return done.stdout, sum(map(int, re.findall(r"\bchanged=(\d+)", done.stdout))), took


def table(rows: list[tuple]) -> None:
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    for index, row in enumerate(rows):
        say("   " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
        if index == 0:
            say("   " + "  ".join("-" * width for width in widths))


def show_links(clusters: dict[str, Cluster]) -> None:
    """One row per link: what the client's nodes say of it, and the hits of a search through each of them."""
    rows = [("client", "server", "alias", "security model", "connected nodes", "hits through each node")]
    for link in LINKS:
        client = clusters[link["from"]]
        with client.session() as session:
            states = [
                client.call(session, url, "GET", "/_remote/info").json().get(link["to"], {})
                for url in client.spec["urls"]
            ]
            hits = [client.search(session, url, link["to"]) for url in client.spec["urls"]]
        model = "API key" if all("cluster_credentials" in state for state in states) else "certificate"
        connected = "%d of %d" % (sum(bool(state.get("connected")) for state in states), len(states))
        rows.append(
            (
                link["from"],
                link["to"],
                link["to"],
                model,
                connected,
                " ".join("failed" if hit < 0 else str(hit) for hit in hits),
            )
        )
        if min(hits) < 0:
            table(rows)
            fail("a search from %s to %s failed." % (link["from"], link["to"]))
    table(rows)


def live_keys(cluster: Cluster) -> list[str]:
    with cluster.session() as session:
        answer = cluster.call(session, cluster.spec["urls"][0], "GET", "/_security/api_key?active_only=true").json()
    return sorted(key["id"] for key in answer["api_keys"] if key["type"] == "cross_cluster")


@contextlib.contextmanager
def running(directory: str) -> Iterator[tuple[dict, Simulator | None]]:
    """What clusters.json says of two clusters, and the simulator, which also knows what reached them."""
    kind, version, nodes = ("real", OPTIONS.on, "two") if OPTIONS.on else ("simulated", "9.3.0", "three")
    say("1. Starting two %s Elasticsearch %s clusters, berlin and paris, %s TLS nodes each." % (kind, version, nodes))
    if OPTIONS.on:
        from real.clusters import Clusters

        with Clusters(directory, {"berlin": version, "paris": version}, nodes=2) as clusters:
            yield clusters.spec["clusters"], None
    else:
        with Simulator(directory, ["berlin", "paris"], version) as simulator:
            yield simulator.spec["clusters"], simulator


def main() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    started = time.monotonic()
    with running(os.path.join(WORK, "clusters")) as (specs, simulator):
        clusters = {name: Cluster(spec) for name, spec in specs.items()}
        for count, cluster in enumerate(clusters.values(), start=2):
            cluster.add_documents(count)
        say("   Up in %.1f s, with a few documents in the index %s of each.\n" % (time.monotonic() - started, INDEX))
        playbooks = Playbooks(specs)

        say("2. Linking them both ways:  ansible-playbook crosscluster.elasticsearch.trust")
        _output, changed, took = playbooks.run("trust")
        say("   Done in %.0f s, changed=%d. A search through every node of each link:\n" % (took, changed))
        show_links(clusters)

        say("\n3. The same again: nothing is left to do.")
        if simulator:
            simulator.clear_log()
        _output, changed, took = playbooks.run("trust")
        writes = sum(len(simulator.log(name, writes_only=True)) for name in clusters) if simulator else 0
        counted = ", write requests that reached the clusters: %d" % writes if simulator else ""
        say("   Done in %.0f s, changed=%d%s.\n" % (took, changed, counted))
        if changed or writes:
            fail("the second run changed something.")

        say("4. Replacing both keys, searching all the while:  ansible-playbook crosscluster.elasticsearch.rotate")
        before = {name: live_keys(cluster) for name, cluster in clusters.items()}
        with ConstantSearch(clusters) as searches:
            _output, changed, took = playbooks.run("rotate")
        after = {name: live_keys(cluster) for name, cluster in clusters.items()}
        rows = [("server", "key before", "key after")]
        rows += [(name, ", ".join(before[name]), ", ".join(after[name])) for name in clusters]
        table(rows)
        say(
            "\n   Done in %.0f s, changed=%d. Searches made meanwhile: %d, failed: %d.\n"
            % (took, changed, searches.made, searches.failed)
        )
        if searches.failed or any(before[name] == after[name] or len(after[name]) != 1 for name in clusters):
            fail("the rotation did not replace the keys without a failed search.")

        say("5. Asking whether all is well:  ansible-playbook crosscluster.elasticsearch.verify")
        _output, changed, took = playbooks.run("verify")
        say("   Done in %.0f s, changed=%d; it fails where a link is not as it should be.\n" % (took, changed))

        say("6. Taking the links down:  ansible-playbook crosscluster.elasticsearch.untrust")
        _output, changed, took = playbooks.run("untrust")
        left = sum(len(live_keys(cluster)) for cluster in clusters.values())
        say("   Done in %.0f s, changed=%d. Keys left alive: %d.\n" % (took, changed, left))
        if left:
            fail("the teardown left keys alive.")
    say("Clusters stopped. Logs of each run: %s" % os.path.relpath(WORK))


if __name__ == "__main__":
    catch_signals()
    try:
        main()
    except Problem as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        fail("interrupted; the clusters are stopped.")
