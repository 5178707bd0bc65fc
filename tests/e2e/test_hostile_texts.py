# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server, a node or a tool says is never a template; before ansible-core 2.19 it would be run here."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.links import report

pytestmark = pytest.mark.needs("faults")
# Elsewhere the tests make an error of what looks like a template and is none; here it is what a text may look like.
AS_CORE = {"_ANSIBLE_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR": "ignore"}
PLAYBOOKS = ("trust", "rotate", "verify", "report", "untrust")


@pytest.fixture
def evil(tmp_path):
    """A text that leaves a file when it is templated, and a terminal in disorder when it is shown as it is."""
    return "<{{ 7*7 }}{{ lookup('pipe', 'touch " + str(tmp_path / "owned") + "') }}\x1b[2J>"


def held(run, tmp_path):
    """Nothing was run, and nothing that a terminal obeys was printed."""
    assert not (tmp_path / "owned").exists(), str(run)
    assert "<49" not in run.stdout + run.stderr, str(run)
    bare = [line for line in (run.stdout + run.stderr).splitlines() if "\x1b" in line]
    assert bare == []
    assert not [text for text in run.messages if "Traceback" in text or "mistake in the collection" in text], str(run)


def lying_tool(links, evil, fails):
    """The tool of every node of paris says this when it is asked to do one of these."""
    for node in links.clusters["paris"]["nodes"]:
        tool = Path(node["home"], "bin", "lying")
        words = Path(node["home"], "lib", "words")
        words.write_text(evil)
        tool.write_text(
            f'#!/bin/sh\ncase "$1" in {fails}) cat {words} >&2; exit 74;; esac\nexec "{node["keystore"]}" "$@"\n'
        )
        tool.chmod(0o755)
        node["keystore"] = str(tool)


@pytest.mark.parametrize(("fails", "playbooks"), [("add", ["trust"]), ("show|list", ["trust", "report"])])
def test_a_keystore_tool(links, evil, tmp_path, fails, playbooks):
    lying_tool(links, evil, fails)
    for playbook in playbooks:
        held(links.play(playbook, env=AS_CORE), tmp_path)


@pytest.mark.parametrize(
    ("cluster", "method", "path", "playbooks"),
    [
        ("berlin", "POST", "/_security/cross_cluster/api_key", ["trust"]),
        ("berlin", "POST", "/_security/_query/api_key", ["trust"]),
        ("berlin", "DELETE", "/_security/api_key", ["trust", "rotate"]),
        ("paris", "PUT", "/_cluster/settings", ["trust"]),
        ("paris", "POST", "*/reload_secure_settings", ["trust"]),
        ("paris", "GET", "/_nodes/*", ["trust"]),
        ("paris", "GET", "/_remote/info", ["verify"]),
        ("paris", None, "*berlin*", ["trust", "report"]),
    ],
)
def test_a_reason(links, evil, tmp_path, cluster, method, path, playbooks):
    links.links[0]["roles"] = [{"name": "reader", "remote_indices": [{"names": ["*"], "privileges": ["read"]}]}]
    links.world.fault(cluster, kind="status", method=method, path=path, status=400, reason=evil, times=0)
    for playbook in playbooks:
        held(links.play(playbook, env=AS_CORE), tmp_path)
    links.world.clear_faults()


@pytest.mark.parametrize("cluster", ["paris", "berlin"])
def test_every_text_of_a_server(links, evil, tmp_path, cluster):
    assert links.play("trust").ok
    links.world.fault(cluster, kind="texts", text=evil, times=0)
    for playbook in PLAYBOOKS:
        held(links.play(playbook, env=AS_CORE), tmp_path)
    links.world.clear_faults()


def test_names(links, evil, tmp_path):
    """Names of nodes, keys, owners and realms, where all the rest is right."""
    assert links.play("trust").ok
    links.api("berlin").key("paris-berlin")  # one that is told of
    for only in (["name"], ["username", "realm"]):
        links.world.fault("berlin", kind="texts", text=evil, only=only, times=0)
        links.world.fault("paris", kind="texts", text=evil, only=only, times=0, path="/_nodes*")
        for playbook in ("trust", "report"):
            held(links.play(playbook, env=AS_CORE), tmp_path)
        links.world.clear_faults()


def test_a_text_in_a_report_is_told(links, evil):
    """It is not lost either: the operator reads what the server said."""
    links.world.fault(
        "berlin", kind="status", path="/_security/cross_cluster/api_key", status=400, reason=evil, times=0
    )
    note = report(links.play("trust", env=AS_CORE))["paris/berlin"]["note"]
    assert "{{ 7*7 }}" in note and note.isprintable()
    links.world.clear_faults()
