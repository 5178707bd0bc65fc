# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes what every callback is told as JSON lines, the way a job runner stores its events.

Its results went through the same censoring as those on the screen, so a secret found in them is a secret that leaked.
"""

from __future__ import annotations

import importlib
import json
import pkgutil

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record
type: notification
short_description: Write events as JSON lines
description: Only for the tests of this collection.
options:
  path:
    description: The file to write.
    required: true
    env:
      - name: RECORD_EVENTS
"""

EVENTS = (
    "runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable", "runner_item_on_ok",
    "runner_item_on_failed", "runner_item_on_skipped", "runner_retry", "runner_on_async_poll", "runner_on_async_ok",
    "runner_on_async_failed", "on_file_diff",
)  # fmt: skip


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"

    def set_options(self, task_keys=None, var_options=None, direct=None):
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        self._path = self.get_option("path")
        _compile_once()

    def _write(self, event, **fields):
        line = json.dumps(dict(fields, event=event), default=str)
        with open(self._path, "a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def v2_playbook_on_play_start(self, play):
        self._write("playbook_on_play_start", play=play.get_name())

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._write("playbook_on_task_start", task=task.get_name(), action=str(task.action))

    def v2_playbook_on_stats(self, stats):
        self._write(
            "playbook_on_stats", hosts={host: stats.summarize(host) for host in stats.processed}, peak_kb=_peak_kb()
        )


def _compile_once():
    """Ansible keeps no bytecode of collections and loads their filters in the process of each task, over and over.

    What this process has loaded is in all of those.
    """
    for kind in ("filter", "lookup", "action"):
        package = importlib.import_module(f"ansible_collections.crosscluster.elasticsearch.plugins.{kind}")
        for found in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{found.name}")


def _peak_kb():
    """The most memory that this process has had, from VmHWM: ru_maxrss starts with that of the parent."""
    try:
        with open("/proc/self/status", encoding="ascii") as stream:
            return next((int(line.split()[1]) for line in stream if line.startswith("VmHWM:")), None)
    except OSError:
        return None


def _recorder(event):
    def record(self, result, *_args, **_kwargs):
        # core 2.19 renamed the attributes and warns about the old names.
        host, task, data = (
            getattr(result, name) if hasattr(result, name) else getattr(result, "_" + name)
            for name in ("host", "task", "result")
        )
        self._write(event, host=host.get_name(), task=task.get_name(), action=str(task.action), result=data)

    return record


# On the class, because core 2.19+ looks there for the callbacks that a plugin implements.
for _event in EVENTS:
    setattr(CallbackModule, "v2_" + _event, _recorder(_event))
