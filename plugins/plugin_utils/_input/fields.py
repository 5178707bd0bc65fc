# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of fields that note what is wrong and go on, so that all mistakes are told at once. Pure.

Of values only their types are told: they may be secrets.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import difflib
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.duration import parse_duration
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._errors import InputError
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.address import URL_LOGIN, holds_login

_WORDS = {
    "bool": "true or false",
    "dict": "a dictionary",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "text",
}


class Problems(list):
    """Everything that is wrong, each as one sentence with the cause and the way out."""

    def add(self, text: str, *values: t.Any) -> None:
        self.append(text.format(*values))


def switch(where: str, name: str, value: t.Any, problems: Problems) -> bool:
    """Values of ``-e name=value`` are text, of which "false" would be true."""
    try:
        return value is not None and boolean(value)
    except TypeError:
        problems.add("{0}: {1} must be true or false, not {2}", where, name, kind(value))
        return False


def milliseconds(where: str, name: str, value: t.Any, problems: Problems) -> t.Optional[int]:
    """A duration like 90d as Elasticsearch takes it; None when it is not given or not one."""
    if value is None:
        return None
    duration = checked(where, problems, parse_duration, value, name)
    return duration.ms if duration else None


def checked(where: str, problems: Problems, check: t.Callable[..., t.Any], *values: t.Any) -> t.Any:
    """What a check of the modules makes of a value; what it refuses is noted."""
    try:
        return check(*values)
    except InputError as exc:
        problems.add("{0}: {1}", where, str(exc))
        return None


def addresses(where: str, value: t.Any, problems: Problems, refusal: str = URL_LOGIN) -> t.Any:
    """An address or several; None when one holds a login, which must get no further: what is made here is shown."""
    if holds_login(value):
        problems.add("{0} {1}", where, refusal)
    elif value and not isinstance(value, (str, list, tuple)):
        problems.add("{0} must be an address, or a list of them, not {1}", where, kind(value))
    else:
        return value
    return None


def check_fields(
    where: str, value: t.Mapping[str, t.Any], known: t.Mapping[str, t.Mapping[str, t.Any]], problems: Problems
) -> None:
    """Fields that are not known, and values of another type; addresses have their own check."""
    unknown_fields(where, value, tuple(known), problems)
    for name, option in known.items():
        if name != "url" and value.get(name) is not None:
            wrong = wrong_type("{0}.{1}".format(where, name), option, value[name])
            if wrong:
                problems.append(wrong)


def listed(value: t.Any) -> t.Sequence[t.Any]:
    """One or several, as several."""
    return value if isinstance(value, (list, tuple)) else [value] if value else []


def unknown_fields(where: str, value: t.Mapping[str, t.Any], known: t.Sequence[str], problems: Problems) -> None:
    for name in value:
        if name not in known:
            problems.add("{0}: unknown field [{1}]{2}", where, name, did_you_mean(str(name), known))


def did_you_mean(name: str, known: t.Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return (
        "; did you mean [{0}]?".format(close[0])
        if close
        else "; known are {0}".format(", ".join(sorted(known)) or "none")
    )


def wrong_type(name: str, option: t.Mapping[str, t.Any], value: t.Any) -> t.Optional[str]:
    """What is wrong with the type of a value, or that it is none of the choices. Options are as in argument specs."""
    wanted, elements, choices = option.get("type", "str"), option.get("elements"), option.get("choices")
    if _fits(option, value):
        return None
    if choices:
        return "{0} must be one of {1}".format(name, ", ".join(map(str, choices)))
    of = " of {0}".format(_WORDS.get(elements, elements)) if elements else ""
    return "{0} must be {1}{2}, not {3}".format(name, _WORDS.get(wanted, wanted), of, kind(value))


def _fits(option: t.Mapping[str, t.Any], value: t.Any) -> bool:
    wanted, elements = option.get("type", "str"), option.get("elements")
    # Ansible makes text of everything, and a list or dictionary of some texts; the roles do not.
    if wanted == "dict" or isinstance(value, t.Mapping):
        return wanted == "raw" or (wanted == "dict" and isinstance(value, t.Mapping))
    if wanted == "list" or isinstance(value, (list, tuple)):
        return wanted == "raw" or (
            wanted == "list"
            and isinstance(value, (list, tuple))
            and (not elements or all(_fits({"type": elements}, item) for item in value))
        )
    # The roles make booleans of texts with the filter bool, which does not know the letters that modules take.
    if wanted == "bool" and str(value).lower() in ("y", "n", "t", "f"):
        return False
    rules = {key: option[key] for key in ("type", "choices") if key in option}
    return not ArgumentSpecValidator({"it": rules}).validate({"it": value}).error_messages


def kind(value: t.Any) -> str:
    """The type of a value in the words of YAML. Never the value: it may hold a password."""
    if value is None:
        return "nothing"
    for types, word in (
        (bool, "true/false"), ((int, float), "a number"), (str, "text"), (t.Mapping, "a dictionary"),
        ((list, tuple), "a list"),
    ):  # fmt: skip
        if isinstance(value, types):
            return word
    return "something else"
