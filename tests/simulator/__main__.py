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
import signal
import sys

from . import arguments as shared
from . import versions
from .runtime import Simulator, clean, say, write_spec
from .state import NodeStartError


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = shared.parser(
        "python -m simulator", "Simulated Elasticsearch clusters for tests and demos.", 3, versions.DEFAULT
    )
    options = shared.parse(parser, argv)
    try:
        versions.parse(options.version)
    except ValueError as error:
        parser.error(str(error))
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
