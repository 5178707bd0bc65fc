# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of a run: in which order steps are taken, which module takes them where, and how its result is read. Pure.

This file is private to the crosscluster.elasticsearch collection.

The order is the safety. A credential is delivered, loaded and proven on every node before the key that it replaces is
revoked. Of a link that goes, first go its settings, because without its credential an alias would fall back to the
certificate model, then the credentials, then the key.

A phase does the work of all links at once: a call for each node that has something to do, and for each cluster, all of
which are made in one run of a module. What went wrong for a link keeps its later steps from being taken, and those of
no other link.

A task of the role does one phase, or several that follow each other at the same clusters. Only the files of tasks that
a plan has steps for are run: its chapters.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import acting, looking
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phase import (
    CLUSTERS,
    NODES,
    Phase,
    no_calls,
    read,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import MAKING, Call, Run

KEYSTORES = Phase("keystores", NODES, looking.keystores, module="keystore_info")
GATHER = Phase("clusters", CLUSTERS, looking.clusters)
UNSET = Phase("unset", CLUSTERS, acting.settings, acting.read_settings, ("unset",))
REMOVE = Phase("remove", NODES, acting.remove, acting.read_credentials, ("remove",), module="keystore")
VERSIONS = Phase("versions", CLUSTERS, looking.versions, looking.read_versions, ("create",))
AUTHORITIES = Phase("authorities", NODES, no_calls, acting.read_authorities, by_role=True)
KEYS = Phase("keys", CLUSTERS, acting.keys, acting.read_keys, (*MAKING, "update"))
SECRETS = Phase("secrets", NODES, acting.secrets, acting.read_secrets, ("spread",), module="keystore_info")
CREDENTIALS = Phase("credentials", NODES, acting.credentials, acting.read_credentials, ("deliver",), module="keystore")
RELOAD = Phase("reload", CLUSTERS, acting.reload, acting.read_reload, ("reload",))
RESTART = Phase("restart", NODES, no_calls, acting.read_restart, by_role=True)
SETTINGS = Phase("settings", CLUSTERS, acting.settings, acting.read_settings, ("settings",))
PROOF = Phase("proof", CLUSTERS, acting.proof, acting.read_proof, ("prove",), real=True)
ROLES = Phase("roles", CLUSTERS, acting.roles, acting.read_roles)
NODES_AGAIN = Phase("nodes_again", NODES, looking.nodes_again, steps=("revoke",), real=True, module="keystore_info")
CLUSTERS_AGAIN = Phase("clusters_again", CLUSTERS, looking.clusters_again, looking.read_again, ("revoke",), real=True)
REVOKE = Phase("revoke", CLUSTERS, acting.revoke, acting.read_revoke, ("revoke",))

ORDER = (
    KEYSTORES,
    GATHER,
    UNSET,
    REMOVE,
    VERSIONS,
    AUTHORITIES,
    KEYS,
    SECRETS,
    CREDENTIALS,
    RELOAD,
    RESTART,
    SETTINGS,
    PROOF,
    ROLES,
    NODES_AGAIN,
    CLUSTERS_AGAIN,
    REVOKE,
)
PHASES = {phase.name: phase for phase in ORDER}

TASKS: t.Mapping[str, t.Sequence[Phase]] = {
    **{phase.name: (phase,) for phase in ORDER if not phase.by_role},
    # What takes no look at clusters that are called from other hosts needs no task of its own.
    "keys": (VERSIONS, KEYS),
    "use": (RELOAD, SETTINGS, PROOF, ROLES),
    "revoke": (CLUSTERS_AGAIN, REVOKE),
}
"""The phases that a task does, as far as no task before it has done them."""

TOGETHER = {("make", "use"): "link", ("make", "use", "replace"): "renew"}
"""Chapters that have a file for all of them: a new link, and a usual rotation."""


def so_far(run: Run, until: t.Optional[str] = None) -> Run:
    """The run with what all phases told that come before one."""
    if run.options.mode == "verify":
        return run
    for phase in ORDER:
        if phase.name == until:
            break
        if phase.name not in run.read:
            run.read.add(phase.name)
            read(run, phase)
    return run


def due(run: Run, phases: t.Iterable[Phase]) -> t.Iterator[t.Tuple[Phase, t.List[Call]]]:
    """What a task calls for each of its phases. What one told is put into the run before the next is asked for."""
    for phase in phases:
        if not run.told.get(phase.name) and not (phase.real and run.options.check):
            yield phase, list(phase.calls(so_far(run, phase.name)))


def chapters(run: Run) -> t.List[str]:
    """The files of tasks that take the steps of the plans, in their order."""
    steps = {(step.action, planned.absent) for planned in run.planned.values() for step in planned.plan.steps}
    actions, several = {action for action, _absent in steps}, len(run.data["callers"]) > 1
    replaced = ("revoke", False) in steps and not run.options.check
    wanted = {
        "remove": actions & {*UNSET.steps, *REMOVE.steps},
        "versions": several and actions & {*VERSIONS.steps},
        "authorities": run.options.authorities
        and any(acting.authorities(run, name).links for name in run.data["clients"]),
        "make": actions & {*KEYS.steps, *CREDENTIALS.steps} and not actions & {*SECRETS.steps},
        "spread": actions & {*SECRETS.steps},
        "restart": any(planned.slow and planned.has("reload") for planned in run.planned.values()),
        "use": actions & {*RELOAD.steps, *SETTINGS.steps, *PROOF.steps}
        or any(link["roles"] for link in run.data["links"]),
        "look_again": replaced and several,
        "replace": replaced and not several,
        "revoke": "revoke" in actions and not (replaced and not several),
    }
    found = [name for name, needed in wanted.items() if needed]
    return [TOGETHER[tuple(found)]] if tuple(found) in TOGETHER else found


def counts(run: Run) -> t.Dict[str, str]:
    """For how many links each phase has something to do, for people."""
    whole = len(run.planned)
    found = {}
    for phase in ORDER:
        own = sum(any(map(planned.has, phase.steps)) for planned in run.planned.values())
        found[phase.name] = "{0} of {1} link{2}".format(own, whole, "" if whole == 1 else "s")
    return found
