# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fail-over, repetition, messages and redaction of the client, on a scripted transport."""

from __future__ import annotations

import base64
import email.utils
import json
import time

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key import read as api
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key import write
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.key import Key
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._errors import (
    EsApiError,
    EsBadRequest,
    EsConnectionError,
    EsError,
    EsNotElasticsearch,
    InputError,
    NotSent,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http import client as module
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.transport import RawResponse

PASSWORD = "correct-horse-battery"
GOOD = {"x-elastic-product": "Elasticsearch", "content-type": "application/json"}


class Script:
    """Answers in order, and notes what was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []
        self.now = 0.0
        self.slept = []

    def send(self, method, base, path, headers, body, timeout):
        self.calls.append((method, base, path))
        self.headers = headers
        assert self.answers, f"an unexpected request: {method} {path}"
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, content, more = (*answer, {})[:3]
        text = content if isinstance(content, str) else json.dumps(content)
        return RawResponse(status, text, {**GOOD, **more}, base)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def client(self, **options):
        options = {"urls": ["https://a:9200", "https://b:9200"], "username": "u", "password": PASSWORD, **options}
        return module.ElasticsearchClient(options, transport=self, environ={}, sleep=self.sleep, clock=lambda: self.now)


def lost():
    return EsConnectionError("the connection broke", url="https://a:9200", may_have_acted=True)


def refused():
    return NotSent("no connection (refused)", url="https://a:9200")


def test_fail_over_in_order_and_then_stay():
    script = Script(refused(), (200, {}), (200, {}))
    client = script.client()
    client.request("GET", "/x")
    client.request("GET", "/y")
    assert [call[1] for call in script.calls] == ["https://a:9200", "https://b:9200", "https://b:9200"]
    assert script.slept == [] and client.requests == 2


def test_creation_is_sent_again_only_when_it_cannot_have_acted():
    script = Script(
        refused(), (429, {"error": {"type": "x", "reason": "busy"}}, {"retry-after": "2"}), (200, {"id": "1"})
    )
    assert script.client().request("POST", "/c", body={}, safe=False).body == {"id": "1"}
    assert script.slept and script.slept[0] >= 2
    for answer in (lost(), (503, {"error": {"reason": "r", "type": "t"}}), (502, "<html>"), (504, "")):
        script = Script(answer)
        with pytest.raises(EsError) as info:
            script.client().request("POST", "/c", body={}, safe=False)
        assert info.value.may_have_acted and len(script.calls) == 1


def test_reads_are_repeated_with_growing_pauses():
    busy = (503, {"error": {"type": "t", "reason": "r"}})
    script = Script(*[busy] * 8)
    with pytest.raises(EsApiError):
        script.client().request("GET", "/x")
    assert len(script.calls) == 8 and len(script.slept) == 3
    assert 0.25 <= script.slept[0] <= 0.5 and 1.0 <= script.slept[2] <= 2.0


@pytest.mark.parametrize("form", ["3", "date"])
def test_retry_after(form):
    value = form if form == "3" else email.utils.formatdate(time.time() + 4, usegmt=True)
    script = Script((429, {"error": {"type": "t", "reason": "r"}}, {"retry-after": value}), (200, {}))
    script.client().request("GET", "/x")
    assert 2 <= script.slept[0] <= 4


@pytest.mark.parametrize("value", ["\u00b2", "soon", "9" * 400, "Fri, 31 Dec 999999999999 23:59:59 GMT", "-1", "nan"])
def test_what_is_no_time_to_wait_is_none(value):
    script = Script((429, {"error": {"type": "t", "reason": "r"}}, {"retry-after": value}), (200, {}))
    script.client().request("GET", "/x")
    assert script.slept[0] <= 1


def test_what_a_terminal_would_obey_does_not_reach_it():
    evil = "\x1b]0;owned\x07 one\r\ntwo \x9b2J \u202egnp"
    body = {"error": {"type": "x\x1b[1m", "reason": evil, "caused_by": {"type": "y", "reason": evil + "root"}}}
    with pytest.raises(EsApiError) as info:
        Script((400, body)).client().request("GET", "/x")
    assert str(info.value).isprintable() and "one two" in str(info.value)


def test_plain_http_is_told_and_not_called_trusted():
    far = {"urls": ["https://a:9200", "http://b:9200"]}
    assert "http://b:9200 has no TLS" in Script().client(**far).warnings[0]
    assert Script().client().warnings == []
    for near in ("http://localhost:9200", "http://127.0.0.9:9200", "http://[::1]:9200"):
        assert Script().client(urls=[near]).warnings == []
    assert "http://c:9200 has no TLS" in Script().client().at("http://c:9200").warnings[0]
    for option in ("ca_cert", "ca_fingerprint"):
        with pytest.raises(InputError, match=option):
            Script().client(**far, **{option: "ab" * 32})


def test_the_total_time_is_bounded():
    script = Script((429, {"error": {"type": "t", "reason": "r"}}, {"retry-after": "3600"}))
    with pytest.raises(EsApiError, match="3600 s"):
        script.client(timeout=10).request("GET", "/x")
    assert script.slept == []


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((200, "<html>Sign in</html>", {"x-elastic-product": "", "content-type": "text/html"}), "is not Elasticsearch"),
        ((200, {"ok": 1}, {"x-elastic-product": ""}), "X-Elastic-Product"),
        ((404, "<h1>nginx</h1>", {"content-type": "text/html"}), "not an answer of Elasticsearch"),
        ((401, {}), "HTTP 401 without an explanation. Check username and password."),
        ((302, "", {"location": "https://bob:pw@evil.example/x?y=z"}), "redirect to https://evil.example"),
        ((200, '{"cut": '), "cut off"),
        ((200, "[" * 100_000), "not JSON"),
        ((502, "[" * 100_000), "not an answer of Elasticsearch"),
        ((302, "", {"location": "http://["}), "redirect to what is no address"),
        ((302, "", {"location": "https://\x1b]0;evil\x07.example/"}), "redirect to"),
    ],
)
def test_answers_of_something_else(answer, text):
    with pytest.raises((EsNotElasticsearch, EsError), match=text) as info:
        Script(*[answer] * 2).client(retries=0).request("GET", "/x", attempt="read it")
    assert "bob" not in str(info.value) and str(info.value).startswith("Cannot read it at https://")


def test_errors_never_hold_the_login():
    basic = base64.b64encode(f"u:{PASSWORD}".encode()).decode()
    reason = f"echo Authorization: Basic {basic} and {PASSWORD}"
    error = {"type": "t", "reason": reason, "caused_by": {"reason": reason + "!"}}
    with pytest.raises(EsApiError) as info:
        Script((400, {"error": error})).client().request("GET", "/x")
    assert PASSWORD not in str(info.value) and basic not in str(info.value)
    assert PASSWORD not in repr(info.value.__dict__)


@pytest.mark.parametrize(
    ("options", "environ", "header"),
    [
        ({"api_key": "a2V5"}, {"ELASTICSEARCH_USERNAME": "u", "ELASTICSEARCH_PASSWORD": "p"}, "ApiKey a2V5"),
        ({"bearer_token": "t"}, {"ELASTICSEARCH_API_KEY": "k"}, "Bearer t"),
        ({"username": "x", "password": "y"}, {"ELASTICSEARCH_API_KEY": "k"}, "Basic eDp5"),
    ],
)
def test_a_login_that_was_asked_for_beats_the_environment(options, environ, header):
    names = {
        "ELASTICSEARCH_USERNAME": "username",
        "ELASTICSEARCH_PASSWORD": "password",
        "ELASTICSEARCH_API_KEY": "api_key",
    }
    filled = {**{names[name]: value for name, value in environ.items()}, **options}
    client = module.ElasticsearchClient({"urls": ["https://a"], **filled}, transport=Script(), environ=environ)
    assert client.login.headers["Authorization"] == header
    with pytest.raises(InputError, match="Two ways"):
        module.ElasticsearchClient({"urls": ["https://a"], **filled}, transport=Script(), environ={})


def test_run_as_and_path_prefix():
    script = Script((200, {}))
    script.client(urls=["https://proxy/es/"], run_as="bob").request("GET", "/x", params={"a": True, "b": None})
    assert script.calls == [("GET", "https://proxy/es", "/x?a=true")]
    assert script.headers["es-security-runas-user"] == "bob"


# --- keys ---

KEY = Key.from_server({"id": "1", "name": "n", "username": "me", "realm": "r"})


def api_error(status, reason, kind="illegal_argument_exception"):
    return status, {"error": {"type": kind, "reason": reason}, "status": status}


def version(number, flavor="default"):
    return 200, {"version": {"number": number, "build_flavor": flavor}, "cluster_name": "c"}


@pytest.mark.parametrize(
    ("answers", "body", "text"),
    [
        (
            [api_error(400, "unknown field [expiration]"), version("8.12.2")],
            {"expiration": "1d", "metadata": {}},
            "8.13",
        ),
        (
            [api_error(400, "unknown field [certificate_identity]"), version("9.2.1")],
            {"certificate_identity": "a"},
            "9.3",
        ),
        ([api_error(405, "Incorrect HTTP method"), version("8.9.0")], {"metadata": {}}, "8.10"),
        ([api_error(400, "not available"), version("8.11.0", "serverless")], {"metadata": {}}, "Serverless"),
        ([api_error(404, "no API key owned by requesting user found for ID [1]")], {}, "run_as: me"),
        ([api_error(400, "cannot update invalidated API key [1]")], {}, "run again"),
        ([api_error(409, "bulk request execution failure")], {}, "run again"),
        ([api_error(403, "action [x] is unauthorized for user [u]", "security_exception")], {}, "manage_security"),
        ([api_error(400, "authentication via API key not supported: only the owner user can")], {}, "Log in as a user"),
    ],
)
def test_refusals_are_explained(answers, body, text):
    script = Script(*answers)
    with pytest.raises(EsError) as info:
        write.update(script.client(), KEY, body)
    assert text in str(info.value) and not script.answers


def test_of_the_keys_of_a_name_only_live_ones_for_clusters_count():
    live = {"id": "1", "name": "n", "type": "cross_cluster", "invalidated": False}
    others = [
        {**live, "id": "2", "name": "m"},
        {**live, "id": "3", "type": "rest"},
        {**live, "id": "4", "invalidated": True},
    ]
    script = Script((200, {"api_keys": [live, *others]}))
    assert api.find_live(script.client(), "n") == [live]
    script = Script((200, {"api_keys": [live, *others]}))
    assert api.find_all_live(script.client(), ["n", "m", "o"]) == {"n": [live], "m": [others[0]], "o": []}


def test_a_server_that_is_too_old_to_be_asked():
    refused = api_error(400, "Field [invalidated] is not allowed")
    with pytest.raises(InputError, match="8.10"):
        api.find_live(Script(refused, version("8.9.2")).client(), "n")
    for answers in ([version("8.10.0")], [api_error(403, "no")]):
        with pytest.raises(EsBadRequest, match="invalidated"):
            api.find_live(Script(refused, *answers).client(), "n")


def test_patience_is_that_of_one_request():
    client = Script().client()
    assert client.patient(500).timeout == 500 and client.timeout < 500
    assert client.patient(0.5).timeout == client.timeout


def test_more_keys_than_a_page(monkeypatch):
    monkeypatch.setattr(api, "PAGE", 2)

    def page(*created):
        return 200, {"api_keys": [{"id": str(one), "creation": one} for one in created]}

    script = Script(page(1, 2), page(2, 3), page(3))
    found = api.query_keys(script.client(), {"match_all": {}}, "read")
    assert [one["id"] for one in found] == ["1", "2", "3"]


def test_revoked_by_a_first_attempt_whose_answer_got_lost():
    script = Script(lost(), lost(), (200, {"invalidated_api_keys": [], "error_count": 0}), (200, {"api_keys": []}))
    assert write.revoke(script.client(), ["1", "2"]) == ["1", "2"]


def test_a_lost_creation_that_cannot_be_resolved_says_so():
    script = Script(lost(), *[lost()] * 2)
    with pytest.raises(write.KeyNotCreated, match="could not be found out") as info:
        write.create(script.client(retries=0), {"name": "n", "access": {}}, [], "u")
    assert not info.value.clean
