# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one HTML page that needs nothing else: no network, no script to be read, one file to send around.

This file is private to the crosscluster.elasticsearch collection.

Every value is escaped by the template. The Content-Security-Policy names the hashes of the one style and the one
script, so that a value that got through unescaped all the same could neither run nor load anything.
"""

from __future__ import annotations

import base64
import hashlib
import os
import typing as t

import jinja2
from markupsafe import Markup

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan.keys import LIVE, STATE_WORDS, UNREAD
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import style, text
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report.report import LEVELS, OK

Data = t.Mapping[str, t.Any]

TEMPLATE = os.path.join(os.path.dirname(__file__), "report.html.j2")

# A sign and a word for each state, so that the colour only repeats what is said.
STATES = {"ok": ("✓", "OK"), "warning": ("▲", "Warning"), "broken": ("✕", "Broken"), "unknown": ("?", "Unknown")}
ORDER = ("broken", "unknown", "warning", "ok")
LEVEL_STATE = {**LEVELS, "info": OK}
CREDENTIALS = {
    LIVE: "the live key",
    UNREAD: "not read",
    **{state: words.replace("holds ", "", 1) for state, words in STATE_WORDS.items()},
}
MATRIX_LIMIT = 60
"""With more clusters than this a matrix is thousands of empty cells, and no help to anybody."""
COLUMNS = ("State", "Client", "Server", "Alias", "Key", "Age", "Expires", "Proof", "Owner", "Nodes")
BINS = 30
"""Bars of the time line; one more is for what has expired."""


def render(report: Data, title: str = "Cross-cluster links") -> str:
    now, found = report["generated"], report["links"]
    rows = sorted(found, key=lambda row: (ORDER.index(row["state"]), row["client"], row["alias"]))
    dated = sorted((row for row in found if row["expires"] is not None), key=lambda row: row["expires"])
    filters = {
        "anchor": _anchor, "digest": _digest, "date": text.date, "ends": text.ends, "plural": text.plural,
        "proof": lambda row: text.proof(row, now),
    }  # fmt: skip
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined, finalize=_printable
    )
    environment.filters.update(filters)
    with open(TEMPLATE, encoding="utf-8") as stream:
        template = environment.from_string(stream.read())
    return template.render(
        title=title, looked=text.stamp(now), total=text.total(report["summary"]), summary=report["summary"], rows=rows,
        groups=_groups(found), stray=report["orphans"], clusters=report["clusters"],
        matrix=_matrix(found, report["clusters"]), dated=dated, axis=_axis(dated) if dated else None,
        never=sum(1 for row in found if row["key_id"] and row["expires"] is None),
        states=STATES, order=ORDER, columns=COLUMNS, credentials=CREDENTIALS,
        css=Markup(style.CSS), script=Markup(style.SCRIPT),  # noqa: S704  # our own
    )  # fmt: skip


def _printable(value: t.Any) -> t.Any:
    """Characters that no document may hold are shown as U+FFFD."""
    if isinstance(value, Markup):
        return value
    return "".join(
        c if c in "\t\n" or ord(c) >= 32 and not 0x7F <= ord(c) < 0xA0 and not 0xD800 <= ord(c) < 0xE000 else "\ufffd"
        for c in str(value)
    )


def _digest(content: str) -> str:
    return Markup("'sha256-{0}'").format(base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode())


def _groups(rows: t.Sequence[Data]) -> t.List[Data]:
    """What is wrong, worst first. Links with the same findings stand together, so that one cause is read once; a way
    out that serves all of them is said once."""
    groups: t.Dict[t.Tuple[str, str], t.List[t.Tuple[Data, Data]]] = {}
    for row in rows:
        for item in row["findings"]:
            if item["level"] != "info":
                groups.setdefault((LEVEL_STATE[item["level"]], item["code"]), []).append((row, item))
    found: t.List[Data] = []
    for (state, code), members in sorted(groups.items(), key=lambda one: (ORDER.index(one[0][0]), -len(one[1]))):
        fixes = {item["fix"] for _row, item in members}
        title = code.replace("_", " ").capitalize()
        found.append(
            {"state": state, "title": title, "members": members, "fix": fixes.pop() if len(fixes) == 1 else None}
        )
    return found


def _matrix(rows: t.Sequence[Data], clusters: t.Sequence[str]) -> t.Optional[Data]:
    clients = [name for name in clusters if any(row["client"] == name for row in rows)]
    servers = [name for name in clusters if any(row["server"] == name for row in rows)]
    if max(len(clients), len(servers)) > MATRIX_LIMIT:
        return None
    cells: t.Dict[t.Tuple[str, str], t.List[Data]] = {}
    for row in sorted(rows, key=lambda row: ORDER.index(row["state"])):  # the worst first
        cells.setdefault((row["client"], row["server"]), []).append(row)
    return {"clients": clients, "servers": servers, "cells": cells}


def _axis(dated: t.Sequence[Data]) -> Data:
    """Bars over time, and the words below them."""
    last = max(30, max(row["days_left"] for row in dated) + 1)
    counts = [0] * (BINS + 1)
    for row in dated:
        counts[0 if row["days_left"] <= 0 else 1 + min(BINS - 1, row["days_left"] * BINS // last)] += 1
    bars = [
        {"x": place * 20, "tall": max(8, round(count / max(counts) * 70)), "count": count}
        for place, count in enumerate(counts)
        if count
    ]
    marks: t.List[Data] = [{"x": 0, "y": 118, "side": "start", "word": "expired"}] if counts[0] else []
    for part in range(5):
        word, side = "{0} d".format(last * part // 4) if part else "today", {0: "start", 4: "end"}.get(part, "")
        marks.append({"x": 20 + part * 150, "y": 106, "side": side, "word": word})
    return {"bars": bars, "marks": marks}


def _anchor(row: Data) -> str:
    """An id made of letters and digits only, the same in every report."""
    return "l-" + hashlib.sha256(row["link"].encode("utf-8", "replace")).hexdigest()[:16]
