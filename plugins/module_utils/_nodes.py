# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of nodes that a cluster itself gives. Private to this collection."""

from __future__ import annotations

import socket
import typing as t
from urllib.parse import urlsplit

from ._errors import EsError, EsPermissionError
from ._http.client import ElasticsearchClient
from ._text import printable

_PATH = "/_nodes/http,jvm"
_FIELDS = ("name", "version", "roles", "http.publish_address", "http.bound_address", "jvm.start_time_in_millis")
_FILTER = ",".join(("_nodes", *(f"nodes.*.{name}" for name in _FIELDS)))

Node = t.Dict[str, t.Any]
Resolve = t.Callable[[str], t.Iterable[str]]


class NodeList(t.NamedTuple):
    """The nodes, or why they are not known."""

    nodes: t.Optional[t.List[Node]]
    nodes_problem: t.Optional[str] = None


def list_nodes(client: ElasticsearchClient, urls: t.Sequence[str] = ()) -> NodeList:
    """One request. A list that cannot be read is no failure: what it is needed for is then not done."""
    attempt = "list the nodes"
    # The cluster gives up on a node that hangs before we give up on the cluster.
    params = {"filter_path": _FILTER, "timeout": f"{max(1, int(client.timeout * 0.8))}s"}
    try:
        body = client.request("GET", _PATH, params=params, attempt=attempt).body
    except EsPermissionError as e:
        e.advice = "The login needs the cluster privilege monitor."
        return NodeList(None, str(e))
    except EsError as e:
        return NodeList(None, str(e))
    counts = body.get("_nodes") or {}
    found = body.get("nodes") or {}
    if counts.get("failed") or not found:
        return NodeList(None, f"{client.cluster}: {counts.get('failed') or 'all'} of its nodes did not answer")
    told = [url.rstrip("/") for url in urls]
    return NodeList(describe(found, list(dict.fromkeys([*client.urls, *told])), _addresses))


def describe(found: t.Mapping[str, t.Any], urls: t.Sequence[str], resolve: Resolve) -> t.List[Node]:
    """The nodes as they are returned. Pure but for `resolve`, which gives the addresses of a host name."""
    places = {url: set(_places(url, resolve)) for url in urls}
    nodes = []
    for node_id, node in found.items():
        addresses = _http_addresses(node.get("http") or {})
        nodes.append(
            {
                "id": node_id,
                "name": printable(str(node.get("name")))[:255],
                "version": str(node["version"])[:40] if node.get("version") else None,
                "roles": sorted(node.get("roles") or []),
                "http_addresses": addresses,
                "urls": [url for url in urls if places[url] & set(addresses)],
                "started": (node.get("jvm") or {}).get("start_time_in_millis"),
            }
        )
    return sorted(nodes, key=lambda node: str(node["name"]))


def _http_addresses(http: t.Mapping[str, t.Any]) -> t.List[str]:
    told = [str(http["publish_address"])] if http.get("publish_address") else []
    told += [str(address) for address in http.get("bound_address") or []]
    found: t.List[str] = []
    for address in told:
        # Where a node publishes a name, both are told: name/address:port.
        name, slash, rest = address.rpartition("/")
        host, colon, port = rest.rpartition(":")
        found += [f"{name}{colon}{port}"] if slash and name else []
        found.append(f"{host}{colon}{port}")
    return list(dict.fromkeys(found))


def _places(url: str, resolve: Resolve) -> t.Iterator[str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return
    for name in {host, *resolve(host)}:
        yield f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _addresses(host: str) -> t.Iterable[str]:
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return ()
