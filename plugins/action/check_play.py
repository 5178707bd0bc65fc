# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works on the controller alone; the documentation is that of the module."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.crosscluster.elasticsearch.plugins.modules.check_play import SPEC
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.checks import Check


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        del tmp
        _check, arguments = self.validate_argument_spec(SPEC)
        found = Check(self, task_vars or {}).problems(**arguments)
        result.update({"failed": True, "msg": "; ".join(found)} if found else {"changed": False})
        return result
