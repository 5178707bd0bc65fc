#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_yml_info
short_description: What stands in the elasticsearch.yml of a node, and which authorities it trusts
version_added: 2.0.0
description:
  - Reads C(elasticsearch.yml) of the node that runs on the host this task runs on, and tells the certificates in files
    beside it by their fingerprints. The roles use it before they change anything.
  - Run as root, it acts as the owner of O(config_dir) while it reads, so that a link that waits there leads no further
    than its owner gets. Only regular files of at most 1 MiB are read.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes.info_module
options:
  config_dir:
    description: Directory with C(elasticsearch.yml).
    type: path
    required: true
  certificate_authorities:
    description: Files with certificates, relative to O(config_dir). Elasticsearch reads such files only from there.
    type: list
    elements: str
    default: []
  files:
    description: Names of files in O(config_dir) whose time of the last change is asked for.
    type: list
    elements: str
    default: []
notes:
  - The file may hold passwords, so give the task C(no_log).
  - Needs nothing but Python 3.8 on the node.
seealso:
  - module: crosscluster.elasticsearch.elasticsearch_yml
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: Read elasticsearch.yml
  crosscluster.elasticsearch.elasticsearch_yml_info:
    config_dir: /etc/elasticsearch
    certificate_authorities: [certs/berlin-ca.crt]
  become: true
  no_log: true
  register: node
"""

RETURN = r"""
content:
  description: C(elasticsearch.yml), encoded in base64.
  returned: success
  type: str
  sample: Y2x1c3Rlci5uYW1lOiBwYXJpcwo=
certificate_authorities:
  description: What was found for each of O(certificate_authorities), by its path.
  returned: success
  type: dict
  sample:
    certs/berlin-ca.crt:
      fingerprints: [0f343b0931126a20f133d67c2b018a3b5bf1e2c5a6d2dd42f1b7ab7e3a3b1a4c]
      problem: null
  contains:
    fingerprints:
      description: The SHA-256 of each certificate.
      type: list
      elements: str
    problem:
      description: Why there are none, V(null) when there are.
      type: str
host_name:
  description: The name of the host, which is the name of the node where C(node.name) is not set.
  returned: success
  type: str
  sample: paris-1
modified:
  description:
    - For each of O(files) when it was last written to, in milliseconds since the epoch; V(null) where there is none.
  returned: success
  type: dict
  sample:
    remote_cluster_server.restart: null
"""

import base64
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node import config_dir as folder


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config_dir": {"type": "path", "required": True},
            "certificate_authorities": {"type": "list", "elements": "str", "default": []},
            "files": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        with folder.as_owner(module.params["config_dir"]) as directory:
            result = {
                "content": base64.b64encode(folder.read(folder.target(directory))).decode("ascii"),
                "certificate_authorities": {
                    path: folder.certificates(directory, path) for path in module.params["certificate_authorities"]
                },
                "host_name": os.uname().nodename,
                "modified": folder.modified(directory, module.params["files"]),
            }
    except folder.ConfigError as e:
        module.fail_json(msg=str(e))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
