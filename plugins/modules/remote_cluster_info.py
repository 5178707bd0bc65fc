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
    version:
      description: Its version of Elasticsearch.
      type: str
    started:
      description: When its process started, by its own clock, in milliseconds since the epoch.
      type: int
nodes_problem:
  description: Why the nodes could not be listed, V(null) when they could.
  returned: when O(nodes=true)
  type: str
  version_added: 2.0.0
"""

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._runner import run_module
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._work.remote_cluster_info import SPEC, work


def main() -> None:
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
