# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests can do to the simulated clusters: faults, node failures, log, bulk keys, control port, command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import requests

from support.worlds import Api

TESTS = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.needs("faults")


@pytest.fixture
def berlin(world):
    return Api(world.cluster("berlin"))


def reached(world):
    return [(entry["method"], entry["path"], entry["status"]) for entry in world.log("berlin")]


def test_reset_before_and_after(world, berlin):
    for kind, keys in (("reset_before", 0), ("reset_after", 1)):
        world.fault("berlin", kind, method="POST", path="/_security/cross_cluster/api_key")
        with pytest.raises(requests.ConnectionError):
            berlin.post("/_security/cross_cluster/api_key", {"name": "x", "access": {"search": [{"names": "a"}]}})
        assert len(berlin.get("/_security/api_key").json["api_keys"]) == keys, (
            "after: the server has acted, the answer is lost"
        )
    assert reached(world)[0] == ("POST", "/_security/cross_cluster/api_key", None)


@pytest.mark.parametrize(
    ("status", "retry_after", "html"),
    [
        (429, None, False),
        (429, "2", False),
        (502, None, True),
        (503, None, False),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", True),
        (504, None, True),
    ],
)
def test_status(world, berlin, status, retry_after, html):
    world.fault("berlin", "status", status=status, retry_after=retry_after, html=html, times=2)
    for _attempt in range(2):
        answer = berlin.put("/_security/role/r", {"cluster": []})
        assert answer.status == status and answer.headers.get("Retry-After") == retry_after
        assert answer.text.startswith("<html>") if html else answer.json["status"] == status
    assert berlin.get("/_security/role/r").status == 404, "nothing was done"
    world.fault("berlin", "status", status=504, act=True)
    assert (
        berlin.put("/_security/role/r", {"cluster": []}).status == 504 and berlin.get("/_security/role/r").status == 200
    )


def test_delay_trickle_redirect_truncate_garbage(world, berlin):
    world.fault("berlin", "delay", seconds=0.05, path="/")
    assert berlin.get("/").status == 200
    world.fault("berlin", "trickle", seconds=0.05)
    assert berlin.get("/").json["name"] == "berlin-1"
    world.fault("berlin", "redirect", location="https://127.0.0.1:1/login")
    answer = berlin.get("/", allow_redirects=False)
    assert answer.status == 302 and answer.headers["Location"].endswith("/login")
    world.fault("berlin", "truncate")
    with pytest.raises(requests.RequestException):
        berlin.get("/")
    world.fault("berlin", "garbage")
    assert berlin.get("/").json is None
    assert berlin.get("/").status == 200


def test_refuse_and_stopped_node(world, berlin):
    for disturb, repair in (
        (lambda: world.fault("berlin", "refuse", node="berlin-1"), lambda: world.clear_faults("berlin")),
        (
            lambda: world.control("berlin", "stop_node", node="berlin-1"),
            lambda: world.control("berlin", "start_node", node="berlin-1"),
        ),
    ):
        disturb()
        with pytest.raises(requests.ConnectionError):
            Api(world.cluster("berlin")).get("/")
        assert berlin.at_node(1).get("/").json["name"] == "berlin-2"
        repair()
        assert Api(world.cluster("berlin")).get("/").status == 200
    world.control("berlin", "stop_node", node="berlin-3")
    assert berlin.get("/_cluster/health").json["number_of_nodes"] == 2 and len(berlin.get("/_nodes").json["nodes"]) == 2


def test_bad_fault(world):
    for arguments in ({"kind": "nonsense"}, {"kind": "status"}):
        with pytest.raises(ValueError, match="kind"):
            world.fault("berlin", **arguments)


def test_log_masks_secrets(world, berlin):
    berlin.user("ann", ["manage_security"])
    berlin.as_user("ann", "wrong-password").get("/")
    log = world.log("berlin")
    assert log[-1] == {
        "node": "berlin-1",
        "method": "GET",
        "path": "/",
        "query": "",
        "body": None,
        "user": None,
        "status": 401,
    }
    assert {"password": "***", "roles": ["role-of-ann"]} in [
        entry["body"] for entry in log
    ] and "secret-1" not in json.dumps(log)
    berlin.post("/_security/_query/api_key?pretty", {})
    assert [entry["method"] for entry in world.log("berlin", writes_only=True)] == ["PUT", "PUT"]
    world.clear_log()
    assert world.log("berlin") == []


def test_thousands_of_keys(world, berlin):
    assert len(world.control("berlin", "fill_keys", count=5000, name="same", type="rest")) == 5000
    assert len(berlin.get("/_security/api_key?name=same").json["api_keys"]) == 5000


def test_stored_keys_move_to_another_cluster(world, berlin):
    paris = Api(world.cluster("paris"))
    made = berlin.key("moves", expiration="90d", metadata={"team": "a"})
    rest = berlin.rest_key("gone")
    assert berlin.delete("/_security/api_key", {"ids": [rest["id"]]}).status == 200
    stored = world.control("berlin", "dump_keys")
    world.control("paris", "load_keys", keys=json.loads(json.dumps(stored)))
    assert world.control("paris", "dump_keys") == stored
    for key_id in (made["id"], rest["id"]):
        assert paris.read_key(key_id) == berlin.read_key(key_id)
    # The secret is the same, and so a rest key that is alive would work; a cross-cluster key says what it is.
    assert paris.as_api_key(made["encoded"]).get("/").reasons == berlin.as_api_key(made["encoded"]).get("/").reasons
    with pytest.raises(ValueError, match="already"):
        world.control("paris", "load_keys", keys=stored)


def test_restart_node(world, berlin):
    node = world.cluster("berlin")["nodes"][0]
    yml = Path(node["config_dir"]) / "elasticsearch.yml"
    yml.write_text(yml.read_text() + "node.attr.x: y\n")
    done = subprocess.run([f"{node['home']}/bin/restart-node"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert (
        Api(world.cluster("berlin")).get("/").status == 200
        and world.clusters["berlin"].nodes[0].yml["node.attr.x"] == "y"
    )
    yml.write_text("a: 1\na: 2\n")
    broken = subprocess.run(
        [f"{node['home']}/bin/restart-node"], capture_output=True, text=True, timeout=60, check=False
    )
    assert broken.returncode == 1 and "Duplicate field 'a'" in broken.stderr and "Traceback" not in broken.stderr
    with pytest.raises(requests.ConnectionError):
        Api(world.cluster("berlin")).get("/")


def control_call(directory, cluster, verb, **arguments):
    access = json.loads((directory / "control.json").read_text())
    request = urllib.request.Request(
        f"{access['url']}/{cluster}/{verb}", json.dumps(arguments).encode(), {"X-Control-Token": access["token"]}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return json.loads(answer.read())["result"]


def test_control_port(world, berlin):
    ids = control_call(world.directory, "berlin", "fill_keys", count=3, name_prefix="p-")
    assert {key["id"] for key in berlin.get("/_security/api_key").json["api_keys"]} == set(ids)
    control_call(world.directory, "berlin", "fault", kind="status", status=503)
    assert berlin.get("/").status == 503
    assert control_call(world.directory, "berlin", "log")[-1]["fault"] == "status"
    with pytest.raises(urllib.error.HTTPError) as error:
        control_call(world.directory, "berlin", "nonsense")
    assert "unknown control verb [nonsense]" in json.loads(error.value.read())["error"]


def start(tmp_path, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.Popen(
        [sys.executable, "-m", "simulator", str(tmp_path), *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_command_line(tmp_path, stop):
    process = start(tmp_path, "--clusters", "rome oslo", "--version", "8.14.0", "--trust", "none")
    try:
        assert "2 clusters of version 8.14.0 answer" in process.stderr.readline()
        spec = json.loads((tmp_path / "clusters.json").read_text())["clusters"]
        assert list(spec) == ["rome", "oslo"]
        fields = {
            "version",
            "cluster_uuid",
            "urls",
            "username",
            "password",
            "ca_cert",
            "remote_cluster_server",
            "remote_ca_cert",
            "nodes",
        }
        assert set(spec["rome"]) == fields and len(spec["rome"]["nodes"]) == len(spec["rome"]["urls"]) == 3
        assert all(set(node) == {"name", "url", "home", "config_dir", "keystore"} for node in spec["rome"]["nodes"])
        api = Api(spec["rome"])
        assert api.get("/").json["version"]["number"] == "8.14.0" and api.key()["id"]
        assert api.get("/").json["cluster_uuid"] == spec["rome"]["cluster_uuid"]
    finally:
        process.send_signal(stop)
        assert process.wait(30) == 0
    assert not (tmp_path / "clusters.json").exists() and process.stderr.read() == ""
    assert start(tmp_path / "rome" / ".simulated-cluster").wait(30) == 2, "a file in the way"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--version", "7.17.0"], "version [7.17.0] is not simulated"),
        (["--version", "nine"], "[nine] is not a version"),
        (["--clusters", "Berlin"], "cluster name [Berlin]"),
        (["--clusters", "a a"], "a name of its own"),
        (["--clusters", " "], "at least one"),
        (["--nodes", "0"], "--nodes must be 1 to 20"),
        (["--trust", "some"], "invalid choice"),
    ],
    ids=str,
)
def test_command_line_bad_arguments(tmp_path, arguments, text):
    process = start(tmp_path, *arguments)
    _out, err = process.communicate(timeout=30)
    assert process.returncode == 2 and text in err and "Traceback" not in err


def test_command_line_foreign_directory(tmp_path):
    (tmp_path / "berlin").mkdir()
    process = start(tmp_path, "--clusters", "berlin")
    _out, err = process.communicate(timeout=30)
    assert process.returncode == 1 and "was not made by the simulator" in err and (tmp_path / "berlin").is_dir()
