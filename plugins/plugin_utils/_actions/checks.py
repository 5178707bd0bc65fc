# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the variables of a host, and with how its play is run, before anything is done.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import os
import typing as t

from ansible.utils.display import Display

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import paths, play, role_variables
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.facts import forged
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import normalise
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.logins import environment_problems
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.only import Choice

Variables = t.Mapping[str, t.Any]

display = Display()
ROLES = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, os.pardir, "roles")
CLUSTERS, LINKS = "cross_cluster_trust_clusters", "cross_cluster_trust_links"
# What the variables of the roles are made of, and the one that a playbook reads itself.
SOURCES = {
    "elasticsearch_clusters": {"type": "dict"},
    "cross_cluster_links": {"type": "list"},
    "cross_cluster_only": {"type": "raw"},
    "cross_cluster_owner": {"type": "str"},
    "cross_cluster_prune": {"type": "bool"},
    "cross_cluster_verify_fail_on": {"type": "list", "elements": "str"},
}
MADE_OF = {CLUSTERS: "elasticsearch_clusters", LINKS: "cross_cluster_links"}
# What a role takes for a variable, which no node can change.
TAKEN = "__{0}"
# What is asked of the links as a whole, and looked at with them.
CHOICE = {name: f"cross_cluster_trust_{name}" for name in Choice._fields}
OF_LINKS = (*MADE_OF, *CHOICE.values())
# Commands may be of one host; everything else is asked for all links at once.
OF_EACH_HOST = ("cross_cluster_trust_restart_command",)


class Check:
    """Of the roles that an action is asked for."""

    def __init__(self, action: t.Any, variables: Variables) -> None:
        self._task, self._templar, self._loader = action._task, action._templar, action._loader
        self._variables = variables
        self._known: dict[str, t.Any] = {}
        self._data: dict[str, t.Any] | None = None

    def asked_for(self) -> bool:
        """Whether the tags of the run mean these roles at all."""
        return play.asked_for(self._task, self._variables)

    def problems(self, roles: t.Iterable[str], batches: bool = False, links: bool = True) -> list[str]:
        """All that is wrong. `links`: clusters and links, too, which are the same for all hosts."""
        variables, forgery = self._variables, forged(self._variables)
        if forgery or not self.asked_for():
            return [forgery] if forgery else []
        found = play.refusals(self._task, variables, batches=batches)
        options, defaults = self._asked(roles)
        linking = CLUSTERS in options
        needless = _needless(defaults, variables)
        ours = {**defaults, **dict.fromkeys(set(SOURCES) - needless)} if linking else defaults
        wrong = self._misspelt(ours, variables)
        if linking and links:
            wrong += self._undefined(needless, variables)
            wrong += self._linked(options, needless, variables)
            if not wrong:
                data = self.links()
                nodes = play.nodes_of(data)
                found += filter(None, [play.left_out(nodes, variables["groups"], self._loader)])
                wrong += play.no_pruning(data, own_list="cross_cluster_links" in needless, loader=self._loader)
        wrong += self._wrong({name: option for name, option in options.items() if name not in OF_LINKS}, variables)
        return [f"Nothing was done: {text}" for text in found] + wrong

    def half(self) -> str:
        """That the first play of a playbook of ours, which reads the clusters and links, did not run, and why."""
        variables = self._variables
        try:
            nodes = play.nodes_of(self.links())
        except Exception:
            nodes = []  # It is not for this play to say what is wrong with them.
        why = play.left_out(["localhost", *nodes], variables["groups"], self._loader)
        return why or "the first play of this playbook, which reads the clusters and links, did not run"

    def _asked(self, roles: t.Iterable[str]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """The options and defaults of roles."""
        options: dict[str, t.Any] = {}
        defaults: dict[str, t.Any] = {}
        for role, _slash, entry in (name.partition("/") for name in roles):
            options.update(self._file(role, "meta", "argument_specs.yml")["argument_specs"][entry or "main"]["options"])
            defaults.update(self._file(role, "defaults", "main.yml"))
        return options, defaults

    def for_all(self, roles: t.Iterable[str]) -> dict[str, t.Any]:
        """What is asked for all links at once, as this host has it."""
        found = {}
        for name in sorted({*self._asked(roles)[0]} - {*OF_LINKS, *OF_EACH_HOST}):
            # What a report shows, and where it goes, changes nothing.
            if name.startswith("cross_cluster_trust_"):
                found[name] = str(self._templar.template(self._variables[name], fail_on_undefined=True))
        return found

    @staticmethod
    def _undefined(needless: t.Container[str], variables: Variables) -> list[str]:
        return [
            # There would be nothing to do, and a slip in a name be a success.
            f"{source} is not defined; define it, even where it is empty"
            for source in MADE_OF.values()
            if source not in variables and source not in needless
        ]

    def _linked(self, options: Variables, needless: t.Container[str], variables: Variables) -> list[str]:
        """What is wrong with clusters and links."""
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
        chosen = self._wrong({name: options[name] for name in CHOICE.values()}, variables)
        wrong += chosen
        if not unusable[CLUSTERS] and not chosen:
            wrong += self.links(whole=not unusable[LINKS])["errors"]
        return wrong

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
            self._known[name] = self._templar.template(variables[TAKEN.format(name)], fail_on_undefined=True)
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

    def links(self, whole: bool = True) -> dict[str, t.Any]:
        """Clusters and links in full, or the clusters alone, with what is wrong with them."""
        if self._data is None or not whole:
            variables = self._variables
            clusters, links = (self._taken(name, variables) if whole or name == CLUSTERS else [] for name in MADE_OF)
            asked = Choice(*(self._taken(name, variables) for name in CHOICE.values())) if whole else Choice()
            # The other playbooks remove nothing that is not listed.
            if self._templar.template(variables.get("__cross_cluster_trust_mode", "trust")) != "trust":
                asked = asked._replace(prune=False)
            self._data = normalise(clusters, links, variables["ansible_inventory_sources"] or [], asked)
            self._say_where(clusters)
        return self._data

    def _say_where(self, clusters: Variables) -> None:
        data, sources = t.cast("dict[str, t.Any]", self._data), self._variables["ansible_inventory_sources"] or []
        for name, cluster in clusters.items() if not data["errors"] else ():
            own = data["clusters"][name]["api_from"] == "localhost"
            for field in (*(paths.LOGIN_FILES if own else ()), "remote_ca_cert"):
                path = cluster.get(field)
                if isinstance(path, str) and path and not os.path.isabs(os.path.expanduser(path)):
                    display.v(f"elasticsearch_clusters.{name}.{field}: {paths.find(path, sources)}")


def _needless(defaults: Variables, variables: Variables) -> set[str]:
    """Variables that nobody needs, because what is made of them is given itself."""
    return {source for name, source in MADE_OF.items() if name in variables and variables[name] != defaults.get(name)}
