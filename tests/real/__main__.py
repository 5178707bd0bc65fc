# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m real DIR --clusters "berlin paris" --version 9.5.0 [--versions "paris=8.19.0"] [--trust none] [--nodes 2]

Runs real clusters in the foreground, writes DIR/clusters.json once all of them answer, and ends on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import time
from typing import Any

from simulator import arguments as shared

from .words import Problem, say

DEFAULT = "9.5.0"


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """With `wanted`, the version of each cluster by its name."""
    parser = shared.parser("python -m real", "Real Elasticsearch clusters.", nodes=1, version=DEFAULT)
    parser.add_argument("--versions", default="", help="other versions of some clusters, as in paris=8.19.0")
    options = shared.parse(parser, argv)
    options.wanted = dict.fromkeys(options.names, options.version)
    for pair in re.split(r"[\s,]+", options.versions.strip()) if options.versions.strip() else ():
        name, _equals, version = pair.partition("=")
        if name not in options.wanted:
            parser.error(f"--versions: [{pair}] must be name=version with a name of --clusters ({options.clusters})")
        options.wanted[name] = version
    return options


def catch_signals() -> None:
    """SIGTERM and SIGINT end what runs in order, as a KeyboardInterrupt."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)


def interrupt(number: int, _frame: Any) -> None:
    # The first signal ends all; a second one must not disturb the tidying up.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    options = arguments()
    catch_signals()
    started = time.monotonic()
    try:
        from .clusters import Clusters  # so late that a signal meanwhile ends it without a traceback

        with Clusters(options.directory, options.wanted, options.nodes, options.trust == "all") as clusters:
            say(
                f"{', '.join(clusters.clusters)} answer after {time.monotonic() - started:.0f} s; "
                f"their addresses are in {clusters.directory / 'clusters.json'}"
            )
            while True:
                signal.pause()
    except Problem as problem:
        say(f"no clusters: {problem}")
        return 1
    except KeyboardInterrupt:
        say("all clusters are stopped and removed")
        return 0


if __name__ == "__main__":
    sys.exit(main())
