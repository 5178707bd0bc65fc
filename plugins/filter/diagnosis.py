# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report in all its forms."""

from __future__ import annotations

import json
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import outside
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import html as report_html
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import metrics
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import report as link_report
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import text as report_text


def link_render(
    report: t.Any, format: str, title: str = "Cross-cluster links", index: str = "metrics-crosscluster.link-default"
) -> t.Any:
    """The report as text (a list of lines), html, json, prometheus, bulk, or stats (what a job runner should keep)."""
    if format == "text":
        return report_text.render(report)
    if format == "html":
        return report_html.render(report, title)
    if format == "json":
        return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    if format == "prometheus":
        return metrics.prometheus(report)
    if format == "bulk":
        return metrics.bulk(report, index)
    if format == "stats":
        return report_text.stats(report, link_report.exit_status(report))
    raise AnsibleFilterError(
        "link_render: the format must be text, html, json, prometheus, bulk or stats, not {0}".format(format)
    )


class FilterModule:
    """The filter of the role."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        return outside.filters(link_render)
