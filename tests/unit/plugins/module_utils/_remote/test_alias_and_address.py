# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.address import (
    address_problem,
    holds_login,
    port_of,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.module import remote_name_problem
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote.alias import (
    alias_of_credentials,
    alias_problem,
    credentials_setting,
)


@pytest.mark.parametrize("alias", ["berlin", "Berlin-2", "a_b", "7"])
def test_aliases(alias):
    assert alias_problem(alias) is None
    assert alias_of_credentials(credentials_setting(alias)) == alias


@pytest.mark.parametrize("alias", ["", "a.b", "a b", "a*", "ä", "a:b", "node", "signing", "connections_per_cluster"])
def test_impossible_aliases(alias):
    assert alias_problem(alias)


@pytest.mark.parametrize(
    "address",
    [
        "berlin:9443",
        "berlin.example.com:9443",
        "10.0.0.1:1",
        "[::1]:65535",
        "[fe80::1%eth0]:9443",
        "my_host:9443",
        "h.:9",
    ],
)
def test_addresses(address):
    assert address_problem(address) is None


@pytest.mark.parametrize(
    "address, part",
    [
        ("", "empty"),
        ("berlin", "no port"),
        ("https://berlin:9443", "URL"),
        ("berlin:9443/path", "URL"),
        ("berlin:0", "1 to 65535"),
        ("berlin:65536", "1 to 65535"),
        ("berlin:port", "1 to 65535"),
        ("berlin:", "1 to 65535"),
        (":9443", "no host"),
        ("::1:9443", "[::1]:9443"),
        ("[::1]", "no port"),
        ("[nonsense]:9443", "IPv6"),
        ("256.1.1.1:9443", "IPv4"),
        ("a b:9443", "white space"),
        ("a:1,b:2", "list"),
        ("user@berlin:9443", "holds a login"),
        ("-x:9443", "host name"),
        ("a..b:9443", "host name"),
    ],
)
def test_bad_addresses(address, part):
    assert part in address_problem(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://elastic:Pa55word@berlin:9200",
        "https://elastic:Pa55word@1@berlin:9200",
        "https://elastic:Pa55word/2@berlin:9200",
        "https://elastic:Pa55word%40@berlin",
        "https%3A%2F%2Felastic:Pa55word%40berlin",
        "elastic:Pa55word@berlin:9443",
        "elastic@berlin:9443",
    ],
)
def test_a_login_is_found_whatever_its_form_and_never_shown(address):
    assert holds_login(address) and holds_login([address]) and holds_login(["https://berlin:9200", address])
    assert "holds a login" in address_problem(address) and "Pa55word" not in address_problem(address)


@pytest.mark.parametrize("address", [None, "", [], "https://berlin:9200/path", "[fe80::1%25eth0]:9443", 5])
def test_what_holds_no_login(address):
    assert not holds_login(address)


def test_ports():
    assert port_of("[::1]:9443") == 9443
    assert port_of("host") is None


@pytest.mark.parametrize(
    "name",
    [
        "cluster.remote.berlin.credentials",
        "cluster.remote.berlin.signing.keystore.secure_password",
        "cluster.remote.signing.truststore.secure_password",
        "xpack.notification.slack.account.x.secure_url",
    ],
)
def test_settings_a_node_may_know(name):
    assert remote_name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "cluster.remote.berlin.credential",
        "cluster.remote.credentials",
        "cluster.remote..credentials",
        "cluster.remote.a.b.credentials",
        "cluster.remote.signing.credentials",
        "cluster.remote.node.credentials",
        "cluster.remote",
    ],
)
def test_settings_that_keep_a_node_from_starting(name):
    assert remote_name_problem(name)
