# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base of the action plugins of all modules: a result from elsewhere is data, and makes no variables.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.outside import shown


def clean(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """Without facts: no module of this collection returns any, and those of a node that lies would become variables.
    What it says is printed as it is.
    """
    for name in ("ansible_facts", "_ansible_facts_cacheable", "ansible_stats", "add_host", "add_group"):
        result.pop(name, None)
    for name in ("msg", "warnings", "deprecations", "exception", "module_stdout", "module_stderr"):
        if name in result:
            result[name] = shown(result[name])
    return result


class CleanAction(ActionBase):
    """Runs the module of the same name."""

    MODULE = ""
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        del tmp
        if not result.get("skipped"):
            result.update(
                self._execute_module(module_name=self.MODULE, task_vars=task_vars, wrap_async=self._task.async_val)
            )
        return clean(result)
