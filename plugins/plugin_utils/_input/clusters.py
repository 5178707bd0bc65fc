# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user wrote in ``elasticsearch_clusters``, checked and completed, without its secrets. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.address import (
    REMOTE_LOGIN,
    address_problem,
    check_urls,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.argspec import CONNECTION_SPEC
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.fields import (
    Problems,
    addresses,
    check_fields,
    checked,
    kind,
    listed,
)
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.paths import LOGIN_FILES, find, nowhere

# Field names equal those of the options of the modules they end in. The third group is information that is allowed so
# that the output of other tools can be used as it is.
_TEXT, _PATH = {"type": "str"}, {"type": "path"}
CLUSTER_FIELDS: t.Dict[str, t.Dict[str, t.Any]] = {
    **CONNECTION_SPEC.options,
    **dict.fromkeys(("url", "server_name", "api_from", "keystore_password", "cluster_uuid", "description"), _TEXT),
    # One address or several.
    **dict.fromkeys(("urls", "remote_cluster_server"), {"type": "raw"}),
    "remote_ca_cert": _PATH,
    "nodes": {"type": "list"},
    "version": {"type": "raw"},
}
NODE_FIELDS: t.Dict[str, t.Dict[str, t.Any]] = {
    **dict.fromkeys(("name", "node_name", "url", "keystore_password", "home", "description"), _TEXT),
    **dict.fromkeys(("keystore", "config_dir"), _PATH),
    "vars": {"type": "dict"},
}


def clusters_of(
    clusters: t.Any, problems: Problems, sources: t.Optional[t.Sequence[t.Any]]
) -> t.Dict[str, t.Dict[str, t.Any]]:
    if not isinstance(clusters, t.Mapping):
        problems.add("elasticsearch_clusters must be a dictionary of clusters by name, not {0}", kind(clusters))
        return {}
    return {str(name): _cluster(str(name), value, problems, sources) for name, value in clusters.items()}


def _cluster(name: str, value: t.Any, problems: Problems, sources: t.Optional[t.Sequence[t.Any]]) -> t.Dict[str, t.Any]:
    where = "elasticsearch_clusters.{0}".format(name)
    result: t.Dict[str, t.Any] = {
        "name": name, "nodes": [], "entries": [], "node_urls": [], "proof_urls": [], "address": None,
        "api_from": "localhost",
    }  # fmt: skip
    if not isinstance(value, t.Mapping):
        problems.add("{0} must be a dictionary, not {1}", where, kind(value))
        return result
    check_fields(where, value, CLUSTER_FIELDS, problems)
    _nodes(where, value, result, problems)
    result["urls"] = urls_of(where, value.get("urls") or value.get("url"), result["node_urls"], problems)
    # Through each of its own addresses a node can be asked whether the link works for it.
    whole = result["nodes"] and len(result["node_urls"]) == len(result["nodes"])
    result["proof_urls"] = result["node_urls"] if whole else result["urls"]
    remote = value.get("remote_cluster_server")
    result["address"] = addresses(where + ".remote_cluster_server", remote, problems, REMOTE_LOGIN)
    for address in listed(result["address"]):
        wrong = address_problem(str(address))
        if wrong:
            problems.add("{0}.remote_cluster_server: {1}", where, wrong)
    result["server_name"] = value.get("server_name")
    result["api_from"] = str(value.get("api_from") or "localhost")
    result["remote_ca_cert"] = value.get("remote_ca_cert")
    if sources is not None:
        # The files of a login are on the host that the calls are made from.
        names = (*LOGIN_FILES, "remote_ca_cert") if result["api_from"] == "localhost" else ("remote_ca_cert",)
        found = _files(where, {name: value.get(name) for name in names}, sources, problems)
        result["remote_ca_cert"] = found.get("remote_ca_cert")
    return result


def _nodes(where: str, value: t.Mapping[str, t.Any], result: t.Dict[str, t.Any], problems: Problems) -> None:
    nodes = value.get("nodes")
    for number, node in enumerate(nodes if isinstance(nodes, (list, tuple)) else []):
        here = "{0}.nodes[{1}]".format(where, number)
        entry = node if isinstance(node, t.Mapping) else {"name": node}
        if not isinstance(entry.get("name"), str) or not entry["name"]:
            problems.add("{0} has no name; give the name of the node in the inventory", here)
            continue
        check_fields(here, entry, NODE_FIELDS, problems)
        url = addresses(here + ".url", entry.get("url"), problems)
        told = {"url": url, **{field: entry.get(field) for field in ("node_name", "keystore", "config_dir")}}
        # That there is a password, and not which.
        password = {"protected": True} if entry.get("keystore_password", value.get("keystore_password")) else {}
        result["nodes"].append(str(entry["name"]))
        result["entries"].append({**{field: str(text) for field, text in told.items() if text}, **password})
        if url:
            checked(here + ".url", problems, check_urls, [url])
            result["node_urls"].append(str(url))


def urls_of(where: str, urls: t.Any, of_nodes: t.List[str], problems: Problems) -> t.List[str]:
    if isinstance(urls, str) and "," in urls:
        urls = [url.strip() for url in urls.split(",")]  # as modules take it
    if not urls and not of_nodes:
        problems.add("{0} has no urls; give the HTTPS addresses of its nodes", where)
    urls = listed(addresses(where + ".urls", urls, problems))
    if urls:
        checked(where, problems, check_urls, urls)
    return [str(url) for url in urls or of_nodes]


def _files(
    where: str, given: t.Mapping[str, t.Any], sources: t.Sequence[t.Any], problems: Problems
) -> t.Dict[str, t.Optional[str]]:
    found = {}
    for name, path in given.items():
        if path and isinstance(path, str):
            found[name] = find(path, sources)
            if not found[name]:
                problems.add("{0}.{1}: {2}", where, name, nowhere(path, sources))
    return found
