# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of a run: the plan in words, and what became of each link. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import Data, Planned, usable
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import ODD, Run

FAILURES = {
    "authorities": "the certificate authority could not be handed over",
    "create": "the API key could not be made",
    "rotate": "the API key could not be made",
    "update": "the API key could not be updated",
    "spread": "the credential could not be read",
    "deliver": "the credential could not be delivered",
    "remove": "the credential could not be removed",
    "reload": "the secure settings could not be reloaded",
    "restart": "the nodes could not be restarted",
    "settings": "the settings could not be written",
    "unset": "the settings could not be removed",
    "prove": "the link does not work",
    "revoke": "the API key could not be revoked",
    "roles": "the local role could not be changed",
    ODD: "what a module told of it cannot be understood",
}
_BAD = ("blocked", "failed", "unfinished")


def words(run: Run) -> t.Dict[str, t.List[str]]:
    """The plans of the links that have something to tell."""
    return {link: list(planned.plan.words) for link, planned in run.planned.items() if planned.plan.words}


def rows(run: Run, now: int) -> t.List[Data]:
    """One entry per link: its state and why."""
    return [_row(run, planned, now) for planned in run.planned.values()]


def _row(run: Run, planned: Planned, now: int) -> Data:
    plan, progress, absent = planned.plan, run.progress[planned.id], run.options.absent
    state, note = _state(run, planned)
    key_id = progress.key_id or plan.target
    expiration = progress.expiration or _expiration(run, planned, key_id)
    proven = "prove" in progress.done if planned.has("prove") else planned.probe.get("ok")
    if absent:
        key_id = expiration = proven = None
    return {
        "link": planned.id, "from": planned.client, "to": planned.server, "alias": planned.alias, "state": state,
        "ok": state not in _BAD,
        "api_key_id": key_id,
        "expiration": expiration,
        "days_left": None if expiration is None else max(0, (expiration - now) // 86_400_000),
        "proven": bool(proven) and not progress.failed and not planned.unread,
        "proof": "every node" if planned.provable else "some node",
        "actions": [step.action for step in plan.steps],
        "kept": list(plan.kept),
        "note": note,
    }  # fmt: skip


def _state(run: Run, planned: Planned) -> t.Tuple[str, str]:
    plan, progress = planned.plan, run.progress[planned.id]
    told = list(plan.words)
    if plan.blocked:
        return "blocked", plan.blocked
    if progress.failed:
        action, why = next(iter(progress.failed.items()))
        note = "{0}: {1}".format(FAILURES[action], why)
        if not run.options.absent and not run.may(planned, "settings"):
            note += "; the settings of alias {0} were left as they are".format(planned.alias)
        return "failed", note
    if plan.owed:
        return "unfinished", "; ".join(told)
    # Of a key that is given, a credential is compared where nothing else tells that it is right.
    compared = plan.link.given is not None and not progress.done - {"prove"}
    if (plan.steps or progress.done) and not compared:
        state = "removed" if run.options.absent else "changed"
        told += ["local roles changed"] if "roles" in progress.done else []
        return "would be " + state if run.options.check else state, "; ".join(told)
    return "gone" if run.options.absent else "right", "; ".join(told)


def _expiration(run: Run, planned: Planned, key_id: t.Optional[str]) -> t.Optional[int]:
    keys = usable(run.gathered.keys.get(planned.server)).get("api_keys") or ()
    return next((key.get("expiration") for key in keys if key["id"] == key_id), None)


def table(found: t.Sequence[Data]) -> t.List[str]:
    """The report as lines of text, columns aligned."""
    head = ("LINK", "ALIAS", "STATE", "PROOF", "KEY", "EXPIRES")
    cells = [head]
    for row in found:
        days = row["days_left"]
        cells.append((
            "{0} -> {1}".format(row["from"], row["to"]), row["alias"], row["state"],
            row["proof"] if row["proven"] else "-", row["api_key_id"] or "-",
            "in {0} days".format(days) if days is not None else "-",
        ))  # fmt: skip
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = []
    for number, line in enumerate(cells):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        if number and found[number - 1]["note"] and found[number - 1]["state"] != "right":
            lines.append("    " + found[number - 1]["note"])
    return lines
