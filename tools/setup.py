# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a virtual environment for the other make targets: tools/setup.py VENV REQUIREMENTS...

Needs nothing but a python3 with the venv module. Uses the newest Python it finds among 3.13 ... 3.10 (on PATH and in
pyenv), because that one takes the newest ansible-core. Everything, package caches included, stays in the checkout.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys

SUITABLE = ("3.13", "3.12", "3.11", "3.10")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(ROOT, ".cache")


def candidates(version: str):
    """Paths that may hold this version: PATH first, then pyenv, newest patch release first."""
    on_path = shutil.which("python" + version)
    if on_path:
        yield on_path
    pyenv = os.environ.get("PYENV_ROOT") or os.path.join(os.path.expanduser("~"), ".pyenv")
    yield from sorted(
        glob.glob(os.path.join(pyenv, "versions", version + ".*", "bin", "python" + version)), reverse=True
    )
    if "%d.%d" % sys.version_info[:2] == version:
        yield sys.executable


def works(path: str) -> bool:
    """A pyenv shim exists for versions that are not active, and some distributions split venv off: so try it."""
    probe = subprocess.run(
        [path, "-c", "import ensurepip, venv"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return probe.returncode == 0


def find_python(only: str | None = None) -> str:
    for version in (only,) if only else SUITABLE:
        for path in candidates(version):
            if works(path):
                return path
    sys.exit(
        "setup: no usable Python %s found on PATH or in pyenv (needs venv; Debian: apt install python3-venv)."
        % (only or " ... ".join((SUITABLE[0], SUITABLE[-1])))
    )


def run(*command: str, **environment: str) -> None:
    try:
        subprocess.run(command, check=True, env=dict(os.environ, **environment))
    except subprocess.CalledProcessError as error:
        sys.exit(
            "setup: `%s` ended with exit code %d; its output above says why."
            % (" ".join(command[:4]), error.returncode)
        )


def link_collection(venv: str) -> None:
    """Let Ansible and Python find this checkout as ansible_collections.crosscluster.elasticsearch, wherever it lies."""
    link = os.path.join(venv, "collections", "ansible_collections", "crosscluster", "elasticsearch")
    os.makedirs(os.path.dirname(link), exist_ok=True)
    if os.path.islink(link):
        os.unlink(link)
    os.symlink(os.path.relpath(ROOT, os.path.dirname(link)), link)


def main() -> None:
    arguments = sys.argv[1:]
    only = None
    if arguments[:1] == ["--python"]:
        only, arguments = arguments[1], arguments[2:]
    if len(arguments) < 2:
        sys.exit(__doc__)
    venv, requirements = os.path.abspath(arguments[0]), arguments[1:]
    python = find_python(only)
    print("setup: %s with %s" % (os.path.relpath(venv, ROOT), python), flush=True)
    run(python, "-m", "venv", "--clear", venv)
    inside = os.path.join(venv, "bin", "python")
    # uv installs several times faster than pip; compiled files save every module run the time to compile `requests`.
    run(
        inside,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--cache-dir",
        os.path.join(CACHE, "pip"),
        "uv",
    )
    wanted = [part for path in requirements for part in (("-r", path) if os.path.exists(path) else (path,))]
    run(
        inside,
        "-m",
        "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        inside,
        "--compile-bytecode",
        *wanted,
        UV_CACHE_DIR=os.path.join(CACHE, "uv"),
    )
    link_collection(venv)
    with open(os.path.join(venv, ".ready"), "w", encoding="utf-8") as ready:
        ready.write(python + "\n")


if __name__ == "__main__":
    main()
