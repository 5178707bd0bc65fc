# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules 6.3: the elasticsearch-keystore command, run as a real subprocess with a clean environment."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest

from simulator import keystore_install, versions

VALUE = base64.b64encode(b"VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw").decode()
ALIAS = "cluster.remote.berlin.credentials"
STACK = "unable to read from standard input; is standard input open and a tty attached?"


class Home:
    def __init__(self, path: Path, version: str) -> None:
        self.path = path
        keystore_install.install(path, versions.parse(version))

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.path / "bin" / "elasticsearch-keystore"), *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            cwd="/",
            env=environment,
            timeout=30,
            check=False,
        )

    @property
    def file(self) -> Path:
        return self.path / "config" / "elasticsearch.keystore"

    def protect(self, password: str = "s3cret") -> None:
        assert self("passwd", stdin=f"{password}\n{password}\n").returncode == 0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, "9.3.0")


@pytest.fixture
def old(tmp_path: Path) -> Home:
    return Home(tmp_path / "old", "8.10.0")


def names(home: Home) -> list[str]:
    return home("list").stdout.split()


def test_6_3_create_makes_a_seed_and_says_where(home: Home) -> None:
    home.file.unlink()
    result = home("create")
    assert (result.returncode, result.stdout, result.stderr) == (
        0,
        f"Created elasticsearch keystore in {home.file}\n",
        "",
    )
    assert names(home) == ["keystore.seed"]


def test_6_3_create_over_an_existing_file_asks_and_default_is_no(home: Home) -> None:
    before = home.file.read_bytes()
    result = home("create", stdin="\n")
    assert (result.returncode, result.stdout) == (0, "Exiting without creating keystore.\n")
    assert result.stderr == "An elasticsearch keystore already exists. Overwrite? [y/N]"
    assert home.file.read_bytes() == before
    assert home("create", stdin="y\n").stdout.startswith("Created")
    assert home.file.read_bytes() != before


def test_6_3_create_with_password(home: Home) -> None:
    home.file.unlink()
    result = home("create", "-p", stdin="one\none\n")
    assert result.returncode == 0
    assert (
        result.stderr
        == "Enter new password for the elasticsearch keystore (empty for no password): Enter same password again: "
    )
    assert home("has-passwd").returncode == 0


def test_6_3_list_is_one_name_per_line_on_stdout_only(home: Home) -> None:
    home("add", "-x", "-f", "zz.top", ALIAS, stdin=f"1\n{VALUE}\n")
    result = home("list")
    assert (result.stdout, result.stderr, result.returncode) == (f"{ALIAS}\nkeystore.seed\nzz.top\n", "", 0)


@pytest.mark.parametrize("command", [["list"], ["show", "x"], ["remove", "x"], ["passwd"]])
def test_6_3_missing_keystore_is_65(home: Home, command: list[str]) -> None:
    home.file.unlink()
    result = home(*command)
    assert result.returncode == 65
    assert result.stderr == (
        f"ERROR: Elasticsearch keystore not found at [{home.file}]. Use 'create' command to create one., "
        "with exit code 65\n"
    )


def test_6_3_older_versions_do_not_name_the_exit_code(old: Home) -> None:
    result = old("show", "x")
    assert (result.returncode, result.stderr) == (78, "ERROR: Setting [x] does not exist in the keystore.\n")


def test_6_3_show_has_no_newline_without_a_console(home: Home) -> None:
    home("add", "--stdin", "--force", ALIAS, stdin=VALUE + "\n")
    result = home("show", ALIAS)
    assert (result.stdout, result.stderr, result.returncode) == (VALUE, "", 0)


def test_6_3_show_needs_one_name(home: Home) -> None:
    for arguments in ([], ["a", "b"]):
        result = home("show", *arguments)
        assert result.returncode == 64
        assert result.stderr.endswith("ERROR: Must provide a single setting name to show, with exit code 64\n")
        assert "Option" in result.stderr and result.stdout == ""


def test_6_3_show_of_an_absent_setting_is_78(home: Home) -> None:
    result = home("show", "x")
    assert (result.returncode, result.stdout) == (78, "")
    assert result.stderr == "ERROR: Setting [x] does not exist in the keystore., with exit code 78\n"


def test_6_3_add_several_names_reads_one_line_each(home: Home) -> None:
    result = home("add", "-x", "-f", "a.b", "c.d", stdin="one\r\ntwo\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (home("show", "a.b").stdout, home("show", "c.d").stdout) == ("one", "two")


def test_6_3_add_without_stdin_prompts_on_stderr(home: Home) -> None:
    result = home("add", "a.b", stdin="one\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "Enter value for a.b: ")


def test_6_3_add_on_an_existing_setting_asks_and_declined_is_exit_0(home: Home) -> None:
    home("add", "-x", "-f", "a.b", stdin="one\n")
    before = home.file.read_bytes()
    result = home("add", "-x", "a.b", stdin="n\n")
    assert (result.returncode, result.stdout) == (0, "Exiting without modifying keystore.\n")
    assert result.stderr == "Setting a.b already exists. Overwrite? [y/N]"
    assert home.file.read_bytes() == before
    assert home("add", "-x", "a.b", stdin="y\ntwo\n").returncode == 0
    assert home("show", "a.b").stdout == "two"


def test_6_3_secret_leaks_at_the_prompt_without_force(home: Home) -> None:
    home("add", "-x", "-f", ALIAS, stdin="one\n")
    result = home("add", "-x", ALIAS, stdin=VALUE + "\n")
    assert result.returncode == 1
    assert f"Did not understand answer '{VALUE.lower()}'\n" in result.stderr
    assert STACK in result.stderr
    assert home("show", ALIAS).stdout == "one"


def test_6_3_a_stop_in_the_middle_saves_nothing(home: Home) -> None:
    home("add", "-x", "-f", "b", stdin="old\n")
    result = home("add", "-x", "a", "b", stdin="new\nn\n")
    assert result.returncode == 0
    assert "a" not in names(home)


def test_6_3_add_without_names_is_64(home: Home) -> None:
    result = home("add", "-x")
    assert result.returncode == 64
    assert result.stderr.endswith("ERROR: the setting names can not be empty, with exit code 64\n")


def test_6_3_add_with_a_bad_name_is_65_and_saves_nothing(home: Home) -> None:
    result = home("add", "-x", "-f", "good", "bad name", stdin="1\n2\n")
    assert result.returncode == 65
    assert result.stderr == (
        r"ERROR: Setting name [bad name] does not match the allowed setting name pattern [[A-Za-z0-9_\-.]+], "
        "with exit code 65\n"
    )
    assert "good" not in names(home)


def test_6_3_add_creates_a_missing_keystore_silently_with_force(home: Home) -> None:
    home.file.unlink()
    result = home("add", "-x", "-f", "a", stdin="1\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert names(home) == ["a", "keystore.seed"]


def test_6_3_add_asks_before_creating_without_force(home: Home) -> None:
    home.file.unlink()
    result = home("add", "-x", "a", stdin="\n")
    assert (result.returncode, result.stdout) == (0, "Exiting without creating keystore.\n")
    assert result.stderr == "The elasticsearch keystore does not exist. Do you want to create it? [y/N]"
    assert not home.file.exists()
    assert home("add", "-x", "a", stdin="y\n1\n").returncode == 0


def test_6_3_add_always_rewrites_the_file(home: Home) -> None:
    home("add", "-x", "-f", "a", stdin="1\n")
    before = home.file.read_bytes()
    home("add", "-x", "-f", "a", stdin="1\n")
    assert home.file.read_bytes() != before


def test_6_3_remove_of_an_absent_name_saves_nothing(home: Home) -> None:
    home("add", "-x", "-f", "a", stdin="1\n")
    result = home("remove", "a", "b")
    assert (result.returncode, result.stderr) == (
        78,
        "ERROR: Setting [b] does not exist in the keystore., with exit code 78\n",
    )
    assert "a" in names(home)
    assert home("remove", "a").returncode == 0
    assert "a" not in names(home)


def test_6_3_has_passwd(home: Home) -> None:
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


def test_6_3_passwd_mismatch_is_65(home: Home) -> None:
    result = home("passwd", stdin="one\ntwo\n")
    assert result.returncode == 65
    assert result.stderr.endswith("ERROR: Passwords are not equal, exiting., with exit code 65\n")
    assert home("has-passwd").returncode == 1


def test_6_3_passwd_asks_the_old_one_first_and_empty_removes_it(home: Home) -> None:
    home.protect("old")
    result = home("passwd", stdin="old\n\n\n")
    assert result.returncode == 0
    assert result.stdout == "Elasticsearch keystore password changed successfully.\n"
    assert result.stderr.startswith("Enter password for the elasticsearch keystore : Enter new password")
    assert home("has-passwd").returncode == 1


def test_6_3_passwd_is_at_most_128_characters(home: Home) -> None:
    result = home("passwd", stdin="x" * 129 + "\n" + "x" * 129 + "\n")
    assert result.returncode == 1
    assert "Secret exceeded maximum length of 128" in result.stderr


def test_6_3_protected_file_asks_for_the_password_first(home: Home) -> None:
    home.protect()
    result = home("add", "-x", "-f", "a", "b", stdin="s3cret\n1\n2\n")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "Enter password for the elasticsearch keystore : "
    assert home("show", "b", stdin="s3cret\n").stdout == "2"
    assert home("list", stdin="s3cret\n").stdout == "a\nb\nkeystore.seed\n"


def test_6_3_wrong_password_is_65(home: Home) -> None:
    home.protect()
    result = home("list", stdin="wrong\n")
    assert (result.returncode, result.stdout) == (65, "")
    assert result.stderr.endswith("ERROR: Provided keystore password was incorrect, with exit code 65\n")


@pytest.mark.parametrize("arguments", [["add", "-x", "-f", "a"], ["add", "a"], ["passwd"]])
def test_6_3_end_of_input_is_a_stack_trace(home: Home, arguments: list[str]) -> None:
    result = home(*arguments)
    assert result.returncode == 1
    assert f'Exception in thread "main" java.lang.IllegalStateException: {STACK}\n' in result.stderr


def test_6_3_unknown_command_and_option_are_usage_errors(home: Home) -> None:
    result = home("frob")
    assert result.returncode == 64
    assert result.stderr.endswith("ERROR: Unknown command [frob], with exit code 64\n")
    result = home("add", "--nope", "a")
    assert result.returncode == 64
    assert result.stderr.endswith("ERROR: nope is not a recognized option\n")
    assert home().returncode == 64


def test_6_3_a_value_may_be_empty_line_but_not_many_lines(home: Home) -> None:
    assert home("add", "-x", "-f", "a", stdin="\nrest\n").returncode == 0
    assert home("show", "a").stdout == ""


def test_6_3_jvm_delay_by_file_and_environment(home: Home) -> None:
    import time

    keystore_install.set_jvm_delay(home.path, 0.3)
    start = time.monotonic()
    home("list")
    assert time.monotonic() - start >= 0.3
    assert home("list", ES_SIMULATOR_JVM_DELAY="0").returncode == 0


def test_6_3_call_log_has_names_only(home: Home) -> None:
    home("add", "-x", "-f", ALIAS, stdin=VALUE + "\n")
    home("list")
    assert keystore_install.calls(home.path) == [f"add {ALIAS}", "list"]
    keystore_install.clear_calls(home.path)
    assert keystore_install.calls(home.path) == []


def test_6_4_mode_is_660_whatever_the_umask(home: Home) -> None:
    previous = os.umask(0o077)
    try:
        home("add", "-x", "-f", "a", stdin="1\n")
    finally:
        os.umask(previous)
    assert home.file.stat().st_mode & 0o777 == 0o660
    assert not (home.file.parent / "elasticsearch.keystore.tmp").exists()


def test_6_4_honours_es_path_conf(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "etc"
    other.mkdir()
    result = home("create", ES_PATH_CONF=str(other))
    assert result.stdout == f"Created elasticsearch keystore in {other}/elasticsearch.keystore\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file of another owner")
def test_6_4_will_not_change_the_owner(home: Home) -> None:
    os.chown(home.file, 12345, -1)
    before = home.file.read_bytes()
    result = home("add", "-x", "-f", "a", stdin="1\n")
    assert result.returncode == 78
    assert result.stderr == (
        f"ERROR: will not overwrite keystore at [{home.file}], because this incurs changing the file owner, "
        "with exit code 78\n"
    )
    assert home.file.read_bytes() == before and home.file.stat().st_uid == 12345


@pytest.mark.skipif(os.getuid() != 0, reason="dropping to another user needs root")
def test_6_4_no_write_access_to_the_config_dir_is_78(home: Home) -> None:
    home.file.chmod(0o644)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        os.dup2(writer, 2)
        import simulator.keystore_file as file

        try:
            file.Keystore.create(6).save(str(home.file.parent), "")
        except file.KeystoreUserError as error:
            os.write(writer, f"{error.code} {error}".encode())
        os._exit(0)
    os.close(writer)
    text = os.read(reader, 4096).decode()
    os.close(reader)
    os.waitpid(child, 0)
    config = home.file.parent
    assert text == (
        f"78 unable to create temporary keystore at [{config}/elasticsearch.keystore.tmp], write "
        "permissions required for "
        f"[{config}] or run [elasticsearch-keystore upgrade]"
    )
