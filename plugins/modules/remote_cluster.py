#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: remote_cluster
short_description: The settings of one remote cluster on an Elasticsearch cluster
version_added: 1.0.0
description:
  - Sets or removes the persistent settings C(cluster.remote.<alias>.*) of one alias on the client (local, querying)
    cluster.
  - The settings are read first. Nothing is written when they are right, which is one request; a change is two.
  - An option left out is left alone, except that a change of the mode clears the settings of the other mode in the same
    request, because Elasticsearch refuses them side by side.
  - A transient setting beats a persistent one. Where one stands in the way of what is asked for, it is cleared in the
    same request, and a warning names it.
  - Elasticsearch accepts settings of a remote cluster that cannot be reached. Use
    M(crosscluster.elasticsearch.remote_cluster_info) with
    O(crosscluster.elasticsearch.remote_cluster_info#module:probe=true) to see whether the link works.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes
  - crosscluster.elasticsearch._attributes.actiongroup_elasticsearch
  - crosscluster.elasticsearch._connection
options:
  alias:
    description:
      - Name of the remote cluster on this cluster. Letters, digits, V(-) and V(_); case matters.
      - Searches, follower indices and O(crosscluster.elasticsearch.remote_access_role#module:remote_indices) of roles
        refer to it, so that another alias is another remote cluster. V(node), V(signing), V(connections_per_cluster)
        and V(initial_connect_timeout) are refused, because global settings have these names.
    type: str
    required: true
  state:
    description:
      - V(present) makes sure that the settings given have the values given.
      - V(absent) clears every setting of the alias, persistent and transient, in one request. The options for the
        settings are not looked at.
    type: str
    choices: [present, absent]
    default: present
  mode:
    description:
      - V(proxy) opens connections to O(proxy_address) only. It is the usual mode behind load balancers and with
        Elastic Cloud.
      - V(sniff) asks one of O(seeds) for the nodes of the remote cluster and connects to some of them, which must
        be reachable at the address they publish.
      - Without it, options of one mode imply that mode; otherwise the mode stays, and is V(sniff) for a new alias.
    type: str
    choices: [proxy, sniff]
  proxy_address:
    description:
      - C(host:port) of the remote cluster, or of what stands before it, in mode V(proxy). IPv6 is written
        C([::1]:9443).
      - With cross-cluster API keys it is the port of the remote cluster server (C(remote_cluster.port), 9443 by
        default), not the transport port (9300) and not the HTTP port (9200).
    type: str
  seeds:
    description:
      - One or more C(host:port) of nodes of the remote cluster, in mode V(sniff); the same port as for
        O(proxy_address).
      - Another order is not a change.
    type: list
    elements: str
  server_name:
    description:
      - Name sent in the TLS handshake (SNI), in mode V(proxy). An empty string clears it.
    type: str
  proxy_socket_connections:
    description:
      - Number of connections per node, in mode V(proxy). Elasticsearch's default is 18.
    type: int
  node_connections:
    description:
      - Number of nodes of the remote cluster to connect to, in mode V(sniff). Elasticsearch's default is 3.
    type: int
  skip_unavailable:
    description:
      - Whether searches go on without this remote cluster when it cannot be reached. The reason is hidden from users
        then.
      - Elasticsearch's default is V(true) from 8.15 on and V(false) before.
    type: bool
  transport_compress:
    description:
      - What is compressed on the way to the remote cluster.
    type: str
    choices: ['true', indexing_data, 'false']
  transport_compression_scheme:
    description:
      - How it is compressed.
    type: str
    choices: [deflate, lz4]
  transport_ping_schedule:
    description:
      - How often a message is sent to keep the connections alive, for instance V(30s); V(-1) for never.
    type: str
notes:
  - The login needs the cluster privilege C(manage); check mode needs C(monitor).
  - A change of mode, address, connections, compression or ping schedule makes Elasticsearch rebuild the connections
    to the remote cluster; searches in flight may fail. O(skip_unavailable) alone does not.
  - Before 9.2 connections that are built anew go by the default of O(skip_unavailable), whatever the setting says,
    until it changes or the node starts. After such a change the module looks, with one request more, and sets it again.
  - Elasticsearch waits up to 10 seconds for the connection when an alias is added or changed, so keep O(timeout) above.
  - Settings in C(elasticsearch.yml) cannot be removed through the API. They are reported in RV(yml) as far as the API
    shows them, which is where no persistent setting hides them.
  - Elasticsearch does not return settings of request signing (C(cluster.remote.<alias>.signing.*)), so they are not
    touched.
  - The credential is no cluster setting. See M(crosscluster.elasticsearch.keystore). Elasticsearch uses the model
    with API keys where the keystore of a node holds one for the alias, and the model with certificates elsewhere.
seealso:
  - module: crosscluster.elasticsearch.remote_cluster_info
  - module: crosscluster.elasticsearch.keystore
  - module: crosscluster.elasticsearch.remote_access_role
  - name: Remote cluster settings
    description: Elastic's reference
    link: https://www.elastic.co/docs/reference/elasticsearch/configuration-reference/remote-clusters
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: Let paris know berlin
  crosscluster.elasticsearch.remote_cluster:
    urls: [https://paris-1.example.com:9200]
    username: elastic
    password: "{{ vault_elastic_password }}"
    ca_cert: /etc/ssl/paris-ca.pem
    alias: berlin
    mode: proxy
    proxy_address: berlin.example.com:9443
    skip_unavailable: true

- name: Connect to the nodes themselves
  crosscluster.elasticsearch.remote_cluster:
    urls: [https://paris-1.example.com:9200]
    username: elastic
    password: "{{ vault_elastic_password }}"
    alias: berlin
    mode: sniff
    seeds:
      - berlin-1.example.com:9443
      - berlin-2.example.com:9443

- name: Forget berlin
  crosscluster.elasticsearch.remote_cluster:
    urls: [https://paris-1.example.com:9200]
    username: elastic
    password: "{{ vault_elastic_password }}"
    alias: berlin
    state: absent
"""

RETURN = r"""
operation:
  description: What was done, or would be done in check mode.
  returned: success
  type: str
  choices: [none, create, update, remove]
  sample: create
alias:
  description: The alias.
  returned: success
  type: str
  sample: berlin
settings:
  description:
    - The explicit settings that count after the task, by their name after C(cluster.remote.<alias>.). Seeds are a
      list, everything else is a string.
  returned: success
  type: dict
  sample:
    mode: proxy
    proxy_address: berlin.example.com:9443
    skip_unavailable: "true"
yml:
  description: Those of them that come from C(elasticsearch.yml), as far as the API shows it.
  returned: success
  type: dict
  sample: {}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils import _remote_settings as settings
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._alias import alias_problem
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._argspec import ArgumentSpec
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._client import ElasticsearchClient
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._errors import (
    EsBadRequest,
    EsError,
    EsPermissionError,
    InputError,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote_requests import read_settings
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._runner import run_module

SPEC = ArgumentSpec(
    {
        "alias": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **settings.OPTIONS,
    }
)


def make_plan(params: t.Mapping[str, t.Any], client: ElasticsearchClient) -> t.Tuple[settings.State, settings.Plan]:
    """Check the input, read, and compare."""
    alias = params["alias"]
    if params["state"] == "absent":
        problem = alias_problem(alias)
        if problem:
            raise InputError(f"Nothing was changed: {problem}.")
        state = settings.read_state(read_settings(client), alias)
        return state, settings.plan_absent(alias, state)
    given = {option: params[option] for option in settings.SUFFIXES if params[option] is not None}
    settings.check_input(alias, given)
    state = settings.read_state(read_settings(client), alias)
    return state, settings.plan_present(alias, given, state)


def write(client: ElasticsearchClient, alias: str, plan: settings.Plan) -> bool:
    """The request. It may be repeated: the same settings twice are the same settings. Whether all nodes confirmed."""
    try:
        answer = client.request(
            "PUT",
            "/_cluster/settings",
            body=settings.request_body(alias, plan),
            safe=True,
            attempt=f"write the settings of the remote cluster [{alias}]",
        )
    except EsError as e:
        if not e.advice and e.says("secure setting", "not dynamically updateable"):
            e.advice = "The credential belongs into the keystores of the nodes: use the module keystore."
        raise
    return bool(answer.body.get("acknowledged", True))


def remind(client: ElasticsearchClient, alias: str, plan: settings.Plan) -> None:
    """Before 9.2 a connection that is built anew goes by the default of skip_unavailable until the setting changes."""
    try:
        attempt = f"read whether the remote cluster [{alias}] is skipped when it is unavailable"
        info = client.request("GET", "/_remote/info", attempt=attempt).body.get(alias) or {}
    except (EsBadRequest, EsPermissionError):
        return  # a node without the role remote_cluster_client, or a login that may not read it
    asked = settings.plain(plan.after)["skip_unavailable"]
    if "skip_unavailable" in info and not settings.same("skip_unavailable", info["skip_unavailable"], asked):
        for one in settings.reminders(plan):
            write(client, alias, one)


def run(module: AnsibleModule, client: ElasticsearchClient) -> t.Dict[str, t.Any]:
    """Compare, write when needed, and describe."""
    alias = module.params["alias"]
    state, plan = make_plan(module.params, client)
    operation = "none"
    if plan.changed:
        absent = module.params["state"] == "absent"
        operation = "remove" if absent else "update" if state.effective else "create"
        if not module.check_mode:
            if not write(client, alias, plan):
                module.warn(f"Not all nodes confirmed the settings of the remote cluster [{alias}] in time.")
            if settings.may_forget(state, plan):
                remind(client, alias, plan)
    for note in plan.notes:
        module.warn(note)
    return {
        "changed": plan.changed,
        "operation": operation,
        "alias": alias,
        "settings": settings.plain(plan.after),
        "yml": {suffix: value for suffix, value in settings.plain(plan.after).items() if suffix in state.yml},
        "diff": {"before": settings.show(state, alias), "after": settings.show(plan.after, alias)},
    }


def main() -> None:
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
