# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keystore file as Elasticsearch writes it (rules 6.4).

Only the standard library and `cryptography` are used, and only when needed:
the tool in a node's home must start quickly.
"""

from __future__ import annotations

import os
import struct
import zlib

try:
    from .. import versions
except ImportError:  # the tool in a node's home
    import versions  # type: ignore[no-redef]

FILE_NAME = "elasticsearch.keystore"
MIN_FORMAT, LITTLE_ENDIAN_FORMAT, HIGHER_ITERATIONS_FORMAT, LONGER_KEY_FORMAT = 3, 5, 6, 7
MAX_FORMAT = LONGER_KEY_FORMAT
CODEC_MAGIC = 0x3FD76C17
FOOTER_LENGTH = 16
KEY_BYTES = 32  # before format 7 the first half of them
SEED = "keystore.seed"
SEED_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789~!@#$%^&*-_=+?"
NAME_PATTERN = r"[A-Za-z0-9_\-.]+"
NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")


class KeystoreSecurityError(Exception):
    """What the server calls a SecurityException: wrong password or a damaged block."""


class KeystoreFormatError(Exception):
    """A file this version cannot read; the tool ends with a stack trace on it."""

    java = "java.lang.IllegalStateException"


class KeystoreCorruptError(KeystoreFormatError):
    """A file that is no keystore, or is damaged."""

    java = "org.apache.lucene.index.CorruptIndexException"


class KeystoreEndError(KeystoreFormatError):
    """A file that ends too early."""

    java = "java.io.EOFException"


class KeystoreUserError(Exception):
    """An error with an exit code of its own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def format_for(version: versions.Version) -> int:
    """The format that an Elasticsearch version writes."""
    if version < (8, 0):
        return 4
    return 5 + sum(versions.has(version, feature) for feature in ("keystore_format_6", "keystore_format_7"))


def valid_name(name: str) -> bool:
    return bool(name) and NAME_CHARS.issuperset(name)


class KdfCache:
    """The key derived from an empty password and one salt, so that unprotected files cost no key derivation.

    A shortcut of the simulator: what is written stays readable by the real server, but saves share their salt
    (not their IV).
    """

    def __init__(self, salt: bytes = b"", keys: dict[int, bytes] | None = None) -> None:
        self.salt = salt
        self.keys = keys or {}

    @classmethod
    def read(cls, path: str) -> KdfCache:
        try:
            with open(path, "rb") as stream:
                data = stream.read()
        except OSError:
            return cls()
        salt, rest = data[:64], data[64:]
        return cls(salt, {10000: rest[:KEY_BYTES], 210000: rest[KEY_BYTES:]}) if len(rest) == 2 * KEY_BYTES else cls()

    @classmethod
    def make(cls) -> KdfCache:
        salt = os.urandom(64)
        return cls(salt, {n: _derive("", salt, n) for n in (10000, 210000)})

    def write(self, path: str) -> None:
        with open(path, "wb") as stream:
            stream.write(self.salt + self.keys[10000] + self.keys[210000])

    def key(self, password: str, salt: bytes, file_format: int) -> bytes:
        iterations = 210000 if file_format >= HIGHER_ITERATIONS_FORMAT else 10000
        known = not password and salt == self.salt and iterations in self.keys
        key = self.keys[iterations] if known else _derive(password, salt, iterations)
        return key if file_format >= LONGER_KEY_FORMAT else key[: KEY_BYTES // 2]


def _derive(password: str, salt: bytes, iterations: int) -> bytes:
    import hashlib

    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, KEY_BYTES)


class Keystore:
    """A keystore in memory. `entries` is None while the file is still locked."""

    def __init__(self, file_format: int = MAX_FORMAT, cache: KdfCache | None = None) -> None:
        self.format = file_format
        self.has_password = False
        self.entries: dict[str, bytes] | None = None
        self.cache = cache or KdfCache()
        self._salt = self._iv = self._block = b""

    @classmethod
    def create(cls, file_format: int, cache: KdfCache | None = None) -> Keystore:
        keystore = cls(file_format, cache)
        keystore.entries = {}
        keystore.add_seed()
        return keystore

    @classmethod
    def load(cls, config_dir: str, max_format: int = MAX_FORMAT, cache: KdfCache | None = None) -> Keystore | None:
        """Read the file without opening it; None when there is none."""
        path = os.path.join(config_dir, FILE_NAME)
        try:
            with open(path, "rb") as stream:
                data = stream.read()
        except FileNotFoundError:
            return None
        return cls.parse(data, path, max_format, cache)

    @classmethod
    def parse(cls, data: bytes, path: str, max_format: int, cache: KdfCache | None = None) -> Keystore:
        header = struct.pack(">I", CODEC_MAGIC) + bytes([len(FILE_NAME)]) + FILE_NAME.encode()
        start = len(header) + 4
        if len(data) < start + 1 + FOOTER_LENGTH and header.startswith(data[: len(header)]):
            raise KeystoreEndError(f'read past EOF: NIOFSIndexInput(path="{path}")')
        if not data.startswith(header):
            raise KeystoreCorruptError(
                f"codec header mismatch: actual header={int.from_bytes(data[:4], 'big')} vs expected "
                f'header={CODEC_MAGIC} (resource=BufferedChecksumIndexInput(NIOFSIndexInput(path="{path}")))'
            )
        (file_format,) = struct.unpack_from(">i", data, len(header))
        if file_format < MIN_FORMAT:
            raise KeystoreFormatError(
                f"The Elasticsearch keystore [{path}] format is too old. You should delete and "
                "recreate it in order to upgrade."
            )
        if file_format > max_format:
            raise KeystoreFormatError(
                f"The Elasticsearch keystore [{path}] format is too new. Are you trying to downgrade? "
                "You should delete and recreate it in order to downgrade."
            )
        magic, algorithm = struct.unpack_from(">Ii", data, len(data) - FOOTER_LENGTH)
        (checksum,) = struct.unpack_from(">Q", data, len(data) - 8)
        if magic != CODEC_MAGIC ^ 0xFFFFFFFF or algorithm != 0 or checksum != zlib.crc32(data[:-8]):
            raise KeystoreCorruptError(
                f"checksum failed (hardware problem?) : expected={checksum:x} actual={zlib.crc32(data[:-8]):x} "
                f'(resource=BufferedChecksumIndexInput(NIOFSIndexInput(path="{path}")))'
            )
        order = "<" if file_format >= LITTLE_ENDIAN_FORMAT else ">"
        keystore = cls(file_format, cache)
        try:
            if data[start] not in (0, 1):
                raise KeystoreFormatError(f"hasPassword boolean is corrupt: {data[start]:02x}")
            keystore.has_password = data[start] == 1
            (size,) = struct.unpack_from(order + "i", data, start + 1)
            offset, end = start + 5, len(data) - FOOTER_LENGTH
            if offset + size != end:
                raise KeystoreSecurityError("Keystore has been corrupted or tampered with")
            keystore._salt, offset = _bytes(data, offset, order)
            keystore._iv, offset = _bytes(data, offset, order)
            keystore._block, offset = _bytes(data, offset, order)
        except struct.error as error:
            raise KeystoreSecurityError("Keystore has been corrupted or tampered with") from error
        if offset != end:
            raise KeystoreSecurityError("Keystore has been corrupted or tampered with")
        return keystore

    def decrypt(self, password: str) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self.cache.key(password, self._salt, self.format)
        try:
            plain = AESGCM(key).decrypt(self._iv, self._block, self._salt)
        except InvalidTag as error:
            raise KeystoreSecurityError("Provided keystore password was incorrect") from error
        entries: dict[str, bytes] = {}
        (count,) = struct.unpack_from(">i", plain, 0)
        offset = 4
        for _unused in range(count):
            (length,) = struct.unpack_from(">H", plain, offset)
            name = plain[offset + 2 : offset + 2 + length].decode()
            offset += 2 + length
            if self.format == 3:  # a type word stood between name and value
                (length,) = struct.unpack_from(">H", plain, offset)
                offset += 2 + length
            entries[name], offset = _bytes(plain, offset, ">")
        self.entries = entries

    def encode(self, password: str) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        assert self.entries is not None
        plain = struct.pack(">i", len(self.entries))
        for name, value in self.entries.items():
            plain += struct.pack(">H", len(name)) + name.encode() + struct.pack(">i", len(value)) + value
        salt = self.cache.salt if self.cache.salt and not password else os.urandom(64)
        iv = os.urandom(12)
        block = AESGCM(self.cache.key(password, salt, self.format)).encrypt(iv, plain, salt)
        order = "<" if self.format >= LITTLE_ENDIAN_FORMAT else ">"
        data = struct.pack(">I", CODEC_MAGIC) + bytes([len(FILE_NAME)]) + FILE_NAME.encode()
        data += struct.pack(">i", self.format) + (b"\1" if password else b"\0")
        data += struct.pack(order + "i", 12 + len(salt) + len(iv) + len(block))
        for part in (salt, iv, block):
            data += struct.pack(order + "i", len(part)) + part
        data += struct.pack(">Ii", CODEC_MAGIC ^ 0xFFFFFFFF, 0)
        return data + struct.pack(">Q", zlib.crc32(data))

    def save(self, config_dir: str, password: str) -> None:
        """Write beside the file, then move over it; refuse when that would change the owner."""
        path = os.path.join(config_dir, FILE_NAME)
        temporary = path + ".tmp"
        data = self.encode(password)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660)
        except FileExistsError:
            os.unlink(temporary)  # so that the next write can do it
            raise
        except PermissionError as error:
            raise KeystoreUserError(
                78,
                f"unable to create temporary keystore at [{temporary}], write permissions required for "
                f"[{config_dir}] or run [elasticsearch-keystore upgrade]",
            ) from error
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        try:
            old = os.stat(path)
        except FileNotFoundError:
            old = None
        if old is not None and old.st_uid != os.stat(temporary).st_uid:
            os.unlink(temporary)
            raise KeystoreUserError(
                78, f"will not overwrite keystore at [{path}], because this incurs changing the file owner"
            )
        os.chmod(temporary, 0o660)
        os.replace(temporary, path)
        self.has_password = bool(password)

    def add_seed(self) -> None:
        assert self.entries is not None
        if SEED not in self.entries:
            self.entries[SEED] = "".join(SEED_CHARS[b % len(SEED_CHARS)] for b in os.urandom(20)).encode()


def _bytes(data: bytes, offset: int, order: str) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(order + "i", data, offset)
    start = offset + 4
    if length < 0 or start + length > len(data):
        raise KeystoreSecurityError("Keystore has been corrupted or tampered with")
    return data[start : start + length], start + length
