# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote import role_entries as re_

NAMES = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True)
QUERY = st.sampled_from([None, {"match_all": {}}, {"term": {"x": 1}}])
INDICES = st.fixed_dictionaries({"clusters": NAMES, "names": NAMES, "privileges": NAMES}, optional={"query": QUERY})
CLUSTER = st.fixed_dictionaries({"clusters": NAMES, "privileges": NAMES})
ENTRIES = st.lists(INDICES, max_size=4)


def stored(entry):
    """As the server gives it back: sorted differently, query as text, defaults filled in."""
    shown = {key: list(reversed(value)) if isinstance(value, list) else value for key, value in entry.items()}
    if isinstance(shown.get("query"), dict):
        shown["query"] = json.dumps(shown["query"])
    elif shown.get("query") is None:
        shown.pop("query", None)
    shown["allow_restricted_indices"] = False
    return shown


def meanings(entries):
    return sorted(re_.meaning(entry) for entry in entries)


@given(ENTRIES, ENTRIES)
def test_present_holds_every_given_entry_and_is_stable(current, given_entries):
    result = re_.add([stored(entry) for entry in current], given_entries)
    assert set(meanings(given_entries)) <= set(meanings(result))
    assert meanings(re_.add([stored(entry) for entry in result], given_entries)) == meanings(result)


@given(ENTRIES, ENTRIES)
def test_present_leaves_entries_for_other_places_alone(current, given_entries):
    places = {re_._place_key(entry) for entry in given_entries}
    others = [entry for entry in current if re_._place_key(entry) not in places]
    result = re_.add(current, given_entries)
    assert [entry for entry in result if re_._place_key(entry) not in places] == others


@given(ENTRIES, ENTRIES)
def test_absent_takes_out_the_given_entries_and_no_other(current, given_entries):
    result = re_.remove([stored(entry) for entry in current], given_entries)
    unwanted = set(meanings(given_entries))
    assert meanings(result) == [sense for sense in meanings(current) if sense not in unwanted]


@given(st.one_of(INDICES, CLUSTER))
def test_what_the_server_returns_means_the_same(entry):
    assert re_.meaning(entry) == re_.meaning(stored(entry))


def test_everything_else_in_the_role_stays():
    role = {
        "cluster": ["monitor"],
        "indices": [{"names": ["x"], "privileges": ["read"], "allow_restricted_indices": False}],
        "applications": [],
        "run_as": ["u"],
        "metadata": {"a": 1},
        "description": "d",
        "global": {"application": {}},
        "transient_metadata": {"enabled": True},
        "remote_indices": [{"clusters": ["b"], "names": ["n"], "privileges": ["read"]}],
    }
    given_entries = {"remote_indices": None, "remote_cluster": [{"clusters": ["b"], "privileges": ["monitor_enrich"]}]}
    wanted = re_.merge_role(role, given_entries, absent=False)
    expected = {key: value for key, value in role.items() if key != "transient_metadata"}
    assert wanted == {**expected, "remote_cluster": given_entries["remote_cluster"]}
    emptied = re_.merge_role(wanted, {"remote_indices": None, "remote_cluster": None}, absent=True)
    assert "remote_indices" not in emptied and "remote_cluster" not in emptied
    assert emptied["indices"] == role["indices"]


def test_privileges_can_be_narrowed():
    current = [{"clusters": ["b"], "names": ["n"], "privileges": ["read", "write"]}]
    assert re_.add(current, [{"clusters": ["b"], "names": ["n"], "privileges": ["read"]}]) == [
        {"clusters": ["b"], "names": ["n"], "privileges": ["read"]}
    ]


@pytest.mark.parametrize(
    "entry, part",
    [
        ({"clusters": [], "names": ["n"], "privileges": ["read"]}, "clusters is empty"),
        ({"clusters": [""], "names": ["n"], "privileges": ["read"]}, "empty string"),
        ({"clusters": ["b"], "names": [], "privileges": ["read"]}, "names is empty"),
        ({"clusters": ["b"], "names": ["n"], "privileges": []}, "privileges is empty"),
        ({"clusters": ["b"], "names": ["n"], "privileges": ["r"], "query": 5}, "dictionary or a JSON"),
        ({"clusters": ["b"], "names": ["n"], "privileges": ["r"], "query": "{"}, "not JSON"),
        ({"clusters": ["b"], "names": ["n"], "privileges": ["r"], "field_security": {}}, "field_security is empty"),
        (
            {"clusters": ["b"], "names": ["n"], "privileges": ["r"], "field_security": {"except": ["a"]}},
            "without grant",
        ),
    ],
)
def test_bad_entries(entry, part):
    assert part in re_.problem_of("remote_indices", [entry])
