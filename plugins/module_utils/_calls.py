# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several modules do, for several clusters at a time. Private to this collection.

A module run takes a quarter of a second whatever it does, and a cluster that does not answer takes half a minute. So
the roles ask all clusters in one run, each on a thread of its own: one that is broken holds up none of the others.
"""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ._http.argspec import CONNECTION_SPEC, ArgumentSpec
from ._runner import Result, Task, Work, outcome

AT_A_TIME = 8
MODULES = (
    "cluster_info",
    "cross_cluster_api_key_info",
    "cross_cluster_api_keys",
    "reload_secure_settings",
    "remote_access_role",
    "remote_cluster",
    "remote_cluster_info",
)
# The options of a call. What is asked of its module is checked against the module's own.
CALL = {
    "cluster": {"type": "str", "required": True},
    "module": {"type": "str", "required": True, "choices": list(MODULES)},
    "label": {"type": "str", "default": ""},
    "connection": {"type": "dict", "required": True},
    "arguments": {"type": "dict", "default": {}},
}


def load(module: str) -> t.Tuple[ArgumentSpec, Work]:
    """The options and the work of a module; only what is called is loaded, because a module run compiles it."""
    if module == "cluster_info":
        from ._work import cluster_info

        return cluster_info.SPEC, cluster_info.work
    if module == "cross_cluster_api_key_info":
        from ._work import cross_cluster_api_key_info

        return cross_cluster_api_key_info.SPEC, cross_cluster_api_key_info.work
    if module == "cross_cluster_api_keys":
        from ._work import cross_cluster_api_keys

        return cross_cluster_api_keys.SPEC, cross_cluster_api_keys.work
    if module == "reload_secure_settings":
        from ._work import reload_secure_settings

        return reload_secure_settings.SPEC, reload_secure_settings.work
    if module == "remote_access_role":
        from ._work import remote_access_role

        return remote_access_role.SPEC, remote_access_role.work
    if module == "remote_cluster":
        from ._work import remote_cluster

        return remote_cluster.SPEC, remote_cluster.work
    from ._work import remote_cluster_info

    return remote_cluster_info.SPEC, remote_cluster_info.work


class ClusterCall:
    """One module at one cluster."""

    def __init__(self, given: t.Mapping[str, t.Any]) -> None:
        told = ArgumentSpecValidator(CALL).validate(dict(given))
        self.told = {name: given.get(name) for name in ("cluster", "module", "label")}
        self.problems, self.params = list(told.error_messages), {}
        self.secrets: t.Set[str] = set()
        if self.problems:
            return
        spec, self.work = load(given["module"])
        whole = CONNECTION_SPEC.merge(spec)
        asked = ArgumentSpecValidator(**whole.to_kwargs()).validate(
            {**(given["connection"]), **(given.get("arguments") or {})}
        )
        self.problems = list(asked.error_messages)
        self.params = {**dict.fromkeys(whole.options), **asked.validated_parameters}
        hidden = [self.params[name] for name, option in whole.options.items() if option.get("no_log")]
        self.secrets = {secret for secret in hidden if secret}

    def result(self, check_mode: bool, diff: bool, warn: t.Callable[[str], None]) -> Result:
        if self.problems:
            return {**self.told, "changed": False, "failed": True, "msg": f"{'; '.join(self.problems)}."}
        cluster = self.told["cluster"]
        task = Task(self.params, check_mode, diff, lambda text: warn(f"{cluster}: {text}"))
        return {"changed": False, **outcome(self.work, task), **self.told}


def call_all(
    calls: t.Sequence[ClusterCall], check_mode: bool, diff: bool, warn: t.Callable[[str], None]
) -> t.List[Result]:
    """A result for each, in order."""
    with concurrent.futures.ThreadPoolExecutor(max(1, min(AT_A_TIME, len(calls)))) as pool:
        return list(pool.map(lambda call: call.result(check_mode, diff, warn), calls))


def summary(results: t.Sequence[Result]) -> Result:
    """One result of all. A call that failed does not fail the task: what it means is for the caller to say."""
    diffs = [
        {**shown, **dict.fromkeys(("before_header", "after_header"), one["cluster"])}
        for one in results
        if (shown := one.pop("diff", None)) and shown["before"] != shown["after"]
    ]
    found: Result = {"changed": any(one["changed"] for one in results), "results": results}
    return {**found, "diff": diffs} if diffs else found
