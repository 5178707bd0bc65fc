# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files on a node that others may have a hand in. Standard library only. Private to this collection."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import stat
import time
import typing as t

_OURS = "crosscluster.elasticsearch"
MOST = 1 << 20
"""Bytes of a file that people write: settings, certificates."""


def read_regular(path: str, most: int) -> t.Optional[bytes]:
    """The content of a regular file; None when it is something else, which may hang whoever reads it, or too large.

    Raises OSError as open() does.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
        state = os.fstat(stream.fileno())
        content = stream.read(most + 1) if stat.S_ISREG(state.st_mode) else None
    return content if content is None or len(content) <= most else None


def others_who_can_change(path: str) -> t.Optional[str]:
    """Who beside root may put something else in the place of a file or directory: the owner or the group of it, of a
    link or of a directory on the way to it, or everybody. None when root alone can."""
    return next((_owned(place, uid) if uid else who for place, uid, who in _hands(path) if uid or who), None)


def only_owner(path: str) -> t.Tuple[t.Optional[int], str]:
    """The one user beside root who can put something else in the place of a directory, and whose it is; 0 where root
    alone can. None, with who stands in the way, where several can."""
    hands = list(_hands(path))
    owners = {uid for _place, uid, _who in hands if uid}
    owner = os.stat(path).st_uid
    if not owners:
        return next(((None, who) for _place, _uid, who in hands if who), (0, ""))
    stranger = next(((place, uid) for place, uid, _who in hands if uid and uid != owner), None)
    if stranger:
        return None, _owned(*stranger)
    # What its owner lets a group do in its own directories is its own affair.
    return next(((None, who) for _place, uid, who in hands if who and not uid), (owner, ""))


def _hands(path: str, depth: int = 0) -> t.Iterator[t.Tuple[str, int, t.Optional[str]]]:
    """For each directory and link on the way to a path, and for its end: the owner, and who else may change it."""
    if depth > 40:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    place = ""
    for part in os.path.abspath(path).split(os.sep):
        place = os.path.join(place or os.sep, part)
        state = os.lstat(place)
        if stat.S_ISLNK(state.st_mode):
            yield place, state.st_uid, None
            rest = os.path.relpath(os.path.abspath(path), place)
            aim = os.path.join(os.path.dirname(place), os.readlink(place), "" if rest == "." else rest)
            yield from _hands(aim, depth + 1)
            return
        yield place, state.st_uid, _others(place, state)


def _others(place: str, state: os.stat_result) -> t.Optional[str]:
    # In a sticky directory nobody replaces what is another's.
    if state.st_mode & stat.S_ISVTX:
        return None
    if state.st_mode & stat.S_IWOTH:
        return "everybody, who may write to [{0}]".format(place)
    # The group root is no more root than another group.
    if state.st_mode & stat.S_IWGRP:
        return "the group [{0}], which may write to [{1}]".format(_group(state.st_gid), place)
    return None


def _owned(place: str, uid: int) -> str:
    return "the user [{0}], who owns [{1}]".format(_user(uid), place)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def cache_directory(environ: t.Mapping[str, str]) -> str:
    """Where this user keeps what it remembers; nobody else can open it once it is made."""
    # Not $HOME, and the variable only for a place of this user: with some become methods both are of the user before.
    base = environ.get("XDG_CACHE_HOME") or ""
    if not os.path.isabs(base) or not _is_ours(base):
        try:
            base = os.path.join(pwd.getpwuid(os.geteuid()).pw_dir, ".cache")
        except KeyError:
            base = os.devnull
    return os.path.join(base, _OURS)


def _is_ours(path: str) -> bool:
    while not os.path.exists(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return os.stat(path).st_uid == os.geteuid()


class Busy(Exception):
    """Another process has the lock, and kept it."""


def acquire(
    handle: int,
    seconds: float,
    sleep: t.Callable[[float], None] = time.sleep,
    clock: t.Callable[[], float] = time.monotonic,
) -> None:
    """Lock an open file. Busy when another process keeps the lock; OSError where the file system knows no locks."""
    import fcntl

    end = clock() + seconds
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            if e.errno not in (errno.EACCES, errno.EAGAIN):
                raise
        if clock() >= end:
            raise Busy
        sleep(0.05)


@contextlib.contextmanager
def locked(
    path: str,
    seconds: float,
    sleep: t.Callable[[float], None] = time.sleep,
    clock: t.Callable[[], float] = time.monotonic,
) -> t.Iterator[None]:
    """Hold the lock on a file that no other user can open; where none can be made there is no lock."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield
        return
    try:
        with contextlib.suppress(OSError):
            acquire(handle, seconds, sleep, clock)
        yield
    finally:
        os.close(handle)
