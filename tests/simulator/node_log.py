# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's own log, as far as the simulator writes one: what only an operator on the node would see."""

from __future__ import annotations

import time

from .state import Node


def _write(node: Node, level: str, message: str) -> None:
    folder = node.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    with open(folder / f"{node.cluster.name}.log", "a", encoding="utf-8") as stream:
        stream.write(f"[{stamp}][{level:<5}][{node.name}] {message}\n")


def info(node: Node, message: str) -> None:
    _write(node, "INFO", message)


def warn(node: Node, message: str) -> None:
    _write(node, "WARN", message)


def error(node: Node, message: str) -> None:
    _write(node, "ERROR", message)


def read(node: Node) -> str:
    try:
        return (node.home / "logs" / f"{node.cluster.name}.log").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def clear(node: Node) -> None:
    (node.home / "logs" / f"{node.cluster.name}.log").unlink(missing_ok=True)
