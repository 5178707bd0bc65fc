# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works on the controller alone; the documentation is that of the module."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.crosscluster.elasticsearch.plugins.modules.check_play import SPEC
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import paths, play, role_variables
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.facts import forged
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import normalise
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.logins import environment_problems

Variables = t.Mapping[str, t.Any]

display = Display()
ROLES = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, "roles")
CLUSTERS, LINKS = "cross_cluster_trust_clusters", "cross_cluster_trust_links"
# What the variables of the roles are made of, and the one that a playbook reads itself.
SOURCES = {
    "elasticsearch_clusters": {"type": "dict"},
    "cross_cluster_links": {"type": "list"},
    "cross_cluster_verify_fail_on": {"type": "list", "elements": "str"},
}
MADE_OF = {CLUSTERS: "elasticsearch_clusters", LINKS: "cross_cluster_links"}
FIRST = "__cross_cluster_trust_checked"
"""Where the first task of the role registers what it found."""
# Commands and names of hosts may be of one host; everything else is asked for all links at once.
OF_EACH_HOST = ("cross_cluster_trust_restart_command",)


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        del tmp
        self._known: dict[str, t.Any] = {}
        _check, arguments = self.validate_argument_spec(SPEC)
        variables, found = task_vars or {}, []
        if arguments["links_only"]:
            result.update(self._first(variables, arguments))
        else:
            found = self._problems(variables, arguments)
        result.update({"failed": True, "msg": "; ".join(found)} if found else {"changed": False})
        return result

    def _problems(self, variables: Variables, arguments: Variables) -> list[str]:
        forgery = forged(variables)
        if forgery:
            return [forgery]
        if not play.asked_for(self._task, variables):
            return []
        found = play.refusals(self._task, variables, batches=arguments["batches"])
        if play.half(variables):
            return [f"Nothing was done: {self._half(variables)}"]
        options, defaults = self._asked(arguments["roles"])
        linking = CLUSTERS in options
        needless = _needless(defaults, variables)
        ours = {**defaults, **dict.fromkeys(set(SOURCES) - needless)} if linking else defaults
        wrong = self._misspelt(ours, variables)
        if linking:
            wrong += self._undefined(needless, variables)
            known = self._of_first(variables)
            told, nodes = known or self._linked(options, needless, variables)
            wrong += told
            wrong += self._differing(options, variables) if known else []
            if (variables.get(FIRST) or {}).get("skipped"):
                found.append("a condition of this role is not true for its first host: choose its hosts instead")
            if not wrong:
                found += filter(None, [play.left_out(nodes, variables["groups"], self._loader)])
        wrong += self._wrong({name: option for name, option in options.items() if name not in MADE_OF}, variables)
        return [f"Nothing was done: {text}" for text in found] + wrong

    def _asked(self, roles: t.Iterable[str]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """The options and defaults of roles."""
        options: dict[str, t.Any] = {}
        defaults: dict[str, t.Any] = {}
        for role, _slash, entry in (name.partition("/") for name in roles):
            options.update(self._file(role, "meta", "argument_specs.yml")["argument_specs"][entry or "main"]["options"])
            defaults.update(self._file(role, "defaults", "main.yml"))
        return options, defaults

    def _first(self, variables: Variables, arguments: Variables) -> dict[str, t.Any]:
        """What is wrong with clusters and links, for the hosts that look at the rest; nothing fails here, so that all
        mistakes come in one message."""
        options, defaults = self._asked(arguments["roles"])
        if forged(variables) or CLUSTERS not in options or not play.asked_for(self._task, variables):
            return {}
        problems, nodes = self._linked(options, _needless(defaults, variables), variables)
        return {"problems": problems, "nodes": nodes, "options": self._for_all(options, variables)}

    def _for_all(self, options: Variables, variables: Variables) -> dict[str, t.Any]:
        """What is asked for all links at once. What has no value is told with the other mistakes."""
        found = {}
        for name in sorted({*options} - {*MADE_OF, *OF_EACH_HOST}):
            # What a report shows, and where it goes, changes nothing.
            if not name.startswith("cross_cluster_trust_"):
                continue
            with contextlib.suppress(Exception):
                found[name] = self._templar.template(variables[name], fail_on_undefined=True)
        return found

    def _differing(self, options: Variables, variables: Variables) -> list[str]:
        """A host for which something else is asked would take the links of all others with it."""
        known, own = variables[FIRST].get("options") or {}, self._for_all(options, variables)
        return [
            f"{name} is not the same for all hosts of the play, and a link is the work of all of them: give it to all"
            for name in known
            if name in own and str(own[name]) != str(known[name])
        ]

    @staticmethod
    def _of_first(variables: Variables) -> tuple[list[str], list[str]] | None:
        """What the host that looked at the clusters and links first found: they are the same for all hosts."""
        told = variables.get(FIRST)
        if not isinstance(told, dict) or "problems" not in told:
            return None
        return told["problems"], told["nodes"]

    @staticmethod
    def _undefined(needless: t.Container[str], variables: Variables) -> list[str]:
        return [
            # There would be nothing to do, and a slip in a name be a success.
            f"{source} is not defined; define it, even where it is empty"
            for source in MADE_OF.values()
            if source not in variables and source not in needless
        ]

    def _linked(
        self, options: Variables, needless: t.Container[str], variables: Variables
    ) -> tuple[list[str], list[str]]:
        """What is wrong with clusters and links, and the nodes that they need."""
        wrong = [*environment_problems(os.environ)]
        wrong += self._wrong({name: SOURCES[name] for name in SOURCES if name not in MADE_OF.values()}, variables)
        unusable = {}
        for name, source in MADE_OF.items():
            if source not in variables and source not in needless:
                unusable[name] = True
                continue
            told = []
            if not self._right(name, options[name], variables):
                told = self._wrong({source: SOURCES[source]}, variables)
                told = told or self._wrong({name: options[name]}, variables)
            wrong += told
            unusable[name] = bool(told)
        nodes: list[str] = []
        if not unusable[CLUSTERS]:
            problems, nodes = self._links(variables, whole=not unusable[LINKS])
            wrong += problems
        return wrong, nodes

    def _half(self, variables: Variables) -> str:
        try:
            nodes = self._links(variables)[1]
        except Exception:
            nodes = []  # It is not for this play to say what is wrong with them.
        return play.left_out(["localhost", *nodes], variables["groups"], self._loader) or (
            "the first play of this playbook, which reads the clusters and links, did not run"
        )

    def _file(self, role: str, *path: str) -> t.Any:
        return self._loader.load_from_file(os.path.join(ROLES, role, *path)) or {}

    def _misspelt(self, defaults: Variables, variables: Variables) -> list[str]:
        """Names that are close to one of ours that nobody gives a value."""
        specs = [self._file(role, "meta", "argument_specs.yml")["argument_specs"] for role in os.listdir(ROLES)]
        known = {name for spec in specs for entry in spec.values() for name in entry["options"]} | {*SOURCES}
        unused = [name for name in defaults if name not in variables or variables[name] == defaults[name]]
        return role_variables.misspelt((name for name in variables if name not in known), unused)

    def _right(self, name: str, option: Variables, variables: Variables) -> bool:
        """Whether what the roles will take is as it should be; what is not is looked at more closely."""
        try:
            taken = self._taken(name, variables)
            # Before 2.19 a template inside that names something undefined is left as it is.
            return not self._templar.is_template(taken) and (
                role_variables.wrong_value(name, option, taken, None) is None
            )
        except Exception:
            return False

    def _taken(self, name: str, variables: Variables) -> t.Any:
        """What the roles take for a variable that no node can change; large, so it is resolved once."""
        if name not in self._known:
            self._known[name] = self._templar.template(variables[f"__{name}"], fail_on_undefined=True)
        return self._known[name]

    def _wrong(self, options: Variables, variables: Variables) -> list[str]:
        found: list[str | None] = []
        for name, option in options.items():
            if name not in variables:
                found.append(f"{name} is required" if option.get("required") else None)
                continue
            try:
                value = self._templar.template(variables[name], fail_on_undefined=True)
                # The files of a login are on the host that uses them.
                caller = self._templar.template(variables.get(name.replace("_connection", "_api_from"), "localhost"))
                sources = variables["ansible_inventory_sources"] if caller == "localhost" else None
                found.append(role_variables.wrong_value(name, option, value, sources))
            except Exception:
                found.append(role_variables.unresolved(name, variables, self._templar.template))
        return [text for text in found if text]

    def _links(self, variables: Variables, whole: bool = True) -> tuple[list[str], list[str]]:
        """What is wrong with clusters and links, or with the clusters alone, and the nodes that they need."""
        clusters, links = (
            self._taken(name, variables) if whole or name == CLUSTERS else [] for name in (CLUSTERS, LINKS)
        )
        sources = variables["ansible_inventory_sources"] or []
        data = normalise(clusters, links, sources)
        if not data["errors"]:
            for name, cluster in clusters.items():
                own = data["clusters"][name]["api_from"] == "localhost"
                for field in (*(paths.LOGIN_FILES if own else ()), "remote_ca_cert"):
                    path = cluster.get(field)
                    if isinstance(path, str) and path and not os.path.isabs(os.path.expanduser(path)):
                        display.v(f"elasticsearch_clusters.{name}.{field}: {paths.find(path, sources)}")
        clients = {link["from"] for link in data["links"]}
        return data["errors"], [
            node for name in data["clusters"] if name in clients for node in data["clusters"][name]["nodes"]
        ]


def _needless(defaults: Variables, variables: Variables) -> set[str]:
    """Variables that nobody needs, because what is made of them is given itself."""
    return {source for name, source in MADE_OF.items() if name in variables and variables[name] != defaults.get(name)}
