# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cross_cluster_api_key_info against the simulator."""

from __future__ import annotations

import functools
import typing as t

import pytest

from support.keys import DAY, LOGS, Keys
from support.modules import Result, run_module
from support.worlds import of_version

# How many requests a read takes: before 8.13 keys cannot be asked for by their type.
REQUESTS = {"8.10": 2, "8.13": 1}


@pytest.fixture
def keys(world: t.Any) -> Keys:
    return Keys(world)


def requests(keys: Keys) -> int:
    return of_version(REQUESTS, keys.world.cluster("berlin")["version"])


def read(keys: Keys, **args: t.Any) -> Result:
    options = {name: value for name, value in keys.options.items() if name != "name"}
    keys.world.clear_log()
    result = run_module("cross_cluster_api_key_info", {**options, **args}, check=bool(len(args) % 2))
    assert not result.failed, result.msg
    assert not result.changed and len(keys.requests()) == requests(keys)
    return result


def names(result: Result) -> list[str]:
    return [key["name"] for key in result["api_keys"]]


def test_filters(keys: Keys) -> None:
    live = functools.partial(read, active_only=True)
    made = {name: keys.api.key(name)["id"] for name in ("b", "a", "ab", "a*", "c")}
    rest = keys.api.rest_key("a")["id"]
    keys.api.user("bob", ["manage_security"]).key("a")
    assert names(live(keys)) == ["a", "a", "a*", "ab", "b", "c"]
    assert names(live(keys, names=["a*"])) == ["a*"]
    assert names(live(keys, prefix="a")) == ["a", "a", "a*", "ab"]
    assert names(live(keys, names=["b"], prefix="ab", ids=[made["c"]])) == ["ab", "b", "c"]
    assert [key["id"] for key in live(keys, names=["a"], types=["rest"])["api_keys"]] == [rest]
    assert len(live(keys, names=["a"], types=["rest", "cross_cluster"])["api_keys"]) == 3
    assert [key["username"] for key in live(keys, owner="bob")["api_keys"]] == ["bob"]
    assert names(live(keys, names=["a"], realm="nowhere")) == []
    assert names(live(keys, ids=["no-such-id"])) == []


@pytest.mark.needs("clock")
def test_dead_keys_and_days_left(keys: Keys) -> None:
    keys.api.key("forever")
    keys.api.key("soon", expiration="10d")
    keys.api.key("later", expiration="100d")
    gone = keys.api.key("gone")["id"]
    keys.api.delete("/_security/api_key", {"ids": [gone]})
    told = {key["name"]: key for key in read(keys)["api_keys"]}
    assert {name: (key["status"], key["days_left"]) for name, key in told.items()} == {
        "forever": ("live", None),
        "soon": ("live", 10),
        "later": ("live", 100),
        "gone": ("revoked", None),
    }
    assert told["soon"]["access"] == {"search": [{"names": ["logs-*"], "allow_restricted_indices": False}]}
    assert names(read(keys, active_only=True)) == ["forever", "later", "soon"]
    assert names(read(keys, expires_within="30d")) == ["soon"]
    keys.clock(20 * DAY)
    assert names(read(keys, active_only=True)) == ["forever", "later"]


def test_never_a_secret(keys: Keys) -> None:
    made = keys.run(access=LOGS)
    text = str(read(keys))
    assert made["encoded"] not in text and "api_key'" not in text and "encoded" not in text


@pytest.mark.needs("many keys")
def test_thousands(keys: Keys) -> None:
    keys.world.control("berlin", "fill_keys", count=5000)
    assert len(read(keys)["api_keys"]) == 5000


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"expires_within": "1w"}, "expires_within"),
        ({"names": [""]}, "names holds an empty text"),
        ({"types": ["other"]}, "types"),
    ],
)
def test_bad_input(keys: Keys, args: dict[str, t.Any], message: str) -> None:
    options = {name: value for name, value in keys.options.items() if name != "name"}
    result = run_module("cross_cluster_api_key_info", {**options, **args})
    assert result.failed and message in result.msg


def test_empty_lists_name_no_keys(keys: Keys) -> None:
    keys.api.key("a")
    options = {name: value for name, value in keys.options.items() if name != "name"}
    assert run_module("cross_cluster_api_key_info", {**options, "names": [], "ids": []})["api_keys"] == []


def test_who_acts_is_asked_only_where_the_login_does_not_tell(keys: Keys) -> None:
    keys.api.user("anna", ["manage_security"]).key("a")
    options = {name: value for name, value in keys.options.items() if name != "name"} | {"active_only": True}
    token = keys.api.post(
        "/_security/oauth2/token", {"grant_type": "password", "username": "anna", "password": "secret-1"}
    ).json["access_token"]
    bearer = {**options, "username": None, "password": None, "bearer_token": token}
    owned = {(key["username"], key["realm"]) for key in run_module("cross_cluster_api_key_info", options)["api_keys"]}

    def acting(**more: t.Any) -> tuple[tuple[str, str | None], int]:
        keys.world.clear_log()
        told = run_module("cross_cluster_api_key_info", {**more, "acting_user": True})
        assert not told.failed, told.msg
        return (told["acting_user"]["name"], told["acting_user"]["realm"]), len(keys.requests())

    assert acting(**options) == ((options["username"], None), requests(keys))
    (key,) = run_module("cross_cluster_api_key_info", options)["api_keys"]
    assert acting(**options, run_as="anna", ids=[key["id"]]) == (("anna", None), requests(keys))
    # A live key under a name, which was not asked for by its id, may be of another realm.
    for more in ({**options, "run_as": "anna"}, bearer):
        who, made = acting(**more)
        assert {who} == owned and made == requests(keys) + 1
