# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link whose key is given: what is asked for, what is planned, and what the phases do."""

from __future__ import annotations

import base64
import typing as t

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input import given
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import outcome, phases
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.phase import read
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import Run, RunOptions

FIRST = (phases.KEYSTORES, phases.GATHER)
HOSTS = ("a-1", "a-2", "a-3")
PLACE = (given.CLIENT, "remote_cluster_info", "")


def encoded(key_id: str) -> str:
    return base64.b64encode(f"{key_id}:{'s' * 22}".encode()).decode()


ASKED = {
    "alias": "hosted", "state": "present", "credential": encoded("new"), "settings": {"proxy_address": "b:9443"},
    "connection": {"urls": ["https://a:9200"]}, "api_from": "localhost", "keystore": "", "keystore_password": "",
    "config_dir": "", "url": "", "node_name": "", "wait": 20, "restart": False,
}  # fmt: skip


def remote(settings: dict[str, str], ok: bool) -> dict[str, t.Any]:
    return {"alias": "hosted", "settings": settings, "security_model": "api_key", "probe": {"ok": ok}}


class World:
    """The nodes of a cluster, their keystores, and the settings of the alias. A key works when it is the new one."""

    version = "9.5.0"

    def __init__(self, held: dict[str, str | None], pointed: str | None) -> None:
        self.wrote = False
        self.files = dict(held)
        self.memory = dict(held)
        self.pointed = pointed

    def run(self, cut: int | None = None, **asked: t.Any) -> tuple[Run, dict[str, t.Any]]:
        data = given.complete({**ASKED, **asked}, HOSTS)
        run = Run(data, RunOptions(**data["options"]), {}, data["now"])
        run.hand_over({**ASKED, **asked}["credential"])
        count = 0
        for phase in phases.ORDER:
            run.told.setdefault(phase.name, {})
            for call in list(phase.calls(run)):
                count += phase not in FIRST
                if cut is not None and count > cut:
                    return run, {}
                key = call.place if phase.at == "nodes" else (call.place, call.module, call.label)
                run.told[phase.name][key] = getattr(self, f"_{call.module}")(call)
            if phase not in FIRST:
                read(run, phase)
        self.wrote = any(run.progress["hosted"].done - {"prove"})
        return run, outcome.rows(run, 0)[0]

    def _keystore_info(self, call: t.Any) -> dict[str, t.Any]:
        held = self.files[call.place]
        return {"credentials": {"hosted": {"api_key_id": held.split()[0]}} if held else {}, "modified": 2}

    def _remote_cluster_info(self, call: t.Any) -> dict[str, t.Any]:
        works = self.pointed == "b:9443" and set(self.memory.values()) == {"new"}
        settings = {"proxy_address": self.pointed, "mode": "proxy"} if self.pointed else {}
        nodes = [
            {"id": name, "name": name, "roles": ["remote_cluster_client"], "version": self.version, "started": 1}
            for name in HOSTS
        ]
        return {"remotes": [remote(settings, works)] if self.pointed else [], "nodes": nodes}

    def _keystore(self, call: t.Any) -> dict[str, t.Any]:
        (name,) = call.arguments["settings"]
        absent = call.arguments.get("state") == "absent"
        # The secret is at hand; no other node is asked for it.
        assert absent or call.arguments["settings"][name] == ASKED["credential"]
        before, self.files[call.place] = self.files[call.place], None if absent else "new"
        return {"settings": [{"name": name, "changed": self.files[call.place] != before}]}

    def _reload_secure_settings(self, call: t.Any) -> dict[str, t.Any]:
        if self.version.startswith("8.12"):
            return {"changed": True, "restart_required": True}
        self.memory = dict(self.files)
        return {"changed": True}

    def _remote_cluster(self, call: t.Any) -> dict[str, t.Any]:
        (entry,) = call.arguments["remotes"]
        self.pointed = None if entry.get("state") == "absent" else entry["proxy_address"]
        return {"remotes": [{"alias": "hosted", "changed": True}]}


WORLDS = st.builds(
    World,
    st.fixed_dictionaries({host: st.sampled_from([None, "old", "new", "new with a wrong secret"]) for host in HOSTS}),
    st.sampled_from([None, "c:9443", "b:9443"]),
)


@generated(WORLDS, st.lists(st.integers(0, 6), max_size=2), st.sampled_from(["present", "absent"]))
def test_it_is_made_and_goes_wherever_a_run_is_cut_off(world: World, cuts: list[int], state: str) -> None:
    for cut in cuts:
        world.run(cut, state=state)
    run, row = world.run(state=state)
    assert row["ok"], row
    assert {*world.files.values()} == ({"new"} if state == "present" else {None})
    assert world.pointed == ("b:9443" if state == "present" else None)
    # No server is asked, and nothing is made or revoked.
    asked = {place[0] for told in run.told.values() for place in told if isinstance(place, tuple)}
    assert asked <= {given.CLIENT}
    _again, row = world.run(state=state)
    assert row["state"] == ("right" if state == "present" else "gone") and not world.wrote, row


def test_without_a_credential_the_keystores_are_left_alone() -> None:
    world = World(dict.fromkeys(HOSTS, "old"), None)
    run, row = world.run(credential="")
    assert {*world.files.values()} == {"old"}
    assert "deliver" not in run.planned["hosted"].plan.actions() and row["state"] == "failed", row
    world = World(dict.fromkeys(HOSTS), None)
    _run, row = world.run(credential="")
    assert row["state"] == "blocked" and "give remote_cluster_client_credential" in row["note"], row


def test_a_new_alias_needs_an_address() -> None:
    world = World(dict.fromkeys(HOSTS), None)
    _run, row = world.run(settings={"skip_unavailable": True})
    assert row["state"] == "blocked" and "give proxy_address or seeds" in row["note"] and not world.wrote, row


def test_a_restart_that_is_owed_is_owed_until_it_is_done() -> None:
    world = World(dict.fromkeys(HOSTS, "old"), "b:9443")
    world.version = "8.12.0"
    for _time in range(2):
        _run, row = world.run()
        assert row["state"] == "failed" and "restart a-1, a-2 and a-3" in row["note"], row


def test_no_settings_are_written_for_a_credential_that_reached_no_node() -> None:
    class FullDisk(World):
        def _keystore(self, call: t.Any) -> dict[str, t.Any]:
            return {"failed": True, "msg": "the disk is full"}

    world = FullDisk(dict.fromkeys(HOSTS), None)
    _run, row = world.run()
    assert world.pointed is None and "the disk is full" in row["note"], row


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"alias": "a,b"}, "remote_cluster_client_alias: "),
        ({"credential": "s" * 22}, "is not an encoded API key: it looks like the field [api_key] alone"),
        ({"settings": {"proxy_address": "https://x:y@b"}}, "remote_cluster_client_settings: proxy_address"),
        ({"settings": {"seeds": ["b:9300"], "mode": "proxy"}}, "remote_cluster_client_settings"),
        ({"settings": {"sead": ["b:9300"]}}, "did you mean [seeds]?"),
        ({"connection": {}}, "remote_cluster_client_connection has no urls"),
        ({"connection": {"urls": ["https://x:y@a"]}}, "remote_cluster_client_connection.urls"),
    ],
)
def test_what_is_wrong_is_told(asked: dict[str, t.Any], words: str) -> None:
    with pytest.raises(ValueError, match=r".*") as caught:
        given.complete({**ASKED, **asked}, HOSTS)
    assert words in str(caught.value) and "x:y" not in str(caught.value)


def test_what_each_host_says_of_itself() -> None:
    data = given.complete(ASKED, HOSTS)
    assert given.node({**ASKED, "url": "https://a-1:9200"}, data) == {"url": "https://a-1:9200"}
    for asked, words in (
        ({"wait": 5}, "remote_cluster_client_wait is not the same for all hosts"),
        ({"credential": encoded("other")}, "remote_cluster_client_credential is not the same"),
        ({"url": "paris-1:9200"}, "remote_cluster_client_url"),
    ):
        with pytest.raises(ValueError, match=words):
            given.node({**ASKED, **asked}, data)
    assert ASKED["credential"] not in str(data)
    without = given.complete({**ASKED, "connection": {}, "url": "https://a-1:9200"}, HOSTS)
    assert without["clusters"][given.CLIENT]["urls"] == ["https://a-1:9200"]
