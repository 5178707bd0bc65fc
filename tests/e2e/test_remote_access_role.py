# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from support.modules import check_real_again, run_module
from support.worlds import connection

MODULE = "remote_access_role"
ENTRY = {"clusters": ["berlin"], "names": ["logs-*"], "privileges": ["read", "read_cross_cluster"]}
MONITOR = {"clusters": ["berlin"], "privileges": ["monitor_enrich"]}
REST = {
    "cluster": ["monitor"],
    "indices": [{"names": ["local-*"], "privileges": ["read"], "query": '{"match_all":{}}'}],
    "metadata": {"team": "search"},
    "run_as": ["somebody"],
}


# Entries for privileges on the remote cluster itself came later than those for its indices.
BOTH = pytest.mark.parametrize(
    "more", [{}, pytest.param({"remote_cluster": [MONITOR]}, marks=pytest.mark.needs(since="8.15"))]
)


@pytest.fixture
def paris(world, api):
    assert api("paris").put("/_security/role/analyst", REST).status == 200
    return {**connection(world.cluster("paris")), "name": "analyst"}


def stored(api, name="analyst"):
    return api("paris").get(f"/_security/role/{name}").json[name]


@BOTH
def test_merge_keeps_everything_else(world, paris, api, more):
    before = stored(api)
    args = {**paris, "remote_indices": [{**ENTRY, "query": {"term": {"a": 1}}}], **more}
    result = check_real_again(MODULE, args, world, "paris")
    assert result["operation"] == "update"
    after = stored(api)
    assert {key: after[key] for key in before if key not in ("remote_indices", "remote_cluster")} == before
    world.clear_log()
    assert not run_module(
        MODULE,
        {
            **args,
            "remote_indices": [
                {**ENTRY, "privileges": ["read_cross_cluster", "read"], "query": '{ "term": {"a": 1} }'}
            ],
        },
    ).changed
    assert len(world.log("paris")) == 1
    world.clear_log()
    run_module(MODULE, {**paris, "remote_indices": [{**ENTRY, "names": ["other"]}]})
    assert [entry["method"] for entry in world.log("paris")] == ["GET", "PUT"]
    assert len(stored(api)["remote_indices"]) == 2


@BOTH
def test_absent_takes_out_the_given_entry_then_all(world, paris, api, more):
    run_module(MODULE, {**paris, "remote_indices": [ENTRY, {**ENTRY, "clusters": ["rome"]}], **more})
    result = check_real_again(MODULE, {**paris, "state": "absent", "remote_indices": [ENTRY]}, world, "paris")
    assert [entry["clusters"] for entry in result["remote_indices"]] == [["rome"]]
    assert result["remote_cluster"] == more.get("remote_cluster", [])
    check_real_again(MODULE, {**paris, "state": "absent"}, world, "paris")
    left = stored(api)
    assert not left.get("remote_indices") and not left.get("remote_cluster")
    assert left["cluster"] == ["monitor"] and left["metadata"] == {"team": "search"}


def test_a_role_that_does_not_exist(world, paris, api):
    absent = run_module(MODULE, {**paris, "name": "new-one", "state": "absent"})
    assert not absent.failed and not absent.changed
    result = check_real_again(MODULE, {**paris, "name": "new-one", "remote_indices": [ENTRY]}, world, "paris")
    assert result["operation"] == "create" and stored(api, "new-one")["remote_indices"]


def test_reserved_roles(paris):
    result = run_module(MODULE, {**paris, "name": "superuser", "remote_indices": [ENTRY]}, check=True)
    assert result.failed and "reserved" in result.msg


@pytest.mark.parametrize(
    "options, part",
    [
        ({}, "remote_indices, remote_cluster"),
        ({"remote_indices": [{**ENTRY, "clusters": []}]}, "clusters is empty"),
        ({"remote_indices": [{**ENTRY, "query": "{"}]}, "not JSON"),
        ({"remote_indices": [{"clusters": ["berlin"], "names": ["x"]}]}, "privileges"),
        ({"remote_indices": [{**ENTRY, "other": 1}]}, "other"),
        ({"remote_indices": [ENTRY], "name": "a,b"}, "name of one role"),
    ],
)
def test_bad_input_sends_nothing(world, paris, options, part):
    world.clear_log()
    result = run_module(MODULE, {**paris, **options}, check=True)
    assert result.failed and part in result.msg
    assert world.log("paris") == []


@pytest.mark.needs(since="8.15")
def test_what_the_server_refuses(paris):
    result = run_module(MODULE, {**paris, "remote_cluster": [{"clusters": ["berlin"], "privileges": ["everything"]}]})
    assert result.failed and "Cannot write the role [analyst]" in result.msg and "monitor_enrich" in result.msg


@pytest.mark.needs(before="8.15")
def test_remote_cluster_before_8_15(make_world):
    one = make_world(version="8.14.0")
    result = run_module(MODULE, {**connection(one.cluster("paris")), "name": "r", "remote_cluster": [MONITOR]})
    assert result.failed and "8.15" in result.msg
