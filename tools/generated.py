# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are generated and kept: written anew, or with --check compared."""

from __future__ import annotations

import os
import sys


def read(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def keep(what: str, root: str, wanted: dict[str, str], check: bool) -> None:
    """Write what differs from what is wanted, by path; with `check` fail for it."""
    stale = [path for path, content in wanted.items() if read(path) != content]
    names = ", ".join(os.path.relpath(path, root) for path in stale)
    if check and stale:
        sys.exit("%s: not what they are generated from (mend with `make readme`): %s" % (what, names))
    for path in stale:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(wanted[path])
    print("%s: %s" % (what, names + " written" if stale else "all as generated"))
