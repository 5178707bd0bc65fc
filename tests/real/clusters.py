# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/real/clusters.py up VERSION | down | prepare VERSION: real clusters in containers.

Needs docker with compose and, from `make setup`, trustme and PyYAML (run it with .venv/bin/python).
`prepare` only writes the files; `up` ends with the clusters.json that describes them.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

import trustme
import yaml

HERE = Path(__file__).resolve().parent
RUN = HERE / "run"
PORTS = {"berlin": (9201, 9301, 9441), "paris": (9202, 9302, 9442)}  # HTTP, transport, remote cluster
IMAGE = "docker.elastic.co/elasticsearch/elasticsearch"
TOOL = """#!/bin/sh
# The keystore tool of the container, callable like the one of a node; stdin goes through.
exec docker exec -i -e ES_PATH_CONF=/usr/share/elasticsearch/config {container} bin/elasticsearch-keystore "$@"
"""


def settings(name: str) -> dict[str, object]:
    http, transport, remote = PORTS[name]
    return {
        "cluster.name": name,
        "node.name": f"{name}-1",
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "http.port": http,
        "transport.port": transport,
        "remote_cluster.port": remote,
        "remote_cluster_server.enabled": True,
        "xpack.license.self_generated.type": "trial",
        "xpack.security.enabled": True,
        **{
            f"xpack.security.{kind}.ssl.{key}": value
            for kind in ("http", "transport", "remote_cluster_server")
            for key, value in (("enabled", True), ("certificate", "certs/node.crt"), ("key", "certs/node.key"))
        },
        "xpack.security.transport.ssl.certificate_authorities": ["certs/ca.crt"],
        "xpack.security.remote_cluster_client.ssl.certificate_authorities": ["certs/ca.crt"],
    }


def prepare(version: str) -> None:
    """Config folders with certificates; one authority for both clusters is enough here."""
    shutil.rmtree(RUN, ignore_errors=True)
    authority = trustme.CA()
    for name in PORTS:
        certs = RUN / name / "config" / "certs"
        certs.mkdir(parents=True)
        leaf = authority.issue_cert("127.0.0.1", "localhost", f"{name}-1")
        leaf.private_key_pem.write_to_path(certs / "node.key")
        (certs / "node.crt").write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        authority.cert_pem.write_to_path(certs / "ca.crt")
        (RUN / name / "config" / "elasticsearch.yml").write_text(yaml.safe_dump(settings(name), sort_keys=False))
        tool = RUN / name / "bin" / "elasticsearch-keystore"
        tool.parent.mkdir()
        tool.write_text(TOOL.format(container=f"crosscluster-{name}-1"))
        tool.chmod(0o755)
        # the container's user (uid 1000, group 0) writes the keystore
        subprocess.run(["chmod", "-R", "a+rwX", str(RUN / name)], check=True)
    (RUN / "env").write_text(f"VERSION={version}\nPASSWORD={secrets.token_urlsafe(12)}\n")


def environment() -> dict[str, str]:
    return dict(line.split("=", 1) for line in (RUN / "env").read_text().splitlines())


def compose(*arguments: str) -> None:
    command = ["docker", "compose", "-p", "crosscluster", "-f", str(HERE / "compose.yml"), *arguments]
    subprocess.run(command, env={**os.environ, **environment()}, check=True)


def wait(name: str, password: str, seconds: int = 180) -> dict[str, object]:
    context = ssl.create_default_context(cafile=str(RUN / name / "config" / "certs" / "ca.crt"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    token = b64encode(f"elastic:{password}".encode()).decode()
    request = urllib.request.Request(
        f"https://127.0.0.1:{PORTS[name][0]}/", headers={"Authorization": f"Basic {token}"}
    )
    end = time.monotonic() + seconds
    while True:
        try:
            return json.load(opener.open(request, timeout=10))
        except (OSError, urllib.error.URLError) as error:
            if time.monotonic() > end:
                sys.exit(f"{name} does not answer: {error}")
            time.sleep(2)


def describe(name: str, info: dict, password: str) -> dict[str, object]:
    home, url = RUN / name, f"https://127.0.0.1:{PORTS[name][0]}"
    ca = str(home / "config" / "certs" / "ca.crt")
    return {
        "version": info["version"]["number"],
        "cluster_uuid": info["cluster_uuid"],
        "urls": [url],
        "username": "elastic",
        "password": password,
        "ca_cert": ca,
        "remote_cluster_server": f"127.0.0.1:{PORTS[name][2]}",
        "remote_ca_cert": ca,
        "nodes": [
            {
                "name": f"{name}-1",
                "url": url,
                "home": str(home),
                "config_dir": str(home / "config"),
                "keystore": str(home / "bin" / "elasticsearch-keystore"),
            }
        ],
    }


def up(version: str) -> None:
    """Fill the config folders with the rest of the image's own files, start, wait, describe."""
    copy = "cp -rn /usr/share/elasticsearch/config/. /out/ && chown -R 1000:0 /out"
    for name in PORTS:
        mount = f"{RUN / name / 'config'}:/out"
        command = [
            "docker",
            "run",
            "--rm",
            "-u",
            "0",
            "-v",
            mount,
            "--entrypoint",
            "sh",
            f"{IMAGE}:{version}",
            "-c",
            copy,
        ]
        subprocess.run(command, check=True)
    compose("up", "-d")
    password = environment()["PASSWORD"]
    found = {name: describe(name, wait(name, password), password) for name in PORTS}
    (RUN / "clusters.json").write_text(json.dumps({"clusters": found}, indent=2))
    print(RUN / "clusters.json")


def main(arguments: list[str]) -> None:
    if len(arguments) == 2 and arguments[0] in ("prepare", "up"):
        prepare(arguments[1])
        if arguments[0] == "up":
            up(arguments[1])
    elif arguments == ["down"]:
        compose("down", "-v")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
