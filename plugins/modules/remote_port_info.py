#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: remote_port_info
short_description: What answers at the address of a remote cluster
version_added: 1.0.0
description:
  - Connects from the host it runs on, such as a node of the client cluster, to the address of a remote cluster, speaks
    TLS and looks at the certificate. Nothing is sent in the connection.
  - Elasticsearch writes why a connection fails only into the log of the node. This tells a closed port, a name that
    cannot be resolved, a port that is not the one for API keys, an unknown CA and a wrong name from each other.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes.info_module
options:
  addresses:
    description: Addresses as C(host:port).
    type: list
    elements: str
    required: true
  server_name:
    description: Name to send in the handshake (SNI), as the setting C(server_name) of the remote cluster.
    type: str
  ca_certs:
    description:
      - Files on the host it runs on with the CAs to trust, as C(certificate_authorities) of
        C(xpack.security.remote_cluster_client.ssl) has them.
    type: list
    elements: path
    default: []
  config_dir:
    description:
      - Directory with the C(elasticsearch.yml) of the node. The CAs that it names for remote clusters are trusted, and
        nothing else, and its C(verification_mode) is followed, so that the answer is what the node would get.
      - Where it names none those of the system stand in for those of the JDK.
      - Where it cannot be read or names a truststore, O(ca_certs) and O(ca_pem) are used. RV(ports[].trust) says which.
    type: path
    default: /etc/elasticsearch
  ca_pem:
    description:
      - The CAs to trust as PEM text, used as O(ca_certs). Without any, those of the system are trusted.
    type: str
  timeout:
    description: Seconds to wait for a connection.
    type: int
    default: 5
notes:
  - Needs nothing but Python 3.8 on the node.
  - A failing connection is a result and no failure of the task.
  - The certificate is verified with the rules of Python, which are a little stricter than those of Java.
seealso:
  - module: crosscluster.elasticsearch.remote_cluster_info
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: See from this node what answers for berlin
  crosscluster.elasticsearch.remote_port_info:
    addresses: [berlin.example.com:9443]
    ca_certs: [/etc/elasticsearch/certs/berlin-ca.pem]
  register: port
"""

RETURN = r"""
ports:
  description: One entry for each address.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The address.
      type: str
    cause:
      description: What keeps a client from getting through, V(null) when nothing does.
      type: str
      choices:
        - unknown_host
        - unreachable
        - not_tls
        - transport_port
        - certificate_untrusted
        - certificate_expired
        - certificate_name
    trust:
      description:
        - Whose trust the certificate was held against, V(node) for what C(elasticsearch.yml) says, V(given) for
          O(ca_certs) and O(ca_pem), V(system) where neither is known, and so not what the node itself would trust.
      type: str
      choices: [node, given, system]
      version_added: 2.0.0
    reason:
      description: What was seen.
      type: str
    names:
      description: Names and addresses that the certificate bears.
      type: list
      elements: str
    not_after:
      description: When the certificate ends.
      type: str
"""

import ssl

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.address import address_problem
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.argspec import AddressModule
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node.port_probe import (
    node_trust,
    probe,
    trust,
)


def main() -> None:
    module = AddressModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
            "server_name": {"type": "str"},
            "ca_certs": {"type": "list", "elements": "path", "default": []},
            "config_dir": {"type": "path", "default": "/etc/elasticsearch"},
            "ca_pem": {"type": "str"},
            "timeout": {"type": "int", "default": 5},
        },
        supports_check_mode=True,
    )
    own, given = node_trust(module.params["config_dir"]), module.params["ca_certs"]
    source = "node" if own.known else "given" if given or module.params["ca_pem"] else "system"
    ports = []
    for address in module.params["addresses"]:
        problem = address_problem(address)
        if problem:
            module.fail_json(msg=f"Nothing was connected to: {problem}.")
        try:
            context = trust(own.files, None) if own.known else trust(given, module.params["ca_pem"])
        except (OSError, ssl.SSLError) as exc:
            module.fail_json(msg=f"The CA certificates to trust cannot be read: {exc}. Check ca_certs and ca_pem.")
        port = probe(address, context, module.params["server_name"], module.params["timeout"], own.mode)
        ports.append({**port, "trust": source})
    module.exit_json(changed=False, ports=ports)


if __name__ == "__main__":
    main()
