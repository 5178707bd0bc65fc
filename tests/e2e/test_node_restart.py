# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that restarts a node, and what is told of it."""

from __future__ import annotations

import pytest

from support.modules import run_module


def test_check_real_again(tmp_path):
    command = {"command": ["sh", "-c", f"echo done >> {tmp_path}/ran; echo said"]}
    checked = run_module("node_restart", command, check=True)
    assert checked.changed and not (tmp_path / "ran").exists(), checked
    for number in (1, 2):  # a restart is one each time
        run = run_module("node_restart", command)
        assert run.changed and (tmp_path / "ran").read_text() == "done\n" * number
        assert "said" not in str({**run, "invocation": None}), run


@pytest.mark.parametrize(
    "command, told",
    [
        (["sh", "-c", "printf 'no \\033[2Jway' >&2; exit 3"], "failed with 3: no  [2Jway"),
        (["false"], "failed with 1: it said nothing"),
        (["/nowhere/at/all"], "cannot be run: [/nowhere/at/all]: No such file or directory"),
        ([], "command is empty"),
    ],
)
def test_a_failure_names_the_cause(command, told):
    run = run_module("node_restart", {"command": command})
    assert run.failed and told in run.msg, run
