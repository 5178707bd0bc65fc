# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection into .build/dist and check the tarball as Galaxy and certification do: tools/dist.py [CHECK...]

The last checks install it into an empty path outside the checkout, beside nothing but ansible-core and requests, and
run its documentation, its playbooks and the whole demo from there.
"""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tarfile
import tempfile

import checks
import matrix
import setup

DIST = os.path.join(matrix.BUILD, "dist")
MEGABYTE = 1024 * 1024
NEEDED = (
    "MANIFEST.json",
    "README.md",
    "LICENSE",
    "CHANGELOG.rst",
    "changelogs/changelog.yaml",
    "meta/runtime.yml",
    "meta/execution-environment.yml",
    "plugins/modules/cross_cluster_api_key.py",
    "docs/docsite/links.yml",
)
UNWANTED = (
    ".git/",
    ".build/",
    ".cache/",
    ".venv/",
    "__pycache__",
    ".pyc",
    ".tar.gz",
    "tests/output/",
)
# galaxy-importer exits 0 when a step of it fails; what it logs then is the only sign.
IMPORTER_FAILURES = ("ERROR", "WARNING", "CRITICAL", "Traceback")
IMPORTER_CONFIG = """[galaxy-importer]
CHECK_REQUIRED_TAGS = True
CHECK_CHANGELOG = True
RUN_ANSIBLE_DOC = True
RUN_ANSIBLE_LINT = True
OFFLINE_ANSIBLE_LINT = True
RUN_ANSIBLE_TEST = False
LOG_LEVEL_MAIN = INFO
"""


def content_problems(tarball: str) -> list[str]:
    with tarfile.open(tarball) as archive:
        names = archive.getnames()
        large = [member.name for member in archive.getmembers() if member.size > MEGABYTE]
    problems = ["missing: " + name for name in NEEDED if name not in names]
    problems += ["unwanted: " + name for name in names if any(part in name for part in UNWANTED)]
    problems += ["larger than a megabyte: " + name for name in large]
    if os.path.getsize(tarball) > 20 * MEGABYTE:
        problems.append("larger than 20 MB as a whole")
    return problems


def main() -> None:
    tree = matrix.copy_tree("dist")
    env = checks.variables("dist", tree)
    run = checks.Checks(tree, env, sys.argv[1:])
    shutil.rmtree(DIST, ignore_errors=True)
    os.makedirs(DIST)
    if not run.run("build", "ansible-galaxy", "collection", "build", "--force", "--output-path", DIST):
        run.finish("dist")
    built = glob.glob(os.path.join(DIST, "*.tar.gz"))
    if not built:
        sys.exit("dist: ONLY must include `build`, which makes the tarball that the other checks look at.")
    tarball = built[0]

    if run.wanted("content"):
        problems = content_problems(tarball)
        run.record("content", not problems, "\n".join(problems))

    config = os.path.join(matrix.BUILD, "galaxy-importer.cfg")
    with open(config, "w", encoding="utf-8") as stream:
        stream.write(IMPORTER_CONFIG)
    env["GALAXY_IMPORTER_CONFIG"] = config
    importer = (os.path.join(env["VIRTUAL_ENV"], "bin", "python"), "-m", "galaxy_importer.main", tarball)
    # The importer leaves its findings in the working directory.
    run.run("importer", *importer, forbid=IMPORTER_FAILURES, cwd=DIST)

    with tempfile.TemporaryDirectory(prefix="crosscluster-") as outside:
        install(run, env, tarball, outside)
    run.finish("dist")


def install(run: checks.Checks, env: dict[str, str], tarball: str, here: str) -> None:
    empty, venv = os.path.join(here, "collections"), os.path.join(here, "venv")
    programs = os.path.join(venv, "bin")
    setup.run(sys.executable, "-m", "venv", venv)
    pip = (os.path.join(programs, "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    if not run.run("plain-python", *pip, "--cache-dir", os.path.join(setup.CACHE, "pip"), "ansible-core", "requests"):
        return
    for name in ("ANSIBLE_CONFIG", "PYTHONPATH"):
        env.pop(name)
    env.update(ANSIBLE_COLLECTIONS_PATH=empty, VIRTUAL_ENV=venv, ANSIBLE_HOME=os.path.join(here, "home"))
    env["PATH"] = os.pathsep.join((programs, env["PATH"]))
    galaxy = ("ansible-galaxy", "collection", "install", "--offline", "--collections-path", empty, tarball)
    if not run.run("install", *galaxy, cwd=here):
        return
    root = os.path.join(empty, "ansible_collections", "crosscluster", "elasticsearch")
    names = sorted(os.path.basename(path)[:-3] for path in glob.glob(os.path.join(root, "plugins", "modules", "*.py")))
    run.run("installed-docs", "ansible-doc", *("crosscluster.elasticsearch." + name for name in names), cwd=here)
    playbooks = sorted(glob.glob(os.path.join(root, "playbooks", "*.yml")))
    called = ["crosscluster.elasticsearch." + os.path.basename(path)[:-4] for path in playbooks]
    run.run("installed-playbooks", "ansible-playbook", "-i", "localhost,", "--syntax-check", *called, cwd=here)
    # The simulator is no part of the tarball: it comes from the checkout, in a Python of its own.
    env["PYTHONPATH"] = os.path.join(setup.ROOT, "tests")
    demo = (os.path.join(setup.ROOT, ".venv", "bin", "python"), os.path.join(setup.ROOT, "tools", "demo.py"))
    run.run("installed-demo", *demo, programs, os.path.join(here, "demo"), cwd=here)


if __name__ == "__main__":
    main()
