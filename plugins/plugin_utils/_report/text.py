# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report for a terminal: a table, below it what is wrong and what to do.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import textwrap
import time
import typing as t

Data = t.Mapping[str, t.Any]

WIDTH = 88
"""What Ansible leaves of a screen of 100 columns."""
HEAD = ("STATE", "FROM", "TO", "KEY", "EXPIRES", "PROOF", "OWNER")
WORDS = {"ok": "ok", "warning": "WARNING", "broken": "BROKEN", "unknown": "UNKNOWN"}
LEVELS = {"error": "ERROR", "warning": "WARNING", "unknown": "UNKNOWN", "info": "NOTE"}


def render(report: Data) -> t.List[str]:
    lines = columns([HEAD] + [_cells(row, report["generated"]) for row in report["links"]])
    for row in report["links"]:
        for item in row["findings"]:
            said = "{0} {1}: {2}".format(LEVELS.get(item["level"], "NOTE"), row["link"], item["cause"])
            lines += ["", *wrapped(said)]
            for name, label in (("evidence", "Seen"), ("fix", "Fix")):
                lines += wrapped("{0}: {1}".format(label, item[name]), "    ") if item[name] else []
    for key in report["orphans"]:
        lines += ["", *wrapped("WARNING " + key["cause"]), *wrapped("Fix: " + key["fix"], "    ")]
    for note in report.get("notes", ()):
        lines += ["", *wrapped("NOTE " + note)]
    if not report["links"]:
        lines = ["No link is configured: the list of links is empty.", *lines[1:]]
    return [*lines, "", total(report["summary"])]


def total(counts: Data) -> str:
    parts = [
        "{0} {1}".format(counts[state], state) for state in ("ok", "warning", "broken", "unknown") if counts[state]
    ]
    text = "{0} link{1}: {2}".format(counts["links"], "" if counts["links"] == 1 else "s", ", ".join(parts) or "none")
    if counts["next_expiry_days"] is not None:
        text += "; next expiry of a key: " + ends(counts["next_expiry_days"])
    if counts["orphans"]:
        text += "; {0} orphaned key{1}".format(counts["orphans"], "" if counts["orphans"] == 1 else "s")
    return text


def _cells(row: Data, now: int) -> t.Tuple[str, ...]:
    return (
        WORDS[row["state"]],
        row["client"],
        place(row["server"], row["alias"]),
        row["key_id"] or "-",
        "never" if row["key_id"] and row["expires"] is None else stamp(row["expires"]),
        proof(row, now),
        row["owner"] or "-",
    )


def ends(days_left: t.Optional[int]) -> str:
    if days_left is None:
        return "never"
    return "in " + plural(days_left) if days_left > 0 else "expired"


def proof(row: Data, now: int) -> str:
    """What the last real request through every node showed."""
    if row["absent"]:
        return "-"
    if row["proven"]:
        return "works"
    if row["proven"] is False:
        return "fails" + (", worked {0}".format(stamp(row["last_proof"])) if row["last_proof"] else "")
    return "not asked" + (", worked {0}".format(stamp(row["last_proof"])) if row["last_proof"] else "")


def stamp(milliseconds: t.Optional[int]) -> str:
    if milliseconds is None:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(milliseconds / 1000))


def date(milliseconds: t.Optional[int]) -> str:
    return stamp(milliseconds)[:10] if milliseconds is not None else "-"


def plural(number: t.Optional[int]) -> str:
    return "-" if number is None else "{0} day{1}".format(number, "" if number == 1 else "s")


def place(server: str, alias: str) -> str:
    """Where a link leads to, with its alias where that is not the name of the server."""
    return server if alias == server else "{0} ({1})".format(server, alias)


def wrapped(said: str, indent: str = "") -> t.List[str]:
    """A sentence in lines that a screen has room for."""
    return textwrap.wrap(
        said, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def columns(cells: t.Sequence[t.Sequence[str]]) -> t.List[str]:
    widths = [max(len(line[number]) for line in cells) for number in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]


def stats(report: Data, status: int) -> t.Dict[str, t.Any]:
    """What a job runner keeps of a run: small enough for a notification, with nothing that is not in the report."""
    attention = [
        {
            "link": row["link"],
            "state": row["state"],
            "days_left": row["days_left"],
            "key_id": row["key_id"],
            "findings": [{name: item[name] for name in ("code", "level", "cause", "fix")} for item in row["findings"]],
        }
        for row in report["links"]
        if row["state"] != "ok"
    ]
    return {
        "generated": report["generated"],
        "status": status,
        "summary": dict(report["summary"]),
        "text": total(report["summary"]),
        "attention": attention[:50],
        "left_out": max(0, len(attention) - 50),
    }
