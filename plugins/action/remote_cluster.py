# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the result of the module as data; the documentation is that of the module."""

from __future__ import annotations

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.clean import CleanAction


class ActionModule(CleanAction):
    MODULE = "crosscluster.elasticsearch.remote_cluster"
