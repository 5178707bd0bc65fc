# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory with the elasticsearch.yml of a node. Standard library only. Private to this collection.

The service may own it, and whoever controls the service may then put a link where a file is expected. So root acts as
the owner of the directory there, and does nothing in a directory of its own that others can change.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import pwd
import re
import stat
import tempfile
import typing as t

from .files import MOST, only_owner, others_who_can_change, read_regular

NAME = "elasticsearch.yml"
BEGIN = "# BEGIN crosscluster.elasticsearch"
END = "# END crosscluster.elasticsearch"
BLOCK = re.compile(r"(?ms)^{0}\n(.*?)^{1}$\n?".format(re.escape(BEGIN), re.escape(END)))
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


class ConfigError(Exception):
    """Nothing was written; the message says why, and what to do."""


class File(t.NamedTuple):
    """What is to stand beside elasticsearch.yml."""

    name: str
    content: str
    mode: int
    append: bool


@contextlib.contextmanager
def as_owner(directory: str) -> t.Iterator[str]:
    """Act as the owner of a directory, where root does; gives the directory itself, without links on the way to it."""
    try:
        owner = only_owner(directory) if os.geteuid() == 0 else (0, "")
        place = os.path.realpath(directory)
    except OSError as e:
        raise ConfigError(_unreadable(os.path.join(directory, NAME), e.strerror)) from None
    if owner[0] is None:
        raise ConfigError(
            f"As root nothing is done in [{directory}], because what is there can be changed by {owner[1]}. Let only"
            " its owner write to it and to the directories above it (chmod g-w,o-w), or run as that owner."
        )
    if not owner[0]:
        yield place
        return
    try:
        user = pwd.getpwuid(owner[0])
        group, groups = user.pw_gid, os.getgrouplist(user.pw_name, user.pw_gid)
    except KeyError:
        group = os.stat(place).st_gid
        groups = [group]
    before = os.getegid(), os.getgroups()
    os.setgroups(groups)
    os.setegid(group)
    os.seteuid(owner[0])
    try:
        yield place
    finally:
        os.seteuid(0)
        os.setegid(before[0])
        os.setgroups(before[1])


def target(directory: str) -> str:
    """Where elasticsearch.yml is; a link to elsewhere stays one."""
    path = os.path.join(directory, NAME)
    if os.geteuid() == 0:
        others = others_who_can_change(os.path.dirname(os.path.realpath(path)))
        if others:
            raise ConfigError(
                f"As root nothing is done to [{path}], which is a link to where things can be changed by {others}."
            )
    return os.path.realpath(path)


def read(path: str) -> bytes:
    """elasticsearch.yml, from where it is."""
    try:
        content = read_regular(path, MOST)
    except OSError as e:
        raise ConfigError(_unreadable(path, e.strerror)) from None
    if content is None:
        raise ConfigError(_unreadable(path, f"it is not a regular file of at most {MOST} bytes"))
    return content


def modified(directory: str, names: t.Iterable[str]) -> t.Dict[str, t.Optional[int]]:
    """When files in the directory were last written to, in milliseconds; None for one that is not there."""
    found: t.Dict[str, t.Optional[int]] = {}
    for name in names:
        try:
            found[name] = os.lstat(os.path.join(directory, name)).st_mtime_ns // 1_000_000
        except OSError:
            found[name] = None
    return found


def certificates(directory: str, path: str) -> t.Dict[str, t.Any]:
    """The fingerprints of the certificates in a file below the directory, and what keeps them from being seen.

    elasticsearch.yml, which names it, may be another's to write: nothing else of a file is returned.
    """
    full = os.path.realpath(os.path.join(directory, path))
    if os.path.commonpath([full, os.path.realpath(directory)]) != os.path.realpath(directory):
        # Elasticsearch itself reads such files only from there.
        return {"fingerprints": [], "problem": f"it is not in [{directory}]"}
    try:
        content = read_regular(full, MOST)
    except OSError as e:
        return {"fingerprints": [], "problem": e.strerror}
    if content is None:
        return {"fingerprints": [], "problem": f"it is not a regular file of at most {MOST} bytes"}
    found = [fingerprint(body) for body in bodies(content.decode("utf-8", "replace"))]
    return {"fingerprints": found, "problem": None if found else "it holds no certificate in PEM"}


def bodies(pem: str) -> t.List[str]:
    """The certificates of a PEM file, without what stands around them, so that they can be compared."""
    return ["".join(body.split()) for body in _CERTIFICATE.findall(pem)]


def fingerprint(body: str) -> str:
    """The SHA-256 of a certificate; of something that is none, of its text."""
    try:
        return hashlib.sha256(base64.b64decode(body, validate=True)).hexdigest()
    except (binascii.Error, ValueError):
        return hashlib.sha256(body.encode("utf-8")).hexdigest()


def with_block(text: str, block: str) -> str:
    """A file with our block in the place of the one that is there, or at its end."""
    whole = f"{BEGIN}\n{block}{END}\n" if block else ""
    if BLOCK.search(text):
        return BLOCK.sub(lambda _found: whole, text, count=1)
    return text + ("\n" if text and not text.endswith("\n") and whole else "") + whole


def block_of(text: str) -> str:
    found = BLOCK.search(text)
    return found.group(1) if found else ""


def wanted(directory: str, file: File) -> t.Optional[bytes]:
    """What to write into a file; None when it is as it should be."""
    path = os.path.join(directory, file.name)
    content = file.content.encode("utf-8")
    try:
        state = os.lstat(path)
        held = read_regular(path, MOST) if stat.S_ISREG(state.st_mode) else None
    except FileNotFoundError:
        return content
    except OSError as e:
        raise ConfigError(f"[{path}] cannot be read: {e.strerror}.") from None
    if held is None:
        raise ConfigError(f"[{path}] is not a regular file of at most {MOST} bytes; remove it.")
    if file.append:
        content = held if content in held else held + content
    same = held == content and stat.S_IMODE(state.st_mode) == file.mode
    return None if same and _owner(directory) in (None, (state.st_uid, state.st_gid)) else content


def put(directory: str, file: File, content: bytes) -> None:
    """Write a file, whole or not at all, through no link that waits under its name."""
    _replace(os.path.join(directory, file.name), content, file.mode, _owner(directory))


def rewrite(path: str, content: bytes, label: t.Callable[[str, str], None]) -> None:
    """New content for elasticsearch.yml, which keeps mode, owner and group; `label` hands on what else it bears."""
    state = os.stat(path)
    _replace(path, content, stat.S_IMODE(state.st_mode), (state.st_uid, state.st_gid), lambda new: label(path, new))


def check_rewritable(path: str) -> None:
    """Fail where the new file could not have the owner and the group of the old one."""
    state = os.stat(path)
    if os.geteuid() not in (0, state.st_uid) or (os.geteuid() and state.st_gid not in (os.getegid(), *os.getgroups())):
        raise ConfigError(
            f"Nothing was written: [{path}] belongs to another user or group (uid {state.st_uid}, gid {state.st_gid}) "
            f"than its directory, and would not stay so. Give both to the user of Elasticsearch, or both to root."
        )


def _replace(
    path: str,
    content: bytes,
    mode: int,
    owner: t.Optional[t.Tuple[int, int]],
    label: t.Callable[[str], None] = lambda _new: None,
) -> None:
    new = write_beside(os.path.dirname(path), content)
    try:
        if owner:
            os.chown(new, *owner)
        os.chmod(new, mode)
        label(new)
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise


def write_beside(directory: str, content: bytes) -> str:
    """A new file that only this user can read."""
    handle, path = tempfile.mkstemp(prefix=".crosscluster-", dir=directory)
    with open(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(handle)
    return path


def keep(path: str, when: str) -> str:
    """Keep the present elasticsearch.yml under another name. The new text comes in a new file, so a second name keeps
    the old one: with its owner and mode, and through no link that waits under this name."""
    for number in range(1000):
        backup = f"{path}.{when}{'.' + str(number) if number else ''}~"
        try:
            os.link(path, backup)
            return backup
        except FileExistsError:
            continue
        except OSError as e:
            raise ConfigError(f"[{path}] cannot be kept as [{backup}]: {e.strerror}. Turn the backup off.") from None
    raise ConfigError(f"[{path}] cannot be kept: all names such as [{backup}] are taken. Turn the backup off.")


def _owner(directory: str) -> t.Optional[t.Tuple[int, int]]:
    """Whom files must belong to so that the service can read them; only root gives files away."""
    if os.geteuid() != 0:
        return None
    state = os.stat(os.path.join(directory, NAME))
    return state.st_uid, state.st_gid


def _unreadable(path: str, reason: t.Optional[str]) -> str:
    return f"[{path}] cannot be read: {reason}; config_dir must name its directory"
