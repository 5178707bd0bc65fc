# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a task of the links on a host; the documentation is that of the module."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._secrets import redact
from ansible_collections.crosscluster.elasticsearch.plugins.modules.link_phase import SPEC
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import checks, registered
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.known import (
    ALONE,
    LOGIN_GIVEN,
    LOOKING,
    Known,
    Result,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import examine
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import given, play
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import complete
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.outside import shown
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import acting, left, outcome, phases
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import went_wrong
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phase import NODES, Phase
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import (
    Call,
    Run,
    speaker,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import text
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report.report import exit_status

FQCN = "crosscluster.elasticsearch."
# Results of these may hold credentials.
SECRET = (phases.KEYS.name, phases.SECRETS.name)
# What the action says of a host, and no module.
OF_HOST = ("listed", "options")


class ActionModule(Known):
    MODULE = FQCN + "cluster_calls"
    _supports_async = False

    def may_return_secret(self) -> bool:
        return self._task.args.get("phase") in SECRET

    def secrets_in(self, result: t.Mapping[str, t.Any]) -> list[str]:
        told, found = result.get("results"), []
        for one in [result, *(told if isinstance(told, list) else ())]:
            here = one if isinstance(one, dict) else {}
            keys, credentials = here.get("api_keys"), here.get("credentials")
            found += keys if isinstance(keys, list) else ()
            found += credentials.values() if isinstance(credentials, dict) else ()
        return [str(one["encoded"]) for one in found if isinstance(one, dict) and one.get("encoded")]

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Each result says of which run it is, so that none of another one is taken for it.

        What a module did not do is a result like any other: it holds up the links that need it, and no task fails.
        """
        self._asked = {}
        self._calling, self._calls, self._stats = False, 0, t.cast("Result | None", None)
        result: Result = super().run(tmp, task_vars)
        if self._asked:
            result[registered.RUN] = self._asked["now"]
        result["module_runs"] = self._calls
        if self._calling and (result.get("failed") or result.get("unreachable")):
            told = {name: value for name, value in result.items() if name not in ("failed", "unreachable", "msg")}
            return {**told, "trouble": result.get("msg") or "the task failed"}
        # A result of a module makes none.
        return {**result, "ansible_stats": {**self._stats, "per_host": False}} if self._stats else result

    def refusal(self) -> str | None:
        self.validate_argument_spec(SPEC)
        return None

    def perform(self, task_vars: dict[str, t.Any]) -> Result:
        self.prepare(task_vars)
        name = self._task.args["phase"]
        if not self._check.asked_for():
            return self._nothing("the tags of this run do not mean it")
        without_calls = {
            "input": self._input,
            "given": self._given,
            "plan": lambda: self._planned(self._run()),
            "authorities": self._authorities,
            "outcome": self._outcome,
            "diagnosis": self._diagnosis,
        }
        if name in without_calls:
            return without_calls[name]()
        own = self._own() if name == phases.KEYSTORES.name else {}
        looking = self._looking()
        if looking:
            self._task.check_mode = True  # The module for local roles says what it would write.
        tasks = (LOOKING if looking else phases.TASKS)[name]
        run = self._run(tasks[0].at)
        if name == phases.GATHER.name:
            self._alike(run.data)
        self._calling = True
        result = self._at_node(tasks[0], run) if tasks[0].at == NODES else self._at_clusters(tasks, run)
        if name == phases.GATHER.name:
            result.update({"todo": ["plan"]} if len(run.data["callers"]) > 1 else self._planned(run))
        if name == phases.RELOAD.name:
            result["restart"] = phases.so_far(run, phases.SETTINGS.name).restarts()
        return {**result, **own, "changed": bool(result.get("changed")) and not looking}

    # --- calls ---
    def _at_node(self, phase: Phase, run: Run) -> Result:
        host = self._variables["inventory_hostname"]
        if phase.real and self._task.check_mode:
            return self._nothing("nothing was done that could be seen")
        calls = [call for call in phase.calls(phases.so_far(run, phase.name)) if call.place == host]
        if phase.several:
            return {"changed": False, "results": [self._node(call) for call in calls]}
        return self._node(*calls) if calls else self._nothing("no link needs it here")

    def _at_clusters(self, several: t.Sequence[Phase], run: Run) -> Result:
        """The phases of a task at the clusters that are called from here. A later one builds on what these told."""
        caller, clusters = self._task.args.get("caller"), run.data["clusters"]
        whole: Result = {"changed": False, "results": []}
        for phase, found in phases.due(run, several):
            calls = [call for call in found if clusters[call.place]["api_from"] == caller]
            if not calls:
                continue
            told = self._clusters(calls)
            trouble = {"trouble": told.get("msg") or "the task failed"} if went_wrong(told) else None
            entries = [trouble] if trouble else told.get("results")
            results = [{**one, registered.PHASE: phase.name} for one in entries or () if isinstance(one, dict)]
            whole["results"] += results
            whole["changed"] = whole["changed"] or bool(told.get("changed"))
            if told.get("diff"):
                whole.setdefault("diff", []).extend(told["diff"])
            for name in ("warnings", "deprecations"):
                whole.setdefault(name, []).extend(told.get(name) or ())
            entry = {"item": caller, "results": results, registered.RUN: run.data["now"]}
            run.told[phase.name] = registered.by_call([entry], run.data, phase.name)
        return whole if whole["results"] else self._nothing("no link needs it here")

    def _node(self, call: Call) -> Result:
        arguments = dict(call.arguments)
        if call.module == "remote_port_info":
            arguments["ca_pem"] = self._file(arguments.pop("ca_file", None))
            return self._module(call.module, arguments)
        data, told = self._data(), {}
        if given.is_one(data):
            asked = self._of_role(*given.OF_LINK, *given.OF_NODE, "keystore_password")
            told = self._checked(given.node, asked, data)
            own = {"protected": bool(asked["keystore_password"]), **told}
            data = {**data, "nodes": {call.place: {**data["nodes"][call.place], **own}}}
        arguments.update(registered.keystore(data, call.place, self._login))
        self._hide_values(arguments)
        # What a node says of itself is not for its modules to tell.
        result = {name: value for name, value in self._module(call.module, arguments).items() if name not in OF_HOST}
        return {**result, "listed": {name: told.get(name) for name in ("url", "node_name")}} if told else result

    def _clusters(self, calls: t.Sequence[Call]) -> Result:
        asked = []
        for call in calls:
            cluster, arguments = self._login(call.place), dict(call.arguments)
            login = registered.connection(cluster, self._variables["ansible_inventory_sources"])
            login.update({"urls": arguments.pop("urls")} if "urls" in arguments else {})
            if call.module == "reload_secure_settings":
                arguments["keystore_password"] = cluster.get("keystore_password")
            self._hide_values({**login, **arguments})
            told = {"cluster": call.place, "module": call.module, "label": call.label}
            asked.append({**told, "connection": login, "arguments": arguments})
        return self._module("cluster_calls", {"calls": asked})

    def _module(self, name: str, arguments: dict[str, t.Any]) -> Result:
        self._calls += 1
        try:
            with self._quiet_connection():
                return self._execute_module(module_name=FQCN + name, module_args=arguments, task_vars=self._variables)
        except AnsibleError as exc:
            lost = isinstance(exc, AnsibleConnectionFailure)
            return {"failed": True, "msg": redact(exc, self._known_secrets), **({"unreachable": True} if lost else {})}

    def _hide_values(self, arguments: t.Mapping[str, t.Any]) -> None:
        """Keep these out of messages."""
        options = ("password", "bearer_token", "api_key", "keystore_password")
        settings = arguments.get("settings")
        values = settings.values() if isinstance(settings, dict) else ()
        self._known_secrets += [str(value) for value in (*map(arguments.get, options), *values) if value]

    def _nothing(self, why: str) -> Result:
        return {"changed": False, "skipped": True, "skip_reason": why}

    def _failure(
        self, message: t.Any, result: t.Mapping[str, t.Any] | None = None, secrets: t.Sequence[str] = ()
    ) -> dict[str, t.Any]:
        fresh = super()._failure(message, result, secrets)
        told = (result or {}).get("settings")
        wellformed = isinstance(told, list) and all(isinstance(one, dict) for one in told)
        if wellformed and self._task.args["phase"] == phases.CREDENTIALS.name:
            # The others are as asked for.
            fresh["settings"] = [
                {
                    field: redact(value, self._known_secrets) if isinstance(value, str) else value
                    for field, value in one.items()
                    if field in ("name", "changed", "failed", "msg")
                }
                for one in told
            ]
        return fresh

    # --- what takes no call ---
    def _input(self) -> Result:
        if checks.TAKEN.format(checks.CLUSTERS) not in self._variables:
            raise AnsibleActionFail(ALONE)
        self._refuse(self._check.problems(self._task.args.get("roles") or ()))
        data, known = complete(self._check.links()), self._variables["groups"].get("all") or ()
        raw = self._variable(checks.TAKEN.format(checks.CLUSTERS))
        return {"changed": False, "input": data, **play.hosts_of(data, raw, known)}

    def _given(self) -> Result:
        asked = {**self._of_role(*given.OF_LINK, "url", "api_from"), "connection": self._variable(LOGIN_GIVEN)}
        return {"changed": False, "input": self._checked(given.complete, asked, self._hosts().of_play)}

    def _planned(self, run: Run) -> Result:
        """Which files of tasks the plans need, and for how many links there is something to do."""
        if self._looking():
            return {"changed": False, "todo": ["ports"] if any(examine.PORTS.calls(run)) else []}
        if run.data["prune"]:
            run = self._pruning(run)
        chapters = phases.chapters(run)
        trust = (
            given.is_one(run.data)
            and run.planned
            and not any(planned.plan.blocked or planned.absent for planned in run.planned.values())
        )
        if trust and self._of_role("certificate_authorities")["certificate_authorities"]:
            chapters.insert(0, "given_authorities")
        if given.is_one(run.data):
            chapters = ["given_restart" if name == "restart" else name for name in chapters]
        going = [link["left"]["told"] for link in run.data["links"] if "left" in link]
        chapters = ["left", *chapters] if going else chapters
        told = {"todo": chapters, "of": phases.counts(run), "plan": shown(outcome.words(run)), "left": shown(going)}
        return {"changed": False, **told}

    def _pruning(self, run: Run) -> Run:
        """The run with the links that have left the list, once it is known which they are."""
        troubles = left.troubles(run.told[phases.GATHER.name])
        self._refuse([f"Nothing was done: cross_cluster_prune: {why}" for why in troubles])
        return Run(left.added(self._data(), run.told), run.options, run.told, run.now)

    def _authorities(self) -> Result:
        run = phases.so_far(self._run(NODES), phases.AUTHORITIES.name)
        cluster = run.data["nodes"].get(self._variables["inventory_hostname"], {}).get("cluster")
        return {"changed": False, "needed": acting.authorities(run, cluster)._asdict()}

    def _outcome(self) -> Result:
        """What became of the links, and which hosts fail for them."""
        run = phases.so_far(self._run())
        links = shown(outcome.rows(run, int(time.time() * 1000)))
        failing = [(row["from"], f"{row['link']}: {row['note']}") for row in links if not row["ok"]]
        result = {
            "links": links,
            # Of what was asked for in so many words the reason is no news.
            "table": outcome.table(links, why=self._task.check_mode and run.options.mode == "trust"),
            "failing": self._failing(run, failing),
        }
        if not given.is_one(run.data):
            # As the action set_stats has it.
            data = {"cross_cluster_done": outcome.stats(links)}
            self._stats = {"data": data, "aggregate": False}
        return {"changed": False, **result}

    def _diagnosis(self) -> Result:
        """The report, and which hosts fail for it."""
        run = self._run()
        previous = self._variable("cross_cluster_report_previous")
        warn_days = int(self._variable("cross_cluster_report_warn_days"))
        report = shown(examine.diagnose(run, warn_days, self._file(previous) or ""))
        failing = list(examine.complaints(report, self._variable("cross_cluster_report_fail_on")))
        self._stats = {"data": {"cross_cluster_report": text.stats(report, exit_status(report))}, "aggregate": False}
        return {"changed": False, "report": report, "failing": self._failing(run, failing)}

    def _failing(self, run: Run, told: t.Sequence[tuple[str, str]]) -> dict[str, str]:
        """One host speaks for its cluster, so that each failing link is told once."""
        keystores = run.told[phases.KEYSTORES.name]
        unread = [node for node, result in keystores.items() if went_wrong(result)]
        texts: dict[str, list[str]] = {}
        for cluster, why in told:
            host = speaker(run.data, cluster, self._variables["ansible_play_hosts"], unread)
            # The play of one link alone must not go on where it does not work.
            hosts = self._variables["ansible_play_hosts"] if given.is_one(run.data) else [str(host)]
            for name in hosts:
                texts.setdefault(name, []).append(why)
        return {host: "; ".join(found) for host, found in texts.items()}
