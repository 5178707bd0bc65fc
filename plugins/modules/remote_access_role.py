#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: remote_access_role
short_description: What a role of an Elasticsearch cluster may do on remote clusters
version_added: 1.0.0
description:
  - Merges C(remote_indices) and C(remote_cluster) privileges into a role of the client (local, querying) cluster, and
    keeps everything else in the role as it is, such as indices, cluster and application privileges, metadata and
    description.
  - With cross-cluster API keys a user may do on the remote cluster what both the access of the key and the
    C(remote_indices) of the user's roles allow. Roles on the remote cluster are not asked.
  - The role is read first. Nothing is written when it is right, which is one request; a change is two.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes
  - crosscluster.elasticsearch._attributes.actiongroup_elasticsearch
  - crosscluster.elasticsearch._connection
options:
  name:
    description:
      - Name of the role. Reserved roles and roles of C(roles.yml) cannot be changed through the API.
    type: str
    required: true
  state:
    description:
      - V(present) makes sure of the given entries. An entry of the role for the same clusters and names is replaced
        by the given one, so that its privileges can also be narrowed; all others stay. A role that does not exist is
        created with these entries alone, for use beside other roles of a user.
      - V(absent) takes the given entries out, or all remote entries when neither O(remote_indices) nor
        O(remote_cluster) is given. An entry is taken out when it means the same as the given one. The role itself is
        never removed.
    type: str
    choices: [present, absent]
    default: present
  remote_indices:
    description:
      - Privileges for indices of remote clusters. At least one of O(remote_indices) and O(remote_cluster) is needed
        with O(state=present).
    type: list
    elements: dict
    suboptions:
      clusters:
        description: Aliases of remote clusters, or patterns of them.
        type: list
        elements: str
        required: true
      names:
        description: Names of indices, or patterns of them.
        type: list
        elements: str
        required: true
      privileges:
        description: Index privileges. For searches V(read) and V(read_cross_cluster).
        type: list
        elements: str
        required: true
      query:
        description: Query (dictionary or JSON string) that documents must match to be seen.
        type: raw
      field_security:
        description: Fields that can be seen.
        type: dict
        suboptions:
          grant:
            description: Fields that can be seen.
            type: list
            elements: str
          except:
            description: Those of O(remote_indices[].field_security.grant) that cannot.
            type: list
            elements: str
      allow_restricted_indices:
        description: Whether the names cover system indices too.
        type: bool
  remote_cluster:
    description:
      - Privileges for remote clusters themselves. Needs Elasticsearch 8.15 or newer.
    type: list
    elements: dict
    suboptions:
      clusters:
        description: Aliases of remote clusters, or patterns of them.
        type: list
        elements: str
        required: true
      privileges:
        description: Such as V(monitor_enrich) (8.15) and V(monitor_stats) (8.17).
        type: list
        elements: str
        required: true
notes:
  - The login needs the cluster privilege C(manage_security).
  - Modules that write whole roles without these fields remove them again. Declare the entries in one place.
  - Elasticsearch does not check that the clusters exist, so that the role can come before the alias.
seealso:
  - module: crosscluster.elasticsearch.cross_cluster_api_key
  - module: crosscluster.elasticsearch.remote_cluster
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: Let analysts search the logs of berlin
  crosscluster.elasticsearch.remote_access_role:
    urls: [https://paris-1.example.com:9200]
    username: elastic
    password: "{{ vault_elastic_password }}"
    name: analyst
    remote_indices:
      - clusters: [berlin]
        names: ["logs-*"]
        privileges: [read, read_cross_cluster, view_index_metadata]
    remote_cluster:
      - clusters: [berlin]
        privileges: [monitor_enrich]

- name: Take all remote privileges away, and nothing else
  crosscluster.elasticsearch.remote_access_role:
    urls: [https://paris-1.example.com:9200]
    username: elastic
    password: "{{ vault_elastic_password }}"
    name: analyst
    state: absent
"""

RETURN = r"""
operation:
  description: What was done to the role, or would be done in check mode.
  returned: success
  type: str
  choices: [none, create, update]
  sample: update
name:
  description: The role.
  returned: success
  type: str
  sample: analyst
remote_indices:
  description: All entries of the role after the task, in the form of the server where they came from there.
  returned: success
  type: list
  elements: dict
  sample: [{clusters: [berlin], names: ["logs-*"], privileges: [read, read_cross_cluster]}]
remote_cluster:
  description: All entries of the role after the task.
  returned: success
  type: list
  elements: dict
  sample: [{clusters: [berlin], privileges: [monitor_enrich]}]
"""

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._runner import run_module
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._work.remote_access_role import SPEC, work


def main() -> None:
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
