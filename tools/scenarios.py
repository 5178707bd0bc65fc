# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios of extensions/molecule on several ansible-core versions: tools/scenarios.py [CORE...] [SCENARIO...]"""

from __future__ import annotations

import os
import sys

import checks
import matrix
import setup

# The oldest and the newest; what lies between is covered by `make matrix`.
CORES = ("2.16", "2.21")


def main() -> None:
    cores = [name for name in sys.argv[1:] if name in matrix.CORES] or CORES
    only = [name for name in sys.argv[1:] if name not in matrix.CORES]
    folder = os.path.join(setup.ROOT, "extensions", "molecule")
    scenarios = sorted(name for name in os.listdir(folder) if name != "steps")
    named = [name if name.rpartition("-")[2] in matrix.CORES else f"{name}-{core}" for name in only for core in cores]
    run = checks.Checks(setup.ROOT, {}, named)
    for core in cores:
        run.env = checks.variables("molecule", core=core)
        for scenario in scenarios:
            # The closing table calls a failed idempotence step successful; the exit code tells.
            run.run(f"{scenario}-{core}", "molecule", "test", "--scenario-name", scenario)
    run.finish("molecule")


if __name__ == "__main__":
    main()
