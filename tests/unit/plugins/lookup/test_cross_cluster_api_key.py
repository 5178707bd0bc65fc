# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
import yaml
from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.crosscluster.elasticsearch.plugins.doc_fragments import _connection
from ansible_collections.crosscluster.elasticsearch.plugins.lookup import cross_cluster_api_key as plugin
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.credential_store import (
    CredentialStore,
    Entry,
    StoreError,
)

SECRET = "ui2lp2axTNmsyakw9tvNnw"
DAY = 86400 * 1000


def entry(name, expiration=None):
    key_id = "id-of-" + name
    encoded = base64.b64encode(f"{key_id}:{SECRET}".encode()).decode()
    return Entry(name, key_id, encoded, 1, expiration, ("https://berlin:9200",))


def definitions():
    """The options as ansible-core reads them out of the documentation and its fragments."""
    merged = {}
    fragment = _connection.ModuleDocFragment
    for text in (fragment.DOCUMENTATION, fragment.PLUGINS, plugin.DOCUMENTATION):
        for name, option in yaml.safe_load(text)["options"].items():
            merged.setdefault(name, {}).update(option)
    merged["_terms"].pop("required")  # core gives the terms to run()
    return merged


@pytest.fixture
def directory(tmp_path, monkeypatch):
    for name in ("CROSSCLUSTER_CREDENTIAL_STORE", "ELASTICSEARCH_URL"):
        monkeypatch.delenv(name, raising=False)
    store = CredentialStore(str(tmp_path))
    for name, expiration in (("a", None), ("b", None), ("old", 1000)):
        store.write(entry(name, expiration))
    return str(tmp_path)


def lookup(*terms, variables=None, **options):
    loader = DataLoader()
    found = plugin.LookupModule(loader=loader, templar=Templar(loader=loader, variables=variables or {}))
    found._load_name = "crosscluster.elasticsearch.cross_cluster_api_key"
    C.config.initialize_plugin_configuration_definitions("lookup", found._load_name, definitions())
    return found.run(list(terms), variables=variables or {}, **options)


def test_one_value_per_term_without_connection(directory):
    assert lookup("a", "b", store=directory) == [entry("a").encoded, entry("b").encoded]


@pytest.mark.parametrize("source", ["env", "var"])
def test_where_the_store_comes_from(directory, monkeypatch, source):
    if source == "env":
        monkeypatch.setenv("CROSSCLUSTER_CREDENTIAL_STORE", directory)
    variables = {"crosscluster_credential_store": directory} if source == "var" else {}
    assert lookup("a", variables=variables) == [entry("a").encoded]


@pytest.mark.parametrize(("output", "value"), [("id", "id-of-a"), ("api_key", SECRET), ("encoded", entry("a").encoded)])
def test_output(directory, output, value):
    assert lookup("a", store=directory, output=output) == [value]


def test_output_dict(directory):
    assert lookup("a", store=directory, output="dict") == [
        {"name": "a", "id": "id-of-a", "encoded": entry("a").encoded, "api_key": SECRET, "creation": 1,
         "expiration": None,
         "urls": ["https://berlin:9200"]}
    ]  # fmt: skip


def test_no_store_says_what_to_do(directory):
    with pytest.raises(AnsibleError, match="crosscluster_credential_store.*AWX"):
        lookup("a")


@pytest.mark.parametrize("option", ["on_missing", "on_expired"])
def test_policies(directory, option):
    term = {"on_missing": "nobody", "on_expired": "old"}[option]
    with pytest.raises(AnsibleError, match=f"{option}=skip"):
        lookup("a", term, store=directory)
    for policy in ("skip", "warn"):
        assert lookup("a", term, "b", store=directory, output="id", **{option: policy}) == ["id-of-a", "id-of-b"]


@pytest.mark.parametrize("bad", [7, "", None, ["a"]])
def test_bad_terms(directory, bad):
    with pytest.raises(AnsibleError, match="non-empty strings"):
        lookup(bad, store=directory)


@pytest.mark.parametrize(
    "options", [{"min_valid": "1w"}, {"min_valid": "7"}, {"verify": True}, {"on_missing": "ignore"}]
)
def test_bad_options_are_refused_without_the_secret(directory, options):
    with pytest.raises(AnsibleError) as caught:
        lookup("a", store=directory, **options)
    assert SECRET not in str(caught.value)


def live(key, **more):
    return {"id": "id-of-" + key, "name": key, "type": "cross_cluster", "invalidated": False, **more}


@pytest.mark.parametrize(
    ("key", "option", "message"),
    [
        (live("a"), None, None),
        (None, "on_revoked", "not known to the server"),
        (live("a", invalidated=True), "on_revoked", "was revoked"),
        (live("a", expiration=9 * DAY), "on_expired", "expired on 1970-01-10"),
        (live("a", expiration=11 * DAY), "on_expired", "within the 2d of min_valid"),
        (live("a", expiration=12 * DAY), None, None),
    ],
)
def test_what_the_server_says(key, option, message):
    stale = plugin.judge(entry("a", 5), {key["id"]: key} if key else {}, 10 * DAY, 2 * DAY, "2d")
    assert (stale.option if stale else None) == option
    assert stale is None or message in stale.message


@pytest.mark.parametrize("wrong", [{"type": "rest"}, {"name": "b"}])
def test_what_no_policy_forgives(wrong):
    with pytest.raises(StoreError, match="on the server"):
        plugin.judge(entry("a"), {"id-of-a": live("a", **wrong)}, 0, 0)
