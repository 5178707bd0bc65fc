# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the input is told with its cause and the way out; what is right is completed."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.clusters import (
    CLUSTER_FIELDS,
    NODE_FIELDS,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import (
    LINK_FIELDS,
    normalise,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.logins import (
    complete,
    environment_problems,
)

ACCESS = {"search": [{"names": ["logs-*"]}]}
CLUSTERS = {
    "paris": {
        "urls": ["https://paris-1:9200"], "username": "elastic", "password": "paris-secret",
        "nodes": ["paris-1", {"name": "paris-2"}],
    },
    "berlin": {
        "urls": ["https://berlin-1:9200"], "username": "elastic", "password": "berlin-secret", "run_as": "linker",
        "remote_cluster_server": "berlin.example:9443", "server_name": "berlin.example",
    },
}  # fmt: skip
LINK = {"from": "paris", "to": "berlin", "access": ACCESS}


def errors(links=None, **clusters):
    changed = copy.deepcopy(CLUSTERS)
    for name, fields in clusters.items():
        changed.setdefault(name, {}).update(fields)
    return normalise(changed, [LINK] if links is None else links)["errors"]


def test_a_link_is_completed():
    data = normalise(CLUSTERS, [LINK])
    assert data["errors"] == []
    link = data["links"][0]
    assert (link["id"], link["alias"], link["key_name"], link["adopt"]) == (
        "paris/berlin",
        "berlin",
        "paris-berlin",
        None,
    )
    assert link["settings"] == {
        "mode": "proxy",
        "proxy_address": "berlin.example:9443",
        "server_name": "berlin.example",
    }
    assert link["metadata"] == {"crosscluster_elasticsearch": {"client": "paris", "alias": "berlin", "owner": ""}}
    assert data["nodes"]["paris-2"] == {"cluster": "paris", "position": 1}


@pytest.mark.parametrize("value, meant", [(True, True), ("yes", True), ("false", False), ("0", False), (None, False)])
def test_a_text_for_migrate_means_what_it_says(value, meant):
    data = normalise(CLUSTERS, [{**LINK, "migrate": value}])
    assert (data["errors"], data["links"][0]["migrate"]) == ([], meant)


def test_seeds_mean_sniff_mode():
    assert errors(berlin={"remote_cluster_server": ["a:9443", "b:9443"], "server_name": None}) == []
    clusters = copy.deepcopy(CLUSTERS)
    clusters["berlin"].update(remote_cluster_server=["a:9443", "b:9443"])
    assert normalise(clusters, [LINK])["links"][0]["settings"] == {"mode": "sniff", "seeds": ["a:9443", "b:9443"]}


def test_the_result_holds_no_password():
    assert "secret" not in str(normalise(CLUSTERS, [LINK]))


@pytest.mark.parametrize(
    "link, words",
    [
        ({"from": "pari", "to": "berlin"}, "[from: pari] is not in elasticsearch_clusters; did you mean [paris]?"),
        ({"from": "paris"}, "has no [to]; name the cluster that holds the data"),
        ({"from": "paris", "to": "paris"}, "links a cluster to itself"),
        ({"from": "berlin", "to": "paris"}, "cluster [berlin] has no nodes"),
        ({**LINK, "alias": "be.rlin"}, "[be.rlin] is not an alias"),
        ({**LINK, "alias": "signing"}, "[signing] cannot be an alias"),
        ({"from": "paris", "to": "berlin"}, "has no access; say what may be read"),
        ({**LINK, "access": {"search": [{"privileges": ["read"], "names": "x"}]}}, "privileges is not allowed"),
        ({**LINK, "acess": {}}, "unknown field [acess]; did you mean [access]?"),
        ({**LINK, "name": "eck-x"}, "belong to Elastic's operator"),
        ({**LINK, "name": "_x"}, "name must be text"),
        ({**LINK, "expiration": "1w"}, "unknown unit (w)"),
        ({**LINK, "expiration": "5d", "renew_before": "6d"}, "is not shorter than expiration 5d"),
        ({**LINK, "renew_before": "6d"}, "renew_before needs expiration"),
        ({**LINK, "migrate": "perhaps"}, "migrate must be true or false, not text"),
        ({**LINK, "on_expiring": "wait"}, "on_expiring must be rotate or extend"),
        ({**LINK, "metadata": []}, "metadata must be a dictionary, not a list"),
        ({**LINK, "metadata": {"_x": 1}}, "begins with an underscore"),
        ({**LINK, "mode": "direct"}, "mode must be one of proxy, sniff"),
        ({**LINK, "mode": "proxy", "seeds": ["a:1"]}, "seeds cannot be used with mode proxy; it belongs to mode sniff"),
        ({**LINK, "roles": [{"remote_indices": []}]}, "needs the name of a role"),
        ({**LINK, "roles": [{"name": "r", "remote_indices": "x"}]}, "remote_indices must be a list of dictionaries"),
        ({**LINK, "roles": [{"name": "r", "remote_indices": ["x"]}]}, "remote_indices must be a list of dictionaries"),
        ("paris", "must be a dictionary with from and to, not text"),
    ],
)
def test_a_wrong_link(link, words):
    assert any(words in text for text in errors([link])), errors([link])


def test_wrong_clusters():
    assert "has no urls" in errors(paris={"urls": []})[0]
    assert "did you mean [remote_cluster_server]" in errors(berlin={"remote_cluster_serve": "x"})[0]
    assert "not known where clients reach berlin" in errors(berlin={"remote_cluster_server": None})[0]
    assert "listed twice (paris and berlin)" in errors(berlin={"nodes": ["paris-1"]})[0]
    assert "has no name" in errors(paris={"nodes": [{"url": "x"}]})[0]
    assert "paris: urls: entry 2 is not a URL" in errors(paris={"urls": ["https://a:9200", "b:9200"]})[0]
    assert "paris: urls: entry 1 is not a URL" in errors(paris={"urls": ["https://[::1:9200"]})[0]
    assert errors(paris={"urls": "https://a:9200, https://b:9200"}) == []
    assert (
        "berlin.nodes[0].url: urls: entry 1 has a port that"
        in errors(berlin={"nodes": [{"name": "b", "url": "https://b:http"}]})[0]
    )
    assert normalise([], [])["errors"] == [
        "elasticsearch_clusters must be a dictionary of clusters by name, not a list"
    ]
    assert normalise({"a": "password"}, [])["errors"] == ["elasticsearch_clusters.a must be a dictionary, not text"]
    assert "must be a list of links, not nothing" in normalise({}, None)["errors"][0]


@pytest.mark.parametrize(
    "place, told",
    [
        ({"berlin": {"timeout": "soon"}}, "elasticsearch_clusters.berlin.timeout must be a whole number, not text"),
        ({"berlin": {"password": ["a"]}}, "elasticsearch_clusters.berlin.password must be text, not a list"),
        ({"berlin": {"validate_certs": "perhaps"}}, "berlin.validate_certs must be true or false, not text"),
        ({"paris": {"nodes": "paris-1"}}, "elasticsearch_clusters.paris.nodes must be a list, not text"),
        ({"paris": {"nodes": [{"name": "a", "vars": "b"}]}}, "paris.nodes[0].vars must be a dictionary, not text"),
        (
            {"berlin": {"remote_cluster_server": "berlin"}},
            "berlin.remote_cluster_server: [berlin] has no port: write berlin",
        ),
        ({"berlin": {"remote_cluster_server": ["a:1", "b:"]}}, "[b:]: the port must be a number from 1 to 65535"),
    ],
)
def test_a_field_of_another_type(place, told):
    assert any(told in text for text in errors(**place)), errors(**place)


@pytest.mark.parametrize(
    "fields, told",
    [
        ({"proxy_address": "berlin"}, "cross_cluster_links[0] (paris to berlin): proxy_address: [berlin] has no port"),
        ({"skip_unavailable": "perhaps"}, "skip_unavailable must be true or false, not text"),
        ({"proxy_socket_connections": 0}, "proxy_socket_connections must be 1 or more"),
        ({"proxy_socket_connections": "many"}, "proxy_socket_connections must be a whole number, not text"),
        ({"transport_compress": "some"}, "transport_compress must be one of true, indexing_data, false"),
        ({"transport_ping_schedule": "often"}, "transport_ping_schedule [often] is not a time value"),
    ],
)
def test_a_setting_that_the_server_would_refuse(fields, told):
    assert any(told in text for text in errors([{**LINK, **fields}])), errors([{**LINK, **fields}])


@pytest.mark.parametrize(
    "role, told",
    [
        ({"name": "a*", "remote_cluster": [{"privileges": ["x"]}]}, "it is not the name of one role"),
        ({"name": "a", "remote_indices": [{"names": ["x"]}]}, "privileges"),
        ({"name": "a", "remote_indices": [{"names": ["x"], "privileges": []}]}, "privileges is empty"),
        ({"name": "a", "remote_indices": [{"names": ["x"], "privileges": ["read"], "quey": {}}]}, "quey"),
    ],
)
def test_a_role_that_could_not_be_written_is_refused_before_a_key_is_made(role, told):
    found = errors([{**LINK, "roles": [role]}])
    assert len(found) == 1 and found[0].startswith("cross_cluster_links[0] (paris to berlin): roles[0]: "), found
    assert told in found[0]


def test_a_number_may_be_written_as_text():
    assert errors([{**LINK, "proxy_socket_connections": "3"}], berlin={"timeout": "30", "validate_certs": "no"}) == []


def test_all_mistakes_come_at_once(tmp_path):
    clusters = copy.deepcopy(CLUSTERS)
    clusters["berlin"].update({"remote_cluster_server": "berlin", "ca_cert": "no/ca.crt", "timeout": "soon"})
    clusters["paris"].update({"remote_ca_cert": "/nowhere/ca.crt", "pasword": "x"})
    found = normalise(clusters, [LINK, {**LINK, "alias": "b", "name": "paris-berlin", "grace": "x"}], [str(tmp_path)])
    assert len(found["errors"]) == 7, found["errors"]


def test_a_mistake_in_a_link_hides_no_other():
    link = {"from": "paris", "to": "berln", "alias": 7, "skip_unavailable": "maybe", "name": "_x", "grace": "soon"}
    words = [
        "[to: berln]",
        "alias must be",
        "name must be",
        "skip_unavailable must be",
        "grace 'soon'",
        "has no access",
    ]
    assert [[word in text for text in errors([link])].count(True) for word in words] == [1] * len(words)
    link = {**LINK, "node_connections": 0, "mode": "proxy", "seeds": ["a", "b:x"], "transport_ping_schedule": "never"}
    words = ["cannot be used with mode proxy", "[a] has no port", "[b:x]: the port", "1 or more", "not a time value"]
    assert [[word in text for text in errors([link])].count(True) for word in words] == [1] * len(words)


def test_what_rests_on_a_mistake_is_not_told_as_one():
    for link in ({**LINK, "to": "berln", "node_connections": 1}, {**LINK, "mode": "prox", "seeds": ["a:1"]}):
        assert len(errors([link])) == 1, errors([link])


def test_files_are_found_beside_the_inventory(tmp_path, monkeypatch):
    folder, current = tmp_path / "inventory", tmp_path / "current"
    for name in (
        folder / "in.crt",
        tmp_path / "beside.crt",
        current / "here.crt",
        folder / "two.crt",
        current / "two.crt",
    ):
        name.parent.mkdir(exist_ok=True)
        name.write_text("")
    monkeypatch.chdir(current)
    clusters = {
        name: {**CLUSTERS["paris"], "nodes": [], "remote_ca_cert": f"{name}.crt"}
        for name in ("in", "beside", "here", "two")
    }
    for sources in ([str(folder)], [str(folder / "hosts")]):
        data = normalise(clusters, [], [*sources, "a,b"])
        found = {name: cluster["remote_ca_cert"] for name, cluster in data["clusters"].items()}
        assert found["in"] == str(folder / "in.crt") and found["here"] == str(current / "here.crt")
        assert found["two"] == str(folder / "two.crt")
    assert normalise(clusters, [], [str(folder)])["clusters"]["beside"]["remote_ca_cert"] == str(
        tmp_path / "beside.crt"
    )
    (told,) = normalise(clusters, [], [str(folder / "hosts")])["errors"]
    assert told == (
        f"elasticsearch_clusters.beside.remote_ca_cert: there is no file [beside.crt]; tried: {folder}/beside.crt, "
        f"{current}/beside.crt"
    )


def test_the_files_of_a_login_are_on_the_host_that_uses_them():
    clusters = copy.deepcopy(CLUSTERS)
    clusters["berlin"].update({"ca_cert": "/etc/only-there/ca.crt", "api_from": "jump"})
    assert normalise(clusters, [LINK], [])["errors"] == []
    clusters["berlin"]["api_from"] = "localhost"
    assert len(normalise(clusters, [LINK], [])["errors"]) == 1


def test_two_links_that_get_into_each_others_way():
    other = {**LINK, "access": ACCESS}
    assert "both use alias [berlin] on paris" in errors([LINK, other])[0]
    assert any(
        "would share the API key [paris-berlin] on berlin" in text
        for text in errors([LINK, {**other, "alias": "b", "name": "paris-berlin"}])
    )
    assert errors([LINK, {**other, "alias": "b"}]) == []


URL = "https://elastic:Pa55word@paris-1:9200"


@pytest.mark.parametrize(
    "place, cluster, link",
    [
        ("elasticsearch_clusters.berlin.urls", {"urls": ["https://berlin-1:9200", URL]}, {}),
        ("elasticsearch_clusters.berlin.urls", {"urls": None, "url": URL}, {}),
        ("elasticsearch_clusters.berlin.nodes[0].url", {"nodes": [{"name": "b", "url": URL}]}, {}),
        ("elasticsearch_clusters.berlin.remote_cluster_server", {"remote_cluster_server": "a:Pa55word@b:9443"}, {}),
        ("proxy_address", {}, {"proxy_address": "a:Pa55word@b:9443"}),
        ("seeds", {}, {"seeds": ["b:9443", "a:Pa55word@b:9443"]}),
    ],
)
def test_a_login_in_an_address_is_refused_and_gets_no_further(place, cluster, link):
    clusters = copy.deepcopy(CLUSTERS)
    clusters["berlin"].update(cluster)
    data = normalise(clusters, [{**LINK, **link}])
    assert any(place in error and "holds a login" in error for error in data["errors"]), data["errors"]
    assert "Pa55word" not in str(data)


WRONG = [5, True, "text", [5], [{"a": "b"}], {"a": "b"}, ["x"], None]
LOGINS = {
    "CROSSCLUSTER_CLIENT_CLUSTER": "paris, rome",
    "CROSSCLUSTER_CLIENT_USERNAME": "u",
    "CROSSCLUSTER_CLIENT_PASSWORD": "p",
    "CROSSCLUSTER_CLIENT_URLS": "https://x",
}


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_no_value_of_a_field_is_beyond_the_checks(value):
    """An exception in here would be Ansible's to explain, with what it was about."""

    def check(clusters, links):
        normalise(clusters, links, [])
        complete(clusters, LOGINS)

    for field in CLUSTER_FIELDS:
        for name in CLUSTERS:
            clusters = copy.deepcopy(CLUSTERS)
            clusters[name][field] = value
            check(clusters, [LINK])
    for field in NODE_FIELDS:
        clusters = copy.deepcopy(CLUSTERS)
        clusters["paris"]["nodes"][1][field] = value
        check(clusters, [LINK])
    for field in LINK_FIELDS:
        check(CLUSTERS, [{**LINK, field: value}])
    check(value, [LINK])
    check(CLUSTERS, value)
    check({"paris": value, "berlin": value}, [value])


def test_a_login_goes_to_the_clusters_that_it_names():
    """Whoever launches a job picks its clusters, and among them one of his own."""
    picked = complete({name: {} for name in ("paris", "rome", "evil")}, LOGINS)
    assert picked["paris"]["password"] == picked["rome"]["password"] == "p" and picked["evil"] == {}
    unnamed = {**LOGINS, "CROSSCLUSTER_CLIENT_CLUSTER": " "}
    assert complete({"evil": {}}, unnamed) == {"evil": {}}
    (told,) = environment_problems(unnamed)
    assert "give the credential the name of the cluster" in told


def test_a_login_in_the_addresses_of_a_job_runner_is_refused():
    assert environment_problems(LOGINS) == []
    told = environment_problems({**LOGINS, "CROSSCLUSTER_SERVER_URLS": f"https://b:1,{URL}"})
    assert len(told) == 1 and "CROSSCLUSTER_SERVER_URLS" in told[0] and "Pa55word" not in told[0]
