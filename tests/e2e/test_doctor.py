# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way a link breaks, made for real, and what the doctor says of it."""

from __future__ import annotations

import base64
import contextlib
import datetime
import re
import socket
import socketserver
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import pytest
import trustme

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.findings import CODES
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor.words import WORDS
from simulator import Simulator
from support import doctor
from support.playbook import ROOT
from support.worlds import Api, link, put_credential, reset

pytestmark = pytest.mark.needs(nodes=2, since="8.13")

MARKED = {"crosscluster_elasticsearch": {"client": "paris"}}
NAME = "by-hand-berlin"
LINK = {"from": "paris", "to": "berlin", "name": NAME, "access": doctor.ACCESS}
DAY = 86_400


class Bench:
    """Two clusters, paris linked to berlin by hand, to be broken."""

    def __init__(self, world: Simulator, linked: bool = True, **settings: t.Any) -> None:
        self.world = world
        self.clusters = world.spec["clusters"]
        self.paris, self.berlin = Api(self.clusters["paris"]), Api(self.clusters["berlin"])
        self.nodes = self.clusters["paris"]["nodes"]
        self.key: dict[str, t.Any] = {}
        if linked:
            self.key = link(self.clusters["paris"], self.clusters["berlin"], "berlin", **settings)
            self.mark()

    def mark(self, body: dict[str, t.Any] | None = None) -> None:
        """What the collection writes into the keys that it makes."""
        body = body or {"metadata": MARKED, "access": doctor.ACCESS}
        assert self.berlin.put(f"/_security/cross_cluster/api_key/{self.key['id']}", body).status == 200

    def examine(self, **changes: t.Any) -> dict[str, t.Any]:
        self.report = doctor.examine(self.clusters, [{**LINK, **changes.pop("link", {})}], **changes)
        self.row = self.report["links"][0]
        return self.row

    def found(self, code: str, level: str = "error") -> dict[str, t.Any]:
        """The finding, and no other error beside it."""
        told = {(item["code"], item["level"]) for item in self.row["findings"]}
        assert (code, level) in told, self.row
        others = {item["code"] for item in self.row["findings"] if item["level"] == "error"} - {code}
        assert not others, self.row
        finding = next(item for item in self.row["findings"] if item["code"] == code)
        assert finding["cause"] and finding["fix"] and "{" not in finding["cause"] + finding["fix"]
        return finding

    def deliver(self, encoded: str, nodes: t.Sequence[int] = (0, 1), reload: bool = True) -> None:
        for number in nodes:
            put_credential(self.nodes[number], "berlin", encoded)
        if reload:
            self.reload()

    def remove(self, number: int, reload: bool = True) -> None:
        node = self.nodes[number]
        subprocess.run(
            [node["keystore"], "remove", "cluster.remote.berlin.credentials"],
            check=True,
            capture_output=True,
            env={"ES_PATH_CONF": node["config_dir"], "PATH": "/usr/bin:/bin"},
        )
        if reload:
            self.reload()

    def reload(self) -> None:
        assert self.paris.post("/_nodes/reload_secure_settings").status == 200

    def revoke(self, key_id: str) -> None:
        assert self.berlin.delete("/_security/api_key", {"ids": [key_id]}).status == 200

    def replace_key(self, **options: t.Any) -> None:
        """All nodes get a new key with these options, and the one of the link is revoked."""
        key = self.berlin.key(NAME, **{"metadata": MARKED, **options})
        self.deliver(key["encoded"])
        self.revoke(self.key["id"])

    def settings(self, **values: t.Any) -> None:
        answer = self.paris.put(
            "/_cluster/settings", {"persistent": {f"cluster.remote.berlin.{k}": v for k, v in values.items()}}
        )
        assert answer.status == 200, answer

    def restart(self, cluster: str, change: t.Callable[[str], str]) -> None:
        for node in self.clusters[cluster]["nodes"]:
            file = Path(node["config_dir"], "elasticsearch.yml")
            file.write_text(change(file.read_text()))
            self.world.control(cluster, "restart_node", node=node["name"])


@pytest.fixture
def make(make_world: t.Callable[..., Simulator]) -> t.Callable[..., Bench]:
    def build(version: str = "9.3.0", trust: bool = True, **how: t.Any) -> Bench:
        world = make_world(version=version, trust=trust, nodes=2)
        reset(world)
        for cluster in world.spec["clusters"].values():
            for node in cluster["nodes"]:
                subprocess.run(
                    [node["keystore"], "remove", "cluster.remote.berlin.credentials"],
                    check=False,
                    capture_output=True,
                    env={"ES_PATH_CONF": node["config_dir"], "PATH": "/usr/bin:/bin"},
                )
            Api(cluster).post("/_nodes/reload_secure_settings")
        world.clear_log()
        return Bench(world, **how)

    return build


@pytest.fixture
def bench(make: t.Callable[..., Bench]) -> Bench:
    return make()


def test_a_link_that_works_has_no_findings_and_nothing_is_written(bench: Bench) -> None:
    bench.world.clear_log()
    row = bench.examine()
    assert (row["state"], row["proven"], row["findings"], row["key_id"]) == ("ok", True, [], bench.key["id"])
    assert row["last_proof"] == bench.report["generated"]
    assert not [entry for name in bench.clusters for entry in bench.world.log(name, writes_only=True)]


@pytest.mark.needs("licences")
@pytest.mark.parametrize("side", ["paris", "berlin"])
@pytest.mark.parametrize("licence", ["basic", "expired"])
def test_licence(bench: Bench, side: str, licence: str) -> None:
    bench.world.control(side, "set_license", type=licence)
    bench.examine()
    finding = bench.found("license")
    assert side in finding["cause"] and "GET /_license" in finding["evidence"]


def test_revoked_key_and_what_skip_unavailable_hides(bench: Bench) -> None:
    bench.revoke(bench.key["id"])
    bench.examine()
    finding = bench.found("credential_revoked")
    assert "has been invalidated" in finding["evidence"] and "revoked" in finding["evidence"]
    assert "skip_unavailable_masks" in {item["code"] for item in bench.row["findings"]}


@pytest.mark.needs("clock")
def test_expired_key(bench: Bench) -> None:
    bench.replace_key(expiration="1d")
    bench.world.control("berlin", "advance_clock", seconds=4 * DAY)
    bench.examine(now=bench.world.control("berlin", "now"))
    assert "expired 3 days ago" in bench.found("credential_expired")["evidence"]


def test_expired_a_moment_ago(bench: Bench) -> None:
    bench.replace_key(expiration="1s")
    time.sleep(1.5)
    bench.examine()
    assert "expired" in bench.found("credential_expired")["evidence"]


@pytest.mark.needs("clock")
def test_expired_by_the_clock_of_the_server_only(bench: Bench) -> None:
    bench.replace_key(expiration="1d")
    bench.world.control("berlin", "advance_clock", seconds=4 * DAY)
    bench.examine()
    assert "expired" in bench.found("key_expired")["evidence"]


def test_expires_soon(bench: Bench) -> None:
    bench.replace_key(expiration="5d", metadata=MARKED)
    assert bench.examine()["state"] == "warning"
    assert "expires in 4d 23h" in bench.found("expires_soon", "warning")["cause"]
    assert bench.examine(warn_days=3)["state"] == "ok"


def test_unknown_id(bench: Bench) -> None:
    bench.deliver(base64.b64encode(b"VuaCfGcBCdbkQm-e5aOx:" + b"s" * 22).decode())
    bench.examine()
    assert "not among the keys of berlin" in bench.found("credential_unknown")["evidence"]


def test_wrong_secret(bench: Bench) -> None:
    bench.deliver(base64.b64encode(f"{bench.key['id']}:{'s' * 22}".encode()).decode())
    bench.examine()
    bench.found("key_wrong_secret")


def test_rest_key(bench: Bench) -> None:
    bench.deliver(bench.berlin.rest_key(NAME)["encoded"])
    bench.examine()
    assert "type rest" in bench.found("credential_wrong_type")["evidence"]


def test_malformed(bench: Bench) -> None:
    bench.deliver("bm8gY29sb24=")
    bench.examine()
    bench.found("credential_malformed")


def test_key_of_another_name(bench: Bench) -> None:
    bench.deliver(bench.berlin.key("somebody-else")["encoded"])
    bench.examine()
    assert "use another alias" in bench.found("credential_wrong_name", "warning")["fix"]


def test_key_of_another_owner(bench: Bench) -> None:
    anna = bench.berlin.user("anna", cluster=["manage_security"])
    bench.deliver(anna.key(NAME)["encoded"])
    bench.examine()
    assert "owner anna" in bench.found("credential_foreign", "warning")["evidence"]


def test_half_delivered(bench: Bench) -> None:
    bench.remove(1)
    bench.examine()
    finding = bench.found("credential_absent")
    assert "1 of 2 nodes" in finding["cause"] and "paris-1" in finding["fix"]
    assert {node["name"]: node["credential"] for node in bench.row["nodes"]} == {"paris-1": "live", "paris-2": "absent"}


def test_removed_from_the_file_only(bench: Bench) -> None:
    bench.remove(1, reload=False)
    bench.examine()
    assert "until a restart or reload" in bench.found("credential_absent", "warning")["cause"]


def test_right_file_wrong_memory(bench: Bench) -> None:
    new = bench.berlin.key(NAME, metadata=MARKED)
    bench.deliver(new["encoded"], reload=False)
    bench.revoke(bench.key["id"])
    bench.examine()
    assert bench.key["id"] in bench.found("not_reloaded")["evidence"]


def test_rotation_cut_off_and_orphans(bench: Bench) -> None:
    new, orphan = bench.berlin.key(NAME, metadata=MARKED), bench.berlin.key(NAME, metadata=MARKED)
    bench.deliver(new["encoded"], nodes=[0])
    bench.examine()
    bench.found("mixed_keys", "warning")
    bench.found("orphaned_key", "warning")
    assert [key["id"] for key in bench.row["orphans"]] == [orphan["id"]]


def test_stray_key_of_a_link_that_is_not_listed(bench: Bench) -> None:
    stray = bench.berlin.key("paris-old", metadata=MARKED)
    bench.berlin.key("elsewhere", metadata={"crosscluster_elasticsearch": {"client": "madrid"}})
    bench.examine()
    (told,) = bench.report["orphans"]
    assert (told["id"], told["code"], told["level"]) == (stray["id"], "not_listed", "warning")
    assert "cross_cluster_prune" in told["fix"] and "{" not in told["cause"] + told["fix"]


def test_what_is_left_of_a_link_that_goes(bench: Bench) -> None:
    entry = {"clusters": ["berlin"], "names": ["logs-*"], "privileges": ["read"]}
    assert bench.paris.put("/_security/role/reader", {"remote_indices": [entry]}).status == 200
    role = {"name": "reader", "remote_indices": [{"names": ["logs-*"], "privileges": ["read"]}]}
    row = bench.examine(link={"state": "absent", "roles": [role]})
    bench.found("remote_indices_left", "warning")
    assert "remove the settings of alias berlin" in bench.found("drift", "warning")["cause"] and row["proven"] is None
    assert bench.paris.delete("/_security/role/reader").status == 200


def test_alias_missing(bench: Bench) -> None:
    bench.settings(**dict.fromkeys(("mode", "proxy_address")))
    bench.examine()
    bench.found("alias_missing")


def test_transport_port(bench: Bench) -> None:
    nodes = bench.berlin.get("/_nodes").json["nodes"]
    bench.settings(proxy_address=next(iter(nodes.values()))["transport_address"])
    bench.examine()
    finding = bench.found("transport_port")
    assert "9443" in finding["fix"] and "the server publishes" in finding["evidence"]


def test_nothing_listens(bench: Bench) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bench.settings(proxy_address="127.0.0.1:%d" % free.getsockname()[1])
        bench.examine()
    finding = bench.found("unreachable")
    assert "refused" in finding["evidence"] and "paris-1 and paris-2" in finding["cause"]


def test_server_bound_to_loopback(bench: Bench) -> None:
    bench.settings(proxy_address="berlin.invalid:9443")
    bench.examine()
    codes = {item["code"] for item in bench.row["findings"]}
    assert {"server_loopback", "unknown_host"} <= codes, bench.row


def test_server_disabled(bench: Bench) -> None:
    bench.restart(
        "berlin",
        lambda text: text.replace("remote_cluster_server.enabled: true", "remote_cluster_server.enabled: false"),
    )
    bench.examine()
    codes = [item["code"] for item in bench.row["findings"] if item["level"] == "error"]
    assert "server_disabled" in codes and set(codes) <= {"server_disabled", "unreachable"}, bench.row


def test_certificate_not_trusted(make: t.Callable[..., Bench]) -> None:
    bench = make(trust=False)
    bench.examine()
    finding = bench.found("certificate_untrusted")
    assert "certificate_authorities" in finding["fix"] and "self-signed certificate" in finding["evidence"]


@contextlib.contextmanager
def showing(bench: Bench, *names: str, **how: t.Any) -> t.Iterator[None]:
    """The remote cluster server of berlin has another certificate of its own authority meanwhile."""
    authority = bench.world.clusters["berlin"].extra["authorities"]["remote_cluster"]
    kept = {}
    for node in bench.clusters["berlin"]["nodes"]:
        leaf, certs = authority.issue_cert(*names, **how), Path(node["config_dir"], "certs")
        chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
        for name, content in (("remote_cluster.crt", chain), ("remote_cluster.key", leaf.private_key_pem.bytes())):
            kept[certs / name] = (certs / name).read_bytes()
            (certs / name).write_bytes(content)
    bench.restart("berlin", lambda text: text)
    try:
        yield
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
        bench.restart("berlin", lambda text: text)


@pytest.mark.needs("authorities")
def test_certificate_name(bench: Bench) -> None:
    with showing(bench, "berlin.example"):
        bench.examine()
    assert "berlin.example" in bench.found("certificate_name")["evidence"]


@pytest.mark.needs("authorities")
def test_certificate_expired(bench: Bench) -> None:
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    with showing(bench, "127.0.0.1", "localhost", not_before=past - datetime.timedelta(days=1), not_after=past):
        bench.examine()
    assert "expired" in bench.found("certificate_expired")["evidence"]


def sign(bench: Bench) -> trustme.CA:
    """paris signs its requests to berlin; returns the authority, which berlin does not know yet."""
    authority = trustme.CA()
    leaf = authority.issue_cert("paris.example", common_name="paris")
    for node in bench.nodes:
        config = Path(node["config_dir"])
        (config / "sign.crt").write_bytes(leaf.cert_chain_pems[0].bytes())
        (config / "sign.key").write_bytes(leaf.private_key_pem.bytes())
    bench.settings(**{"signing.certificate": "sign.crt", "signing.key": "sign.key"})
    return authority


@pytest.mark.needs(since="9.3")
def test_certificate_identity_that_does_not_match(bench: Bench) -> None:
    authority = sign(bench)
    for node in bench.clusters["berlin"]["nodes"]:
        Path(node["config_dir"], "sign_ca.crt").write_bytes(authority.cert_pem.bytes())
    trusted = {"cluster.remote.signing.certificate_authorities": ["sign_ca.crt"]}
    assert bench.berlin.put("/_cluster/settings", {"persistent": trusted}).status == 200
    bench.replace_key(certificate_identity="CN=rome")
    bench.examine()
    bench.found("certificate_identity_mismatch")


@pytest.mark.needs(since="9.3")
def test_certificate_identity(bench: Bench) -> None:
    bench.replace_key(certificate_identity="CN=paris")
    bench.examine()
    assert "no certificate was provided" in bench.found("certificate_identity_missing")["evidence"]


@pytest.mark.needs(since="9.3")
def test_signature_of_an_authority_the_server_does_not_know(bench: Bench) -> None:
    sign(bench)
    bench.replace_key(certificate_identity="CN=paris")
    bench.examine()
    assert "signing.certificate_authorities" in bench.found("signature_untrusted")["fix"]


@pytest.mark.needs("versions")
def test_client_too_old_to_sign(make_world: t.Callable[..., Simulator]) -> None:
    bench = Bench(make_world(clusters={"paris": {"version": "9.2.0", "nodes": 2}, "berlin": {"nodes": 1}}))
    bench.replace_key(certificate_identity="CN=paris")
    bench.examine()
    told = next(item for item in bench.row["findings"] if item["code"] == "certificate_identity_unsupported")
    assert "paris runs 9.2.0" in told["cause"] and "9.3" in told["fix"]


@pytest.mark.needs("upgrade")
def test_access_that_newer_versions_refuse(make: t.Callable[..., Bench]) -> None:
    search = {"names": ["logs-*"], "field_security": {"grant": ["message"]}}
    bench = make("8.13.4", linked=False)
    access = {"search": [search], "replication": [{"names": ["logs-*"]}]}
    bench.key = link(bench.clusters["paris"], bench.clusters["berlin"], "berlin", access)
    bench.mark({"metadata": MARKED})
    for cluster in bench.clusters:
        bench.world.control(cluster, "upgrade", version="8.15.1")
    bench.examine()
    told = next(item for item in bench.row["findings"] if item["code"] == "key_access_invalid")
    assert bench.key["id"] in told["cause"] and "two links" in told["fix"]


def test_settings_differ(bench: Bench) -> None:
    bench.examine(link={"skip_unavailable": False})
    told = next(item for item in bench.row["findings"] if item["code"] == "settings_differ")
    assert "skip_unavailable" in told["cause"] and bench.row["proven"]


def test_http_port(bench: Bench) -> None:
    bench.settings(proxy_address=bench.clusters["berlin"]["urls"][0].split("//")[1])
    bench.examine()
    assert "9443" in bench.found("http_port")["fix"]


def test_not_tls(bench: Bench) -> None:
    class Plain(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(100)
            self.request.sendall(b"SSH-2.0-here\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Plain) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        bench.settings(proxy_address="127.0.0.1:%d" % server.server_address[1])
        bench.examine()
        server.shutdown()
    bench.found("not_tls")


def test_node_without_the_role(bench: Bench) -> None:
    roles = "node.roles: [data, ingest, master]"
    bench.restart("paris", lambda text: text + roles + "\n")
    try:
        bench.examine()
    finally:
        bench.restart("paris", lambda text: text.replace(roles + "\n", ""))
    assert "paris-1 and paris-2" in bench.found("node_lacks_role")["cause"]


def test_server_enabled_on_some_nodes(bench: Bench) -> None:
    node = bench.clusters["berlin"]["nodes"][1]
    nodes = bench.berlin.get("/_nodes/remote_cluster_server").json["nodes"].values()
    own = next(told for told in nodes if told["name"] == node["name"])
    bench.settings(proxy_address=own["remote_cluster_server"]["publish_address"])
    file = Path(node["config_dir"], "elasticsearch.yml")
    before = file.read_text()
    file.write_text(before.replace("remote_cluster_server.enabled: true", "remote_cluster_server.enabled: false"))
    bench.world.control("berlin", "restart_node", node=node["name"])
    try:
        bench.examine()
    finally:
        file.write_text(before)
        bench.world.control("berlin", "restart_node", node=node["name"])
    told = {item["code"]: item for item in bench.row["findings"]}
    assert "berlin-2" in told["server_partly_disabled"]["cause"] and "refused" in told["unreachable"]["evidence"]


def test_keystore_that_cannot_be_read(bench: Bench) -> None:
    first, second = bench.nodes
    lost = {**first, "keystore": "/nowhere/elasticsearch-keystore"}
    bench.clusters = {**bench.clusters, "paris": {**bench.clusters["paris"], "nodes": [lost, second]}}
    bench.examine()
    assert "paris-1" in bench.found("node_unread", "unknown")["cause"]


def test_roles_lack_remote_indices(bench: Bench) -> None:
    entry = {"names": ["logs-*"], "privileges": ["read", "read_cross_cluster"]}
    bench.paris.put("/_security/role/analyst", {"cluster": ["monitor"]})
    bench.examine(link={"roles": [{"name": "analyst", "remote_indices": [entry]}]})
    assert "analyst" in bench.found("remote_indices_missing")["cause"]
    bench.paris.put(
        "/_security/role/analyst", {"cluster": ["monitor"], "remote_indices": [{"clusters": ["berlin"], **entry}]}
    )
    assert bench.examine(link={"roles": [{"name": "analyst", "remote_indices": [entry]}]})["state"] == "ok"


def test_login_lacks_remote_indices(bench: Bench) -> None:
    bench.paris.user("watcher", cluster=["monitor"])
    bench.clusters = {
        **bench.clusters,
        "paris": {**bench.clusters["paris"], "username": "watcher", "password": "secret-1"},
    }
    assert bench.examine()["state"] == "unknown"
    bench.found("login_lacks_remote_indices", "unknown")


def test_cluster_that_cannot_be_asked(bench: Bench) -> None:
    bench.clusters = {**bench.clusters, "berlin": {**bench.clusters["berlin"], "password": "wrong"}}
    assert bench.examine()["state"] == "unknown"
    finding = bench.found("cluster_unread", "unknown")
    assert "berlin" in finding["cause"] and "wrong" not in finding["evidence"]


@pytest.mark.needs("upgrade")
def test_keys_from_before_8_15(make: t.Callable[..., Bench]) -> None:
    bench = make("8.14.3")
    bench.world.control("berlin", "upgrade", version="8.15.1")
    assert bench.examine()["state"] == "warning"
    assert "cross_cluster_search" in bench.found("monitor_enrich_missing", "warning")["evidence"]


# -- who belongs to the link -------------------------------------------------------------------------------------------


def listing(bench: Bench, *nodes: int, **login: t.Any) -> dict[str, t.Any]:
    paris = bench.clusters["paris"]
    return {**bench.clusters, "paris": {**paris, **login, "nodes": [paris["nodes"][number] for number in nodes]}}


def test_a_running_node_that_is_not_listed(bench: Bench) -> None:
    bench.clusters = listing(bench, 0)
    assert bench.examine()["state"] == "unknown"
    finding = bench.found("node_unlisted", "unknown")
    assert "paris-2" in finding["cause"] and "node_name" in finding["fix"]


def test_nodes_that_may_not_be_listed(bench: Bench) -> None:
    privileges = ["cluster:monitor/remote/info", "cluster:monitor/settings", "cluster:monitor/state", "manage_security"]
    bench.paris.user("partly", cluster=privileges)
    bench.clusters = listing(bench, 0, 1, username="partly", password="secret-1")
    bench.examine()
    assert "cluster privilege monitor" in bench.found("nodes_unknown", "unknown")["evidence"]


def test_a_key_of_our_user_without_our_mark(bench: Bench) -> None:
    other = bench.berlin.key(NAME, metadata={})
    assert bench.examine()["state"] == "warning"
    assert other["id"] in bench.found("key_unmarked", "warning")["cause"]
    # Where the nodes use it, the trust playbook would leave the link as it is.
    bench.deliver(other["encoded"])
    bench.revoke(bench.key["id"])
    bench.examine()
    assert f"adopt: {other['id']}" in bench.found("key_unmarked", "warning")["fix"]


def test_an_adopted_key_that_was_replaced(bench: Bench) -> None:
    hand = bench.berlin.key("by hand")
    bench.deliver(hand["encoded"])
    assert bench.examine(link={"adopt": hand["id"]})["state"] in ("ok", "warning")
    bench.deliver(bench.key["encoded"])
    bench.revoke(hand["id"])
    bench.examine(link={"adopt": hand["id"]})
    bench.found("drift", "warning")  # an id that was mistyped would look the same
    mark = {"crosscluster_elasticsearch": {"client": "paris", "replaces": hand["id"]}}
    bench.mark({"metadata": mark, "access": doctor.ACCESS})
    bench.examine(link={"adopt": hand["id"]})
    assert bench.found("adopt_served", "info")["fix"] == "Take adopt out of the link."


def test_every_finding_is_looked_for_here() -> None:
    # No project runs without remote clusters, and none here is older than its own versions: these are unit tests. What
    # a node trusts can always be seen here; links of the certificate model are in test_migration.py.
    elsewhere = {"serverless", "too_old", "versions_incompatible", "certificate_unchecked", "certificate_model"}
    told = Path(__file__).read_text()
    assert {code for code in WORDS if f'"{code}"' not in told} == set() and elsewhere <= set(WORDS)


def test_every_code_has_a_paragraph_in_the_guide() -> None:
    guide = (ROOT / "docs" / "docsite" / "rst" / "troubleshooting.rst").read_text(encoding="utf-8")
    paragraphs = set(re.findall(r"^``(\w+)``\n    \S", guide, re.MULTILINE))
    assert set(CODES) - paragraphs == set() and len(CODES) > 70
    # What a module or the doctor may print as a code, by the places that make one.
    plugins = ROOT / "plugins"
    paths = [
        plugins / "module_utils" / path for path in ("_diagnosis.py", "_remote/requests.py", "_node/port_probe.py")
    ]
    paths += [*(plugins / "plugin_utils" / "_doctor").glob("*.py"), plugins / "filter" / "diagnosis.py"]
    sources = "".join(path.read_text(encoding="utf-8") for path in paths)
    made = r'(?:found\.word\(\s*|found\.add\(\s*|unsaid\(|Rule\(\s*|cause="|"cause": |cause = |"code": )"?"(\w+)"'
    printed = {code for code in re.findall(made, sources) if not code.endswith("_")}  # one is put together
    assert printed - paragraphs == set() and len(printed) > 50, sorted(printed - paragraphs)


@pytest.mark.needs(since="8.10", before="8.13")
def test_before_8_13_a_credential_needs_a_restart(make: t.Callable[..., Bench]) -> None:
    bench = make("8.12.2")
    bench.examine()
    bench.found("restart_needed")
