# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in an ``elasticsearch.yml`` that others write, too. Pure.

This file is private to the crosscluster.elasticsearch collection.

Our settings stand in a block between two marks; what is outside of it is never changed. A setting that somebody else
wrote with the same value is left where it is; one with another value is a conflict for people to solve.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import typing as t

import yaml

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node.config_dir import BEGIN, BLOCK, END

CLIENT_SSL = "xpack.security.remote_cluster_client.ssl."
AUTHORITIES = CLIENT_SSL + "certificate_authorities"
TRUSTSTORE = CLIENT_SSL + "truststore.path"


class _Loader(yaml.SafeLoader):
    """Without aliases, with which a few lines grow without end."""

    def compose_node(self, parent: t.Any, index: t.Any) -> t.Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("it uses a YAML alias, *{0}".format(self.peek_event().anchor))
        return super().compose_node(parent, index)


class Merged(t.NamedTuple):
    """What stands between our marks afterwards, which settings that changes, and what stands in the way of it."""

    block: str
    differing: t.List[str]
    conflicts: t.List[str]


def decode(content: str) -> str:
    """The text of a file that came over as base64. Raises ValueError when it is none."""
    try:
        return base64.b64decode(content).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("it is not UTF-8") from None


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
        settings = yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe one
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        raise ValueError("it is not YAML{0}".format(" (line {0})".format(mark.line + 1) if mark else "")) from None
    if settings is not None and not isinstance(settings, dict):
        raise ValueError("it does not hold settings")
    return flatten(settings or {})


def authorities(content: str) -> t.List[str]:
    """The files with the authorities that a node trusts when it asks remote clusters."""
    try:
        return listed(read(decode(content)).get(AUTHORITIES))
    except ValueError:
        return []


def merge(content: str, settings: t.Mapping[str, t.Any]) -> Merged:
    """Set settings, flat or nested, in the file whose content came over as base64."""
    settings = flatten(settings)
    try:
        text = decode(content)
        outside, block = split(text)
        flat_outside, held = read(outside), read(block)
        read(text)
    except ValueError as exc:
        return Merged("", [], ["elasticsearch.yml cannot be changed, because {0}; mend the file first".format(exc)])
    conflicts: t.List[str] = []
    ours = dict(held)
    for name, value in settings.items():
        if name not in flat_outside:
            ours[name] = held[name] if same(held.get(name), value) else value
        elif not same(flat_outside[name], value):
            conflicts.append(
                "{0} is {1} in elasticsearch.yml, but {2} is asked for; change or remove that line".format(
                    name, told(name, flat_outside[name]), told(name, value)
                )
            )
    differing = [name for name in ours if name not in held or ours[name] is not held[name]]
    if differing and damaged(text):
        conflicts.append(
            "the lines that mark the block of this collection in elasticsearch.yml are damaged; let [{0}] and [{1}] "
            "each be a whole line, once and in this order, or remove both and what is between them".format(BEGIN, END)
        )
    after = "".join("{0}: {1}\n".format(name, shown(value)) for name, value in sorted(ours.items()))
    if differing and not conflicts and not fits(outside, after):
        conflicts.append("elasticsearch.yml ends in a way that no setting can follow; let it be one YAML mapping")
    if conflicts or not differing:
        return Merged(block, [], conflicts)
    return Merged(after, differing, [])


def trusts_jdk(content: str) -> bool:
    """Does the node trust the authorities of its JDK, which no list and no truststore has replaced yet?"""
    try:
        settings = read(decode(content))
    except ValueError:
        return False
    return not listed(settings.get(AUTHORITIES)) and not settings.get(TRUSTSTORE)


def trust(content: str, own: str, missing: bool, unknown: t.Sequence[str] = ()) -> t.Tuple[Merged, str]:
    """Name our file of authorities in elasticsearch.yml. A list of others is not ours to change: for it comes back
    what people have to write.

    `unknown`: aliases whose servers the node would not trust any more.
    """
    unchanged = merge(content, {})
    if unchanged.conflicts or not missing:
        return unchanged, ""
    if unknown:
        conflict = (
            "for remote clusters the node trusts the authorities of its JDK, and a list in elasticsearch.yml would "
            "take their place, so that [{0}] might not work any more. Give remote_ca_cert of the clusters that these "
            "aliases lead to; or write {1} with the authorities of their servers into elasticsearch.yml, restart the "
            "node, and run again"
        ).format("], [".join(unknown), AUTHORITIES)
        return unchanged._replace(conflicts=[conflict]), ""
    outside, block = split(decode(content))
    theirs = read(outside)
    if theirs.get(TRUSTSTORE):
        conflict = (
            "the node trusts by {0} [{1}], beside which Elasticsearch takes no certificate_authorities; add the "
            "authority to that truststore and restart the node".format(TRUSTSTORE, theirs[TRUSTSTORE])
        )
        return unchanged._replace(conflicts=[conflict]), ""
    current = listed(theirs.get(AUTHORITIES, read(block).get(AUTHORITIES)))
    if own in current:
        return unchanged, ""
    wanted = [*current, own]
    if AUTHORITIES not in theirs:
        return merge(content, {AUTHORITIES: wanted}), ""
    number, key = place(outside, AUTHORITIES)
    return unchanged, "replace the list that begins on line {0} of elasticsearch.yml by this line: {1}: {2}".format(
        number, key, shown(wanted)
    )


def node_name(content: str) -> str:
    """The name of the node as the file has it; ``${HOSTNAME}``, the default, is for whoever knows the host to fill in.
    Empty where it is not told."""
    try:
        return str(read(decode(content)).get("node.name") or "${HOSTNAME}")
    except ValueError:
        return ""


def split(text: str) -> t.Tuple[str, str]:
    """What others wrote, and what stands in our block."""
    found = BLOCK.search(text)
    if found is None:
        return text, ""
    # Lines of the block become empty ones, so that those behind it keep their numbers.
    return text[: found.start()] + "\n" * found.group().count("\n") + text[found.end() :], found.group(1)


def damaged(text: str) -> bool:
    """Would a new block stand beside our old one, because its marks are not what they were?"""
    marks = [line.strip() for line in text.splitlines() if line.strip().startswith((BEGIN, END))]
    found = BLOCK.search(text)
    return bool(marks) and (marks != [BEGIN, END] or found is None or not found.group().endswith("\n"))


def fits(outside: str, block: str) -> bool:
    try:
        return read("{0}\n{1}".format(outside, block)) == {**read(outside), **read(block)}
    except ValueError:
        return False


def place(text: str, name: str) -> t.Tuple[int, str]:
    """The number of the line on which a setting stands, and its key as it is written there."""

    def walk(node: t.Any, prefix: str) -> t.Optional[t.Tuple[int, str]]:
        if not isinstance(node, yaml.MappingNode):
            return None
        for key, value in node.value:
            full = prefix + str(key.value)
            if full == name:
                return key.start_mark.line + 1, str(key.value)
            if name.startswith(full + "."):
                found = walk(value, full + ".")
                if found:
                    return found
        return None

    return walk(yaml.compose(text, Loader=yaml.SafeLoader), "") or (1, name)


def told(name: str, value: t.Any) -> str:
    """A value of others in a message, unless its name says that it is a secret."""
    return "another one" if re.search("pass|secret|token", name) else "[{0}]".format(shown(value))


def same(current: t.Any, wanted: t.Any) -> bool:
    if current is None:
        return False
    if isinstance(wanted, (list, tuple)):
        return listed(current) == listed(wanted)
    return plain(current) == plain(wanted)


def plain(value: t.Any) -> str:
    """A value as text; true and false in any case, as all else has one of its own."""
    text = shown(value).strip('"')
    return text.lower() if text.lower() in ("true", "false") else text


def listed(value: t.Any) -> t.List[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]


def shown(value: t.Any) -> str:
    """A value as JSON, which is YAML. What JSON does not have, such as a date, is the text that it was."""
    return json.dumps(value, ensure_ascii=False, default=str)


def as_pem(certificate: str) -> str:
    lines = [certificate[start : start + 64] for start in range(0, len(certificate), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
