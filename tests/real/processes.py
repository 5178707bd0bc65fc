# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of Elasticsearch, found by the home they belong to: also after a crash, and without pid files."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

PROPERTY = "-Des.path.home="
SCRIPTS = ("/bin/start-node", "/bin/restart-node")
# The script that starts a node sets both, and all that it calls on the way to Java inherits them.
VARIABLES = ("HOME=", "ES_TMPDIR=")


def home(command_line: bytes, environment: bytes) -> str | None:
    """The home of a node in a process' command line and environment, as /proc has them."""
    arguments = os.fsdecode(command_line).split("\0")
    for argument in arguments:
        if argument.startswith(PROPERTY):  # a server, its launcher, or one of the tools
            return argument[len(PROPERTY) :]
        if argument.endswith(SCRIPTS):
            return argument[: argument.rindex("/bin/")]
    values = [
        value[len(name) :]
        for name in VARIABLES
        for value in os.fsdecode(environment).split("\0")
        if value.startswith(name) and value.endswith("/run")
    ]
    return values[0][: -len("/run")] if len(values) == 2 and values[0] == values[1] else None


def below(directory: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where = home((process / "cmdline").read_bytes(), (process / "environ").read_bytes())
        except OSError:  # it has just ended, or is somebody else's
            continue
        if where and Path(where).is_relative_to(directory):
            found.append(int(process.name))
    return found


def kill(directory: Path) -> None:
    """End all that runs below a directory. Nothing there is wanted any more, so no node needs to close its files."""
    for _attempt in range(100):
        running = below(directory)
        if not running:
            return
        for pid in running:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.1)
    raise RuntimeError(f"processes {running} below {directory} do not end")
