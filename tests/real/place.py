# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory in which clusters live, and what is left of them when they end."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import IO

from . import processes
from .account import Account
from .words import Problem

# Locked by the process whose clusters live here; names the folder of their homes, also for the run after a crash.
MARKER = ".real-clusters"


class Place:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.homes: Path | None = None
        self._marker: IO[str] | None = None

    def take(self) -> None:
        """From here on the directory is ours; what an earlier run could not remove goes."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            marker = open(self.directory / MARKER, "a+", encoding="utf-8")  # noqa: SIM115  # open until the end
        except OSError as error:
            raise Problem(f"{self.directory} cannot be used ({error.strerror}): choose another DIR.") from None
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            marker.close()
            raise Problem(f"another `make real` works in {self.directory}: choose another DIR.") from None
        self._marker = marker
        self._clear()
        shutil.rmtree(self.directory / "logs", ignore_errors=True)

    def make_homes(self, account: Account) -> Path:
        """In the directory, or, where the servers' user does not get there (below /root, say), beside other temporary
        folders."""
        assert self._marker is not None
        homes = self.directory / "nodes"
        if homes.exists():
            raise Problem(f"{homes} exists and was not made by `make real`: choose another DIR.")
        if not account.reaches(self.directory, "-x"):
            homes = Path(tempfile.mkdtemp(prefix="elasticsearch-"))
        self._marker.write(str(homes))
        self._marker.flush()
        homes.mkdir(exist_ok=True)
        homes.chmod(0o755)
        self.homes = homes
        return homes

    def leave(self) -> None:
        if self._marker is None:
            return
        self._clear()
        (self.directory / MARKER).unlink()
        self._marker.close()
        self._marker = None

    def _clear(self) -> None:
        """End what runs in the homes that the marker names, and remove all but the logs."""
        assert self._marker is not None
        (self.directory / "clusters.json").unlink(missing_ok=True)
        self._marker.seek(0)
        text = self._marker.read()
        if not text:
            return
        homes = Path(text)
        processes.kill(homes)
        for home in homes.glob("*/*/"):
            log = home / "logs" / f"{home.parent.name}.log"
            if log.exists():
                (self.directory / "logs").mkdir(exist_ok=True)
                shutil.copyfile(log, self.directory / "logs" / f"{home.name}.log")
        shutil.rmtree(homes, ignore_errors=True)
        self._marker.truncate(0)
