# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search everything a run has left behind for secrets, in every form they could have taken.

sweep = Sweep([encoded])
sweep.run(run)                      # a Run of support.playbook: screen, events, processes, files
sweep.text("log of berlin", world.log("berlin"))
assert sweep.clean, sweep
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import typing as t
import urllib.parse
from pathlib import Path


def parts(secret: str) -> set[str]:
    """The secret itself; of an encoded API key also `id:secret` and the secret alone."""
    found = {secret}
    try:
        decoded = base64.b64decode(secret, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return found
    key_id, colon, alone = decoded.partition(":")
    return found | {decoded, alone} if colon and key_id and len(alone) >= 8 else found


def forms(secret: str) -> dict[str, str]:
    """{form: what to search for}; a form is named for messages, which must not repeat the secret."""
    searched: dict[str, str] = {}
    for number, part in enumerate(sorted(parts(secret), key=len)):
        name = "part %d" % number
        data = part.encode()
        once = base64.b64encode(data)
        searched[f"{name} raw"] = part
        searched[f"{name} json"] = json.dumps(part)[1:-1]
        searched[f"{name} url"] = urllib.parse.quote(part, safe="")
        searched[f"{name} url lower"] = urllib.parse.quote(part, safe="").replace("%3A", "%3a").replace("%3D", "%3d")
        searched[f"{name} hex"] = data.hex()
        searched[f"{name} hex upper"] = data.hex().upper()
        searched[f"{name} base64"] = once.decode().rstrip("=")
        searched[f"{name} base64 twice"] = base64.b64encode(once).decode().rstrip("=")
        searched[f"{name} url-safe base64"] = base64.urlsafe_b64encode(data).decode().rstrip("=")
        for shift in (1, 2):
            # In the middle of something longer that is base64 (a header, a module's payload) it starts at another bit.
            inner = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
            searched[f"{name} base64 shifted {shift}"] = inner[4:-2]
    return searched


class Sweep:
    """Collects findings; says what it has searched, so that a test can see it searched something."""

    def __init__(self, secrets: t.Iterable[str]) -> None:
        self._forms = [
            (f"secret {n} {name}", form) for n, secret in enumerate(secrets, 1) for name, form in forms(secret).items()
        ]
        assert self._forms, "no secret to search for"
        self.findings: list[str] = []
        self.places = 0
        self.characters = 0

    @property
    def clean(self) -> bool:
        return not self.findings and self.places > 0

    def text(self, place: str, content: t.Any) -> None:
        """Search a text, or anything as its JSON."""
        if not isinstance(content, str):
            content = json.dumps(content, default=str, ensure_ascii=False)
        self.places += 1
        self.characters += len(content)
        self.findings += [f"{name} in {place}" for name, form in self._forms if form in content]

    def tree(self, directory: Path, ignore: t.Sequence[Path] = ()) -> None:
        """Search all files below a directory, and their names."""
        for base, _folders, files in os.walk(directory):
            for name in files:
                path = Path(base, name)
                if any(path.is_relative_to(other) for other in ignore):
                    continue
                if path.is_file():  # no sockets or pipes
                    self.text(str(path), str(path) + "\n" + path.read_bytes().decode("utf-8", "replace"))

    def run(self, run: t.Any, ignore: t.Sequence[Path] = ()) -> None:
        """Search all that a playbook printed, told its callbacks, showed in its processes and left in files."""
        self.text("stdout", run.stdout)
        self.text("stderr", run.stderr)
        self.text("events", run.events)
        for command in run.processes:
            self.text("a process: " + command.split(" ")[0], command)
        self.tree(run.directory, [run.directory / "input", *ignore])

    def __str__(self) -> str:
        return f"{len(self.findings)} findings in {self.places} places ({self.characters} characters): " + "; ".join(
            self.findings[:20]
        )
