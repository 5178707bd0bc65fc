# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential store: a directory on the controller with one file per key. Private to this collection.

Format, version 1: JSON (which is YAML as well), encrypted as a whole by Ansible Vault when a vault secret is loaded::

    {"format": "crosscluster.elasticsearch/credential", "version": 1,
     "name": "paris-berlin", "id": "VuaCfGcBCdbkQm-e5aOx", "encoded": "...",
     "creation": 1712345678901, "expiration": null,
     "cluster": {"urls": ["https://berlin-1:9200"]}}

Files of the key `paris-berlin`: `paris-berlin.json` (the credential), `paris-berlin.intent` (only between the decision
to make a key and the credential being stored), `.paris-berlin.lock` (empty). A name that is not a plain file name gets
a readable stem and a digest. The name of the cluster is not part of it, because the lookup must find a credential
without asking anybody: use one directory per server cluster where two of them have keys of the same name.

Every write goes to a new file that is flushed to the disk, renamed over the old one, and made permanent by flushing the
directory: cut off anywhere, there is the old content or the new one. Writers of one key exclude each other by a lock
that the kernel drops when its holder dies.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets as random_names
import stat
import typing as t

from ansible.errors import AnsibleError
from ansible.parsing.vault import is_encrypted, match_encrypt_secret

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key import credential
from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node.files import Busy, acquire

FORMAT = "crosscluster.elasticsearch/credential"
INTENT_FORMAT = "crosscluster.elasticsearch/intent"
VERSION = 1
LOCK_WAIT = 120.0
_LARGEST = 1 << 20
_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


class StoreError(Exception):
    """Something is wrong with the store; the text never holds content of a file."""


class Entry(t.NamedTuple):
    """A stored credential."""

    name: str
    id: str
    encoded: str
    creation: t.Optional[int] = None
    expiration: t.Optional[int] = None
    urls: t.Tuple[str, ...] = ()

    @property
    def api_key(self) -> str:
        """The secret alone."""
        return min(credential.secret_forms(self.encoded), key=len)

    def to_document(self) -> dict[str, t.Any]:
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "id": self.id,
            "encoded": self.encoded,
            "creation": self.creation,
            "expiration": self.expiration,
            "cluster": {"urls": list(self.urls)},
        }


def file_stem(name: str) -> str:
    """A file name for a key name. Names may hold anything, and some file systems do not tell upper from lower case."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    readable = re.sub(r"[^a-z0-9_-]+", "_", name.lower())[:60].strip("_")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    # No plain name has a "~", so the two kinds cannot meet.
    return f"{readable or 'key'}~{digest}"


class CredentialStore:
    """Reads and writes the credentials in one directory."""

    def __init__(self, directory: str, vault: t.Any = None, vault_id: str | None = None) -> None:
        self.directory = directory
        self._vault = vault
        self._vault_id = vault_id

    @property
    def encrypts(self) -> bool:
        """Whether what is written is encrypted."""
        return bool(self._vault is not None and self._vault.secrets)

    def path(self, name: str) -> str:
        return os.path.join(self.directory, file_stem(name) + ".json")

    def intent_path(self, name: str) -> str:
        return os.path.join(self.directory, file_stem(name) + ".intent")

    # Reading

    def read(self, name: str) -> Entry | None:
        """The credential of that name; None when there is none; StoreError when it is there but of no use."""
        path = self.path(name)
        document = self._read(path, FORMAT)
        if document is None:
            return None
        key_id, encoded, cluster = document.get("id"), document.get("encoded"), document.get("cluster")
        inspected = credential.inspect(encoded) if isinstance(encoded, str) else None
        times = [document.get(field) for field in ("creation", "expiration")]
        if (
            inspected is None
            or inspected.state != credential.PRESENT
            or inspected.api_key_id != key_id
            or any(type(moment) not in (int, type(None)) for moment in times)
        ):
            raise StoreError(f"The stored credential {path} is damaged: its fields do not fit together. {_again(path)}")
        if document.get("name") != name:
            raise StoreError(f"The stored credential {path} is of another key than '{name}'. {_again(path)}")
        urls = cluster.get("urls") if isinstance(cluster, dict) else None
        return Entry(
            name, str(key_id), str(encoded), times[0], times[1], tuple(map(str, urls if isinstance(urls, list) else ()))
        )

    def read_intent(self, name: str) -> dict[str, t.Any] | None:
        """What an earlier run wrote down before it made a key, if it never came to store the credential."""
        document = self._read(self.intent_path(name), INTENT_FORMAT)
        if document is None:
            return None
        if document.get("name") != name or not isinstance(document.get("intent"), dict):
            raise StoreError(f"{self.intent_path(name)} is damaged. {_again(self.intent_path(name))}")
        return document["intent"]

    def _read(self, path: str, wanted: str) -> dict[str, t.Any] | None:
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
                state = os.fstat(stream.fileno())
                data = stream.read(_LARGEST) if stat.S_ISREG(state.st_mode) else b""
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise StoreError(
                f"The stored credential {path} cannot be read: {_why(exc)}. Run as the user who owns it, or correct its"
                " permissions."
            ) from exc
        # What others could have written decides which keys are used and which are revoked.
        self._check_hands(self.directory, os.stat(self.directory))
        self._check_hands(path, state)
        mode = state.st_mode
        if is_encrypted(data):
            data = self._decrypt(path, data)
        elif self.encrypts:
            raise StoreError(
                f"{path} is not encrypted, although a vault secret is loaded, so it may be of somebody who does not"
                f" know that secret. If it is yours: ansible-vault encrypt {path}"
            )
        elif mode & (stat.S_IRWXG | stat.S_IRWXO) and wanted == FORMAT:
            raise StoreError(
                f"The stored credential {path} is not encrypted, and other users may open it (mode"
                f" {stat.S_IMODE(mode):04o})."
                f" Replace the key if they may have read it; otherwise: chmod 600 {path}"
            )
        try:
            document = json.loads(data)
        except ValueError:
            document = None
        if (
            not isinstance(document, dict)
            or document.get("format") != wanted
            or isinstance(document.get("version"), bool)
            or not isinstance(document.get("version"), int)
        ):
            raise StoreError(f"{path} is damaged: it is not a file of the credential store. {_again(path)}")
        if document["version"] > VERSION:
            raise StoreError(
                f"{path} has format version {document['version']}, and this version of crosscluster.elasticsearch knows"
                f" versions up to {VERSION}: update the collection."
            )
        return document

    @staticmethod
    def _check_hands(path: str, state: os.stat_result) -> None:
        """StoreError where another user than this one or root may write."""
        if state.st_uid not in (os.geteuid(), 0):
            raise StoreError(
                f"{path} belongs to another user (uid {state.st_uid}), who may have written anything into it: run as"
                " that user, or see what it holds and take it over with chown."
            )
        # In a sticky directory nobody replaces the files of others.
        if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not state.st_mode & stat.S_ISVTX:
            raise StoreError(
                f"{path} may be written to by other users (mode {stat.S_IMODE(state.st_mode):04o}), who may have put "
                f"anything there. See what it holds, then: chmod go-w {path}"
            )

    def _decrypt(self, path: str, data: bytes) -> bytes:
        if not self.encrypts:
            raise StoreError(
                f"The stored credential {path} is encrypted, and no vault secret is loaded: give it with --vault-id or"
                " --vault-password-file (in AWX: a vault credential on the job template)."
            )
        try:
            return self._vault.decrypt(data)
        except AnsibleError as exc:
            raise StoreError(
                f"The stored credential {path} cannot be decrypted with the vault secrets that are loaded: load the"
                f" one it"
                " was written with. If that is right, the file is damaged."
            ) from exc

    # Writing

    def check_writable(self) -> None:
        """StoreError when a credential could not be written. Changes nothing."""
        place = self.directory
        while not os.path.lexists(place) and os.path.dirname(place) != place:
            place = os.path.dirname(place)
        if not os.path.isdir(place):
            raise self._not_writable(f"{place} is not a directory")
        if not os.access(place, os.W_OK | os.X_OK):
            raise self._not_writable(f"no permission to write to {place}")
        if place == self.directory:
            self._check_hands(self.directory, os.stat(self.directory))

    def prepare(self) -> None:
        """Make the directory."""
        try:
            self.check_writable()
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
        except OSError as exc:
            raise self._not_writable(_why(exc)) from exc

    @contextlib.contextmanager
    def locked(self, name: str, wait: float = LOCK_WAIT) -> t.Iterator[None]:
        """Keep other writers of this key out, on this machine. The kernel drops the lock when the process dies."""
        self.prepare()
        path = os.path.join(self.directory, f".{file_stem(name)}.lock")
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as exc:
            raise self._not_writable(_why(exc)) from exc
        try:
            self._acquire(handle, path, name, wait)
            self._remove_left_over(file_stem(name))
            yield
        finally:
            os.close(handle)

    def _acquire(self, handle: int, path: str, name: str, wait: float) -> None:
        try:
            acquire(handle, wait)
        except Busy:
            raise StoreError(
                f"Another run has been working on the key '{name}' in the credential store {self.directory} for"
                f" {wait:g} s (lock {path}): wait until it has ended, and run again."
            ) from None
        except OSError as exc:
            raise self._not_writable(f"its lock {path} does not work: {_why(exc)}") from exc

    def write(self, entry: Entry) -> None:
        """Store a credential. When this returns it is on the disk."""
        self._write(self.path(entry.name), entry.to_document())

    def write_intent(self, name: str, intent: t.Mapping[str, t.Any]) -> None:
        """Note that a key is about to be made, and so find out that the store can be written, before it is made."""
        document = {"format": INTENT_FORMAT, "version": VERSION, "name": name, "intent": dict(intent)}
        self._write(self.intent_path(name), document)

    def remove(self, name: str) -> bool:
        """Remove a credential. Returns whether there was one."""
        return self._unlink(self.path(name))

    def remove_intent(self, name: str) -> None:
        self._unlink(self.intent_path(name))

    def _unlink(self, path: str) -> bool:
        try:
            os.unlink(path)
            self._flush_directory()
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise self._not_writable(f"{path}: {_why(exc)}") from exc
        return True

    def _write(self, path: str, document: t.Mapping[str, t.Any]) -> None:
        data = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
        if self.encrypts:
            label, secret = self._encryption_secret()
            data = self._vault.encrypt(data, secret=secret, vault_id=label)
        self._remove_left_over(os.path.basename(path))
        temporary = os.path.join(self.directory, f".{os.path.basename(path)}.{random_names.token_hex(8)}.tmp")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.replace(temporary, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
            self._flush_directory()
        except OSError as exc:
            raise self._not_writable(_why(exc)) from exc

    def _remove_left_over(self, start: str) -> None:
        # Of a writer that was killed; the lock is held, so nobody is using it.
        prefix = f".{start}."
        with contextlib.suppress(OSError):
            for found in os.listdir(self.directory):
                if found.startswith(prefix) and found.endswith(".tmp"):
                    os.unlink(os.path.join(self.directory, found))

    def _flush_directory(self) -> None:
        handle = os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        except OSError as exc:
            if exc.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
                raise
        finally:
            os.close(handle)

    def _encryption_secret(self) -> tuple[str, t.Any]:
        """The vault identity to encrypt with: the configured one, else `default`, else the first that is loaded."""
        try:
            if self._vault_id:
                return match_encrypt_secret(self._vault.secrets, encrypt_vault_id=self._vault_id)
        except AnsibleError as exc:
            raise self._not_writable(
                f"the vault identity '{self._vault_id}' (vault_encrypt_identity in ansible.cfg) is not loaded"
            ) from exc
        loaded = [(label, secret) for label, secret in self._vault.secrets if label == "default"]
        return loaded[0] if loaded else match_encrypt_secret(self._vault.secrets)

    def _not_writable(self, why: str) -> StoreError:
        return StoreError(
            f"The credential store {self.directory} cannot be written: {why}. Correct that, or give another directory."
        )


def _again(path: str) -> str:
    return f"Restore it from a backup, or move it away ({path}) and make a new key with rotate=true."


def _why(exc: OSError) -> str:
    return exc.strerror or type(exc).__name__
