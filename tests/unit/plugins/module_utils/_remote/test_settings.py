# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._errors import InputError
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._remote import settings as rs

PROXY = {
    "mode": st.just("proxy"),
    "proxy_address": st.sampled_from(["a:1", "b:2"]),
    "proxy_socket_connections": st.integers(1, 20),
    "server_name": st.sampled_from(["", "x"]),
}
SNIFF = {
    "mode": st.just("sniff"),
    "seeds": st.lists(st.sampled_from(["a:1", "b:2", "c:3"]), min_size=1, unique=True),
    "node_connections": st.integers(1, 5),
}
BOTH = {
    "skip_unavailable": st.booleans(),
    "transport_compress": st.sampled_from(["true", "false", "indexing_data"]),
    "transport_ping_schedule": st.sampled_from(["30s", "-1"]),
}
GIVEN = st.one_of(*(st.fixed_dictionaries({}, optional={**mode, **BOTH}) for mode in (PROXY, SNIFF)))
STORED = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["proxy", "sniff", "SNIFF"]),
        "proxy_address": st.sampled_from(["a:1", "b:2"]),
        "seeds": st.sampled_from([["a:1"], ["b:2", "a:1"], "a:1,c:3"]),
        "node_connections": st.sampled_from(["1", "3"]),
        "server_name": st.just("x"),
        "skip_unavailable": st.sampled_from(["true", "false"]),
        "transport.compress": st.just("true"),
    },
)


def apply(state, plan):
    """What the server holds afterwards: strings, and lists of strings."""

    def store(values, change):
        merged = {**values, **change}
        return {
            key: [str(item) for item in value] if isinstance(value, list) else rs._text(value)
            for key, value in merged.items()
            if value is not None
        }

    return rs.State(store(state.persistent, plan.persistent), store(state.transient, plan.transient), state.yml)


def state(persistent=None, transient=None, yml=None):
    return rs.State(persistent or {}, transient or {}, yml or {})


def plan(given_options, current):
    rs.check_input("berlin", given_options)
    return rs.plan_present("berlin", given_options, current)


@given(GIVEN, STORED, STORED)
def test_a_second_run_writes_nothing_and_what_was_asked_for_counts(options, persistent, transient):
    before = state(persistent, transient)
    try:
        first = plan(options, before)
    except InputError:
        return
    after = apply(before, first)
    second = plan(options, after)
    assert not second.changed
    for option, value in options.items():
        if value == "":
            assert rs.SUFFIXES[option] not in after.effective
        else:
            assert rs.same(rs.SUFFIXES[option], after.effective[rs.SUFFIXES[option]], value)
    mode = str(after.effective.get("mode", "sniff")).lower()
    if mode in rs.MODES:
        other = "sniff" if mode == "proxy" else "proxy"
        assert not set(rs.SETTINGS_OF_MODE[other]) & set(after.effective)


@given(GIVEN, STORED, STORED)
def test_what_was_not_asked_for_stays(options, persistent, transient):
    before = state(persistent, transient)
    try:
        found = plan(options, before)
    except InputError:
        return
    of_modes = {"mode", *rs.SETTINGS_OF_MODE["proxy"], *rs.SETTINGS_OF_MODE["sniff"]}
    asked = {rs.SUFFIXES[option] for option in options}
    assert not (set(found.persistent) | set(found.transient)) - asked - of_modes


@given(STORED, STORED)
def test_removal_clears_every_explicit_setting(persistent, transient):
    before = state(persistent, transient)
    found = rs.plan_absent("berlin", before)
    after = apply(before, found)
    assert after.effective == {} and found.changed == bool(persistent or transient)


def test_a_mode_change_clears_the_other_mode_in_the_same_request():
    before = state({"mode": "sniff", "seeds": ["a:1"], "node_connections": "3", "skip_unavailable": "true"})
    found = plan({"proxy_address": "b:2"}, before)
    assert rs.request_body("berlin", found) == {
        "persistent": {
            "cluster.remote.berlin.mode": "proxy",
            "cluster.remote.berlin.node_connections": None,
            "cluster.remote.berlin.proxy_address": "b:2",
            "cluster.remote.berlin.seeds": None,
        }
    }


def test_a_transient_setting_in_the_way_is_cleared_and_named():
    before = state({"mode": "proxy", "proxy_address": "a:1"}, {"proxy_address": "b:2"})
    found = plan({"proxy_address": "a:1"}, before)
    assert (found.persistent, found.transient) == ({}, {"proxy_address": None})
    assert "cluster.remote.berlin.proxy_address" in found.notes[0]


def test_types_and_order_do_not_count():
    before = state({"mode": "SNIFF", "seeds": "b:2,a:1", "node_connections": "3", "skip_unavailable": "true"})
    options = {"mode": "sniff", "seeds": ["a:1", "b:2"], "node_connections": 3, "skip_unavailable": True}
    assert not plan(options, before).changed


def test_what_stays_in_the_file_is_told():
    found = rs.plan_absent("berlin", state(yml={"seeds": ["a:1"]}))
    assert not found.changed and "elasticsearch.yml" in found.notes[0]
    assert found.after.effective == {"seeds": ["a:1"]}


@pytest.mark.parametrize(
    "options, part",
    [
        ({"mode": "proxy", "seeds": ["a:1"]}, "belongs to mode sniff"),
        ({"mode": "sniff", "proxy_address": "a:1"}, "belongs to mode proxy"),
        ({"proxy_address": "a:1", "seeds": ["a:1"]}, "use those of one"),
        ({"proxy_address": "a"}, "no port"),
        ({"seeds": []}, "state: absent"),
        ({"seeds": ["a:1", "b"]}, "no port"),
        ({"proxy_socket_connections": 0}, "1 or more"),
        ({"node_connections": -1}, "1 or more"),
        ({"transport_ping_schedule": "often"}, "time value"),
        ({"mode": "proxy"}, "proxy_address is needed"),
        ({"server_name": "x"}, "is needed"),
        ({"skip_unavailable": True}, "proxy_address or seeds is needed"),
    ],
)
def test_bad_input(options, part):
    with pytest.raises(InputError, match="Nothing was changed") as error:
        plan(options, state())
    assert part in str(error.value)


def test_reading_all_aliases():
    body = {
        "persistent": {"cluster": {"remote": {"a": {"seeds": ["x:1"]}, "node": {"attr": "gw"}}}},
        "transient": {"cluster.remote.b.mode": "proxy"},
        "defaults": {"cluster": {"remote": {"connections_per_cluster": "3", "c": {"transport": {"compress": "true"}}}}},
    }
    found = rs.read_aliases(body)
    assert sorted(found) == ["a", "b", "c"]
    assert found["c"].yml == {"transport.compress": "true"} and found["b"].transient == {"mode": "proxy"}
