# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key import credential

SECRET = "ui2lp2axTNmsyakw9tvNnw"


def encode(text):
    return base64.b64encode(text.encode()).decode()


@given(st.text("abcXYZ019_-", min_size=1, max_size=30), st.text("abcXYZ019_-", min_size=22, max_size=22))
def test_the_id_comes_back(key_id, secret):
    value = encode(key_id + ":" + secret)
    for form in (value, value.rstrip("=")):
        found = credential.inspect(form)
        assert (found.state, found.api_key_id, found.reason) == ("present", key_id, None)


def test_nothing_is_absent():
    assert credential.inspect(None).state == "absent"


@pytest.mark.parametrize(
    "value, part",
    [
        ("", "empty"),
        ("id:" + SECRET, "plain id:api_key"),
        (SECRET, "[api_key] alone"),
        ("!!not base64!!", "not base64"),
        (encode("no colon here, and long enough for a key"), "not of id:api_key"),
        (encode("id:short"), "22 characters"),
        (encode("id:" + SECRET + "x"), "22 characters"),
        (encode(":" + SECRET), "not the id"),
        (encode("a b:" + SECRET), "not the id"),
        (encode("id:" + SECRET) + " ", "white space"),
        (base64.b64encode(b"\xff\xfe\xfd").decode(), "not base64"),
    ],
)
def test_malformed_values_are_told_apart(value, part):
    found = credential.inspect(value)
    assert found.state == "malformed" and found.api_key_id is None
    assert part in found.reason


@given(st.text(max_size=60))
def test_any_text_is_classified_and_never_repeated(value):
    found = credential.inspect(value)
    assert found.state in ("present", "malformed")
    assert len(value) < 8 or value not in (found.reason or "")


def test_all_forms_of_the_secret_are_known():
    value = encode("id:" + SECRET)
    assert credential.secret_forms(value) == sorted([value, "id:" + SECRET, SECRET], key=len, reverse=True)
