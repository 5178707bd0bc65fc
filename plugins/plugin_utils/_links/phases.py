# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of a run: in which order steps are taken, which module takes them where, and how its result is read. Pure.

This file is private to the crosscluster.elasticsearch collection.

The order is the safety. A credential is delivered, loaded and proven on every node before the key that it replaces is
revoked. Of a link that goes, first go its settings, because without its credential an alias would fall back to the
certificate model, then the credentials, then the key.

The roles run one task for each phase. It does the work of all links at once: a call for each node that has something to
do, and for each cluster, all of which are made in one run of a module. What went wrong for a link keeps its later steps
from being taken, and those of no other link.
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
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import MAKING, Run

KEYSTORES = Phase("keystores", NODES, looking.keystores, module="keystore_info")
GATHER = Phase("clusters", CLUSTERS, looking.clusters)
VERSIONS = Phase("versions", CLUSTERS, looking.versions, looking.read_versions, ("create",))
AUTHORITIES = Phase("authorities", NODES, no_calls, acting.read_authorities, by_role=True)
KEYS = Phase("keys", CLUSTERS, acting.keys, acting.read_keys, (*MAKING, "update"))
SECRETS = Phase("secrets", NODES, acting.secrets, acting.read_secrets, ("spread",), module="keystore_info")
CREDENTIALS = Phase(
    "credentials", NODES, acting.credentials, acting.read_credentials, ("deliver", "remove"), module="keystore"
)
RELOAD = Phase("reload", CLUSTERS, acting.reload, acting.read_reload, ("reload",))
RESTART = Phase("restart", NODES, no_calls, acting.read_restart, by_role=True)
SETTINGS = Phase("settings", CLUSTERS, acting.settings, acting.read_settings, ("settings", "unset"))
PROOF = Phase("proof", CLUSTERS, acting.proof, acting.read_proof, ("prove",), real=True)
NODES_AGAIN = Phase("nodes_again", NODES, looking.nodes_again, steps=("revoke",), real=True, module="keystore_info")
CLUSTERS_AGAIN = Phase("clusters_again", CLUSTERS, looking.clusters_again, looking.read_again, ("revoke",), real=True)
REVOKE = Phase("revoke", CLUSTERS, acting.revoke, acting.read_revoke, ("revoke",))
ROLES = Phase("roles", CLUSTERS, acting.roles, acting.read_roles)

FIRST = (KEYSTORES, GATHER)
PRESENT = (
    VERSIONS,
    AUTHORITIES,
    KEYS,
    SECRETS,
    CREDENTIALS,
    RELOAD,
    RESTART,
    SETTINGS,
    PROOF,
    NODES_AGAIN,
    CLUSTERS_AGAIN,
    REVOKE,
)
# The removal itself looks at the keystores last, and what no node holds nobody misses.
ABSENT = (SETTINGS, CREDENTIALS, RELOAD, REVOKE)
LAST = (ROLES,)


def phases_of(absent: bool) -> t.Sequence[Phase]:
    return (*FIRST, *(ABSENT if absent else PRESENT), *LAST)


PHASES = {phase.name: phase for phase in (*FIRST, *PRESENT, *LAST)}


def so_far(run: Run, until: t.Optional[str] = None) -> Run:
    """The run with what all phases told that come before one."""
    if run.options.mode == "verify":
        return run
    for phase in phases_of(run.options.absent):
        if phase.name == until:
            break
        read(run, phase)
    return run
