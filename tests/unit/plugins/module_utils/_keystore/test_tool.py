# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.errors import (
    PROMPT,
    Ended,
    KeystoreError,
    KeystoreMissing,
    explain,
    without_secrets,
)
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.tool import KeystoreTool, find_tool

SECRET = "UI2LP2axTNmsyakw9tvNnw"
ENCODED = base64.b64encode(("the-id:" + SECRET).encode()).decode()
NAME = "cluster.remote.berlin.credentials"


class FakeRun:
    """Answers in the order given; keeps what it was called with."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []

    def __call__(self, command, stdin, environ):
        self.calls.append((list(command[1:]), stdin, dict(environ)))
        return self.answers.pop(0)


@pytest.fixture
def tool(tmp_path):
    path = tmp_path / "elasticsearch-keystore"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)

    def build(*answers, password=None, environ=None):
        run = FakeRun(*answers)
        return KeystoreTool(str(path), "/etc/es", password, environ=environ or {}, run=run), run

    return build


def test_secrets_go_over_stdin_only(tool):
    keystore, run = tool((0, "old", PROMPT), (0, "", PROMPT), password="pass word")
    assert keystore.show(NAME) == "old"
    keystore.add({NAME: ENCODED, "a.b": "other"})
    assert run.calls[0][:2] == (["show", NAME], "pass word\n")
    assert run.calls[1][:2] == (["add", "--force", NAME, "a.b"], "pass word\n" + ENCODED + "\nother\n")
    for command, _stdin, environ in run.calls:
        assert ENCODED not in str(command) + str(environ) and "pass word" not in str(command) + str(environ)


def test_a_password_never_becomes_the_value_of_an_unprotected_keystore(tool):
    keystore, run = tool((0, "old", ""), (1, "", ""), (0, "", ""), password="pw")
    keystore.show(NAME)
    keystore.add({NAME: ENCODED})
    assert keystore.password_unused
    assert [call[0][0] for call in run.calls] == ["show", "has-passwd", "add"]
    assert run.calls[-1][1] == ENCODED + "\n"


def test_the_environment(tool):
    noise = dict.fromkeys(["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JAVA_OPTS", "ES_CLI_JSON"], "-Dx")
    keystore, run = tool((0, "", ""), environ={**noise, "ES_PATH_CONF": "/other", "HOME": "/h"})
    keystore.list()
    environ = run.calls[0][2]
    assert environ["ES_PATH_CONF"] == "/etc/es" and environ["HOME"] == "/h" and not set(noise) & set(environ)


def test_names_are_told_from_notices(tool):
    keystore, _run = tool((0, "warning: ignoring JAVA_HOME=/x; using bundled JDK\nkeystore.seed\na.b\n", ""))
    assert keystore.list() == ["a.b", "keystore.seed"]


def test_a_value_is_told_from_notices(tool):
    notices = "warning: ignoring JAVA_TOOL_OPTIONS=-Dx=1\nwarning: ignoring JAVA_OPTS=-Dy; pass JVM parameters via ..\n"
    keystore, _run = tool((0, notices + "value", ""), (0, "warning: ignoring JAVA_OPTS=is a value", ""))
    assert keystore.show("x") == "value"
    assert keystore.show("x") == "warning: ignoring JAVA_OPTS=is a value"


LEFT_OVER = "Enter value for x: java.nio.file.FileAlreadyExistsException: /c/elasticsearch.keystore.tmp\n\tat java.base"


def test_a_left_over_file_is_tried_once_more_and_not_twice(tool):
    keystore, run = tool((74, "", LEFT_OVER), (0, "", ""), password="pw")
    keystore.protected = True
    keystore.add({"x": ENCODED})
    assert run.calls[0] == run.calls[1] and run.calls[1][1] == f"pw\n{ENCODED}\n"
    keystore, run = tool((1, "", LEFT_OVER), (1, "", LEFT_OVER))
    with pytest.raises(KeystoreError, match="FileAlreadyExistsException: /c/elasticsearch.keystore.tmp"):
        keystore.add({"x": ENCODED})
    assert len(run.calls) == 2


def test_several_settings_in_one_call(tool):
    keystore, run = tool((1, "", "ERROR: boom, with exit code 1"), (0, "", ""))
    with pytest.raises(KeystoreError, match=r"Cannot write the settings \[a\], \[b\] to the node's keystore"):
        keystore.add({"a": "1", "b": "2"})
    keystore.remove(["a", "b"])
    assert run.calls[1][:2] == (["remove", "a", "b"], "")


def test_an_absent_setting_is_none(tool):
    keystore, _run = tool((78, "", "ERROR: Setting [x] does not exist in the keystore., with exit code 78"))
    assert keystore.show("x") is None
    assert keystore.protected is False


@pytest.mark.parametrize(
    "rc, stderr, parts",
    [
        (
            65,
            "ERROR: Provided keystore password was incorrect, with exit code 65",
            ["protected", "[keystore_password]"],
        ),
        (
            1,
            PROMPT + ' : Exception in thread "main" java.lang.IllegalStateException: unable to read from standard'
            " input; is standard input open and a tty attached?",
            ["protected", "[keystore_password]"],
        ),
        (
            70,
            "Enter value for x: java.lang.IllegalStateException: unable to read from standard input; is standard",
            ["less input", "must hand over standard input"],
        ),
        (
            78,
            "ERROR: will not overwrite keystore at [/c/elasticsearch.keystore], because this incurs changing the file"
            " owner",
            ["[alice]", "become_user: alice"],
        ),
        (
            78,
            "ERROR: unable to create temporary keystore at [/c/elasticsearch.keystore.tmp], write permissions required",
            ["may not write to [/c]", "become"],
        ),
        (
            1,
            "java.nio.file.AccessDeniedException: /c/elasticsearch.keystore",
            ["may not read [/c/elasticsearch.keystore]"],
        ),
        (1, "keystore format is too new", ["newer Elasticsearch"]),
        (64, "ERROR: Unknown command [show], with exit code 64", ["older than 7.16"]),
        (74, "org.apache.lucene.index.CorruptIndexException: codec header mismatch: actual header=1", ["damaged"]),
        (74, "java.io.EOFException: read past EOF: NIOFSIndexInput", ["damaged"]),
        (74, "Enter value for x: java.io.IOException: boom\n\tat a.b", ["output error): java.io.IOException: boom"]),
        (65, "Keystore has been corrupted or tampered with", ["damaged"]),
        (65, "ERROR: Setting name [x y] does not match the allowed setting name pattern [..]", ["name of the setting"]),
        (1, "could not find java in ES_JAVA_HOME at /x/bin/java", ["no Java"]),
        (70, "ERROR: boom, with exit code 70", ["exit code 70, internal error", "boom"]),
        (73, "ERROR: no", ["cannot create the file"]),
        (74, "", ["input/output error"]),
        (77, "ERROR: no", ["no permission"]),
        (42, "", ["exit code 42"]),
    ],
)
def test_every_failure_has_a_cause_and_a_way_out(rc, stderr, parts):
    error = explain("do it", Ended("/t", rc, stderr), owner_of=lambda path: "alice")
    assert str(error).startswith("Cannot do it: ") and str(error).count(". ") <= 3
    for part in parts:
        assert part in str(error)


def test_a_wrong_password_is_told_from_a_missing_one():
    error = explain("do it", Ended("/t", 65, "Provided keystore password was incorrect", True))
    assert "is wrong" in str(error)


def test_a_missing_keystore_tells_its_path():
    text = "ERROR: Elasticsearch keystore not found at [/c/elasticsearch.keystore]. Use 'create' command to create one."
    error = explain("do it", Ended("/t", 65, text))
    assert isinstance(error, KeystoreMissing) and error.path == "/c/elasticsearch.keystore"


@pytest.mark.parametrize(
    "said",
    [
        f"Did not understand answer '{ENCODED.lower()}'",
        f"ERROR: {ENCODED}",
        f"ERROR: {SECRET}",
        f"ERROR: {SECRET.lower()}",
        f"java.lang.Error: the-id:{SECRET}",
    ],
)
def test_what_the_tool_echoes_is_taken_out(said):
    assert SECRET.lower() not in without_secrets(said, [ENCODED, None]).lower()
    error = explain("do it", Ended("/t", 70, said), [ENCODED])
    assert SECRET.lower() not in str(error).lower() and ENCODED.lower() not in str(error).lower()


def test_where_the_tool_is_looked_for(tmp_path):
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    path = home / "bin" / "elasticsearch-keystore"
    path.write_text("#!/bin/sh\n")
    with pytest.raises(KeystoreError, match="was not found on this host"):
        find_tool(None, {"PATH": str(tmp_path), "ES_HOME": str(home)})
    with pytest.raises(KeystoreError, match="not an executable file"):
        find_tool(str(path), {})
    path.chmod(0o755)
    assert find_tool(None, {"PATH": str(tmp_path), "ES_HOME": str(home)}) == str(path)
    with pytest.raises(KeystoreError, match="does not exist"):
        find_tool(str(tmp_path / "nothing"), {})


def test_a_password_with_a_line_break_is_refused(tool):
    with pytest.raises(KeystoreError, match="line break"):
        tool(password="a\nb")
