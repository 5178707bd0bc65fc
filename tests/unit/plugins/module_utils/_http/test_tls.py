# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust by fingerprint against real TLS servers on the loopback interface."""

from __future__ import annotations

import hashlib
import socket
import ssl
import sys
import threading

import pytest

trustme = pytest.importorskip("trustme", reason="trustme is not installed here")

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._errors import EsTlsError, InputError  # noqa: E402
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http import tls, tls_anchor  # noqa: E402


def der(pem):
    return ssl.PEM_cert_to_DER_cert(pem.decode() if isinstance(pem, bytes) else pem)


def digest(authority):
    return hashlib.sha256(der(authority.cert_pem.bytes())).hexdigest()


@pytest.fixture
def serve(tmp_path):
    """A server that presents leaf certificates followed by any others; returns its port."""
    listeners = []

    def start(leaf, *others):
        chain = tmp_path / f"chain-{len(listeners)}.pem"
        chain.write_bytes(b"".join([leaf.private_key_pem.bytes(), leaf.cert_chain_pems[0].bytes(), *others]))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept():
            while True:
                try:
                    raw, _peer = listener.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(raw, server_side=True).close()
                except OSError:
                    raw.close()

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.close()


def fetch(port, fingerprint):
    return tls_anchor.fetch_anchor(
        "127.0.0.1", fingerprint, 5, lambda: socket.create_connection(("127.0.0.1", port), timeout=5)
    )


def connect(port, anchor, name="127.0.0.1"):
    context = tls.build_context(tls.TlsOptions(), anchor=anchor)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw, context.wrap_socket(
        raw, server_hostname=name
    ):
        return True


CHAIN_IS_TOLD = pytest.mark.skipif(sys.version_info < (3, 10), reason="this Python cannot tell the chain")


def test_an_old_python_asks_for_a_file(monkeypatch):
    monkeypatch.setattr(tls_anchor.sys, "version_info", (3, 9, 2))
    with pytest.raises(EsTlsError, match="Python 3.10") as raised:
        fetch(1, "ab" * 32)
    assert "ca_cert" in raised.value.advice


@CHAIN_IS_TOLD
def test_pinned_ca(serve):
    authority = trustme.CA()
    port = serve(authority.issue_cert("127.0.0.1"), authority.cert_pem.bytes())
    anchor = fetch(port, digest(authority).upper())
    assert anchor == der(authority.cert_pem.bytes())
    assert connect(port, anchor)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(port, anchor, "other.example")


@CHAIN_IS_TOLD
def test_a_stranger_who_appends_the_ca_is_refused(serve):
    authority, stranger = trustme.CA(), trustme.CA()
    port = serve(stranger.issue_cert("127.0.0.1"), authority.cert_pem.bytes())
    anchor = fetch(port, digest(authority))  # it is in the chain, which proves nothing
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(port, anchor)


@CHAIN_IS_TOLD
def test_another_ca_is_refused(serve):
    authority = trustme.CA()
    port = serve(authority.issue_cert("127.0.0.1"), authority.cert_pem.bytes())
    with pytest.raises(EsTlsError, match="fingerprint"):
        fetch(port, "ab" * 32)


@CHAIN_IS_TOLD
def test_intermediate_ca(serve):
    root = trustme.CA()
    between = root.create_child_ca()
    port = serve(between.issue_cert("127.0.0.1"), between.cert_pem.bytes())
    assert connect(port, fetch(port, digest(between)))


@pytest.mark.parametrize("text", ["sha256 Fingerprint={}", "SHA256:{}", " {} "])
def test_forms_of_a_fingerprint(text):
    digits = "0f" * 32
    colons = ":".join(digits[i : i + 2] for i in range(0, 64, 2)).upper()
    assert tls.parse_fingerprint(text.format(digits)) == tls.parse_fingerprint(text.format(colons)) == digits
    with pytest.raises(InputError, match="SHA-1"):
        tls.parse_fingerprint("ab" * 20)


def test_client_key_with_a_passphrase_does_not_ask(tmp_path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    leaf = trustme.CA().issue_cert("client")
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    (tmp_path / "cert.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    (tmp_path / "key.pem").write_bytes(key)
    options = tls.TlsOptions(client_cert=str(tmp_path / "cert.pem"), client_key=str(tmp_path / "key.pem"))
    with pytest.raises(InputError, match="passphrase"):
        tls.build_context(options)
