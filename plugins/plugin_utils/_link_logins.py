# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins that a job runner put into the environment, for clusters that have none of their own. Pure.

This file is private to the crosscluster.elasticsearch collection.

AWX gives a job at most one credential of each type, so there is one set of variables for the client side and one for
the
server side. What stands in ``elasticsearch_clusters`` wins, so that these variables can only complete it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._address import URL_LOGIN, holds_login

SIDES = (("from", "CROSSCLUSTER_CLIENT_"), ("to", "CROSSCLUSTER_SERVER_"))
LOGINS = ("username", "password", "bearer_token", "api_key", "client_cert")

Data = t.Dict[str, t.Any]


def environment_problems(environ: t.Mapping[str, str]) -> t.List[str]:
    """What is wrong with these variables."""
    names = [prefix + "URLS" for _side, prefix in SIDES]
    return [
        "{0} in the environment (URLs of the credential in AWX) {1}".format(name, URL_LOGIN)
        for name in names
        if holds_login(environ.get(name))
    ]


def complete(clusters: t.Any, links: t.Any, environ: t.Mapping[str, str]) -> t.Any:
    """The clusters with the logins of the environment. Anything odd is left for the check of the input to name."""
    if not isinstance(clusters, t.Mapping) or not isinstance(links, (list, tuple)):
        return clusters
    result: Data = dict(clusters)
    for side, prefix in SIDES:
        given = {
            name: environ.get(prefix + name.upper(), "")
            for name in ("cluster", "urls", "username", "password", "ca_cert")
        }
        if not given["username"]:
            continue
        for name in _meant(given["cluster"], side, result, links):
            result[name] = _fill(result[name], given)
    return result


def _meant(name: str, side: str, clusters: Data, links: t.Sequence[t.Any]) -> t.List[str]:
    """The cluster that the credential names, or all of its side that have no login: one login may serve
    many clusters.
    """
    if name:
        return [name] if isinstance(clusters.get(name), t.Mapping) else []
    used = [link.get(side) for link in links if isinstance(link, t.Mapping)]
    return [key for key, value in clusters.items() if key in used and isinstance(value, t.Mapping)]


def _fill(cluster: t.Mapping[str, t.Any], given: t.Mapping[str, str]) -> Data:
    filled = dict(cluster)
    if not any(cluster.get(option) for option in LOGINS):
        filled["username"], filled["password"] = given["username"], given["password"]
        # An empty CA field makes an empty file, which trusts nobody; it is as if there were none.
        if (
            given["ca_cert"]
            and not cluster.get("ca_cert")
            and not cluster.get("ca_fingerprint")
            and _has_content(given["ca_cert"])
        ):
            filled["ca_cert"] = given["ca_cert"]
    if given["urls"] and not (
        cluster.get("urls")
        or cluster.get("url")
        or any(isinstance(node, t.Mapping) and node.get("url") for node in cluster.get("nodes") or [])
    ):
        filled["urls"] = [url.strip() for url in given["urls"].split(",") if url.strip()]
    return filled


def _has_content(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return bool(file.read().strip())
    except OSError:
        return True  # The request will say that it cannot be read.
