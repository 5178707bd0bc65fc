# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which links a run is for, whose they are, and whether others go."""

from __future__ import annotations

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import complete, normalise
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.only import Choice

ACCESS = {"search": [{"names": ["logs-*"]}]}
CLUSTERS = {
    name: {"urls": [f"https://{name}:9200"], "remote_cluster_server": f"{name}:9443", "nodes": [f"{name}-1"]}
    for name in ("paris", "berlin", "rome")
}
CLUSTERS["cloud"] = {"urls": ["https://cloud:9200"], "remote_cluster_server": "cloud:9443", "api_from": "bastion"}
LINKS = [
    {"from": "paris", "to": "berlin", "access": ACCESS},
    {"from": "paris", "to": "berlin", "alias": "spare", "access": ACCESS},
    {"from": "berlin", "to": "rome", "access": ACCESS},
    {"from": "rome", "to": "cloud", "state": "absent"},
]


def chosen(only, links=None, **choice):
    return normalise(CLUSTERS, LINKS if links is None else links, None, Choice(only=only, **choice))


@pytest.mark.parametrize(
    "only, links",
    [
        (["*/*"], ["paris/berlin", "paris/spare", "berlin/rome", "rome/cloud"]),
        ("paris/spare", ["paris/spare"]),
        # The name of the server means every link there.
        ("paris/berlin", ["paris/berlin", "paris/spare"]),
        ("paris/*,  rome/cloud", ["paris/berlin", "paris/spare", "rome/cloud"]),
        (["*/rome"], ["berlin/rome"]),
        ("rome", ["berlin/rome", "rome/cloud"]),
        (["r?me", "par*"], ["paris/berlin", "paris/spare", "berlin/rome", "rome/cloud"]),
    ],
)
def test_what_an_entry_means(only, links):
    data = chosen(only)
    assert data["errors"] == [] and [link["id"] for link in data["links"]] == links
    assert {link["id"] for link in data["others"]} == {"paris/berlin", "paris/spare", "berlin/rome", "rome/cloud"} - {
        *links
    }
    assert data["clients"] == [name for name in CLUSTERS if name in {link["from"] for link in data["links"]}]


@pytest.mark.parametrize(
    "only, words",
    [
        ("", "names no link"),
        ("paris/berlin,", "names no link"),
        ([], "names no link"),
        (["pariss/berlin"], "did you mean [paris/berlin]?"),
        (["Paris"], "did you mean [paris]?"),
        (["paris/berlin", "madrid"], "[madrid] matches no link; known are berlin"),
        (["cloud/*"], "[cloud/*] matches no link"),
    ],
)
def test_what_means_nothing(only, words):
    (error,) = chosen(only)["errors"]
    assert words in error


def test_of_a_list_with_mistakes_only_these_are_told():
    (error,) = chosen("paris/rom", [{**LINKS[0], "to": "rom"}])["errors"]
    assert "[to: rom] is not in elasticsearch_clusters" in error


def test_an_empty_list_is_all_there_is():
    assert chosen(["*/*"], [])["errors"] == [] and "matches no link" in str(chosen("paris/*", [])["errors"])


def test_only_the_hosts_that_call_what_is_needed_are_asked():
    assert complete(chosen("paris/*"))["callers"] == ["localhost"]
    assert complete(chosen("rome/*"))["callers"] == ["localhost", "bastion"]


@pytest.mark.parametrize(
    "choice, links, words",
    [
        ({"prune": True, "only": "paris/*"}, LINKS, "give one"),
        ({"prune": "yes"}, [], "an empty list of links would remove every link"),
        ({"prune": "perhaps"}, LINKS, "must be true or false"),
        ({"owner": 5}, LINKS, "must be text"),
        ({"owner": "x" * 101}, LINKS, "at most 100 characters"),
        ({"owner": " x"}, LINKS, "without spaces around it"),
    ],
)
def test_choices_that_contradict_themselves(choice, links, words):
    (error,) = normalise(CLUSTERS, links, None, Choice(**choice))["errors"]
    assert words in error


def test_where_links_may_have_been_all_clients_are_visited():
    data = complete(chosen(["*/*"], LINKS[:1], prune=True))
    assert data["prune"] is True and data["clients"] == ["paris", "berlin", "rome"] and data["used"] == list(CLUSTERS)
    assert data["callers"] == ["localhost", "bastion"]


def test_a_link_that_goes_needs_no_access_and_a_key_is_marked_for_its_owner():
    data = chosen(["*/*"], owner="search team")
    assert [link["absent"] for link in data["links"]] == [False, False, False, True]
    assert data["links"][1]["metadata"] == {
        "crosscluster_elasticsearch": {"client": "paris", "alias": "spare", "owner": "search team"}
    }
    (error,) = chosen(["*/*"], [{**LINKS[0], "state": "gone"}])["errors"]
    assert "state must be present or absent, not [gone]" in error
