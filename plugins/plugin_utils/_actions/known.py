# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task of the links knows: what was asked for, and what the tasks before it were told.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import checks, registered
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.checks import Check
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.secret import SecretAction
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import examine
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import given, play
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.facts import resolved
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import left, phases
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phase import CLUSTERS, NODES, Phase
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import Run, RunOptions

VERIFY = "verify"
# The tasks of a report, with their phases.
LOOKING: t.Mapping[str, t.Sequence[Phase]] = {
    phases.KEYSTORES.name: (phases.KEYSTORES,),
    phases.GATHER.name: (phases.GATHER, examine.EXAMINE),
    examine.PORTS.name: (examine.PORTS,),
}
BY_ROLE = {phase.name: (phase,) for phase in phases.ORDER if phase.by_role}
LOGIN_GIVEN = "__remote_cluster_client_login"
ALONE = (
    "link_phase is a part of the roles of this collection, and does nothing without what these have read: use the role "
    "cross_cluster_trust, for all hosts of the play and not only for those for which a condition is true."
)
FIRST_LEFT_OUT = "Nothing was done: a condition of this role is not true for its first host: choose its hosts instead"
Result = t.Dict[str, t.Any]


class Known(SecretAction):
    """The part of the action that asks nobody."""

    _asked: Result

    def prepare(self, task_vars: dict[str, t.Any]) -> None:
        self._variables = task_vars
        self._check = Check(self, task_vars)
        self._clusters_known: t.Mapping[str, t.Any] | None = None

    def _data(self) -> Result:
        if not self._asked:
            self._asked = registered.asked(self._variables)
        if self._asked:
            return self._asked
        if self._variables.get(play.PLAYBOOK) == 2:
            raise AnsibleActionFail(f"Nothing was done: {self._check.half()}")
        left_out = (self._variables.get(registered.INPUT) or {}).get("skipped")
        raise AnsibleActionFail(FIRST_LEFT_OUT if left_out else ALONE)

    def _refuse(self, found: t.Sequence[str]) -> None:
        if found:
            raise AnsibleActionFail("; ".join(found))

    def _own(self) -> Result:
        """What a host asks for, which must be the same for all of them."""
        roles = self._task.args.get("roles") or ()
        self._refuse(self._check.problems(roles, links=False))
        return {"options": self._check.for_all(roles)} if roles else {}

    def _alike(self, data: Result) -> None:
        """A host for which something else is asked would take the links of all others with it."""
        views = registered.views(self._hosts(), data)
        names = [name for name in views[0] if any(view.get(name) != views[0][name] for view in views)] if views else []
        self._refuse(
            [
                f"{name} is not the same for all hosts of the play, and a link is the work of all of them: give it to "
                "all"
                for name in names
            ]
        )

    def _looking(self) -> bool:
        return not given.is_one(self._data()) and self._variable("__cross_cluster_trust_mode") == VERIFY

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
                self._clusters_known = self._variable(checks.TAKEN.format(checks.CLUSTERS))
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
        data, looking = self._data(), self._looking()
        tasks = LOOKING if looking else {**phases.TASKS, **BY_ROLE}
        if data["prune"]:
            data = left.added(data, registered.told(tasks, data, self._variables, self._hosts()))
        if at == NODES:
            cluster = data["nodes"].get(self._variables["inventory_hostname"], {}).get("cluster")
            own = [link for link in data["links"] if link["from"] == cluster]
            data = {**data, "links": own, "clients": [name for name in data["clients"] if name == cluster]}
        run = Run(data, self._options(data), registered.told(tasks, data, self._variables, self._hosts()), data["now"])
        if given.is_one(data):
            credential = self._of_role("credential")["credential"]
            self._known_secrets += [credential] if credential else []
            run.hand_over(credential)
        return run

    def _options(self, data: Result) -> RunOptions:
        if given.is_one(data):
            return RunOptions(check=self._task.check_mode, **data["options"])
        mode = self._variable("__cross_cluster_trust_mode")
        return RunOptions(
            mode=mode,
            missing_nodes=self._variable("cross_cluster_trust_missing_nodes"),
            proof=self._variable("cross_cluster_trust_proof"),
            wait=int(self._variable("cross_cluster_trust_wait")),
            check=self._task.check_mode,
            authorities=self._flag("cross_cluster_trust_authorities"),
            restart=self._flag("cross_cluster_trust_restart"),
            stray_keys=mode == VERIFY and self._flag("cross_cluster_report_stray_keys"),
            ports=mode == VERIFY and self._flag("cross_cluster_report_ports"),
        )
