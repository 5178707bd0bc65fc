# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cross-cluster API keys read and reported. Private to this collection."""

from __future__ import annotations

import time
import typing as t

from .._api_key import read as api
from .._api_key.duration import parse_duration
from .._api_key.report import Filter, report
from .._errors import EsBadRequest, InputError
from .._http.argspec import ArgumentSpec
from .._http.client import ElasticsearchClient
from .._runner import Task

SPEC = ArgumentSpec(
    {
        "names": {"type": "list", "elements": "str", "aliases": ["name"]},
        "prefix": {"type": "str"},
        "ids": {"type": "list", "elements": "str"},
        "types": {
            "type": "list",
            "elements": "str",
            "choices": ["cross_cluster", "rest"],
            "default": ["cross_cluster"],
        },
        "owner": {"type": "str"},
        "realm": {"type": "str"},
        "active_only": {"type": "bool", "default": False},
        "expires_within": {"type": "str"},
        "acting_user": {"type": "bool", "default": False},
    }
)


def work(task: Task, client: ElasticsearchClient) -> t.Dict[str, t.Any]:
    """Read and report."""
    params = task.params
    for name in ("names", "ids", "types"):
        if any(not text for text in params[name] or []):
            raise InputError(f"{name} holds an empty text.")
    if params["types"] == []:
        raise InputError("types is empty: give cross_cluster, rest or both.")
    text = params["expires_within"]
    within = parse_duration(text, "expires_within") if text is not None else None
    wanted = Filter(
        names=tuple(params["names"] or ()),
        prefix=params["prefix"] or None,
        ids=tuple(params["ids"] or ()),
        types=tuple(params["types"]),
        username=params["owner"],
        realm=params["realm"],
        active_only=params["active_only"],
        expires_within_ms=within.ms if within else None,
    )
    # Lists that were given but are empty name no keys, which is not the same as leaving them out.
    if not wanted.selects and any(params[name] is not None for name in ("names", "ids", "prefix")):
        return answer(client, params, [])
    attempt = "read the API keys" + (f" {', '.join(wanted.names[:5])}" if wanted.names else "")
    try:
        entries = api.query_keys(client, wanted.query(), attempt)
    except EsBadRequest:
        entries = api.query_keys(client, wanted.query(by_type=False), attempt)
    live_by_server = wanted.active_only or within is not None
    return answer(client, params, report(entries, wanted, int(time.time() * 1000), live_by_server))


def answer(client: ElasticsearchClient, params: t.Mapping[str, t.Any], keys: t.List[api.Entry]) -> t.Dict[str, t.Any]:
    """The result; who asks is looked up only on request."""
    result: t.Dict[str, t.Any] = {"changed": False, "api_keys": keys}
    if params["acting_user"]:
        live = [key for key in keys if key["active"]]
        result["acting_user"] = api.who_acts(client, live, expected=params["ids"] or ())._asdict()
    return result
