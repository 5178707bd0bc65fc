# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a playbook with the real ansible-playbook, cut off from the user's own configuration and home.

run = run_playbook("crosscluster.elasticsearch.trust", directory=tmp_path, extra_vars={...})
assert run.ok, run
assert run.changed == 0
assert run.result("Read the keys")["keys"] == []
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SUPPORT = Path(__file__).resolve().parent
# Another Python runs the playbooks with the ansible-core that it has; the tests and the simulator stay where they are.
PYTHON = os.environ.get("PLAYBOOK_PYTHON") or sys.executable
# Read from the environment by Ansible or by this collection: a test must not depend on what the machine sets.
_FOREIGN = ("ANSIBLE_", "ELASTICSEARCH_", "CROSSCLUSTER_", "PYTEST_")


@dataclasses.dataclass
class Run:
    """What a run of ansible-playbook printed, returned and told its callbacks."""

    rc: int
    stdout: str
    stderr: str
    events: list[dict[str, t.Any]]
    directory: Path
    processes: set[str]  # command lines and environments of what ran, when they were asked for

    @property
    def ok(self) -> bool:
        return self.rc == 0

    @property
    def stats(self) -> dict[str, dict[str, int]]:
        """{host: {ok, changed, failures, skipped, unreachable, rescued, ignored}}; empty when no play ran."""
        return next((event["hosts"] for event in self.events if event["event"] == "playbook_on_stats"), {})

    @property
    def changed(self) -> int:
        """Number of changed tasks over all hosts."""
        return sum(host["changed"] for host in self.stats.values())

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks in the order they started, `role : task` for those of roles."""
        return [event["task"] for event in self.events if event["event"] == "playbook_on_task_start"]

    def results(self, task: str | None = None, host: str | None = None) -> list[dict[str, t.Any]]:
        """Results as a callback gets them (censored where no_log says so) of the tasks whose name ends in `task`."""
        return [
            event["result"]
            for event in self.events
            if event["event"] in ("runner_on_ok", "runner_on_failed", "runner_on_unreachable")
            and (task is None or event["task"].endswith(task))
            and (host is None or event["host"] == host)
        ]

    def result(self, task: str, host: str | None = None) -> dict[str, t.Any]:
        """The one result of that task."""
        found = self.results(task, host)
        assert len(found) == 1, f"{len(found)} results of task {task!r} in {self}"
        return found[0]

    @property
    def messages(self) -> list[str]:
        """The messages of what failed, ignored failures included."""
        return [
            str(e["result"].get("msg"))
            for e in self.events
            if e["event"] in ("runner_on_failed", "runner_item_on_failed")
        ]

    def __str__(self) -> str:
        return f"ansible-playbook ended with {self.rc}\n{self.stdout[-6000:]}\n{self.stderr[-3000:]}"


def environment(directory: Path, **more: str) -> dict[str, str]:
    """Variables for Ansible: own home and temporary folders below `directory`, no user configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    own = {name: directory / name for name in ("home", "ansible", "local_tmp", "remote_tmp", "tmp")}
    for path in own.values():
        path.mkdir(parents=True, exist_ok=True)
    collections = Path(sys.prefix) / "collections"
    return {
        **kept,
        "HOME": str(own["home"]),
        "TMPDIR": str(own["tmp"]),
        "XDG_CACHE_HOME": str(own["home"] / ".cache"),
        "ANSIBLE_HOME": str(own["ansible"]),
        "ANSIBLE_LOCAL_TEMP": str(own["local_tmp"]),
        # With the local connection Ansible takes the home of the user from the system, not from $HOME.
        "ANSIBLE_REMOTE_TMP": str(own["remote_tmp"]),
        "ANSIBLE_ASYNC_DIR": str(directory / "async"),
        "ANSIBLE_CONFIG": str(ROOT / "tests" / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections if collections.is_dir() else ROOT / ".venv" / "collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(_SUPPORT / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DEVEL_WARNING": "0",
        # A value from a server or a store that is taken for a template is an injection: make it an error (core 2.19+).
        "_ANSIBLE_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR": "error",
        "RECORD_EVENTS": str(directory / "events.jsonl"),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(_SUPPORT / "startup"), os.environ.get("PYTHONPATH")))),
        "TESTS_BYTECODE": str(ROOT / ".cache" / "bytecode"),
        "PYTHONIOENCODING": "utf-8",
        "LC_ALL": "C.UTF-8",
        **more,
    }


def local_inventory(*hosts: str, **variables: t.Any) -> dict[str, t.Any]:
    """An inventory of hosts that all are this machine."""
    common = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON, **variables}
    return {"all": {"hosts": {host: {} for host in hosts or ("localhost",)}, "vars": common}}


def run_playbook(
    playbook: str | os.PathLike[str] | list[dict[str, t.Any]],
    *,
    directory: str | os.PathLike[str],
    inventory: str | os.PathLike[str] | dict[str, t.Any] | None = None,
    extra_vars: dict[str, t.Any] | None = None,
    check: bool = False,
    diff: bool = False,
    verbosity: int = 0,
    vault_ids: dict[str, str] | None = None,
    arguments: t.Sequence[str] = (),
    env: dict[str, str] | None = None,
    watch_processes: bool = False,
    timeout: float = 300,
) -> Run:
    """Run a playbook: an FQCN, a file, or plays as Python objects.

    directory: everything that the run writes goes below it; what the test hands in goes to `input` below it.
    inventory: a file, or an inventory as Python objects; default is localhost with this interpreter.
    vault_ids: {label: password}; the label `default` is what --vault-password-file gives.
    watch_processes: sample the command lines and environments of all that runs (Linux).
    """
    directory = Path(directory)
    given = directory / "input"
    given.mkdir(parents=True, exist_ok=True)
    if isinstance(playbook, list):
        playbook = _dump(given / "playbook.yml", playbook)
    if inventory is None or isinstance(inventory, dict):
        inventory = _dump(given / "inventory.yml", inventory or local_inventory())
    command = [PYTHON, "-m", "ansible", "playbook", str(playbook), "-i", str(inventory)]
    if extra_vars is not None:
        command += ["-e", "@%s" % _dump(given / "extra_vars.yml", extra_vars)]
    for label, password in (vault_ids or {}).items():
        path = given / ("vault_password_" + label)
        path.write_text(password)
        path.chmod(0o600)
        command += ["--vault-id", "%s@%s" % (label, path)]
    command += ["--check"] * check + ["--diff"] * diff + ["-" + "v" * verbosity] * bool(verbosity) + [*arguments]

    # core 2.21 puts a socket into its temporary folder, and the path of a socket has little room.
    short = tempfile.mkdtemp(prefix="cc-", dir="/tmp" if os.path.isdir("/tmp") else None)
    variables = {**environment(directory), "TMPDIR": short, "ANSIBLE_LOCAL_TEMP": short, **(env or {})}
    events = Path(variables["RECORD_EVENTS"])
    events.unlink(missing_ok=True)
    process = subprocess.Popen(
        command, cwd=directory, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    with _Watch(variables["RECORD_EVENTS"], watch_processes) as watch:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            raise AssertionError(
                "ansible-playbook took longer than %s s\n%s\n%s" % (timeout, stdout[-3000:], stderr[-3000:])
            ) from None
        finally:
            # What was left there counts among what the run has written.
            shutil.copytree(short, directory / "tmp", symlinks=True, dirs_exist_ok=True, ignore=_sockets)
            shutil.rmtree(short, ignore_errors=True)
    return Run(process.returncode, stdout, stderr, _read_events(events), directory, watch.seen)


def _dump(path: Path, data: t.Any) -> Path:
    path.write_text(json.dumps(data, default=str), encoding="utf-8")  # JSON is YAML
    return path


def _sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(folder, name).is_socket() or Path(folder, name).is_fifo()]


def _read_events(path: Path) -> list[dict[str, t.Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


class _Watch:
    """Collects what other users of the machine could see of the processes of one run.

    They are told by a variable that all of them inherit: from core 2.19 on, workers have sessions of their own.
    """

    def __init__(self, mark: str, wanted: bool) -> None:
        self.seen: set[str] = set()
        self._mark = mark.encode()
        self._stop = threading.Event()
        works = wanted and os.path.isdir("/proc/self")
        self._thread = threading.Thread(target=self._work, daemon=True) if works else None

    def __enter__(self) -> _Watch:
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(0.02):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    environ = Path("/proc", pid, "environ").read_bytes()
                    if self._mark in environ:
                        for data in (environ, Path("/proc", pid, "cmdline").read_bytes()):
                            self.seen.add(data.replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:
                    continue  # it ended meanwhile, or is another user's
