# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aliases brought to the settings that are asked for, all in one request. Private to this collection.

Elasticsearch takes all settings of a request or none. So each alias is checked by itself first, and where the server
refuses the request all the same, each is sent by itself: one that is wrong loses no other.
"""

from __future__ import annotations

import typing as t

from .._errors import EsBadRequest, EsError, EsPermissionError, InputError
from .._http.client import ElasticsearchClient
from . import settings
from .alias import alias_problem
from .requests import read_settings

# How many seconds a server waits for the connection of each alias, of one after the other (seen: 9.5.0).
CONNECT = 10.0

Result = t.Dict[str, t.Any]
Failure = t.Union[EsError, InputError]


class Change:
    """What one alias shall have, and what that takes."""

    def __init__(self, params: t.Mapping[str, t.Any], body: t.Mapping[str, t.Any]) -> None:
        self.alias = str(params["alias"])
        self.absent = params["state"] == "absent"
        self.failure: t.Optional[Failure] = None
        self.written = False
        self.state = settings.read_state(body, self.alias)
        given = {option: params[option] for option in settings.SUFFIXES if params.get(option) is not None}
        self.plan = (
            settings.plan_absent(self.alias, self.state)
            if self.absent
            else settings.plan_present(self.alias, given, self.state)
        )

    def result(self) -> Result:
        """What was done, or would be done in check mode."""
        plan = self.plan
        operation = "none"
        if plan.changed:
            operation = "remove" if self.absent else "update" if self.state.effective else "create"
        now = settings.plain(plan.after)
        return {
            "changed": plan.changed,
            "operation": operation,
            "alias": self.alias,
            "settings": now,
            "yml": {suffix: value for suffix, value in now.items() if suffix in self.state.yml},
            "diff": {
                "before": settings.show(self.state, self.alias),
                "after": settings.show(plan.after, self.alias),
            },
        }


def check(params: t.Mapping[str, t.Any]) -> None:
    """All that can be told without a request."""
    if params["state"] == "absent":
        problem = alias_problem(params["alias"])
        if problem:
            raise InputError(f"Nothing was changed for [{params['alias']}]: {problem}.")
        return
    given = {option: params[option] for option in settings.SUFFIXES if params.get(option) is not None}
    settings.check_input(params["alias"], given)


def ensure(
    client: ElasticsearchClient,
    wanted: t.Sequence[t.Union[t.Mapping[str, t.Any], InputError]],
    check_mode: bool,
    warn: t.Callable[[str], None],
) -> t.List[t.Union[Change, Failure]]:
    """Compare, write what differs, and tell of each alias what was done, or why nothing could be."""
    found: t.List[t.Union[Change, Failure]] = []
    body: t.Optional[t.Mapping[str, t.Any]] = None
    for one in wanted:
        try:
            if isinstance(one, InputError):
                raise one
            check(one)
            # What nobody can use is not asked for.
            body = read_settings(client) if body is None else body
            found.append(Change(one, body))
        except InputError as exc:
            found.append(exc)
    changes = [one for one in found if isinstance(one, Change)]
    due = [one for one in changes if one.plan.changed]
    if due and not check_mode:
        _write_all(client, due, warn)
    for change in changes:
        for note in change.plan.notes if not change.failure else ():
            warn(note)
    return found


def _write_all(client: ElasticsearchClient, changes: t.Sequence[Change], warn: t.Callable[[str], None]) -> None:
    try:
        _write(client, changes, warn)
    except EsBadRequest as exc:
        if len(changes) == 1:
            changes[0].failure = exc
            return
        for one in changes:
            try:
                _write(client, [one], warn)
            except EsError as own:
                one.failure = own
    except EsError as exc:
        for one in changes:
            one.failure = exc
    forgetful = [one for one in changes if not one.failure and settings.may_forget(one.state, one.plan)]
    if forgetful:
        try:
            _remind(client, forgetful, warn)
        except EsError as exc:
            for one in forgetful:
                one.failure = exc


def _write(client: ElasticsearchClient, changes: t.Sequence[Change], warn: t.Callable[[str], None]) -> None:
    _put(client, {one.alias: one.plan for one in changes}, warn)
    for one in changes:
        one.written = True


def _put(
    client: ElasticsearchClient, plans: t.Mapping[str, settings.SettingsPlan], warn: t.Callable[[str], None]
) -> None:
    """The request. It may be repeated: the same settings twice are the same settings."""
    what = _named(plans)
    body: t.Dict[str, t.Dict[str, t.Any]] = {}
    for alias, plan in plans.items():
        for section, values in settings.request_body(alias, plan).items():
            body.setdefault(section, {}).update(values)
    if len(plans) > 1:
        client = client.patient(CONNECT * (len(plans) + 1))
    try:
        answer = client.request(
            "PUT", "/_cluster/settings", body=body, safe=True, attempt=f"write the settings of {what}"
        )
    except EsError as e:
        if not e.advice and e.says("secure setting", "not dynamically updateable"):
            e.advice = "The credential belongs into the keystores of the nodes: use the module keystore."
        raise
    if not answer.body.get("acknowledged", True):
        warn(f"Not all nodes confirmed the settings of {what} in time.")


def _remind(client: ElasticsearchClient, changes: t.Sequence[Change], warn: t.Callable[[str], None]) -> None:
    """Before 9.3 a connection that is built anew goes by the default of skip_unavailable until the setting changes."""
    plans = {one.alias: one.plan for one in changes}
    try:
        attempt = f"read whether {_named(plans)} may be skipped when unavailable"
        info = client.request("GET", "/_remote/info", attempt=attempt).body
    except (EsBadRequest, EsPermissionError):
        return  # a node without the role remote_cluster_client, or a login that may not read it
    due = {alias: plan for alias, plan in plans.items() if _forgot(info.get(alias) or {}, plan)}
    if due:
        for step in zip(*(settings.reminders(plan) for plan in due.values())):
            _put(client, dict(zip(due, step)), warn)


def _forgot(info: t.Mapping[str, t.Any], plan: settings.SettingsPlan) -> bool:
    name = "skip_unavailable"
    return name in info and not settings.same(name, info[name], settings.plain(plan.after)[name])


def _named(aliases: t.Collection[str]) -> str:
    """As a message names them."""
    return f"the remote cluster{'s' * (len(aliases) > 1)} " + ", ".join(f"[{alias}]" for alias in aliases)
