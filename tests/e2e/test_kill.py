# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut off after any write, the next run ends with one live key that all nodes hold, and no search failed in between."""

from __future__ import annotations

import pytest

from support.links import SLOW, Searching

pytestmark = pytest.mark.needs(since="8.13")

# Every write of a run on two nodes: the key, two keystores, the reload, then the settings or the revocation.
FIRST = {1: "key made", 2: "one keystore", 3: "both keystores", 4: "reload", 5: "settings"}
ROTATION = {1: "key made", 2: "one keystore", 3: "both keystores", 4: "reload", 5: "revoked"}
TEARDOWN = {1: "settings", 2: "one keystore", 3: "both keystores", 4: "reload", 5: "revoked"}
QUICK = {"trust": (2,), "rotate": (1, 3), "untrust": (2,)}


def cut(name):
    table = {"trust": FIRST, "rotate": ROTATION, "untrust": TEARDOWN}[name]
    return [
        pytest.param(after, id=f"{after}-{what.replace(' ', '-')}")
        for after, what in table.items()
        if SLOW or after in QUICK[name]
    ]


def killed(links, playbook, after):
    run = links.play(
        playbook, env={"ANSIBLE_CALLBACKS_ENABLED": "record,cut", "CUT_AFTER": str(after)}, arguments=["--forks", "1"]
    )
    assert run.rc == -9, str(run)


def converged(links):
    run = links.play("trust")
    assert run.ok, str(run)
    assert len(links.live_keys("berlin", "paris-berlin")) == 1
    assert links.all_work()
    again = links.play("trust", check=True)
    assert again.ok and again.changed == 0, str(again)


@pytest.mark.parametrize("after", cut("trust"))
def test_a_first_run_that_was_killed(links, after):
    killed(links, "trust", after)
    converged(links)


@pytest.mark.parametrize("after", cut("rotate"))
def test_a_rotation_that_was_killed(links, after):
    assert links.play("trust").ok
    with Searching(links, "paris", "berlin") as searching:
        killed(links, "rotate", after)
        converged(links)
    assert searching.made > 50 and searching.failed == []


@pytest.mark.parametrize("after", cut("untrust"))
def test_a_teardown_that_was_killed(links, after):
    assert links.play("trust").ok
    killed(links, "untrust", after)
    run = links.play("untrust")
    assert run.ok, str(run)
    assert links.live_keys("berlin", "paris-berlin") == []
    again = links.play("untrust", check=True)
    assert again.ok and again.changed == 0, str(again)
