# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report in a real browser. REPORT_PICTURES names a folder to keep what was seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import link as doctor_link
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import html as report_html
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import report as link_report
from support import browser
from support.estate import mesh

pytestmark = pytest.mark.skipif(
    browser.find() is None, reason="no Chromium on this machine: the report is not looked at in a browser"
)

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CLIPPED = """[...document.querySelectorAll('td,th,p,li,h1,h2,h3')].filter(e => e.scrollWidth > e.clientWidth + 1
    && getComputedStyle(e).overflowX === 'visible' && e.clientWidth > 1 && !e.closest('.scroll')).length"""


@pytest.mark.parametrize("size", [3, 300])
def test_report(size: int, tmp_path: Path) -> None:
    estate = mesh(size)
    views = estate.views()
    report = link_report.build(views, doctor_link.examine(views, estate.facts()), estate.now)
    file = tmp_path / "report.html"
    file.write_text(report_html.render(report), encoding="utf-8")
    pictures = Path(os.environ.get("REPORT_PICTURES") or tmp_path)

    async def look(tab: browser.Tab) -> None:
        grounds = set()
        for width in (390, 1280):
            for dark in (False, True):
                await tab.show(file.as_uri(), width, dark=dark)
                assert await tab.run(OVERFLOW) <= 0, f"the page is wider than {width}"
                assert await tab.run(CLIPPED) == 0
                grounds.add(await tab.run("getComputedStyle(document.body).backgroundColor"))
                await tab.picture(pictures / f"report-{size}-{width}-{'dark' if dark else 'light'}.png")
        assert len(grounds) == 2, "light and dark look the same"
        assert await tab.run("document.querySelectorAll('.links tbody tr').length") == size
        assert await tab.run("getComputedStyle(document.querySelector('.links tbody td')).display") == "table-cell"
        # The filter shows what it says, and the link of a cell leads to a line that the filter had hidden.
        broken = sum(row["state"] == "broken" for row in report["links"])
        await tab.run("s = document.getElementById('state'); s.value = 'broken'; s.dispatchEvent(new Event('change'))")
        assert await tab.run("document.querySelectorAll('.links tbody tr:not([hidden])').length") == broken
        await tab.run(
            "new Promise(done => { document.querySelector('.matrix td.warning a').click(); setTimeout(done, 300) })"
        )
        assert await tab.run("!document.querySelector(location.hash).hidden")
        # Everything is named for those who cannot see it, and can be reached with the keyboard.
        assert await tab.run(
            "[...document.querySelectorAll('.matrix td a, summary, input, select')]"
            ".every(e => (e.innerText || e.closest('label')?.innerText || '').trim().length > 0)"
        )
        assert await tab.run(
            "[...document.querySelectorAll('.scroll')].every(e => e.tabIndex === 0 && e.getAttribute('role') === 'region')"  # noqa: E501
        )
        nodes = (await tab.send("Accessibility.getFullAXTree"))["nodes"]
        roles = [node["role"]["value"] for node in nodes if not node.get("ignored")]
        assert roles.count("table") >= 2 and roles.count("columnheader") >= 10 and "rowheader" in roles
        # On a narrow screen lines are cards, and still a table for a screen reader.
        await tab.show(file.as_uri(), 390)
        nodes = (await tab.send("Accessibility.getFullAXTree"))["nodes"]
        assert sum(node["role"]["value"] == "row" for node in nodes if not node.get("ignored")) >= size
        asked = {
            event["params"]["request"]["url"] for event in tab.events if event["method"] == "Network.requestWillBeSent"
        }
        assert {url.split("#")[0] for url in asked} <= {file.as_uri(), "about:blank"}, asked
        said = [event for event in tab.events if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")]
        assert not said, said

    browser.browse(look)
