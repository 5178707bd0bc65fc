# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of the modules for plugins that run on the controller. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.utils.display import Display

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.argspec import CONNECTION_OPTIONS
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.client import ElasticsearchClient
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.transport import HAS_REQUESTS
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._secrets import mark_as_secret


class HasOptions(t.Protocol):
    def get_option(self, option: str) -> t.Any:
        """The value of an option."""


def build_client(plugin: HasOptions) -> ElasticsearchClient:
    """A client for the connection options of a plugin. Raises InputError as the modules do."""
    if not HAS_REQUESTS:
        raise AnsibleLookupError(
            "The Python library requests is needed on the controller to ask Elasticsearch (verify=true): install it"
            " for the"
            " Python that runs Ansible."
        )
    options = {name: _native(plugin.get_option(name)) for name in CONNECTION_OPTIONS}
    for name in ("password", "bearer_token", "api_key"):
        mark_as_secret(options[name])
    client = ElasticsearchClient(options)
    for warning in client.warnings:
        Display().warning(warning)
    return client


def _native(value: t.Any) -> t.Any:
    # Variables of core 2.19+ are subclasses of the native types, which libraries written in C may refuse.
    if isinstance(value, str):
        return str(value)
    return [str(item) for item in value] if isinstance(value, list) else value
