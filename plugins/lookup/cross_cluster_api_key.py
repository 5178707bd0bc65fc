# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cross_cluster_api_key
short_description: Cross-cluster API keys from the credential store
version_added: 1.0.0
description:
  - Returns credentials that M(crosscluster.elasticsearch.cross_cluster_api_key) has put into its O(store) on the
    controller.
  - It only reads, the store as well as the server, because lookups run lazily, repeatedly, for each host, and in check
    mode.
    It makes no key and repairs nothing.
  - Without O(verify) it makes no request. With it, one request for all terms.
extends_documentation_fragment:
  - crosscluster.elasticsearch._connection
  - crosscluster.elasticsearch._connection.plugins
options:
  _terms:
    description: Names of the keys.
    type: list
    elements: str
    required: true
  store:
    description:
      - Directory on the controller that was given as
        O(crosscluster.elasticsearch.cross_cluster_api_key#module:credential_store).
        A relative path starts at the directory of the playbook.
      - A template in the variable is resolved. One that stands in quotes among the arguments is not, so write
        C(store=base ~ '/keys').
      - The file of a key is plain or encrypted by Ansible Vault. A vault secret that opens it must be loaded then.
    type: path
    env:
      - name: CROSSCLUSTER_CREDENTIAL_STORE
    vars:
      - name: crosscluster_credential_store
  verify:
    description:
      - Ask the server cluster whether the stored keys are live, of this name, and cross-cluster API keys.
      - Takes the connection options. The user needs the cluster privilege C(read_security), C(manage_api_key) or
        C(manage_security); an API key with one of them will do.
    type: bool
    default: false
  on_missing:
    description:
      - What to do when the store has no credential of that name.
      - V(error) fails, V(warn) warns and leaves the term out, V(skip) leaves it out in silence.
    type: str
    choices: [error, warn, skip]
    default: error
  on_expired:
    description:
      - What to do when the key has expired, or does so within O(min_valid). As for O(on_missing).
      - Without O(verify) this is judged by the expiration that was stored, which does not know of a later extension.
    type: str
    choices: [error, warn, skip]
    default: error
  on_revoked:
    description:
      - With O(verify), what to do when the server says that the key was revoked, or does not know it (any more). As for
        O(on_missing).
    type: str
    choices: [error, warn, skip]
    default: error
  min_valid:
    description:
      - Duration, such as V(7d), for which the key must stay valid at least. See O(on_expired).
    type: str
  output:
    description:
      - What to return for each key.
      - V(encoded) is what goes into the keystore of a client node. V(id) is no secret. V(api_key) is the secret alone.
      - V(dict) is all that is stored.
    type: str
    choices: [encoded, id, api_key, dict]
    default: encoded
  urls:
    required: false
    description:
      - Addresses of nodes of the server cluster. Needed with O(verify) only.
notes:
  - Use C(no_log=true) on the task that uses the value. From ansible-core 2.22 on the value is masked wherever it is
    printed.
  - The file of a key is JSON in version 1 of the format, with the fields C(format), C(version), C(name), C(id),
    C(encoded), C(creation), C(expiration) (milliseconds since the epoch, or null) and C(cluster) (with C(urls)). It is
    called C(<name>.json), or for names that are not plain (lower case letters, digits, C(-) and C(_))
    C(<readable>~<digest>.json). An encrypted one can be read with C(ansible-vault view).
  - The name of the cluster is not part of the file name. Use one directory per server cluster where two clusters have
    keys of the same name.
  - A plain file that other users may open is refused. An encrypted one is not, so it may lie in version control.
  - AWX and Automation Platform have no place for a store that lasts. There, leave
    O(crosscluster.elasticsearch.cross_cluster_api_key#module:credential_store) out and let the keystores of the client
    nodes be the store. The C(trust) playbook works that way.
seealso:
  - module: crosscluster.elasticsearch.cross_cluster_api_key
  - module: crosscluster.elasticsearch.keystore
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: Put the key into the keystore of a client node
  crosscluster.elasticsearch.keystore:
    name: cluster.remote.berlin.credentials
    value: "{{ lookup('crosscluster.elasticsearch.cross_cluster_api_key', 'paris-berlin', store='credentials') }}"
  no_log: true

- name: Fail when one of the keys does not live for another week
  ansible.builtin.assert:
    that: ids | length == 2
  vars:
    crosscluster_credential_store: /etc/ansible/credentials
    ids: >-
      {{ query('crosscluster.elasticsearch.cross_cluster_api_key', 'paris-berlin', 'madrid-berlin',
               verify=true, min_valid='7d', output='id',
               urls=['https://berlin-1.example.com:9200'], username='monitor', password=monitor_password,
               ca_cert='/etc/ansible/berlin-ca.pem') }}

- name: Use a key if there is one
  ansible.builtin.debug:
    msg: >-
      {{ query('crosscluster.elasticsearch.cross_cluster_api_key', 'paris-berlin', on_missing='skip', output='id') }}
"""

RETURN = r"""
_raw:
  description:
    - One element per term, without those that were left out.
    - With O(output=dict), dictionaries with C(name), C(id), C(api_key), C(encoded), C(creation), C(expiration) and
      C(urls).
  type: list
  elements: raw
"""

import time
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.duration import parse_duration
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.key import KEY_TYPE
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.read import query_keys
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._errors import EsError, InputError
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._secrets import mark_api_key
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.client import build_client
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.credential_store import (
    CredentialStore,
    Entry,
    StoreError,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.facts import OPTIONS, forged, honest

display = Display()

NO_STORE = (
    "No credential store is given: set the option store, the variable crosscluster_credential_store or the"
    " environment variable"
    " CROSSCLUSTER_CREDENTIAL_STORE to the directory that credential_store of the module cross_cluster_api_key"
    " writes. In AWX,"
    " where nothing on the controller lasts, do without this lookup: the keystores of the client nodes are the store"
    " there, as"
    " the trust playbook has it (keystore_info reads them)."
)


class Stale(t.NamedTuple):
    """Why a credential is of no use, and the option that says what to do."""

    option: str
    message: str


class LookupModule(LookupBase):
    def run(self, terms: t.Sequence[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        problem = forged(variables or {}, OPTIONS)
        if problem:
            raise AnsibleLookupError(problem)
        self.set_options(var_options=self._resolved(variables or {}, kwargs), direct=kwargs)
        names = _names(terms)
        try:
            return self._values(names)
        except (StoreError, InputError, EsError) as exc:
            raise AnsibleLookupError(str(exc)) from None
        except AnsibleError:
            raise
        except Exception as exc:
            # Lookups' exceptions are printed even under no_log, and the text of an arbitrary one may hold a secret.
            raise AnsibleLookupError(
                f"This is a mistake in the collection crosscluster.elasticsearch: {type(exc).__name__}. Please"
                f" report it."
            ) from None

    def _resolved(self, variables: t.Mapping[str, t.Any], given: t.Container[str]) -> dict[str, t.Any]:
        """The variables that set options, with the templates in them. Arguments that are variables have been templated;
        what stands in quotes, or was put together of texts of others, never is."""
        options = C.config.get_configuration_definitions("lookup", self._load_name)
        names = {
            entry["name"]
            for option, definition in options.items()
            for entry in definition.get("vars") or ()
            if option not in given and entry["name"] in variables
        }
        # No fact of a node has a part in where a login is sent.
        known = honest(variables)
        templar = self._templar.copy_with_new_env(available_variables=known)
        found = {}
        for name in names:
            try:
                found[name] = templar.template(known[name], fail_on_undefined=True)
            except Exception:
                # The text of the error may quote other values.
                raise AnsibleLookupError(
                    f"The variable {name} has no value: a template in it fails. Facts of nodes decide nothing here: use"
                    " variables of the inventory or the play."
                ) from None
        return found

    def _values(self, names: list[str]) -> list[t.Any]:
        directory = self.get_option("store")
        if not directory:
            raise StoreError(NO_STORE)
        if "{{" in str(directory):
            raise StoreError(
                "store holds a template, which Ansible does not look into where it stands in quotes: write"
                " store=base ~ '/keys' for store='{{ base }}/keys', or use the variable crosscluster_credential_store."
            )
        min_valid = self.get_option("min_valid")
        needed_ms = parse_duration(min_valid, "min_valid").ms if min_valid else 0
        store = CredentialStore(self._loader.path_dwim(str(directory)), self._loader._vault)
        entries = {name: store.read(name) for name in names}
        for entry in entries.values():
            if entry is not None:
                mark_api_key(entry.encoded)
        on_server = self._ask(list(filter(None, entries.values()))) if self.get_option("verify") else None
        now_ms = int(time.time() * 1000)
        values = []
        for name in names:
            entry = entries[name]
            stale = _missing(name, store) if entry is None else judge(entry, on_server, now_ms, needed_ms, min_valid)
            if entry is not None and stale is None:
                values.append(self._output(entry))
            elif stale is not None:
                self._tell(stale)
        return values

    def _ask(self, entries: list[Entry]) -> dict[str, dict[str, t.Any]]:
        """What the server says about these keys, by id: one request however many they are, and none for none."""
        if not entries:
            return {}
        client = build_client(self)
        try:
            query = {"ids": {"values": sorted({entry.id for entry in entries})}}
            found = query_keys(client, query, "ask whether the stored API keys are live")
        finally:
            client.close()
        return {str(key.get("id")): key for key in found}

    def _output(self, entry: Entry) -> t.Any:
        output = self.get_option("output")
        if output == "dict":
            fields = {**entry._asdict(), "api_key": entry.api_key}
            return {**fields, "urls": list(entry.urls)}
        return getattr(entry, output)

    def _tell(self, stale: Stale) -> None:
        choice = self.get_option(stale.option)
        if choice == "error":
            raise AnsibleLookupError(f"{stale.message} ({stale.option}=skip leaves it out.)")
        if choice == "warn":
            display.warning(stale.message)


def _names(terms: t.Sequence[t.Any]) -> list[str]:
    names = []
    for term in terms:
        if not isinstance(term, str) or not term:
            raise AnsibleLookupError("The terms of cross_cluster_api_key are names of keys: give non-empty strings.")
        names.append(str(term))
    return names


def _missing(name: str, store: CredentialStore) -> Stale:
    return Stale(
        "on_missing",
        f"The credential store {store.directory} holds no key '{name}' (no {store.path(name)}). The module"
        f" cross_cluster_api_key"
        " with credential_store puts it there when it makes the key; for a key that exists already, run it with"
        " rotate=true.",
    )


def judge(
    entry: Entry,
    on_server: t.Mapping[str, t.Mapping[str, t.Any]] | None,
    now_ms: int,
    needed_ms: int,
    min_valid: t.Any = None,
) -> Stale | None:
    """Why the credential is of no use, or None. `on_server` is None when the server was not asked."""
    what = f"The stored key {entry.id} ('{entry.name}')"
    again = "Run cross_cluster_api_key with the same credential_store to replace it."
    expiration = entry.expiration
    if on_server is not None:
        key = on_server.get(entry.id)
        if key is None:
            return Stale(
                "on_revoked",
                f"{what} is not known to the server: it was revoked some time ago, or urls is another cluster. {again}",
            )
        if key.get("type") != KEY_TYPE:
            raise StoreError(
                f"{what} is not a cross-cluster API key on the server, but of type '{key.get('type')}'. {again}"
            )
        if key.get("name") != entry.name:
            raise StoreError(f"{what} has another name on the server: '{key.get('name')}'. {again}")
        if key.get("invalidated"):
            return Stale("on_revoked", f"{what} was revoked. {again}")
        expiration = key.get("expiration")
    if expiration is not None and expiration <= now_ms:
        return Stale("on_expired", f"{what} expired on {_date(expiration)}. {again}")
    if expiration is not None and expiration < now_ms + needed_ms:
        return Stale(
            "on_expired", f"{what} expires on {_date(expiration)}, within the {min_valid} of min_valid. {again}"
        )
    return None


def _date(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(ms / 1000))
