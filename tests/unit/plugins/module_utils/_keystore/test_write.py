# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.errors import KeystoreError
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.write import replace


class Keystore:
    """Does what it is told, or what `stored` makes of it; counts its calls."""

    path = "/tool"

    def __init__(self, held, stored=None):
        self.held = {name: value for name, value in held.items() if value is not None}
        self.stored = list(stored or [])
        self.calls = []

    def _change(self, call, names, held):
        self.calls.append((call, *names))
        for change in [self.stored.pop(0)] if self.stored else []:
            if isinstance(change, Exception):
                raise change
            if change is not None:
                held = {**self.held, **change}
        self.held = held

    def add(self, values):
        self._change("add", values, {**self.held, **values})

    def remove(self, names):
        self._change("remove", names, {name: value for name, value in self.held.items() if name not in names})

    def show(self, name):
        self.calls.append(("show", name))
        if isinstance(self.held.get(name), Exception):
            raise self.held[name]
        return self.held.get(name)


def test_several_settings_are_one_write_and_one_look():
    keystore = Keystore({"a": "1"})
    replace(keystore, {"a": "1", "b": None}, {"a": "2", "b": "3"})
    assert keystore.calls == [("add", "a", "b"), ("show", "b")] and keystore.held == {"a": "2", "b": "3"}
    keystore.calls.clear()
    replace(keystore, {"a": "2", "b": "3"}, {"a": None, "b": None})
    assert keystore.calls == [("remove", "a", "b"), ("show", "b")] and keystore.held == {}


@pytest.mark.parametrize(
    "stored, parts, held",
    [
        ([{}], ["does not hold it", "Nothing was changed"], {"a": "1"}),
        ([{"a": "", "b": ""}], ["holds an empty value", "What it held before was put back"], {"a": "1"}),
        ([{"b": "x"}], ["holds another value", "What it held before was put back"], {"a": "1"}),
        ([{"a": "", "b": ""}, {}], ["holds an empty value", "could NOT be put back"], {"a": ""}),
        ([{"a": "", "b": ""}, KeystoreError("boom")], ["could NOT be put back"], {"a": "", "b": ""}),
        ([{"a": "n: 2", "b": "n: 3"}], ["more than the value", "Nothing was put back"], {"a": "n: 2", "b": "n: 3"}),
        ([{"b": KeystoreError("boom")}], ["Cannot tell", "nothing was put back", "boom"], None),
    ],
)
def test_what_is_not_seen_was_not_written(stored, parts, held):
    before = {"a": "1", "b": None}
    keystore = Keystore(before, stored)
    with pytest.raises(KeystoreError) as caught:
        replace(keystore, before, {"a": "2", "b": "3"})
    assert "write the settings [a], [b] to the node's keystore" in str(caught.value)
    for part in parts:
        assert part in str(caught.value)
    assert held is None or keystore.held == held


def test_a_value_of_several_lines_cannot_be_put_back():
    """It came from a file; the tool would take its first line."""
    keystore = Keystore({"a": "two\nlines"}, [{"a": ""}])
    with pytest.raises(KeystoreError, match="could NOT be put back"):
        replace(keystore, {"a": "two\nlines"}, {"a": "new"})
    assert [call[0] for call in keystore.calls].count("add") == 1


def test_a_removal_that_was_none():
    keystore = Keystore({"a": "1"}, [{}])
    with pytest.raises(KeystoreError, match=r"Cannot remove the setting \[a\] .* still holds it. Nothing was changed"):
        replace(keystore, {"a": "1"}, {"a": None})
