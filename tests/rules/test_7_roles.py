# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 7: remote_indices and remote_cluster of local roles, and what they mean together with a key."""

from __future__ import annotations

import uuid

import pytest

from support import worlds
from support.pair import texts
from support.worlds import Api, each_version, of_version

GOOD = {"clusters": ["b*"], "names": ["logs-*"], "privileges": ["read", "read_cross_cluster"]}


SMALL = {"berlin": {"nodes": 1}, "paris": {"nodes": 1}}
EVERYTHING = {"search": [{"names": ["*"]}]}


@pytest.fixture
def pair(pair_once):
    return pair_once


@pytest.fixture(scope="module")
def key(pair_once):
    """One link for all tests; each gives the key the access that it is about."""
    made = pair_once.berlin.key(access=EVERYTHING)
    pair_once.credentials({"berlin": made["encoded"]})
    pair_once.proxy(proxy_socket_connections=2)
    return made


def grant(pair, key, access):
    answer = pair.berlin.put(f"/_security/cross_cluster/api_key/{key['id']}", {"access": access})
    assert answer.status == 200, answer


def put(api, **role):
    return api.put("/_security/role/r", role)


@pytest.mark.parametrize(
    "entries, reason",
    [
        (
            {"x": 1},
            "failed to parse remote indices privileges for role [r]. expected field "
            "[remote_indices] value to be an array, but found",
        ),
        (
            ["x"],
            "failed to parse indices privileges for role [r]. expected field [null] value to be an array of objects, "
            "but found an array element of type [VALUE_STRING]",
        ),
        (
            [{k: v for k, v in GOOD.items() if k != "clusters"}],
            "failed to parse remote indices privileges for role [r]. missing required [clusters] field",
        ),
        ([{k: v for k, v in GOOD.items() if k != "names"}], "missing required [names] field"),
        ([{k: v for k, v in GOOD.items() if k != "privileges"}], "missing required [privileges] field"),
        ([{**GOOD, "names": []}], "[names] cannot be an empty array"),
        ([{**GOOD, "clusters": [""]}], "remote index cluster alias cannot be an empty string"),
        ([{**GOOD, "privileges": ["raed"]}], "unknown index privilege [raed]"),
        pytest.param(
            [{**GOOD, "privileges": ["read_failure_store"]}],
            "remote index privileges cannot contain privileges that grant access to the failure store",
            marks=pytest.mark.needs(since="8.19"),
        ),
        ([{**GOOD, "field_security": {}}], '"field_security" must not be empty.'),
        ([{**GOOD, "other": 1}], "unexpected field [other]"),
    ],
)
def test_7_remote_indices_refused(pair, entries, reason):
    answer = put(pair.paris, remote_indices=entries)
    assert answer.status == 400 and reason in texts(answer), answer


def test_7_clusters_under_indices_is_unexpected(pair):
    answer = put(pair.paris, indices=[GOOD])
    assert answer.status == 400
    assert "failed to parse indices privileges for role [r]. unexpected field [clusters]" in texts(answer)


@pytest.mark.needs(since="8.17")
@pytest.mark.parametrize(
    "groups, reason",
    [
        ({"x": 1}, "failed to parse remote_cluster for role [r]. expected field [remote_cluster] value to be an array"),
        ([{"privileges": ["monitor_enrich"]}], "[clusters] must be defined when [privileges] are defined"),
        ([{"clusters": ["b"]}], "[privileges] must be defined when [clusters] are defined"),
        (
            [{"clusters": ["b"], "privileges": ["monitor"]}],
            "[monitor_enrich, monitor_stats] are the only values allowed for [privileges] "
            "within [remote_cluster]. Found [monitor]",
        ),
        ([{}], "remote cluster groups must not be null or empty"),
        ([{"clusters": ["b"], "privileges": ["monitor_enrich"], "names": ["x"]}], "unexpected field [names]"),
    ],
)
def test_7_remote_cluster_refused(pair, groups, reason):
    answer = put(pair.paris, remote_cluster=groups)
    assert answer.status == 400 and reason in texts(answer), answer


@pytest.mark.needs(since="8.17")
def test_7_read_back(pair):
    entry = {**GOOD, "names": "logs-*", "query": {"term": {"team": "a"}}, "field_security": {"grant": ["*"]}}
    groups = [{"clusters": ["b"], "privileges": ["monitor_enrich", "monitor_stats"]}]
    assert put(pair.paris, remote_indices=[entry], remote_cluster=groups).status == 200
    role = pair.paris.get("/_security/role/r").json["r"]
    assert role["remote_indices"] == [
        {
            "names": ["logs-*"],
            "privileges": ["read", "read_cross_cluster"],
            "field_security": {"grant": ["*"]},
            "query": '{"term":{"team":"a"}}',
            "allow_restricted_indices": False,
            "clusters": ["b*"],
        }
    ]
    assert role["remote_cluster"] == groups


# What a role says to [remote_cluster] with each privilege.
UNKNOWN_FIELD = "400 failed to parse role [r]. unexpected field [remote_cluster]"
ONLY_ENRICH = (
    "400 failed to parse remote_cluster for role [r]. [monitor_enrich] are the only values allowed for [privileges] "
    "within [remote_cluster]. Found [monitor_stats]"
)
REMOTE_CLUSTER = {
    "8.10": {"monitor_enrich": UNKNOWN_FIELD, "monitor_stats": UNKNOWN_FIELD},
    "8.15": {"monitor_enrich": "200", "monitor_stats": ONLY_ENRICH},
    "8.17": {"monitor_enrich": "200", "monitor_stats": "200"},
}


@each_version("8.14.0", "8.15.0", "8.17.0")
def test_7_remote_cluster_by_version(make_world, version):
    paris = Api(make_world(SMALL, version=version).cluster("paris"))
    told = {}
    for privilege in ("monitor_enrich", "monitor_stats"):
        answer = put(paris, remote_cluster=[{"clusters": ["b"], "privileges": [privilege]}])
        told[privilege] = "200" if answer.status == 200 else texts(answer)
    assert told == of_version(REMOTE_CLUSTER, paris.spec["version"])
    assert put(paris, remote_indices=[{**GOOD, "privileges": ["read"]}]).status == 200


# --- the effective right is what key and user share ---


def searcher(pair, name=None, **entry):
    name = name or f"ann-{uuid.uuid4().hex[:8]}"
    return pair.paris.user(name, remote_indices=[{**GOOD, **entry}])


def sources(answer):
    assert answer.status == 200, answer
    return [hit["_source"] for hit in answer.json["hits"]["hits"]]


def test_7_user_without_entries_is_refused_locally(pair, key):
    user = pair.paris.user("ann-0")
    # Of an older server that it is connected to a client says it in other words (seen: 8.19.0 and 8.14.3, 9.5.0 and
    # 8.19.0).
    paris, berlin = (worlds.number(cluster.spec["version"]) for cluster in (pair.paris, pair.berlin))
    kind = "assigned" if paris > berlin else "effective"
    assert texts(pair.search(user=user)) == (
        "403 action [indices:data/read/search] towards remote cluster [berlin] is unauthorized "
        f"for user [ann-0] with {kind} roles "
        "[role-of-ann-0] because no remote indices privileges apply for the target cluster"
    )
    other = searcher(pair, clusters=["munich"])
    assert "because no remote indices privileges apply for the target cluster" in texts(pair.search(user=other))


def test_7_intersection_of_key_and_user(pair, key):
    for index in ("logs-1", "logs-2", "metrics-1"):
        pair.document(index)
    grant(pair, key, {"search": [{"names": ["logs-1", "metrics-*"]}]})
    user = searcher(pair, "ann-1", names=["logs-*"])
    found = pair.search("/berlin:*/_search", user=user)
    assert [hit["_index"] for hit in found.json["hits"]["hits"]] == ["berlin:logs-1"]
    for index in ("logs-2", "metrics-1"):
        assert texts(pair.search(f"/berlin:{index}/_search", user=user)) == (
            "403 action [indices:data/read/search] towards remote cluster is unauthorized for "
            "user [ann-1] with assigned roles [role-of-ann-1] "
            f"authenticated by API key id [{key['id']}] of user [elastic] on indices [{index}], "
            "this action is granted by the index "
            "privileges [read,all]"
        )


def test_7_document_and_field_level_security_of_both(pair, key):
    pair.document("logs-dls", {"team": "a", "region": "eu", "secret": "s"}, "1")
    pair.document("logs-dls", {"team": "b", "region": "eu", "secret": "s"}, "2")
    pair.document("logs-dls", {"team": "a", "region": "us", "secret": "s"}, "3")
    limits = {"query": {"term": {"team": "a"}}, "field_security": {"grant": ["*"], "except": ["secret"]}}
    grant(pair, key, {"search": [{"names": ["logs-*"], **limits}]})
    path = "/berlin:logs-dls/_search"
    assert len(sources(pair.search(path))) == 2 and "secret" not in sources(pair.search(path))[0]
    user = searcher(pair, query={"term": {"region": "eu"}}, field_security={"grant": ["region", "secret"]})
    assert sources(pair.search(path, user=user)) == [{"region": "eu"}]


def test_7_a_replication_key_grants_no_search(pair, key):
    grant(pair, key, {"replication": [{"names": ["logs-*"]}]})
    begin = (
        "403 action [indices:data/read/search] towards remote cluster is unauthorized for user [elastic] with assigned "
        f"roles [superuser] authenticated by API key id [{key['id']}] of user [elastic]"
    )
    end = ", this action is granted by the index privileges [read,all]"
    assert texts(pair.search("/berlin:logs-1/_search")) == f"{begin} on indices [logs-1]{end}"
    assert texts(pair.search("/berlin:logs-*/_search")) == f"{begin}{end}", "not merely nothing found"


def test_7_updated_access_applies_at_once(pair, key):
    grant(pair, key, {"search": [{"names": ["other"]}]})
    assert pair.search("/berlin:logs-1/_search").status == 403
    grant(pair, key, {"search": [{"names": ["logs-*"]}]})
    assert pair.search("/berlin:logs-1/_search").status == 200
