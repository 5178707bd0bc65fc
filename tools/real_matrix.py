# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run tests on real Elasticsearch, one version or pair after the other.

tools/real_matrix.py [-n NODES] [-t TESTS] [--fetch] [PAIR ...]

A PAIR is the version of the client and of the server, as in 8.19.0/9.5.0, or one version for both. Without TESTS, one
version has all rules, and the stories of modules and links, and a pair has what is about links. Ends with a table,
and fails when a test failed or a pair did not start. What is printed meanwhile is in .build/real-matrix/. With --fetch
nothing is run: what the pairs need is brought into the cache, or it is said what is missing.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path

from real.clusters import bring, find_jdks
from real.words import Problem, last_line

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / ".build" / "real-matrix"
VERSIONS = ("8.10.4", "8.13.4", "8.14.3", "8.17.10", "8.19.0", "9.1.0", "9.2.0", "9.5.0")
# Only versions of which neither is older than the other's minimum_wire_compatibility_version can talk.
MIXED = ("8.10.4/8.19.0", "8.14.3/8.19.0", "8.19.0/8.14.3", "8.19.0/9.5.0", "9.5.0/8.19.0", "9.1.0/9.5.0")
# What one cluster does by itself is asked once, of a version that talks to itself; of a pair, what takes two.
STORIES = [f"tests/e2e/test_{name}.py" for name in ("trust", "rotate")]
MODULES = (
    "cross_cluster_api_key",
    "cross_cluster_api_key_info",
    "lookup",
    "reload",
    "remote_cluster",
    "remote_access_role",
)
ALONE = ["tests/rules", *(f"tests/e2e/test_{name}.py" for name in MODULES), *STORIES]
LINKS = [
    f"tests/rules/test_{name}.py" for name in ("5_1_settings", "5_4_remote_info", "7_roles", "8_link", "8_refused")
]
START = 600
WIDTH = 16


class Row(t.NamedTuple):
    pair: str
    outcome: str
    start: float = 0
    passed: int = 0
    failed: int = 0
    seconds: float = 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--nodes", default="1")
    parser.add_argument("-t", "--tests", default="")
    parser.add_argument("--fetch", action="store_true")
    parser.add_argument("pairs", nargs="*")
    options = parser.parse_args()
    if options.fetch:
        return fetch(options.pairs or (*VERSIONS, *MIXED))
    LOGS.mkdir(parents=True, exist_ok=True)
    # Who ends the command ends the clusters.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = [run(pair, options) for pair in options.pairs or (*VERSIONS, *MIXED)]
    table = [f"{'client/server':{WIDTH}}  start s  passed  failed  seconds  outcome"]
    for row in rows:
        table.append(
            f"{row.pair:{WIDTH}}  {row.start:7.0f}  {row.passed:6}  {row.failed:6}  {row.seconds:7.0f}  {row.outcome}"
        )
    print("\n" + "\n".join(table))
    return int(any(row.outcome != "pass" for row in rows))


def fetch(pairs: t.Iterable[str]) -> int:
    try:
        for version, home in find_jdks(version for pair in pairs for version in pair.split("/")).items():
            bring(version, home)
    except Problem as problem:
        print(problem)
        return 1
    return 0


def run(pair: str, options: argparse.Namespace) -> Row:
    """Clusters of these versions, the tests on them, and the clusters down again."""
    client, _slash, server = pair.partition("/")
    name = pair.replace("/", "-asks-")
    directory, began = LOGS / name, time.monotonic()
    command = [sys.executable, "-m", "real", str(directory), "--clusters", "berlin paris", "--nodes", options.nodes]
    command += ["--version", server or client, "--versions", f"paris={client}"]
    print(f"{pair}: clusters start", flush=True)
    with open(LOGS / f"{name}-clusters.log", "wb") as log:
        clusters = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    spec = directory / "clusters.json"
    try:
        while not spec.exists():
            if clusters.poll() is not None or time.monotonic() - began > START:
                return Row(pair, f"did not start ({end_of(log.name)})", time.monotonic() - began)
            time.sleep(1)
        start = time.monotonic() - began
        chosen = options.tests.split() or ([*LINKS, *STORIES] if server else ALONE)
        return test(pair, name, chosen, spec, start)
    finally:
        clusters.send_signal(signal.SIGTERM)
        clusters.wait()


def test(pair: str, name: str, tests: list[str], spec: Path, start: float) -> Row:
    began, results = time.monotonic(), LOGS / f"{name}.xml"
    results.unlink(missing_ok=True)
    print(f"{pair}: tests run", flush=True)
    with open(LOGS / f"{name}.log", "wb") as log:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={results}", *tests],
            cwd=ROOT, env={**os.environ, "ELASTICSEARCH_TEST_CLUSTERS": str(spec)}, stdout=log,
            stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    seconds = time.monotonic() - began
    if not results.exists():
        return Row(pair, f"no test ran ({end_of(log.name)})", start, seconds=seconds)
    suites = ET.parse(results).getroot().findall("testsuite")  # noqa: S314  # what pytest has just written

    def count(*kinds: str) -> int:
        return sum(int(suite.get(kind, 0)) for suite in suites for kind in kinds)

    failed = count("failures", "errors")
    if done.returncode:
        print(Path(log.name).read_text(encoding="utf-8", errors="replace")[-20_000:])
    outcome = "pass" if done.returncode == 0 else "FAIL"
    return Row(pair, outcome, start, count("tests") - failed - count("skipped"), failed, seconds)


def end_of(log: str) -> str:
    return last_line(Path(log).read_text(encoding="utf-8", errors="replace"))[:200]


if __name__ == "__main__":
    sys.exit(main())
