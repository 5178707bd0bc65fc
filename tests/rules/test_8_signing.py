# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 1.5, 5.7 and 8: certificate identity and signed requests of 9.3+, with real keys and signatures."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from support.pair import Pair, texts


def issue(name, key, issuer=None):
    """A certificate of CN=name, signed by `issuer` (certificate, key) or by itself."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    signer = issuer[1] if issuer else key
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())


@pytest.fixture(scope="module")
def authority():
    key = ec.generate_private_key(ec.SECP256R1())
    return issue("signing-ca", key), key


@pytest.fixture
def pair(world):
    pair = Pair(world)
    pair.document()
    return pair


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def hand_over(pair, authority, name="instance", key=None, passphrase=None):
    """Signing files on every node of paris and the settings that name them."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    protection = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    for node in pair.nodes:
        folder = Path(node["config_dir"])
        (folder / "sign.crt").write_bytes(pem(issue(name, key, authority)))
        (folder / "sign.key").write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
        )
    return pair.settings(signing__certificate="sign.crt", signing__key="sign.key")


def trust(pair, certificate):
    for node in pair.world.cluster("berlin")["nodes"]:
        (Path(node["config_dir"]) / "sign_ca.crt").write_bytes(pem(certificate))
    answer = pair.berlin.put(
        "/_cluster/settings", {"persistent": {"cluster.remote.signing.certificate_authorities": ["sign_ca.crt"]}}
    )
    assert answer.status == 200, answer


def link(pair, identity=None):
    key = pair.berlin.key(**({"certificate_identity": identity} if identity is not None else {}))
    pair.credential(key["encoded"])
    pair.reload()
    pair.proxy()
    return key


def test_8_identity_required_but_no_signature(pair):
    key = link(pair, "CN=instance")
    assert texts(pair.search()) == (
        f"401 API key (type:[cross_cluster], id:[{key['id']}]) requires certificate identity matching "
        "[CN=instance], but no certificate was provided"
    )


@pytest.mark.parametrize("pattern", ["CN=instance", "^CN=instance$", "(?i)^cn=INSTANCE$", "^CN=[A-Za-z0-9_]+$"])
def test_1_5_patterns_that_match(pair, authority, pattern):
    trust(pair, authority[0])
    link(pair, pattern)
    assert hand_over(pair, authority).status == 200
    assert pair.search().status == 200


@pytest.mark.parametrize("pattern", ["no-match", "", "^CN= instance$", "^CN=instance.$", "^cn=instance$", "CN=inst"])
def test_8_distinguished_name_mismatch(pair, authority, pattern):
    trust(pair, authority[0])
    link(pair, pattern)
    hand_over(pair, authority)
    assert texts(pair.search()) == (
        "401 DN from provided certificate [CN=instance] does not match API Key certificate "
        f"identity pattern [{pattern}]"
    )


def test_8_signing_with_rsa_and_a_passphrase(pair, authority):
    trust(pair, authority[0])
    link(pair, "CN=instance")
    for number in range(3):
        pair.tool("add", "-x", "-f", "cluster.remote.berlin.signing.key.secure_passphrase", node=number, stdin="hush\n")
    key = rsa.generate_private_key(65537, 2048)
    assert "Failed to load signing config for cluster [berlin]" in texts(
        hand_over(pair, authority, key=key, passphrase="hush")
    )
    assert "reload_exception" not in pair.reload().text
    assert hand_over(pair, authority, key=key, passphrase="hush").status == 200
    assert pair.search().status == 200


def test_5_7_only_rsa_and_ec_keys(pair, authority):
    link(pair)
    answer = hand_over(pair, authority, key=ed25519.Ed25519PrivateKey.generate())
    assert texts(answer).startswith("400 Failed to load signing config for cluster [berlin]")


def test_8_untrusted_signing_certificate_fails_even_without_identity(pair, authority):
    other = ec.generate_private_key(ec.SECP256R1())
    trust(pair, issue("other-ca", other))
    link(pair)
    hand_over(pair, authority)
    assert "401 Failed to verify cross cluster api key signature certificate from [(" in texts(pair.search())


def test_8_no_trust_configured_on_the_remote(pair, authority):
    link(pair)
    hand_over(pair, authority)
    assert texts(pair.search()) == (
        "401 Cannot verify signed cross-cluster headers because [cluster.remote.signing] has not trust configuration"
    )


def test_8_bad_signature(pair, authority):
    trust(pair, authority[0])
    link(pair)
    hand_over(pair, authority)
    assert pair.search().status == 200
    # the certificate of another key: trusted, but not the one that signed
    for node in pair.nodes:
        (Path(node["config_dir"]) / "sign.crt").write_bytes(
            pem(issue("instance", ec.generate_private_key(ec.SECP256R1()), authority))
        )
    assert texts(pair.search()) == "401 Invalid cross cluster api key signature from [CN=instance]"


def test_8_an_update_clears_the_identity(pair):
    key = link(pair, "CN=instance")
    assert pair.search().status == 401
    path = f"/_security/cross_cluster/api_key/{key['id']}"
    assert pair.berlin.put(path, {"certificate_identity": None}).status == 200
    assert pair.search().status == 200


@pytest.mark.needs("versions")
def test_8_signatures_are_left_out_towards_older_remotes(make_world, authority):
    world = make_world({"berlin": {"version": "9.0.0", "nodes": 1}, "paris": {"version": "9.3.0", "nodes": 1}})
    pair = Pair(world)
    pair.document()
    link(pair)
    assert hand_over(pair, authority).status == 200
    assert pair.search().status == 200
