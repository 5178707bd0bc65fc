#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: What an Elasticsearch cluster says about itself that matters for links
version_added: 1.0.0
description:
  - Returns version, licence, the roles of the nodes, and where the nodes listen as remote cluster servers.
  - This is what tells why a link cannot work before any key is looked at. The playbook
    C(crosscluster.elasticsearch.verify) uses it.
options:
  license:
    description:
      - Whether to return the licence.
    type: bool
    default: true
    version_added: 2.0.0
  nodes:
    description:
      - Whether to return the nodes.
    type: bool
    default: true
    version_added: 2.0.0
  health:
    description:
      - Also return the health of the cluster, with one request more.
    type: bool
    default: false
    version_added: 2.0.0
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes.info_module
  - crosscluster.elasticsearch._attributes.actiongroup_elasticsearch
  - crosscluster.elasticsearch._connection
notes:
  - The login needs the cluster privilege C(monitor). What it may not see is V(null).
  - It makes three requests, and one less for each of O(license) and O(nodes) that is not asked for.
seealso:
  - module: crosscluster.elasticsearch.remote_cluster_info
  - module: crosscluster.elasticsearch.remote_port_info
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: See whether berlin can serve links
  crosscluster.elasticsearch.cluster_info:
    url: https://berlin-1.example.com:9200
    username: elastic
    password: "{{ vault_berlin }}"
  register: berlin

- name: Stop when it cannot
  ansible.builtin.assert:
    that:
      - berlin.license.type in ['enterprise', 'trial']
      - berlin.nodes | selectattr('remote_cluster_server') | length > 0
"""

RETURN = r"""
node:
  description: Name of the node that answered.
  returned: success
  type: str
  version_added: 2.0.0
version:
  description: Version of the node that answered.
  returned: success
  type: str
  sample: 9.3.0
build_flavor:
  description: C(default), or C(serverless) for a project of Elastic Cloud Serverless.
  returned: success
  type: str
  sample: default
minimum_wire_compatibility_version:
  description:
    - The oldest version that the node talks to. Of two clusters neither may be older than what the other tells here
      (8.10 cannot talk to 9.x, 8.19 can). V(null) where the answer does not tell.
  returned: success
  type: str
  version_added: 2.0.0
  sample: 8.19.0
cluster_name:
  description: Name of the cluster.
  returned: success
  type: str
cluster_uuid:
  description: Identifier of the cluster.
  returned: success
  type: str
license:
  description: The licence, V(null) when it cannot be read.
  returned: when O(license=true)
  type: dict
  contains:
    type:
      description: Links with API keys need V(enterprise) or V(trial).
      type: str
    status:
      description: V(active), V(expired) or V(invalid).
      type: str
    expires:
      description: When it ends, in milliseconds since the epoch, V(null) when it does not.
      type: int
health:
  description: The health of the cluster, V(null) when it cannot be read.
  returned: when O(health=true)
  type: dict
  version_added: 2.0.0
  contains:
    status:
      description: V(green), V(yellow) or V(red).
      type: str
    missing_shards:
      description: How many copies of shards are not assigned or not ready.
      type: int
nodes:
  description: The nodes, sorted by name. V(null) when they cannot be read.
  returned: when O(nodes=true)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the node.
      type: str
    version:
      description: Its version.
      type: str
    started:
      description: When its process started, in milliseconds since the epoch. A restart changes it.
      type: int
      version_added: 2.0.0
    roles:
      description: Its roles.
      type: list
      elements: str
    transport_address:
      description: Its address for the nodes of its own cluster.
      type: str
    http_address:
      description: Its address for HTTP requests.
      type: str
    remote_cluster_server:
      description: Where it listens for other clusters, V(null) when that is not enabled.
      type: dict
      contains:
        bound_address:
          description: Addresses it listens on.
          type: list
          elements: str
        publish_address:
          description: The address it tells clients of C(sniff) mode.
          type: str
"""

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._runner import run_module
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._work.cluster_info import SPEC, work


def main() -> None:
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
