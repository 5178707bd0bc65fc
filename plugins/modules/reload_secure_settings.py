#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reload_secure_settings
short_description: Make the nodes of an Elasticsearch cluster read their keystores again
version_added: 1.0.0
description:
  - Calls C(POST /_nodes/reload_secure_settings), and fails when any node failed, although Elasticsearch answers HTTP
    200 then. The message names each such node, the reason, and what to do.
  - Credentials of remote clusters are taken over by a reload from Elasticsearch 8.13 on. In older versions each node
    must be restarted; see RV(restart_required).
  - A reload replaces the credential for the next request. It does not tell whether the remote cluster accepts the
    credential; M(crosscluster.elasticsearch.remote_cluster_info) with C(probe) does.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes
  - crosscluster.elasticsearch._attributes.actiongroup_elasticsearch
  - crosscluster.elasticsearch._connection
attributes:
  check_mode:
    details:
      - The nodes are listed, nothing is reloaded. Needs the privilege C(monitor).
  diff_mode:
    support: none
    details:
      - A reload is an action. What it changes inside the nodes cannot be read.
  idempotent:
    support: none
    details:
      - A reload is an action, so the result is always changed. Call it from a handler, or when a keystore was changed.
options:
  node_ids:
    description:
      - The nodes to reload, as Elasticsearch selects nodes. Ids, names (with wildcards), addresses, or filters like
        V(_local).
      - Without it, or with an empty list, all nodes reload.
    type: list
    elements: str
  keystore_password:
    description:
      - Password of the keystores. All nodes in one call must have the same one, and a node without one fails.
      - Elasticsearch takes it for more than one node only when the transport layer of the cluster uses TLS.
    type: str
  expect_settings:
    description:
      - Names of secure settings that every node must report after the reload. The task fails when one of them lacks
        one.
      - Nodes report the names from Elasticsearch 9.3 on. Before, this is not checked; see RV(verified).
      - A name proves that the node has a credential for the alias in the keystore file that it has just read. It proves
        neither which API key that is, nor that the remote cluster accepts it.
      - When it names a credential of a remote cluster and the nodes report no names, the versions of the nodes are
        asked for in one more request, to find out whether a restart is needed.
    type: list
    elements: str
seealso:
  - module: crosscluster.elasticsearch.keystore
  - module: crosscluster.elasticsearch.remote_cluster_info
  - name: Nodes reload secure settings API
    description: Elastic's description of the request
    link: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-nodes-reload-secure-settings
notes:
  - The login needs the cluster privilege C(manage), and in Elasticsearch 8.13.0 to 8.15.0 also C(manage_security).
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: Reload secure settings
  crosscluster.elasticsearch.reload_secure_settings:
    urls: [https://paris-1.example.com:9200]
    username: elastic
    password: "{{ vault_elastic_password }}"
    ca_cert: /etc/ssl/paris-ca.pem
    expect_settings: [cluster.remote.berlin.credentials]

- name: Reload one node only, whose keystore is protected
  crosscluster.elasticsearch.reload_secure_settings:
    urls: [https://paris-2.example.com:9200]
    username: elastic
    password: "{{ vault_elastic_password }}"
    node_ids: [_local]
    keystore_password: "{{ vault_keystore_password }}"
"""

RETURN = r"""
nodes:
  description: The nodes that were reached, sorted by name.
  returned: always, once the cluster answered
  type: list
  elements: dict
  contains:
    id:
      description: Id of the node.
      type: str
    name:
      description: Name of the node.
      type: str
    secure_setting_names:
      description: Names of the secure settings the node has loaded.
      returned: from Elasticsearch 9.3, not in check mode
      type: list
      elements: str
    keystore_path:
      description: The keystore file of the node.
      returned: from Elasticsearch 9.3, not in check mode
      type: str
    keystore_digest:
      description: SHA-256 of the file. It differs between nodes even with equal contents.
      returned: from Elasticsearch 9.3, not in check mode
      type: str
    keystore_last_modified_time:
      description: When the file was written last.
      returned: from Elasticsearch 9.3, not in check mode
      type: str
verified:
  description: Whether every node reported all of O(expect_settings). V(null) when the nodes do not report them.
  returned: success
  type: bool
  sample: true
restart_required:
  description:
    - Whether the nodes must be restarted to use a credential in O(expect_settings), because they run an Elasticsearch
      before 8.13.
  returned: success
  type: bool
  sample: false
failed_nodes:
  description: The nodes that failed.
  returned: when a node failed
  type: list
  elements: dict
  contains:
    id:
      description: Id of the node, where it is known.
      type: str
    name:
      description: Name of the node, where it is known.
      type: str
    type:
      description: Type of the exception.
      type: str
    reason:
      description: What the node said.
      type: str
    advice:
      description: What to do.
      type: str
"""

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._runner import run_module
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._work.reload_secure_settings import SPEC, work


def main() -> None:
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
