# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several keys of one cluster: looked for with one request, and made, updated and revoked several at a time.

Elasticsearch answers creations that come at the same time with one shared refresh of its index. Each thread has a
client of its own, so that what is known of a request that got lost is never told of another one.

Private to this collection.
"""

from __future__ import annotations

import concurrent.futures
import queue
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._errors import EsError, InputError
from .._http.client import ElasticsearchClient
from .._runner import describe_bug
from . import read as api
from .input import check_name
from .module import OPTIONS, Result, ensure

AT_A_TIME = 4
GIVEN_TWICE = "'{0}' is given twice; give each name once, or with other ids each time."


def ensure_all(
    keys: t.Sequence[t.Mapping[str, t.Any]],
    client: ElasticsearchClient,
    check_mode: bool,
    warn: t.Callable[[str], None],
) -> t.List[Result]:
    """One result each, in order. A key that fails stops no other."""
    wanted = [_checked(number, key, keys) for number, key in enumerate(keys)]
    names = {one["name"] for one in wanted if not isinstance(one, InputError) and _unknown(one["_store"] or {})}
    found = api.find_all_live(client, names) if names else {}
    clients = [client, *(client.another() for _more in range(min(AT_A_TIME, len(wanted)) - 1))]
    free: queue.SimpleQueue[ElasticsearchClient] = queue.SimpleQueue()
    for one in clients:
        free.put(one)

    def work(one: t.Union[t.Mapping[str, t.Any], InputError]) -> Result:
        own = free.get()
        try:
            if isinstance(one, InputError):
                raise one
            name = one["name"]
            return ensure(one, own, check_mode, lambda text: warn(f"{name}: {text}"), found=found.get(name))
        except (EsError, InputError) as exc:
            return {**getattr(exc, "result", {}), "changed": False, "failed": True, "msg": str(exc)}
        except Exception as exc:  # the secrets of the others must not be lost with it
            return {"changed": False, "failed": True, "msg": describe_bug(exc)}
        finally:
            free.put(own)

    try:
        with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
            return list(pool.map(work, wanted))
    finally:
        for one in clients[1:]:
            one.close()


def _unknown(store: t.Mapping[str, t.Any]) -> bool:
    """Whether the live keys of a name are still to be looked for; see module.py."""
    return store.get("found") is None and store.get("phase") != "revoke"


def _checked(
    number: int, key: t.Mapping[str, t.Any], keys: t.Sequence[t.Mapping[str, t.Any]]
) -> t.Union[t.Mapping[str, t.Any], InputError]:
    """The options of one key in full, or what is wrong with them."""
    told = ArgumentSpecValidator(OPTIONS).validate(dict(key))
    if told.error_messages:
        return InputError(f"{'; '.join(told.error_messages)}.")
    params = {**dict.fromkeys(OPTIONS), **told.validated_parameters}
    if repeated(number, keys):
        return InputError(GIVEN_TWICE.format(params["name"]))
    try:
        check_name(params["name"])
    except InputError as exc:
        return exc
    return params


def repeated(number: int, keys: t.Sequence[t.Mapping[str, t.Any]]) -> bool:
    """Whether a key was named before: one run may not settle it in two ways. With `ids` these are keys of their own."""
    own = _ids(keys[number])
    before = [_ids(other) for other in keys[:number] if str(other.get("name")) == str(keys[number].get("name"))]
    return any(not own or not ids or own & ids for ids in before)


def _ids(key: t.Mapping[str, t.Any]) -> t.Set[str]:
    given = key.get("ids")
    return set(map(str, given)) if isinstance(given, list) and not key.get("credential_store") else set()


def summary(keys: t.Sequence[t.Mapping[str, t.Any]], results: t.Sequence[Result]) -> Result:
    """One result of all; `msg` says which failed."""
    named = [{"name": str(key.get("name") or f"keys[{number}]"), **results[number]} for number, key in enumerate(keys)]
    diffs = [one["diff"] for one in named if "diff" in one]
    failed = [one for one in named if one.get("failed")]
    result: Result = {
        "changed": any(one["changed"] or one.get("revoked_ids") for one in named),
        "api_keys": named,
        "keys": named,
        "diff": {side: {"keys": [diff[side] for diff in diffs]} for side in ("before", "after")},
    }
    if failed:
        told = " ".join(dict.fromkeys(f"[{one['name']}] {one['msg']}" for one in failed))
        result["msg"] = f"{len(failed)} of {len(named)} keys are not as asked for. {told}"
    return result
