# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps new keys off the screen; the documentation is that of the module."""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.secret import SecretAction


class ActionModule(SecretAction):
    MODULE = "crosscluster.elasticsearch.cluster_calls"

    def secrets_in(self, result: t.Mapping[str, t.Any]) -> list[str]:
        keys = [key for one in result.get("results") or () for key in one.get("api_keys") or ()]
        return [str(key["encoded"]) for key in keys if key.get("encoded")]
