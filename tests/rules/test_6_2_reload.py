# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 6.2 and what of 6.4 concerns a running node: reload of secure settings, version by version."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from support.pair import as_new, texts

SMALL = {"berlin": {"nodes": 1}, "paris": {"nodes": 2}}
ALIAS = "cluster.remote.berlin.credentials"


@pytest.fixture
def old(make_world):
    def make(version):
        world = make_world(SMALL, version=version)
        return as_new(world)

    return make


def results(answer):
    assert answer.status == 200, answer
    return {node["name"]: node for node in answer.json["nodes"].values()}


def failure(node):
    return f"{node['reload_exception']['type']}: {node['reload_exception']['reason']}"


def test_6_2_shape_and_details_of_9_3(pair):
    pair.credential(pair.berlin.key()["encoded"], nodes=[0])
    answer = pair.reload()
    assert (
        answer.json["_nodes"] == {"total": 3, "successful": 3, "failed": 0} and answer.json["cluster_name"] == "paris"
    )
    first, second = results(answer)["paris-1"], results(answer)["paris-2"]
    assert first["secure_setting_names"] == [ALIAS, "keystore.seed"] and second["secure_setting_names"] == [
        "keystore.seed"
    ]
    file = Path(pair.nodes[0]["config_dir"]) / "elasticsearch.keystore"
    assert first["keystore_path"] == str(file)
    assert first["keystore_digest"] == hashlib.sha256(file.read_bytes()).hexdigest() != second["keystore_digest"]
    assert first["keystore_last_modified_time"]


@pytest.mark.needs("versions")
def test_6_2_no_details_before_9_3(old):
    assert set(results(old("9.0.0").reload())["paris-1"]) == {"name"}


def test_6_2_missing_keystore_is_a_200(pair):
    (Path(pair.nodes[1]["config_dir"]) / "elasticsearch.keystore").unlink()
    answer = pair.reload()
    assert answer.json["_nodes"]["failed"] == 0
    assert failure(results(answer)["paris-2"]) == "illegal_state_exception: Keystore is missing"
    assert "reload_exception" not in results(answer)["paris-1"]


def test_6_2_passwords(pair):
    pair.tool("passwd", stdin="pw\npw\n")
    wrong = "security_exception: Provided keystore password was incorrect"
    answer = results(pair.reload())
    assert failure(answer["paris-1"]) == wrong and "reload_exception" not in answer["paris-2"]
    answer = results(pair.reload({"secure_settings_password": "pw"}))
    assert "reload_exception" not in answer["paris-1"] and failure(answer["paris-2"]) == wrong, "none wanted, one given"
    assert failure(results(pair.reload({"secure_settings_password": "no"}, "/_local"))["paris-1"]) == wrong
    assert list(results(pair.reload({"secure_settings_password": "pw"}, "/_local"))) == ["paris-1"]


def test_6_2_password_for_several_nodes_needs_transport_tls(pair):
    pair.yml("paris", xpack__security__transport__ssl__enabled=False)
    answer = pair.reload({"secure_settings_password": "pw"})
    assert answer.status == 500
    assert answer.error["reason"] == (
        "Secure settings cannot be updated cluster wide when TLS for the transport layer is not enabled. "
        "Enable TLS or use the API with a `_local` filter on each node."
    )
    assert pair.reload({"secure_settings_password": "pw"}, "/_local").status == 200
    assert pair.reload().status == 200


@pytest.mark.parametrize("body", [{"password": "x"}, {"secure_settings_password": ["x"]}, [1]])
def test_6_2_malformed_body(pair, body):
    assert pair.reload(body).status == 400


def test_6_2_node_filters(pair):
    uuid = pair.world.clusters["paris"].nodes[2].id
    for expression, names in (
        ("_local", ["paris-1"]),
        ("paris-2", ["paris-2"]),
        (uuid, ["paris-3"]),
        ("paris-1,paris-3", ["paris-1", "paris-3"]),
        ("paris-*", ["paris-1", "paris-2", "paris-3"]),
        ("nothing", []),
        ("_all", ["paris-1", "paris-2", "paris-3"]),
    ):
        assert sorted(results(pair.reload(node_id="/" + expression))) == names, expression


def test_6_2_unknown_secure_setting_fails_reload_and_start(pair):
    pair.tool("add", "-x", "-f", "cluster.remote.a.b.credentials", stdin="x\n")
    found = failure(results(pair.reload())["paris-1"])
    assert found.startswith(
        "illegal_argument_exception: unknown secure setting [cluster.remote.a.b.credentials] please check"
    )
    with pytest.raises(Exception, match="unknown secure setting"):
        pair.world.control("paris", "restart_node", node="paris-1")
    assert "unknown secure setting [cluster.remote.a.b.credentials]" in pair.log()


@pytest.mark.needs("faults")
def test_6_2_a_node_that_fails_and_one_that_is_gone(pair):
    pair.world.control("paris", "fail_reload", node="paris-2", reason="boom")
    assert failure(results(pair.reload())["paris-2"]) == "illegal_state_exception: boom"
    assert "reload_exception" not in pair.reload().text
    pair.world.control("paris", "stop_node", node="paris-3")
    pair.world.control("paris", "unreachable_node", node="paris-3")
    answer = pair.reload()
    assert answer.json["_nodes"] == {"total": 3, "successful": 2, "failed": 1} and len(answer.json["nodes"]) == 2


def test_6_2_needs_manage(pair):
    assert pair.paris.user("m", ["manage"]).post("/_nodes/reload_secure_settings").status == 200
    assert pair.paris.user("w", ["monitor"]).post("/_nodes/reload_secure_settings").status == 403


@pytest.mark.needs("memory")
def test_6_2_added_and_removed_rebuild_changed_does_not(pair):
    pair.link()
    node = pair.world.clusters["paris"].nodes[0]
    before = node.connections["berlin"]
    second = pair.berlin.key()
    pair.credential(second["encoded"])
    pair.reload()
    assert node.connections["berlin"] is before, "a changed value is used by the next request without a rebuild"
    assert pair.world.control("paris", "loaded_credentials")["paris-1"] == {"berlin": second["id"]}
    assert pair.search().status == 200
    pair.tool("remove", ALIAS)
    pair.reload()
    assert node.connections["berlin"] is not before and "cluster_credentials" not in pair.info()["berlin"]


@pytest.mark.needs("memory")
def test_6_2_a_file_alone_changes_nothing_until_the_reload(pair):
    first = pair.link()
    second = pair.berlin.key()
    pair.credential(second["encoded"])
    assert pair.world.control("paris", "loaded_credentials")["paris-1"] == {"berlin": first["id"]}
    pair.berlin.delete("/_security/api_key", {"ids": [first["id"]]})
    assert pair.search().status == 401
    pair.reload()
    assert pair.info()["berlin"]["connected"] is False, "the reload alone does not reconnect"
    assert pair.search().status == 200 and pair.info()["berlin"]["connected"] is True


def test_6_2_rotation_without_one_failed_search(pair):
    first = pair.link()
    second = pair.berlin.key()
    for number in range(3):
        pair.credential(second["encoded"], nodes=[number])
        assert pair.search(node=number).status == 200
    pair.reload()
    assert [pair.search(node=number).status for number in range(3)] == [200] * 3
    pair.berlin.delete("/_security/api_key", {"ids": [first["id"]]})
    assert [pair.search(node=number).status for number in range(3)] == [200] * 3


def test_6_2_a_failed_connection_is_not_reported(pair):
    pair.proxy()
    pair.credential("bm90LWEta2V5")
    assert "reload_exception" not in pair.reload().text
    assert pair.info()["berlin"]["connected"] is False and "failed to extract credentials from headers" in pair.log()


@pytest.mark.needs("memory", "versions")
def test_6_2_before_8_13_only_a_restart_helps(old):
    pair = old("8.12.0")
    pair.link()
    assert pair.world.control("paris", "loaded_credentials")["paris-1"] == {}
    assert "reload_exception" not in pair.reload().text
    assert "cluster_credentials" not in pair.info()["berlin"]
    pair.world.control("paris", "restart_node", node="paris-1")
    assert pair.search().status == 200


@pytest.mark.needs("memory", "versions")
@pytest.mark.parametrize("version, needed", [("8.13.0", True), ("8.15.0", True), ("8.15.1", False)])
def test_6_2_privilege_bug(old, version, needed):
    pair = old(version)
    pair.credential(pair.berlin.key()["encoded"])
    user = pair.paris.user("m", ["manage"])
    node = results(user.post("/_nodes/reload_secure_settings"))["paris-1"]
    assert ("reload_exception" in node) is needed
    if needed:
        assert failure(node).startswith(
            "security_exception: action [cluster:admin/xpack/security/remote_cluster_credentials/reload] is "
            "unauthorized for user [m]"
        )
        assert pair.world.control("paris", "loaded_credentials")["paris-1"] == {}
    both = pair.paris.user("b", ["manage", "manage_security"])
    assert "reload_exception" not in both.post("/_nodes/reload_secure_settings").text


@pytest.mark.needs("memory", "upgrade", "versions")
def test_6_4_formats_and_upgrade_at_start(old):
    pair = old("8.13.0")
    file = Path(pair.nodes[0]["config_dir"]) / "elasticsearch.keystore"
    assert int.from_bytes(file.read_bytes()[27:31], "big") == 5
    pair.credential(pair.berlin.key()["encoded"])
    pair.world.control("paris", "upgrade", version="8.14.0")
    assert int.from_bytes(file.read_bytes()[27:31], "big") == 6
    assert pair.tool("list").stdout == f"{ALIAS}\nkeystore.seed\n"
    assert "berlin" in pair.world.control("paris", "loaded_credentials")["paris-1"]


def test_6_4_a_format_from_the_future_is_refused(pair, tmp_path):
    from simulator import keystore_file

    keystore = keystore_file.Keystore.create(8)
    keystore.save(pair.nodes[0]["config_dir"], "")
    found = pair.tool("list")
    assert found.returncode == 70 and "format is too new" in found.stderr
    assert "format is too new" in failure(results(pair.reload())["paris-1"])


def test_6_4_every_bit_of_the_file_is_guarded(tmp_path):
    from simulator import keystore_file as ks

    keystore = ks.Keystore.create(6)
    keystore.entries["a.b"] = b"value"
    keystore.save(str(tmp_path), "pw")
    data = (tmp_path / ks.FILE_NAME).read_bytes()
    assert data.startswith(b"\x3f\xd7\x6c\x17\x16elasticsearch.keystore\x00\x00\x00\x06\x01")
    again = ks.Keystore.load(str(tmp_path))
    again.decrypt("pw")
    assert again.entries == keystore.entries
    for position in range(0, len(data), 7):
        broken = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        with pytest.raises((ks.KeystoreFormatError, ks.KeystoreSecurityError)):
            ks.Keystore.parse(broken, "x", 6).decrypt("pw")


def test_6_4_start_makes_a_missing_keystore_and_needs_the_password_of_a_protected_one(pair):
    (Path(pair.nodes[0]["config_dir"]) / "elasticsearch.keystore").unlink()
    pair.world.control("paris", "restart_node", node="paris-1")
    assert pair.tool("list").stdout == "keystore.seed\n"
    pair.tool("passwd", stdin="pw\npw\n")
    with pytest.raises(Exception, match="password was incorrect"):
        pair.world.control("paris", "restart_node", node="paris-1")
    (Path(pair.nodes[0]["home"]) / "lib" / "keystore_passphrase").write_text("pw\n")
    pair.world.control("paris", "start_node", node="paris-1")
    assert texts(pair.search("/nowhere:x/_search")).startswith("404 no such remote cluster: [nowhere]")


@pytest.mark.needs("calls")
def test_6_3_calls_are_counted_per_node(pair):
    pair.credential("x", nodes=[1])
    assert pair.world.control("paris", "keystore_calls") == {"paris-1": [], "paris-2": [f"add {ALIAS}"], "paris-3": []}
    pair.world.control("paris", "clear_keystore_calls")
    assert pair.world.control("paris", "keystore_calls")["paris-2"] == []


def test_6_2_nodes_are_chosen_by_role(pair):
    """(seen: 8.10.4, 8.19.0, 9.5.0) A role that nobody knows chooses no node and is no mistake."""
    pair.write_yml(pair.nodes[1], {"node.roles": ["master", "data"]})
    pair.world.control("paris", "restart_node", node="paris-2")
    client = pair.paris
    for expression, names in (
        ("remote_cluster_client:true", {"paris-1", "paris-3"}),
        ("remote_cluster_client:false", {"paris-2"}),
        ("master:true", {"paris-1", "paris-2", "paris-3"}),
        ("bogus_role:true", set()),
    ):
        assert set(results(client.post(f"/_nodes/{expression}/reload_secure_settings"))) == names
        assert set(results(client.get(f"/_nodes/{expression}/http"))) == names
