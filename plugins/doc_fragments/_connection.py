# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options, for modules and (with PLUGINS) for lookups. Private to this collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragments."""

    DOCUMENTATION = r"""
options:
  urls:
    description:
      - Addresses of nodes of the cluster, such as V(https://es-1.example.com:9200). A path (of a proxy) is kept.
      - They are tried in this order when one cannot be reached.
      - A login inside a URL is refused, because URLs are printed. Use O(username) and O(password).
      - Taken from the environment variable E(ELASTICSEARCH_URL) (separated by commas) of the host the task runs on when
        not set. It must come from one of them.
    type: list
    elements: str
    required: true
    aliases: [url]
  username:
    description:
      - User to log in as, together with O(password).
      - Exactly one login is needed. O(username) with O(password), O(bearer_token), O(api_key), or O(client_cert) alone.
      - A login given as an option beats one that is taken from the environment.
      - Taken from the environment variable E(ELASTICSEARCH_USERNAME) when not set.
    type: str
  password:
    description:
      - Password of O(username).
      - Taken from the environment variable E(ELASTICSEARCH_PASSWORD) when not set.
    type: str
  bearer_token:
    description:
      - Token to log in with, such as one of the OAuth2 token service or a JSON Web Token of a JWT realm.
    type: str
  api_key:
    description:
      - API key to log in with, in its encoded form.
      - Elasticsearch lets no API key create or update cross-cluster API keys, so it serves for reading there.
      - Taken from the environment variable E(ELASTICSEARCH_API_KEY) when not set.
    type: str
  run_as:
    description:
      - User to act as (header C(es-security-runas-user)). The login needs the C(run_as) privilege for that user.
      - Elasticsearch lets only its owner update an API key, so this is how an administrator updates the key of an
        automation user.
    type: str
  client_cert:
    description:
      - File on the host the task runs on with the client certificate, PEM. It may hold the private key too.
      - Alone it is the login (PKI realm). Together with another login it only serves the TLS connection.
    type: path
  client_key:
    description:
      - File on the host the task runs on with the private key of O(client_cert), PEM, without a passphrase.
    type: path
  ca_cert:
    description:
      - File (PEM), or directory as C(openssl rehash) makes it, on the host the task runs on with the CA to trust.
        Nothing else is trusted then, whatever E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE) name.
      - Without O(ca_cert) and O(ca_fingerprint) the CAs of these variables, or those of the system and of the Python
        library C(requests) are trusted.
      - Taken from the environment variable E(ELASTICSEARCH_CA_CERT) when not set.
      - Mutually exclusive with O(ca_fingerprint).
    type: path
  ca_fingerprint:
    description:
      - SHA-256 fingerprint of the CA to trust, as Elasticsearch prints it at its first start; colons are optional.
      - The server must send its CA certificate along (Elasticsearch's own set-up does). The chain and the host name are
        verified against it in full.
      - It takes one more TLS connection, which carries no request, and cannot be used through a proxy.
      - Needs Python 3.10 or newer on the host that asks, because older ones cannot tell the chain. There use
        O(ca_cert).
    type: str
  validate_certs:
    description:
      - Whether to verify the certificate of the server. V(false) lets anybody in between read the login and the keys.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait for the answer to a request. A connection that cannot be opened is given up after 10 seconds.
      - With all its repetitions and fail-overs a request takes at most three times this.
    type: int
    default: 30
  retries:
    description:
      - How often a request is sent again when no node could be reached, when its answer got lost, or when it was 429,
        502, 503 or 504. The wait between doubles from half a second to 10 seconds, with jitter; a C(Retry-After) of the
        server is honoured in both its forms.
      - Only requests that are safe to repeat are. The creation of a key is not sent again before it is known that no
        key was made.
    type: int
    default: 3
requirements:
  - Python 3.8 or newer and its library C(requests) on the host that talks to Elasticsearch
"""

    # For lookups: the same options, completed by where else their values come from. Use both fragments together.
    PLUGINS = r"""
options:
  urls:
    env:
      - name: ELASTICSEARCH_URL
    ini:
      - section: elasticsearch_cross_cluster
        key: urls
    vars:
      - name: elasticsearch_urls
  username:
    env:
      - name: ELASTICSEARCH_USERNAME
    ini:
      - section: elasticsearch_cross_cluster
        key: username
    vars:
      - name: elasticsearch_username
  password:
    env:
      - name: ELASTICSEARCH_PASSWORD
    vars:
      - name: elasticsearch_password
  bearer_token:
    vars:
      - name: elasticsearch_bearer_token
  api_key:
    env:
      - name: ELASTICSEARCH_API_KEY
    vars:
      - name: elasticsearch_api_key
  run_as:
    vars:
      - name: elasticsearch_run_as
  client_cert:
    ini:
      - section: elasticsearch_cross_cluster
        key: client_cert
    vars:
      - name: elasticsearch_client_cert
  client_key:
    ini:
      - section: elasticsearch_cross_cluster
        key: client_key
    vars:
      - name: elasticsearch_client_key
  ca_cert:
    env:
      - name: ELASTICSEARCH_CA_CERT
    ini:
      - section: elasticsearch_cross_cluster
        key: ca_cert
    vars:
      - name: elasticsearch_ca_cert
  ca_fingerprint:
    ini:
      - section: elasticsearch_cross_cluster
        key: ca_fingerprint
    vars:
      - name: elasticsearch_ca_fingerprint
  validate_certs:
    ini:
      - section: elasticsearch_cross_cluster
        key: validate_certs
    vars:
      - name: elasticsearch_validate_certs
  timeout:
    ini:
      - section: elasticsearch_cross_cluster
        key: timeout
    vars:
      - name: elasticsearch_timeout
  retries:
    ini:
      - section: elasticsearch_cross_cluster
        key: retries
    vars:
      - name: elasticsearch_retries
"""
