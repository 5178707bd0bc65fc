# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the variables of a role, said without any value. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import difflib
import os
import re
import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.address import URL_LOGIN, holds_login
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.findings import CODES
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.fields import kind, wrong_type
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.paths import LOGIN_FILES, find, nowhere
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report.report import STATES

# Each of them leads to all variables of a host.
_TOO_WIDE = ("vars", "hostvars")
# The share of letters that two names have in common from which on one may be a slip for the other.
_NEAR = 0.8
Template = t.Callable[[t.Any], t.Any]
# Variables of earlier releases. Who still gives one would be done something else to.
GONE = {
    "cross_cluster_trust_report_only": "use the playbook verify, which changes nothing, or trust with --check",
}


def wrong_value(
    name: str, option: t.Mapping[str, t.Any], value: t.Any, sources: t.Sequence[t.Any] | None = None
) -> str | None:
    """What is wrong with the value of a variable, and what is allowed. Files are looked for where the sources of the
    inventory are given."""
    wrong = wrong_type(name, option, value)
    if wrong:
        return wrong
    if name.endswith("_only"):
        texts = isinstance(value, (list, tuple)) and all(isinstance(entry, str) for entry in value)
        return (
            None
            if texts or isinstance(value, str)
            else ("{0} must be a list of texts, or one text with commas, not {1}".format(name, kind(value)))
        )
    if name.endswith("_fail_on"):
        return _no_finding(name, value)
    addresses = {name: value} if name.endswith("_url") else {}
    if name.endswith("_connection") and isinstance(value, t.Mapping):
        addresses = {"{0}.{1}".format(name, field): value.get(field) for field in ("urls", "url")}
        for field in LOGIN_FILES:
            path = value.get(field)
            if sources is not None and path and not find(str(path), sources):
                return "{0}.{1}: {2}".format(name, field, nowhere(str(path), sources))
    return next(("{0} {1}".format(where, URL_LOGIN) for where, url in addresses.items() if holds_login(url)), None)


def _no_finding(name: str, words: t.Sequence[t.Any]) -> str | None:
    """A word that names nothing a report can find would let every run succeed."""
    for number, word in enumerate(words):
        if word not in STATES and word not in CODES:
            near = difflib.get_close_matches(str(word), (*STATES, *CODES), n=1)
            told = "did you mean [{0}]?" if near else "states are {1}; codes are in the guide on troubleshooting"
            told = told.format(*near or [""], ", ".join(STATES))
            return "{0}[{1}] is no state, code of a finding or drift; {2}".format(name, number, told)
    return None


def misspelt(names: t.Iterable[str], unused: t.Sequence[str]) -> list[str]:
    """Names that nobody reads: of an earlier release, or close to one of ours that nobody defines."""
    found = []
    for name in names:
        if name in GONE:
            found.append("{0} is no variable of this collection any more: {1}".format(name, GONE[name]))
            continue
        close = [] if name.startswith("_") else [ours for ours in unused if _close(name.lower(), ours)]
        if close:
            found.append(
                "{0} is read by nobody; did you mean [{1}]? Where it is one of your own, give it another name".format(
                    name, max(close, key=lambda ours: difflib.SequenceMatcher(None, name.lower(), ours).ratio())
                )
            )
    return found


def _close(name: str, ours: str) -> bool:
    """Whether a name may be a slip: behind the words that both begin with, nearly all is the same or letters are
    swapped, or one word of ours is missing."""
    words, wanted = name.split("_"), ours.split("_")
    if any(words == wanted[:left] + wanted[left + 1 :] for left in range(1, len(wanted) - 1)):
        return True
    same = len(os.path.commonprefix([words, wanted]))
    rest, wanted_rest = "_".join(words[same:]), "_".join(wanted[same:])
    swapped = sorted(rest) == sorted(wanted_rest)
    return swapped or (bool(rest) and difflib.SequenceMatcher(None, rest, wanted_rest).ratio() >= _NEAR)


def unresolved(name: str, variables: t.Mapping[str, t.Any], template: Template) -> str:
    """Where the value of a variable cannot be had, and why: the place deepest down, in it or in those it names."""
    place, reason = _look(name, variables[name], variables, template, {name}) or (name, "its template fails")
    before = "" if re.match(name + r"\b", place) else name + ": "
    return "{0}{1} has no value: {2}".format(before, place, reason)


def _look(
    path: str, value: t.Any, variables: t.Mapping[str, t.Any], template: Template, seen: set[str]
) -> tuple[str, str] | None:
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        inside = "{0}.{1}" if isinstance(value, dict) else "{0}[{1}]"
        found = (_look(inside.format(path, key), item, variables, template, seen) for key, item in items)
        return next(filter(None, found), None)
    try:
        template(value)
    except Exception as exc:
        for other in re.findall(r"[A-Za-z_]\w*", str(value)):
            if other in variables and other not in seen and other not in _TOO_WIDE:
                seen.add(other)
                deeper = _look(other, variables[other], variables, template, seen)
                if deeper:
                    return deeper
        return path, _reason(str(exc))
    return None


def _reason(text: str) -> str:
    """Of the text of an error only the name that it is about: the rest may quote the values around it."""
    undefined = re.findall(r"'([A-Za-z_]\w*)' is undefined", text)
    if undefined:
        return "'{0}' is undefined".format(undefined[-1])
    missing = re.findall(r"has no (?:attribute|element) '?([A-Za-z_]\w*|\d+)", text)
    if missing:
        return "there is no '{0}' in what its template names".format(missing[-1])
    if re.search(r"vault|decrypt", text, re.IGNORECASE):
        return "it is encrypted, and no vault secret that opens it is loaded"
    return "its template fails"
