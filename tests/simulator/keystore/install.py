# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays the keystore tool into a node's home and reads what it left behind."""

from __future__ import annotations

import functools
import sys
import sysconfig
from pathlib import Path

from .. import versions
from . import keystore_file

_SCRIPT = """#!{python} -IS
# The simulator's elasticsearch-keystore; everything it needs beyond the standard library is found by these paths.
import sys
sys.path += [{room!r}, {package!r}, {libraries!r}]
import keystore_tool
code = keystore_tool.main({home!r})
sys.stdout.flush()
sys.stderr.flush()
import os
os._exit(code)
"""


@functools.cache
def kdf_cache() -> keystore_file.KdfCache:
    return keystore_file.KdfCache.make()


def install(home: Path, version: versions.Version) -> None:
    """bin/elasticsearch-keystore, a fresh keystore when there is none, and what the tool reads from lib/."""
    for folder in ("bin", "lib", "logs", "config"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    kdf_cache().write(str(home / "lib" / "kdf"))
    set_version(home, version)
    script = home / "bin" / "elasticsearch-keystore"
    script.write_text(
        _SCRIPT.format(
            python=sys.executable,
            room=str(Path(__file__).parent.resolve()),
            package=str(Path(__file__).parent.parent.resolve()),
            libraries=sysconfig.get_path("purelib"),
            home=str(home.resolve()),
        ),
        encoding="utf-8",
    )
    script.chmod(0o755)
    # Beside every tool of Elasticsearch; this one has nothing to ask it.
    (home / "bin" / "elasticsearch-env").write_text("# where the configuration is\n", encoding="utf-8")
    if not (home / "config" / keystore_file.FILE_NAME).exists():
        write(home, version, {})


def write(home: Path, version: versions.Version, entries: dict[str, str], password: str = "") -> None:
    """Replace the keystore of a node from inside the simulator."""
    keystore = keystore_file.Keystore.create(keystore_file.format_for(version), kdf_cache())
    assert keystore.entries is not None
    keystore.entries.update({name: value.encode() for name, value in entries.items()})
    keystore.save(str(home / "config"), password)


def set_version(home: Path, version: versions.Version) -> None:
    (home / "lib" / "version").write_text(versions.text(version), encoding="ascii")


def set_jvm_delay(home: Path, seconds: float) -> None:
    (home / "lib" / "jvm_delay").write_text(str(seconds), encoding="ascii")


def calls(home: Path) -> list[str]:
    """The calls of the tool in this home: command and setting names."""
    try:
        return (home / "logs" / "elasticsearch-keystore.calls").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def clear_calls(home: Path) -> None:
    (home / "logs" / "elasticsearch-keystore.calls").unlink(missing_ok=True)
