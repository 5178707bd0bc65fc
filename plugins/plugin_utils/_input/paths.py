# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where files on the controller are that the variables of a user name.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import os
import typing as t

LOGIN_FILES = ("ca_cert", "client_cert", "client_key")


def places(path: str, sources: t.Iterable[t.Any]) -> t.List[str]:
    """Where a path may lead: beside each source of the inventory, for a folder in it first, then in the current one."""
    path = os.path.expanduser(path)
    folders: t.List[str] = []
    for source in map(str, sources):
        if os.path.isdir(source):
            folders.append(source)
        # A list of hosts in place of a file has commas.
        if "," not in source or os.path.exists(source):
            folders.append(os.path.dirname(os.path.abspath(source)))
    return list(dict.fromkeys(os.path.join(folder, path) for folder in [*folders, os.getcwd()]))


def find(path: str, sources: t.Iterable[t.Any]) -> t.Optional[str]:
    """The first of these places where there is something."""
    return next(filter(os.path.exists, places(path, sources)), None)


def nowhere(path: str, sources: t.Iterable[t.Any]) -> str:
    """That a path leads nowhere, and which places were tried. Where it is no path it may be a key, and is not shown."""
    if "\n" in path or "-----" in path or len(path) > 255:
        return "it must be the path of a file, not what is in one"
    tried = places(path, sources)
    return "there is no file [{0}]{1}".format(path, "" if tried == [path] else "; tried: " + ", ".join(tried))
