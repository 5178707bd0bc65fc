# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was read from a keystore, for as long as its file is the same. Standard library only.

Private to this collection.

Every question to the keystore tool starts a JVM, and it answers for one setting at a time. The tool writes a new salt
with every change, so a file with the same digest holds the same entries, and what was read from it holds still. Kept
are names and ids of API keys, never secrets, in the cache directory of the user the module runs as.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import tempfile
import typing as t

from .._node.files import cache_directory, read_regular
from .tool import KEYSTORE_FILE, PACKAGE_CONFIG, TOOL

_FORMAT = 1
_MOST = 1 << 20
_LARGEST = 64 << 20  # of a keystore; a large one has some kilobytes
# Packages read ES_PATH_CONF from one of these, and it beats the environment of the caller.
_PACKAGE_SETTINGS = ("/etc/default/elasticsearch", "/etc/sysconfig/elasticsearch")
# Beside every tool of Elasticsearch; it decides where the configuration is.
_DECIDES = "elasticsearch-env"
# What is read with certainty; anything else that may say where the configuration is makes the places unsure.
_PLAIN = re.compile(r"""\s*(?:export\s+)?ES_PATH_CONF=(["']?)(/[\w./+@%-]+)\1\s*\Z""")
_UNSURE = re.compile(r"""ES_PATH_CONF|^\s*(?:\.|source)\s""")

Data = t.Dict[str, t.Any]


def places(
    tool: str, config_dir: t.Optional[str], package_settings: t.Sequence[str] = _PACKAGE_SETTINGS
) -> t.List[str]:
    """Every file that the tool may take for the keystore; empty when that cannot be told.

    It cannot for a script that calls the tool, maybe in a container.
    """
    tools, name = os.path.split(os.path.realpath(tool))
    if name != TOOL or not os.path.exists(os.path.join(tools, _DECIDES)):
        return []
    directories = [config_dir or "", os.path.join(os.path.dirname(tools), "config"), PACKAGE_CONFIG]
    for path in package_settings:
        try:
            content = read_regular(path, _MOST)
        except FileNotFoundError:
            continue
        except OSError:
            return []
        if content is None:
            return []
        text = content.decode("utf-8", "surrogateescape")
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#") and _UNSURE.search(line)]
        plain = [found.group(2) for found in map(_PLAIN.match, lines) if found]
        if len(plain) < len(lines):
            return []
        directories += plain
    return sorted({os.path.join(directory, KEYSTORE_FILE) for directory in directories if directory})


class Snapshot:
    """The files that may be the keystore, as they were before a write that may go wrong."""

    def __init__(self, places: t.Sequence[str]) -> None:
        self._files: t.Dict[str, t.Tuple[bytes, os.stat_result]] = {}
        for place in places:
            with contextlib.suppress(OSError):
                content = read_regular(place, _LARGEST)
                if content is not None:
                    self._files[place] = content, os.stat(place)

    def __bool__(self) -> bool:
        return bool(self._files)

    def changed(self) -> t.List[str]:
        """What is not as it was. Raises OSError where that cannot be seen."""
        return [path for path, (content, _state) in self._files.items() if read_regular(path, _LARGEST) != content]

    def put_back(self) -> None:
        """Raises OSError where that cannot be done, or would be done in a directory that somebody else can change."""
        for path in self.changed():
            content, state = self._files[path]
            directory = os.path.dirname(path)
            if os.stat(directory).st_uid != os.geteuid():
                raise PermissionError(directory)
            handle, temporary = tempfile.mkstemp(dir=directory)
            try:
                with open(handle, "wb") as stream:
                    stream.write(content)
                    os.fchown(handle, state.st_uid, state.st_gid)
                    os.fchmod(handle, stat.S_IMODE(state.st_mode))
                os.replace(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise


class KeystoreMemory:
    """What was read from the keystore that lies in one of these places."""

    def __init__(self, places: t.Sequence[str], environ: t.Mapping[str, str]) -> None:
        self._places = list(places)
        name = hashlib.sha256("\0".join(self._places).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._path = os.path.join(cache_directory(environ), f"keystore-{name}.json")

    def snapshot(self) -> Snapshot:
        """The files as they are."""
        return Snapshot(self._places)

    def digest(self) -> t.Optional[str]:
        """Of all files that the tool may read, because it alone knows which it takes; None: better ask the tool."""
        total = hashlib.sha256()
        found = False
        for place in self._places:
            try:
                content = read_regular(place, _LARGEST)
            except FileNotFoundError:
                continue
            except OSError:
                return None
            if content is None:
                return None
            total.update(place.encode("utf-8", "surrogateescape") + b"\0" + hashlib.sha256(content).digest())
            found = True
        return total.hexdigest() if found else None

    def recall(self, digest: t.Optional[str]) -> Data:
        """What was read while the files had this digest."""
        try:
            # A file that somebody else could have written proves nothing.
            with open(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as stream:
                state = os.fstat(stream.fileno())
                if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o022:
                    return {}
                kept = json.loads(stream.read(_MOST))
        except (OSError, ValueError):
            return {}
        wanted = {"format": _FORMAT, "digest": digest}
        if not isinstance(kept, dict) or digest is None or {name: kept.get(name) for name in wanted} != wanted:
            return {}
        read = kept.get("read")
        return read if isinstance(read, dict) else {}

    def keep(self, digest: str, read: Data) -> None:
        """Remember it. Where that is not possible, the next run asks the tool again."""
        directory = os.path.dirname(self._path)
        with contextlib.suppress(OSError):
            os.makedirs(directory, mode=0o700, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=directory)
            try:
                with open(handle, "w", encoding="utf-8") as stream:
                    json.dump({"format": _FORMAT, "digest": digest, "read": read}, stream)
                os.replace(temporary, self._path)
            except BaseException:
                os.unlink(temporary)
                raise
