#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_calls
short_description: What modules of this collection do, for several clusters in one run
version_added: 2.0.0
description:
  - Does what M(crosscluster.elasticsearch.remote_cluster) and others do at one cluster, for several clusters at a time.
    A call that fails does not fail the others, nor the task.
  - A part of the roles of this collection, which may change in any release. Do not use it elsewhere.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes
attributes:
  check_mode:
    details: Each call does what its module does in check mode.
  diff_mode:
    details: Each call shows what its module shows.
options:
  calls:
    description:
      - Dictionaries of C(cluster) and C(label), which are returned with the result, C(module), C(connection), which are
        the connection options of modules, and C(arguments), which are those that its module has beside these.
    type: list
    elements: dict
    required: true
seealso:
  - module: crosscluster.elasticsearch.link_phase
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: Read the versions of two clusters
  crosscluster.elasticsearch.cluster_calls:
    calls:
      - cluster: berlin
        module: cluster_info
        connection: "{{ berlin }}"
      - cluster: paris
        module: cluster_info
        connection: "{{ paris }}"
"""

RETURN = r"""
results:
  description: The results of the calls, in their order, each with its C(cluster), C(module) and C(label).
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._calls import ClusterCall, call_all, summary
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.transport import (
    HAS_REQUESTS,
    REQUESTS_IMPORT_ERROR,
)


def main() -> None:
    # All of it may hold secrets; which of it does is known once it is read.
    module = AnsibleModule(
        argument_spec={"calls": {"type": "list", "elements": "dict", "required": True, "no_log": True}},
        supports_check_mode=True,
    )
    if not HAS_REQUESTS:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    calls = [ClusterCall(given) for given in module.params["calls"]]
    module.no_log_values.clear()
    module.no_log_values.update(*(call.secrets for call in calls))
    module.exit_json(**summary(call_all(calls, module.check_mode, module._diff, module.warn)))


if __name__ == "__main__":
    main()
