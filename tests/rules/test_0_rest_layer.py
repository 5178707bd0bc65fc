# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST layer: unknown paths, wrong methods, media types, headers, logins."""

from __future__ import annotations

import base64
import time

import pytest
import requests

from support.worlds import Answer, Api, number, of_version

BASIC = {"8.10": 'Basic realm="security" charset="UTF-8"', "8.15": 'Basic realm="security", charset="UTF-8"'}
EXPIRED = 'Bearer realm="security", error="invalid_token", error_description="The access token expired"'
NOT_AUTHENTICATED = (
    "unable to authenticate with provided credentials and anonymous access is not allowed for this request"
)


@pytest.fixture
def berlin(each_berlin):
    return each_berlin


def test_headers(berlin):
    answer = berlin.get("/")
    assert answer.headers["X-Elastic-Product"] == "Elasticsearch"
    assert answer.headers["Content-Type"] == "application/json"
    assert berlin("HEAD", "/").status == 200 and berlin("HEAD", "/").text == ""


def test_compatible_versions(berlin):
    major = number(berlin.spec["version"])[0]
    vendor = "application/vnd.elasticsearch+json;compatible-with="
    for version in (major, major - 1):
        answer = berlin.get("/", headers={"Accept": f"{vendor}{version}"})
        assert (answer.status, answer.headers["Content-Type"]) == (200, f"{vendor}{version}")
    for version in (major + 1, major - 2):
        answer = berlin.get("/", headers={"Accept": f"{vendor}{version}"})
        assert (answer.status, answer.error["type"]) == (400, "media_type_header_exception")
        reason = f"Accept version must be either version {major} or {major - 1}, but found {version}. Accept="
        assert answer.causes[1] == ("status_exception", f"{reason}{vendor}{version}")


@pytest.mark.parametrize("path", ["/a/b/c", "/_nodes/a/b/c", "/_security/api_keys/x", "/_security/api_key/x/y"])
def test_unknown_path(berlin, path):
    answer = berlin.get(path)
    assert answer.status == 400 and answer.json == {"error": f"no handler found for uri [{path}] and method [GET]"}


@pytest.mark.parametrize("path", ["/_security/cross_cluster", "/a/b"])
def test_unknown_path_of_two_parts(berlin, path):
    """Which was an index and a type once, to post a document to."""
    wrong = f"Incorrect HTTP method for uri [{path}] and method [GET], allowed: [POST]"
    unknown = {"error": f"no handler found for uri [{path}] and method [GET]"}
    table = {"8.10": (405, {"error": wrong, "status": 405}), "9.0": (400, unknown)}
    answer = berlin.get(path)
    assert (answer.status, answer.json) == of_version(table, berlin.spec["version"])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/_security/api_key", {"GET", "POST", "PUT", "DELETE"}),
        ("GET", "/_security/cross_cluster/api_key", {"POST"}),
        ("DELETE", "/_security/cross_cluster/api_key/x", {"PUT"}),
    ],
)
def test_wrong_method(berlin, method, path, allowed):
    answer = berlin(method, path)
    assert answer.status == 405 and answer.json["status"] == 405
    assert set(answer.headers["Allow"].split(",")) == allowed, "in any order"
    start, _allowed, names = answer.json["error"].partition("allowed: ")
    assert start == f"Incorrect HTTP method for uri [{path}] and method [{method}], "
    assert set(names.strip("[]").split(", ")) == allowed


def test_media_types(berlin):
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = berlin.post("/_security/api_key", data=b"{}", headers={"Content-Type": content_type})
        assert answer.status == 406 and answer.json == {
            "error": f"Content-Type header [{content_type}] is not supported",
            "status": 406,
        }
    answer = berlin.post("/_security/api_key", data=b"{}")
    assert answer.status == 406 and answer.json["error"] == "Content-Type header [] is not supported"
    answer = berlin.post("/_security/api_key", data=b"{}", headers={"Content-Type": ""})
    assert answer.status == 400 and answer.causes == [
        ("media_type_header_exception", "Invalid media-type value on headers [Content-Type]"),
        ("illegal_argument_exception", "Header [Content-Type] cannot be empty."),
    ]
    charset = {"Content-Type": "application/json; charset=utf-8"}
    assert berlin.post("/_security/api_key", data=b"{}", headers=charset).error["reason"] == "Required [name]"


def test_parameters(berlin):
    one, two = berlin.get("/?x=1"), berlin.get("/_security/api_key?nam=x&zzz=1")
    assert one.status == 400 and one.error["reason"] == "request [/] contains unrecognized parameter: [x]"
    assert two.error["reason"] == (
        "request [/_security/api_key] contains unrecognized parameters: [nam] -> did you mean [name]?, [zzz]"
    )
    assert berlin.get("/", {"a": 1}).error["reason"] == "request [GET /] does not support having a body"
    name = berlin.spec["nodes"][0]["name"]
    assert berlin.get("/?pretty").text.startswith(f'{{\n  "name" : "{name}"')
    short = {"name": name, "version": {"number": berlin.spec["version"]}}
    assert berlin.get("/?filter_path=version.number,name").json == short
    assert set(berlin.get("/?filter_path=-version").json) == {"name", "cluster_name", "cluster_uuid", "tagline"}
    refusal = berlin.get("/_security/api_key?owner=x&filter_path=api_keys.id")
    assert refusal.error["type"] == "illegal_argument_exception", "filter_path leaves errors whole"
    assert berlin.get("/?human&format=json").status == 200
    assert "stack_trace" in berlin.get("/_security/api_key?owner=x&error_trace=true").error


@pytest.fixture
def refused(berlin):
    """A check of a 401: its reason, what was wrong with a key or token, how to log in."""
    every = [of_version(BASIC, berlin.spec["version"]), 'Bearer realm="security"', "ApiKey"]

    def check(answer, reason, wrong=None, challenge=None):
        assert answer.status == 401 and answer.error["type"] == "security_exception", answer
        assert answer.error["reason"] == answer.error["root_cause"][0]["reason"] == reason
        assert answer.error.get("additional_unsuccessful_credentials") == wrong
        assert answer.error["header"] == {"WWW-Authenticate": challenge or every}
        assert answer.headers["WWW-Authenticate"] == (challenge or ", ".join(every))

    return check


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def test_login_refused(berlin, refused):
    url, ca = berlin.url, berlin.spec["ca_cert"]
    missing = "missing authentication credentials for REST request [/x/y/z]"

    def bare(header=None):
        return Answer(
            requests.get(url + "/x/y/z", headers={"Authorization": header} if header else {}, verify=ca, timeout=10)
        )

    for header in (None, "Negotiate abc", "Basic", "Bearer"):
        refused(bare(header), missing)
    refused(
        berlin.as_user("elastic", "wrong").get("/x?a=b"),
        "unable to authenticate user [elastic] for REST request [/x?a=b]",
    )
    refused(berlin.as_user("nobody").get("/"), "unable to authenticate user [nobody] for REST request [/]")
    refused(berlin.as_bearer("nonsense").get("/"), NOT_AUTHENTICATED, "oauth2 token: invalid token")
    refused(bare("Basic ???"), "invalid basic authentication header encoding")
    refused(bare(f"Basic {encoded('no colon')}"), "invalid basic authentication header value")
    refused(bare("ApiKey ???"), NOT_AUTHENTICATED, "API key: Illegal base64 character 3f")
    refused(bare(f"ApiKey {encoded('no colon')}"), NOT_AUTHENTICATED, "API key: invalid ApiKey value")


def test_login_with_api_key(berlin, refused):
    def key(credential):
        return berlin.as_api_key(credential).get("/_security/_authenticate")

    rest, cross, short = berlin.rest_key(), berlin.key(), berlin.rest_key(expiration="1s")
    good = key(rest["encoded"])
    assert (
        good.status == 200
        and good.json["api_key"]["id"] == rest["id"]
        and good.json["authentication_type"] == "api_key"
    )
    refused(
        key(cross["encoded"]),
        f"authentication expected API key type of [rest], but API key [{cross['id']}] has type [cross_cluster]",
    )

    def no(credential, wrong):
        refused(key(credential), NOT_AUTHENTICATED, f"API key: {wrong}")

    no(encoded("unknown:secret"), "unable to find apikey with id unknown")
    no(encoded(f"{rest['id']}:wrong"), f"invalid credentials for API key [{rest['id']}]")
    time.sleep(1.1)
    no(short["encoded"], "api key is expired")
    berlin.delete("/_security/api_key", {"ids": [rest["id"]]})
    no(rest["encoded"], f"api key [{rest['id']}] has been invalidated")


def test_api_key_never_exceeds_its_owner(berlin, ours):
    user = berlin.user(f"weak-{ours}", ["manage_own_api_key", "monitor"])
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


def test_login_with_bearer_token(berlin, refused):
    body = {"grant_type": "password", "username": "elastic", "password": berlin.spec["password"]}
    token = berlin.post("/_security/oauth2/token", body).json
    caller = berlin.as_bearer(token["access_token"])
    assert caller.get("/_security/_authenticate").json["authentication_type"] == "token"
    assert caller.key()["id"], "a token can create keys"
    refused(
        berlin.post("/_security/oauth2/token", {**body, "password": "wrong"}),
        "unable to authenticate user [elastic] for action [cluster:admin/xpack/security/token/create]",
    )
    assert berlin.delete("/_security/oauth2/token", {"token": token["access_token"]}).json["invalidated_tokens"] == 1
    refused(caller.get("/"), "token expired", challenge=EXPIRED)


@pytest.mark.needs("clock")
def test_bearer_token_expires(world):
    berlin = Api(world.cluster("berlin"))
    body = {"grant_type": "password", "username": "elastic", "password": berlin.spec["password"]}
    late = berlin.as_bearer(berlin.post("/_security/oauth2/token", body).json["access_token"])
    world.control("berlin", "advance_clock", seconds=1200)
    expired = late.get("/")
    assert expired.status == 401 and expired.headers["WWW-Authenticate"] == EXPIRED


def test_run_as(berlin, ours):
    ann = f"ann-{ours}"
    berlin.user(ann, ["monitor"])
    both = berlin.run_as(ann).get("/_security/_authenticate").json
    assert (
        both["username"] == ann
        and both["authentication_realm"]["name"] == "reserved"
        and both["lookup_realm"]["name"] == "default_native"
    )
    assert berlin.run_as(ann).get("/_security/user").status == 403, "the effective user's rights count"
    boss = berlin.user(f"boss-{ours}", ["all"], run_as=["a*"])
    assert boss.run_as(ann).get("/").status == 200
    for caller, name in ((boss, "elastic"), (berlin, "nobody")):
        answer = caller.run_as(name).get("/")
        assert answer.status == 403 and f"is unauthorized to run as [{name}]" in answer.error["reason"]


def test_users(berlin, ours):
    ann = f"/_security/user/ann-{ours}"
    for path, body, kind, text in (
        (ann, {"password": "short", "roles": []}, "", "passwords must be at least [6] characters long"),
        (ann, {"roles": []}, "", "password must be specified unless you are updating an existing user"),
        (
            "/_security/user/elastic",
            {"roles": []},
            "action_request_",
            "user [elastic] is reserved and only the password can be changed",
        ),
    ):
        answer = berlin.put(path, body)
        assert answer.causes == [(f"{kind}validation_exception", f"Validation Failed: 1: {text};")]
    assert berlin.put(ann, {"password": "secret-1", "roles": ["gone"]}).json == {"created": True}
    assert berlin.put(ann, {"roles": ["gone"], "full_name": "Ann"}).json == {"created": False}
    refused_ = berlin.as_user(f"ann-{ours}").get("/")
    assert "with effective roles [] (assigned roles [gone] were not found)" in refused_.error["reason"]
    assert berlin.put(f"{ann}/_disable").status == 200 and berlin.as_user(f"ann-{ours}").get("/").status == 401
    assert (
        berlin.get(ann).json[f"ann-{ours}"]["full_name"] == "Ann"
        and berlin.get(f"/_security/user/bob-{ours}").status == 404
    )
    assert berlin.delete(ann).json == {"found": True} and berlin.delete(ann).status == 404


def test_roles(berlin, ours):
    path = f"/_security/role/{ours}"
    assert berlin.put("/_security/role/superuser", {"cluster": []}).error["reason"] == (
        "Validation Failed: 1: Role [superuser] is reserved and may not be used.;"
    )
    unknown = berlin.put(path, {"cluster": ["nonsense"], "indices": [{"names": "a", "privileges": ["nope"]}]})
    assert unknown.error["type"] == "action_request_validation_exception"
    assert (
        "unknown cluster privilege [nonsense]" in unknown.error["reason"]
        and "unknown index privilege [nope]" in unknown.error["reason"]
    )
    assert (
        "unexpected field [clusters]"
        in berlin.put(path, {"indices": [{"names": "a", "privileges": ["read"], "clusters": "x"}]}).error["reason"]
    )
    assert "unexpected field [nonsense]" in berlin.put(path, {"nonsense": 1}).error["reason"]
    role = {"cluster": ["monitor"], "indices": [{"names": ["a"], "privileges": ["read"]}]}
    assert berlin.put(path, role).json == {"role": {"created": True}} and berlin.put(path, role).json["role"] == {
        "created": False
    }
    assert berlin.get(path).json[ours]["indices"] == [
        {"names": ["a"], "privileges": ["read"], "allow_restricted_indices": False}
    ]


def test_has_privileges(berlin, ours):
    user = berlin.user(f"ann-{ours}", ["manage_security"], [{"names": ["logs-*"], "privileges": ["read"]}])
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


def test_indices(berlin, ours):
    one, two, every = f"{ours}-1", f"{ours}-2", f"{ours}-*"
    assert berlin.put(f"/{one}/_doc/1", {"a": "hello world", "n": 1}).status == 201
    assert berlin.put(f"/{one}/_doc/1?refresh=true", {"a": "hello world", "n": 1}).json["result"] == "updated"
    lines = f'{{"index":{{"_index":"{two}"}}}}\n{{"a":"bye","n":2}}\n'.encode()
    bulk = berlin.post("/_bulk?refresh=true", data=lines, headers={"Content-Type": "application/x-ndjson"})
    assert bulk.json["errors"] is False
    assert berlin.get(f"/{every}/_search").json["hits"]["total"]["value"] == 2
    assert berlin.get(f"/{every}/_count", {"query": {"match": {"a": "HELLO"}}}).json["count"] == 1
    assert (
        berlin.get("/nothing/_search").status == 404
        and berlin.get("/nothing*/_search").json["hits"]["total"]["value"] == 0
    )
    user = berlin.user(f"ann-{ours}", [], [{"names": [one], "privileges": ["read"]}])
    assert user.get(f"/{every}/_search").json["hits"]["total"]["value"] == 1
    answer = user.get(f"/{two}/_search")
    assert (
        answer.status == 403
        and f"on indices [{two}], this action is granted by the index privileges [read,all]" in answer.error["reason"]
    )
    assert berlin.put("/Bad").error["type"] == "invalid_index_name_exception"
    assert berlin.delete(f"/{one}").json == {"acknowledged": True} and berlin.delete(f"/{one}").status == 404
    berlin.delete(f"/{two}")
