# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m simulator DIR --clusters "berlin paris" --version 9.3.0 [--trust none] [--nodes 3]

Runs simulated clusters in the foreground, writes DIR/clusters.json once all of them answer, and ends on SIGTERM or
SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import sys
from pathlib import Path

from . import versions
from .runtime import Simulator, clean, say, write_spec
from .state import NodeStartError

_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,62}$")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="Simulated Elasticsearch clusters for tests and demos."
    )
    parser.add_argument("directory", metavar="DIR", help="where clusters.json, certificates and node homes go")
    parser.add_argument(
        "--clusters", default="berlin paris", help="names, separated by spaces or commas (default: berlin paris)"
    )
    parser.add_argument(
        "--version", default=versions.DEFAULT, help=f"Elasticsearch version to simulate (default: {versions.DEFAULT})"
    )
    parser.add_argument("--nodes", type=int, default=3, help="nodes per cluster (default: 3)")
    parser.add_argument(
        "--trust",
        choices=("all", "none"),
        default="all",
        help="none: clusters do not know each other's remote-cluster CA at the start",
    )
    options = parser.parse_args(argv)
    options.names = [name for name in re.split(r"[\s,]+", options.clusters) if name]
    for name in options.names:
        if not _NAME.match(name):
            parser.error(f"cluster name [{name}]: use lower-case letters, digits, - and _, starting with a letter")
    if not options.names:
        parser.error("name at least one cluster in --clusters")
    if len(set(options.names)) != len(options.names):
        parser.error("every cluster needs a name of its own")
    if not 1 <= options.nodes <= 20:
        parser.error(f"--nodes must be 1 to 20, not {options.nodes}")
    try:
        versions.parse(options.version)
    except ValueError as error:
        parser.error(str(error))
    directory = Path(options.directory)
    if directory.exists() and not directory.is_dir():
        parser.error(f"{directory} is not a directory")
    return options


async def serve(options: argparse.Namespace) -> int:
    simulator = Simulator(
        options.directory, options.names, options.version, options.nodes, trust=options.trust == "all"
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    clean(simulator.directory, [])
    try:
        await simulator.start()
        file = write_spec(simulator)
        say(f"{len(options.names)} clusters of version {options.version} answer; their addresses are in {file}")
        await stopped.wait()
    except (OSError, ValueError, NodeStartError) as error:
        say(f"the simulator cannot start: {error}")
        return 1
    finally:
        clean(simulator.directory, [])
        await simulator.stop()
    return 0


def main() -> int:
    options = arguments()
    try:
        return asyncio.run(serve(options))
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
