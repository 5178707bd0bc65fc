# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a phase of the links on a host; the documentation is that of the module."""

from __future__ import annotations

import os
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._secrets import redact
from ansible_collections.crosscluster.elasticsearch.plugins.modules.link_phase import SPEC
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import registered
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.secret import SecretAction
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import examine
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import given
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.facts import resolved
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import complete
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.outside import shown
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import acting, outcome, phases
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.gathered import went_wrong
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phase import (
    CLUSTERS,
    NODES,
    Phase,
    read,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import (
    Call,
    Run,
    RunOptions,
    speaker,
)

FQCN = "crosscluster.elasticsearch."
PHASES = {**phases.PHASES, examine.EXAMINE.name: examine.EXAMINE, examine.PORTS.name: examine.PORTS}
REPORT = (examine.EXAMINE.name, examine.PORTS.name, "diagnosis")
# Results of these may hold credentials.
SECRET = (phases.KEYS.name, phases.SECRETS.name)
CLUSTERS_ASKED, LINKS_ASKED = "__cross_cluster_trust_clusters", "__cross_cluster_trust_links"
LOGIN_GIVEN = "__remote_cluster_client_login"
ALONE = (
    "link_phase is a part of the roles of this collection, and does nothing without what these have read: use the role "
    "cross_cluster_trust, for all hosts of the play and not only for those for which a condition is true."
)
Result = t.Dict[str, t.Any]


class ActionModule(SecretAction):
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
        """Each result says of which run it is, so that none of another one is taken for it."""
        self._asked: Result = {}
        result: Result = super().run(tmp, task_vars)
        if self._asked:
            result[registered.RUN] = self._asked["now"]
        return result

    def refusal(self) -> str | None:
        self.validate_argument_spec(SPEC)
        return None

    def perform(self, task_vars: dict[str, t.Any]) -> Result:
        self._variables = task_vars
        self._clusters_known: t.Mapping[str, t.Any] | None = None
        name = self._task.args["phase"]
        without_calls = {
            "input": self._input,
            "given": self._given,
            "plan": self._plan,
            "authorities": self._authorities,
            "outcome": self._outcome,
            "diagnosis": self._diagnosis,
        }
        if name in without_calls:
            return without_calls[name]()
        phase = PHASES[name]
        if phase.real and self._task.check_mode:
            return self._nothing("nothing was done that could be seen")
        run = self._run(phase.at)
        calls = self._here(phase, phases.so_far(run, name))
        if not calls:
            return self._nothing("no link needs it here")
        if phase.several:
            return {"changed": False, "results": [self._node(call) for call in calls]}
        if phase.at == NODES:
            return self._node(*calls)
        result = self._clusters(calls)
        result.pop("restart", None)  # It is not for the caller to say.
        if phase is phases.RELOAD:
            result["restart"] = self._waiting(run, {**result, "item": self._task.args["caller"]})
        return result

    # --- calls ---
    def _here(self, phase: Phase, run: Run) -> list[Call]:
        """The calls that are made by this host."""
        if phase.at == NODES:
            return [call for call in phase.calls(run) if call.place == self._variables["inventory_hostname"]]
        caller, clusters = self._task.args.get("caller"), run.data["clusters"]
        return [call for call in phase.calls(run) if clusters[call.place]["api_from"] == caller]

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
        result = {name: value for name, value in self._module(call.module, arguments).items() if name != "listed"}
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
        with self._quiet_connection():
            return self._execute_module(module_name=FQCN + name, module_args=arguments, task_vars=self._variables)

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

    # --- what was asked for, and what is known ---
    def _data(self) -> Result:
        if not self._asked:
            self._asked = registered.asked(self._variables)
            if not self._asked:
                raise AnsibleActionFail(ALONE)
        return self._asked

    def _hosts(self) -> registered.Hosts:
        return registered.Hosts(
            self._variables["ansible_play_hosts_all"],
            self._variables["ansible_play_hosts"],
            self._variables["hostvars"].raw_get,
        )

    @staticmethod
    def _checked(check: t.Callable[..., t.Any], *values: t.Any) -> t.Any:
        try:
            return check(*values)
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from None

    def _login(self, cluster: str) -> t.Mapping[str, t.Any]:
        """What the user wrote of a cluster; resolved once, and only where it is needed."""
        if self._clusters_known is None:
            data = self._data()
            if given.is_one(data):
                own = {**self._variable(LOGIN_GIVEN), **self._of_role("keystore_password")}
                told = {name: data["clusters"][given.CLIENT][name] for name in ("urls", "api_from")}
                self._clusters_known = {given.CLIENT: {**own, **told}}
            else:
                self._clusters_known = self._variable(CLUSTERS_ASKED)
        found: t.Mapping[str, t.Any] = self._clusters_known[cluster]
        return found

    def _variable(self, name: str) -> t.Any:
        return self._templar.template(self._variables[name], fail_on_undefined=True)

    def _of_role(self, *names: str) -> Result:
        """Options of the role whose key is given, by name. Facts of a node tell of itself alone."""
        found = {}
        for name in names:
            variable = f"{given.ROLE}_{name}"
            own = name in given.OF_NODE and name != "url"
            found[name] = (
                self._variable(variable) if own else self._checked(resolved, variable, self._variables, self._templar)
            )
        return found

    def _flag(self, name: str) -> bool:
        return boolean(self._variable(name))

    def _file(self, path: t.Any) -> str | None:
        if not path or not os.path.isfile(path):
            return None
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def _run(self, at: str = CLUSTERS) -> Run:
        """All links, or those of the cluster of this node."""
        data, report = self._data(), self._task.args["phase"] in REPORT
        if at == NODES:
            cluster = data["nodes"].get(self._variables["inventory_hostname"], {}).get("cluster")
            data = {**data, "links": [link for link in data["links"] if link["from"] == cluster]}
        options = self._options(data, report)
        order = (*phases.FIRST, examine.EXAMINE, examine.PORTS) if report else phases.phases_of(options.absent)
        told = registered.told(order, data, self._variables, self._hosts())
        run = Run(data, options, told, data["now"])
        if given.is_one(data):
            credential = self._of_role("credential")["credential"]
            self._known_secrets += [credential] if credential else []
            run.hand_over(credential)
        return run

    def _options(self, data: Result, report: bool) -> RunOptions:
        if given.is_one(data):
            return RunOptions(check=self._task.check_mode, **data["options"])
        return RunOptions(
            mode="verify" if report else self._variable("__cross_cluster_trust_mode"),
            missing_nodes=self._variable("cross_cluster_trust_missing_nodes"),
            proof=self._variable("cross_cluster_trust_proof"),
            wait=int(self._variable("cross_cluster_trust_wait")),
            check=self._task.check_mode,
            authorities=self._flag("cross_cluster_trust_authorities"),
            restart=self._flag("cross_cluster_trust_restart"),
            stray_keys=report and self._flag("cross_cluster_report_stray_keys"),
            ports=report and self._flag("cross_cluster_report_ports"),
        )

    # --- what takes no call ---
    def _input(self) -> Result:
        if CLUSTERS_ASKED not in self._variables:
            raise AnsibleActionFail(ALONE)
        asked = (self._variable(name) for name in (CLUSTERS_ASKED, LINKS_ASKED))
        sources = self._variables["ansible_inventory_sources"] or ()
        return {"changed": False, "input": self._checked(complete, *asked, sources)}

    def _given(self) -> Result:
        asked = {**self._of_role(*given.OF_LINK, "url", "api_from"), "connection": self._variable(LOGIN_GIVEN)}
        return {"changed": False, "input": self._checked(given.complete, asked, self._hosts().of_play)}

    def _plan(self) -> Result:
        run = self._run()
        words = outcome.words(run)
        todo = sorted({step.action for planned in run.planned.values() for step in planned.plan.steps})
        roles = any(link["roles"] for link in run.data["links"])
        if run.options.authorities:
            todo.append(phases.AUTHORITIES.name)
        told = {
            "msg": shown(words), "todo": todo, "roles": roles, "state": "absent" if run.options.absent else "present",
            "blocked": any(planned.plan.blocked for planned in run.planned.values()),
        }  # fmt: skip
        return {"changed": False, **told, "_ansible_verbose_always": bool(words)}

    def _authorities(self) -> Result:
        run = phases.so_far(self._run(NODES), phases.AUTHORITIES.name)
        cluster = run.data["nodes"].get(self._variables["inventory_hostname"], {}).get("cluster")
        return {"changed": False, "needed": acting.authorities(run, cluster)._asdict()}

    @staticmethod
    def _waiting(run: Run, result: Result) -> list[str]:
        """The nodes that use what was delivered only once they start."""
        run.told = {
            **run.told,
            phases.RELOAD.name: registered.by_call([{**result, registered.RUN: run.data["now"]}], run.data),
        }
        read(run, phases.RELOAD)
        waiting = {node for planned in run.planned.values() for node in run.waiting(planned)}
        return [node for node in run.data["nodes"] if node in waiting]

    def _outcome(self) -> Result:
        """What became of the links, and which hosts fail for them."""
        run = phases.so_far(self._run())
        links = shown(outcome.rows(run, int(time.time() * 1000)))
        failing = [(row["from"], f"{row['link']}: {row['note']}") for row in links if not row["ok"]]
        table = outcome.table(links)
        return {"changed": False, "links": links, "table": table, "failing": self._failing(run, failing)}

    def _diagnosis(self) -> Result:
        """The report, and which hosts fail for it."""
        run = self._run()
        previous = self._variable("cross_cluster_report_previous")
        warn_days = int(self._variable("cross_cluster_report_warn_days"))
        report = shown(examine.diagnose(run, warn_days, self._file(previous) or ""))
        failing = list(examine.complaints(report, self._variable("cross_cluster_report_fail_on")))
        return {"changed": False, "report": report, "failing": self._failing(run, failing)}

    def _failing(self, run: Run, told: t.Sequence[tuple[str, str]]) -> dict[str, str]:
        """One host speaks for its cluster, so that each failing link is told once."""
        keystores = run.told[phases.KEYSTORES.name]
        unread = [node for node, result in keystores.items() if went_wrong(result)]
        texts: dict[str, list[str]] = {}
        for cluster, text in told:
            host = speaker(run.data, cluster, self._variables["ansible_play_hosts"], unread)
            # The play of one link alone must not go on where it does not work.
            hosts = self._variables["ansible_play_hosts"] if given.is_one(run.data) else [str(host)]
            for name in hosts:
                texts.setdefault(name, []).append(text)
        return {host: "; ".join(found) for host, found in texts.items()}
