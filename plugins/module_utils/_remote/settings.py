# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to write so that an alias has the settings asked for. Pure. Private to this collection.

Rules of the server behind this: settings of one mode are refused while the other is configured, so a mode change clears
them in the same request; an explicit setting is refused once the alias has no address, so a removal takes all of them
away at once; transient values beat persistent ones, which beat elasticsearch.yml.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import InputError
from .._http.address import address_problem
from .alias import PREFIX, alias_problem

MODES = ("proxy", "sniff")

#: The options of the module that are settings.
OPTIONS: t.Dict[str, t.Dict[str, t.Any]] = {
    "mode": {"type": "str", "choices": ["proxy", "sniff"]},
    "proxy_address": {"type": "str"},
    "seeds": {"type": "list", "elements": "str"},
    "server_name": {"type": "str"},
    "proxy_socket_connections": {"type": "int"},
    "node_connections": {"type": "int"},
    "skip_unavailable": {"type": "bool"},
    "transport_compress": {"type": "str", "choices": ["true", "indexing_data", "false"]},
    "transport_compression_scheme": {"type": "str", "choices": ["deflate", "lz4"]},
    "transport_ping_schedule": {"type": "str"},
}

#: Option of the module -> name of the setting after `cluster.remote.<alias>.`
SUFFIXES = {name: name.replace("transport_", "transport.") for name in OPTIONS}
OPTION_OF_MODE = {
    "proxy": ("proxy_address", "proxy_socket_connections", "server_name"),
    "sniff": ("seeds", "node_connections"),
}
#: Settings that may stand only with this mode; `proxy` is an undocumented one of mode sniff.
SETTINGS_OF_MODE = {**OPTION_OF_MODE, "sniff": (*OPTION_OF_MODE["sniff"], "proxy")}
_TIME_VALUE = re.compile(r"-1|0|[0-9]+(nanos|micros|ms|s|m|h|d)")
_ADDRESS = {"proxy": "proxy_address", "sniff": "seeds"}

Values = t.Dict[str, t.Any]


class State(t.NamedTuple):
    """Explicit settings of one alias, by suffix, as the server returns them."""

    persistent: Values
    transient: Values
    yml: Values

    @property
    def effective(self) -> Values:
        """What counts."""
        return {**self.yml, **self.persistent, **self.transient}


class SettingsPlan(t.NamedTuple):
    """What to write, and what the explicit settings are then."""

    persistent: Values
    transient: Values
    after: State
    notes: t.List[str]

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.persistent or self.transient)


def read_state(body: t.Mapping[str, t.Any], alias: str) -> State:
    """The settings of one alias from the answer of GET _cluster/settings?include_defaults=true."""
    return State(*(_section(body.get(name), alias) for name in ("persistent", "transient", "defaults")))


def read_aliases(body: t.Mapping[str, t.Any]) -> t.Dict[str, State]:
    """The settings of all aliases."""
    found = set()
    for name in ("persistent", "transient", "defaults"):
        for key in flatten(body.get(name) or {}):
            parts = key[len(PREFIX) :].split(".") if key.startswith(PREFIX) else []
            # `cluster.remote.<x>` alone and `cluster.remote.node.attr` are global settings.
            if len(parts) > 1 and alias_problem(parts[0]) is None:
                found.add(parts[0])
    return {alias: read_state(body, alias) for alias in sorted(found)}


def flatten(settings: t.Mapping[str, t.Any], prefix: str = "") -> Values:
    """Nested or flat settings as flat ones."""
    flat: Values = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def check_input(alias: str, given: t.Mapping[str, t.Any]) -> None:
    """Refuse what the server would refuse, or take for something else. `given`: the options that were set."""
    problem = alias_problem(alias)
    if problem:
        raise InputError(f"Nothing was changed for [{alias}]: {problem}.")

    wrong = wrong_settings(given)
    if wrong:
        raise InputError(f"Nothing was changed for the remote cluster [{alias}]: {'; '.join(wrong)}.")


def wrong_settings(given: t.Mapping[str, t.Any]) -> t.List[str]:
    """All that is wrong with the options that were set, in their values and together."""
    found = []
    mode = given.get("mode") or implied_mode(given)
    for other in MODES:
        wrong = ", ".join(option for option in OPTION_OF_MODE[other] if option in given)
        if wrong and mode != other:
            found.append(
                f"{wrong} cannot be used with mode {mode}; it belongs to mode {other}"
                if "mode" in given
                else f"{wrong} belongs to mode {other}, other options given to mode {mode}: use those of one"
            )
    if "seeds" in given and not given["seeds"]:
        found.append("seeds is empty; to remove the remote cluster use 'state: absent'")
    for option, addresses in (("proxy_address", [given.get("proxy_address")]), ("seeds", given.get("seeds", []))):
        problems = (address_problem(address) for address in addresses if address is not None)
        found += [f"{option}: {problem}" for problem in problems if problem]
    for option in ("proxy_socket_connections", "node_connections"):
        if option in given and given[option] < 1:
            found.append(f"{option} must be 1 or more")
    ping = given.get("transport_ping_schedule")
    if ping is not None and not _TIME_VALUE.fullmatch(ping):
        found.append(f"transport_ping_schedule [{ping}] is not a time value like 30s, nor -1")
    return found


def implied_mode(given: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """The mode that the options given belong to."""
    for mode in MODES:
        if any(option in given for option in OPTION_OF_MODE[mode]):
            return mode
    return None


def plan_present(alias: str, given: t.Mapping[str, t.Any], state: State) -> SettingsPlan:
    """Write what differs; leave what was not given."""
    effective = state.effective
    current_mode = "proxy" if str(effective.get("mode")).lower() == "proxy" else "sniff"
    mode = given.get("mode") or implied_mode(given) or current_mode
    wanted = {SUFFIXES[option]: value for option, value in given.items()}
    address = _ADDRESS[mode]
    if not wanted.get(address) and not _listed(effective.get(address)):
        what = "does not exist yet" if not effective else f"has no {address} yet"
        option = "proxy_address or seeds" if not effective and not given.get("mode") else address
        raise InputError(f"Nothing was changed for [{alias}]: the remote cluster {what}, so {option} is needed.")
    if mode != current_mode:
        # Without it the server's default, sniff, would refuse the settings of mode proxy.
        wanted.setdefault("mode", mode)

    persistent: Values = {}
    transient: Values = {}
    notes: t.List[str] = []
    for suffix, value in wanted.items():
        clear = value == "" and suffix == "server_name"
        if clear:
            if suffix in state.persistent:
                persistent[suffix] = None
        elif not same(suffix, state.persistent.get(suffix), value):
            persistent[suffix] = value
        if suffix in state.transient:
            overrides = clear or not same(suffix, state.transient[suffix], value)
            if overrides or suffix in persistent:
                transient[suffix] = None
    for other in MODES:
        if other == mode:
            continue
        for suffix in SETTINGS_OF_MODE[other]:
            if suffix in state.persistent:
                persistent[suffix] = None
            if suffix in state.transient:
                transient[suffix] = None
            if suffix in state.yml:
                notes.append(
                    f"elasticsearch.yml sets [{PREFIX}{alias}.{suffix}], which belongs to mode {other}: remove it"
                    " from the files of all nodes."
                )
    overriding = sorted(suffix for suffix in transient if suffix in wanted)
    if overriding:
        names = ", ".join(f"{PREFIX}{alias}.{suffix}" for suffix in overriding)
        notes.append(f"Transient settings overrode the persistent ones and are cleared: {names}.")
    return _plan(state, persistent, transient, notes)


def plan_absent(alias: str, state: State) -> SettingsPlan:
    """Clear every explicit setting of the alias, wherever the API can."""
    notes = []
    if state.yml:
        notes.append(
            f"The remote cluster [{alias}] is also defined in elasticsearch.yml"
            f" ({', '.join(sorted(PREFIX + alias + '.' + suffix for suffix in state.yml))}) and stays there: remove it"
            " from the files of all nodes and restart them."
        )
    cleared: t.Tuple[Values, Values] = (dict.fromkeys(state.persistent), dict.fromkeys(state.transient))
    return _plan(state, cleared[0], cleared[1], notes)


def may_forget(state: State, plan: SettingsPlan) -> bool:
    """Whether the connection is built anew, and skip_unavailable, which the API set, is not part of the change."""
    return (
        bool(state.effective)
        and "skip_unavailable" not in {**plan.persistent, **plan.transient}
        and "skip_unavailable" in {**plan.after.persistent, **plan.after.transient}
    )


def reminders(plan: SettingsPlan) -> t.List[SettingsPlan]:
    """Take skip_unavailable away and set it again: Elasticsearch acts on a change only."""
    name = "skip_unavailable"
    if name in plan.after.transient:
        return [SettingsPlan({}, {name: value}, plan.after, []) for value in (None, plan.after.transient[name])]
    return [SettingsPlan({name: value}, {}, plan.after, []) for value in (None, plan.after.persistent[name])]


def request_body(alias: str, plan: SettingsPlan) -> t.Dict[str, Values]:
    """Body of PUT _cluster/settings."""
    body = {}
    for section, values in (("persistent", plan.persistent), ("transient", plan.transient)):
        if values:
            body[section] = {f"{PREFIX}{alias}.{suffix}": value for suffix, value in sorted(values.items())}
    return body


def same(suffix: str, current: t.Any, wanted: t.Any) -> bool:
    """Whether a value read back equals a value asked for; the server returns strings, and lists in any notation."""
    if current is None:
        return False
    if suffix == "seeds":
        # Seeds are alternatives of each other: their order carries no meaning worth a write.
        return sorted(_listed(current)) == sorted(_listed(wanted))
    one, other = _text(current), _text(wanted)
    if suffix in ("mode", "skip_unavailable", "transport.compress", "transport.compression_scheme"):
        return one.lower() == other.lower()
    return one == other


def show(state: State, alias: str) -> t.Dict[str, t.Any]:
    """The explicit settings for results and diffs."""
    shown: t.Dict[str, t.Any] = {
        "persistent": {f"{PREFIX}{alias}.{suffix}": _shown(suffix, value) for suffix, value in state.persistent.items()}
    }
    if state.transient:
        shown["transient"] = {
            f"{PREFIX}{alias}.{suffix}": _shown(suffix, value) for suffix, value in state.transient.items()
        }
    return shown


def plain(state: State) -> Values:
    """What counts, by suffix, one notation per value."""
    return {suffix: _shown(suffix, value) for suffix, value in sorted(state.effective.items())}


def _plan(state: State, persistent: Values, transient: Values, notes: t.List[str]) -> SettingsPlan:
    after = State(_applied(state.persistent, persistent), _applied(state.transient, transient), state.yml)
    return SettingsPlan(persistent, transient, after, notes)


def _applied(values: Values, change: Values) -> Values:
    return {suffix: value for suffix, value in {**values, **change}.items() if value is not None}


def _section(section: t.Any, alias: str) -> Values:
    prefix = f"{PREFIX}{alias}."
    flat = flatten(section or {})
    return {key[len(prefix) :]: value for key, value in flat.items() if key.startswith(prefix)}


def _shown(suffix: str, value: t.Any) -> t.Any:
    return _listed(value) if suffix == "seeds" else _text(value)


def _listed(value: t.Any) -> t.List[str]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [_text(value)]


def _text(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
