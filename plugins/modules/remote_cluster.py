#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: remote_cluster
short_description: The settings of remote clusters on an Elasticsearch cluster
version_added: 1.0.0
description:
  - Sets or removes the persistent settings C(cluster.remote.<alias>.*) of an alias on the client (local, querying)
    cluster, or with O(remotes) those of several.
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
      - Either this or O(remotes) is needed.
    type: str
  remotes:
    description:
      - Several remote clusters at once. Each is a dictionary of the options of one, with C(alias); without C(state) it
        has O(state).
      - All that changes is written in one request. One that is refused does not keep the others from being written;
        the task fails then, and says which it was. Where Elasticsearch refuses the request, each is sent by itself.
    type: list
    elements: dict
    version_added: 2.0.0
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
  - Before 9.3 connections that are built anew go by the default of O(skip_unavailable), whatever the setting says,
    until it changes or the node starts. After such a change the module looks, with one request more, and sets it again.
  - Elasticsearch waits up to 10 seconds for the connection when an alias is added or changed, so keep O(timeout) above.
    For several it waits one after the other, and a request with O(remotes) is given the time that takes.
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

- name: Let paris know several clusters
  crosscluster.elasticsearch.remote_cluster:
    urls: [https://paris-1.example.com:9200]
    username: elastic
    password: "{{ vault_elastic_password }}"
    remotes:
      - alias: berlin
        proxy_address: berlin.example.com:9443
      - alias: madrid
        proxy_address: madrid.example.com:9443
        skip_unavailable: false
      - alias: lisbon
        state: absent

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
  returned: success, with O(alias)
  type: str
  choices: [none, create, update, remove]
  sample: create
alias:
  description: The alias.
  returned: success, with O(alias)
  type: str
  sample: berlin
settings:
  description:
    - The explicit settings that count after the task, by their name after C(cluster.remote.<alias>.). Seeds are a
      list, everything else is a string.
  returned: success, with O(alias)
  type: dict
  sample:
    mode: proxy
    proxy_address: berlin.example.com:9443
    skip_unavailable: "true"
yml:
  description: Those of them that come from C(elasticsearch.yml), as far as the API shows it.
  returned: success, with O(alias)
  type: dict
  sample: {}
remotes:
  description: What was done about each of the O(remotes), in their order.
  returned: with O(remotes), also on failure
  type: list
  elements: dict
  version_added: 2.0.0
  contains:
    alias:
      description: The alias.
      type: str
    changed:
      description: Whether its settings were written.
      type: bool
    operation:
      description: As RV(operation) is for one.
      type: str
      returned: when it is as asked for
    settings:
      description: As RV(settings) is for one.
      type: dict
      returned: when it is as asked for
    yml:
      description: As RV(yml) is for one.
      type: dict
      returned: when it is as asked for
    failed:
      description: That it is not as asked for.
      type: bool
      returned: when it is not
    msg:
      description: Why it is not as asked for.
      type: str
      returned: when it is not
"""

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._runner import run_module
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._work.remote_cluster import SPEC, work


def main() -> None:
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
