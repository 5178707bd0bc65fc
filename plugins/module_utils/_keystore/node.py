# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What else shows on the node beside its keystore, without asking the tool. Standard library only.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._node.settings import node_name
from .._remote.alias import credentials_setting
from .errors import KeystoreError, KeystoreMissing
from .memory import KeystoreMemory, places
from .tool import KeystoreTool


def look(tool: KeystoreTool, missing: t.Optional[KeystoreMissing] = None) -> t.Dict[str, t.Any]:
    """Which node this is, which state of its keystore was seen, and whether this user may write to it."""
    path = (missing.path if missing else None) or tool.file
    files = places(tool.path, tool.config_dir)
    return {
        "node_name": node_name(os.path.dirname(path)) if path else None,
        "modified": _modified(files),
        "digest": KeystoreMemory(files, os.environ).digest(),
        # A tool that is a wrapper may act as another user, or on another file.
        "write_problem": _write_problem(tool, missing) if files else None,
    }


def _modified(files: t.Sequence[str]) -> t.Optional[int]:
    """When any of the files that the tool may take for the keystore was written to last."""
    found = []
    for path in files:
        with contextlib.suppress(OSError):
            found.append(os.stat(path).st_mtime_ns // 1_000_000)
    return max(found, default=None)


def _write_problem(tool: KeystoreTool, missing: t.Optional[KeystoreMissing]) -> t.Optional[str]:
    try:
        if missing:
            tool.check_creatable(missing)
        else:
            tool.check_writable([credentials_setting("*")])
    except KeystoreError as e:
        return str(e)
    return None
