# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files the keystore tool may read, and what is remembered of them."""

from __future__ import annotations

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore_memory import KeystoreMemory, places


@pytest.fixture
def tool(tmp_path):
    path = tmp_path / "es" / "bin" / "elasticsearch-keystore"
    path.parent.mkdir(parents=True)
    path.write_text("")
    (path.parent / "elasticsearch-env").write_text("")
    return path


def test_all_places_count_because_only_the_tool_knows_which_it_takes(tool, tmp_path):
    package = tmp_path / "default"
    package.write_text('#ES_HOME=/x\nES_PATH_CONF=/srv/conf\n  export ES_PATH_CONF="/srv/other"\n')
    link = tmp_path / "elasticsearch-keystore"
    link.symlink_to(tool)
    found = places(str(link), "/given", [str(tmp_path / "none"), str(package)])
    directories = ["/etc/elasticsearch", "/given", "/srv/conf", "/srv/other", str(tmp_path / "es" / "config")]
    assert found == sorted(directory + "/elasticsearch.keystore" for directory in directories)


def test_no_place_is_sure_where_a_variable_or_a_script_decides(tool, tmp_path):
    package = tmp_path / "default"
    package.write_text("ES_PATH_CONF=$BASE/conf\n")
    assert places(str(tool), None, [str(package)]) == []
    assert places(str(tool), None, [str(tmp_path)]) == []  # cannot be read
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


def test_a_relative_cache_directory_is_not_taken(tmp_path, monkeypatch):
    """As the XDG base directory specification has it."""
    monkeypatch.chdir(tmp_path)
    KeystoreMemory(["/none"], {"XDG_CACHE_HOME": "here"}).recall("digest")
    assert not (tmp_path / "here").exists()
