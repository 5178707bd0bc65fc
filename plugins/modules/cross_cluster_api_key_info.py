#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cross_cluster_api_key_info
short_description: Read API keys of Elasticsearch, for instance to report which expire
version_added: 1.0.0
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
description:
  - Reads cross-cluster API keys, and other API keys on request, with one request whatever the number of names.
  - Never returns secrets. Elasticsearch does not keep them in a form that could be read.
  - Revoked and expired keys are told too until Elasticsearch removes them (some days later), see
    RV(api_keys[].status).
  - It is no failure when no key is found.
notes:
  - The user needs one of the cluster privileges C(read_security), C(manage_api_key) and C(manage_security) to see all
    keys. With C(manage_own_api_key) alone Elasticsearch tells the user's own keys.
extends_documentation_fragment:
  - crosscluster.elasticsearch._connection
  - crosscluster.elasticsearch._attributes
  - crosscluster.elasticsearch._attributes.info_module
  - crosscluster.elasticsearch._attributes.actiongroup_elasticsearch
options:
  names:
    description:
      - Exact names. An asterisk is an asterisk here.
      - Keys that match any of O(names), O(prefix) and O(ids) are read; all keys when none of them is given.
    type: list
    elements: str
    aliases: [name]
  prefix:
    description:
      - Beginning of names.
    type: str
  ids:
    description:
      - Ids of keys.
    type: list
    elements: str
  types:
    description:
      - Types of keys.
    type: list
    elements: str
    choices: [cross_cluster, rest]
    default: [cross_cluster]
  owner:
    description:
      - Only keys that belong to this user, that is the user who made them.
    type: str
  realm:
    description:
      - Only keys of users of this realm, such as V(native1).
    type: str
  active_only:
    description:
      - Only keys that can be used, that is neither revoked nor expired by the clock of the server.
    type: bool
    default: false
  expires_within:
    description:
      - Only live keys that expire within this time, as a whole number and a unit of V(d), V(h), V(m) (minutes) or
        V(s), such as V(30d).
    type: str
  acting_user:
    description:
      - Whether to tell in RV(acting_user) which user this login acts as.
      - For logins with O(bearer_token) or O(client_cert), and where live keys of a user of this name are found that
        O(ids) does not name, or keys of several realms, that is one more request, C(GET /_security/_authenticate),
        which needs no privilege.
    type: bool
    default: false
    version_added: 2.0.0
seealso:
  - module: crosscluster.elasticsearch.cross_cluster_api_key
"""

EXAMPLES = r"""
- name: Read all cross-cluster API keys
  crosscluster.elasticsearch.cross_cluster_api_key_info:
    urls: [https://berlin-1.example.com:9200]
    username: monitoring
    password: "{{ elasticsearch_password }}"
    ca_cert: /etc/ssl/certs/berlin-ca.pem
  register: keys

- name: Fail when a key expires within 30 days
  crosscluster.elasticsearch.cross_cluster_api_key_info:
    expires_within: 30d
  register: expiring
  failed_when: expiring.api_keys | length > 0

- name: Look for the live keys of two links
  crosscluster.elasticsearch.cross_cluster_api_key_info:
    names: [paris-berlin, madrid-berlin]
    active_only: true
"""

RETURN = r"""
acting_user:
  description: The user that this login acts as, and who owns the keys that it makes.
  type: dict
  returned: when O(acting_user=true)
  version_added: 2.0.0
  contains:
    name:
      description: Name of the user.
      type: str
      sample: automation
    realm:
      description: Realm of the user; null where it need not be asked, because the login tells the name.
      type: str
      sample: native1
api_keys:
  description:
    - The keys, sorted by name and then from the oldest to the newest.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Id of the key.
      type: str
      returned: success
      sample: VuaCfGcBCdbkQm-e5aOx
    name:
      description: Name of the key.
      type: str
      returned: success
      sample: paris-berlin
    type:
      description: Type of the key, V(cross_cluster) or V(rest).
      type: str
      returned: success
      sample: cross_cluster
    status:
      description: V(live), V(expired) or V(revoked).
      type: str
      returned: success
      sample: live
    active:
      description: Whether the key can be used, which is when RV(api_keys[].status) is V(live).
      type: bool
      returned: success
      sample: true
    days_left:
      description:
        - Started days until the key expires, by the clock of the host the task runs on; V(1) in the last hour, V(0) or
          less when it has expired. Null when it never expires.
      type: int
      returned: success
      sample: 41
    creation:
      description: When the key was made, in milliseconds since the epoch.
      type: int
      returned: success
      sample: 1767225600000
    expiration:
      description: When the key expires, in milliseconds since the epoch, or null.
      type: int
      returned: success
      sample: 1775001600000
    invalidated:
      description: Whether the key was revoked.
      type: bool
      returned: success
      sample: false
    invalidation:
      description: When the key was revoked, in milliseconds since the epoch, or null. Told from Elasticsearch 8.12 on.
      type: int
      returned: success
      sample: null
    username:
      description: User that the key belongs to.
      type: str
      returned: success
      sample: automation
    realm:
      description: Realm of that user.
      type: str
      returned: success
      sample: native1
    realm_type:
      description: Type of that realm, or null. Told from Elasticsearch 8.14 on.
      type: str
      returned: success
      sample: native
    metadata:
      description: Metadata of the key.
      type: dict
      returned: success
      sample:
        client_cluster: paris
    access:
      description: What a cross-cluster API key grants, with all defaults; a query is a string. Null for other types.
      type: dict
      returned: success
      sample:
        search:
          - names: ["logs-*"]
            allow_restricted_indices: false
    certificate_identity:
      description: Pattern of the subjects of signing certificates, or null.
      type: str
      returned: success
      sample: CN=paris
    cluster_privileges:
      description:
        - Cluster privileges that the server wrote into a cross-cluster key when it was made or last updated; null when
          it does not tell. Keys made before 8.15 lack C(monitor_enrich).
      type: list
      elements: str
      returned: success
      sample: [cross_cluster_search, monitor_enrich]
"""

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._runner import run_module
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._work.cross_cluster_api_key_info import (
    SPEC,
    work,
)


def main() -> None:
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
