# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said to whoever started the clusters."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 8  # seconds without a word


class Problem(Exception):
    """Why no clusters come up, in one line that says what to install or to choose."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def busy(text: str) -> Iterator[None]:
    """Say what is done now, and again every few seconds for as long as it takes."""
    say(text)
    with still(text):
        yield


@contextmanager
def still(text: str) -> Iterator[None]:
    """Say so every few seconds for as long as it takes."""
    started, done = time.monotonic(), threading.Event()

    def repeat() -> None:
        while not done.wait(PATIENCE):
            say(f"   still {text} ({time.monotonic() - started:.0f} s)")

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
