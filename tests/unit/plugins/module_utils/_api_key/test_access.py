# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated access documents: what the server makes of them compares equal, what means something else does not."""

from __future__ import annotations

import copy
import json
import random

import pytest

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed here")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key import access as rules  # noqa: E402

names = st.text("abcz*-.?/{,}1 é", min_size=1, max_size=8).filter(str.strip)
name_lists = st.lists(names, min_size=1, max_size=4)
indices = st.text("abcz*-.?{}1 é", min_size=1, max_size=8).filter(str.strip)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
queries = st.dictionaries(st.text(min_size=1, max_size=5), json_values, min_size=1, max_size=3)


@st.composite
def entries(draw, limits=True):
    entry = {"names": draw(indices if draw(st.booleans()) else st.lists(indices, min_size=1, max_size=4))}
    if limits and draw(st.booleans()):
        query = draw(queries)
        entry["query"] = query if draw(st.booleans()) else json.dumps(query, indent=draw(st.sampled_from([None, 1])))
    if limits and draw(st.booleans()):
        entry["field_security"] = {"grant": draw(name_lists) + ["*"]}
        if draw(st.booleans()):
            entry["field_security"]["except"] = draw(name_lists)
    if draw(st.booleans()):
        entry["allow_restricted_indices"] = draw(st.booleans())
    return entry


@st.composite
def documents(draw):
    kind = draw(st.sampled_from(["search", "replication", "both"]))
    access = {}
    if kind != "replication":
        access["search"] = draw(st.lists(entries(limits=kind == "search"), min_size=1, max_size=3))
    if kind != "search":
        access["replication"] = draw(st.lists(entries(limits=False), min_size=1, max_size=3))
    return access


def read_back(access):
    """What the server makes of it: lists, defaults spelled out, queries as compact strings when sent as objects."""
    result = {}
    for side, side_entries in access.items():
        result[side] = []
        for entry in side_entries:
            shown = {"names": [entry["names"]] if isinstance(entry["names"], str) else list(entry["names"])}
            if "field_security" in entry:
                shown["field_security"] = copy.deepcopy(entry["field_security"])
            if "query" in entry:
                query = entry["query"]
                shown["query"] = query if isinstance(query, str) else json.dumps(query, separators=(",", ":"))
            shown["allow_restricted_indices"] = entry.get("allow_restricted_indices", False)
            result[side].append(shown)
    return result


def shuffled(value, rng):
    """The same in another order: entries, names, grant, except, and the members of queries."""
    value = copy.deepcopy(value)
    for side_entries in value.values():
        rng.shuffle(side_entries)
        for entry in side_entries:
            rng.shuffle(entry["names"])
            for fields in entry.get("field_security", {}).values():
                rng.shuffle(fields)
            if "query" in entry:
                items = list(json.loads(entry["query"]).items())
                rng.shuffle(items)
                entry["query"] = json.dumps(dict(items), indent=2)
    return value


@settings(max_examples=150, deadline=None)
@given(documents(), st.integers())
def test_read_back_is_equal(access, seed):
    checked = rules.check_access(access)
    stored = read_back(access)
    assert rules.same_access(checked, stored)
    assert rules.same_access(checked, shuffled(stored, random.Random(seed)))
    assert rules.check_access(checked) == checked, "what is returned can be given back"
    assert rules.server_form(read_back(checked)) == checked


@settings(max_examples=150, deadline=None)
@given(documents(), st.integers())
def test_a_change_of_meaning_is_seen(access, seed):
    rng = random.Random(seed)
    checked = rules.check_access(access)
    for change in (_another_name, _another_query, _less_fields, _restricted, _another_entry, _other_side):
        changed = change(copy.deepcopy(checked), rng)
        if changed is not None:
            assert not rules.same_access(checked, changed), change.__name__


def _entry(access, rng):
    side = rng.choice(sorted(access))
    return side, rng.choice(access[side])


def _another_name(access, rng):
    _entry(access, rng)[1]["names"].append("a-name-of-its-own")
    return access


def _another_query(access, rng):
    side, entry = _entry(access, rng)
    if side != "search":
        return None
    entry["query"] = json.dumps({"of": "its own", "was": entry.get("query")})
    return access


def _less_fields(access, rng):
    side, entry = _entry(access, rng)
    if side != "search":
        return None
    security = entry.setdefault("field_security", {"grant": ["*"]})
    security["except"] = [*security.get("except", []), "a-field-of-its-own"]
    return access


def _restricted(access, rng):
    # Another entry may say the same already, so only a document of one entry must differ.
    if sum(len(side) for side in access.values()) > 1:
        return None
    entry = _entry(access, rng)[1]
    entry["allow_restricted_indices"] = not entry["allow_restricted_indices"]
    return access


def _another_entry(access, rng):
    access[rng.choice(sorted(access))].append({"names": ["an-entry-of-its-own"], "allow_restricted_indices": False})
    return access


def _other_side(access, rng):
    if len(access) > 1:
        return None
    ((side, side_entries),) = access.items()
    return {"replication" if side == "search" else "search": side_entries}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"names": "a", "field_security": {"grant": ["*"]}}, {"names": ["a"]}, True),
        ({"names": "a", "field_security": {"grant": ["*"], "except": []}}, {"names": ["a"]}, True),
        ({"names": "a", "field_security": {"grant": []}}, {"names": ["a"]}, False),
        ({"names": "a", "query": ""}, {"names": "a", "query": None}, True),
        ({"names": "a", "query": '{"a": 1}'}, {"names": "a", "query": {"a": True}}, False),
        ({"names": "a", "query": {"terms": {"a": [1, 2]}}}, {"names": "a", "query": {"terms": {"a": [2, 1]}}}, False),
        ({"names": "/a{1,2}/"}, {"names": ["/a{1", "2}/"]}, False),
        ({"names": ["a", "a"]}, {"names": "a"}, True),
    ],
)
def test_forms(one, other, same):
    assert rules.same_access({"search": [one]}, {"search": [other]}) is same


def test_a_key_made_by_hand_with_odd_content_does_not_break_the_comparison():
    odd = {"search": [{"names": "a", "query": "{ not json", "field_security": {"grant": None}}], "replication": None}
    assert not rules.same_access(odd, {"search": [{"names": ["a"]}]})
    assert rules.same_access(odd, copy.deepcopy(odd))
    assert not rules.same_access(None, {"search": [{"names": ["a"]}]})


@pytest.mark.parametrize("side", ["search", "replication"])
@pytest.mark.parametrize(
    "name, told",
    [
        ("logs-a,logs-b", "holds a comma"),
        ("logs-a::data", "holds a selector"),
        ("/logs-", "begins a regular"),
        ("/", "begins a reg"),
    ],
)
def test_no_key_is_made_with_names_that_nobody_could_change(side, name, told):
    with pytest.raises(rules.InputError) as raised:
        rules.check_access({side: [{"names": ["ok-*", name]}]})
    assert told in str(raised.value) and f"access.{side}[0].names" in str(raised.value)


@pytest.mark.parametrize("name", ["/logs-[0-9]{1,3}/", "/a::b/", "logs-*", "-logs-old", "<logs-{now/d}>"])
def test_names_that_are_patterns_stay(name):
    assert rules.check_access({"search": [{"names": [name]}]})["search"][0]["names"] == [name]
