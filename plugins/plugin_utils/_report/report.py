# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: one row for each link, and what holds for all of them. Pure; the renderers are in files of their own.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.report import started_days
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import words
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.view import DAY, Data, LinkView, days
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.left import Stray

SCHEMA = 1
"""Version of the shape of the report. Fields may be added under one number, never renamed or removed."""

OK, WARNING, BROKEN, UNKNOWN = "ok", "warning", "broken", "unknown"
STATES = (OK, WARNING, BROKEN, UNKNOWN)
"""From best to worst for people; `unknown` is last because nobody looked."""

NOT_LISTED = "not_listed"
"""The code of a key whose link has left the list."""
LEVELS = {"error": BROKEN, "warning": WARNING, "unknown": UNKNOWN}


def build(
    views: t.Sequence[LinkView],
    findings: t.Sequence[Data],
    now: int,
    previous: t.Optional[t.Mapping[str, t.Any]] = None,
    stray: t.Sequence[Data] = (),
) -> Data:
    """The whole report. `previous` is an earlier one: a link that could not be asked now keeps the time of its last
    proof.
    """
    proofs = _proofs(previous)
    rows = [_row(view, [item for item in findings if item["link"] == view.link["id"]], now, proofs) for view in views]
    return {
        "schema": SCHEMA,
        "generated": now,
        "clusters": sorted({row[side] for row in rows for side in ("client", "server")}),
        "summary": summary(rows, stray),
        "links": rows,
        "orphans": list(stray),
    }


def summary(rows: t.Sequence[Data], stray: t.Sequence[Data] = ()) -> Data:
    counts: Data = {state: sum(1 for row in rows if row["state"] == state) for state in STATES}
    left = [row["days_left"] for row in rows if row["days_left"] is not None]
    counts.update(
        links=len(rows),
        healthy=counts[BROKEN] == 0 and counts[UNKNOWN] == 0,
        orphans=sum(len(row["orphans"]) for row in rows) + len(stray),
        next_expiry_days=min(left) if left else None,
    )
    return counts


def _row(view: LinkView, findings: t.Sequence[Data], now: int, proofs: t.Mapping[str, int]) -> Data:
    link, key = view.link, view.key or {}
    proven = view.proven
    return {
        "link": link["id"],
        "client": link["from"],
        "server": link["to"],
        "alias": link["alias"],
        "state": worst(findings),
        "absent": link["absent"],
        "key_name": link["key_name"],
        "key_id": key.get("id"),
        "owner": key.get("username"),
        **life(key, now),
        "proven": proven,
        "last_proof": now if proven else proofs.get(link["id"]),
        "nodes": [
            {"name": node.name, "credential": state, "key_id": node.key_id, "reason": node.reason or None}
            for node, state in view.pairs()
        ],
        "orphans": [orphan(key, now) for key in view.orphans()],
        "findings": [{name: value for name, value in item.items() if name != "link"} for item in findings],
    }


def worst(findings: t.Sequence[Data]) -> str:
    found = {LEVELS.get(item["level"], OK) for item in findings}
    return next((state for state in (BROKEN, UNKNOWN, WARNING) if state in found), OK)


def orphan(key: t.Mapping[str, t.Any], now: int) -> Data:
    return {"id": key["id"], "name": key.get("name"), "owner": key.get("username"), **life(key, now)}


def life(key: t.Mapping[str, t.Any], now: int) -> Data:
    """When a key was made and when it ends."""
    creation, expiration = key.get("creation"), key.get("expiration")
    return {
        "created": creation,
        "age_days": days(max(0, now - creation)) if creation else None,
        "expires": expiration,
        "days_left": started_days(expiration - now) if expiration is not None else None,
    }


def stray_keys(found: t.Sequence[Stray], now: int) -> t.List[Data]:
    """Live keys with our mark that belong to no link any more: the link was taken out of the list and not taken down
    first."""
    rows = []
    for stray in found:
        cause, fix = words.WORDS[NOT_LISTED]
        row = {"server": stray.server, "client": stray.client, "alias": stray.alias, **orphan(stray.raw, now)}
        names = {
            **row, "key_id": row["id"], "key_name": row["name"],
            "alias": stray.alias or "an alias that only its nodes know",
        }  # fmt: skip
        told = {"code": NOT_LISTED, "level": "warning", "cause": cause.format(**names), "fix": fix.format(**names)}
        rows.append({**row, **told})
    return rows


def _proofs(previous: t.Optional[t.Mapping[str, t.Any]]) -> t.Dict[str, int]:
    links = previous.get("links") if isinstance(previous, t.Mapping) else None
    return {
        row["link"]: row["last_proof"]
        for row in (links if isinstance(links, list) else [])
        if isinstance(row, t.Mapping) and row.get("link") and isinstance(row.get("last_proof"), int)
    }


def exit_status(report: Data) -> int:
    """As monitoring plugins have it: 0 all right, 1 warnings, 2 broken, 3 unknown."""
    counts = report["summary"]
    if counts[BROKEN]:
        return 2
    if counts[UNKNOWN]:
        return 3
    return 1 if counts[WARNING] or report["orphans"] else 0


__all__ = [
    "BROKEN",
    "DAY",
    "OK",
    "STATES",
    "UNKNOWN",
    "WARNING",
    "build",
    "exit_status",
    "stray_keys",
    "summary",
    "worst",
]
