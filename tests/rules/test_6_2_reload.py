# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 6.2 and what of 6.4 concerns a running node: reload of secure settings, version by version."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from simulator.keystore import keystore_file as ks
from support.pair import Pair, as_new, texts
from support.worlds import Api, each_version, of_version, reset

SMALL = {"berlin": {"nodes": 1}, "paris": {"nodes": 2}}
ALIAS = "cluster.remote.berlin.credentials"
WRONG = "security_exception: Provided keystore password was incorrect"
REBUILT = "] connections after credentials update"
VERSIONS = each_version("8.12.0", "8.19.0", "9.3.0")


@pytest.fixture
def each(make_world, version):
    return as_new(make_world(SMALL, version=version))


@pytest.fixture
def table(each):
    """What a table of versions says of the one that is asked."""
    return lambda entries: of_version(entries, each.paris.spec["version"])


def results(answer):
    assert answer.status == 200, answer
    return {node["name"]: node for node in answer.json["nodes"].values()}


def failure(node):
    """What a node tells of its reload; nothing when it was one."""
    error = node.get("reload_exception")
    return f"{error['type']}: {error['reason']}" if error else ""


def failures(answer):
    return {name: failure(node) for name, node in results(answer).items()}


def file(node):
    return Path(node["config_dir"]) / ks.FILE_NAME


def entries(node):
    keystore = ks.Keystore.load(node["config_dir"])
    keystore.decrypt("")
    return keystore.entries


def stamp(path):
    text = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


DETAILS = {
    "8.10": set(),
    "9.3": {"secure_setting_names", "keystore_path", "keystore_digest", "keystore_last_modified_time"},
}


@VERSIONS
def test_6_2_shape_and_details(each, table):
    each.credential(each.berlin.key()["encoded"], nodes=[0])
    answer, count = each.reload(), len(each.nodes)
    assert answer.json["_nodes"] == {"total": count, "successful": count, "failed": 0}
    assert answer.json["cluster_name"] == "paris"
    expected = {
        node["name"]: {
            "name": node["name"],
            "secure_setting_names": sorted(entries(node)),
            "keystore_path": str(file(node)),
            "keystore_digest": hashlib.sha256(file(node).read_bytes()).hexdigest(),
            "keystore_last_modified_time": stamp(file(node)),
        }
        for node in each.nodes
    }
    shown = {"name"} | table(DETAILS)
    assert results(answer) == {
        name: {field: value for field, value in node.items() if field in shown} for name, node in expected.items()
    }


def test_6_2_missing_keystore_is_a_200(pair):
    *others, last = pair.nodes
    file(last).unlink()
    answer = pair.reload()
    assert answer.json["_nodes"]["failed"] == 0
    assert failures(answer) == {
        **{node["name"]: "" for node in others},
        last["name"]: "illegal_state_exception: Keystore is missing",
    }


def test_6_2_passwords(pair):
    first, *others = (node["name"] for node in pair.nodes)
    pair.tool("passwd", stdin="pw\npw\n")
    assert failures(pair.reload()) == {first: WRONG, **dict.fromkeys(others, "")}
    # Whose keystore wants none refuses the one that is given.
    assert failures(pair.reload({"secure_settings_password": "pw"})) == {first: "", **dict.fromkeys(others, WRONG)}
    assert failures(pair.reload({"secure_settings_password": "no"}, "/_local")) == {first: WRONG}
    assert failures(pair.reload({"secure_settings_password": "pw"}, "/_local")) == {first: ""}


@pytest.mark.needs(nodes=2)
def test_6_2_password_for_several_nodes_needs_transport_tls(make_world):
    world = make_world(["paris"], nodes=2)
    reset(world)
    paris = Api(world.cluster("paris"))
    for node in paris.spec["nodes"]:
        Pair.write_yml(node, {"xpack.security.transport.ssl.enabled": False})
    for node in paris.spec["nodes"]:  # alone it may have no cluster to wait for
        subprocess.run([Path(node["home"], "bin", "restart-node")], check=True, capture_output=True)
    end = time.monotonic() + 60
    while paris.get("/_cluster/health?wait_for_nodes=2&timeout=2s").status != 200:
        assert time.monotonic() < end
    answer = paris.post("/_nodes/reload_secure_settings", {"secure_settings_password": "pw"})
    assert answer.status == 500
    assert answer.error["reason"] == (
        "Secure settings cannot be updated cluster wide when TLS for the transport layer is not enabled. "
        "Enable TLS or use the API with a `_local` filter on each node."
    )
    assert paris.post("/_nodes/_local/reload_secure_settings", {"secure_settings_password": "pw"}).status == 200
    assert paris.post("/_nodes/reload_secure_settings").status == 200


@pytest.mark.parametrize(
    "body, reason",
    [
        ({"password": "x"}, "[1:2] [reload_secure_settings] unknown field [password]"),
        ([1], "[1:1] [reload_secure_settings] Expected START_OBJECT but was: START_ARRAY"),
        *(
            (
                {"secure_settings_password": value},
                f"[1:30] [reload_secure_settings] secure_settings_password doesn't support values of type: {token}",
            )
            for value, token in ((["x"], "START_ARRAY"), (5, "VALUE_NUMBER"), (None, "VALUE_NULL"))
        ),
    ],
)
def test_6_2_malformed_body(berlin_once, body, reason):
    answer = berlin_once.post("/_nodes/reload_secure_settings", body)
    assert (answer.status, answer.error["type"]) == (400, "x_content_parse_exception") and answer.reasons == [reason]


def test_6_2_node_filters(api):
    paris = api("paris")
    names = sorted(node["name"] for node in paris.spec["nodes"])
    first, last = names[0], names[-1]
    ids = {node["name"]: key for key, node in paris.get("/_nodes/_all/http").json["nodes"].items()}
    for expression, expected in (
        ("_local", [first]),
        (last, [last]),
        (ids[last], [last]),
        (f"{first},{last}", sorted({first, last})),
        ("paris-*", names),
        ("nothing", []),
        ("_all", names),
    ):
        assert sorted(results(paris.post(f"/_nodes/{expression}/reload_secure_settings"))) == expected, expression


@VERSIONS
def test_6_2_unknown_secure_setting_fails_reload_and_start(each, table):
    each.tool("add", "-x", "-f", "cluster.remote.a.b.credentials", stdin="x\n")
    text = "unknown secure setting [cluster.remote.a.b.credentials] please check that any required plugins are "
    name = each.nodes[0]["name"]
    found = failures(each.reload())[name]
    assert found.startswith(table({"8.10": "", "8.13": f"illegal_argument_exception: {text}"}))
    assert bool(found) is table({"8.10": False, "8.13": True})
    with pytest.raises(Exception, match="unknown secure setting"):
        each.world.control("paris", "restart_node", node=name)
    assert text in each.log()


@pytest.mark.needs("faults")
def test_6_2_a_node_that_fails_and_one_that_is_gone(pair):
    pair.world.control("paris", "fail_reload", node="paris-2", reason="boom")
    assert failure(results(pair.reload())["paris-2"]) == "illegal_state_exception: boom"
    assert "reload_exception" not in pair.reload().text
    pair.world.control("paris", "stop_node", node="paris-3")
    pair.world.control("paris", "unreachable_node", node="paris-3")
    answer = pair.reload()
    assert answer.json["_nodes"] == {"total": 3, "successful": 2, "failed": 1} and len(answer.json["nodes"]) == 2


PARTLY = "exception: secure settings reload failed for one or more security components"
DENIED = "action [cluster:admin/xpack/security/remote_cluster_credentials/reload] is unauthorized for user [m]"
BY_MANAGE = {"8.10": "", "8.13.0": PARTLY, "8.15.1": ""}


@each_version("8.12.0", "8.13.0", "8.15.0", "8.15.1", "9.3.0")
def test_6_2_needs_manage_and_for_a_while_manage_security(each, table):
    each.credential(each.berlin.key()["encoded"])
    each.proxy()
    assert each.paris.user("w", ["monitor"]).post("/_nodes/reload_secure_settings").status == 403
    answer = each.paris.user("m", ["manage"]).post("/_nodes/reload_secure_settings")
    for found in failures(answer).values():
        assert found == table(BY_MANAGE) and (DENIED in answer.text) is bool(found)
    # What a node refuses to reload it does not use.
    used = table({"8.10": False, "8.15.1": True})
    assert ("cluster_credentials" in each.info()["berlin"]) is used
    both = each.paris.user("b", ["manage", "manage_security"]).post("/_nodes/reload_secure_settings")
    assert set(failures(both).values()) == {""}
    assert ("cluster_credentials" in each.info()["berlin"]) is table({"8.10": False, "8.13.0": True})


@each_version("8.12.0", "8.13.0", "9.3.0")
def test_6_2_before_8_13_only_a_restart_helps(each, table):
    each.credential(each.berlin.key()["encoded"])
    each.proxy()
    assert set(failures(each.reload()).values()) == {""}
    assert ("cluster_credentials" in each.info()["berlin"]) is table({"8.10": False, "8.13": True})
    each.load()
    assert each.search().status == 200 and "cluster_credentials" in each.info()["berlin"]


def test_6_2_added_and_removed_rebuild_changed_does_not(pair):
    """Before 8.13 a start loads what the keystore holds, and there is nothing to rebuild."""
    first = pair.link()
    rebuilt = pair.log().count(REBUILT)
    second = pair.berlin.key()
    pair.credential(second["encoded"])
    pair.load()
    pair.berlin.delete("/_security/api_key", {"ids": [first["id"]]})
    assert pair.search().status == 200
    assert pair.log().count(REBUILT) == rebuilt, "a changed value is used by the next request without a rebuild"
    pair.tool("remove", ALIAS)
    pair.load()
    assert pair.log().count(REBUILT) == rebuilt + of_version({"8.10": 0, "8.13": 1}, pair.paris.spec["version"])
    found = pair.info()["berlin"]
    assert "cluster_credentials" not in found and found["connected"] is False


def test_6_2_a_file_alone_changes_nothing_until_it_is_loaded(pair):
    first = pair.link()
    second = pair.berlin.key()
    pair.credential(second["encoded"])
    assert pair.search().status == 200
    pair.berlin.delete("/_security/api_key", {"ids": [first["id"]]})
    assert pair.search().status == 401
    pair.load()
    assert pair.search().status == 200


def test_6_2_rotation_without_one_failed_search(pair):
    count = len(pair.nodes)
    first = pair.link()
    second = pair.berlin.key()
    for number in range(count):
        pair.credential(second["encoded"], nodes=[number])
        assert pair.search(node=number).status == 200
    pair.load()
    assert [pair.search(node=number).status for number in range(count)] == [200] * count
    pair.berlin.delete("/_security/api_key", {"ids": [first["id"]]})
    assert [pair.search(node=number).status for number in range(count)] == [200] * count


@VERSIONS
def test_6_2_a_failed_connection_is_not_reported(each):
    each.proxy()
    each.credential("bm90LWEta2V5")
    each.load()
    assert each.info()["berlin"]["connected"] is False
    assert "invalid ApiKey value" in each.log()


@contextlib.contextmanager
def owned(node):
    """The configuration is the node's own, as it is without a package: only then can a start write there."""
    config, logs = Path(node["config_dir"]), Path(node["home"], "logs").stat()
    before = config.stat()
    for path in (config, file(node)):
        if path.exists():
            os.chown(path, logs.st_uid, logs.st_gid)
    yield
    os.chown(config, before.st_uid, before.st_gid)


@VERSIONS
def test_6_4_upgrade_at_start(each, table):
    first = each.nodes[0]
    each.credential(each.berlin.key()["encoded"])
    each.proxy()
    old = ks.Keystore(5)
    old.entries = entries(first)
    old.save(first["config_dir"], "")
    assert each.tool("list").stdout.split() == sorted(old.entries)
    with owned(first):
        each.world.control("paris", "restart_node", node=first["name"])
    assert int.from_bytes(file(first).read_bytes()[27:31], "big") == table({"8.10": 5, "8.14": 6, "8.18": 7})
    assert entries(first) == old.entries
    assert each.search().status == 200


@VERSIONS
def test_6_4_a_format_from_the_future_is_refused(each, table):
    first = each.nodes[0]
    ks.Keystore.create(8).save(first["config_dir"], "")
    found = each.tool("list")
    assert found.returncode == table({"8.10": 1, "8.15": 70}) and "format is too new" in found.stderr
    text = f"illegal_state_exception: The Elasticsearch keystore [{file(first)}] format is too new. Are you trying to "
    assert failures(each.reload())[first["name"]].startswith(text)


def test_6_4_every_bit_of_the_file_is_guarded(tmp_path):
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


def test_6_4_start_makes_a_missing_keystore(pair):
    first = pair.nodes[0]
    file(first).unlink()
    with owned(first):
        # Nothing is asked of the node: the first password of its superuser may have been in that keystore.
        subprocess.run([Path(first["home"], "bin", "restart-node")], check=True, capture_output=True)
    assert list(entries(first)) == ["keystore.seed"]
    pair.world.control("paris", "stop_node", node=first["name"])


def test_6_4_start_needs_the_password_of_a_protected_keystore(pair):
    first = pair.nodes[0]
    pair.tool("passwd", stdin="pw\npw\n")
    passphrase = Path(first["home"], "lib", "keystore_passphrase")
    with pytest.raises(Exception, match="unable to read from standard input"):
        pair.world.control("paris", "restart_node", node=first["name"])
    passphrase.write_text("no\n")
    with pytest.raises(Exception, match="Provided keystore password was incorrect"):
        pair.world.control("paris", "start_node", node=first["name"])
    passphrase.write_text("pw\n")
    pair.world.control("paris", "start_node", node=first["name"])
    assert "no such remote cluster: [nowhere]" in texts(pair.search("/nowhere:x/_search"))


@pytest.mark.needs("calls")
def test_6_3_calls_are_counted_per_node(pair):
    pair.credential("x", nodes=[1])
    assert pair.world.control("paris", "keystore_calls") == {"paris-1": [], "paris-2": [f"add {ALIAS}"], "paris-3": []}
    pair.world.control("paris", "clear_keystore_calls")
    assert pair.world.control("paris", "keystore_calls")["paris-2"] == []


def test_6_2_nodes_are_chosen_by_role(pair):
    """A role that nobody knows chooses no node and is no mistake; `false` takes away from what is chosen before it."""
    *others, last = (node["name"] for node in pair.nodes)
    pair.write_yml(pair.nodes[-1], {"node.roles": ["master", "data"]})
    pair.world.control("paris", "restart_node", node=last)
    client = pair.paris
    for expression, names in (
        ("remote_cluster_client:true", set(others)),
        ("remote_cluster_client:false", set()),
        ("_all,remote_cluster_client:false", {last}),
        ("master:false,_all", {*others, last}),
        ("master:true", {*others, last}),
        ("bogus_role:true", set()),
    ):
        assert set(results(client.post(f"/_nodes/{expression}/reload_secure_settings"))) == names
        assert set(results(client.get(f"/_nodes/{expression}/http"))) == names
