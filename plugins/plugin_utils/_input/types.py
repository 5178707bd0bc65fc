# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether values of variables have the type they should have, told without the values: they may be secrets. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

_WORDS = {
    "bool": "true or false",
    "dict": "a dictionary",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "text",
}


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
