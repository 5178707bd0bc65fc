# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report asks further than a run that changes something, and what it makes of that. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import link as doctor_link
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import view as link_view
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import words as doctor_words
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import acting, left, looking
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import Data, usable, went_wrong
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phase import (
    CLUSTERS,
    NODES,
    Phase,
    Steps,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import Call, Run
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import report as link_report


def _clusters(run: Run, _steps: Steps) -> t.Iterator[Call]:
    """The clusters about themselves, what local roles lack, and the keys of links that are not listed."""
    links = run.data["links"]
    used = {link[side] for link in links for side in ("from", "to")}
    for name in run.data["clusters"]:
        if name in used:
            yield Call(name, "cluster_info", {}, ())
    for link in links:
        planned = run.planned[link["id"]]
        for role in acting.without_needed(run, planned) if link["absent"] else link["roles"]:
            asked = {**role, "state": "absent"} if link["absent"] else role
            yield Call(link["from"], "remote_access_role", asked, [[link["id"]]], f"{link['id']} {role['name']}")
    if run.options.stray_keys and not run.data["others"]:
        yield from looking.all_keys(run)


def _ports(run: Run, _steps: Steps) -> t.Iterator[Call]:
    """The addresses of links that do not work, as each node reaches them."""
    for planned in run.planned.values():
        addresses = list((planned.remote or {}).get("addresses") or ())
        if not addresses or planned.probe.get("ok") or not run.options.ports:
            continue
        for node in run.data["clusters"][planned.client]["nodes"]:
            arguments = {
                "addresses": addresses,
                "server_name": (planned.remote or {}).get("server_name"),
                "config_dir": run.data["nodes"][node].get("config_dir"),
                "ca_file": run.data["clusters"][planned.server].get("remote_ca_cert"),
            }
            given = {name: value for name, value in arguments.items() if value is not None}
            yield Call(node, "remote_port_info", given, (), planned.id)


EXAMINE = Phase("examined", CLUSTERS, _clusters)
PORTS = Phase("ports", NODES, _ports, several=True, module="remote_port_info")


def diagnose(run: Run, warn_days: int = 14, previous: str = "") -> Data:
    """The whole report as data. `previous`: an earlier one, as JSON."""
    answers = [(call, run.result(EXAMINE.name, call)) for call in EXAMINE.calls(run)]
    told = {
        module: [(call, result) for call, result in answers if call.module == module]
        for module in ("cluster_info", "remote_access_role", "cross_cluster_api_key_info")
    }
    ports = {
        (node, port["address"]): port
        for node, results in run.told.get(PORTS.name, {}).items()
        for result in results
        for port in usable(result).get("ports") or ()
    }
    facts = link_view.Facts(
        run.data,
        run.gathered,
        {call.place: usable(result) for call, result in told["cluster_info"] if usable(result)},
        ports,
    )
    views = link_view.views(facts)
    findings = doctor_link.examine(views, facts, warn_days, _roles(told["remote_access_role"]))
    findings += _drift(run, findings)
    keys = {(call.place, call.module, call.label): result for call, result in told["cross_cluster_api_key_info"]}
    stray = link_report.stray_keys(left.strays(run.data, keys, run.now), run.now)
    report = link_report.build(views, findings, run.now, _json(previous), stray)
    return {**report, "notes": left.troubles(keys)}


def _roles(answers: t.Sequence[t.Tuple[Call, t.Any]]) -> t.List[Data]:
    """The roles that lack entries: the module would have changed them. A role that cannot be read lacks them too."""
    found = []
    for call, result in answers:
        trouble = went_wrong(result)
        if trouble or usable(result).get("operation", "none") != "none":
            found.append({"link": call.links[0][0], "role": call.arguments["name"], "evidence": trouble})
    return found


def _drift(run: Run, findings: t.Sequence[Data]) -> t.List[Data]:
    """What the trust playbook would do, for links without another cause."""
    told = {
        item["link"]
        for item in findings
        if item["level"] in ("error", "unknown") or item["code"] == "certificate_model"
    }
    cause, fix = doctor_words.WORDS["drift"]
    return [
        {
            "link": planned.id,
            "code": "drift",
            "level": "warning",
            "side": "client",
            "evidence": None,
            "cause": cause.format(plan="; ".join(planned.plan.words) or "see the plan"),
            "fix": fix,
        }
        for planned in run.planned.values()
        if (planned.plan.steps or planned.plan.blocked) and planned.id not in told
    ]


def _json(text: str) -> t.Optional[Data]:
    """An earlier report that cannot be read is worth no failure: it only knows the last proofs."""
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def complaints(report: t.Mapping[str, t.Any], fail_on: t.Collection[str]) -> t.Iterator[t.Tuple[str, str]]:
    """Clients, and what their links are not green for: a state or a finding that was named."""
    for row in report["links"]:
        codes = {item["code"] for item in row["findings"]}
        if {row["state"], *codes} & set(fail_on):
            worst = row["findings"][0] if row["findings"] else None
            yield (
                row["client"],
                "{0}: {1}. {2}".format(row["link"], worst["cause"], worst["fix"]) if worst else row["link"],
            )
    for key in report["orphans"]:
        if {link_report.WARNING, key["code"]} & set(fail_on):
            yield key["client"], "{0}. {1}".format(key["cause"], key["fix"])
