# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration directory of a node as `make real` made it, kept beside it, and put back between tests."""

from __future__ import annotations

import filecmp
import shutil
import subprocess
from pathlib import Path
from typing import Any

NAME = "as-made"
KEYSTORE = "elasticsearch.keystore"
YML = "elasticsearch.yml"


def keep(home: Path, config_dir: Path) -> None:
    """When the node runs: it writes to its keystore when it starts for the first time."""
    subprocess.run(["cp", "-a", str(config_dir), str(home / NAME)], check=True)


def restore(node: dict[str, Any], yml: str) -> set[str]:
    """Files as they were, with `yml` as elasticsearch.yml, and no others; tells by name which ones were not so."""
    config_dir, first = Path(node["config_dir"]), Path(node["home"], NAME)
    changed = set()
    for path in sorted(config_dir.rglob("*"), reverse=True):
        if not _lies(first / path.relative_to(config_dir)):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for kept in sorted(first.rglob("*")):
        name, path = str(kept.relative_to(first)), config_dir / kept.relative_to(first)
        text = yml if name == YML else None
        if not _same(kept, path, text):
            if path.is_symlink() or path.is_file():
                path.unlink()
            subprocess.run(["cp", "-a", "-T", str(kept), str(path)], check=True)
            if text is not None:
                path.write_text(text, encoding="utf-8")
            changed.add(name)
    return changed


def _lies(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _same(kept: Path, path: Path, text: str | None) -> bool:
    if not _lies(path) or path.is_symlink() or path.is_dir() != kept.is_dir():
        return False
    one, other = kept.stat(), path.stat()
    if (one.st_mode, one.st_uid, one.st_gid) != (other.st_mode, other.st_uid, other.st_gid):
        return False
    if kept.is_dir():
        return True
    return path.read_text(encoding="utf-8") == text if text is not None else filecmp.cmp(kept, path, shallow=False)
