# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import signal
import stat
import time
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret, is_encrypted
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import credential_store as module
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.credential_store import (
    INTENT_FORMAT,
    CredentialStore,
    Entry,
    StoreError,
    file_stem,
)

SECRET = "ui2lp2axTNmsyakw9tvNnw"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


def entry(name="paris-berlin", key_id="VuaCfGcBCdbkQm-e5aOx", secret=SECRET, **more):
    return Entry(name, key_id, base64.b64encode(f"{key_id}:{secret}".encode()).decode(), **more)


def vault(**secrets):
    return VaultLib([(label, VaultSecret(password.encode())) for label, password in secrets.items()])


@pytest.fixture
def store(tmp_path):
    found = CredentialStore(str(tmp_path / "store"))
    found.prepare()
    return found


def test_what_is_written_is_read(store):
    kept = entry(creation=1, expiration=2, urls=("https://berlin-1:9200",))
    assert store.read("paris-berlin") is None
    store.write(kept)
    assert store.read("paris-berlin") == kept
    assert kept.api_key == SECRET
    assert stat.S_IMODE(os.stat(store.path(kept.name)).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(store.directory).st_mode) == 0o700
    assert json.loads(Path(store.path(kept.name)).read_text())["version"] == 1
    assert store.remove("paris-berlin") and not store.remove("paris-berlin")
    assert os.listdir(store.directory) == []


def test_modes_do_not_depend_on_the_umask(tmp_path):
    before = os.umask(0)
    try:
        store = CredentialStore(str(tmp_path / "a" / "b"))
        with store.locked("x"):
            store.write(entry("x"))
    finally:
        os.umask(before)
    for name in os.listdir(store.directory):
        assert stat.S_IMODE(os.stat(os.path.join(store.directory, name)).st_mode) == 0o600


@given(st.text(min_size=1, max_size=256), st.text(min_size=1, max_size=256))
def test_any_name_is_a_safe_file_name_of_its_own(one, other):
    stem = file_stem(one)
    assert len(stem.encode()) < 200 and set(stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-~")
    assert (one == other) == (stem == file_stem(other))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "logs/*", "..", ".", "Ünïcode", "A", "a.json", "-", "_x", "a" * 256, "a~b"]
)
def test_hostile_names(store, name):
    store.write(entry(name))
    assert store.read(name) == entry(name)
    assert os.path.dirname(os.path.realpath(store.path(name))) == os.path.realpath(store.directory)
    assert len(os.listdir(store.directory)) == 1


def test_names_that_differ_in_case_do_not_meet():
    assert file_stem("Paris").lower() != file_stem("paris").lower() != file_stem("PARIS").lower()


def test_encrypted_when_a_vault_secret_is_loaded(tmp_path):
    store = CredentialStore(str(tmp_path / "store"), vault(default="p"))
    store.prepare()
    store.write(entry())
    store.write_intent("paris-berlin", {"body": {"name": "x"}})
    for path in (store.path("paris-berlin"), store.intent_path("paris-berlin")):
        data = Path(path).read_bytes()
        assert is_encrypted(data) and SECRET.encode() not in data
    assert store.read("paris-berlin") == entry()
    assert store.read_intent("paris-berlin") == {"body": {"name": "x"}}
    os.chmod(store.path("paris-berlin"), 0o644)  # as git leaves it
    assert store.read("paris-berlin") == entry()


@pytest.mark.parametrize(
    ("wanted", "header"), [(None, b"$ANSIBLE_VAULT;1.1;AES256\n"), ("prod", b"$ANSIBLE_VAULT;1.2;AES256;prod\n")]
)
def test_the_vault_identity(tmp_path, wanted, header):
    store = CredentialStore(str(tmp_path), vault(prod="1", default="2"), wanted)
    store.write(entry())
    assert Path(store.path("paris-berlin")).read_bytes().startswith(header)


def test_an_identity_that_is_not_loaded(tmp_path):
    with pytest.raises(StoreError, match="'other'.*is not loaded"):
        CredentialStore(str(tmp_path), vault(default="2"), "other").write(entry())
    assert os.listdir(tmp_path) == []


def planted(store, path):
    """What somebody who can write into a shared store would put there to have keys revoked."""
    intent = {"known_ids": [], "lost_ids": ["the-key-in-use"], "body": {}}
    document = {"format": INTENT_FORMAT, "version": 1, "name": "paris-berlin", "intent": intent}
    with open(path, "w") as stream:
        json.dump(document, stream)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("file of others", "may be written to by other users"),
        ("folder of others", "may be written to by other users"),
        ("link", "cannot be read"),
        ("pipe", "is damaged"),
        ("plain beside a vault", "not encrypted, although a vault secret is loaded"),
        pytest.param("another user's", "belongs to another user", marks=AS_ROOT),
        pytest.param("folder of another user", "belongs to another user", marks=AS_ROOT),
    ],
)
def test_a_note_that_others_could_have_written_revokes_nothing(tmp_path, how, message):
    store = CredentialStore(str(tmp_path / "store"), vault(default="right") if how == "plain beside a vault" else None)
    store.prepare()
    path = store.intent_path("paris-berlin")
    if how == "pipe":
        os.mkfifo(path, 0o600)
    elif how == "link":
        planted(store, tmp_path / "elsewhere")
        os.symlink(tmp_path / "elsewhere", path)
    else:
        planted(store, path)
        os.chmod(path, 0o666 if how == "file of others" else 0o600)
    if how == "folder of others":
        os.chmod(store.directory, 0o775)
    if "another user" in how:
        os.chown(path if how == "another user's" else store.directory, 65534, -1)
    with pytest.raises(StoreError, match=message):
        store.read_intent("paris-berlin")


@pytest.mark.parametrize(
    ("content", "mode", "loaded", "message"),
    [
        (b"", 0o600, None, "is damaged"),
        (b"\xff\xfe", 0o600, None, "is damaged"),
        (b'{"format": "crosscluster.elasticsearch/credential", "version": 1', 0o600, None, "is damaged"),
        (b'{"format": "crosscluster.elasticsearch/credential", "version": true}', 0o600, None, "is damaged"),
        (b'{"format": "crosscluster.elasticsearch/credential", "version": 2}', 0o600, None, "update the collection"),
        (b'{"format": "crosscluster.elasticsearch/credential", "version": 1, "name": "x"}', 0o600, None, "do not fit"),
        ({"id": "another"}, 0o600, None, "do not fit"),
        ({"encoded": SECRET}, 0o600, None, "do not fit"),
        ({"expiration": "soon"}, 0o600, None, "do not fit"),
        ({"name": "another"}, 0o600, None, "of another key"),
        ({}, 0o640, None, "other users may open it"),
        ({}, 0o620, None, "may be written to by other users"),
        ({}, 0o600, "right", "not encrypted, although a vault secret is loaded"),
        ("vault", 0o600, None, "no vault secret is loaded"),
        ("vault", 0o600, "wrong", "cannot be decrypted"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n3132\n", 0o600, "right", "cannot be decrypted"),
    ],
)
def test_a_file_of_no_use_says_why_without_its_content(tmp_path, content, mode, loaded, message):
    plain = CredentialStore(str(tmp_path))
    path = plain.path("paris-berlin")
    if isinstance(content, dict):
        content = json.dumps({**entry().to_document(), **content}).encode()
    elif content == "vault":
        content = vault(default="right").encrypt(json.dumps(entry().to_document()))
    with open(path, "wb") as stream:
        stream.write(content)
    os.chmod(path, mode)
    store = CredentialStore(str(tmp_path), vault(default=loaded) if loaded else None)
    with pytest.raises(StoreError, match=message) as caught:
        store.read("paris-berlin")
    assert SECRET not in str(caught.value) and path in str(caught.value)


@pytest.mark.parametrize("make", ["file", "below a file"])
def test_a_place_that_cannot_be_written(tmp_path, make):
    place = tmp_path / "place"
    place.write_text("")
    store = CredentialStore(str(place / "deeper" if make == "below a file" else place))
    for action in (store.check_writable, store.prepare):
        with pytest.raises(StoreError, match="cannot be written"):
            action()


def test_check_writable_writes_nothing(tmp_path):
    CredentialStore(str(tmp_path / "a" / "b")).check_writable()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full(store, monkeypatch):
    store.write(entry(secret="0" * 22))

    def full(_handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            store.write(entry())
    assert store.read("paris-berlin") == entry(secret="0" * 22)
    assert os.listdir(store.directory) == ["paris-berlin.json"]


def _hold(directory, ready, done):
    with CredentialStore(directory).locked("k"):
        ready.set()
        done.wait(30)


def test_a_lock_excludes_others_and_dies_with_its_holder(store):
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(store.directory, ready, done))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(StoreError, match="Another run"), store.locked("k", wait=0.1):
        pass
    with store.locked("another key", wait=0.1):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with store.locked("k", wait=5):
        pass


def _count(directory, rounds):
    store = CredentialStore(directory)
    for _round in range(rounds):
        with store.locked("k"):
            held = store.read("k")
            time.sleep(0.001)
            store.write(entry("k", creation=(held.creation if held else 0) + 1))


def test_parallel_writers_lose_nothing(store):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_count, args=(store.directory, 25)) for _n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert store.read("k").creation == 100


def _write_and_die(directory, step):
    """Write, and be killed at the step-th call that touches the disk: before it for even, after it for odd numbers."""
    calls = 0

    def wrap(function):
        def call(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls * 2 - 1 == step:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **kwargs)
            if calls * 2 == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for name in ("open", "fdopen", "fsync", "replace", "close", "unlink", "listdir"):
        setattr(module.os, name, wrap(getattr(os, name)))
    CredentialStore(directory, vault(default="p")).write(entry(secret="1" * 22))


def test_killed_at_any_step_there_is_the_old_or_the_new(tmp_path):
    outcomes = []
    for step in range(1, 60):
        store = CredentialStore(str(tmp_path / str(step)), vault(default="p"))
        store.prepare()
        store.write(entry(secret="0" * 22))
        child = os.fork()
        if child == 0:
            _write_and_die(store.directory, step)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        secret = store.read("paris-berlin").api_key
        assert secret in ("0" * 22, "1" * 22)
        outcomes.append(secret[0])
        store.write(entry())
        assert os.listdir(store.directory) == ["paris-berlin.json"], "what a killed writer leaves is cleaned up"
        if status == 0:
            break
    assert status == 0 and len(outcomes) > 10
    assert outcomes == sorted(outcomes) and set(outcomes) == {"0", "1"}


@pytest.mark.parametrize(
    "owner, mode, told",
    [(os.geteuid(), 0o777, "by other users"), pytest.param(1234, 0o700, "to another user", marks=AS_ROOT)],
)
def test_nothing_is_written_into_a_folder_that_others_can_write_to(tmp_path, owner, mode, told):
    place = tmp_path / "place"
    place.mkdir()
    os.chown(place, owner, -1)
    place.chmod(mode)
    store = CredentialStore(str(place))
    for action in (store.check_writable, store.prepare):
        with pytest.raises(StoreError, match=told):
            action()
    assert list(place.iterdir()) == []
