# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong variable is named with what is allowed, and its value is never told."""

from __future__ import annotations

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.role_variables import (
    misspelt,
    unresolved,
    wrong_value,
)

SECRET = "Pa55word"
CHOICE = {"type": "str", "choices": ["present", "absent"]}


@pytest.mark.parametrize(
    "option, value",
    [
        (CHOICE, "present"),
        ({}, "text"),
        ({"type": "str"}, 5),
        ({"type": "bool"}, "no"),
        ({"type": "int"}, "5"),
        ({"type": "list", "elements": "str"}, ["a", 5]),
        ({"type": "list"}, ["a", {}]),
        ({"type": "dict"}, {}),
        ({"type": "raw"}, {}),
        ({"type": "raw"}, []),
    ],
)
def test_what_is_right(option, value):
    assert wrong_value("it", option, value) is None


@pytest.mark.parametrize(
    "option, value, told",
    [
        (CHOICE, SECRET, "it must be one of present, absent"),
        (CHOICE, [SECRET], "it must be one of present, absent"),
        ({"type": "str"}, [SECRET], "it must be text, not a list"),
        ({}, {"a": SECRET}, "it must be text, not a dictionary"),
        ({"type": "path"}, [SECRET], "it must be a path, not a list"),
        ({"type": "bool"}, SECRET, "it must be true or false, not text"),
        ({"type": "bool"}, "n", "it must be true or false, not text"),
        ({"type": "int"}, SECRET, "it must be a whole number, not text"),
        ({"type": "list"}, SECRET, "it must be a list, not text"),
        ({"type": "list", "elements": "str"}, [{"a": SECRET}], "it must be a list of text, not a list"),
        ({"type": "dict"}, f"a={SECRET}", "it must be a dictionary, not text"),
    ],
)
def test_what_is_wrong(option, value, told):
    assert wrong_value("it", option, value) == told


@pytest.mark.parametrize(
    "name, value, where",
    [
        ("a_url", f"https://u:{SECRET}@h", "a_url"),
        ("a_connection", {"urls": [f"https://u:{SECRET}@h"]}, "a_connection.urls"),
        ("a_connection", {"url": f"https://u:{SECRET}@h", "password": "x@y"}, "a_connection.url"),
    ],
)
def test_a_login_in_an_address(name, value, where):
    told = wrong_value(name, {"type": "raw"}, value)
    assert told and told.startswith(where + " holds a login") and SECRET not in told


def test_a_password_is_no_address():
    assert wrong_value("a_connection", {"type": "dict"}, {"urls": ["https://h"], "password": "x@y"}) is None


@pytest.mark.parametrize(
    "words, told",
    [
        (["broken", "unknown", "warning", "ok", "drift"], None),
        (["expires_soon", "credential_revoked", "tls_untrusted", "not_connected"], None),
        (["drift", "brokn"], "[1] is no state, code of a finding or drift; did you mean [broken]?"),
        (["expire_soon"], "[0] is no state, code of a finding or drift; did you mean [expires_soon]?"),
        ([SECRET], "[0] is no state, code of a finding or drift; states are ok, warning, broken, unknown; codes are"),
    ],
)
def test_a_word_that_no_report_can_find(words, told):
    found = wrong_value("it_fail_on", {"type": "list", "elements": "str"}, words)
    assert found is None if told is None else found.startswith("it_fail_on" + told) and SECRET not in found


OURS = ["cross_cluster_links", "cross_cluster_trust_rotate", "cross_cluster_trust_wait", "elasticsearch_clusters"]


@pytest.mark.parametrize(
    "name, meant",
    [
        ("cross_cluster_link", "cross_cluster_links"),
        ("Cross_cluster_links", "cross_cluster_links"),
        ("crosscluster_links", "cross_cluster_links"),
        ("cross_cluster_linsk", "cross_cluster_links"),
        ("cross_cluster_trust_rotat", "cross_cluster_trust_rotate"),
        ("cross_cluster_rotate", "cross_cluster_trust_rotate"),
        ("elasticsearch_cluster", "elasticsearch_clusters"),
        ("elastic_search_clusters", "elasticsearch_clusters"),
        ("cross_cluster_trust", None),
        ("cross_cluster_trust_host", None),
        ("cross_cluster_trust_wait_seconds", None),
        ("elasticsearch_cluster_name", None),
        ("elasticsearch_clusters_old", None),
        ("__cross_cluster_links", None),
        ("links", None),
    ],
)
def test_a_name_that_may_be_a_slip(name, meant):
    told = misspelt(["inventory_hostname", name], OURS)
    own = "Where it is one of your own, give it another name"
    assert told == ([f"{name} is read by nobody; did you mean [{meant}]? {own}"] if meant else [])


def test_a_variable_of_an_earlier_release_is_refused():
    (told,) = misspelt(["cross_cluster_trust_report_only"], OURS)
    assert "no variable of this collection any more: use the playbook verify" in told


def failing(text):
    """A stand-in for the templar of 2.16, whose errors quote what stands around the undefined value."""

    def template(value):
        if "{{" in str(value):
            raise RuntimeError(text)
        return value

    return template


@pytest.mark.parametrize(
    "text, reason",
    [
        (f"{{'password': '{SECRET}', 'x': '{{{{ nope }}}}'}}: 'nope' is undefined", "'nope' is undefined"),
        (f"'dict object' has no attribute 'nope' ({SECRET})", "there is no 'nope' in what its template names"),
        (f"Decryption failed: {SECRET}", "it is encrypted, and no vault secret that opens it is loaded"),
        (f"Unexpected: {SECRET}", "its template fails"),
    ],
)
def test_the_reason_is_a_name_at_most(text, reason):
    assert unresolved("it", {"it": "{{ nope }}"}, failing(text)) == f"it has no value: {reason}"


def test_the_place_is_the_one_deepest_down():
    template = failing("'nope' is undefined")
    inner = {"password": SECRET, "list": ["x", {"user": "{{ nope }}"}]}
    assert unresolved("it", {"it": inner}, template) == "it.list[1].user has no value: 'nope' is undefined"
    behind = {"it": "{{ other | default({}) }}", "other": inner}
    assert unresolved("it", behind, template) == "it: other.list[1].user has no value: 'nope' is undefined"
    around = {"it": "{{ other }}", "other": "{{ it }}"}
    assert unresolved("it", around, template) == "it: other has no value: 'nope' is undefined"
    wide = {"it": "{{ vars['x'] }}", "vars": {"x": "{{ nope }}"}}
    assert unresolved("it", wide, template) == "it has no value: 'nope' is undefined"
