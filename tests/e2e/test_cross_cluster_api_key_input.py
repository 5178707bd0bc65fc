# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input and refusals of cross_cluster_api_key: one clear message, in check mode too, and nothing written."""

from __future__ import annotations

import typing as t

import pytest

from support.keys import LOGS, Keys
from support.worlds import reset


@pytest.fixture
def keys(world: t.Any) -> Keys:
    return Keys(world)


def search(**entry: t.Any) -> dict[str, t.Any]:
    return {"access": {"search": [{"names": ["logs-*"], **entry}]}}


BEFORE_ANY_REQUEST = [
    (search(privileges=["read"]), "access.search[0].privileges is not allowed"),
    ({"access": {"search": [{"query": {}}]}}, "access.search[0].names is missing"),
    ({"access": {"search": [{"names": []}]}}, "access.search[0].names is empty"),
    ({"access": {"search": [{"names": [""]}]}}, "access.search[0].names"),
    ({"access": {}}, "access is empty"),
    ({"access": {"search": []}}, "access is empty"),
    ({"access": {"serach": [{"names": "a"}]}}, "access.serach is not known"),
    ({"access": {"search": ["logs-*"]}}, "access.search[0] must be a dictionary"),
    (search(clusters=["a"]), "access.search[0].clusters is not known"),
    (search(query=5), "access.search[0].query"),
    (search(query="{not json"), "access.search[0].query"),
    (search(query=["a"]), "access.search[0].query"),
    (search(field_security={}), "field_security must be"),
    (search(field_security={"except": ["a"]}), "except needs grant"),
    (search(field_security={"grant": ["a*"], "except": ["b"]}), "grant does not grant"),
    (search(field_security={"grant": ["a"], "deny": ["b"]}), "field_security.deny is not known"),
    (search(allow_restricted_indices="maybe"), "must be true or false"),
    ({"access": {"replication": [{"names": "a", "query": {"a": 1}}]}}, "replication[0].query is not allowed"),
    (
        {"access": {"search": [{"names": "a", "query": {"a": 1}}], "replication": [{"names": "a"}]}},
        "one key for search",
    ),
    ({"access": LOGS, "expiration": "0"}, "expiration '0'"),
    ({"access": LOGS, "expiration": "0d"}, "expired at once"),
    ({"access": LOGS, "expiration": "-1d"}, "expired at once"),
    ({"access": LOGS, "expiration": "1.5d"}, "fraction"),
    ({"access": LOGS, "expiration": "1w"}, "unknown unit"),
    ({"access": LOGS, "expiration": "1M"}, "unit M"),
    ({"access": LOGS, "expiration": "30"}, "no unit"),
    ({"access": LOGS, "expiration": "never"}, "rotate=true"),
    ({"access": LOGS, "expiration": ""}, "rotate=true"),
    ({"access": LOGS, "expiration": "500ms"}, "at least 1s"),
    ({"access": LOGS, "renew_before": "7d"}, "needs expiration"),
    ({"access": LOGS, "renew_before": "7d", "expiration": "7d"}, "must be shorter"),
    ({"access": LOGS, "metadata": {"_a": 1}}, "begins with an underscore"),
    ({"access": LOGS, "name": " a"}, "white space"),
    ({"access": LOGS, "name": "_a"}, "underscore"),
    ({"access": LOGS, "name": ""}, "name is empty"),
    ({"access": LOGS, "name": "a" * 257}, "257 characters"),
    ({"access": LOGS, "keep_ids": ["a"]}, "state=absent"),
    ({"access": LOGS, "username": None, "password": None, "api_key": "YTpi"}, "no API key create"),
    ({"access": LOGS, "username": None, "password": None}, "No login"),
    ({"access": LOGS, "password": None}, "password is missing"),
    ({"access": LOGS, "bearer_token": "abcdefgh"}, "Two ways to log in"),
    ({"access": LOGS, "client_key": "/etc/hostname"}, "client_key needs client_cert"),
    ({"access": LOGS, "ca_cert": "/does/not/exist"}, "does not exist"),
    ({"access": LOGS, "ca_cert": "/etc/hostname"}, "readable CA certificate"),
    ({"access": LOGS, "urls": ["localhost:9200"]}, "is not a URL"),
    ({"access": LOGS, "urls": ["https://elastic:hunter22@es:9200"]}, "holds a login"),
    ({"access": LOGS, "urls": ["https://es:nine"]}, "port"),
    ({"access": LOGS, "urls": []}, "urls is empty"),
    ({"access": LOGS, "ca_cert": None, "ca_fingerprint": "abc"}, "SHA-256"),
    ({"access": LOGS, "ca_fingerprint": "ab" * 32}, "give one of them"),
    ({"access": LOGS, "ca_cert": None, "ca_fingerprint": "ab" * 32, "validate_certs": False}, "no effect"),
    ({"access": LOGS, "timeout": 0}, "timeout must be at least 1"),
    ({"access": LOGS, "retries": -1}, "retries must be at least 0"),
]


@pytest.mark.parametrize(("args", "message"), BEFORE_ANY_REQUEST)
@pytest.mark.parametrize("check", [True, False])
def test_refused_before_any_request(keys: Keys, args: dict[str, t.Any], message: str, check: bool) -> None:
    result, requests = keys.counted(check=check, **args)
    assert result.failed and message in result.msg, result
    assert requests == [] and len(result.msg) < 500 and "hunter22" not in str(result)


@pytest.mark.needs(since="9.3")
def test_a_certificate_identity_that_is_no_regular_expression(keys: Keys) -> None:
    result = keys.run(access=LOGS, certificate_identity="CN=(")
    assert result.failed and "failed to parse field [certificate_identity]" in result.msg, result


def test_access_is_needed_to_create(keys: Keys) -> None:
    for check in (True, False):
        result = keys.run(check)
        assert result.failed and "access is needed" in result.msg


def test_login_and_trust(keys: Keys) -> None:
    wrong = keys.run(access=LOGS, password="wrong-password")
    assert wrong.failed and "HTTP 401" in wrong.msg and "Check username and password" in wrong.msg
    assert "wrong-password" not in str(wrong)
    untrusted = keys.run(access=LOGS, ca_cert=None, retries=0)
    assert untrusted.failed and "not trusted" in untrusted.msg and "ca_cert" in untrusted.msg
    down = keys.run(access=LOGS, urls=["https://127.0.0.1:1", "https://127.0.0.1:2"], retries=0)
    assert down.failed and "connection refused" in down.msg and "None of the 2 urls" in down.msg
    plain = keys.run(access=LOGS, urls=[keys.options["urls"][0].replace("https:", "http:")], retries=0)
    assert plain.failed and "Traceback" not in plain.msg


def test_missing_privilege(keys: Keys) -> None:
    keys.api.user("minor", ["manage_api_key"])
    minor = keys.as_user("minor")
    result = minor.run(access=LOGS)
    assert result.failed and "HTTP 403" in result.msg and "manage_security" in result.msg
    key = keys.run(access=LOGS)["api_key"]["id"]
    gone = keys.run(state="absent", username="minor", password="secret-1", run_as=None)
    assert not gone.changed  # not the owner
    keys.api.user("nobody", [])
    result = keys.as_user("nobody").run(access=LOGS)
    assert result.failed and "read_security" in result.msg and keys.live() == [key]


def test_partial_revocation_inside_a_200(keys: Keys) -> None:
    owner = keys.api.user("owner", ["manage_security"])
    key = owner.key(keys.name)["id"]
    keys.api.user("owner", ["manage_api_key"])
    result = keys.as_user("owner").run(state="absent")
    assert result.failed and key in result.msg and "manage_security" in result.msg and result["revoked_ids"] == []
    assert keys.live() == [key]


@pytest.mark.needs("licences")
def test_licence(keys: Keys) -> None:
    keys.world.control("berlin", "set_license", type="basic")
    result = keys.run(access=LOGS)
    assert result.failed and "Enterprise licence" in result.msg


@pytest.mark.needs("versions")
def test_too_old_for_an_identity(make_world: t.Any) -> None:
    keys = Keys(make_world(clusters={"old": {"version": "9.2.0", "nodes": 1}}), cluster="old")
    keys.run(access=LOGS)
    for key in (keys, Keys(keys.world, "another", "old")):
        result = key.run(access=LOGS, certificate_identity="CN=a")
        assert result.failed and "9.3" in result.msg and "9.2.0" in result.msg, result


def test_oldest_version(make_world: t.Any) -> None:
    world = make_world(["berlin"], version="8.10.0")
    reset(world)
    keys = Keys(world)
    keys.three(access=LOGS, metadata={"a": 1}, expiration="1d")
    keys.three(access={"search": [{"names": ["x"]}]})
    keys.three(state="absent")


def test_ca_fingerprint(keys: Keys) -> None:
    import hashlib
    import ssl

    with open(keys.options["ca_cert"], encoding="utf-8") as file:
        der = ssl.PEM_cert_to_DER_cert(file.read())
    digits = hashlib.sha256(der).hexdigest()
    colons = ":".join(digits[i : i + 2] for i in range(0, 64, 2)).upper()
    for fingerprint in (digits, colons):
        result = keys.run(access=LOGS, ca_cert=None, ca_fingerprint=fingerprint)
        assert not result.failed, result.msg
    wrong = keys.run(access=LOGS, ca_cert=None, ca_fingerprint="ab" * 32, retries=0)
    assert wrong.failed and "fingerprint" in wrong.msg


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_cert_beats_the_bundle_of_the_environment(keys: Keys, variable: str, monkeypatch: t.Any) -> None:
    import certifi

    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, certifi.where())
    assert not keys.run(access=LOGS).failed
    monkeypatch.setenv(variable, keys.options["ca_cert"])
    assert not keys.run(access=LOGS, ca_cert=None).failed
    assert keys.run(access=LOGS, ca_cert=certifi.where(), retries=0).failed
