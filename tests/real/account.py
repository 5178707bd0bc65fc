# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs the servers: Elasticsearch refuses to run as root, so root hands them to a user of the system."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .words import Problem

# The user that the packages of Elasticsearch make, or else the one that every system has; no account is made.
USERS = ("elasticsearch", "nobody")


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int
    prefix: tuple[str, ...] = ()
    """What a command starts with to run as this user."""

    def reaches(self, path: Path, how: str = "-r") -> bool:
        """Whether this user may read (or, with -x, enter or run) a path."""
        return subprocess.run([*self.prefix, "test", how, str(path)], check=False).returncode == 0


def choose() -> Account:
    if os.geteuid():
        return Account(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), os.getegid())
    if not shutil.which("setpriv"):
        raise Problem("root runs the servers as another user with setpriv, which is missing: install util-linux.")
    for name in USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        prefix = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
        return Account(name, user.pw_uid, user.pw_gid, prefix)
    raise Problem(f"Elasticsearch does not run as root, and none of these users exists: {', '.join(USERS)}. Make one.")
