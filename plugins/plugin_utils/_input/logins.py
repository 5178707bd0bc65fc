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

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._http.address import URL_LOGIN, holds_login

PREFIXES = ("CROSSCLUSTER_CLIENT_", "CROSSCLUSTER_SERVER_")
LOGINS = ("username", "password", "bearer_token", "api_key", "client_cert")

Data = t.Dict[str, t.Any]


def environment_problems(environ: t.Mapping[str, str]) -> t.List[str]:
    """What is wrong with these variables."""
    found = []
    for prefix in PREFIXES:
        if holds_login(environ.get(prefix + "URLS")):
            found.append("{0}URLS in the environment (URLs of the credential in AWX) {1}".format(prefix, URL_LOGIN))
        if environ.get(prefix + "USERNAME") and not names(environ.get(prefix + "CLUSTER", "")):
            found.append(
                "{0}USERNAME is in the environment and {0}CLUSTER is not: give the credential the name of the cluster "
                "in elasticsearch_clusters that the login is for (Name of the cluster in AWX), or whoever chooses the "
                "clusters of a run chooses where the password goes".format(prefix)
            )
    return found


def names(text: str) -> t.List[str]:
    """The clusters that a credential is for."""
    return [name.strip() for name in text.split(",") if name.strip()]


def complete(clusters: t.Any, environ: t.Mapping[str, str]) -> t.Any:
    """The clusters with the logins of the environment. Anything odd is left for the check of the input to name."""
    if not isinstance(clusters, t.Mapping):
        return clusters
    result: Data = dict(clusters)
    for prefix in PREFIXES:
        given = {
            name: environ.get(prefix + name.upper(), "")
            for name in ("cluster", "urls", "username", "password", "ca_cert")
        }
        if not given["username"]:
            continue
        for name in names(given["cluster"]):
            if isinstance(result.get(name), t.Mapping):
                result[name] = _fill(result[name], given)
    return result


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
