# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line that simulated and real clusters share."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,62}$")


def parser(program: str, description: str, nodes: int, version: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=program, description=description)
    made.add_argument("directory", metavar="DIR", help="where clusters.json, certificates and node homes go")
    made.add_argument(
        "--clusters", default="berlin paris", help="names, separated by spaces or commas (default: berlin paris)"
    )
    made.add_argument("--version", default=version, help=f"version of Elasticsearch (default: {version})")
    made.add_argument("--nodes", type=int, default=nodes, help=f"nodes per cluster (default: {nodes})")
    made.add_argument(
        "--trust",
        choices=("all", "none"),
        default="all",
        help="none: clusters do not know each other's remote-cluster CA at the start",
    )
    return made


def parse(of: argparse.ArgumentParser, argv: list[str] | None) -> argparse.Namespace:
    """With `names`, the list of clusters; refuses what no kind of cluster can be made of."""
    options = of.parse_args(argv)
    options.names = [name for name in re.split(r"[\s,]+", options.clusters) if name]
    for name in options.names:
        if not _NAME.match(name):
            of.error(f"cluster name [{name}]: use lower-case letters, digits, - and _, starting with a letter")
    if not options.names:
        of.error("name at least one cluster in --clusters")
    if len(set(options.names)) != len(options.names):
        of.error("every cluster needs a name of its own")
    if not 1 <= options.nodes <= 20:
        of.error(f"--nodes must be 1 to 20, not {options.nodes}")
    directory = Path(options.directory)
    if directory.exists() and not directory.is_dir():
        of.error(f"{directory} is not a directory")
    return options
