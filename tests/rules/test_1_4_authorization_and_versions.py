# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 1.4 to 1.6: privileges, licence, versions, certificate identity, generated descriptors."""

from __future__ import annotations

import uuid

import pytest

from simulator.rest import java_regex
from support.worlds import Api, of_version, reset

CREATE = "/_security/cross_cluster/api_key"
OK = {"search": [{"names": ["logs-*"]}]}
READ = ["read", "read_cross_cluster", "view_index_metadata"]
FOLLOW = ["cross_cluster_replication", "cross_cluster_replication_internal"]


def test_1_4_api_key_as_caller(each_berlin):
    caller = each_berlin.as_api_key(each_berlin.rest_key()["encoded"])
    answer = caller.post(CREATE, {"name": "x", "access": OK})
    assert answer.status == 400 and answer.error["type"] == "illegal_argument_exception"
    assert answer.error["reason"] == (
        "authentication via API key not supported: An API key cannot be used to create a cross-cluster API key"
    )
    answer = caller.put(f"{CREATE}/{each_berlin.key()['id']}", {"metadata": {}})
    assert (answer.status, answer.error["reason"]) == (
        400,
        "authentication via API key not supported: only the owner user can update an API key",
    )


@pytest.mark.parametrize(
    "privilege", ["manage_api_key", "manage_own_api_key", "manage", "monitor", "read_security", "grant_api_key"]
)
def test_1_4_privilege_missing(each_berlin, privilege):
    name = f"weak-{uuid.uuid4().hex[:8]}"
    user = each_berlin.user(name, [privilege])
    for answer, action in (
        (user.post(CREATE, {"name": "x", "access": OK}), "create"),
        (user.put(f"{CREATE}/x", {"metadata": {}}), "update"),
    ):
        assert (answer.status, answer.error["type"]) == (403, "security_exception")
        assert answer.error["reason"] == (
            f"action [cluster:admin/xpack/security/cross_cluster/api_key/{action}] is unauthorized for user "
            f"[{name}] with effective roles [role-of-{name}], this action is granted by the cluster privileges "
            "[manage_security,all]"
        )


@pytest.mark.parametrize("privilege", ["manage_security", "all"])
def test_1_4_privilege_enough(each_berlin, privilege):
    name = f"strong-{uuid.uuid4().hex[:8]}"
    assert each_berlin.user(name, [privilege]).post(CREATE, {"name": "x", "access": OK}).status == 200


@pytest.mark.needs("licences")
@pytest.mark.parametrize("level", ["basic", "gold", "platinum", "expired"])
def test_1_4_licence(world, berlin, level):
    key = berlin.key()
    world.control("berlin", "set_license", type=level)
    for answer in (
        berlin.post(CREATE, {"name": "x", "access": OK}),
        berlin.put(f"{CREATE}/{key['id']}", {"metadata": {}}),
    ):
        assert (answer.status, answer.error["type"]) == (403, "security_exception")
        assert answer.error["reason"] == "current license is non-compliant for [advanced-remote-cluster-security]"
        assert answer.error["license.expired.feature"] == "advanced-remote-cluster-security"
    assert berlin.read_key(key["id"])["id"] == key["id"], "reading needs no licence"
    assert berlin.delete("/_security/api_key", {"ids": [key["id"]]}).json["invalidated_api_keys"] == [key["id"]]


def test_1_4_body_before_privilege(each_berlin):
    """What is wrong with a request is told also to who may not make it."""
    user = each_berlin.user(f"weak-{uuid.uuid4().hex[:8]}", ["monitor"])
    assert user.post(CREATE, {"name": "", "access": OK}).status == 400
    assert user.put(f"{CREATE}/x", {}).status == 400


@pytest.mark.needs("licences")
def test_1_4_licence_api(berlin):
    assert berlin.get("/_license").json["license"]["type"] == "trial"
    assert berlin.post("/_license/start_basic").json["basic_was_started"] is False, "needs acknowledge=true"
    assert berlin.post("/_license/start_basic?acknowledge=true").json["basic_was_started"] is True
    assert berlin.post(CREATE, {"name": "x", "access": OK}).status == 403
    assert berlin.post("/_license/start_trial?acknowledge=true").json["trial_was_started"] is True
    assert berlin.post(CREATE, {"name": "x", "access": OK}).status == 200
    assert berlin.post("/_license/start_trial?acknowledge=true").status == 403


@pytest.mark.needs("switches")
def test_1_4_service_disabled(world, berlin):
    world.control("berlin", "set_api_keys_enabled", enabled=False)
    answer = berlin.post(CREATE, {"name": "x", "access": OK})
    assert answer.status == 400 and answer.error["reason"] == "api keys are not enabled"


@pytest.mark.needs("clusters")
def test_1_4_endpoint_absent_before_8_10(make_world):
    old = Api(make_world(["ancient"], version="8.9.2", nodes=1).cluster("ancient"))
    answer = old.post(CREATE, {"name": "x", "access": OK})
    assert answer.status == 400 and answer.json == {"error": f"no handler found for uri [{CREATE}] and method [POST]"}
    key = old.rest_key()
    shown = old.read_key(key["id"])
    assert "type" not in shown and "access" not in shown
    assert old.get("/_security/api_key?active_only=true").status == 400


@pytest.mark.needs("clusters", "upgrade")
def test_1_4_mixed_cluster(make_world):
    one = make_world({"mixed": {"node_versions": ["8.9.2", "8.14.0"]}})
    old, new = (Api(one.cluster("mixed"), node=number) for number in (0, 1))
    answer = new.post(CREATE, {"name": "x", "access": OK})
    assert answer.status == 400
    assert (
        answer.error["reason"]
        == "all nodes must have version [8.10.0] or higher to support creating cross cluster API keys"
    )
    assert "no handler found" in old.post(CREATE, {"name": "x", "access": OK}).json["error"]
    one.control("mixed", "upgrade", version="8.14.0", node="mixed-1")
    assert new.post(CREATE, {"name": "x", "access": OK}).status == 200


@pytest.mark.needs(since="9.3")
def test_1_5_certificate_identity(berlin):
    key = berlin.key(certificate_identity="CN=paris-.*")
    assert berlin.read_key(key["id"])["certificate_identity"] == "CN=paris-.*"
    assert "certificate_identity" not in berlin.read_key(berlin.key()["id"])
    answer = berlin.post(CREATE, {"name": "x", "access": OK, "certificate_identity": "CN=(paris"})
    assert answer.status == 400 and answer.error["type"] == "x_content_parse_exception"
    assert answer.reasons[1] == "Invalid certificate_identity format: [CN=(paris]. Must be a valid regex."
    assert berlin.key(certificate_identity="")["id"], "an empty pattern is valid; it matches nothing"


def test_1_5_not_before_9_3(each_berlin):
    key = each_berlin.key()
    for answer, parser in (
        (
            each_berlin.post(CREATE, {"name": "x", "access": OK, "certificate_identity": "CN=a"}),
            "cross_cluster_api_key_request",
        ),
        (
            each_berlin.put(f"{CREATE}/{key['id']}", {"certificate_identity": "CN=a"}),
            "update_cross_cluster_api_key_request_payload",
        ),
    ):
        assert answer.status == of_version({"8.10": 400, "9.3": 200}, each_berlin.spec["version"])
        assert answer.status == 200 or answer.error["reason"].endswith(
            f" [{parser}] unknown field [certificate_identity]"
        )


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("no-match", False),
        ("", False),
        ("^CN= instance$", False),
        ("^CN=instance.$", False),
        ("^cn=instance$", False),
        ("instance", False),
        ("CN=instance", True),
        ("^CN=instance$", True),
        ("(?i)^cn=instance$", True),
        ("^CN=[A-Za-z0-9_]+$", True),
        ("CN=.*", True),
        (r"CN=\p{Alpha}+", True),
        (r"\QCN=instance\E", True),
        (r"(?<name>CN)=instance\z", True),
    ],
)
def test_1_5_full_match(pattern, matches):
    assert java_regex.full_match(pattern, "CN=instance") is matches


def test_1_6_generated_descriptor(each_berlin):
    table = {"8.10": ["cross_cluster_search"], "8.15": ["cross_cluster_search", "monitor_enrich"]}
    search = of_version(table, each_berlin.spec["version"])
    find, follow = {"names": ["a"]}, {"names": ["b"], "allow_restricted_indices": True}
    rest = {"applications": [], "run_as": [], "metadata": {}, "transient_metadata": {"enabled": True}}
    entry = {"names": ["a"], "privileges": READ, "allow_restricted_indices": False}
    copy = {"names": ["b"], "privileges": FOLLOW, "allow_restricted_indices": True}
    for access, cluster, indices in (
        ({"search": [find]}, search, [entry]),
        ({"replication": [follow]}, ["cross_cluster_replication"], [copy]),
        ({"replication": follow, "search": find}, [*search, "cross_cluster_replication"], [entry, copy]),
    ):
        shown = each_berlin.read_key(each_berlin.key(access=access)["id"])
        assert shown["role_descriptors"] == {"cross_cluster": {"cluster": cluster, "indices": indices, **rest}}


@pytest.mark.needs("clusters", "upgrade")
def test_1_6_upgrade_keeps_stored_descriptor(make_world):
    one = make_world(["up"], version="8.14.0", nodes=2)
    api = Api(one.cluster("up"))
    key = api.key()
    one.control("up", "upgrade", version="8.15.0")
    api = Api(one.cluster("up"))
    assert api.read_key(key["id"])["role_descriptors"]["cross_cluster"]["cluster"] == ["cross_cluster_search"]
    same = {"access": OK}
    assert api.put(f"{CREATE}/{key['id']}", same).json == {"updated": True}
    assert api.read_key(key["id"])["role_descriptors"]["cross_cluster"]["cluster"] == [
        "cross_cluster_search",
        "monitor_enrich",
    ]
    assert api.put(f"{CREATE}/{key['id']}", same).json == {"updated": False}
    reset(one)
