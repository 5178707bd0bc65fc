# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m bench [TABLE...]: measure, print the tables, and keep them in tests/bench/results.json."""

from __future__ import annotations

import datetime
import importlib
import json
import os
import platform
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from . import measure

TABLES = ("one_task", "many_keys", "keystore", "rotation", "planning", "mesh")
RESULTS = Path(__file__).with_name("results.json")


def made_with() -> dict[str, object]:
    return {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 2),
        **({"compared with": measure.BEFORE} if measure.BEFORE else {}),
        **{name: metadata.version(name) for name in ("ansible-core", "requests", "aiohttp")},
    }


def main() -> None:
    wanted = sys.argv[1:] or list(TABLES)
    unknown = set(wanted) - set(TABLES)
    if unknown:
        sys.exit(f"bench: no such table: {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in wanted:
        head = made_with()
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            rows = importlib.import_module(f"bench.{name}").run(Path(directory))
        results[name] = {"made with": head, "rows": rows}
        print(f"\n{name}\n{table(rows)}", flush=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def table(rows: list[dict[str, object]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, *([str(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(names))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


if __name__ == "__main__":
    main()
