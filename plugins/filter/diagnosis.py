# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the role cross_cluster_report: from what its tasks registered to diagnosis and report."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import (
    _doctor_link,
    _doctor_words,
    _link_drift,
    _link_gather,
    _link_logins,
    _link_plan,
    _link_report,
    _link_run,
    _link_view,
    _outside,
    _report_html,
    _report_metrics,
    _report_text,
)

Data = t.Dict[str, t.Any]


def link_logins(clusters: t.Any) -> t.Any:
    return _link_logins.complete(clusters, os.environ)


def link_sides(data: t.Any, hosts: t.Any, host: str, side: str = "both") -> t.List[Data]:
    return _link_gather.sides(data, hosts, host, side)


def link_ports(data: t.Any, remotes: t.Any, host: str, clusters: t.Any) -> t.List[Data]:
    return _link_gather.ports(data, remotes, host, clusters)


def link_diagnosis(
    data: t.Any,
    keystores: t.Any,
    keys: t.Any,
    remotes: t.Any,
    clusters: t.Any = (),
    ports: t.Any = None,
    roles: t.Any = (),
    all_keys: t.Any = None,
    warn_days: int = 14,
    previous: str = "",
    now: t.Optional[int] = None,
) -> Data:
    """The whole report as data."""
    now = int(time.time() * 1000) if now is None else now
    facts = _link_view.Facts(
        data=data,
        keystores=keystores,
        keys=keys,
        remotes=remotes,
        now=now,
        clusters=_link_gather.cluster_facts(clusters),
        ports=_link_gather.port_facts(ports or {}),
        drift=_link_drift.key_drift,
        settings_drift=_link_drift.settings_drift,
    )
    views = _link_view.views(facts)
    findings = _doctor_link.examine(views, facts, int(warn_days), _link_gather.role_facts(roles))
    findings += _drift(facts, findings)
    stray = _link_report.stray_keys(all_keys or {}, views, now, set(data["clusters"]))
    report = _link_report.build(views, findings, now, _json(previous), stray)
    return t.cast(Data, _outside.shown(report))


def _drift(facts: _link_view.Facts, findings: t.Sequence[Data]) -> t.List[Data]:
    """What the trust playbook would do, for links without another cause."""
    told = {
        item["link"]
        for item in findings
        if item["level"] in ("error", "unknown") or item["code"] == "certificate_model"
    }
    plans = _link_run.plan_all(
        facts.data,
        facts.keystores,
        facts.keys,
        facts.remotes,
        facts.now,
        _link_plan.Options(),
        facts.drift,
        facts.settings_drift,
    )
    cause, fix = _doctor_words.WORDS["drift"]
    return [
        {
            "link": plan["link"],
            "code": "drift",
            "level": "warning",
            "side": "client",
            "evidence": None,
            "cause": cause.format(plan="; ".join(plan["words"]) or "see the plan"),
            "fix": fix,
        }
        for plan in plans
        if (plan["steps"] or plan["blocked"]) and plan["link"] not in told
    ]


def _json(text: str) -> t.Optional[Data]:
    """An earlier report that cannot be read is worth no failure: it only knows the last proofs."""
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def link_render(
    report: t.Any, format: str, title: str = "Cross-cluster links", index: str = "metrics-crosscluster.link-default"
) -> t.Any:
    """The report as text (a list of lines), html, json, prometheus, bulk, or stats (what a job runner should keep)."""
    if format == "text":
        return _report_text.render(report)
    if format == "html":
        return _report_html.render(report, title)
    if format == "json":
        return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    if format == "prometheus":
        return _report_metrics.prometheus(report)
    if format == "bulk":
        return _report_metrics.bulk(report, index)
    if format == "stats":
        return _report_text.stats(report, _link_report.exit_status(report))
    raise AnsibleFilterError(
        "link_render: the format must be text, html, json, prometheus, bulk or stats, not {0}".format(format)
    )


def link_complaints(report: t.Any, fail_on: t.Any, host: str, hosts: t.Any, data: t.Any) -> t.List[str]:
    return _link_gather.complaints(report, list(fail_on), host, hosts, data)


class FilterModule:
    """Filters of the role."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        return _outside.filters(link_logins, link_sides, link_ports, link_diagnosis, link_render, link_complaints)
