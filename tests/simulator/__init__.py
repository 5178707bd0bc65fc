# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch clusters simulated in one process, strict enough to be believed. See README.md beside this file."""

from .runtime import Simulator

__all__ = ["Simulator"]
