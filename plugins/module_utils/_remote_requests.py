# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests about remote clusters that several modules make. Private to this collection."""

from __future__ import annotations

import typing as t

from ._client import ElasticsearchClient

# Nested, because the names of flat settings contain the dots that filter_path takes for levels.
_FILTER = ",".join(f"{section}.cluster.remote" for section in ("persistent", "transient", "defaults"))


def read_settings(client: ElasticsearchClient) -> t.Mapping[str, t.Any]:
    """Explicit settings of all remote clusters; `defaults` holds those of elasticsearch.yml that nothing overrides."""
    return client.request(
        "GET",
        "/_cluster/settings",
        params={"include_defaults": True, "filter_path": _FILTER},
        attempt="read the settings of remote clusters",
    ).body
