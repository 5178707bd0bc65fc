# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in an ``elasticsearch.yml`` that others write, too. Pure.

This file is private to the crosscluster.elasticsearch collection.

The file is changed line by line: what is not about our settings stays as it is, comments included. New settings go into
a marked block at the end. A setting that somebody else wrote with the same value is left where it is; one with another
value is a conflict for people to solve, except for lists, which are only added to.
"""

from __future__ import annotations

import json
import re
import typing as t

import yaml

BEGIN = "# BEGIN crosscluster.elasticsearch"
END = "# END crosscluster.elasticsearch"


class Merged(t.NamedTuple):
    """The new text, and what stands in the way of it."""

    text: str
    differing: t.List[str]
    conflicts: t.List[str]


def flatten(value: t.Any, prefix: str = "") -> t.Dict[str, t.Any]:
    """Nested settings as flat ones: Elasticsearch reads both."""
    if not isinstance(value, t.Mapping):
        return {prefix: value} if prefix else {}
    flat: t.Dict[str, t.Any] = {}
    for name, item in value.items():
        flat.update(flatten(item, "{0}.{1}".format(prefix, name) if prefix else str(name)))
    return flat


def read(text: str) -> t.Dict[str, t.Any]:
    """The settings of a file. Raises ValueError for what is not one."""
    try:
        settings = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        raise ValueError("it is not YAML{0}".format(" (line {0})".format(mark.line + 1) if mark else "")) from None
    if settings is not None and not isinstance(settings, dict):
        raise ValueError("it does not hold settings")
    return flatten(settings or {})


def merge(
    text: str, settings: t.Mapping[str, t.Any], add: t.Optional[t.Mapping[str, t.Sequence[str]]] = None
) -> Merged:
    """Set settings, and add items to lists."""
    try:
        effective = read(text)
    except ValueError as exc:
        return Merged(text, [], ["elasticsearch.yml cannot be changed, because {0}; mend the file first".format(exc)])
    outside, block = split(text)
    flat_outside = read(outside)
    differing: t.List[str] = []
    conflicts: t.List[str] = []
    ours = dict(read(block))
    for name, value in settings.items():
        if name in flat_outside:
            if not same(flat_outside[name], value):
                conflicts.append(
                    "{0} is [{1}] in elasticsearch.yml, but [{2}] is asked for; change or remove that line".format(
                        name, shown(flat_outside[name]), shown(value)
                    )
                )
        elif not same(ours.get(name), value):
            ours[name] = value
            differing.append(name)
    for name, items in (add or {}).items():
        current = listed(effective.get(name))
        missing = [item for item in items if item not in current]
        if not missing:
            continue
        differing.append(name)
        if name not in flat_outside:
            ours[name] = current + missing
            continue
        replaced = replace(outside, name, current + missing)
        if replaced is None:
            conflicts.append(
                "{0} is set inside of a nested block of elasticsearch.yml; add {1} to it".format(
                    name, ", ".join(missing)
                )
            )
        else:
            outside = replaced
    if conflicts or not differing:
        return Merged(text, [], conflicts)
    return Merged(join(outside, ours), differing, [])


def without(text: str) -> str:
    """The file without our block."""
    return split(text)[0]


def split(text: str) -> t.Tuple[str, str]:
    """What others wrote, and what stands in our block."""
    found = re.search(r"(?ms)^{0}\n(.*?)^{1}[^\n]*\n?".format(re.escape(BEGIN), re.escape(END)), text)
    if found is None:
        return text, ""
    return text[: found.start()] + text[found.end() :], found.group(1)


def join(outside: str, ours: t.Mapping[str, t.Any]) -> str:
    if not ours:
        return outside
    lines = ["{0}: {1}\n".format(name, shown(value)) for name, value in sorted(ours.items())]
    gap = "" if not outside or outside.endswith("\n") else "\n"
    return "{0}{1}{2}\n{3}{4}\n".format(outside, gap, BEGIN, "".join(lines), END)


def replace(text: str, name: str, value: t.Sequence[str]) -> t.Optional[str]:
    """Give a setting on a line of its own, with the lines that continue it, another value."""
    pattern = r"(?m)^{0}[ \t]*:[^\n]*(?:\n(?:[ \t]+[^\n]*|-[^\n]*))*".format(re.escape(name))
    if not re.search(pattern, text):
        return None
    return re.sub(pattern, lambda _found: "{0}: {1}".format(name, shown(list(value))), text, count=1)


def same(current: t.Any, wanted: t.Any) -> bool:
    if current is None:
        return False
    if isinstance(wanted, (list, tuple)):
        return listed(current) == listed(wanted)
    return shown(current).strip('"').lower() == shown(wanted).strip('"').lower()


def listed(value: t.Any) -> t.List[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]


def shown(value: t.Any) -> str:
    """A value as JSON, which is YAML."""
    return json.dumps(value, ensure_ascii=False)


def certificates(text: str) -> t.List[str]:
    """The certificates of a PEM file, without what stands around them, so that they can be compared."""
    found = re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", text, re.DOTALL)
    return ["".join(body.split()) for body in found]


def as_pem(certificate: str) -> str:
    lines = [certificate[start : start + 64] for start in range(0, len(certificate), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
