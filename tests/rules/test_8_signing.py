# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 1.5, 5.7 and 8: certificate identity and signed requests of 9.3+, with real keys and signatures."""

from __future__ import annotations

import datetime
import re
import uuid
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from support.pair import as_new, texts

pytestmark = pytest.mark.needs(since="9.3")


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


@pytest.fixture(scope="module")
def keys(pair_once):
    """A link for all tests."""
    made = {"berlin": pair_once.berlin.key()}
    pair_once.credentials({alias: key["encoded"] for alias, key in made.items()})
    return made


@pytest.fixture
def pair(pair_once, keys):
    yield pair_once
    pair_once.forget()
    answer = pair_once.berlin.put("/_cluster/settings", {"persistent": {"cluster.remote.signing.*": None}})
    assert answer.status == 200, answer


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def keep(nodes, name, content):
    """A file on every node, of a name that no node knows yet: what it knows it reads again only after a while."""
    for node in nodes:
        path = Path(node["config_dir"], name)
        path.write_bytes(content)
        path.chmod(0o644)
    return name


def hand_over(pair, authority, key=None, passphrase=None, alias="berlin", other=None):
    """Signing files on every node of paris and the settings that name them; the certificate may be one of `other`."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    protection = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    return pair.settings(
        alias,
        signing__certificate=keep(
            pair.nodes, f"{uuid.uuid4().hex}.pem", pem(issue("instance", other or key, authority))
        ),
        signing__key=keep(pair.nodes, f"{uuid.uuid4().hex}.pem", private),
    )


def trust(pair, certificate):
    file = keep(pair.world.cluster("berlin")["nodes"], f"{uuid.uuid4().hex}.pem", pem(certificate))
    answer = pair.berlin.put(
        "/_cluster/settings", {"persistent": {"cluster.remote.signing.certificate_authorities": [file]}}
    )
    assert answer.status == 200, answer


def link(pair, keys, identity=None, alias="berlin"):
    path = f"/_security/cross_cluster/api_key/{keys[alias]['id']}"
    answer = pair.berlin.put(path, {"certificate_identity": identity})
    assert answer.status == 200, answer
    pair.proxy(alias=alias, proxy_socket_connections=2)
    return keys[alias]


def test_8_identity_required_but_no_signature(pair, keys):
    key = link(pair, keys, "CN=instance")
    assert texts(pair.search()) == (
        f"401 API key (type:[cross_cluster], id:[{key['id']}]) requires certificate identity matching "
        "[CN=instance], but no certificate was provided"
    )


@pytest.mark.parametrize("pattern", ["CN=instance", "^CN=instance$", "(?i)^cn=INSTANCE$", "^CN=[A-Za-z0-9_]+$"])
def test_1_5_patterns_that_match(pair, keys, authority, pattern):
    trust(pair, authority[0])
    link(pair, keys, pattern)
    assert hand_over(pair, authority).status == 200
    assert pair.search().status == 200


@pytest.mark.parametrize("pattern", ["no-match", "", "^CN= instance$", "^CN=instance.$", "^cn=instance$", "CN=inst"])
def test_8_distinguished_name_mismatch(pair, keys, authority, pattern):
    trust(pair, authority[0])
    link(pair, keys, pattern)
    hand_over(pair, authority)
    assert texts(pair.search()) == (
        "401 DN from provided certificate [CN=instance] does not match API Key certificate "
        f"identity pattern [{pattern}]"
    )


def test_8_signing_with_rsa(pair, keys, authority):
    trust(pair, authority[0])
    link(pair, keys, "CN=instance")
    assert hand_over(pair, authority, key=rsa.generate_private_key(65537, 2048)).status == 200
    assert pair.search().status == 200


def test_5_7_the_passphrase_of_a_signing_key_fails_every_reload_and_start(pair, keys):
    """A mistake of the server, which takes the setting for one that belongs into elasticsearch.yml."""
    name = "cluster.remote.berlin.signing.key.secure_passphrase"
    assert pair.tool("add", "--force", name, stdin="hush\n").returncode == 0
    try:
        refused = [node["reload_exception"] for node in pair.reload().json["nodes"].values() if len(node) == 2]
        with pytest.raises(Exception, match="."):
            pair.world.control("paris", "restart_node", node=pair.nodes[0]["name"])
    finally:
        assert pair.tool("remove", name).returncode == 0
    pair.world.control("paris", "start_node", node=pair.nodes[0]["name"])
    assert [(one["type"], one["reason"]) for one in refused] == [
        (
            "illegal_argument_exception",
            f"Setting [{name}] is a non-secure setting and must be stored inside elasticsearch.yml, but was found "
            "inside the Elasticsearch keystore",
        )
    ]
    assert "reload_exception" not in pair.reload().text


def test_5_7_a_key_that_cannot_sign_is_noticed_in_the_log_only(pair, keys, authority):
    link(pair, keys)
    for answer in (
        hand_over(pair, authority, key=ed25519.Ed25519PrivateKey.generate()),
        hand_over(pair, authority, passphrase="hush"),
    ):
        assert answer.status == 200, answer
    assert "Failed to load signing config for cluster [berlin]" in pair.log()


def test_8_untrusted_signing_certificate_fails_even_without_identity(pair, keys, authority):
    other = ec.generate_private_key(ec.SECP256R1())
    trust(pair, issue("other-ca", other))
    link(pair, keys)
    hand_over(pair, authority)
    assert "401 Failed to verify cross cluster api key signature certificate from [(" in texts(pair.search())


def test_8_no_trust_configured_on_the_remote(pair, keys, authority):
    """The authorities of the Java runtime count then."""
    link(pair, keys)
    hand_over(pair, authority)
    assert "401 Failed to verify cross cluster api key signature certificate from [(" in texts(pair.search())


def test_8_bad_signature(pair, keys, authority):
    trust(pair, authority[0])
    link(pair, keys)
    # A certificate that is trusted, but not that of the key that signs.
    hand_over(pair, authority, other=ec.generate_private_key(ec.SECP256R1()))
    found = re.fullmatch(
        r"401 Invalid cross cluster api key signature from \[\(CN=instance;X\.509;SHA1:[0-9a-f]{40}\)\]",
        texts(pair.search()),
    )
    assert found, texts(pair.search())


def test_8_an_update_clears_the_identity(pair, keys):
    key = link(pair, keys, "CN=instance")
    assert pair.search().status == 401
    path = f"/_security/cross_cluster/api_key/{key['id']}"
    assert pair.berlin.put(path, {"certificate_identity": None}).status == 200
    assert pair.search().status == 200


@pytest.mark.needs("versions")
def test_8_signatures_are_left_out_towards_older_remotes(make_world, authority):
    world = make_world({"berlin": {"version": "9.0.0", "nodes": 1}, "paris": {"version": "9.3.0", "nodes": 1}})
    pair = as_new(world)
    pair.link()
    assert hand_over(pair, authority).status == 200
    assert pair.search().status == 200
