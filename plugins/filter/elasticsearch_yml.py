# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters with which the roles change elasticsearch.yml and hand over certificate authorities."""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node.config_dir import bodies, fingerprint
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import outside
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._node import elasticsearch_yml as yml


def elasticsearch_block(content: str, settings: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {
        **yml.merge(content, settings)._asdict(),
        "node_name": yml.node_name(content),
        "authorities": yml.authorities(content),
    }


def elasticsearch_trust(
    content: str, files: t.Any, wanted: t.Sequence[str], own: str, besides: t.Sequence[str] = (),
    unknown: t.Sequence[str] = (),
) -> t.Dict[str, t.Any]:  # fmt: skip
    """What makes a node trust the wanted authorities: what to add to our own file, and to write into
    elasticsearch.yml. `files` are those that the node trusts, with the fingerprints of their certificates.

    `besides` are authorities that a first list must hold, too; `unknown` aliases for whose servers there are none.
    """
    trusted = {found for file in files.values() for found in file["fingerprints"]}
    missing = [body for pem in wanted for body in bodies(pem) if fingerprint(body) not in trusted]
    first = bool(missing) and yml.trusts_jdk(content)
    if first:
        missing += [body for pem in besides for body in bodies(pem)]
    missing = list(dict.fromkeys(missing))
    merged, line = yml.trust(content, own, bool(missing), unknown if first else ())
    text = "".join(yml.as_pem(body) for body in missing)
    found = {"missing": len(missing), "added": text, "line": line, "node_name": yml.node_name(content)}
    return {**found, **merged._asdict()}


class FilterModule:
    """Filters of the roles."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        return outside.filters(elasticsearch_block, elasticsearch_trust)
