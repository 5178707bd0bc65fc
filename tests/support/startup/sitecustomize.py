# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the archive of a module holds is compiled once, and not in each of thousands of module runs.

Ansible sends a module with the sources of all that it imports, and Python keeps no bytecode of what is in an archive.
Python imports this by itself, see support/playbook.py.
"""

import hashlib
import marshal
import os
import sys
import tempfile
import zipimport

_compile = getattr(zipimport, "_compile_source", None)
_FOLDER = os.path.join(os.environ.get("TESTS_BYTECODE", ""), sys.implementation.cache_tag)


def _compile_once(pathname, source):
    kept = os.path.join(_FOLDER, hashlib.sha256(source).hexdigest())
    try:
        with open(kept, "rb") as stream:
            return marshal.load(stream)
    except (OSError, ValueError, EOFError):
        code = _compile(pathname, source)
        handle, new = tempfile.mkstemp(dir=_FOLDER)
        with open(handle, "wb") as stream:
            marshal.dump(code, stream)
        os.replace(new, kept)
        return code


if _compile and "TESTS_BYTECODE" in os.environ:
    os.makedirs(_FOLDER, exist_ok=True)
    zipimport._compile_source = _compile_once
