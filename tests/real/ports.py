# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free ports on loopback that stay ours for as long as the clusters live, restarts included."""

from __future__ import annotations

import socket


def reserve() -> socket.socket:
    """A bound socket that does not listen. With SO_REUSEADDR on both, a server may bind the same port and listen; who
    looks for a free port binds without it and is refused, and so does the kernel for ports it picks."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return held


def number(held: socket.socket) -> int:
    return held.getsockname()[1]
