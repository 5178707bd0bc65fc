# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remote entries merged into a role. Private to this collection."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from .._errors import EsError, EsNotFound, InputError
from .._http.argspec import ArgumentSpec
from .._http.client import ElasticsearchClient
from .._remote import role_entries as entries
from .._runner import Task

SPEC = ArgumentSpec(
    {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **entries.OPTIONS,
    },
    required_if=[("state", "present", ("remote_indices", "remote_cluster"), True)],
)


def check_input(name: str, given: t.Mapping[str, t.Any]) -> None:
    """Refuse what the server would refuse."""
    problem = entries.problem(name, given)
    if problem:
        raise InputError(f"Nothing was changed in the role [{name}]: {problem}.")


def read(client: ElasticsearchClient, name: str) -> t.Optional[t.Dict[str, t.Any]]:
    """The role, None when there is none."""
    try:
        body = client.request("GET", f"/_security/role/{quote(name, safe='')}", attempt=f"read the role [{name}]").body
    except EsNotFound:
        return None
    return body.get(name)


def write(client: ElasticsearchClient, name: str, body: t.Mapping[str, t.Any]) -> None:
    """The request. It may be repeated: the same role twice is the same role."""
    try:
        client.request(
            "PUT", f"/_security/role/{quote(name, safe='')}", body=body, safe=True, attempt=f"write the role [{name}]"
        )
    except EsError as e:
        if e.says("unexpected field [remote_cluster]"):
            e.advice = "remote_cluster needs Elasticsearch 8.15 or newer: leave it out, or upgrade."
        elif e.says("unexpected field [remote_indices]"):
            e.advice = "remote_indices needs Elasticsearch 8.10 or newer."
        elif e.says("serverless mode"):
            e.advice = "Serverless projects have no remote clusters; cross-project search takes their place."
        raise


def work(task: Task, client: ElasticsearchClient) -> t.Dict[str, t.Any]:
    """Merge, write when needed, and describe."""
    params = task.params
    name, absent = params["name"], params["state"] == "absent"
    given = {
        field: None if params[field] is None else [entries.clean(entry) for entry in params[field]]
        for field in entries.FIELDS
    }
    check_input(name, given)
    role = read(client, name)
    operation = "none"
    wanted = entries.merge_role(role, given, absent)
    if not entries.same(role or {}, wanted):
        if ((role or {}).get("metadata") or {}).get("_reserved"):
            raise InputError(
                f"The role [{name}] is reserved and cannot be changed. Give the user a role of your own beside it."
            )
        operation = "update" if role is not None else "create"
        if not task.check_mode:
            write(client, name, wanted)
    return {
        "changed": operation != "none",
        "operation": operation,
        "name": name,
        **entries.entries(wanted),
        "diff": {"before": entries.entries(role), "after": entries.entries(wanted)},
    }
