# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decisions about keys, durations and input as pure functions."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key import key as keys
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.duration import parse_duration
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.read import LAST_MOMENT, checked
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.report import Filter, report
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._errors import InputError

LOGS = {"search": [{"names": ["logs-*"], "allow_restricted_indices": False}]}
DAY = 86400000
NOW = 100 * DAY


def key(key_id, created=0, **fields):
    entry = {"id": key_id, "name": "n", "creation": created, "username": "me", "realm": "r", "access": LOGS, **fields}
    return keys.Key.from_server(entry)


def wanted(**fields):
    return keys.Wanted("n", **{"access": LOGS, **fields})


def duration(text):
    return parse_duration(text, "expiration")


ME = keys.User("me")


def plan(wish, *found, me=ME, **more):
    return keys.plan_present(wish, found, NOW, me, **more)


def test_only_what_must_be_sent_is_sent():
    old = key("a", metadata={"m": 1})
    assert keys.changes(wanted(), old, False) == {}
    assert keys.changes(wanted(expiration=duration("9d")), old, False) == {"expiration": "9d", "metadata": {"m": 1}}
    assert keys.changes(wanted(expiration=duration("9d"), metadata={}), old, False) == {
        "expiration": "9d",
        "metadata": {},
    }
    assert keys.changes(wanted(certificate_identity=""), key("a", certificate_identity="x"), False) == {
        "certificate_identity": None
    }
    assert keys.changes(wanted(certificate_identity=""), old, False) == {}
    assert keys.changes(wanted(metadata={"m": 1.0}), old, False) == {"metadata": {"m": 1.0}}


def test_own_keys_come_before_newer_foreign_ones():
    found = key("mine", 1), key("theirs", 2, username="you")
    assert plan(wanted(), *found).key.id == "mine"
    assert plan(wanted(), *found, me=None).key.id == "theirs"
    assert plan(wanted(duplicates="revoke"), *found).revoke == ()
    assert plan(wanted(duplicates="revoke"), key("older"), *found).revoke == ("older",)


def test_users_of_the_same_name_in_two_realms_are_two_users():
    found = key("mine", 1), key("theirs", 2, realm="other")
    assert plan(wanted(), *found).key.id == "theirs", "as long as the realm is not known"
    assert plan(wanted(), *found, me=keys.User("me", "r")).key.id == "mine"
    assert keys.plan_absent("n", found, [], keys.User("me", "r")).revoke == ("mine",)


def test_keys_of_the_operator_are_foreign():
    theirs = key("eck", metadata={"elasticsearch.k8s.elastic.co/managed-by": "eck"})
    assert keys.plan_absent("n", [theirs], [], ME).operation == "none"
    with pytest.raises(InputError, match="Kubernetes"):
        plan(wanted(metadata={}), theirs)


@pytest.mark.parametrize(("on_expiring", "operation"), [("rotate", "rotate"), ("extend", "update")])
def test_renewal_is_due_at_the_boundary(on_expiring, operation):
    wish = wanted(expiration=duration("90d"), renew_before=duration("10d"), on_expiring=on_expiring)
    assert plan(wish, key("a", expiration=NOW + 10 * DAY + 1)).operation == "none"
    assert plan(wish, key("a", expiration=NOW + 10 * DAY)).operation == operation


def test_lost_keys():
    body = {"name": "n", "access": LOGS, "expiration": "1d"}
    intent = keys.Intent(("known",), (), body)
    made = key("made", expiration=NOW + DAY)
    assert keys.lost_keys(intent, [key("known"), made], ME) == ("made",)
    assert keys.lost_keys(intent, [made], ME, held_id="made") == ()
    assert keys.lost_keys(intent, [key("never-expires")], ME) == ()
    assert keys.lost_keys(intent, [key("theirs", expiration=NOW, username="you")], ME) == ()
    assert keys.lost_keys(intent, [key("other", expiration=NOW, metadata={"a": 1})], ME) == ()
    planted = keys.Intent((), ("theirs", "ours"), body)
    assert keys.lost_keys(planted, [key("theirs", username="you"), key("ours")], ME) == ("ours",)
    with pytest.raises(InputError, match="Nothing was revoked"):
        keys.lost_keys(intent, [made, key("twin", expiration=NOW + DAY)], ME)
    assert keys.Intent.from_document(intent.to_document()) == intent
    again = plan(wanted(expiration=duration("1d")), made, intent=intent)
    assert (again.operation, again.revoke, again.lost) == ("create", ("made",), ("made",))
    known = plan(wanted(), key("known"), key("late"), intent=keys.Intent(("known",), ("late",), {"access": {}}))
    assert (known.operation, known.revoke, known.key.id) == ("revoke", ("late",), "known")


def test_diff_is_readable_and_empty_when_nothing_changes():
    same = keys.diff("n", plan(wanted(), key("a")))
    assert same["before"] == same["after"]
    rotated = keys.diff("n", plan(wanted(rotate=True, expiration=duration("9d")), key("a")))
    assert rotated["after"]["live_keys"] == ["a", "(a new key)"] and rotated["after"]["expiration"].startswith("9d")


@pytest.mark.parametrize(
    ("text", "written", "ms"),
    [
        ("30d", "30d", 30 * DAY),
        ("1D", "1d", DAY),
        (" 2 h", "2h", 7200000),
        ("5m", "5m", 300000),
        ("5000ms", "5000ms", 5000),
    ],
)
def test_durations(text, written, ms):
    assert parse_duration(text, "expiration") == (written, ms)


@pytest.mark.parametrize(
    "text",
    ["0", "0d", "-1", "-1d", "1.5d", "1w", "1M", "1y", "30", "never", "d", "1d1h", "999ms"]
    + ["", None, True, 30, "9" * 30 + "d"],
)
def test_bad_durations(text):
    with pytest.raises(InputError, match="expiration"):
        parse_duration(text, "expiration")


@pytest.mark.parametrize(
    "told, taken", [(10**22, LAST_MOMENT), (-1, 0), (1_700_000_000_000, 1_700_000_000_000), ("soon", 0), ([], 0)]
)
def test_one_cluster_that_tells_impossible_times_spoils_no_report(told, taken):
    entry = checked({"id": "a", "creation": told, "expiration": None})
    assert entry == {"id": "a", "creation": taken, "expiration": None}
    assert datetime.datetime.fromtimestamp(entry["creation"] / 1000, datetime.timezone.utc).year <= 9999


def test_report():
    entries = [
        {"id": "b", "name": "x", "creation": 2, "expiration": NOW + 3 * DAY + 5, "type": "cross_cluster"},
        {"id": "a", "name": "x", "creation": 1, "expiration": NOW - 1, "type": "cross_cluster"},
        {"id": "c", "name": "w", "creation": 9, "invalidated": True, "type": "cross_cluster"},
        {"id": "d", "name": "x", "creation": 3},
    ]
    got = report(entries, Filter(), NOW, False)
    assert [(one["id"], one["status"], one["days_left"]) for one in got] == [
        ("c", "revoked", None),
        ("a", "expired", 0),
        ("b", "live", 4),
    ]
    assert [one["id"] for one in report(entries, Filter(types=("rest",)), NOW, False)] == ["d"]
    assert [one["id"] for one in report(entries, Filter(expires_within_ms=4 * DAY), NOW, True)][-1:] == ["b"]
    assert [one["id"] for one in report(entries, Filter(names=("w",), ids=("b",)), NOW, False)] == ["c", "b"]
