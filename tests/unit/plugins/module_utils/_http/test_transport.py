# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport against small servers on the loopback interface: trust, proxies, client certificates, other logins."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import socket
import ssl
import threading

import pytest

pytest.importorskip("requests", reason="requests is not installed here")
trustme = pytest.importorskip("trustme", reason="trustme is not installed here")

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._errors import (  # noqa: E402
    EsConnectionError,
    EsError,
    EsTlsError,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http import transport  # noqa: E402
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.client import ElasticsearchClient  # noqa: E402

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append(dict(self.headers))
        body = self.server.answer
        self.send_response(200)
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        """Reads the request and breaks off."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append("POST")
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, *args):
        """Be quiet."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Refused handshakes are expected."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path):
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


@pytest.fixture
def serve(authority):
    servers = []

    def start(client_certificates=False):
        server = Server(("127.0.0.1", 0), Handler)
        server.seen, server.answer = [], json.dumps({"version": {"number": "9.3.0"}}).encode()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        if client_certificates:
            authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        return server, f"https://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def ask(tmp_path):
    def call(url, **options):
        base = {"urls": [url], "username": "u", "password": "correct-horse", "retries": 0, "timeout": 5}
        client = ElasticsearchClient({**base, "ca_cert": str(tmp_path / "ca.pem"), **options}, environ={})
        try:
            return client.info().number
        finally:
            client.close()

    return call


def test_own_ca_and_nothing_beside_it(serve, ask, tmp_path, monkeypatch):
    _server, url = serve()
    other = trustme.CA()
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    assert ask(url) == "9.3.0"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    assert ask(url, ca_cert=None) == "9.3.0"
    with pytest.raises(EsTlsError, match="not trusted"):
        ask(url, ca_cert=str(tmp_path / "other.pem"))
    assert ask(url, ca_cert=None, validate_certs=False) == "9.3.0"


def test_answers_may_be_compressed(serve, ask):
    server, url = serve()
    assert ask(url) == "9.3.0" and "gzip" in server.seen[0]["Accept-Encoding"]


def test_a_refused_connection_is_not_called_a_time_out(authority, ask):
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(EsConnectionError, match="no connection .connection refused."):
            ask(f"https://127.0.0.1:{taken.getsockname()[1]}")


def test_host_name_is_verified(serve, ask, monkeypatch):
    _server, url = serve()
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, **more: real("127.0.0.1" if host == "es.test" else host, *args, **more),
    )
    with pytest.raises(EsTlsError, match="not trusted"):
        ask(url.replace("127.0.0.1", "es.test"))
    assert ask(url.replace("127.0.0.1", "es.test"), validate_certs=False) == "9.3.0"


def test_netrc_does_not_replace_the_login(serve, ask, tmp_path, monkeypatch):
    server, url = serve()
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login thief password stolen\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    ask(url, username=None, password=None, api_key="a2V5")
    assert server.seen[0]["Authorization"] == "ApiKey a2V5"


def test_client_certificates(serve, ask, authority, tmp_path):
    server, url = serve(client_certificates=True)
    leaf = authority.issue_cert("client")
    (tmp_path / "client.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    (tmp_path / "client.key").write_bytes(leaf.private_key_pem.bytes())
    files = {"client_cert": str(tmp_path / "client.pem"), "client_key": str(tmp_path / "client.key")}
    assert ask(url, **files) == "9.3.0"
    assert ask(url, **files, username=None, password=None) == "9.3.0"
    assert "Authorization" not in server.seen[-1]
    with pytest.raises(EsError, match="client_cert|connection broke"):
        ask(url)


def test_proxy_of_the_environment(serve, ask, monkeypatch):
    _server, url = serve()
    asked = []
    listener = socket.create_server(("127.0.0.1", 0))

    def proxy():
        client, _peer = listener.accept()
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        asked.append(request.split(b"\r\n")[0].decode())
        host, port = asked[0].split()[1].rsplit(":", 1)
        upstream = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for one, other in ((client, upstream), (upstream, client)):
            threading.Thread(target=_pump, args=(one, other), daemon=True).start()

    threading.Thread(target=proxy, daemon=True).start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert ask(url) == "9.3.0"
    assert [request.rsplit(" ", 1)[0] for request in asked] == [f"CONNECT {url[8:]}"]
    listener.close()
    with pytest.raises(EsConnectionError, match="proxy"):
        ask(url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert ask(url) == "9.3.0"


def _pump(one, other):
    try:
        while True:
            data = one.recv(65536)
            if not data:
                break
            other.sendall(data)
    except OSError:
        pass
    other.close()


def test_whether_a_request_went_out_is_known(serve, tmp_path):
    server, url = serve()
    options = {
        "username": "u",
        "password": "correct-horse",
        "retries": 2,
        "timeout": 5,
        "ca_cert": str(tmp_path / "ca.pem"),
    }
    client = ElasticsearchClient({"urls": [url], **options}, environ={}, sleep=lambda seconds: None)
    with pytest.raises(EsConnectionError) as info:
        client.request("POST", "/create", body={}, safe=False)
    assert info.value.may_have_acted and server.seen == ["POST"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = ElasticsearchClient({"urls": [f"https://127.0.0.1:{port}"], **options}, environ={}, sleep=lambda s: None)
    with pytest.raises(EsConnectionError) as info:
        client.request("POST", "/create", body={}, safe=False)
    assert not info.value.may_have_acted


def test_an_answer_that_unpacks_without_end_is_cut_off(serve, ask, monkeypatch):
    """Some kilobytes of gzip become gigabytes."""
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 1 << 20)
    server, url = serve()
    server.answer = b" " * (64 << 20)
    with pytest.raises(EsConnectionError, match="larger than 1 MiB"):
        ask(url)


class Holding:
    """A socket that is told to wait before it connects, as where a name takes long to be looked up."""

    def __init__(self, monkeypatch):
        self.begun, self.go_on, self.over = threading.Event(), threading.Event(), threading.Event()
        connect = transport.urllib3.connection.connection.create_connection

        def late(*args, **options):
            self.begun.set()
            self.go_on.wait(10)
            try:
                return connect(*args, **options)
            finally:
                self.over.set()

        monkeypatch.setattr(transport.urllib3.connection.connection, "create_connection", late)


def test_what_was_given_up_is_not_sent_later(serve, tmp_path, monkeypatch):
    """A creation that goes out after it was told to have failed would make a key that nobody knows."""
    server, url = serve()
    holding, running = Holding(monkeypatch), threading.enumerate()
    options = {"urls": [url], "username": "u", "password": "p", "retries": 0, "timeout": 1}
    client = ElasticsearchClient({**options, "ca_cert": str(tmp_path / "ca.pem")}, environ={})
    with pytest.raises(EsConnectionError, match="no connection within 1 s") as info:
        client.request("POST", "/create", body={}, safe=False)
    assert not info.value.may_have_acted and holding.begun.is_set()
    holding.go_on.set()
    assert holding.over.wait(5)
    for thread in threading.enumerate():
        if thread not in running:
            thread.join(5)
    assert server.seen == []


def test_messages_name_no_file_of_python(serve, ask, tmp_path):
    _server, url = serve()
    with pytest.raises(EsError) as info:
        ask(url.replace("https:", "http:"), ca_cert=None)
    assert "_ssl.c" not in str(info.value) and os.sep + "lib" not in str(info.value)
