# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files the keystore tool may read, and what is remembered of them."""

from __future__ import annotations

import os
import pwd

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.memory import KeystoreMemory, places


@pytest.fixture
def tool(tmp_path):
    path = tmp_path / "es" / "bin" / "elasticsearch-keystore"
    path.parent.mkdir(parents=True)
    path.write_text("")
    (path.parent / "elasticsearch-env").write_text("")
    return path


def test_all_places_count_because_only_the_tool_knows_which_it_takes(tool, tmp_path):
    package = tmp_path / "default"
    package.write_text('#ES_HOME=/x\nES_PATH_CONF=/srv/conf \n  export ES_PATH_CONF="/srv/other"\n')
    link = tmp_path / "elasticsearch-keystore"
    link.symlink_to(tool)
    found = places(str(link), "/given", [str(tmp_path / "none"), str(package)])
    directories = ["/etc/elasticsearch", "/given", "/srv/conf", "/srv/other", str(tmp_path / "es" / "config")]
    assert found == sorted(directory + "/elasticsearch.keystore" for directory in directories)


@pytest.mark.parametrize(
    "line",
    [
        "ES_PATH_CONF=$BASE/conf", "ES_PATH_CONF=/data/es # moved", "ES_PATH_CONF=/data/es;export ES_PATH_CONF",
        "ES_PATH_CONF=~/es", "ES_PATH_CONF=`cat /etc/where`", 'ES_PATH_CONF="/data/es"/node1', "ES_PATH_CONF=data/es",
        "declare -x ES_PATH_CONF=/data/es", "export A=1 ES_PATH_CONF=/data/es", ". /etc/es.env", "  source /etc/es.env",
        "ES_PATH_CONF='/data/es\"",
    ],
)  # fmt: skip
def test_no_place_is_sure_where_more_than_a_plain_path_is_set(tool, tmp_path, line):
    package = tmp_path / "default"
    package.write_text(f"# ES_PATH_CONF=/x\nES_JAVA_OPTS=\n{line}\n")
    assert places(str(tool), None, [str(package)]) == []


def test_no_place_is_sure_where_a_script_or_what_cannot_be_read_decides(tool, tmp_path):
    assert places(str(tool), None, []) != []
    assert places(str(tool), None, [str(tmp_path)]) == []  # cannot be read
    script = tool.parent / "keystore-of-node-2"
    script.write_text("")
    assert places(str(script), None, []) == []
    (tool.parent / "elasticsearch-env").unlink()
    assert places(str(tool), None, []) == []


def test_the_digest_is_of_all_files_and_of_where_they_are(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    memory = KeystoreMemory([str(one), str(two)], {"XDG_CACHE_HOME": str(tmp_path)})
    assert memory.digest() is None
    one.write_bytes(b"a")
    first = memory.digest()
    two.write_bytes(b"b")
    second = memory.digest()
    one.write_bytes(b"b")
    two.write_bytes(b"a")
    assert len({first, second, memory.digest(), None}) == 4
    two.unlink()
    two.mkdir()
    assert memory.digest() is None


def test_only_what_was_read_with_this_digest_is_recalled(tmp_path):
    memory = KeystoreMemory(["/none"], {"XDG_CACHE_HOME": str(tmp_path)})
    memory.keep("digest", {"settings": []})
    assert memory.recall("digest") == {"settings": []}
    assert memory.recall("another") == memory.recall(None) == {}
    assert KeystoreMemory(["/other"], {"XDG_CACHE_HOME": str(tmp_path)}).recall("digest") == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_cache_directory_of_somebody_else_is_not_taken(tmp_path, monkeypatch):
    """With some become methods the variable is that of the user before."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    own = pwd.getpwuid(0)
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: pwd.struct_passwd((*own[:5], str(tmp_path / "root"), own[6])))
    memory = KeystoreMemory(["/none"], {"XDG_CACHE_HOME": str(theirs / "cache")})
    memory.keep("digest", {"settings": []})
    assert list(theirs.iterdir()) == [] and memory.recall("digest") == {"settings": []}
    assert (tmp_path / "root" / ".cache").is_dir()


def test_a_relative_cache_directory_is_not_taken(tmp_path, monkeypatch):
    """As the XDG base directory specification has it."""
    monkeypatch.chdir(tmp_path)
    KeystoreMemory(["/none"], {"XDG_CACHE_HOME": "here"}).recall("digest")
    assert not (tmp_path / "here").exists()
