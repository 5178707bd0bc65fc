# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever ends `make real`, nothing runs on and nothing is left: with a server that is a shell script."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from real import processes

LAUNCH = """
import sys
from pathlib import Path
from real import __main__, account, clusters, fetch, module

def check(self):
    self.account = account.choose()
    return {"9.5.0": Path("/usr")}

clusters.Clusters._check = check
directory, distribution = sys.argv[1:]
fetch.distribution = lambda version: Path(distribution)
module.module = lambda *_arguments: Path(distribution) / "module"
sys.argv[1:] = [directory, "--version", "9.5.0"]
sys.exit(__main__.main())
"""
FAILS = (
    "echo 'fatal exception while booting Elasticsearch java.lang.IllegalArgumentException: unknown setting [x]'; exit 1"
)
# A launcher that waits for a server which does not get up.
HANGS = "echo begun >logs/berlin.log; sleep 1000 & sleep 1000"


@pytest.fixture
def launch(tmp_path):
    """Starts clusters whose bin/elasticsearch is this script; (process, directory)."""
    running = []

    def start(script):
        number = len(running)
        distribution = tmp_path / f"distribution-{number}"
        for folder in ("bin", "lib", "modules", "module", "config/jvm.options.d"):
            (distribution / folder).mkdir(parents=True)
        keystore = 'cat >"$ES_PATH_CONF/elasticsearch.keystore"'
        for name, text in (("elasticsearch", script), ("elasticsearch-keystore", keystore)):
            file = distribution / "bin" / name
            file.write_text(f"#!/bin/sh\n{text}\n")
            file.chmod(0o755)
        output = open(tmp_path / f"output-{number}", "w+")  # noqa: SIM115  # read by the test
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(tmp_path / "d"), str(distribution)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        running.append((process, Path(output.name)))
        return running[-1]

    yield start
    for process, _output in running:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def until(condition):
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end, "waited for a minute"
        time.sleep(0.05)
    return found


def homes(output):
    """Where the nodes of a run live; it is said before they are made."""
    return Path(until(lambda: re.search(r" below (/\S+)", output.read_text()))[1])


def starting(output):
    """Wait for launchers and servers of both clusters."""
    where = homes(output)
    until(lambda: len(processes.below(where)) >= 4 and "starting" in output.read_text())
    return where


def assert_nothing_is_left(where, directory):
    assert processes.below(where) == [] and not where.exists()
    assert {path.name for path in directory.iterdir()} <= {"logs"}


def test_a_failed_start_is_one_line(launch, tmp_path):
    process, output = launch(FAILS)
    assert process.wait(60) == 1
    assert_nothing_is_left(homes(output), tmp_path / "d")
    last = output.read_text().splitlines()[-1]
    assert re.fullmatch(
        r"no clusters: \w+-1 does not start: java.lang.IllegalArgumentException: unknown setting \[x\]", last
    )
    assert "Traceback" not in output.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_start(launch, tmp_path, number):
    process, output = launch(HANGS)
    where = starting(output)
    process.send_signal(number)
    assert process.wait(60) == 0
    assert_nothing_is_left(where, tmp_path / "d")
    assert (tmp_path / "d" / "logs" / "berlin-1.log").read_text() == "begun\n"
    assert "Traceback" not in output.read_text()


def test_what_a_killed_run_left_goes_with_the_next_and_two_at_once_are_refused(launch, tmp_path):
    process, output = launch(HANGS)
    left = starting(output)
    second, refusal = launch(HANGS)
    assert second.wait(60) == 1
    assert f"another `make real` works in {tmp_path / 'd'}: choose another DIR." in refusal.read_text()
    assert len(processes.below(left)) >= 4
    process.kill()
    process.wait(60)
    assert len(processes.below(left)) >= 4

    third, output = launch(HANGS)
    where = starting(output)
    assert processes.below(left) == [] or left == where
    third.terminate()
    assert third.wait(60) == 0
    assert_nothing_is_left(where, tmp_path / "d")
    assert not left.exists()
