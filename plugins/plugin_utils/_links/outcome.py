# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of a run: the plan in words, and what became of each link. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.report import started_days
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import Data, Planned, usable
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import ODD, Run
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import text

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
# The first of these steps gives a link its word.
_VERBS = {"create": ("link", "linked"), "rotate": ("rotate", "rotated")}
LARGEST = 500
"""As many links a job runner is told of."""


def words(run: Run) -> t.Dict[str, t.List[str]]:
    """The plans of the links that have something to tell."""
    return {link: list(planned.plan.words) for link, planned in run.planned.items() if planned.plan.words}


def rows(run: Run, now: int) -> t.List[Data]:
    """One entry per link: its state and why."""
    return [_row(run, planned, now) for planned in run.planned.values()]


def _row(run: Run, planned: Planned, now: int) -> Data:
    plan, progress = planned.plan, run.progress[planned.id]
    state, note = _state(run, planned)
    key_id = progress.key_id or plan.target
    expiration = progress.expiration or _expiration(run, planned, key_id)
    proven = "prove" in progress.done if planned.has("prove") else planned.probe.get("ok")
    if planned.absent:
        key_id = expiration = proven = None
    return {
        "link": planned.id, "from": planned.client, "to": planned.server, "alias": planned.alias, "state": state,
        "done": _done(run, planned, state),
        "ok": state not in _BAD,
        "api_key_id": key_id,
        "expiration": expiration,
        "days_left": None if expiration is None else started_days(expiration - now),
        "proven": bool(proven) and not progress.failed and not planned.unread,
        "proof": "every node" if planned.provable else "some node",
        "actions": [step.action for step in plan.steps],
        "made": [progress.key_id] if progress.key_id else [],
        "revoked": [] if run.options.check else sorted({*progress.revoked}),
        "kept": list(plan.kept),
        "note": note,
        "remarks": list(plan.remarks),
    }  # fmt: skip


def _state(run: Run, planned: Planned) -> t.Tuple[str, str]:
    plan, progress = planned.plan, run.progress[planned.id]
    told = list(plan.words)
    if plan.blocked:
        return "blocked", plan.blocked
    if progress.failed:
        action, why = next(iter(progress.failed.items()))
        note = "{0}: {1}".format(FAILURES[action], why)
        if not planned.absent and not run.may(planned, "settings"):
            note += "; the settings of alias {0} were left as they are".format(planned.alias)
        return "failed", note
    if plan.owed:
        return "unfinished", "; ".join(told)
    # Of a key that is given, a credential is compared where nothing else tells that it is right.
    compared = plan.link.given is not None and not progress.done - {"prove"}
    if (plan.steps or progress.done) and not compared:
        state = "removed" if planned.absent else "changed"
        told += ["local roles changed"] if "roles" in progress.done else []
        return "would be " + state if run.options.check else state, "; ".join(told)
    if planned.absent and run.options.mode == "rotate":
        return "passed over", "; ".join(told)
    if planned.absent:
        return "left alone" if plan.remarks or plan.kept else "gone", "; ".join(told)
    return "right", "; ".join(told)


def _done(run: Run, planned: Planned, state: str) -> str:
    """What was done, in a word or two; of check mode what would be."""
    if state in _BAD:
        return {"blocked": "NOT DONE", "failed": "FAILED"}.get(state, "UNFINISHED")
    if "changed" not in state and "removed" not in state:
        return {"right": "nothing", "gone": "nothing left"}.get(state, state)
    actions = {*planned.plan.actions()}
    verb, past = next((words for action, words in _VERBS.items() if action in actions), ("repair", "repaired"))
    if planned.absent:
        verb, past = "remove", "removed"
    elif actions <= {"update", "settings", "prove"} or not actions:
        verb, past = "update", "updated"
    return "would {0}".format(verb) if run.options.check else past


def _expiration(run: Run, planned: Planned, key_id: t.Optional[str]) -> t.Optional[int]:
    keys = usable(run.gathered.keys.get(planned.server)).get("api_keys") or ()
    return next((key.get("expiration") for key in keys if key["id"] == key_id), None)


def table(found: t.Sequence[Data], why: bool = False) -> t.List[str]:
    """One row for each link, and below them what people have to know: what went wrong. `why`: also the reasons of what
    is to be done.
    """
    cells = [("FROM", "TO", "DONE", "KEY", "EXPIRES", "PROOF")]
    for row in found:
        cells.append((
            row["from"], text.place(row["to"], row["alias"]), row["done"], row["api_key_id"] or "-",
            text.stamp(row["expiration"]), row["proof"] if row["proven"] else "-",
        ))  # fmt: skip
    lines = text.columns(cells)
    for row in found:
        whole = not row["ok"] or row["kept"] or (why and row["state"] != "right")
        told = row["note"] if whole else "; ".join(row["remarks"])
        lines += text.wrapped("{0}: {1}".format(row["link"], told)) if told else []
    return lines if found else ["No link is configured: the list of links is empty."]


def stats(found: t.Sequence[Data]) -> Data:
    """What a job runner keeps of a run: small enough for a notification, without a secret."""
    fields = ("link", "state", "done", "made", "revoked", "proven", "note")
    told = [{name: row[name] for name in fields} for row in found]
    return {
        "ok": all(row["ok"] for row in found),
        "text": "; ".join(
            "{0} {1}".format(sum(row["done"] == done for row in found), done)
            for done in dict.fromkeys(row["done"] for row in found)
        ),
        # What was done and what went wrong first.
        "links": sorted(told, key=lambda row: row["state"] in ("right", "gone"))[:LARGEST],
        "left_out": max(0, len(told) - LARGEST),
    }
