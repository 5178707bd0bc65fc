#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cross_cluster_api_keys
short_description: Several cross-cluster API keys of one Elasticsearch cluster at once
version_added: 2.0.0
description:
  - Does for many keys of one cluster what M(crosscluster.elasticsearch.cross_cluster_api_key) does for one, with the
    same options for each. All are looked for with one request, and up to four are made, updated or revoked at a time.
  - A key that fails does not stop the others. The task fails at the end then, and says which it was; what was made is
    in the result all the same.
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
notes:
  - The notes of M(crosscluster.elasticsearch.cross_cluster_api_key) are true here as well.
  - The secrets in RV(api_keys) are returned once, by the run that makes the keys. The result of this module is not
    displayed when it holds one, and is complete in a registered variable, also when the task fails. A failure is told
    in a warning then, because Ansible displays nothing else of such a result.
extends_documentation_fragment:
  - crosscluster.elasticsearch._connection
  - crosscluster.elasticsearch._attributes
  - crosscluster.elasticsearch._attributes.actiongroup_elasticsearch
attributes:
  check_mode:
    details:
      - What only the server can know, such as the id of a new key, is null then. All options are checked as in a real
        run.
  diff_mode:
    details:
      - Shows the compared fields of the keys and the ids of the live keys of their names, never a secret.
  idempotent:
    support: partial
    details:
      - With C(rotate=true) of a key every run makes a new one.
options:
  keys:
    description:
      - The keys. Each is a dictionary of the options of M(crosscluster.elasticsearch.cross_cluster_api_key), without
        those of the connection; C(name) is required. A name may be given once, or several times with other C(ids).
    type: list
    elements: dict
    required: true
seealso:
  - module: crosscluster.elasticsearch.cross_cluster_api_key
  - module: crosscluster.elasticsearch.cross_cluster_api_key_info
  - module: crosscluster.elasticsearch.keystore
"""

EXAMPLES = r"""
- name: Keys for the clusters that search berlin
  crosscluster.elasticsearch.cross_cluster_api_keys:
    urls: [https://berlin-1.example.com:9200]
    username: linker
    password: "{{ vault_berlin }}"
    ca_cert: /etc/ssl/berlin-ca.pem
    keys:
      - name: rome-berlin
        access:
          search:
            - names: ["logs-*"]
        expiration: 90d
        renew_before: 14d
      - name: oslo-berlin
        access:
          search:
            - names: ["metrics-*"]
      - name: lisbon-berlin
        state: absent
  register: made

- name: See which were made in this run
  ansible.builtin.debug:
    msg: "{{ made.api_keys | rejectattr('encoded', 'undefined') | map(attribute='name') | list }}"
"""

RETURN = r"""
api_keys:
  description:
    - What was done about each of the O(keys), in their order. The same list is returned as C(keys), which templates
      have to call C(result['keys']).
  returned: always, but for a run that ends before the first key
  type: list
  elements: dict
  contains:
    name:
      description: The name of the key.
      type: str
    changed:
      description: Whether something was done.
      type: bool
    operation:
      description:
        - What was done, or would be done in check mode; see
          RV(crosscluster.elasticsearch.cross_cluster_api_key#module:operation).
      returned: when it is as asked for
      type: str
    api_key:
      description: The key, see RV(crosscluster.elasticsearch.cross_cluster_api_key#module:api_key).
      returned: when it is as asked for
      type: dict
    encoded:
      description:
        - The secret that the client cluster needs. It cannot be read again. Null in check mode.
      returned: when the key was made in this run
      type: str
    duplicates:
      description: Ids of the other live keys of this name.
      returned: when it is as asked for
      type: list
      elements: str
    revoked_ids:
      description: Ids of the keys that were revoked, or would be in check mode.
      returned: when it is as asked for, or some were revoked before it failed
      type: list
      elements: str
    failed:
      description: That it is not as asked for.
      returned: when it is not
      type: bool
    msg:
      description: Why it is not as asked for.
      returned: when it is not
      type: str
"""

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._runner import run_module
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._work.cross_cluster_api_keys import SPEC, work


def main() -> None:
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
