# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters with which the roles change elasticsearch.yml and hand over certificate authorities."""

from __future__ import annotations

import base64
import posixpath
import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _elasticsearch_yml as yml

AUTHORITIES = "xpack.security.remote_cluster_client.ssl.certificate_authorities"


def elasticsearch_yml(text: str, settings: t.Mapping[str, t.Any], add: t.Any = None) -> t.Dict[str, t.Any]:
    return yml.merge(text, settings, add)._asdict()


def elasticsearch_authorities(text: str, config_dir: str) -> t.List[str]:
    """The files with the authorities that a node trusts when it asks remote clusters."""
    try:
        listed = yml.listed(yml.read(text).get(AUTHORITIES))
    except ValueError:
        return []
    return [posixpath.join(config_dir, path) for path in listed]


def elasticsearch_trust(text: str, files: t.Any, wanted: t.Sequence[str], own: str) -> t.Dict[str, t.Any]:
    """What makes a node trust the wanted authorities: what to write into our own file, and into elasticsearch.yml."""
    held: t.Dict[str, t.List[str]] = {}
    for result in files:
        if result.get("content"):
            held[result["item"]] = yml.certificates(base64.b64decode(result["content"]).decode("utf-8", "replace"))
    trusted = {certificate for found in held.values() for certificate in found}
    missing = [certificate for pem in wanted for certificate in yml.certificates(pem) if certificate not in trusted]
    bundle = next((found for path, found in held.items() if posixpath.basename(path) == own), [])
    merged = yml.merge(text, {}, {AUTHORITIES: [own]} if missing else {})
    content = "".join(yml.as_pem(certificate) for certificate in dict.fromkeys([*bundle, *missing]))
    return {"missing": len(missing), "bundle": content, **merged._asdict()}


def elasticsearch_uri(connection: t.Mapping[str, t.Any], url: str) -> t.Dict[str, t.Any]:
    """The arguments of ansible.builtin.uri for a question that no module of this collection asks."""
    given = {
        "url": url,
        "url_username": connection.get("username"),
        "url_password": connection.get("password"),
        "force_basic_auth": connection.get("username") is not None,
        "ca_path": connection.get("ca_cert"),
        "client_cert": connection.get("client_cert"),
        "client_key": connection.get("client_key"),
        "validate_certs": connection.get("validate_certs"),
        "timeout": connection.get("timeout"),
        "return_content": True,
    }
    for option, scheme in (("api_key", "ApiKey"), ("bearer_token", "Bearer")):
        if connection.get(option):
            given["headers"] = {"Authorization": "{0} {1}".format(scheme, connection[option])}
    return {name: value for name, value in given.items() if value is not None}


class FilterModule:
    """Filters of the roles."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        return {
            "elasticsearch_yml": elasticsearch_yml,
            "elasticsearch_authorities": elasticsearch_authorities,
            "elasticsearch_trust": elasticsearch_trust,
            "elasticsearch_uri": elasticsearch_uri,
        }
