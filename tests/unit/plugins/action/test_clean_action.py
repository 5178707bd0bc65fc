# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module that lies returns, by the time that ansible-core sees it."""

from __future__ import annotations

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.clean import clean


def test_no_fact_and_nothing_for_the_terminal_is_left():
    evil = "a\x1b[2Jb\r"
    found = clean({
        "ansible_facts": {"elasticsearch_clusters": {}}, "_ansible_facts_cacheable": True,
        "add_host": {"host_name": "x"},
        "msg": evil, "warnings": [evil], "deprecations": [{"msg": evil}], "exception": evil, "changed": False,
    })  # fmt: skip
    assert found == {
        "msg": "a [2Jb", "warnings": ["a [2Jb"], "deprecations": [{"msg": "a [2Jb"}], "exception": "a [2Jb",
        "changed": False,
    }  # fmt: skip
