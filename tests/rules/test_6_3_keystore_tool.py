# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules 6.3: the elasticsearch-keystore command, run as a real subprocess with a clean environment."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from simulator.keystore import install as keystore_install
from support.keystore import PASSWORD, Tool, tool_versions

VALUE = base64.b64encode(b"VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw").decode()
ALIAS = "cluster.remote.berlin.credentials"
STACK = "unable to read from standard input; is standard input open and a tty attached?"
ASKED = "Enter password for the elasticsearch keystore : "


@pytest.fixture(params=tool_versions("9.3.0"))
def home(tmp_path, request) -> Tool:
    return Tool(tmp_path / "node", request.param)


@pytest.fixture(params=tool_versions("8.10.4", "8.18.0", "8.19.0", "9.0.0", "9.5.0"))
def each(tmp_path, request) -> Tool:
    """One of every kind of version."""
    return Tool(tmp_path / "node", request.param)


def crash(tool: Tool, code: int = 70) -> int:
    """The exit code of what nobody catches."""
    return code if tool.version >= (8, 15, 0) else 1


def test_6_3_create_makes_a_seed_and_says_where(home: Tool) -> None:
    home.file.unlink()
    result = home("create")
    assert (result.returncode, result.stdout, result.stderr) == (
        0,
        f"Created elasticsearch keystore in {home.file}\n",
        "",
    )
    assert home.names() == ["keystore.seed"]


def test_6_3_create_over_an_existing_file_asks_and_default_is_no(home: Tool) -> None:
    before = home.file.read_bytes()
    result = home("create", stdin="\n")
    assert (result.returncode, result.stdout) == (0, "Exiting without creating keystore.\n")
    assert result.stderr == "An elasticsearch keystore already exists. Overwrite? [y/N]"
    assert home.file.read_bytes() == before
    assert home("create", stdin="y\n").stdout.startswith("Created")
    assert home.file.read_bytes() != before


def test_6_3_create_with_password(home: Tool) -> None:
    home.file.unlink()
    result = home("create", "-p", stdin="one\none\n")
    assert result.returncode == 0
    assert (
        result.stderr
        == "Enter new password for the elasticsearch keystore (empty for no password): Enter same password again: "
    )
    assert home("has-passwd").returncode == 0


def test_6_3_list_is_one_name_per_line_on_stdout_only(home: Tool) -> None:
    home.put("zz.top", "1")
    home.put(ALIAS, VALUE)
    result = home("list")
    assert (result.stdout, result.stderr, result.returncode) == (f"{ALIAS}\nkeystore.seed\nzz.top\n", "", 0)


@pytest.mark.parametrize("command", [["list"], ["show", "x"], ["remove", "x"], ["passwd"]])
def test_6_3_missing_keystore_is_65(home: Tool, command: list[str]) -> None:
    home.file.unlink()
    result = home(*command)
    assert result.returncode == 65
    assert result.stderr == (
        f"\nERROR: Elasticsearch keystore not found at [{home.file}]. Use 'create' command to create one., "
        "with exit code 65\n"
    )


def test_6_3_show_has_no_newline_without_a_console(home: Tool) -> None:
    home.put(ALIAS, VALUE)
    result = home("show", ALIAS)
    assert (result.stdout, result.stderr, result.returncode) == (VALUE, "", 0)


def test_6_3_show_needs_one_name(home: Tool) -> None:
    for arguments in ([], ["a", "b"]):
        result = home("show", *arguments)
        assert result.returncode == 64
        assert result.stderr.endswith("ERROR: Must provide a single setting name to show, with exit code 64\n")
        assert "Option" in result.stderr and result.stdout == ""


def test_6_3_show_of_an_absent_setting_is_78(home: Tool) -> None:
    result = home("show", "x")
    assert (result.returncode, result.stdout) == (78, "")
    assert result.stderr == "\nERROR: Setting [x] does not exist in the keystore., with exit code 78\n"


def test_6_3_add_without_stdin_prompts_on_stderr(home: Tool) -> None:
    result = home("add", "a.b", stdin="one\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "Enter value for a.b: ")


def test_6_3_add_on_an_existing_setting_asks_and_declined_is_exit_0(home: Tool) -> None:
    home.put("a.b", "one")
    before = home.file.read_bytes()
    result = home("add", "-x", "a.b", stdin="n\n")
    assert (result.returncode, result.stdout) == (0, "Exiting without modifying keystore.\n")
    assert result.stderr == "Setting a.b already exists. Overwrite? [y/N]"
    assert home.file.read_bytes() == before
    assert home("add", "a.b", stdin="y\ntwo\n").returncode == 0
    assert home.show("a.b") == "two"


def test_6_3_secret_leaks_at_the_prompt_without_force(home: Tool) -> None:
    home.put(ALIAS, "one")
    result = home("add", "-x", ALIAS, stdin=VALUE + "\n")
    assert result.returncode == crash(home)
    assert f"Did not understand answer '{VALUE.lower()}'\n" in result.stderr
    assert STACK in result.stderr
    assert home.show(ALIAS) == "one"


def test_6_3_a_stop_in_the_middle_saves_nothing(home: Tool) -> None:
    home.put("b", "old")
    result = home("add", "a", "b", stdin="new\nn\n")
    assert result.returncode == 0
    assert "a" not in home.names()


def test_6_3_add_without_names_is_64(home: Tool) -> None:
    result = home("add", "-x")
    assert result.returncode == 64
    assert result.stderr.endswith("ERROR: the setting names can not be empty, with exit code 64\n")


def test_6_3_add_with_a_bad_name_is_65_and_saves_nothing(home: Tool) -> None:
    result = home("add", "-x", "-f", "good", "bad name", stdin="1\n2\n")
    assert result.returncode == 65
    assert result.stderr == (
        "\n"
        r"ERROR: Setting name [bad name] does not match the allowed setting name pattern [[A-Za-z0-9_\-.]+], "
        "with exit code 65\n"
    )
    assert "good" not in home.names()


def test_6_3_add_creates_a_missing_keystore_silently_with_force(home: Tool) -> None:
    home.file.unlink()
    result = home("add", "-x", "-f", "a", stdin="1\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert home.names() == ["a", "keystore.seed"]


def test_6_3_add_asks_before_creating_without_force(home: Tool) -> None:
    home.file.unlink()
    result = home("add", "-x", "a", stdin="\n")
    assert (result.returncode, result.stdout) == (0, "Exiting without creating keystore.\n")
    assert result.stderr == "The elasticsearch keystore does not exist. Do you want to create it? [y/N]"
    assert not home.file.exists()
    assert home("add", "-x", "a", stdin="y\n1\n").returncode == 0


def test_6_3_add_always_rewrites_the_file(home: Tool) -> None:
    home.put("a", "1")
    before = home.file.read_bytes()
    home("add", "-x", "-f", "a", stdin="1\n")
    assert home.file.read_bytes() != before


def test_6_3_remove_of_an_absent_name_saves_nothing(home: Tool) -> None:
    home.put("a", "1")
    result = home("remove", "a", "b")
    assert (result.returncode, result.stderr) == (
        78,
        "\nERROR: Setting [b] does not exist in the keystore., with exit code 78\n",
    )
    assert "a" in home.names()
    assert home("remove", "a").returncode == 0
    assert "a" not in home.names()


def test_6_3_has_passwd(home: Tool) -> None:
    result = home("has-passwd")
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "ERROR: Keystore is not password-protected\n")
    result = home("has-passwd", "--silent")
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "")
    home.protect()
    result = home("has-passwd")
    assert (result.returncode, result.stdout, result.stderr) == (0, "Keystore is password-protected\n", "")
    home.file.unlink()
    result = home("has-passwd")
    assert (result.returncode, result.stderr) == (1, "ERROR: Elasticsearch keystore not found\n")


def test_6_3_passwd_mismatch_is_65(home: Tool) -> None:
    result = home("passwd", stdin="one\ntwo\n")
    assert result.returncode == 65
    # It prints both.
    assert result.stderr.endswith("\nERROR: Passwords are not equal, exiting.: one, two, with exit code 65\n")
    assert home("has-passwd").returncode == 1


def test_6_3_passwd_asks_the_old_one_first_and_empty_removes_it(home: Tool) -> None:
    home.protect("old")
    result = home("passwd", stdin="old\n\n\n")
    assert result.returncode == 0
    assert result.stdout == "Elasticsearch keystore password changed successfully.\n"
    assert result.stderr.startswith("Enter password for the elasticsearch keystore : Enter new password")
    assert home("has-passwd").returncode == 1


def test_6_3_protected_file_asks_for_the_password_first(home: Tool) -> None:
    home.put("a", "1")
    home.protect()
    result = home("list", stdin=f"{PASSWORD}\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "a\nkeystore.seed\n", ASKED)


def test_6_3_wrong_password_is_65(home: Tool) -> None:
    home.protect()
    result = home("list", stdin="wrong\n")
    assert (result.returncode, result.stdout) == (65, "")
    assert result.stderr.endswith("\nERROR: Provided keystore password was incorrect, with exit code 65\n")


@pytest.mark.parametrize("arguments", [["add", "a"], ["add", "--force", "a"], ["passwd"]])
def test_6_3_end_of_input_is_a_stack_trace(each: Tool, arguments: list[str]) -> None:
    result = each(*arguments)
    assert result.returncode == crash(each)
    assert f"java.lang.IllegalStateException: {STACK}\n\tat " in result.stderr
    assert ('Exception in thread "main" java.lang' in result.stderr) is (result.returncode == 1)
    assert each.names() == ["keystore.seed"]


def trapped(tool: Tool) -> bool:
    """The versions where `add --stdin` reads past what the terminal has taken in."""
    return tool.version <= (8, 18, 0) or tool.version == (9, 0, 0)


def test_6_3_add_without_the_option_stdin_is_right_everywhere(each: Tool) -> None:
    result = each("add", "--force", "a.b", ALIAS, stdin=f"one\n{VALUE}")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"Enter value for a.b: Enter value for {ALIAS}: "
    assert (each.show("a.b"), each.show(ALIAS)) == ("one", VALUE)
    each.protect()
    result = each("add", "--force", "a.b", ALIAS, stdin=f"{PASSWORD}\ntwo\nthree\n")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"{ASKED}Enter value for a.b: Enter value for {ALIAS}: "
    assert (each.show("a.b", PASSWORD), each.show(ALIAS, PASSWORD)) == ("two", "three")


def test_6_3_add_stdin_stores_nothing_in_a_protected_keystore_of_older_versions(each: Tool) -> None:
    each.protect()
    result = each("add", "--stdin", "--force", "a.b", ALIAS, stdin=f"{PASSWORD}\none\n{VALUE}\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ASKED)
    expected = ("", "") if trapped(each) else ("one", VALUE)
    assert (each.show("a.b", PASSWORD), each.show(ALIAS, PASSWORD)) == expected


def test_6_3_add_stdin_of_older_versions_after_a_question_at_the_end_and_at_a_carriage_return(each: Tool) -> None:
    old = trapped(each)
    assert each("add", "--stdin", "--force", "a", "b", stdin="one\r\ntwo\r\n").returncode == 0
    assert (each.show("a"), each.show("b")) == ("one", "" if old else "two")
    assert each("add", "--stdin", "a", stdin="y\nthree\n").returncode == 0
    assert each.show("a") == ("" if old else "three")
    # The value is read first here, and then nothing is left for the terminal.
    result = each("add", "--stdin", "c", "a", stdin="new\nn\n")
    assert (result.returncode, STACK in result.stderr) == ((crash(each), True) if old else (0, False))
    assert each.show("c") is None
    result = each("add", "--stdin", "--force", "c", stdin="")
    assert (result.returncode == 0) is old
    assert each.show("c") == ("" if old else None)


def test_6_3_a_password_that_nobody_asks_for_is_the_value(each: Tool) -> None:
    assert each("add", "--force", "a", stdin=f"{PASSWORD}\nvalue\n").returncode == 0
    assert each.show("a") == PASSWORD
    each.protect()
    result = each("add", "--force", "b", stdin="value\n")
    assert result.returncode == 65
    assert result.stderr == f"{ASKED}\nERROR: Provided keystore password was incorrect, with exit code 65\n"


def test_6_3_the_start_script_comments_on_the_environment_in_the_answer(each: Tool) -> None:
    each.put("a", "value")
    hint = "; pass JVM parameters via ES_JAVA_OPTS"
    newer = each.version >= (8, 18, 0)
    tool_options = f"warning: ignoring JAVA_TOOL_OPTIONS=-Dx=1{hint if newer else ''}\n"
    result = each("show", "a", JAVA_TOOL_OPTIONS="-Dx=1", JAVA_OPTS="-Dy=2")
    assert (result.returncode, result.stdout) == (0, f"{tool_options}warning: ignoring JAVA_OPTS=-Dy=2{hint}\nvalue")
    result = each("show", "a", _JAVA_OPTIONS="-Dz=3")
    assert result.stdout == (f"warning: ignoring _JAVA_OPTIONS=-Dz=3{hint}\n" if newer else "") + "value"
    result = each("show", "a", JAVA_HOME="/nowhere")
    assert result.stdout == "value" and "warning: ignoring JAVA_HOME=/nowhere; using " in result.stderr


def test_6_3_answers_as_lines_of_a_log(each: Tool) -> None:
    each.put("a", "value")
    answer = each("show", "a", ES_CLI_JSON="true").stdout
    absent = each("show", "b", ES_CLI_JSON="true")
    assert absent.returncode == 78
    if each.version < (9, 3, 0):
        assert answer == "value" and absent.stderr.startswith("\nERROR: Setting [b]")
        return
    assert json.loads(answer)["message"] == "value"
    assert [json.loads(line)["message"] for line in absent.stderr.splitlines()] == [
        "",
        "ERROR: Setting [b] does not exist in the keystore., with exit code 78",
    ]
    listed = each("list", ES_CLI_JSON="true").stdout.splitlines()
    assert [json.loads(line)["message"] for line in listed] == ["a", "keystore.seed"]


def test_6_3_unknown_command_and_option_are_usage_errors(home: Tool) -> None:
    result = home("frob")
    assert result.returncode == 64
    assert result.stderr.endswith("ERROR: Unknown command [frob], with exit code 64\n")
    result = home("add", "--nope", "a")
    assert result.returncode == 64
    assert result.stderr.endswith("ERROR: nope is not a recognized option\n")
    result = home()
    assert result.returncode == 64 and "\nERROR: Missing required command, with exit code 64\n" in result.stderr


def test_6_3_a_value_may_be_empty_line_but_not_many_lines(home: Tool) -> None:
    assert home("add", "-x", "-f", "a", stdin="\nrest\n").returncode == 0
    assert home.show("a") == ""


@pytest.mark.needs("calls")
def test_6_3_jvm_delay_by_file_and_environment(home: Tool) -> None:
    import time

    keystore_install.set_jvm_delay(home.config.parent, 0.3)
    start = time.monotonic()
    home("list")
    assert time.monotonic() - start >= 0.3
    assert home("list", ES_SIMULATOR_JVM_DELAY="0").returncode == 0


@pytest.mark.needs("calls")
def test_6_3_call_log_has_names_only(home: Tool) -> None:
    home("add", "-x", "-f", ALIAS, stdin=VALUE + "\n")
    home("list")
    assert keystore_install.calls(home.config.parent) == [f"add {ALIAS}", "list"]
    keystore_install.clear_calls(home.config.parent)
    assert keystore_install.calls(home.config.parent) == []


def test_6_4_mode_is_660_whatever_the_umask(home: Tool) -> None:
    previous = os.umask(0o077)
    try:
        home("add", "-x", "-f", "a", stdin="1\n")
    finally:
        os.umask(previous)
    assert home.file.stat().st_mode & 0o777 == 0o660
    assert not (home.file.parent / "elasticsearch.keystore.tmp").exists()


def test_6_4_a_left_over_file_fails_one_write(each: Tool) -> None:
    each.put("a", "old")
    before = each.file.read_bytes()
    for arguments in (["add", "--force", "a"], ["remove", "a"]):
        each.temporary.write_text("of a writer that was killed")
        assert each("show", "a").stdout == "old"
        result = each(*arguments, stdin="new\n")
        assert result.returncode == crash(each, 74)
        assert f"java.nio.file.FileAlreadyExistsException: {each.temporary}\n" in result.stderr
        assert each.file.read_bytes() == before and not each.temporary.exists()
    assert each("remove", "a").returncode == 0 and each.show("a") is None


def test_6_4_a_left_over_file_fails_the_making_of_a_keystore_too(home: Tool) -> None:
    home.file.unlink()
    home.temporary.write_text("of a writer that was killed")
    result = home("add", "--force", "a", stdin="new\n")
    assert result.returncode == crash(home, 74) and not home.file.exists()
    assert "Enter value" not in result.stderr
    assert home("add", "--force", "a", stdin="new\n").returncode == 0 and home.show("a") == "new"


def test_6_4_format(each: Tool) -> None:
    expected = 5 if each.version < (8, 14, 0) else 6 if each.version < (8, 18, 0) else 7
    each.put("a", "value")
    assert int.from_bytes(each.file.read_bytes()[27:31], "big") == expected


def test_6_4_what_is_written_is_read_by_the_other_world(each: Tool) -> None:
    """The simulator reads what the tool has written, which may be a real one, and the tool what the simulator has."""
    assert each("add", "--force", "a", stdin="value\n").returncode == 0
    assert each("passwd", stdin=f"{PASSWORD}\n{PASSWORD}\n").returncode == 0
    assert each.show("a", PASSWORD) == "value"
    each.put("b", "other", PASSWORD)
    result = each("show", "b", stdin=f"{PASSWORD}\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "other", ASKED)


def test_6_4_a_damaged_file(each: Tool) -> None:
    whole = each.file.read_bytes()
    for content, said in (
        (b"", "java.io.EOFException: read past EOF: "),
        (b"rubbish, not a keystore, is it?", "org.apache.lucene.index.CorruptIndexException: codec header mismatch: "),
        (whole[:60] + bytes([whole[60] ^ 1]) + whole[61:], "CorruptIndexException: checksum failed (hardware "),
    ):
        each.file.write_bytes(content)
        result = each("list")
        assert (result.returncode, result.stdout) == (crash(each, 74), "") and said in result.stderr


def test_6_4_honours_es_path_conf(home: Tool, tmp_path: Path) -> None:
    other = tmp_path / "etc"
    other.mkdir()
    result = home("create", ES_PATH_CONF=str(other))
    assert result.stdout == f"Created elasticsearch keystore in {other}/elasticsearch.keystore\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file of another owner")
def test_6_4_will_not_change_the_owner(home: Tool) -> None:
    os.chown(home.file, 12345, -1)
    before = home.file.read_bytes()
    result = home("add", "-x", "-f", "a", stdin="1\n")
    assert result.returncode == 78
    assert result.stderr == (
        f"\nERROR: will not overwrite keystore at [{home.file}], because this incurs changing the file owner, "
        "with exit code 78\n"
    )
    assert home.file.read_bytes() == before and home.file.stat().st_uid == 12345


def test_6_4_no_write_access_to_the_config_dir_is_78(each: Tool) -> None:
    each.put("a", "value")
    before = each.file.read_bytes()
    each.config.chmod(0o500)
    if os.getuid() == 0:
        each.prefix = ["setpriv", "--bounding-set=-dac_override"]  # what lets root write everywhere
    for arguments in (["add", "--force", "a"], ["remove", "a"]):
        result = each(*arguments, stdin="new\n")
        assert (result.returncode, result.stdout) == (78, "")
        assert result.stderr.endswith(
            f"\nERROR: unable to create temporary keystore at [{each.temporary}], write permissions required for "
            f"[{each.config}] or run [elasticsearch-keystore upgrade], with exit code 78\n"
        )
        assert each.file.read_bytes() == before
    assert each("show", "a").stdout == "value"
    each.config.chmod(0o700)
