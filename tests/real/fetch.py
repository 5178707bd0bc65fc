# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the distribution of a version from Maven Central into the cache."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .words import Problem, busy, last_line

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "elasticsearch"
# The release of the plugin is named so that no list of releases needs to be asked for.
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack"
ARTIFACT = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:{version}:zip"
KNOWN = "8.10.4, 8.13.4, 8.14.3, 8.17.10, 8.18.0, 8.19.0, 9.0.1, 9.1.0, 9.2.0, 9.5.0"


def explain(version: str, output: str) -> str:
    """Why Maven failed."""
    if "Could not find artifact" in output:
        return f"Maven Central has no Elasticsearch {version}; it has, for example, {KNOWN}. Choose another VERSION."
    errors = [line for line in output.splitlines() if line.startswith("[ERROR]")]
    return f"Elasticsearch {version} cannot be fetched from Maven Central: {errors[0] if errors else last_line(output)}"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the others wait and then find what it made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check(version: str) -> None:
    if not (CACHE / version / "distribution").is_dir() and not shutil.which("mvn"):
        raise Problem(
            f"Elasticsearch {version} is fetched with Maven, and there is no mvn: install it (Debian: apt-get install "
            "maven)."
        )


def distribution(version: str) -> Path:
    """The unpacked distribution; nobody may change a file in it."""
    target = CACHE / version / "distribution"
    with locked(CACHE / "fetch.lock"):
        if not target.is_dir():
            _fetch(version, target)
    return target


def _fetch(version: str, target: Path) -> None:
    fresh = CACHE / "fetching"
    shutil.rmtree(fresh, ignore_errors=True)
    repository = CACHE / "maven"
    command = [
        *("mvn", "-q", "-B", f"-Dmaven.repo.local={repository}", PLUGIN),
        *(f"-Dartifact={ARTIFACT.format(version=version)}", f"-DoutputDirectory={fresh}"),
    ]
    fresh.mkdir()
    try:
        with busy(f"fetching Elasticsearch {version} from Maven Central (about 100 MB)"):
            # In a folder that goes, as Maven leaves flags where it is called, and takes those for what it has done.
            done = subprocess.run(
                command, cwd=fresh, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
            )
        if done.returncode:
            raise Problem(explain(version, done.stdout + done.stderr))
        # The servers' user reads it through hard links, whatever the umask was.
        subprocess.run(["chmod", "-R", "a+rX", str(fresh)], check=True)
        target.parent.mkdir(exist_ok=True)
        os.replace(fresh / f"elasticsearch-{version}", target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        # Unpacked it is kept, so the archive need not be.
        shutil.rmtree(repository / "org" / "elasticsearch" / "distribution", ignore_errors=True)
