# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role cross_cluster_report does, with the real modules and filters in this process: seconds instead of a
minute.

The playbook itself is run in test_awx_runner.py; here it is about what is found.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import registered
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import examine as doctor
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import complete, normalise
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import phases
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phase import NODES
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import Call, Run, RunOptions
from support.modules import run_module

ACCESS = {"search": [{"names": ["logs-*"]}]}


def examine(
    clusters: dict[str, t.Any], wanted: list[dict[str, t.Any]], now: int | None = None, **options: t.Any
) -> dict[str, t.Any]:
    """The report of these links."""
    data = complete(normalise(clusters, wanted))
    told: dict[str, dict[t.Any, t.Any]] = {}

    def node(call: Call) -> t.Any:
        arguments = {name: value for name, value in call.arguments.items() if name != "ca_file"}
        if call.module != "remote_port_info":
            arguments.update(registered.keystore(data, call.place, clusters.__getitem__))
        return run_module(call.module, arguments)

    def cluster(call: Call) -> t.Any:
        arguments = {**registered.connection(clusters[call.place]), **call.arguments}
        return run_module(call.module, arguments, check=True)

    for phase in (phases.KEYSTORES, phases.GATHER, doctor.EXAMINE, doctor.PORTS):
        run = Run(data, RunOptions("verify"), told, now or data["now"])
        found: dict[t.Any, t.Any] = {}
        for call in phase.calls(run):
            if phase.several:
                found.setdefault(call.place, []).append(node(call))
            elif phase.at == NODES:
                found[call.place] = node(call)
            else:
                found[call.place, call.module, call.label] = cluster(call)
        told[phase.name] = found
    return doctor.diagnose(Run(data, RunOptions("verify"), told, now or data["now"]), **options)
