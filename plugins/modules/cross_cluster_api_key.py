#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cross_cluster_api_key
short_description: Create, update, rotate and revoke cross-cluster API keys of Elasticsearch
version_added: 1.0.0
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
description:
  - Manages a cross-cluster API key on the cluster that holds the data (the server or remote cluster). Another cluster
    (the client) uses it to search or replicate that data, once all its nodes hold the key's RV(encoded) form in their
    keystores, see M(crosscluster.elasticsearch.keystore).
  - A key is found by its exact name among the live cross-cluster API keys, that is those that are neither revoked nor
    expired. API keys of other types are never touched, whatever their name.
  - Elasticsearch shows the secret of a key once, when it makes it. So RV(encoded) is returned by the run that makes
    the key and never again. Later runs adopt the key by its name, compare what it grants, and update it in place,
    which keeps its secret.
  - An option that is left out is left alone on an existing key.
notes:
  - One key serves one client cluster. The roles and playbooks of this collection name and deliver keys for whole
    meshes of clusters, see the role P(crosscluster.elasticsearch.cross_cluster_trust#role).
  - The user needs the cluster privilege C(manage_security). C(manage_api_key) is not enough for cross-cluster API
    keys.
  - Elasticsearch lets only the owner of a key, that is the user who made it, update it. Run this module always as the
    same user, or with O(run_as). A key of another user is adopted while nothing needs to be updated, and never
    revoked.
  - Keys need Elasticsearch 8.10, changing the expiration of an existing key 8.13, and O(certificate_identity) 9.3.
    Both clusters need an Enterprise licence or a trial.
  - When the answer to a creation gets lost, the module looks whether a key was made all the same, revokes it because
    nobody has its secret, and only then tries again, up to O(retries) times.
  - RV(encoded) is a secret. The result of this module is not displayed when it holds one, and is complete in a
    registered variable. Set C(no_log=true) on the tasks that use it.
  - Leave C(async) out of tasks that may make a key. Ansible keeps the result of such a job, the secret included, in a
    file below C(~/.ansible_async) on the host of the task, and removes it only where C(ansible.builtin.async_status)
    is called with O(ansible.builtin.async_status#module:mode=cleanup). O(credential_store) refuses C(async).
extends_documentation_fragment:
  - crosscluster.elasticsearch._connection
  - crosscluster.elasticsearch._attributes
  - crosscluster.elasticsearch._attributes.actiongroup_elasticsearch
attributes:
  check_mode:
    details:
      - What only the server can know, such as the id of a new key, is null then. O(access) and all other options are
        checked as in a real run.
  diff_mode:
    details:
      - Shows the compared fields of the key and the ids of the live keys of its name, in a sorted form, never a
        secret.
  idempotent:
    support: partial
    details:
      - With O(rotate=true) every run makes a new key.
options:
  name:
    description:
      - Name of the key. At most 256 characters, without white space at its ends, and not beginning with an
        underscore.
      - Names are not unique in Elasticsearch, see O(duplicates).
    type: str
    required: true
  state:
    description:
      - V(present) makes sure that there is a live key of this name that grants O(access).
      - V(absent) revokes, by id, all live keys of this name that belong to the user, except O(keep_ids). A revoked
        key stays visible for some days and can never be used again.
    type: str
    choices: [present, absent]
    default: present
  access:
    description:
      - What the client cluster may do. Needed to create a key. When given, it is the whole access of the key.
      - Elasticsearch sets the privileges itself, so C(privileges) is refused.
      - The order of entries and names means nothing and is not compared, and a query is compared by its content, be
        it written as a dictionary or as a JSON string.
    type: dict
    suboptions:
      search:
        description:
          - What may be searched from the client cluster.
        type: list
        elements: dict
        suboptions:
          names:
            description:
              - Names, patterns or (between slashes) regular expressions of indices, data streams and aliases. A list,
                or a string for a single one.
            type: raw
            required: true
          query:
            description:
              - Query, as a dictionary or as a JSON string, that documents must match to be seen (document level
                security).
              - Not allowed together with O(access.replication).
            type: raw
          field_security:
            description:
              - Fields that can be seen (field level security).
              - Not allowed together with O(access.replication).
            type: dict
            suboptions:
              grant:
                description:
                  - Fields, or patterns of fields, that can be seen.
                type: list
                elements: str
                required: true
              except:
                description:
                  - Fields, or patterns of fields, among those of O(access.search[].field_security.grant) that cannot
                    be seen.
                type: list
                elements: str
          allow_restricted_indices:
            description:
              - Whether the names also match restricted (system) indices.
            type: bool
            default: false
      replication:
        description:
          - What may be replicated to the client cluster (cross-cluster replication).
        type: list
        elements: dict
        suboptions:
          names:
            description:
              - Names, patterns or (between slashes) regular expressions of indices, data streams and aliases. A list,
                or a string for a single one.
            type: raw
            required: true
          allow_restricted_indices:
            description:
              - Whether the names also match restricted (system) indices.
            type: bool
            default: false
  expiration:
    description:
      - How long a key lives from when it is made or extended, as a whole number and a unit of V(d), V(h), V(m)
        (minutes) or V(s), such as V(90d). Left out, a new key never expires.
      - An existing key that already expires is not touched, unless O(renew_before) says that it is to be renewed. An
        existing key that never expires gets this expiration.
      - Elasticsearch cannot remove the expiration of a key. Make a new key with O(rotate=true) and without
        O(expiration).
      - What Elasticsearch accepts but makes a key that has expired at once (V(0), V(-1d), less than a second) is
        refused.
    type: str
  metadata:
    description:
      - Anything you want to keep with the key, such as which cluster uses it. Keys must not begin with an underscore.
      - When given, it is the whole metadata of the key. Entries that others have set are removed, and the diff shows
        them; V({}) removes all. Left out, the metadata of an existing key stays as it is.
    type: dict
  certificate_identity:
    description:
      - Regular expression (of Java) that the whole subject of the certificate must match with which the client
        cluster signs its requests, such as V(CN=cluster-a,O=Example). Requests that are not signed are refused then.
      - An empty string clears it.
      - Needs Elasticsearch 9.3 on both clusters.
    type: str
  renew_before:
    description:
      - Renew the key when it expires within this time, such as V(14d), in the way that O(on_expiring) says. Needs
        O(expiration), and must be shorter than it.
      - The clock of the host the task runs on counts.
    type: str
  on_expiring:
    description:
      - V(rotate) makes a new key and leaves the old one live until it expires, so that the new one can be delivered
        meanwhile.
      - V(extend) gives the key a new O(expiration) from now and keeps its secret. Nothing needs to be delivered, but
        the secret is never changed. Needs Elasticsearch 8.13.
    type: str
    choices: [rotate, extend]
    default: rotate
  rotate:
    description:
      - Make a new key now, in every run. The old one stays live (its id is among RV(duplicates)), so that searches go
        on while the new one is delivered. Revoke it afterwards with O(state=absent) and O(keep_ids).
      - What is left out of O(access), O(metadata) and O(certificate_identity) is taken over from the old key; the
        expiration is not.
    type: bool
    default: false
  duplicates:
    description:
      - What to do when several live keys have this name. Those of the user come before those of other users.
      - V(newest) uses the one that was made last and returns the others in RV(duplicates). It suits rotations, where
        two keys live side by side for some time.
      - V(error) fails and names the keys. It suits where nobody else should make keys of this name.
      - V(revoke) uses the newest and revokes the others of the same user. Only use it when no cluster uses an older
        key any more. The key that this very run replaces is spared.
    type: str
    choices: [newest, error, revoke]
    default: newest
  ids:
    description:
      - Look only at the live keys of the name that have one of these ids. Names are not unique, and a caller that knows
        which key it means neither updates nor revokes one that somebody else makes at the same time.
      - With O(state=present) one of them must be live.
    type: list
    elements: str
  keep_ids:
    description:
      - With O(state=absent), ids of keys that stay live. All other live keys of the name are revoked.
    type: list
    elements: str
  credential_store:
    description:
      - Directory on the controller where the key's secret is kept for the lookup
        P(crosscluster.elasticsearch.cross_cluster_api_key#lookup). It is written before the task reports success,
        with mode 0600, and encrypted when a vault secret is loaded.
      - When a run is cut off between the creation of a key and its storing, the next run finds the key that nobody
        has the secret of, revokes it and makes another one.
    type: path
  _store:
    description:
      - Private to the collection. The action plugin of this module uses it for O(credential_store), and refuses it in a
        task.
    type: dict
seealso:
  - module: crosscluster.elasticsearch.cross_cluster_api_keys
  - module: crosscluster.elasticsearch.cross_cluster_api_key_info
  - module: crosscluster.elasticsearch.keystore
  - module: crosscluster.elasticsearch.remote_cluster
  - plugin: crosscluster.elasticsearch.cross_cluster_api_key
    plugin_type: lookup
  - name: Add remote clusters using API key authentication
    description: Elastic's guide to clusters that trust each other by API keys.
    link: https://www.elastic.co/docs/deploy-manage/remote-clusters/remote-clusters-api-key
"""

EXAMPLES = r"""
- name: Make sure that cluster paris has a key to search the logs here
  crosscluster.elasticsearch.cross_cluster_api_key:
    urls: [https://berlin-1.example.com:9200, https://berlin-2.example.com:9200]
    username: automation
    password: "{{ elasticsearch_password }}"
    ca_cert: /etc/ssl/certs/berlin-ca.pem
    name: paris-berlin
    access:
      search:
        - names: ["logs-*", "metrics-*"]
    expiration: 90d
    renew_before: 14d
    metadata:
      client_cluster: paris
  delegate_to: localhost
  run_once: true
  register: key

- name: Hand a new key to all nodes of paris
  crosscluster.elasticsearch.keystore:
    name: cluster.remote.berlin.credentials
    value: "{{ key.encoded }}"
  when: key.operation in ['create', 'rotate'] and not ansible_check_mode
  no_log: true

- name: Let part of the documents and fields be searched only
  crosscluster.elasticsearch.cross_cluster_api_key:
    name: paris-berlin-hr
    access:
      search:
        - names: "hr-*"
          query:
            term:
              public: true
          field_security:
            grant: ["*"]
            except: ["salary", "salary.*"]

- name: Rotate, first step (the old key stays live)
  crosscluster.elasticsearch.cross_cluster_api_key:
    name: paris-berlin
    rotate: true
    expiration: 90d
  register: new

- name: Rotate, last step, once all nodes of paris work with the new key
  crosscluster.elasticsearch.cross_cluster_api_key:
    name: paris-berlin
    state: absent
    keep_ids: ["{{ new.api_key.id }}"]

- name: Keep the secret in a store on the controller, for the lookup
  crosscluster.elasticsearch.cross_cluster_api_key:
    name: paris-berlin
    access:
      search:
        - names: ["logs-*"]
    credential_store: "{{ inventory_dir }}/credentials"

- name: Revoke all keys of this name
  crosscluster.elasticsearch.cross_cluster_api_key:
    name: paris-berlin
    state: absent
"""

RETURN = r"""
operation:
  description:
    - What was done, or would be in check mode. An update or the making of a key may revoke keys besides, see
      RV(revoked_ids).
    - V(rotate) is the making of a key while another one is live, V(create) while none is.
  type: str
  returned: success
  choices: [none, create, update, rotate, revoke]
  sample: create
api_key:
  description:
    - The key after the run, as it is known without a further request. Null when O(state=absent).
  type: dict
  returned: success
  contains:
    id:
      description: Id of the key. Null in check mode when the key would be new.
      type: str
      returned: success
      sample: VuaCfGcBCdbkQm-e5aOx
    name:
      description: Name of the key.
      type: str
      returned: success
      sample: paris-berlin
    creation:
      description:
        - When the key was made, in milliseconds since the epoch. Null in check mode when the key would be new.
        - Of a new key that never expires it is the time of the host the task runs on.
      type: int
      returned: success
      sample: 1767225600000
    expiration:
      description:
        - When the key expires, in milliseconds since the epoch. Null when it never does, and in check mode when it
          would change.
        - Of a key that this run extended it is reckoned with the clock of the host the task runs on.
      type: int
      returned: success
      sample: 1775001600000
    access:
      description: What the key grants, with all defaults. A query is a string.
      type: dict
      returned: success
      sample:
        search:
          - names: ["logs-*"]
            allow_restricted_indices: false
    metadata:
      description: Metadata of the key.
      type: dict
      returned: success
      sample:
        client_cluster: paris
    certificate_identity:
      description: Pattern of the subjects of signing certificates, or null.
      type: str
      returned: success
      sample: CN=paris
    username:
      description: User that the key belongs to. Null for a new key when the login does not tell.
      type: str
      returned: success
      sample: automation
    realm:
      description: Realm of that user. Null for a new key.
      type: str
      returned: success
      sample: native1
encoded:
  description:
    - The secret that the client cluster needs, base64 of the id and the secret of the key. It cannot be read again.
    - Null in check mode.
  type: str
  returned: when a key was made in this run
  sample: VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw==
duplicates:
  description:
    - Ids of the other keys of this name that are live after the run, oldest first. With O(state=absent) all that are.
  type: list
  elements: str
  returned: success
  sample: [a1WcfGcBCdbkQm-e5bPq]
revoked_ids:
  description:
    - Ids of the keys that this run revoked, or would in check mode. Also returned when the run failed after some were
      revoked.
  type: list
  elements: str
  returned: success
  sample: []
"""

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.module import OPTIONS, ensure
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.argspec import ArgumentSpec
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.client import ElasticsearchClient
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._runner import Task, run_module


def work(task: Task, client: ElasticsearchClient) -> dict:
    return ensure(task.params, client, task.check_mode, task.warn)


def main() -> None:
    run_module(ArgumentSpec(OPTIONS), work)


if __name__ == "__main__":
    main()
