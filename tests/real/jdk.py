# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a JDK that a version of Elasticsearch runs on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from .words import Problem

# From which version of Elasticsearch on which releases of Java do, the best first. Servers of 9.0 stop on Java 25
# (`Failed entitlement protection self-test`), and those of 8.x want the security manager, which Java 24 removed.
SUITABLE = {
    (8, 10): (17, 21),
    (9, 0): (21, 22, 23, 24),
    (9, 1): (25, 24, 23, 22, 21),
}


def suitable(version: tuple[int, ...]) -> tuple[int, ...]:
    return SUITABLE[max(since for since in SUITABLE if since <= version)]


def release(text: str) -> int | None:
    """The feature release in the file `release` of a JDK."""
    found = re.search(r'^JAVA_VERSION="(\d+)', text, re.MULTILINE)
    return int(found.group(1)) if found else None


def candidates(environment: Mapping[str, str]) -> Iterable[Path]:
    for name in ("ES_JAVA_HOME", "JAVA_HOME"):
        if environment.get(name):
            yield Path(environment[name])
    yield from sorted(path for path in Path("/usr/lib/jvm").glob("*") if not path.is_symlink())


def found(paths: Iterable[Path]) -> list[tuple[int, Path]]:
    """Release and home of each JDK among the paths; what lacks a compiler is none."""
    kept = []
    for path in paths:
        if os.access(path / "bin" / "javac", os.X_OK) and (path / "release").is_file():
            number = release((path / "release").read_text(encoding="utf-8"))
            if number:
                kept.append((number, path.resolve()))
    return kept


def choose(version: tuple[int, ...], jdks: list[tuple[int, Path]]) -> Path:
    """The first JDK named or found of the best release there is."""
    wanted = suitable(version)
    for number in wanted:
        for have, path in jdks:
            if have == number:
                return path
    text = ".".join(map(str, version))
    have = ", ".join(f"{number} in {path}" for number, path in jdks) or "none"
    raise Problem(
        f"Elasticsearch {text} needs a JDK {' or '.join(map(str, wanted))}, found: {have}. Install one (Debian: "
        f"apt-get install openjdk-{wanted[0]}-jdk-headless), or name its home in ES_JAVA_HOME."
    )
