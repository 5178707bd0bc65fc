# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters with which the roles change elasticsearch.yml and hand over certificate authorities."""

from __future__ import annotations

import base64
import posixpath
import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _elasticsearch_yml as yml
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _outside


def elasticsearch_block(content: str, settings: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {**yml.merge(content, settings)._asdict(), "node_name": yml.node_name(content)}


def elasticsearch_authorities(content: str, config_dir: str) -> t.List[str]:
    """The files with the authorities that a node trusts when it asks remote clusters."""
    try:
        listed = yml.listed(yml.read(yml.decode(content)).get(yml.AUTHORITIES))
    except ValueError:
        return []
    return [posixpath.join(config_dir, path) for path in listed]


def elasticsearch_trust(
    content: str, files: t.Any, wanted: t.Sequence[str], own: str, besides: t.Sequence[str] = (),
    unknown: t.Sequence[str] = (),
) -> t.Dict[str, t.Any]:  # fmt: skip
    """What makes a node trust the wanted authorities: what to write into our own file, and into elasticsearch.yml.

    `besides` are authorities that a first list must hold, too; `unknown` aliases for whose servers there are none.
    """
    held: t.Dict[str, t.List[str]] = {}
    for result in files:
        if result.get("content"):
            held[result["item"]] = yml.certificates(base64.b64decode(result["content"]).decode("utf-8", "replace"))
    trusted = {certificate for found in held.values() for certificate in found}
    missing = [certificate for pem in wanted for certificate in yml.certificates(pem) if certificate not in trusted]
    first = bool(missing) and yml.trusts_jdk(content)
    if first:
        missing += [
            certificate for pem in besides for certificate in yml.certificates(pem) if certificate not in missing
        ]
    bundle = next((found for path, found in held.items() if posixpath.basename(path) == own), [])
    merged, line = yml.trust(content, own, bool(missing), unknown if first else ())
    text = "".join(yml.as_pem(certificate) for certificate in dict.fromkeys([*bundle, *missing]))
    found = {"missing": len(missing), "bundle": text, "line": line, "node_name": yml.node_name(content)}
    return {**found, **merged._asdict()}


class FilterModule:
    """Filters of the roles."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        return _outside.filters(elasticsearch_block, elasticsearch_authorities, elasticsearch_trust)
