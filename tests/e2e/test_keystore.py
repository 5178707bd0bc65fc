# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keystore modules against the simulated tool, one node home per test."""

from __future__ import annotations

import base64
import os
import stat

import pytest

from simulator.keystore import install as keystore_install
from support.modules import check_real_again, run_module

VERSION = (9, 3, 0)
NAME = "cluster.remote.berlin.credentials"
SECRET = "UI2LP2axTNmsyakw9tvNnw"


def encoded(key_id: str = "VuaCfGcBCdbkQm-e5aOx", secret: str = SECRET) -> str:
    return base64.b64encode(f"{key_id}:{secret}".encode()).decode()


class Home:
    def __init__(self, path, version=VERSION):
        self.path = path
        keystore_install.install(path, version)
        (path / "config" / "elasticsearch.yml").write_text("")
        self.file = path / "config" / "elasticsearch.keystore"
        self.args = {"executable": str(path / "bin" / "elasticsearch-keystore"), "config_dir": str(path / "config")}

    def fill(self, entries, password=""):
        keystore_install.write(self.path, VERSION, entries, password)

    def calls(self):
        found = keystore_install.calls(self.path)
        keystore_install.clear_calls(self.path)
        return found


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "node")


def setting(home, value=None, **more):
    return {**home.args, "name": NAME, "value": value or encoded(), **more}


def test_create_in_three_calls_then_one(home):
    result = check_real_again("keystore", setting(home))
    assert (result["operation"], result["api_key_id"], result["previous_api_key_id"]) == (
        "create",
        "VuaCfGcBCdbkQm-e5aOx",
        None,
    )
    assert [call.split()[0] for call in home.calls()] == ["show", "show", "add", "show", "show"]


def test_update_shows_ids_and_no_secret(home):
    home.fill({NAME: encoded("old-id")})
    result = check_real_again("keystore", setting(home))
    assert result["operation"] == "update" and result["previous_api_key_id"] == "old-id"
    assert result["diff"]["before"]["api_key_id"] == "old-id"
    assert SECRET not in str(result) and encoded() not in str(result)


def test_remove(home):
    home.fill({NAME: encoded()})
    result = check_real_again("keystore", {**home.args, "name": NAME, "state": "absent"})
    assert result["operation"] == "remove" and result["api_key_id"] is None
    # What was written is known as long as the file is the same.
    assert [call.split()[0] for call in home.calls()] == ["show", "show", "remove", "show"]


def test_a_protected_keystore(home):
    home.fill({}, password="pass word")
    args = setting(home, keystore_password="pass word")
    assert check_real_again("keystore", args)["changed"]
    assert [call.split()[0] for call in home.calls()] == ["show", "show", "add", "show", "show"]
    wrong = run_module("keystore", setting(home, keystore_password="not-that-one"))
    assert wrong.failed and "password is wrong" in wrong.msg
    missing = run_module("keystore", setting(home))
    assert missing.failed and "protected by a password" in missing.msg and "[keystore_password]" in missing.msg


def test_an_unneeded_password_does_not_become_the_value(home):
    args = setting(home, keystore_password="unneeded-password")
    result = run_module("keystore", args)
    assert result.changed and "not protected" in str(result["warnings"])
    assert [call.split()[0] for call in home.calls()] == ["show", "has-passwd", "add", "show"]
    info = run_module("keystore_info", home.args)
    assert info["credentials"]["berlin"]["api_key_id"] == "VuaCfGcBCdbkQm-e5aOx"


def test_other_secure_settings(home):
    args = {**home.args, "name": "bootstrap.password", "value": "some thing else"}
    result = check_real_again("keystore", args)
    assert "api_key_id" not in result
    changed = check_real_again("keystore", {**args, "value": "another thing"})
    assert changed["operation"] == "update" and changed["diff"]["before"] != changed["diff"]["after"]
    assert "another thing" not in str(changed) and "some thing else" not in str(changed)


@pytest.mark.parametrize(
    "options, part",
    [
        ({"value": "not a key"}, "not an encoded API key"),
        ({"value": f"id:{SECRET}"}, "plain id:api_key"),
        ({"value": ""}, "empty"),
        ({"name": "cluster.remote.berlin.credential"}, "not a secure setting that Elasticsearch knows"),
        ({"name": "cluster.remote.signing.credentials"}, "cannot be an alias"),
        ({"name": "cluster.remote.a.signing.key.secure_passphrase"}, "does not start"),
        ({"name": "cluster.remote.a.b.credentials"}, "not an alias"),
        ({"name": "bad name"}, "letters, digits"),
        ({"name": "bootstrap.password", "value": "two\nlines"}, "line break"),
    ],
)
def test_bad_input_writes_nothing(home, options, part):
    for check in (True, False):
        result = run_module("keystore", setting(home, **options) | options, check=check)
        assert result.failed and part in result.msg and "Nothing was written" in result.msg
        assert SECRET not in str(result)
    assert home.calls() == []


ROME, OSLO = "cluster.remote.rome.credentials", "cluster.remote.oslo.credentials"


def several(home, values, **more):
    return {**home.args, "settings": values, **more}


def outcome(result):
    return [(one["name"], one.get("operation")) for one in result["settings"]]


def test_several_settings_are_written_in_one_call(home):
    home.fill({ROME: encoded("old-id"), OSLO: encoded("oslo-id")})
    values = {NAME: encoded("new-id"), ROME: encoded("rome-id"), OSLO: encoded("oslo-id"), "xpack.a": "some thing"}
    result = check_real_again("keystore", several(home, values))
    assert outcome(result) == [(NAME, "create"), (ROME, "update"), (OSLO, "none"), ("xpack.a", "create")]
    assert result["settings"][1]["previous_api_key_id"] == "old-id"
    assert result["diff"]["after"]["settings"][0] == {"name": NAME, "state": "present", "api_key_id": "new-id"}
    for secret in (SECRET, *values.values()):
        assert secret not in str(result) and secret not in str(result["check"])
    # check: names, and what is held; for real also one write and one look at it; again: all four are held, and the
    # names are known
    looks, real = ["list", "show", "show"], ["add", "show"]
    calls = [call.split()[0] for call in home.calls()]
    assert calls == [*looks, *looks, *real, *["show"] * 4], calls
    assert result["digest"] and result["again"]["digest"] == result["digest"] and result["check"]["digest"] is None
    assert run_module("keystore_info", home.args)["digest"] == result["digest"]


def test_several_settings_are_taken_out_in_one_call(home):
    home.fill({NAME: encoded(), ROME: "rubbish", OSLO: encoded()})
    result = check_real_again("keystore", several(home, [NAME, ROME, NAME, "no.such"], state="absent"))
    assert outcome(result) == [(NAME, "remove"), (ROME, "remove"), ("no.such", "none")]
    assert [call.split()[0] for call in home.calls()].count("remove") == 1
    assert run_module("keystore_info", home.args)["settings"] == [OSLO, "keystore.seed"]


def test_names_that_were_listed_before_are_not_listed_again(home):
    home.fill({OSLO: encoded()})
    run_module("keystore_info", home.args)
    home.calls()
    assert outcome(run_module("keystore", several(home, {NAME: encoded(), ROME: encoded()}))) == [
        (NAME, "create"),
        (ROME, "create"),
    ]
    assert [call.split()[0] for call in home.calls()] == ["add", "show"]


def test_a_setting_that_is_refused_stops_no_other(home):
    values = {NAME: encoded(), ROME: "rubbish", "cluster.remote.a.b.credentials": encoded(), "xpack.a": ""}
    for check in (True, False, False):
        result = run_module("keystore", several(home, values), check=check)
        assert result.failed and "3 of 4 settings are not as asked for" in result.msg, result
        for word in (
            "[cluster.remote.rome.credentials] is not an encoded API key",
            "not an alias",
            "[xpack.a] is empty",
        ):
            assert word in result.msg
        assert [one.get("failed", False) for one in result["settings"]] == [False, True, True, True]
    assert not result.changed and result["settings"][0]["operation"] == "none"
    assert run_module("keystore_info", home.args)["settings"] == [NAME, "keystore.seed"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_the_tool_refuses_is_told_of_all_that_should_change(home):
    home.fill({OSLO: encoded()})
    os.chown(home.file, 65534, 65534)
    for check in (True, False):
        result = run_module("keystore", several(home, {NAME: encoded(), OSLO: encoded(), ROME: encoded()}), check=check)
        assert result.failed and not result.changed and "2 of 3" in result.msg, result
        assert result.msg.count("become_user: nobody") == 1
        assert [one.get("failed", False) for one in result["settings"]] == [True, False, True]


@pytest.mark.parametrize(
    "options, part",
    [
        ({"settings": [NAME]}, "must be a dictionary of names and values"),
        ({"settings": {NAME: "x"}, "state": "absent"}, "must be a list of names"),
        ({"settings": {NAME: encoded()}, "name": NAME}, "mutually exclusive"),
        ({"settings": {NAME: encoded()}, "value": encoded()}, "mutually exclusive"),
        ({"name": NAME}, "all of the following are missing: value"),
        ({}, "one of the following is required: name, settings"),
        ({"settings": {NAME: {"a": "b"}}}, "is empty or no text"),
    ],
)
def test_options_that_do_not_fit_together(home, options, part):
    result = run_module("keystore", {**home.args, **options})
    assert result.failed and part in result.msg, result.msg
    assert home.calls() == []


def test_values_in_the_place_of_names_are_not_shown(home):
    for state in ("present", "absent"):
        result = run_module("keystore", {**home.args, "settings": [f"{NAME}={encoded()}"], "state": state})
        assert result.failed and encoded() not in str(result), result


def test_no_setting_at_all(home):
    result = run_module("keystore", several(home, {}))
    assert not result.failed and not result.changed and result["settings"] == [] and home.calls() == []


def test_no_tool(home, tmp_path):
    result = run_module("keystore", {**setting(home), "executable": str(tmp_path / "none")})
    assert result.failed and "does not exist on this host" in result.msg
    args = {key: value for key, value in setting(home).items() if key != "executable"}
    result = run_module("keystore", args, environ={"PATH": str(tmp_path), "ES_HOME": ""})
    assert result.failed and "was not found on this host" in result.msg and "[executable]" in result.msg
    assert run_module("keystore", args, environ={"ES_HOME": str(home.path)}).changed


def test_a_missing_keystore_is_made_beside_the_configuration_only(home, tmp_path):
    home.file.unlink()
    assert run_module("keystore_info", home.args)["found"] is False
    assert check_real_again("keystore", setting(home))["operation"] == "create"
    assert stat.S_IMODE(home.file.stat().st_mode) == 0o660
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name, args in (("keystore", setting(home)), ("keystore_info", home.args)):
        result = run_module(name, {**args, "config_dir": str(elsewhere)})
        assert result.failed and "no keystore" in result.msg and "[config_dir]" in result.msg
    assert not list(elsewhere.iterdir())


def test_a_missing_keystore_is_not_made_with_a_password(home):
    home.file.unlink()
    result = run_module("keystore", setting(home, keystore_password="some-password"))
    assert result.failed and "create -p" in result.msg and not home.file.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_keystore(home):
    home.fill({NAME: encoded("old-id")})
    os.chown(home.file, 65534, 65534)
    for check in (True, False):
        result = run_module("keystore", setting(home), check=check)
        assert result.failed and "become_user: nobody" in result.msg
        assert SECRET not in str(result)
    # What needs no change needs no other user.
    assert not run_module("keystore", setting(home, encoded("old-id"))).changed


def test_a_tool_without_show(tmp_path):
    home = Home(tmp_path / "old", (7, 15, 0))
    result = run_module("keystore", setting(home))
    assert result.failed and "older than 7.16" in result.msg


def test_info(home):
    home.fill({NAME: encoded(), "cluster.remote.rome.credentials": "rubbish", "xpack.a": "b"})
    result = run_module("keystore_info", home.args, check=True)
    assert result["settings"] == [
        "cluster.remote.berlin.credentials",
        "cluster.remote.rome.credentials",
        "keystore.seed",
        "xpack.a",
    ]
    assert result["credentials"]["berlin"] == {"state": "present", "api_key_id": "VuaCfGcBCdbkQm-e5aOx", "reason": None}
    assert result["credentials"]["rome"]["state"] == "malformed"
    assert SECRET not in str(result) and encoded() not in str(result)
    assert sorted(call.split()[0] for call in home.calls()) == ["list", "show", "show"]


def test_info_on_one_alias_is_one_call(home):
    home.fill({NAME: encoded()})
    result = run_module("keystore_info", {**home.args, "aliases": ["berlin"], "reveal": True})
    assert result["credentials"]["berlin"]["encoded"] == encoded()
    assert len(home.calls()) == 1
    result = run_module("keystore_info", {**home.args, "aliases": ["rome"]})
    assert result["credentials"] == {} and result["settings"] == []
    assert run_module("keystore_info", {**home.args, "aliases": ["a.b"]}).failed


def test_info_on_a_protected_keystore(home):
    home.fill({NAME: encoded()}, password="pass word")
    result = run_module("keystore_info", {**home.args, "keystore_password": "pass word"})
    assert result["protected"] and result["credentials"]["berlin"]["api_key_id"]
    assert run_module("keystore_info", home.args).failed


def ids(home, **more):
    """What keystore_info tells of berlin, whether it remembered it, and the calls of the tool it took."""
    result = run_module("keystore_info", {**home.args, "aliases": ["berlin"], **more})
    assert not result.failed, result.msg
    berlin = result["credentials"].get("berlin") or {}
    return berlin.get("api_key_id"), result["remembered"], len(home.calls())


def test_info_remembers_what_an_unchanged_file_holds(home, cache):
    home.fill({NAME: encoded("first")})
    assert [ids(home), ids(home)] == [("first", False, 1), ("first", True, 0)]
    home.fill({NAME: encoded("second")})
    assert [ids(home), ids(home)] == [("second", False, 1), ("second", True, 0)]
    # What was not asked for before is read, and then known too; also that there is nothing.
    assert ids(home, aliases=["berlin", "rome"]) == ("second", False, 2)
    assert ids(home, aliases=["rome"]) == (None, True, 0)
    assert ids(home, aliases=None) == ("second", False, 2)
    assert ids(home, aliases=None) == ("second", True, 0)
    [file] = cache.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(cache.stat().st_mode) == 0o700
    for secret in (SECRET, encoded("second")):
        assert secret not in file.read_text()
    assert run_module("keystore", setting(home, encoded("third"))).changed
    home.calls()
    assert ids(home) == ("third", True, 0)


def test_what_was_seen_before_is_not_read_again_by_a_write(home):
    home.fill({NAME: encoded("first"), ROME: encoded("rome-id")})
    run_module("keystore_info", {**home.args, "aliases": ["berlin", "rome", "oslo"]})
    home.calls()
    values = {NAME: encoded("second"), ROME: encoded("rome-id"), OSLO: encoded("oslo-id")}
    result = run_module("keystore", several(home, values))
    assert outcome(result) == [(NAME, "update"), (ROME, "none"), (OSLO, "create")]
    assert result["settings"][0]["previous_api_key_id"] == "first"
    # Only a key of the same id may have another secret.
    assert [call.rpartition(".credentials")[0] for call in home.calls() if call.startswith("show")][0].endswith("rome")
    assert ids(home, aliases=["berlin", "rome", "oslo"]) == ("second", True, 0)


HALF_DONE = """#!/bin/sh
case "$1" in
  add) shift 2; for name in "$@"; do echo something-else; done | "$0.real" add --force "$@" ;;
  remove) "$0.real" remove "$2" ;;
  *) exec "$0.real" "$@" ;;
esac
"""


@pytest.mark.parametrize("state", ["present", "absent"])
def test_the_file_is_put_back_with_what_was_not_read_in_it(home, state):
    home.fill({NAME: encoded("first"), ROME: encoded("rome-id")})
    run_module("keystore_info", {**home.args, "aliases": ["berlin", "rome"]})
    before, state_before = home.file.read_bytes(), home.file.stat()
    tool = home.path / "bin" / "elasticsearch-keystore"
    tool.rename(tool.with_name(tool.name + ".real"))
    tool.write_text(HALF_DONE)
    tool.chmod(0o755)
    values = {NAME: encoded("second"), ROME: encoded("other")}
    result = run_module("keystore", several(home, values if state == "present" else list(values), state=state))
    assert result.failed and "What it held before was put back" in result.msg, result
    assert home.file.read_bytes() == before
    after = home.file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == tuple(state_before)[:1] + tuple(state_before)[4:6]
    assert [path.name for path in home.file.parent.glob("*keystore*")] == ["elasticsearch.keystore"]


def test_info_answers_the_same_from_memory(home):
    home.fill({NAME: encoded(), "xpack.a": "b"})
    for more in ({}, {"aliases": ["rome", "berlin", "oslo"]}, {"keystore_password": "unneeded-password"}):
        read, remembered = (run_module("keystore_info", {**home.args, **more}) for _time in range(2))
        if "keystore_password" not in more:
            # What is asked for by name is known from the look at all of it.
            assert (read.pop("remembered"), remembered.pop("remembered")) == (bool(more), True)
        assert read == remembered


def test_info_does_not_remember_what_is_malformed(home):
    """Another release may judge it differently."""
    home.fill({NAME: encoded(), "cluster.remote.rome.credentials": "rubbish"})
    for _time in range(2):
        assert ids(home, aliases=None)[1:] == (False, 3)
        assert ids(home, aliases=["rome"])[1:] == (False, 1)
    assert ids(home)[1:] == (True, 0)


def test_info_opens_the_keystore_where_memory_would_not_do(home, cache):
    home.fill({NAME: encoded()})
    check = run_module("keystore_info", home.args, check=True)
    assert not check["remembered"] and len(home.calls()) == 2
    for _time in range(2):
        assert ids(home, remember=False)[1:] == (False, 1)
    assert not cache.exists()
    ids(home)
    assert ids(home, reveal=True)[1:] == (False, 1)
    # Which file a script reads cannot be told.
    script = home.path / "reads-the-keystore"
    script.write_text(f'#!/bin/sh\nexec {home.args["executable"]} "$@"\n')
    script.chmod(0o755)
    for _time in range(2):
        assert ids(home, executable=str(script))[1:] == (False, 1)
    home.fill({NAME: encoded()}, password="pass word")
    for _time in range(2):
        assert ids(home, keystore_password="pass word")[1:] == (False, 1)
    assert "password is wrong" in run_module("keystore_info", {**home.args, "keystore_password": "not-that-one"}).msg


def test_info_does_not_believe_what_others_could_have_written(home, cache):
    home.fill({NAME: encoded()})
    ids(home)
    [file] = cache.iterdir()
    text = file.read_text()
    file.chmod(0o666)
    assert ids(home)[1:] == (False, 1)
    for broken in (text[:40], "[]", "{}", text.replace('"format": 1', '"format": 0')):
        file.write_text(broken)
        assert ids(home)[1:] == (False, 1), broken
    assert ids(home)[1:] == (True, 0)
    aside = file.with_suffix(".aside")
    file.rename(aside)
    file.symlink_to(aside)
    assert ids(home)[1:] == (False, 1)


def test_info_without_a_place_to_remember_asks_the_tool(home, cache):
    cache.parent.write_text("not a directory")
    home.fill({NAME: encoded()})
    assert [ids(home)[1:] for _time in range(2)] == [(False, 1), (False, 1)]
