# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service manager does on a real node: bin/start-node, bin/stop-node and bin/restart-node of its home."""

from __future__ import annotations

import shlex
from pathlib import Path

from .account import Account

# What runs is told by its environment from what merely has the same process id; a node that stops removes the file
# with its id before it is gone.
RUNS = """#!/bin/sh
cd {home} || exit
runs() {{ grep -qzxF HOME={home}/run "/proc/$pid/environ" 2>/dev/null; }}
pid=$(cat run/pid 2>/dev/null)
"""
SCRIPTS = {
    # 8.10 ends with 0 when the node did not start.
    "start-node": """# Start the node with the configuration its files have now, and wait until it is up.
# The password of its keystore is in a file, as a service manager is told by ES_KEYSTORE_PASSPHRASE_FILE.
runs && exit
in=lib/keystore_passphrase
[ -f "$in" ] || in=/dev/null
if [ "$(id -u)" = 0 ]; then as={prefix}; else as=; fi
env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 HOME={home}/run ES_TMPDIR={home}/run \\
  setsid -w $as bin/elasticsearch -d -p {home}/run/pid <"$in" || exit
pid=$(cat run/pid 2>/dev/null) && runs
""",
    "stop-node": """# Stop the node and wait until it has gone.
runs && kill "$pid"
while runs; do sleep 0.1; done
""",
    "restart-node": "bin/stop-node && exec bin/start-node\n",
}


def write(home: Path, account: Account) -> None:
    values = {"home": shlex.quote(str(home)), "prefix": shlex.quote(" ".join(account.prefix))}
    for name, text in SCRIPTS.items():
        script = home / "bin" / name
        script.write_text((RUNS + text).format(**values), encoding="utf-8")
        script.chmod(0o755)
