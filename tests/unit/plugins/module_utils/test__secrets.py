# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import importlib
import sys
import types

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils import _secrets

ENCODED = base64.b64encode(b"VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw").decode()
MODULE = "ansible.module_utils.secrets"


@pytest.fixture
def registered(monkeypatch):
    """The shim as it is on a core that has the Secrets API."""
    found = []
    stub = types.ModuleType(MODULE)
    stub.register_secret = found.append
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, MODULE, stub)
        importlib.reload(_secrets)
        yield found
    importlib.reload(_secrets)


def test_without_the_api_nothing_happens():
    if _secrets.HAS_SECRETS_API:
        pytest.skip("this ansible-core has the Secrets API")
    assert _secrets.mark_as_secret({"password": ["x"]}) == {"password": ["x"]}
    assert _secrets.mark_api_key(ENCODED) == ENCODED


def test_every_form_of_a_key_is_registered(registered):
    assert _secrets.HAS_SECRETS_API
    assert _secrets.mark_api_key(ENCODED) == ENCODED
    decoded = base64.b64decode(ENCODED).decode()
    assert set(registered) == {"ApiKey " + ENCODED, ENCODED, decoded, decoded.split(":")[1]}


def test_only_values_of_mappings_are_registered(registered):
    value = {"password": "geheim-1", "more": [{"token": "geheim-2"}, 7, None], "short": "abc"}
    assert _secrets.mark_as_secret(value) is value
    assert registered == ["geheim-1", "geheim-2"]


@pytest.mark.parametrize(
    "text",
    [ENCODED, base64.b64decode(ENCODED).decode(), "ui2lp2axTNmsyakw9tvNnw", "Authorization: ApiKey " + ENCODED],
)
def test_redact_hides_every_form(text):
    shown = _secrets.redact(f"the server said {text}!", [ENCODED, None, ""])
    assert "ui2lp2axTNmsyakw9tvNnw" not in shown and ENCODED not in shown
    assert shown.startswith("the server said ") and shown.endswith(_secrets.MASK + "!")


def test_redact_leaves_short_values_alone():
    assert _secrets.redact("already exists", ["is", "a"]) == "already exists"
