# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""remote_port_info against a remote-cluster port with a real certificate."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from support.modules import run_module


@pytest.fixture
def server(world):
    return world.cluster("berlin")


def cause(address, tmp_path, **options):
    found = run_module(
        "remote_port_info", {"addresses": [address], "config_dir": str(tmp_path), "timeout": 2, **options}
    )
    assert not found.failed and not found.changed, found.msg
    (port,) = found["ports"]
    assert port["address"] == address
    return port["cause"]


def test_a_trusted_certificate(server, tmp_path):
    address, authority = server["remote_cluster_server"], server["remote_ca_cert"]
    assert cause(address, tmp_path, ca_certs=[authority]) is None
    assert cause(address, tmp_path, ca_pem=Path(authority).read_text(encoding="utf-8")) is None


def test_an_authority_named_in_elasticsearch_yml_is_the_only_one(server, tmp_path):
    (tmp_path / "ca.crt").write_bytes(Path(server["remote_ca_cert"]).read_bytes())
    setting = "xpack.security.remote_cluster_client.ssl.certificate_authorities"
    (tmp_path / "elasticsearch.yml").write_text(f'{setting}: ["ca.crt"]\n', encoding="utf-8")
    assert cause(server["remote_cluster_server"], tmp_path) is None
    (tmp_path / "ca.crt").write_bytes(Path(server["ca_cert"]).read_bytes())
    assert cause(server["remote_cluster_server"], tmp_path) == "certificate_untrusted"


def test_an_unknown_authority(server, tmp_path):
    assert cause(server["remote_cluster_server"], tmp_path, ca_certs=[server["ca_cert"]]) == "certificate_untrusted"


def test_the_host_is_enough_when_the_certificate_does_not_bear_the_server_name(server, tmp_path):
    options = {"ca_certs": [server["remote_ca_cert"]], "server_name": "berlin.example"}
    assert cause(server["remote_cluster_server"], tmp_path, **options) is None


def test_a_port_where_nothing_listens(tmp_path):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        assert cause("127.0.0.1:%d" % reserved.getsockname()[1], tmp_path) == "unreachable"


def test_what_is_no_address_is_refused():
    found = run_module("remote_port_info", {"addresses": ["https://berlin:9443"]})
    assert found.failed and "https://berlin:9443" in found.msg


def test_an_authority_that_is_no_file_hangs_nobody(server, tmp_path):
    os.mkfifo(tmp_path / "ca.crt")
    options = {"addresses": [server["remote_cluster_server"]], "ca_certs": [str(tmp_path / "ca.crt")]}
    found = run_module("remote_port_info", {"config_dir": str(tmp_path), **options})
    assert found.failed and "is not a regular file" in found.msg
