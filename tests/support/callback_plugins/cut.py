# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that kills the run, with all that belongs to it, right after its Nth change."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cut
type: notification
short_description: Kill the run after a number of changes
description: Only for the tests of this collection.
options:
  after:
    description: How many changes to let through.
    type: int
    default: 0
    env:
      - name: CUT_AFTER
"""

import os  # noqa: E402
import signal  # noqa: E402

from ansible.plugins.callback import CallbackBase  # noqa: E402


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "cut"
    changes = 0

    def v2_runner_item_on_ok(self, result):
        self._count(result)

    def v2_runner_on_ok(self, result):
        data = getattr(result, "result", None) or getattr(result, "_result", {})
        if "results" not in data:
            self._count(result)

    def _count(self, result):
        data = getattr(result, "result", None) or getattr(result, "_result", {})
        if not data.get("changed"):
            return
        self.changes += 1
        if self.changes == self.get_option("after"):
            os.killpg(os.getpgid(0), signal.SIGKILL)
