# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by lint.py, dist.py and docs.py: environments of tools, running commands with a log each, and the table."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import matrix
import setup

LOGS = os.path.join(matrix.BUILD, "logs")


def environment(name: str, core: str | None = None) -> str:
    """The virtual environment with tools/requirements-NAME.txt, made when it is missing or older than that file.

    core: the ansible-core to have in it, in place of the newest one.
    """
    requirements = os.path.join(setup.ROOT, "tools", "requirements-%s.txt" % name)
    venv = os.path.join(matrix.BUILD, "-".join(filter(None, ("tools", name, core))))
    ready = os.path.join(venv, ".ready")
    if not os.path.exists(ready) or os.path.getmtime(ready) < os.path.getmtime(requirements):
        python = ["--python", matrix.CORES[core][0]] if core else []
        pinned = ["ansible-core==%s.*" % core] if core else []
        script = os.path.join(setup.ROOT, "tools", "setup.py")
        setup.run(sys.executable, script, *python, venv, requirements, *pinned)
    return venv


def variables(name: str, tree: str | None = None, core: str | None = None) -> dict[str, str]:
    """The environment of the tools: their own home, their own programs first, no Ansible configuration of the user."""
    venv = environment(name, core)
    home = os.path.join(matrix.BUILD, "home-" + name)
    os.makedirs(home, exist_ok=True)
    result = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "XDG_"))}
    result.update(
        HOME=home,
        XDG_CACHE_HOME=os.path.join(home, ".cache"),
        ANSIBLE_HOME=os.path.join(home, ".ansible"),
        ANSIBLE_CONFIG=os.path.join(setup.ROOT, "tests", "ansible.cfg"),
        ANSIBLE_COLLECTIONS_PATH=os.path.dirname(os.path.dirname(os.path.dirname(tree or ""))) or "",
        PATH=os.pathsep.join((os.path.join(venv, "bin"), os.environ["PATH"])),
        VIRTUAL_ENV=venv,
        PYTHONPATH=os.path.join(setup.ROOT, "tools"),
        NO_COLOR="1",
    )
    return result


class Checks:
    """Runs checks one by one and keeps what came out; the output of a failed one is shown, all of them are logged."""

    def __init__(self, cwd: str, env: dict[str, str], only: list[str]):
        self.cwd, self.env, self.only = cwd, env, only
        self.rows: list[tuple[str, str, float]] = []

    def wanted(self, name: str) -> bool:
        return not self.only or name in self.only

    def run(self, name: str, *command: str, forbid: tuple[str, ...] = (), cwd: str | None = None) -> bool:
        """Run a command; `forbid` are texts that its output must not hold, for tools that exit 0 on failures."""
        if not self.wanted(name):
            return True
        started = time.monotonic()
        done = subprocess.run(
            command,
            cwd=cwd or self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            errors="replace",
        )
        problems = [line for line in done.stdout.splitlines() if any(text in line for text in forbid)]
        return self.record(name, done.returncode == 0 and not problems, done.stdout, time.monotonic() - started)

    def not_run(self, name: str, reason: str) -> None:
        """Tell that a check was left out; what it needs is not on every machine."""
        if self.wanted(name):
            self.rows.append((name, "not run: " + reason, 0.0))

    def record(self, name: str, passed: bool, output: str, took: float = 0.0) -> bool:
        os.makedirs(LOGS, exist_ok=True)
        log = os.path.join(LOGS, name + ".log")
        with open(log, "w", encoding="utf-8") as stream:
            stream.write(output)
        shown = os.path.relpath(log, setup.ROOT)
        if not passed:
            lines = output.splitlines()
            print("\n--- %s failed%s" % (name, "; its last lines (all: %s)" % shown if len(lines) > 40 else ""))
            print("\n".join(lines[-40:]), flush=True)
        self.rows.append((name, "pass" if passed else "FAIL (%s)" % shown, took))
        return passed

    def finish(self, target: str) -> None:
        unknown = set(self.only) - {name for name, _outcome, _took in self.rows}
        print("\n%-22s %-8s %s" % ("check", "seconds", "outcome"))
        for name, outcome, took in self.rows:
            print("%-22s %-8.1f %s" % (name, took, outcome))
        if unknown:
            print("No such check: %s" % ", ".join(sorted(unknown)))
        failed = [name for name, outcome, _took in self.rows if outcome.startswith("FAIL")]
        if failed:
            print('\nRun some of them again with: make %s ONLY="%s"' % (target, " ".join(failed)))
        sys.exit(bool(failed or unknown))
