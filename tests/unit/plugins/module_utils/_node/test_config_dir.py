# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of a node, whose owner may have put something else where a file is expected."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node import config_dir as folder
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node.config_dir import (
    BEGIN,
    END,
    ConfigError,
    File,
)

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
SERVICE = 1234
PEM = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"


@pytest.fixture
def directory(tmp_path):
    found = tmp_path / "config"
    found.mkdir()
    (found / "elasticsearch.yml").write_text("cluster.name: paris\n")
    return found


def give(directory, uid=SERVICE):
    """As an archive has it: all belongs to the user of the service, who gets to it."""
    for path in (directory, *directory.iterdir()):
        os.chown(path, uid, uid, follow_symlinks=False)
    for parent in directory.parents:
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)


@AS_ROOT
def test_root_is_the_owner_of_the_directory_as_long_as_it_acts_there(directory):
    before = os.geteuid(), os.getegid(), os.getgroups()
    give(directory)
    with folder.as_owner(str(directory)) as place:
        assert (
            place == str(directory) and (os.geteuid(), os.getegid()) == (SERVICE, SERVICE) and 0 not in os.getgroups()
        )
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before
    with pytest.raises(KeyError), folder.as_owner(str(directory)):
        raise KeyError
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before


@AS_ROOT
@pytest.mark.parametrize("mode, group", [(0o775, SERVICE), (0o775, 0), (0o757, 0)])
def test_root_does_nothing_where_others_can_change_what_is_its_own(directory, mode, group):
    os.chown(directory, 0, group)
    directory.chmod(mode)
    with pytest.raises(ConfigError, match="Let only its owner write"), folder.as_owner(str(directory)):
        raise AssertionError("root went on")


@AS_ROOT
def test_a_planted_link_leads_no_further_than_its_owner_gets(directory, tmp_path):
    secret = tmp_path / "shadow"
    secret.write_text("root:$6$hush\n" + PEM)
    secret.chmod(0o600)
    (directory / "elasticsearch.yml").unlink()
    for name in ("elasticsearch.yml", "remote_cluster_server.key", "ca.crt"):
        (directory / name).symlink_to(secret)
    give(directory)
    with folder.as_owner(str(directory)):
        with pytest.raises(ConfigError, match="Permission denied"):
            folder.read(folder.target(str(directory)))
        assert folder.certificates(str(directory), "ca.crt")["fingerprints"] == []
    assert secret.read_text() == "root:$6$hush\n" + PEM


def test_a_file_is_written_over_a_link_and_not_through_it(directory, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("theirs\n")
    (directory / "a.crt").symlink_to(victim)
    file = File("a.crt", "ours\n", 0o640, False)
    with pytest.raises(ConfigError, match="is not a regular file"):
        folder.wanted(str(directory), file)
    folder.put(str(directory), file, b"ours\n")
    assert victim.read_text() == "theirs\n" and not (directory / "a.crt").is_symlink()
    assert stat.S_IMODE((directory / "a.crt").stat().st_mode) == 0o640
    assert folder.wanted(str(directory), file) is None
    assert folder.wanted(str(directory), file._replace(content="more\n", append=True)) == b"ours\nmore\n"
    assert folder.wanted(str(directory), file._replace(mode=0o600)) == b"ours\n"


def test_a_backup_takes_the_next_name_that_is_free(directory, tmp_path):
    path = directory / "elasticsearch.yml"
    (directory / "elasticsearch.yml.now~").symlink_to(tmp_path / "victim")
    assert folder.keep(str(path), "now") == f"{path}.now.1~"
    assert (directory / "elasticsearch.yml.now.1~").read_text() == path.read_text()
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize(
    "path, problem",
    [
        ("../outside.crt", "it is not in"),
        ("/etc/passwd", "it is not in"),
        ("link.crt", "it is not in"),
        ("none.crt", "No such file"),
        ("pipe.crt", "not a regular file"),
        ("elasticsearch.yml", "holds no certificate"),
    ],
)
def test_of_authorities_only_fingerprints_are_told_and_only_of_files_of_the_node(directory, tmp_path, path, problem):
    (tmp_path / "outside.crt").write_text(PEM)
    (directory / "link.crt").symlink_to(tmp_path / "outside.crt")
    os.mkfifo(directory / "pipe.crt")
    found = folder.certificates(str(directory), path)
    assert found["fingerprints"] == [] and problem in found["problem"]


def test_certificates_are_compared_without_what_stands_around_them(directory):
    (directory / "ca.crt").write_text("subject=x\r\n" + PEM.replace("\n", "\r\n") + PEM.replace("QUJD", "not base64"))
    found = folder.certificates(str(directory), "ca.crt")
    assert found["problem"] is None and len(found["fingerprints"]) == 2
    assert found["fingerprints"][0] == folder.fingerprint("QUJD")


def test_the_block_is_put_where_it_was_or_at_the_end():
    assert folder.with_block("a: 1", "b: 2\n") == f"a: 1\n{BEGIN}\nb: 2\n{END}\n"
    there = f"a: 1\n{BEGIN}\nb: 2\n{END}\nc: 3\n"
    assert folder.with_block(there, "b: \\1\n") == there.replace("b: 2", "b: \\1")
    assert folder.with_block(there, "") == "a: 1\nc: 3\n"
    assert folder.with_block("a: 1", "") == "a: 1"
    assert folder.block_of(there) == "b: 2\n" and folder.block_of("a: 1\n") == ""


@AS_ROOT
def test_a_file_that_could_not_keep_its_owner_is_not_rewritten(directory):
    """The service may read it by that group alone."""
    give(directory)
    os.chown(directory / "elasticsearch.yml", 0, SERVICE)
    refused = pytest.raises(ConfigError, match="Nothing was written: .* belongs to another user")
    with refused, folder.as_owner(str(directory)) as place:
        folder.check_rewritable(folder.target(place))
    os.chown(directory / "elasticsearch.yml", SERVICE, SERVICE)
    (directory / "elasticsearch.yml").chmod(0o660)
    with folder.as_owner(str(directory)) as place:
        path = folder.target(place)
        folder.check_rewritable(path)
        folder.rewrite(path, b"new\n", lambda old, new: None)
    state = (directory / "elasticsearch.yml").stat()
    assert (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)) == (SERVICE, SERVICE, 0o660)
    assert sorted(os.listdir(directory)) == ["elasticsearch.yml"]
