# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check licence notices more strictly than `reuse lint`: each file says its licence or has a .license file beside it.

Python files of plugins also carry the sentence about the GPL that ansible-test looks for. Run in the root to check.
"""

from __future__ import annotations

import os
import subprocess
import sys

IDENTIFIER = b"SPDX-License-" + b"Identifier:"
SENTENCE = b"GNU General Public License v3.0+"
# The licence texts themselves.
EXEMPT = ("LICENSE", "LICENSES/")


def complaint(path: str) -> str | None:
    if path.startswith(EXEMPT) or path.endswith(".license"):
        return None
    with open(path, "rb") as stream:
        content = stream.read(4096)
    if not content:
        return None
    beside = path + ".license"
    if IDENTIFIER not in content and not os.path.exists(beside):
        return "no SPDX licence identifier in its first 4096 bytes, and no %s" % beside
    if path.startswith("plugins/") and path.endswith(".py") and SENTENCE not in content:
        return "no line with %r" % SENTENCE.decode()
    return None


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True).stdout.decode()
    found = [(path, complaint(path)) for path in filter(None, listed.split("\0")) if os.path.isfile(path)]
    bad = [(path, text) for path, text in found if text]
    for path, text in bad:
        print("%s: %s" % (path, text))
    print("%d files, %d without a notice" % (len(found), len(bad)))
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
