# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The official Python client does its work."""

from __future__ import annotations

import uuid

import pytest

elasticsearch = pytest.importorskip(
    "elasticsearch", reason="the official client is a test dependency (tests/requirements.txt)"
)
_base = pytest.importorskip("elasticsearch._sync.client._base", reason="its media type is changed for older servers")
MAJOR = elasticsearch.__version__[0]
ALIAS = f"other-{uuid.uuid4().hex[:8]}"
OK = {"search": [{"names": ["logs-*"], "query": {"term": {"public": True}}}], "replication": []}


@pytest.fixture
def spec(each_berlin):
    return each_berlin.spec


@pytest.fixture
def client(spec, monkeypatch):
    def connect():
        return elasticsearch.Elasticsearch(
            spec["urls"], basic_auth=(spec["username"], spec["password"]), ca_certs=spec["ca_cert"]
        )

    major = int(spec["version"].split(".")[0])
    if major < MAJOR:
        # A client one major version ahead asks for a media type the older server refuses, as a real one does ...
        with connect() as newer, pytest.raises(elasticsearch.BadRequestError, match="media_type_header_exception"):
            newer.info()
        # ... so from here on it speaks like the client of that version.
        older = _base._COMPAT_MIMETYPE_SUB.replace(f"compatible-with={MAJOR}", f"compatible-with={major}")
        monkeypatch.setattr(_base, "_COMPAT_MIMETYPE_SUB", older)
    with connect() as one:
        yield one


def test_the_whole_life_of_a_key(client, spec):
    assert client.info()["version"]["number"] == spec["version"]
    made = client.security.create_cross_cluster_api_key(name="by-client", access=OK, expiration="1d", metadata={"a": 1})
    shown = client.security.get_api_key(id=made["id"])["api_keys"][0]
    assert shown["type"] == "cross_cluster" and shown["access"]["search"][0]["query"] == '{"term":{"public":true}}'
    same = client.security.update_cross_cluster_api_key(id=made["id"], access=shown["access"])
    assert same["updated"] is False
    assert (
        client.security.update_cross_cluster_api_key(id=made["id"], access={"search": [{"names": ["x"]}]})["updated"]
        is True
    )
    found = client.security.query_api_keys(query={"term": {"name": "by-client"}}, sort=["creation"], size=5)
    assert made["id"] in [key["id"] for key in found["api_keys"]]
    assert client.security.invalidate_api_key(ids=[made["id"]])["invalidated_api_keys"] == [made["id"]]
    with pytest.raises(elasticsearch.BadRequestError, match="cannot update invalidated API key"):
        client.security.update_cross_cluster_api_key(id=made["id"], access={"search": [{"names": ["x"]}]})
    with pytest.raises(elasticsearch.NotFoundError):
        client.security.get_api_key(id="unknown")


def test_remote_and_reload(client, spec):
    settings = {f"cluster.remote.{ALIAS}.mode": "proxy", f"cluster.remote.{ALIAS}.proxy_address": "127.0.0.1:1"}
    client.cluster.put_settings(persistent=settings)
    assert ALIAS in client.cluster.get_settings()["persistent"]["cluster"]["remote"]
    assert ALIAS in client.cluster.remote_info()
    reloaded = client.nodes.reload_secure_settings()
    assert reloaded["_nodes"]["failed"] == 0 and len(reloaded["nodes"]) == len(spec["nodes"])
    client.cluster.put_settings(persistent=dict.fromkeys(settings))


def test_documents(client):
    index = f"logs-{uuid.uuid4().hex[:8]}"
    client.index(index=index, id="1", document={"public": True}, refresh=True)
    assert client.search(index="logs-*", query={"term": {"public": True}})["hits"]["total"]["value"] >= 1
    assert client.indices.exists(index=index)
    client.indices.delete(index=index)
