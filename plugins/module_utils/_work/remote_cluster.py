# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One remote cluster or several brought to what is asked for. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._errors import InputError
from .._http.argspec import ArgumentSpec
from .._http.client import ElasticsearchClient
from .._remote.settings import OPTIONS
from .._remote.write import (
    Change,
    Failure,
    Result,
    ensure,
)
from .._runner import Task

# The options of one remote cluster.
ONE = {
    "alias": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **OPTIONS,
}
SPEC = ArgumentSpec(
    {
        **ONE,
        "alias": {"type": "str"},
        # Not a spec of its own: one that is wrong shall not keep the others from being written.
        "remotes": {"type": "list", "elements": "dict"},
    },
    mutually_exclusive=[("alias", "remotes")],
    required_one_of=[("alias", "remotes")],
)


def asked(params: t.Mapping[str, t.Any]) -> t.List[t.Union[t.Mapping[str, t.Any], InputError]]:
    """The remote clusters that the options name, each in full, or with what is wrong about it."""
    if params["remotes"] is None:
        return [params]
    beside = [name for name in OPTIONS if params[name] is not None]
    if beside:
        raise InputError(f"Nothing was changed: {', '.join(beside)} beside remotes; give each of remotes its own.")
    found: t.List[t.Union[t.Mapping[str, t.Any], InputError]] = []
    seen = set()
    for number, one in enumerate(params["remotes"]):
        told = ArgumentSpecValidator(ONE).validate({"state": params["state"], **one})
        alias = str(one.get("alias"))
        if told.error_messages:
            found.append(InputError(f"remotes[{number}] [{alias}]: {'; '.join(told.error_messages)}."))
        elif alias in seen:
            found.append(InputError(f"remotes[{number}]: [{alias}] is given twice; give each alias once."))
        else:
            found.append(told.validated_parameters)
        seen.add(alias)
    return found


def summary(params: t.Mapping[str, t.Any], found: t.Sequence[t.Union[Change, Failure]]) -> Result:
    """One result of all; InputError where one failed."""
    remotes, diffs, told = [], [], []
    for given, one in zip(params["remotes"], found):
        failure = one.failure if isinstance(one, Change) else one
        if failure:
            told.append(str(failure))
            written = isinstance(one, Change) and one.written
            remotes.append({"alias": given.get("alias"), "changed": written, "failed": True, "msg": str(failure)})
        elif isinstance(one, Change):
            remotes.append(one.result())
            diffs.append(remotes[-1].pop("diff"))
    result: Result = {
        "changed": any(one["changed"] for one in remotes),
        "remotes": remotes,
        "diff": {side: _joined(diff[side] for diff in diffs) for side in ("before", "after")},
    }
    if told:
        count = f"{len(told)} of {len(remotes)} remotes are not as asked for."
        raise InputError(" ".join([count, *dict.fromkeys(told)]), **result)
    return result


def _joined(shown: t.Iterable[t.Mapping[str, t.Any]]) -> t.Dict[str, t.Any]:
    joined: t.Dict[str, t.Any] = {}
    for one in shown:
        for section, values in one.items():
            joined.setdefault(section, {}).update(values)
    return joined


def work(task: Task, client: ElasticsearchClient) -> t.Dict[str, t.Any]:
    """Compare, write when needed, and describe."""
    found = ensure(client, asked(task.params), task.check_mode, task.warn)
    if task.params["remotes"] is not None:
        return summary(task.params, found)
    (one,) = found
    if not isinstance(one, Change):
        raise one
    if one.failure:
        raise one.failure
    return one.result()
