# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's own log, as far as the simulator writes one: what only an operator on the node would see."""

from __future__ import annotations

import json
import time
from pathlib import Path

from .state import Node

DEPRECATIONS = "_deprecation.json"


def _file(node: Node, suffix: str = ".log") -> Path:
    return node.home / "logs" / f"{node.cluster.name}{suffix}"


def _write(node: Node, level: str, message: str) -> None:
    path = _file(node)
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    with open(path, "a", encoding="utf-8") as stream:
        stream.write(f"[{stamp}][{level:<5}][{node.name}] {message}\n")


def info(node: Node, message: str) -> None:
    _write(node, "INFO", message)


def warn(node: Node, message: str) -> None:
    _write(node, "WARN", message)


def error(node: Node, message: str) -> None:
    _write(node, "ERROR", message)


def deprecation(node: Node, message: str) -> None:
    """These have a file of their own."""
    path = _file(node, DEPRECATIONS)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as stream:
        stream.write(json.dumps({"log.level": "WARN", "message": message}) + "\n")


def read(node: Node) -> str:
    try:
        return _file(node).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def clear(node: Node) -> None:
    for suffix in (".log", DEPRECATIONS):
        _file(node, suffix).unlink(missing_ok=True)
