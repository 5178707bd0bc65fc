# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of servers, nodes and tools stay texts.

This file is private to the crosscluster.elasticsearch collection.

Before ansible-core 2.19 a text is a template unless it bears a mark, and the mark is lost where texts are put together:
a server whose error says ``{{ lookup('pipe', 'id') }}`` would have it run here, as soon as a fact with it is used. So
whatever our filters return is marked again. From 2.19 on only what the user wrote is a template.
"""

from __future__ import annotations

import functools
import importlib.util
import typing as t

from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._text import printable

_TEMPLATES_ARE_TOLD_APART = importlib.util.find_spec("ansible.module_utils.datatag") is not None


def as_text(value: t.Any) -> t.Any:
    """The same value, in which nothing is a template."""
    return value if _TEMPLATES_ARE_TOLD_APART else wrap_var(value)


def shown(value: t.Any) -> t.Any:
    """The same value, whose texts can be printed: names of keys, users and nodes are what others made them."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, t.Mapping):
        return {shown(name): shown(item) for name, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, (list, tuple)) else value


def filters(*functions: t.Callable[..., t.Any]) -> t.Dict[str, t.Callable[..., t.Any]]:
    """By their names, as Ansible takes filters."""
    return {function.__name__: _marking(function) for function in functions}


def _marking(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    @functools.wraps(function)
    def marked(*args: t.Any, **options: t.Any) -> t.Any:
        return as_text(function(*args, **options))

    return marked
