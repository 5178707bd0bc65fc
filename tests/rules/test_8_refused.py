# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 8: what users see of a link whose credential or address is wrong; an alias of its own for each mistake."""

from __future__ import annotations

import base64
import re
import time

import pytest

from support.pair import texts
from support.worlds import of_version

SECRET = "ui2lp2axTNmsyakw9tvNnw"
MALFORMED = {
    "no-colon": (base64.b64encode(b"no-colon").decode(), "invalid ApiKey value"),
    "short-secret": (base64.b64encode(b"id:short").decode(), "invalid cross-cluster API key value"),
    "no-base64": ("not base64!", "Illegal base64 character 20"),
}
CLOSED = "127.0.0.1:1"


@pytest.fixture(scope="module")
def keys(pair_once):
    """alias -> key; their credentials, and others that never were keys, are in the keystores of paris."""
    berlin = pair_once.berlin
    made = {
        "good": berlin.key(),
        "wrong": berlin.key(),
        "revoked": berlin.key(),
        "skipped": berlin.key(),
        "expired": berlin.key(expiration="1ms"),
        "rest": berlin.rest_key(),
    }
    encoded = {alias: key["encoded"] for alias, key in made.items()}
    encoded["wrong"] = base64.b64encode(f"{made['wrong']['id']}:{SECRET}".encode()).decode()
    encoded["unknown"] = base64.b64encode(f"some-unknown-id:{SECRET}".encode()).decode()
    encoded.update({alias: value for alias, (value, _cause) in MALFORMED.items()})
    pair_once.credentials(encoded)
    return made


@pytest.fixture
def pair(pair_once, keys):
    yield pair_once
    pair_once.forget()


def search(pair, alias, **settings):
    """What a search through a new link says."""
    settings = {"proxy_socket_connections": 2, **settings}
    address = settings.pop("proxy_address", None)
    pair.proxy(address, alias, **settings)
    answer = pair.search(f"/{alias}:logs-*/_search")
    return "200" if answer.status == 200 else texts(answer)


def wrapped(key_id, action, reason):
    return f"401 unable to authenticate user [{key_id}] for action [{action}] | API key: {reason}"


HANDSHAKE, SEARCH = "cluster:internal/remote_cluster/handshake", "indices:data/read/search"


def test_8_id_unknown(pair):
    reason = "unable to find apikey with id some-unknown-id"
    # Which of the two is a race on the server.
    assert search(pair, "unknown") in (f"401 {reason}", wrapped("some-unknown-id", HANDSHAKE, reason))


def test_8_wrong_secret(pair, keys):
    reason = f"invalid credentials for API key [{keys['wrong']['id']}]"
    assert search(pair, "wrong") == wrapped(keys["wrong"]["id"], HANDSHAKE, reason)
    logs = "".join(pair.log("berlin", node) for node in range(len(pair.world.cluster("berlin")["nodes"])))
    assert f"Authentication using apikey failed - {reason}" in logs


def test_8_expired(pair, keys):
    found = search(pair, "expired")
    assert found in ("401 api key is expired", wrapped(keys["expired"]["id"], HANDSHAKE, "api key is expired"))


def test_8_rest_key_used(pair, keys):
    assert search(pair, "rest") == (
        "401 authentication expected API key type of [cross_cluster], but API key "
        f"[{keys['rest']['id']}] has type [rest]"
    )


@pytest.mark.parametrize("alias", sorted(MALFORMED))
def test_8_malformed_values(pair, alias):
    assert search(pair, alias) == (
        "401 error attempting to authenticate request | cross cluster access header "
        f"[_cross_cluster_access_credentials] value must be a valid API key credential | {MALFORMED[alias][1]}"
    )


def test_8_cross_cluster_key_on_the_rest_api(pair, keys):
    answer = pair.berlin.as_api_key(keys["good"]["encoded"]).get("/_security/_authenticate")
    assert answer.status == 401
    assert (
        f"authentication expected API key type of [rest], but API key [{keys['good']['id']}] has type [cross_cluster]"
        in answer.text
    )


def test_8_a_key_that_is_revoked_uses_its_connections_up_one_by_one(pair, keys):
    key_id = keys["revoked"]["id"]
    assert search(pair, "revoked") == "200"
    assert pair.info()["revoked"]["num_proxy_sockets_connected"] == 2
    pair.berlin.delete("/_security/api_key", {"ids": [key_id]})
    reason = f"api key [{key_id}] has been invalidated"
    live = (f"401 {reason}", wrapped(key_id, SEARCH, reason))
    assert pair.info()["revoked"]["connected"] is True, "nobody has asked yet"
    assert texts(pair.search("/revoked:logs-*/_search")) in live
    for _attempt in range(50):  # the client hears of it a moment after the answer
        if pair.info()["revoked"]["num_proxy_sockets_connected"] != 2:
            break
        time.sleep(0.1)
    assert pair.info()["revoked"]["num_proxy_sockets_connected"] == 1
    # A request may meet a connection that is just being closed.
    for _attempt in range(20):
        found = texts(pair.search("/revoked:logs-*/_search"))
        assert found in (*live, wrapped(key_id, HANDSHAKE, reason)) or "disconnected" in found
        if not pair.info()["revoked"]["connected"]:
            break
        time.sleep(0.2)
    assert pair.info()["revoked"]["num_proxy_sockets_connected"] == 0
    assert texts(pair.search("/revoked:logs-*/_search")) == wrapped(key_id, HANDSHAKE, reason), "and it stays so"


def skipped(answer, alias):
    assert answer.status == 200, answer
    details = answer.json["_clusters"]["details"][alias]
    assert details["status"] == "skipped" and answer.json["_clusters"]["skipped"] == 1
    return details["failures"][0]["reason"]


# What is said of a link that does not stand.
HIDDEN = {
    "8.10": ("no_such_remote_cluster_exception", "no such remote cluster: [skipped]"),
    "8.15": ("connect_transport_exception", "Unable to connect to [skipped]"),
}


def test_8_skip_unavailable_hides_the_cause_when_no_connection_is_left(pair, keys):
    path, key_id = "/skipped:{}/_search", keys["skipped"]["id"]
    assert search(pair, "skipped", skip_unavailable=True, proxy_socket_connections=1) == "200"
    assert "is unauthorized for user [elastic]" in skipped(pair.search(path.format("other")), "skipped")["reason"]
    assert skipped(pair.search(path.format("logs-none")), "skipped")["reason"] == "no such index [logs-none]"
    pair.berlin.delete("/_security/api_key", {"ids": [key_id]})
    assert key_id in str(skipped(pair.search(path.format("logs-*")), "skipped"))
    for _attempt in range(20):
        reason = skipped(pair.search(path.format("logs-*")), "skipped")
        if not pair.info()["skipped"]["connected"]:
            break
        time.sleep(0.2)
    reason = skipped(pair.search(path.format("logs-*")), "skipped")
    assert (reason["type"], reason["reason"]) == of_version(HIDDEN, pair.paris.spec["version"])


# --- addresses ---
# What a node says when no connection opens: HTTP status of a refused seed, and how much it says of a proxy address.
REFUSED_SEED = {"8.10": 500, "8.18": 502}
ADDRESS = {"8.10": "at address [{0}]", "9.3": "at address [{0}], configuredAddress=[{0}], configuredServerName=[]"}


def no_proxy(pair, alias, address):
    told = of_version(ADDRESS, pair.paris.spec["version"]).format(address)
    return f"500 Unable to open any proxy connections to cluster [{alias}] {told} | [][{address}] connect_exception | "


def test_8_unreachable(pair):
    found = search(pair, "good", proxy_address=CLOSED)
    assert found.startswith(no_proxy(pair, "good", CLOSED)) and "Connection refused" in found
    pair.forget()
    assert pair.settings("good", seeds=[CLOSED], skip_unavailable=False).status == 200
    found = texts(pair.search("/good:logs-*/_search"))
    status = of_version(REFUSED_SEED, pair.paris.spec["version"])
    assert found.startswith(f"{status} [][{CLOSED}] connect_exception | ") and "Connection refused" in found


@pytest.mark.parametrize("mode", ["proxy", "sniff"])
def test_8_unknown_host(pair, mode):
    address = "no-such-host.invalid:1"
    values = {"proxy_address": address} if mode == "proxy" else {"seeds": [address]}
    assert pair.settings("good", mode=mode, skip_unavailable=False, **values).status == 200
    found = texts(pair.search("/good:logs-*/_search"))
    assert found == "400 unknown host [no-such-host.invalid] | no-such-host.invalid"


def test_8_credential_at_the_transport_port(pair):
    """The authority of the other port is not trusted for remote clusters."""
    address = next(iter(pair.berlin.get("/_nodes").json["nodes"].values()))["transport_address"]
    found = search(pair, "good", proxy_address=address)
    assert found.startswith(no_proxy(pair, "good", address)) and "PKIX path building failed" in found
    assert "failed to establish trust with server" in pair.log()


def test_8_no_credential(pair):
    """The certificate model is tried, which trusts other authorities."""
    found = search(pair, "nobody")
    address = pair.world.cluster("berlin")["remote_cluster_server"]
    assert found.startswith(no_proxy(pair, "nobody", address)) and "PKIX path building failed" in found


def test_8_the_certificate_bears_the_address_or_the_server_name(pair):
    for name in ("localhost", "munich.example"):
        assert search(pair, "good", server_name=name) == "200", name


# --- names ---
def test_8_a_search_that_works(pair):
    pair.berlin.put("/logs-2/_doc/2?refresh=true", {"x": 1})
    pair.paris.put("/logs-1/_doc/9?refresh=true", {"local": True})
    pair.proxy(alias="good", proxy_socket_connections=2)
    for method in ("GET", "POST"):
        answer = pair.paris(method, "/logs-1,good:logs-*/_search", {"query": {"match_all": {}}, "size": 5})
        assert answer.status == 200, answer
        assert sorted(hit["_index"] for hit in answer.json["hits"]["hits"]) == ["good:logs-1", "good:logs-2", "logs-1"]
        assert answer.json["_clusters"]["total"] == answer.json["_clusters"]["successful"] == 2
        assert set(answer.json["_clusters"]["details"]) == {"(local)", "good"}
        assert answer.json["_clusters"]["details"]["good"]["status"] == "successful"


def test_8_missing_indices_on_the_other_side(pair):
    pair.proxy(alias="good", proxy_socket_connections=2)
    assert texts(pair.search("/good:logs-none/_search")) == "404 no such index [logs-none]"
    assert pair.search("/good:logs-none*/_search").json["hits"]["total"]["value"] == 0
    assert pair.search("/good:logs-none/_search?ignore_unavailable=true").status == 200


UNKNOWN = {
    "8.10": r"403 action \[indices:data/read/search\] is unauthorized for user \[elastic\] with effective roles "
    r"\[superuser\], this action is granted by the index privileges \[.*\] \| ",
    "9.3": "404 ",
}


def test_8_unknown_alias(pair):
    begin = of_version(UNKNOWN, pair.paris.spec["version"])
    found = texts(pair.search("/nowhere:logs-*/_search"))
    assert re.fullmatch(begin + re.escape("no such remote cluster: [nowhere]"), found), found
    assert pair.search("/nowhere*:logs-*/_search").status == 200
