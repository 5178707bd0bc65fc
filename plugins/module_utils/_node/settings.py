# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the elasticsearch.yml of a node says. Standard library only. Private to this collection."""

from __future__ import annotations

import os
import re
import typing as t

from .files import MOST, read_regular


def settings_text(config_dir: str) -> t.Optional[str]:
    """The text of elasticsearch.yml; None when it is no file that can be read."""
    path = os.path.join(config_dir, "elasticsearch.yml")
    try:
        content = read_regular(path, MOST)
        return None if content is None else content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def node_name(config_dir: str) -> t.Optional[str]:
    """The name that the node bears in its cluster: node.name, by default the name of its host, as Elasticsearch has
    it. None when that cannot be told."""
    text = settings_text(config_dir)
    if text is None:
        return None
    found = (setting(text, "node.name") or ["${HOSTNAME}"])[0]
    name = found.replace("${HOSTNAME}", os.uname().nodename)
    return None if re.search(r"\$\{", name) else name


def setting(text: str, name: str) -> t.List[str]:
    """The values of one setting of an elasticsearch.yml, dotted or nested, single or a list.

    No YAML library is needed on a node; what such files use in practice is read, and the rest is as if it were not
    there.
    """
    parents: t.List[t.Tuple[int, str]] = []
    found: t.List[str] = []
    for line in text.splitlines():
        body = line.strip()
        if not body or body.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        if body.startswith("- "):
            if parents and ".".join(key for _indent, key in parents) == name:
                found.append(body[2:])
            continue
        key, colon, value = body.partition(":")
        if not colon:
            continue
        parents = [entry for entry in parents if entry[0] < indent] + [(indent, key.strip().strip("'\""))]
        value = value.split(" #")[0].strip()
        if value and ".".join(part for _indent, part in parents) == name:
            found += value[1:-1].split(",") if value.startswith("[") else [value]
    return [entry.strip().strip("'\"") for entry in found if entry.strip().strip("'\"")]
