# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST layer: unknown paths, wrong methods, media types, headers, logins."""

from __future__ import annotations

import base64

import pytest
import requests

CHALLENGES = ['Basic realm="security", charset="UTF-8"', 'Bearer realm="security"', "ApiKey"]
NOT_AUTHENTICATED = (
    "unable to authenticate with provided credentials and anonymous access is not allowed for this request"
)


@pytest.mark.needs("untouched")
def test_headers(berlin):
    answer = berlin.get("/")
    assert (
        answer.headers["X-Elastic-Product"] == "Elasticsearch" and answer.headers["Content-Type"] == "application/json"
    )
    vendor = "application/vnd.elasticsearch+json;compatible-with=9"
    assert berlin.get("/", headers={"Accept": vendor}).headers["Content-Type"] == vendor
    old = berlin.get("/", headers={"Accept": "application/vnd.elasticsearch+json; compatible-with=7"})
    assert (old.status, old.error["type"]) == (400, "media_type_header_exception") and "but found 7" in old.error[
        "reason"
    ]
    assert berlin("HEAD", "/").status == 200 and berlin("HEAD", "/").text == ""


@pytest.mark.parametrize("path", ["/_security/cross_cluster", "/a/b/c", "/_nodes/a/b/c", "/_security/api_keys/x"])
def test_unknown_path(berlin, path):
    answer = berlin.get(path)
    assert answer.status == 400 and answer.json == {"error": f"no handler found for uri [{path}] and method [GET]"}


def test_wrong_method(berlin):
    answer = berlin("PATCH", "/_security/api_key")
    assert answer.status == 405 and answer.headers["Allow"] == "DELETE,GET,POST,PUT" and answer.json["status"] == 405
    assert answer.json["error"].startswith(
        "Incorrect HTTP method for uri [/_security/api_key] and method [PATCH], allowed: ["
    )


def test_media_types(berlin):
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = berlin.post("/_security/api_key", data=b"{}", headers={"Content-Type": content_type})
        assert answer.status == 406 and answer.json == {
            "error": f"Content-Type header [{content_type}] is not supported",
            "status": 406,
        }
    answer = berlin.post("/_security/api_key", data=b"{}")
    assert answer.status == 406 and answer.json["error"] == "Content-Type header is missing"


@pytest.mark.needs("untouched")
def test_parameters(berlin):
    one, two = berlin.get("/?x=1"), berlin.get("/_license?acceptenterprise=1&zzz=1")
    assert one.status == 400 and one.error["reason"] == "request [/] contains unrecognized parameter: [x]"
    assert two.error["reason"].startswith(
        "request [/_license] contains unrecognized parameters: [acceptenterprise] -> did you mean ["
    )
    assert berlin.get("/", {"a": 1}).error["reason"] == "request [GET /] does not support having a body"
    assert berlin.get("/?pretty").text.startswith('{\n  "name" : "berlin-1"')
    assert berlin.get("/?filter_path=version.number,name").json == {"name": "berlin-1", "version": {"number": "9.3.0"}}
    assert set(berlin.get("/?filter_path=-version").json) == {"name", "cluster_name", "cluster_uuid", "tagline"}
    refusal = berlin.get("/_security/api_key?owner=x&filter_path=api_keys.id")
    assert refusal.error["type"] == "illegal_argument_exception", "filter_path leaves errors whole"
    assert berlin.get("/?human&format=json").status == 200
    assert "stack_trace" in berlin.get("/_security/api_key?owner=x&error_trace=true").error


def refused(answer, reason):
    assert answer.status == 401 and answer.error["type"] == "security_exception" and answer.error["reason"] == reason
    assert answer.error["header"] == {"WWW-Authenticate": CHALLENGES}
    assert answer.error["root_cause"][0]["reason"] == reason and "ApiKey" in answer.headers["WWW-Authenticate"]


def test_login_refused(berlin, world):
    url, ca = berlin.url, berlin.spec["ca_cert"]

    def bare(header=None):
        from support.worlds import Answer

        return Answer(
            requests.get(url + "/x/y/z", headers={"Authorization": header} if header else {}, verify=ca, timeout=10)
        )

    refused(bare(), "missing authentication credentials for REST request [/x/y/z]")
    refused(bare("Negotiate abc"), "missing authentication credentials for REST request [/x/y/z]")
    refused(
        berlin.as_user("elastic", "wrong").get("/x?a=b"),
        "unable to authenticate user [elastic] for REST request [/x?a=b]",
    )
    refused(berlin.as_user("nobody").get("/"), "unable to authenticate user [nobody] for REST request [/]")
    refused(berlin.as_bearer("nonsense").get("/"), NOT_AUTHENTICATED)
    refused(bare("Basic ???"), "invalid basic authentication header value")


@pytest.mark.needs("clock")
def test_login_with_api_key(berlin, world):
    def key(encoded):
        return berlin.as_api_key(encoded).get("/_security/_authenticate")

    rest, cross, short = berlin.rest_key(), berlin.key(), berlin.rest_key(expiration="1m")
    good = key(rest["encoded"])
    assert (
        good.status == 200
        and good.json["api_key"]["id"] == rest["id"]
        and good.json["authentication_type"] == "api_key"
    )

    def why(encoded):
        answer = key(encoded)
        refused(answer, NOT_AUTHENTICATED)
        return answer.error["additional_unsuccessful_credentials"]

    def made(text):
        return base64.b64encode(text.encode()).decode()

    refused(
        key(cross["encoded"]),
        f"authentication expected API key type of [rest], but API key [{cross['id']}] has type [cross_cluster]",
    )
    refused(key(made("no colon")), "invalid ApiKey value")
    assert why(made("unknown:secret")) == "API key: unable to find apikey with id unknown"
    assert why(made(f"{rest['id']}:wrong")) == f"API key: invalid credentials for API key [{rest['id']}]"
    world.control("berlin", "advance_clock", seconds=60)
    assert why(short["encoded"]) == "API key: api key is expired"
    berlin.delete("/_security/api_key", {"ids": [rest["id"]]})
    assert why(rest["encoded"]) == f"API key: api key [{rest['id']}] has been invalidated"


def test_api_key_never_exceeds_its_owner(berlin):
    user = berlin.user("weak", ["manage_own_api_key", "monitor"])
    key = user.rest_key(role_descriptors={"r": {"cluster": ["all"]}})
    caller = berlin.as_api_key(key["encoded"])
    assert caller.get("/").status == 200 and caller.get("/_security/user").status == 403
    narrow = berlin.rest_key(role_descriptors={"r": {"cluster": ["read_security"]}})
    assert berlin.as_api_key(narrow["encoded"]).get("/_security/user").status == 200
    assert berlin.as_api_key(narrow["encoded"]).get("/").status == 403
    assert (
        f"API key id [{narrow['id']}] of user [elastic]"
        in berlin.as_api_key(narrow["encoded"]).get("/").error["reason"]
    )
    derived = berlin.as_api_key(berlin.rest_key()["encoded"]).post("/_security/api_key", {"name": "derived"})
    assert derived.status == 400 and derived.error["reason"].startswith(
        "creating derived api keys requires an explicit role descriptor"
    )


@pytest.mark.needs("clock")
def test_login_with_bearer_token(berlin, world):
    body = {"grant_type": "password", "username": "elastic", "password": berlin.spec["password"]}
    token = berlin.post("/_security/oauth2/token", body).json
    caller = berlin.as_bearer(token["access_token"])
    assert caller.get("/_security/_authenticate").json["authentication_type"] == "token"
    assert caller.key()["id"], "a token can create keys"
    bad = berlin.post("/_security/oauth2/token", {**body, "password": "wrong"})
    assert bad.status == 400 and bad.json["error"] == "invalid_grant"
    assert berlin.delete("/_security/oauth2/token", {"token": token["access_token"]}).json["invalidated_tokens"] == 1
    assert caller.get("/").status == 401
    late = berlin.as_bearer(berlin.post("/_security/oauth2/token", body).json["access_token"])
    world.control("berlin", "advance_clock", seconds=1200)
    expired = late.get("/")
    assert expired.status == 401 and 'error="invalid_token"' in expired.headers["WWW-Authenticate"]


def test_run_as(berlin):
    berlin.user("ann", ["monitor"])
    both = berlin.run_as("ann").get("/_security/_authenticate").json
    assert (
        both["username"] == "ann"
        and both["authentication_realm"]["name"] == "reserved"
        and both["lookup_realm"]["name"] == "default_native"
    )
    assert berlin.run_as("ann").get("/_security/user").status == 403, "the effective user's rights count"
    boss = berlin.user("boss", ["all"], run_as=["a*"])
    assert boss.run_as("ann").get("/").status == 200
    for caller, name in ((boss, "elastic"), (berlin, "nobody")):
        answer = caller.run_as(name).get("/")
        assert answer.status == 403 and f"is unauthorized to run as [{name}]" in answer.error["reason"]


@pytest.mark.needs("untouched")
def test_users_and_roles(berlin):
    assert berlin.put("/_security/user/ann", {"password": "short", "roles": []}).status == 400
    assert (
        berlin.put("/_security/user/ann", {"roles": []})
        .error["reason"]
        .endswith("password must be specified unless you are updating an existing user;")
    )
    assert berlin.put("/_security/user/elastic", {"roles": []}).status == 400
    assert berlin.put("/_security/user/ann", {"password": "secret-1", "roles": ["gone"]}).json == {"created": True}
    assert berlin.put("/_security/user/ann", {"roles": ["gone"], "full_name": "Ann"}).json == {"created": False}
    refused_ = berlin.as_user("ann").get("/")
    assert "with effective roles [] (assigned roles [gone] were not found)" in refused_.error["reason"]
    assert berlin.put("/_security/user/ann/_disable").status == 200 and berlin.as_user("ann").get("/").status == 401
    assert (
        berlin.get("/_security/user/ann").json["ann"]["full_name"] == "Ann"
        and berlin.get("/_security/user/bob").status == 404
    )
    assert (
        berlin.delete("/_security/user/ann").json == {"found": True}
        and berlin.delete("/_security/user/ann").status == 404
    )
    assert berlin.put("/_security/role/superuser", {"cluster": []}).status == 400
    unknown = berlin.put(
        "/_security/role/r", {"cluster": ["nonsense"], "indices": [{"names": "a", "privileges": ["nope"]}]}
    )
    assert unknown.error["type"] == "action_request_validation_exception"
    assert (
        "unknown cluster privilege [nonsense]" in unknown.error["reason"]
        and "unknown index privilege [nope]" in unknown.error["reason"]
    )
    assert (
        "unexpected field [clusters]"
        in berlin.put(
            "/_security/role/r", {"indices": [{"names": "a", "privileges": ["read"], "clusters": "x"}]}
        ).error["reason"]
    )
    assert "unexpected field [nonsense]" in berlin.put("/_security/role/r", {"nonsense": 1}).error["reason"]
    role = {"cluster": ["monitor"], "indices": [{"names": ["a"], "privileges": ["read"]}]}
    assert berlin.put("/_security/role/r", role).json == {"role": {"created": True}} and berlin.put(
        "/_security/role/r", role
    ).json["role"] == {"created": False}
    assert berlin.get("/_security/role/r").json["r"]["indices"] == [
        {"names": ["a"], "privileges": ["read"], "allow_restricted_indices": False}
    ]


def test_has_privileges(berlin):
    user = berlin.user("ann", ["manage_security"], [{"names": ["logs-*"], "privileges": ["read"]}])
    body = {
        "cluster": ["manage_security", "manage_api_key", "manage"],
        "index": [{"names": ["logs-1", "x"], "privileges": ["read"]}],
    }
    answer = user.post("/_security/user/_has_privileges", body).json
    assert (
        answer["cluster"] == {"manage_security": True, "manage_api_key": True, "manage": False}
        and answer["has_all_requested"] is False
    )
    assert answer["index"] == {"logs-1": {"read": True}, "x": {"read": False}}


def test_indices(berlin):
    assert berlin.put("/logs-1/_doc/1", {"a": "hello world", "n": 1}).status == 201
    assert berlin.put("/logs-1/_doc/1", {"a": "hello world", "n": 1}).json["result"] == "updated"
    lines = b'{"index":{"_index":"logs-2"}}\n{"a":"bye","n":2}\n'
    assert berlin.post("/_bulk", data=lines, headers={"Content-Type": "application/x-ndjson"}).json["errors"] is False
    assert berlin.get("/logs-*/_search").json["hits"]["total"]["value"] == 2
    assert berlin.get("/logs-*/_count", {"query": {"match": {"a": "HELLO"}}}).json["count"] == 1
    assert (
        berlin.get("/nothing/_search").status == 404
        and berlin.get("/nothing*/_search").json["hits"]["total"]["value"] == 0
    )
    user = berlin.user("ann", [], [{"names": ["logs-1"], "privileges": ["read"]}])
    assert user.get("/logs-*/_search").json["hits"]["total"]["value"] == 1
    answer = user.get("/logs-2/_search")
    assert (
        answer.status == 403
        and "on indices [logs-2], this action is granted by the index privileges [read,all]" in answer.error["reason"]
    )
    assert berlin.put("/Bad").error["type"] == "invalid_index_name_exception"
    assert berlin.delete("/logs-1").json == {"acknowledged": True} and berlin.delete("/logs-1").status == 404
