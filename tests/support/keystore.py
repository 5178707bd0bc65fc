# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A keystore tool with a configuration directory of its own: simulated, or that of a node of a real cluster."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from simulator import versions
from simulator.keystore import install as keystore_install
from simulator.keystore import keystore_file
from support.worlds import REAL, real_clusters

PASSWORD = "pass word"


def tool_versions(*simulated: str) -> list[str]:
    """What a test can be run with: the versions given, or those of the real clusters."""
    return sorted({one["version"] for one in real_clusters().values()}) if REAL else list(simulated)


class Tool:
    """`elasticsearch-keystore` of one version, with an empty keystore.

    What a test only sets up or looks at is written and read without the tool, a call of which takes seconds; that both
    agree on the file is a test of its own.
    """

    _empty: dict[Path, bytes] = {}  # keystores as the tool of a real version makes them

    def __init__(self, path: Path, version: str) -> None:
        self.version = versions.parse(version)
        self.prefix: list[str] = []  # a command that runs the tool
        self.config = path / "config"
        self.file = self.config / "elasticsearch.keystore"
        self.temporary = self.config / "elasticsearch.keystore.tmp"
        if REAL:
            [node, *_others] = [c["nodes"][0] for c in real_clusters().values() if c["version"] == version]
            self.path = Path(node["keystore"])
            self.config.mkdir(parents=True)
            shutil.copy(Path(node["config_dir"]) / "log4j2.properties", self.config)
            if self.path not in self._empty:
                assert self("create").returncode == 0
                self._empty[self.path] = self.file.read_bytes()
            self.file.write_bytes(self._empty[self.path])
            self.file.chmod(0o660)
        else:
            keystore_install.install(path, self.version)
            self.path = path / "bin" / "elasticsearch-keystore"
        (self.config / "elasticsearch.yml").write_text("")

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        own = {"ES_PATH_CONF": str(self.config), "LC_ALL": "C.UTF-8", "CLI_JAVA_OPTS": "-XX:TieredStopAtLevel=1"}
        return subprocess.run(
            [*self.prefix, str(self.path), *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", **own, **environment},
            timeout=240,
            check=False,
        )

    def open(self, password: str = "") -> keystore_file.Keystore:
        found = keystore_file.Keystore.load(str(self.config))
        assert found is not None and found.has_password == bool(password)
        found.decrypt(password)
        return found

    def names(self, password: str = "") -> list[str]:
        return sorted(self.open(password).entries or ())

    def protect(self, password: str = PASSWORD) -> None:
        self.open().save(str(self.config), password)

    def show(self, name: str, password: str = "") -> str | None:
        """What the keystore holds under this name."""
        value = (self.open(password).entries or {}).get(name)
        return None if value is None else value.decode()

    def put(self, name: str, value: str, password: str = "") -> None:
        found = self.open(password)
        assert found.entries is not None
        found.entries[name] = value.encode()
        found.save(str(self.config), password)
