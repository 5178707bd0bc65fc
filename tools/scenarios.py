# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios of extensions/molecule, one after the other: tools/scenarios.py [SCENARIO...]"""

from __future__ import annotations

import os
import sys

import checks
import setup


def main() -> None:
    env = checks.variables("molecule")
    run = checks.Checks(setup.ROOT, env, sys.argv[1:])
    folder = os.path.join(setup.ROOT, "extensions", "molecule")
    for scenario in sorted(name for name in os.listdir(folder) if name != "steps"):
        # The closing table calls a failed idempotence step successful; the exit code tells.
        run.run(scenario, "molecule", "test", "--scenario-name", scenario)
    run.finish("molecule")


if __name__ == "__main__":
    main()
