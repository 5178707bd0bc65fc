# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings about one link. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils import _diagnosis
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import words
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.view import Data, LinkView
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk

CODES = (
    *words.WORDS,
    *("credential_" + state for state in lk.STATE_WORDS),
    *(rule.cause for rule in _diagnosis.RULES),
    *_diagnosis.UNSAID,
)
"""All that a finding may have for a code, some of them twice."""


class Findings(list):
    """The findings about one link, each cause once."""

    def __init__(self, view: LinkView) -> None:
        super().__init__()
        self.view = view
        self.about: t.Dict[int, t.Container[t.Optional[str]]] = {}
        """The nodes that a finding is about, by its place; what is about the whole link is not in here."""

    def add(
        self,
        code: str,
        level: str,
        told: t.Tuple[str, str],
        evidence: t.Optional[str] = None,
        side: str = "client",
        about: t.Optional[t.Collection[t.Optional[str]]] = None,
    ) -> None:
        """`told`: the cause and the fix."""
        cause, fix = told
        if any(item["code"] == code and item["cause"] == cause for item in self):
            return
        if about is not None:
            self.about[len(self)] = about
        self.append(
            {
                "link": self.view.link["id"],
                "code": code,
                "level": level,
                "side": side,
                "cause": cause,
                "evidence": evidence or None,
                "fix": fix,
            }
        )

    def word(
        self,
        code: str,
        level: str,
        evidence: t.Optional[str] = None,
        side: str = "client",
        about: t.Optional[t.Collection[t.Optional[str]]] = None,
        **values: t.Any,
    ) -> None:
        """A finding whose texts stand in the table of words."""
        link = self.view.link
        names = {
            "client": link["from"],
            "server": link["to"],
            "alias": link["alias"],
            "key_name": link["key_name"],
            **values,
        }
        cause, fix = words.WORDS[code]
        self.add(code, level, (cause.format(**names), fix.format(**names)), evidence, side, about)

    def explaining(self, node: t.Optional[str]) -> t.List[Data]:
        """The errors that tell why requests through a node fail. Where nobody knows which node an address leads to,
        that is any of them."""
        return [
            item
            for place, item in enumerate(self)
            if item["level"] == "error" and (node is None or node in self.about.get(place, (node,)))
        ]
