#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: remote_cluster_info
short_description: What an Elasticsearch cluster sees of its remote clusters
version_added: 1.0.0
description:
  - Returns the remote clusters of a client (local, querying) cluster with their state and their settings.
  - C(_remote/info) alone is no proof of a link. It tells about the connections of the one node that answers, and goes
    on saying connected with a key that is dead. With O(probe=true) a real request goes over each link, through every
    address in O(urls), and what comes back is turned into cause and advice.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes.info_module
  - crosscluster.elasticsearch._attributes.actiongroup_elasticsearch
  - crosscluster.elasticsearch._connection
options:
  alias:
    description:
      - The one alias to look at. Without it, all are returned.
    type: str
  probe:
    description:
      - Whether to send a real request to each remote cluster through every one of O(urls). Name each node in O(urls),
        not a load balancer, to prove the link for each node.
      - It is one C(GET _resolve/cluster) per node for all aliases, and before Elasticsearch 8.13 one search of size 0
        per node and alias. Where a link fails, one more request asks how the node tries to connect.
      - Elasticsearch tells a login without C(remote_indices) for the alias nothing about the link. Use a superuser.
    type: bool
    default: false
  wait_connected:
    description:
      - Seconds to wait for the remote clusters to be connected, and with O(probe=true) for the request to succeed
        through every node. Running out of time is no failure of the task; look at RV(remotes).
      - Causes that time does not cure, such as a revoked key, end the wait at once.
    type: int
    default: 0
  nodes:
    description:
      - Whether to list the nodes of this cluster in RV(nodes). One more request, C(GET /_nodes/http,jvm).
    type: bool
    default: false
    version_added: 2.0.0
  node_urls:
    description:
      - With O(nodes=true), further addresses of single nodes to compare the list with, beside O(urls).
      - No request goes to them.
    type: list
    elements: str
    default: []
    version_added: 2.0.0
seealso:
  - module: crosscluster.elasticsearch.remote_cluster
  - module: crosscluster.elasticsearch.cross_cluster_api_key_info
  - module: crosscluster.elasticsearch.keystore_info
notes:
  - The login needs the cluster privilege C(monitor).
  - Without O(probe) and O(nodes) it makes two requests.
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: Prove that every node of paris reaches berlin
  crosscluster.elasticsearch.remote_cluster_info:
    urls:
      - https://paris-1.example.com:9200
      - https://paris-2.example.com:9200
      - https://paris-3.example.com:9200
    username: elastic
    password: "{{ vault_elastic_password }}"
    ca_cert: /etc/ssl/paris-ca.pem
    alias: berlin
    probe: true
    wait_connected: 30
  register: link

- name: Stop when it does not
  ansible.builtin.assert:
    that: link.remotes | selectattr('probe.ok') | length == 1
    fail_msg: "{{ link.remotes | map(attribute='probe.reason') | join('; ') or 'There is no alias berlin' }}"
"""

RETURN = r"""
remotes:
  description: The remote clusters, sorted by alias. Empty when there are none, or none of the name O(alias).
  returned: success
  type: list
  elements: dict
  contains:
    alias:
      description: The alias.
      type: str
      sample: berlin
    connected:
      description: Whether the node that answered has an open connection.
      type: bool
    mode:
      description: The mode.
      type: str
      choices: [proxy, sniff]
    security_model:
      description:
        - Whether the connection of the node that answered was made with an API key or with certificates.
        - V(null) when that node has no such remote cluster.
      type: str
      choices: [api_key, certificate]
    addresses:
      description: The proxy address or the seeds.
      type: list
      elements: str
      sample: [berlin.example.com:9443]
    server_name:
      description: The name sent in the TLS handshake.
      type: str
    skip_unavailable:
      description: Whether searches go on without this remote cluster.
      type: bool
    connections:
      description: Number of open connections (proxy) or connected nodes (sniff) of the node that answered.
      type: int
    settings:
      description:
        - The explicit settings by their name after C(cluster.remote.<alias>.). Seeds are a list, all else is a string.
      type: dict
      sample: {mode: proxy, proxy_address: "berlin.example.com:9443"}
    probe:
      description: What a real request over the link showed.
      returned: when O(probe=true)
      type: dict
      contains:
        ok:
          description: Whether it succeeded through every node.
          type: bool
        cause:
          description:
            - A word for the cause, for instance V(key_revoked). With C(ok) it is a remark.
          type: str
        reason:
          description: What Elasticsearch said.
          type: str
        advice:
          description: What to do.
          type: str
        nodes:
          description: The same for each of O(urls), in C(url), C(ok), C(cause), C(reason) and C(advice).
          type: list
          elements: dict
nodes:
  description:
    - The nodes that run in this cluster, sorted by name. V(null) when the list cannot be read or is not complete;
      RV(nodes_problem) says why.
  returned: when O(nodes=true)
  type: list
  elements: dict
  version_added: 2.0.0
  contains:
    id:
      description: Id of the node.
      type: str
    name:
      description: Name of the node (C(node.name)).
      type: str
      sample: paris-1
    roles:
      description: Its roles. Only nodes with C(remote_cluster_client) use remote clusters.
      type: list
      elements: str
    http_addresses:
      description: Where it listens for HTTP requests, published address first.
      type: list
      elements: str
      sample: ["10.0.0.1:9200"]
    urls:
      description: Those of O(urls) whose host is the name or an address of this node, names being resolved.
      type: list
      elements: str
    started:
      description: When its process started, by its own clock, in milliseconds since the epoch.
      type: int
nodes_problem:
  description: Why the nodes could not be listed, V(null) when they could.
  returned: when O(nodes=true)
  type: str
  version_added: 2.0.0
"""

import concurrent.futures
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils import _diagnosis, _remote_state
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._alias import alias_problem
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._argspec import ArgumentSpec
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._client import ElasticsearchClient
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._errors import InputError
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._nodes import list_nodes
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote_requests import (
    probe,
    read_info,
    read_settings,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote_settings import read_aliases
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._runner import run_module

PARALLEL_NODES = 8
POLL_SECONDS = 1.0

SPEC = ArgumentSpec(
    {
        "alias": {"type": "str"},
        "probe": {"type": "bool", "default": False},
        "wait_connected": {"type": "int", "default": 0},
        "nodes": {"type": "bool", "default": False},
        "node_urls": {"type": "list", "elements": "str", "default": []},
    }
)

Remotes = t.List[t.Dict[str, t.Any]]


def look(client: ElasticsearchClient, params: t.Mapping[str, t.Any], states: t.Mapping[str, t.Any]) -> Remotes:
    """Everything as it is now; `retry` in it tells whether waiting may help."""
    only = params["alias"]
    info = read_info(client)
    aliases = sorted(alias for alias in {*info, *states} if only in (None, alias))
    remotes = [_remote_state.describe(alias, info.get(alias), states.get(alias)) for alias in aliases]
    if params["probe"] and aliases:
        proofs = probe_all(client, aliases, only)
        for remote in remotes:
            remote["probe"] = _diagnosis.combine(proofs[remote["alias"]])
            remote["retry"] = all(found.ok or found.retry for _url, found in proofs[remote["alias"]])
    return remotes


def probe_all(
    client: ElasticsearchClient, aliases: t.Sequence[str], only: t.Optional[str]
) -> t.Dict[str, t.List[t.Tuple[str, _diagnosis.Diagnosis]]]:
    """Probe through every URL, some at a time."""
    # In a fixed order: the client moves URLs that do not answer to the back.
    urls = sorted(client.urls)
    with concurrent.futures.ThreadPoolExecutor(min(PARALLEL_NODES, len(urls))) as pool:
        found = list(pool.map(lambda url: probe(client.at(url), aliases, only), urls))
    return {alias: [(url, one[alias]) for url, one in zip(urls, found)] for alias in aliases}


def worth_waiting(remotes: Remotes, alias: t.Optional[str]) -> bool:
    """Whether something is not there yet that may come by itself."""
    if not remotes:
        return alias is not None
    if any(not remote["probe"]["ok"] and not remote["retry"] for remote in remotes if "probe" in remote):
        return False
    return any(not (remote["probe"]["ok"] if "probe" in remote else remote["connected"]) for remote in remotes)


def run(module: AnsibleModule, client: ElasticsearchClient) -> t.Dict[str, t.Any]:
    """Read, wait when asked to, and describe."""
    params = module.params
    if params["alias"] is not None:
        problem = alias_problem(params["alias"])
        if problem:
            raise InputError(f"Nothing was read: {problem}.")
    if params["wait_connected"] < 0:
        raise InputError("wait_connected must be 0 or more.")
    end = time.monotonic() + params["wait_connected"]
    states = read_aliases(read_settings(client))
    remotes = look(client, params, states)
    while time.monotonic() < end and worth_waiting(remotes, params["alias"]):
        time.sleep(min(POLL_SECONDS, max(0.0, end - time.monotonic())))
        remotes = look(client, params, states)
    for remote in remotes:
        remote.pop("retry", None)
    listed = list_nodes(client, params["node_urls"])._asdict() if params["nodes"] else {}
    return {"changed": False, "remotes": remotes, **listed}


def main() -> None:
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
