# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a phase is, and what several of them need. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import (
    MISREAD,
    Planned,
    went_wrong,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import ODD, Call, Run
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import case

NODES, CLUSTERS = "nodes", "clusters"

Answers = t.Sequence[t.Tuple[Call, t.Any]]
"""Calls and their results."""
Steps = t.Iterable[t.Tuple[Planned, case.Step]]
"""Steps that may be taken, with the links that they are of."""


def nothing(_run: Run, _answers: Answers) -> None:
    """What was read is in the plan already."""


@dataclass(frozen=True)
class Phase:
    name: str
    at: str
    """Whether its calls go to nodes or to clusters."""
    make: t.Callable[[Run, Steps], t.Iterable[Call]]
    """The calls that take these steps."""
    read: t.Callable[[Run, Answers], None] = nothing
    """Notes what the calls told in the progress of the links."""
    steps: t.Tuple[str, ...] = ()
    """The actions of the plan that it is for."""
    real: bool = False
    """Not in check mode, in which nothing was done that could be seen."""
    several: bool = False
    """Whether a node has a call for each of its links."""
    module: str = ""
    """What a phase on nodes calls."""
    by_role: bool = False
    """The work is that of another role, and what is told is what went wrong, as text."""

    def calls(self, run: Run) -> t.Iterable[Call]:
        return self.make(run, run.steps(*self.steps))


def read(run: Run, phase: Phase) -> None:
    """Note what a phase told."""
    if phase.real and run.options.check:
        return
    answers = [(call, run.result(phase.name, call)) for call in phase.calls(run)]
    if not all(call.links for call, _result in answers) or not answers:
        phase.read(run, answers)
        return
    for answer in answers:
        # What one place tells holds up no link of another.
        try:
            phase.read(run, [answer])
        except MISREAD as exc:
            for link in {link for links in answer[0].links for link in links}:
                run.fail(link, ODD, "{0}: {1}".format(answer[0].place, type(exc).__name__))


def by(links: t.Iterable[t.Mapping[str, t.Any]], side: str) -> t.Dict[str, t.List[t.Mapping[str, t.Any]]]:
    found: t.Dict[str, t.List[t.Mapping[str, t.Any]]] = {}
    for link in links:
        found.setdefault(link[side], []).append(link)
    return found


def by_place(steps: Steps, place: str) -> t.Dict[str, t.List[t.Tuple[Planned, case.Step]]]:
    """Steps by the place where they are taken: the server or client of the link, the node or source of the step."""
    found: t.Dict[str, t.List[t.Tuple[Planned, case.Step]]] = {}
    for planned, step in steps:
        where = getattr(planned if place in ("server", "client") else step, place)
        found.setdefault(where, []).append((planned, step))
    return found


def each(
    call: Call, result: t.Any, field: str, name: str = "name"
) -> t.Iterator[t.Tuple[str, t.Mapping[str, t.Any], t.Optional[str]]]:
    """What a list form told of each link, and what went wrong with it. It may have been called for more links than the
    ones that are looked at here, so its things are told apart by name."""
    things = call.arguments["keys" if field == "api_keys" else field]
    told = result.get(field) if isinstance(result, t.Mapping) else None
    entries = list(told) if isinstance(told, (list, tuple)) else []
    missing = {"failed": True, "msg": went_wrong(result) or "its result is not whole"}
    for links, thing in zip(call.links, things):
        wanted = thing if isinstance(thing, str) else thing[name]
        found = [one for one in entries if one.get(name) == wanted] or [missing]
        if len(found) > 1:
            # Keys that were adopted may bear the name of others.
            own = [one for one in found if (one.get("api_key") or {}).get("id") in thing.get("ids", ())]
            found = own or [one for one in found if one.get("failed")] or [missing]
        for link in links:
            yield link, found[0], went_wrong(found[0])


def note(run: Run, link: str, action: str, trouble: t.Optional[str], result: t.Mapping[str, t.Any]) -> None:
    if trouble:
        run.fail(link, action, trouble)
    elif result.get("changed"):
        run.progress[link].done.add(action)


def no_calls(_run: Run, _steps: Steps) -> t.Iterator[Call]:
    """The work is that of another role."""
    return iter(())
