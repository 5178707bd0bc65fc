# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a playbook with ansible-runner as AWX does: a private data directory, variables and environment given from
outside, the
project read-only, the user not root, and all that the run leaves behind read back from its artifacts."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from support.playbook import environment

KIT = Path(__file__).resolve().parents[2] / "extensions" / "awx"

# Root inside a container would be allowed to write everywhere; a user namespace makes the same process an ordinary
# user.
NOT_ROOT = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
# Written by ansible-runner itself, with all that was injected.
RUNNERS_OWN = ("command",)


def not_root() -> list[str] | None:
    """The prefix that takes root away; [] when nobody is root; None when it cannot be done here."""
    if os.getuid() != 0:
        return []
    if not shutil.which("unshare"):
        return None
    return NOT_ROOT if subprocess.run([*NOT_ROOT, "true"], capture_output=True, check=False).returncode == 0 else None


@dataclasses.dataclass
class Job:
    """A run, seen through its artifacts only."""

    directory: Path
    rc: int
    status: str
    events: list[dict[str, t.Any]]
    stdout: str

    @property
    def changed(self) -> int:
        return sum(self.stats.get("changed", {}).values())

    @property
    def stats(self) -> dict[str, t.Any]:
        return next((event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"), {})

    @property
    def artifacts(self) -> dict[str, t.Any]:
        """What set_stats gave: AWX keeps it with the job, hands it to the next one of a workflow and shows it."""
        return self.stats.get("artifact_data", {})

    def files(self) -> t.Iterator[tuple[str, bytes]]:
        """All that the run left in its artifacts, but for what ansible-runner stores of the environment that it was
        given.
        """
        for path in sorted(self.directory.rglob("*")):
            if path.is_file() and path.name not in RUNNERS_OWN:
                yield str(path.relative_to(self.directory)), path.read_bytes()

    def __str__(self) -> str:
        return f"{self.status} ({self.rc})\n{self.stdout[-5000:]}"


def start(
    directory: Path,
    playbook: str,
    extra_vars: dict[str, t.Any],
    env: dict[str, str],
    inventory: dict[str, t.Any],
    ident: str,
    arguments: t.Sequence[str] = (),
) -> subprocess.Popen[str]:
    """Start a job. `directory` is made new for each, as AWX does: nothing is kept between runs."""
    project = directory / "project"
    shutil.copytree(KIT / "project", project)
    for name in ("env", "inventory", "work"):
        (directory / name).mkdir()
    variables = environment(directory / "work")
    (directory / "env" / "envvars").write_text(json.dumps({**_ansible(variables), **env}))
    (directory / "env" / "extravars").write_text(json.dumps(extra_vars))
    (directory / "env" / "settings").write_text(json.dumps({"suppress_ansible_output": True}))
    (directory / "inventory" / "hosts.json").write_text(json.dumps(inventory))
    for path in [project, *project.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    prefix = not_root()
    assert prefix is not None
    command = [
        *prefix,
        sys.executable,
        "-m",
        "ansible_runner",
        "run",
        str(directory),
        "-p",
        playbook,
        "-i",
        ident,
        "-q",
    ]
    if arguments:
        command += ["--cmdline", " ".join(arguments)]
    path = os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", "/usr/bin:/bin")])
    return subprocess.Popen(
        command, env={**variables, "PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _ansible(variables: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in variables.items()
        if name.startswith(("ANSIBLE_", "_ANSIBLE_")) or name in ("HOME", "TMPDIR")
    }


def finish(process: subprocess.Popen[str], directory: Path, ident: str, timeout: float = 400) -> Job:
    try:
        output, _none = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    artifacts = directory / "artifacts" / ident
    assert (artifacts / "rc").exists(), output
    events = sorted(
        (json.loads(path.read_text()) for path in (artifacts / "job_events").glob("*.json")),
        key=lambda event: event["counter"],
    )
    return Job(
        artifacts,
        int((artifacts / "rc").read_text()),
        (artifacts / "status").read_text(),
        events,
        (artifacts / "stdout").read_text(),
    )
