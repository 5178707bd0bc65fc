# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A keystore tool with a configuration directory of its own: simulated, or that of a node of a real cluster."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from simulator import keystore_install, versions
from support.worlds import REAL, real_clusters

PASSWORD = "pass word"


def tool_versions(*simulated: str) -> list[str]:
    """What a test can be run with: the versions given, or those of the real clusters."""
    return sorted({one["version"] for one in real_clusters().values()}) if REAL else list(simulated)


class Tool:
    """`elasticsearch-keystore` of one version, with an empty keystore."""

    def __init__(self, path: Path, version: str) -> None:
        self.version = versions.parse(version)
        self.config = path / "config"
        self.file = self.config / "elasticsearch.keystore"
        self.temporary = self.config / "elasticsearch.keystore.tmp"
        if REAL:
            [node, *_others] = [c["nodes"][0] for c in real_clusters().values() if c["version"] == version]
            self.path = Path(node["keystore"])
            self.config.mkdir(parents=True)
            shutil.copy(Path(node["config_dir"]) / "log4j2.properties", self.config)
            assert self("create").returncode == 0
        else:
            keystore_install.install(path, self.version)
            self.path = path / "bin" / "elasticsearch-keystore"
        (self.config / "elasticsearch.yml").write_text("")

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.path), *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "ES_PATH_CONF": str(self.config), "LC_ALL": "C.UTF-8", **environment},
            timeout=120,
            check=False,
        )

    def protect(self, password: str = PASSWORD) -> None:
        assert self("passwd", stdin=f"{password}\n{password}\n").returncode == 0

    def show(self, name: str, password: str = "") -> str | None:
        """What the keystore holds under this name."""
        found = self("show", name, stdin=f"{password}\n" if password else "")
        assert found.returncode in (0, 78), found
        return found.stdout if found.returncode == 0 else None

    def put(self, name: str, value: str, password: str = "") -> None:
        done = self("add", "--force", name, stdin=(f"{password}\n" if password else "") + value + "\n")
        assert done.returncode == 0, done
