# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps revealed credentials off the screen; the documentation is that of the module."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.secret import SecretAction


class ActionModule(SecretAction):
    MODULE = "crosscluster.elasticsearch.keystore_info"

    def may_return_secret(self) -> bool:
        return boolean(self._task.args.get("reveal") or False, strict=False)

    def secrets_in(self, result: t.Mapping[str, t.Any]) -> list[str]:
        credentials = result.get("credentials")
        held = credentials.values() if isinstance(credentials, dict) else ()
        return [str(one["encoded"]) for one in held if isinstance(one, dict) and one.get("encoded")]
