# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keystore modules with the tool of one version of every kind, simulated or real, and with tools that lie."""

from __future__ import annotations

import base64
import os

import pytest

from support.keystore import PASSWORD, Tool, tool_versions
from support.modules import check_real_again, run_module

NAME = "cluster.remote.berlin.credentials"
SECRET = "UI2LP2axTNmsyakw9tvNnw"
NOISE = {"JAVA_TOOL_OPTIONS": "-Dx=1", "_JAVA_OPTIONS": "-Dy=2", "JAVA_OPTS": "-Dz=3", "ES_CLI_JSON": "true"}
OLD_AND_NEW = tool_versions("8.18.0", "9.5.0")


def encoded(key_id: str) -> str:
    return base64.b64encode(f"{key_id}:{SECRET}".encode()).decode()


OLD, NEW = encoded("old-id"), encoded("new-id")


@pytest.fixture(params=tool_versions("8.10.4", "8.18.0", "8.19.0", "9.0.0", "9.5.0"))
def tool(tmp_path, request):
    return Tool(tmp_path / "node", request.param)


def place(tool):
    return {"executable": str(tool.path), "config_dir": str(tool.config)}


def options(tool, **more):
    return {**place(tool), "name": NAME, **more}


def script(tool, text):
    """A tool around the tool; $tool is the one inside."""
    path = tool.config.parent / "around"
    path.write_text(f'#!/bin/sh\ntool={tool.path}\n{text}\nexec "$tool" "$@"\n')
    path.chmod(0o755)
    return str(path)


def refused(args, *parts):
    """The task fails, says all this and no secret."""
    result = run_module("keystore", args)
    assert result.failed and not result.changed, result
    for part in parts:
        assert part in result.msg, result.msg
    for secret in (SECRET, OLD, NEW, PASSWORD):
        assert secret not in str(result)


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_create_update_and_remove(tool, password):
    if password:
        tool.protect()
    args = options(tool, **({"keystore_password": password} if password else {}))
    for value, operation in ((OLD, "create"), (NEW, "update")):
        assert check_real_again("keystore", {**args, "value": value})["operation"] == operation
        assert tool.show(NAME, password) == value
    assert check_real_again("keystore", {**args, "state": "absent"})["operation"] == "remove"
    assert tool.show(NAME, password) is None


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_several_at_once(tool, password):
    if password:
        tool.protect()
    names = ["xpack.watcher.encryption_key", NAME, "cluster.remote.rome.credentials"]
    more = {"keystore_password": password} if password else {}
    values = dict(zip(names, ("some thing", OLD, NEW)))
    for settings in (values, {**values, NAME: NEW}):
        result = check_real_again("keystore", {**place(tool), **more, "settings": settings})
        assert [one["operation"] for one in result["settings"]] == (
            ["create"] * 3 if settings is values else ["none", "update", "none"]
        )
        assert {name: tool.show(name, password) for name in names} == settings
    gone = {**place(tool), **more, "settings": [*names, "no.such"], "state": "absent"}
    result = check_real_again("keystore", gone)
    assert [one["operation"] for one in result["settings"]] == ["remove"] * 3 + ["none"]
    assert tool.names(password) == ["keystore.seed"]


def test_a_password_that_is_not_needed_and_one_that_is_missing(tool):
    assert check_real_again("keystore", options(tool, value=OLD, keystore_password=PASSWORD))["changed"]
    assert tool.show(NAME) == OLD
    tool.protect()
    refused(options(tool, value=NEW), "protected by a password", "[keystore_password]")
    refused(options(tool, value=NEW, keystore_password="not-that-one"), "password is wrong")
    assert tool.show(NAME, PASSWORD) == OLD


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_left_over_file_does_not_fail_the_task(tool, state):
    tool.put(NAME, OLD)
    tool.temporary.write_text("of a writer that was killed")
    assert check_real_again("keystore", options(tool, state=state, value=NEW))["changed"]
    assert tool.show(NAME) == (NEW if state == "present" else None) and not tool.temporary.exists()


def test_a_left_over_file_where_there_is_no_keystore(tool):
    tool.file.unlink()
    tool.temporary.write_text("of a writer that was killed")
    assert check_real_again("keystore", options(tool, value=NEW))["operation"] == "create"
    assert tool.show(NAME) == NEW


def test_the_environment_is_no_part_of_a_value(tool, monkeypatch):
    for name, value in NOISE.items():
        monkeypatch.setenv(name, value)
    assert check_real_again("keystore", options(tool, value=OLD))["changed"]
    assert tool.show(NAME) == OLD
    found = run_module("keystore_info", {**place(tool), "reveal": True})
    assert found["settings"] == [NAME, "keystore.seed"] and found["credentials"]["berlin"]["encoded"] == OLD


@pytest.mark.parametrize("tool", OLD_AND_NEW, indirect=True)
def test_nor_is_the_environment_of_a_container(tool):
    """There a script starts the tool with variables that are none of this process."""
    inside = script(tool, "export JAVA_TOOL_OPTIONS=-Dx=1 _JAVA_OPTIONS=-Dy=2 JAVA_OPTS=-Dz=3")
    assert check_real_again("keystore", options(tool, value=OLD, executable=inside))["changed"]
    assert tool.show(NAME) == OLD


@pytest.mark.parametrize("tool", OLD_AND_NEW[:1], indirect=True)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_tool_that_does_nothing(tool, state):
    nothing = os.path.realpath("/bin/true")
    refused(
        options(tool, state=state, value=NEW, executable=nothing),
        f"[{nothing}] ended without an error",
        "Nothing was changed",
        "[executable]",
    )


@pytest.mark.parametrize("tool", OLD_AND_NEW, indirect=True)
@pytest.mark.parametrize("state, shows", [("present", "holds another value"), ("absent", "still holds it")])
def test_a_tool_that_writes_nothing(tool, state, shows):
    tool.put(NAME, OLD)
    idle = script(tool, '[ "$1" = show ] || exit 0')
    refused(options(tool, state=state, value=NEW, executable=idle), shows, "Nothing was changed")
    assert tool.show(NAME) == OLD


EMPTY = """if [ "$1" = add ] && [ ! -e "$0.mended" ]; then
  shift 2
  printf 'pass word\\n\\n' | "$tool" add --force "$@"
  exit
fi"""


@pytest.mark.parametrize("tool", OLD_AND_NEW, indirect=True)
@pytest.mark.parametrize("before", [OLD, None])
def test_a_tool_that_stores_an_empty_value(tool, before):
    """As `add --stdin` of older versions does in a protected keystore."""
    tool.protect()
    if before:
        tool.put(NAME, before, PASSWORD)
    once = script(tool, EMPTY.replace("exit", 'touch "$0.mended"; exit'))
    args = options(tool, value=NEW, keystore_password=PASSWORD, executable=once)
    refused(args, "holds an empty value", "What it held before was put back")
    assert tool.show(NAME, PASSWORD) == before
    assert run_module("keystore", args).changed and tool.show(NAME, PASSWORD) == NEW


@pytest.mark.parametrize("tool", OLD_AND_NEW, indirect=True)
def test_an_earlier_value_that_cannot_be_put_back(tool):
    tool.protect()
    tool.put(NAME, OLD, PASSWORD)
    always = script(tool, EMPTY)
    args = options(tool, value=NEW, keystore_password=PASSWORD, executable=always)
    refused(args, "holds an empty value", "could NOT be put back")


@pytest.mark.parametrize("tool", OLD_AND_NEW, indirect=True)
def test_what_a_script_adds_to_the_output_gets_into_no_keystore(tool):
    tool.put(NAME, OLD)
    chatty = script(tool, "echo Welcome to this host")
    refused(options(tool, value=NEW, executable=chatty), "more than the value", "a script of your own")
    assert tool.show(NAME) == NEW


@pytest.mark.parametrize("tool", OLD_AND_NEW, indirect=True)
def test_a_script_that_keeps_standard_input(tool):
    tool.put(NAME, OLD)
    deaf = script(tool, "exec < /dev/null")
    refused(options(tool, value=NEW, executable=deaf), "less input", "hand over standard input")
    assert tool.show(NAME) == OLD
