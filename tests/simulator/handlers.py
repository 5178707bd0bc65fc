# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports every module that registers REST handlers, control verbs or hooks."""

from __future__ import annotations

import importlib
import importlib.util

MODULES = [
    "security.license",
    "security.users",
    "security.roles",
    "security.tokens",
    "api_keys.cross_cluster",
    "api_keys.rest",
    "api_keys.read",
    "api_keys.query",
    "api_keys.invalidate",
    "api_keys.stored",
    "documents.indices",
    "documents.search",
    "documents.info",
    "settings.api",
    "keystore.reload",
    "link.ports",
    "link.info",
    "link.resolve",
    "link.search",
    "link.roles",
    "keystore.hooks",
    "controls",
]


def load() -> None:
    for name in MODULES:
        if importlib.util.find_spec(f"{__package__}.{name}") is not None:
            importlib.import_module(f"{__package__}.{name}")
