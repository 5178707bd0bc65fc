# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on a node that somebody else may have a hand in: what is no file, locks that are kept, programs of others."""

from __future__ import annotations

import fcntl
import os

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore import tool as keystore
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.errors import KeystoreError
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._keystore.memory import KeystoreMemory
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node import files as node_files
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node import settings as node_settings

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


def test_what_is_no_file_hangs_nobody(tmp_path):
    """The service user may put a pipe where its keystore or its settings should be."""
    for name in ("elasticsearch.keystore", "elasticsearch.yml"):
        os.mkfifo(tmp_path / name)
    assert KeystoreMemory([str(tmp_path / "elasticsearch.keystore")], {}).digest() is None
    assert node_settings.settings_text(str(tmp_path)) is None


def test_what_is_too_large_is_not_read(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert node_files.read_regular(str(tmp_path / "file"), 5) == b"12345"
    assert node_files.read_regular(str(tmp_path / "file"), 4) is None


def test_a_lock_is_waited_for_no_longer_than_said(tmp_path):
    path, now = tmp_path / "cache" / "a.lock", [0.0]

    def sleep(seconds):
        now[0] += seconds

    with node_files.locked(str(path), 5):
        assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o077 == 0
        with pytest.raises(node_files.Busy), node_files.locked(str(path), 5, sleep, lambda: now[0]):
            raise AssertionError("two hold the lock")
    assert 5 <= now[0] < 6
    with node_files.locked(str(path), 0):
        pass


def test_whoever_locks_the_tool_itself_holds_up_nobody(tmp_path):
    """Every local user can open it, and lock it for ever."""
    path = tmp_path / "elasticsearch-keystore"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    tool = keystore.KeystoreTool(str(path), environ={"XDG_CACHE_HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    with path.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with tool.exclusive():
            assert [file.suffix for file in (tmp_path / "crosscluster.elasticsearch").iterdir()] == [".lock"]


@AS_ROOT
@pytest.mark.parametrize("part", ["bin/elasticsearch-keystore", "bin", "lib", "."])
def test_root_runs_nothing_that_another_user_can_change(tmp_path, part):
    home = tmp_path / "es"
    for folder in ("bin", "lib"):
        (home / folder).mkdir(parents=True)
    path = home / "bin" / "elasticsearch-keystore"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    assert keystore.KeystoreTool(str(path), environ={}).path == str(path)
    os.chown(home / part, 65534, 0)
    with pytest.raises(KeystoreError, match="running it as root would make that one root"):
        keystore.KeystoreTool(str(path), environ={})
    for group in (65534, 0):  # whoever is in the group root is not root
        os.chown(home / part, 0, group)
        (home / part).chmod(0o775)
        with pytest.raises(KeystoreError, match="the group .* may write to"):
            keystore.KeystoreTool(str(path), environ={})
    (home / part).chmod(0o757)
    with pytest.raises(KeystoreError, match="everybody, who may write to"):
        keystore.KeystoreTool(str(path), environ={})


@AS_ROOT
def test_root_runs_what_was_looked_at_and_not_what_a_link_leads_to_by_then(tmp_path):
    (tmp_path / "es" / "bin").mkdir(parents=True)
    real = tmp_path / "es" / "bin" / "elasticsearch-keystore"
    real.write_text("#!/bin/sh\n")
    real.chmod(0o755)
    link = tmp_path / "elasticsearch-keystore"
    link.symlink_to(real)
    assert keystore.KeystoreTool(str(link), environ={}).path == str(real)
    os.chown(link, 1234, 1234, follow_symlinks=False)
    with pytest.raises(KeystoreError, match="1234"):
        keystore.KeystoreTool(str(link), environ={})


@AS_ROOT
def test_who_leads_to_a_directory_is_told_link_by_link(tmp_path):
    """The owner of a link, or of a directory above, chooses what root gets to."""
    for folder in ("own/config", "root/config", "alice/config"):
        (tmp_path / folder).mkdir(parents=True)
    for folder, uid in (("own", 1234), ("own/config", 1234), ("alice", 2345), ("alice/config", 2345)):
        os.chown(tmp_path / folder, uid, uid)
    assert node_files.only_owner(str(tmp_path / "root" / "config")) == (0, "")
    assert node_files.only_owner(str(tmp_path / "own" / "config")) == (1234, "")
    for aim in ("root/config", "alice/config"):
        (tmp_path / "own" / "link").unlink(missing_ok=True)
        (tmp_path / "own" / "link").symlink_to(tmp_path / aim)
        owner, who = node_files.only_owner(str(tmp_path / "own" / "link"))
        assert owner is None and "1234" in who
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        node_files.only_owner(str(tmp_path / "loop" / "x"))
