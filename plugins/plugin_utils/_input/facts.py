# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of nodes decide nothing.

This file is private to the crosscluster.elasticsearch collection.

Whatever a module returns as ``ansible_facts`` becomes variables of its host, which beat defaults of roles and variables
of groups. A node that lies could so tell where the login of another cluster is sent, or what is revoked.
"""

from __future__ import annotations

import re
import typing as t

from ansible.errors import AnsibleUndefinedVariable

_OURS = re.compile(r"_*(elasticsearch_clusters|cross_cluster_|remote_cluster_)")
OPTIONS = re.compile(r"elasticsearch_|crosscluster_")
"""Variables that set options of modules and lookups."""


def honest(variables: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """Variables without the facts of the host, under whatever name: an address may be made of them."""
    facts = variables.get("ansible_facts") or {}
    return {
        name: variables[name]
        for name in variables
        if name != "ansible_facts" and not (name in facts and variables[name] == facts[name])
    }


def resolved(name: str, variables: t.Mapping[str, t.Any], templar: t.Any) -> t.Any:
    """A variable of the host, with nothing in it that is one of its facts. Raises ValueError."""
    known = honest(variables)
    try:
        return templar.copy_with_new_env(available_variables=known).template(known[name], fail_on_undefined=True)
    except AnsibleUndefinedVariable as e:
        raise ValueError(
            "{0}: {1}. Facts of nodes decide nothing here: use variables of the inventory or the play.".format(
                name, e.message
            )
        ) from None


def forged(variables: t.Mapping[str, t.Any], ours: t.Pattern[str] = _OURS) -> t.Optional[str]:
    """Which facts of the host bear names of variables of this collection, and what to do; None when there are none."""
    names = sorted(str(name) for name in variables.get("ansible_facts") or () if ours.match(str(name)))
    if not names:
        return None
    return (
        "{0} of [{1}] {2} among its facts, which decide nothing here. Where you made {3}, with a cacheable set_fact "
        "say, use a variable of the inventory or the play; else a module that ran on the node has put {3} there, so "
        "look whether somebody else has control of that node. Cached facts go with meta: clear_facts"
    ).format(
        ", ".join(names)[:300], variables.get("inventory_hostname"), "are" if len(names) > 1 else "is",
        "them" if len(names) > 1 else "it",
    )  # fmt: skip
