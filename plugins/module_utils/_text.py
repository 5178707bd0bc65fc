# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts from outside, before they are shown. Standard library only. Private to this collection."""

from __future__ import annotations

import re

# C0 and C1 controls, what turns the direction of writing, and line separators: a terminal obeys them, and a log or a
# reader is misled by them.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def printable(text: str) -> str:
    """On one line, without what a terminal would take for a command."""
    return _CONTROLS.sub(" ", text).strip()
