# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five laws of a link, for generated states: the phases of the roles are run in a small world of its own, with
calls that fail and cut off anywhere, and again until nothing is left to do."""

from __future__ import annotations

import base64
import functools
import itertools
import json
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions import registered
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.links import complete, normalise
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import outcome, phases
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links import phase as phasing
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._links.run import Call, Run, RunOptions
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import case
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk

NOW = 1_800_000_000_000
DAY = 86_400_000
NODES = ("paris-1", "paris-2", "paris-3")
TASKS = Path(__file__).parents[5] / "roles" / "cross_cluster_trust" / "tasks"
MARKED = {lk.MARKER: {"client": "paris", "alias": "berlin"}}
ACCESS = {"search": [{"names": ["logs-*"]}]}
OTHER_ACCESS = {"search": [{"names": ["metrics-*"]}]}
CREDENTIAL = "cluster.remote.berlin.credentials"
LAWS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Key = t.Dict[str, t.Any]


def encoded(key_id: str) -> str:
    return base64.b64encode(f"{key_id}:{'s' * 22}".encode()).decode()


def id_in(credential: str | None) -> str | None:
    return base64.b64decode(credential).decode().partition(":")[0] if credential and credential != "rubbish" else None


@functools.lru_cache(maxsize=None)
def completed(provable: bool, link: str) -> dict[str, t.Any]:
    urls = {node: f"https://{node}:9200" for node in NODES}
    nodes = [{"name": node, "url": urls[node]} if provable else node for node in NODES]
    clusters = {
        # What stands before the nodes picks one that is up.
        "paris": {"urls": ["https://paris:9200"], "nodes": nodes},
        "berlin": {"urls": ["https://berlin:9200"], "remote_cluster_server": "berlin:9443"},
    }
    asked = {"from": "paris", "to": "berlin", "access": ACCESS, "expiration": "90d", **json.loads(link)}
    data = normalise(clusters, [asked])
    assert data["errors"] == []
    return complete(data)


@functools.lru_cache(None)
def tasks_of(chapter: str) -> tuple[str, ...]:
    """What the role runs for a chapter, by its files."""
    found: list[str] = []
    for task in yaml.safe_load((TASKS / f"{chapter}.yml").read_text(encoding="utf-8")) or ():
        if "crosscluster.elasticsearch.link_phase" in task:
            found.append(task["crosscluster.elasticsearch.link_phase"]["phase"])
        elif "ansible.builtin.import_tasks" in task:
            found += tasks_of(task["ansible.builtin.import_tasks"].removesuffix(".yml"))
        else:
            assert task["ansible.builtin.include_tasks"] == "restart_nodes.yml"
            found.append("restart")
    return tuple(found)


@dataclass
class Cut:
    """Where a run ends, by the number of its writes, and which of them fail: before or after they did something."""

    after: int | None
    faults: dict[int, str]
    writes: int = 0

    def make(self, write: t.Callable[[], t.Any]) -> t.Any:
        """What it told; nothing where it failed."""
        if self.writes == self.after:
            raise EOFError
        self.writes += 1
        fault = self.faults.get(self.writes - 1)
        result = None if fault == "before" else write()
        return None if fault else result


@dataclass
class World:
    """A server with keys, and client nodes whose keystore file and memory are two things until a reload, or before 8.13
    until they start. It does what the modules do, and checks after each of their runs what must hold. What they told
    goes through the variables of Ansible, as in a play that runs the role again and again."""

    keys: dict[str, Key]
    files: dict[str, str | None]
    memory: dict[str, str | None]
    readable: dict[str, bool]
    pointed: bool
    drifted: bool
    link: dict[str, t.Any] = field(default_factory=dict)
    now: int = NOW
    provable: bool = True
    made: int = 0
    calls: int = 0
    strangers: int = 0
    """Running nodes that are not listed."""
    teardown: bool = False
    fresh: bool = True
    faulty: bool = False
    revoked: list[str] = field(default_factory=list)
    old: bool = False
    """Before 8.13."""
    restart: bool = False
    """Runs may restart nodes."""
    lost: tuple[str, ...] = ()
    """Hosts that fall out of the play before it could restart them."""

    def __post_init__(self) -> None:
        self.started = dict.fromkeys(NODES, 2)
        self.modified = {node: 1 if self.files[node] == self.memory[node] else 3 for node in NODES}
        self.ticks, self.runs = itertools.count(4), itertools.count(1)
        self.variables: dict[str, dict[str, t.Any]] = {"": {}, **{node: {} for node in NODES}}

    # -- what is asked for
    @property
    def data(self) -> dict[str, t.Any]:
        return completed(self.provable, json.dumps(self.link))

    def run_of(self, options: RunOptions, number: int) -> Run:
        left = [node for node in NODES if node not in self.lost]
        hosts = registered.Hosts(NODES, left, self.variables.__getitem__)
        tasks = {**phases.TASKS, "restart": (phases.RESTART,)}
        told = registered.told(tasks, {**self.data, "now": number}, self.variables[""], hosts)
        return Run(self.data, options, told, self.now)

    def task(self, name: str, run: Run, number: int, cut: Cut) -> None:
        """A task of the role, which registers what its phases told."""
        entry: dict[str, t.Any] = {"item": "localhost", "results": [], registered.RUN: number}
        for phase, calls in phases.due(run, phases.TASKS[name]):
            for call in calls:
                result = self.done(call, cut)
                if phase.at == phasing.NODES:
                    self.variables[call.place][registered.PREFIX + name] = {**result, registered.RUN: number}
                told = {"cluster": call.place, "module": call.module, "label": call.label, "phase": phase.name}
                entry["results"].append({**result, **told})
                # As far as the next phase of a task that is cut off needs it.
                if phase.at != phasing.NODES:
                    self.variables[""][registered.PREFIX + name] = {"results": [entry]}
                    run.told[phase.name] = registered.by_call([entry], {**self.data, "now": number}, phase.name)

    def plan(self, mode: str = "trust", missing_nodes: str = "keep", proof: str = "every_node") -> case.Plan:
        number, options = next(self.runs), RunOptions(mode, missing_nodes, proof)
        for name in ("keystores", "clusters"):
            self.task(name, self.run_of(options, number), number, Cut(None, {}))
        return self.run_of(options, number).planned["paris/berlin"].plan

    # -- a run
    def play(
        self,
        mode: str = "trust",
        stop_after: int | None = None,
        missing_nodes: str = "keep",
        fails: t.Any = (),
    ) -> dict[str, t.Any]:
        """A run of the role; the row that it tells of the link. `stop_after`: writes until it is cut off. `fails`:
        which of its writes fail, and whether before or after they did something."""
        options, number = RunOptions(mode, missing_nodes, restart=self.restart), next(self.runs)
        cut = Cut(stop_after, dict(fails))
        self.teardown = mode == "untrust"
        self.faulty = bool(cut.faults)
        try:
            for name in ("keystores", "clusters"):
                self.task(name, self.run_of(options, number), number, cut)
            for name in [task for one in phases.chapters(self.run_of(options, number)) for task in tasks_of(one)]:
                run = self.run_of(options, number)
                if name == "restart":
                    self.restarts(phases.so_far(run, name), cut)
                else:
                    self.task(name, run, number, cut)
        except EOFError:
            return {}
        (row,) = outcome.rows(phases.so_far(self.run_of(options, number)), self.now)
        return row

    def done(self, call: Call, cut: Cut) -> t.Any:
        if call.module.endswith("_info"):
            return self.answer(call)
        return cut.make(lambda: self.act(lambda: self.answer(call), call)) or {"failed": True, "msg": "boom"}

    def restarts(self, run: Run, cut: Cut) -> None:
        """What the role does for nodes that wait for it, on all hosts that are left."""
        waiting = {node for planned in run.planned.values() for node in run.waiting(planned)}
        left = [node for node in NODES if node not in self.lost]
        for node in left if waiting else ():
            self.variables[node][registered.PREFIX + "restart"] = "it was not restarted" if node in waiting else ""
        for node in left if self.restart else ():
            if node in waiting:
                went = cut.make(functools.partial(self.act, functools.partial(self.start, node), node))
                self.variables[node][registered.PREFIX + "restart"] = "" if went else "boom"

    def start(self, node: str) -> bool:
        self.memory[node], self.started[node] = self.files[node], next(self.ticks)
        return True

    def act(self, work: t.Callable[[], t.Any], call: t.Any) -> t.Any:
        """A write, and what must hold after it."""
        before, foreign = {node: self.works(node) for node in NODES}, self.foreign()
        result = work()
        assert self.foreign() == foreign
        assert len(self.ours()) <= max(2, self.most), "never a third live key"
        broken = [node for node in NODES if before[node] and not self.works(node)]
        assert self.teardown or not broken, "{0} broke the searches through {1}".format(call, broken)
        return result

    most: int = 0
    """Live keys of ours that there were in the beginning."""

    # -- what modules do
    def answer(self, call: Call) -> t.Any:
        return getattr(self, "_" + call.module)(call.place, **call.arguments)

    def _keystore_info(self, node: str, aliases: t.Any = (), reveal: bool = False, remember: bool = True) -> t.Any:
        if not self.readable[node]:
            return {"unreachable": True, "msg": "connection refused"}
        held = self.files[node]
        entry = {"api_key_id": id_in(held), **({"encoded": held} if reveal else {})}
        return {"credentials": {"berlin": entry} if held else {}, "digest": str(held), "modified": self.modified[node]}

    def _cross_cluster_api_key_info(self, server: str, names: t.Any, ids: t.Any, **_more: t.Any) -> t.Any:
        found = [dict(key) for key in self.keys.values() if key["name"] in names or key["id"] in ids]
        return {"api_keys": found, "acting_user": {"name": "elastic", "realm": None}}

    def _remote_cluster_info(self, client: str, urls: t.Any, probe: bool = False, **_more: t.Any) -> t.Any:
        if probe and not _more.get("nodes"):
            assert self.fresh or self.faulty or self.old, "a proof before the reload proves the old credential"
        running = [
            {
                "id": node,
                "name": node,
                "roles": ["remote_cluster_client"],
                "started": self.started.get(node, 1),
                "version": "8.12.0" if self.old else "9.5.0",
                "urls": [f"https://{node}:9200"],
            }
            for node in (*NODES, *(f"stranger-{number}" for number in range(self.strangers)))
        ]
        up = [node for node in NODES if self.readable[node]] or NODES
        asked = [node["name"] for node in running if node["urls"][0] in urls] or up[:1]
        proofs = [{"url": f"https://{node}:9200", "ok": self.works(node)} for node in asked]
        address = "elsewhere:9443" if self.drifted else "berlin:9443"
        remote = {
            "alias": "berlin", "security_model": "api_key" if any(self.memory.values()) else "certificate",
            "addresses": [address], "settings": {"mode": "proxy", "proxy_address": address},
            "probe": {"ok": all(one["ok"] for one in proofs), "nodes": proofs},
        }  # fmt: skip
        return {"remotes": [remote] if self.pointed else [], "nodes": running}

    def _cluster_info(self, _cluster: str, **_more: t.Any) -> t.Any:
        return {"version": "9.5.0", "minimum_wire_compatibility_version": "8.19.0"}

    def _cross_cluster_api_keys(self, _server: str, keys: t.Any) -> t.Any:
        return {"changed": True, "api_keys": [{"name": key["name"], "changed": True, **self._one(key)} for key in keys]}

    def _one(self, key: t.Any) -> t.Any:
        if key.get("state") == "absent":
            for key_id in key["ids"]:
                assert key_id not in self.foreign() and self.keys[key_id]["name"] == key["name"]
                assert key_id not in map(id_in, self.files.values())
                assert not self.pointed or key_id not in map(id_in, self.memory.values())
                self.keys[key_id]["invalidated"] = True
                self.revoked.append(key_id)
            return {}
        fresh = {field: key[field] for field in ("access", "metadata") if field in key}
        fresh.update({"expiration": self.now + 90 * DAY} if "expiration" in key else {})
        if key.get("rotate"):
            self.made += 1
            key_id = f"made-{self.made}"
            self.keys[key_id] = made(key_id, name=key["name"], creation=self.now + self.made, **fresh)
            return {"api_key": self.keys[key_id], "encoded": encoded(key_id)}
        for key_id in key["ids"]:
            self.keys[key_id].update(fresh)
        return {"api_key": self.keys[key["ids"][0]]}

    def _keystore(self, node: str, settings: t.Any, state: str = "present") -> t.Any:
        assert self.readable[node] and list(settings) == [CREDENTIAL]
        self.files[node] = settings[CREDENTIAL] if state == "present" else None
        assert state == "absent" or id_in(self.files[node]) in self.keys
        self.fresh, self.modified[node] = False, next(self.ticks)
        return {"changed": True, "settings": [{"name": CREDENTIAL, "changed": True}], "digest": str(self.files[node])}

    def _reload_secure_settings(self, _client: str, expect_settings: t.Any, node_ids: t.Any) -> t.Any:
        if self.old:
            return {"changed": True, "restart_required": bool(expect_settings)}
        every = node_ids == ["remote_cluster_client:true"]
        self.memory.update({node: self.files[node] for node in NODES if every or node in node_ids})
        self.fresh = True
        return {"changed": True, "restart_required": False}

    def _remote_cluster(self, _client: str, remotes: t.Any) -> t.Any:
        self.pointed, self.drifted = remotes[0].get("state") != "absent", False
        return {"changed": True, "remotes": [{"alias": "berlin", "changed": True}]}

    # -- what is true of it
    def works(self, node: str) -> bool:
        key = self.keys.get(id_in(self.memory.get(node)) or "")
        return (
            self.pointed and not self.drifted and key is not None and key["type"] == "cross_cluster" and self.live(key)
        )

    def live(self, key: Key) -> bool:
        expiration = key.get("expiration")
        return not key.get("invalidated") and (expiration is None or expiration > self.now)

    def holds_a_stranger(self, node: str) -> bool:
        """A live cross-cluster key of somebody else, or one that the server does not know."""
        key_id = id_in(self.files[node])
        key = self.keys.get(key_id or "")
        if not self.readable[node] or key_id is None:
            return False
        return key is None or (key["type"] == "cross_cluster" and self.live(key))

    def ours(self) -> list[str]:
        foreign = self.foreign()
        return [key_id for key_id, key in self.keys.items() if key_id not in foreign and self.live(key)]

    def foreign(self) -> dict[str, Key]:
        """Told here in other words than in the plan: what of all this is not for us to touch."""
        return {
            key_id: dict(key)
            for key_id, key in self.keys.items()
            if (key["type"], key["username"]) != ("cross_cluster", "elastic")
            or (key_id != self.link.get("adopt") and (key["name"], key["metadata"].get(lk.MARKER, {}).get("client"))
                != ("paris-berlin", "paris"))
        }  # fmt: skip


def made(key_id: str, **more: t.Any) -> Key:
    return {
        "id": key_id, "name": "paris-berlin", "type": "cross_cluster", "creation": NOW - 10 * DAY, "expiration": None,
        "invalidated": False, "username": "elastic", "realm": None, "metadata": MARKED, "access": ACCESS, **more,
    }  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn, all_readable: bool = False, old: bool = False) -> World:
    keys = {}
    for number in range(draw(st.integers(0, 4))):
        keys[f"key-{number}"] = made(
            f"key-{number}",
            name=draw(st.sampled_from(["paris-berlin"] * 5 + ["paris-berlin2"])),
            type=draw(st.sampled_from(["cross_cluster"] * 5 + ["rest"])),
            creation=NOW - draw(st.integers(1, 100)) * DAY,
            expiration=draw(st.sampled_from([None, NOW - DAY, NOW + DAY, NOW + 60 * DAY])),
            invalidated=draw(st.sampled_from([False, False, False, True])),
            username=draw(st.sampled_from(["elastic"] * 4 + ["someone"])),
            metadata=draw(st.sampled_from([MARKED] * 4 + [{}, {lk.MARKER: {"client": "rome"}}])),
            access=draw(st.sampled_from([ACCESS, ACCESS, OTHER_ACCESS])),
        )
    contents = st.sampled_from([None, "rubbish", encoded("gone"), *[encoded(key_id) for key_id in keys] * 3])
    readable = {node: all_readable or draw(st.sampled_from([True] * 5 + [False])) for node in NODES}
    files = {node: draw(contents) for node in NODES}
    memory = {
        # What a node that cannot be read has in memory is what its file says: only our own runs leave them apart.
        node: draw(st.one_of(st.just(files[node]), contents)) if readable[node] else files[node]
        for node in NODES
    }
    link = {
        **draw(st.sampled_from([{}, {"renew_before": "7d"}])),
        "on_expiring": draw(st.sampled_from(["rotate", "extend"])),
        "grace": draw(st.sampled_from([None, None, None, "1d"])),
    }
    world = World(
        keys,
        files,
        memory,
        readable,
        pointed=draw(st.booleans()),
        drifted=draw(st.sampled_from([False, False, True])),
        link=link,
        provable=draw(st.sampled_from([True] * 4 + [False])),
        old=old and draw(st.sampled_from([False, False, True])),
        restart=True,
    )
    world.most = len(world.ours())
    return world


MODES = st.sampled_from(["trust", "rotate"])
FAULTS = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["before", "after"])), max_size=2)


def left_to_others(world: World) -> bool:
    """Somebody else's key bears the name of a link that has none of ours: nothing is done. Told in other words here."""
    ours = [key_id for key_id in world.keys if key_id not in world.foreign()]
    if not any(world.readable.values()) or any(
        world.readable[node] and id_in(world.files[node]) in ours for node in NODES
    ):
        return False
    if any(
        (key["type"], key["name"], key["username"]) == ("cross_cluster", "paris-berlin", "elastic")
        and lk.MARKER not in key["metadata"]
        and world.live(key)
        for key in world.keys.values()
    ):
        return True
    return not world.ours() and (world.pointed and world.drifted or any(map(world.holds_a_stranger, NODES)))


def held(world: World) -> set[str | None]:
    return set(map(id_in, world.files.values()))


@LAWS
@given(
    worlds(old=True),
    MODES,
    st.lists(st.tuples(st.integers(0, 8), MODES, st.sampled_from([0, 3 * DAY]), FAULTS), max_size=3),
)
def test_laws_1_3_4_and_5_hold_wherever_runs_are_cut_off_and_calls_fail(
    world: World, mode: str, cuts: list[tuple[int, str, int, t.Any]]
) -> None:
    for stop_after, cut_mode, passing, faults in cuts:
        world.play(cut_mode, stop_after, fails=faults)
        world.now += passing
    plan = world.plan(mode)
    if left_to_others(world):
        words = ("was not made by this collection", "in use, and not by a key of this link")
        assert plan.steps == () and any(text in (plan.blocked or "") for text in words)
        return
    row = world.play(mode)
    if plan.blocked:
        # Two keys of which nobody who can be asked has the secret, and somebody may use one.
        assert not any(world.readable.values()) or (len(world.ours()) > 1 and "no third key" in plan.blocked)
        assert row["state"] == "blocked"
        return
    if plan.owed:
        assert row["state"] == "unfinished"
        row = world.play()
    assert row["ok"], row
    assert all(world.works(node) for node in NODES if world.readable[node])
    if all(world.readable.values()):
        assert world.plan().steps == ()
    if all(world.readable.values()) and world.provable:
        grace = world.data["links"][0]["grace"]
        world.now += grace
        world.play(missing_nodes="fail")
        assert len(world.ours()) == 1 or grace
        assert held(world) <= set(world.ours())


@LAWS
@given(worlds(all_readable=True), st.lists(st.tuples(st.integers(0, 8), MODES, FAULTS), max_size=2))
def test_law_3_one_live_key_and_no_orphans(world: World, cuts: list[tuple[int, str, t.Any]]) -> None:
    # What a node has in memory cannot be read. Where that is a live key of somebody else, which works, a run that was
    # cut off before its reload leaves no trace: the one state that is not found again.
    strangers = {one["id"] for one in world.foreign().values() if one["type"] == "cross_cluster" and world.live(one)}
    assume(not cuts or not strangers & set(map(id_in, world.memory.values())))
    world.link["grace"] = None
    world.provable = True
    for stop_after, mode, faults in cuts:
        world.play(mode, stop_after, "fail", faults)
    assume(not left_to_others(world))
    plan = world.plan(missing_nodes="fail")
    world.play(missing_nodes="fail")
    if plan.blocked:
        # The keystores were emptied behind our back, while nodes go on with what they have in memory.
        assert any(map(world.works, NODES)) and not set(world.ours()) & held(world)
        return
    if plan.owed:
        # What is due had to wait for the end of a rotation that was cut off.
        world.play(missing_nodes="fail")
    assert len(world.ours()) == 1
    assert held(world) == set(map(id_in, world.memory.values())) == set(world.ours())
    assert world.plan(missing_nodes="fail").steps == ()


def test_a_node_that_works_from_memory_alone_is_not_reloaded_without_its_credential() -> None:
    world = healthy()
    world.files[NODES[0]] = world.files[NODES[1]] = world.memory[NODES[1]] = None
    # The first write updates the key, which has an end that is not asked for.
    world.keys["key-0"]["expiration"] = None
    row = world.play("trust", fails=[(1, "before")])
    assert row["state"] == "failed" and all(map(world.works, NODES)), row
    assert world.play("trust")["ok"] and held(world) == {"key-0"}


def healthy(grace: str | None = None, old: bool = False, **link: t.Any) -> World:
    """A link that works, as most of them do most of the time."""
    nodes = dict.fromkeys(NODES, encoded("key-0"))
    keys = {"key-0": made("key-0", expiration=NOW + 80 * DAY)}
    return World(
        keys, nodes, dict(nodes), dict.fromkeys(NODES, True), pointed=True, drifted=False,
        link={"grace": grace, **link}, old=old,
    )  # fmt: skip


@LAWS
@given(st.lists(st.tuples(st.integers(0, 9), MODES, FAULTS), min_size=1, max_size=4))
def test_law_3_rotations_of_a_healthy_link_cut_off_again_and_again(cuts: list[tuple[int, str, t.Any]]) -> None:
    world = healthy()
    for stop_after, mode, faults in cuts:
        world.play(mode, stop_after, "fail", faults)
        assert all(world.works(node) for node in NODES)
    world.play(missing_nodes="fail")
    assert len(world.ours()) == 1 and world.plan(missing_nodes="fail").steps == ()


@LAWS
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(0, 12)), MODES, FAULTS, st.booleans(), st.booleans(),
            st.sampled_from([(), (), (NODES[1],)]),
        ),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_law_3_before_8_13_rotations_that_wait_for_restarts_are_finished_and_make_no_third_key(
    runs: list[tuple[int | None, str, t.Any, bool, bool, tuple[str, ...]]],
) -> None:
    """Restarts by the runs, and by hand between them; hosts that are lost meanwhile."""
    world = healthy(old=True)
    for stop_after, mode, faults, restart, by_hand, lost in runs:
        world.restart, world.lost = restart, lost
        before = set(world.ours())
        row = world.play(mode, stop_after, "fail", faults)
        assert all(world.works(node) for node in NODES) and len(world.ours()) <= 2
        if row.get("ok"):
            # Whatever it told, the nodes use it.
            assert {*map(id_in, world.memory.values())} == {row["api_key_id"]}
        else:
            assert before <= set(world.ours()) or not restart or stop_after is not None or faults or lost, row
        for node in NODES if by_hand else ():
            world.start(node)
    world.restart, world.lost = True, ()
    assert world.play(missing_nodes="fail")["ok"]
    assert len(world.ours()) == 1 and world.plan(missing_nodes="fail").steps == ()
    assert {*map(id_in, world.memory.values())} == set(world.ours())


@LAWS
@given(st.lists(st.tuples(st.sampled_from(NODES), st.booleans(), MODES, st.integers(0, 9)), min_size=1, max_size=5))
def test_law_3_nodes_that_come_and_go_while_rotations_are_asked_for_never_make_a_third_key(
    runs: list[tuple[str, bool, str, int]],
) -> None:
    world = healthy()
    for node, up, mode, stop_after in runs:
        world.readable[node] = up
        cut_off_while_making = stop_after == 1
        world.play(mode, None if cut_off_while_making else stop_after)
        assert len(world.ours()) <= 2
    world.readable = dict.fromkeys(NODES, True)
    world.play(missing_nodes="fail")
    assert len(world.ours()) == 1 and world.plan(missing_nodes="fail").steps == ()


@LAWS
@given(st.lists(st.tuples(st.integers(0, 9), MODES), max_size=4))
def test_an_adopted_key_is_replaced_wherever_its_rotation_is_cut_off(cuts: list[tuple[int, str]]) -> None:
    world = healthy(adopt="key-0")
    world.keys["key-0"].update(name="by hand", metadata={"team": "search"})
    world.keys["other"] = {**world.keys["key-0"], "id": "other"}
    assert world.plan(missing_nodes="fail").steps == ()
    for stop_after, mode in [*cuts, (99, "rotate"), (99, "rotate")]:
        world.play(mode, stop_after, "fail")
        assert all(world.works(node) for node in NODES)
    world.play(missing_nodes="fail")
    assert len(world.ours()) == 1 and world.ours() != ["key-0"] and "key-0" in world.revoked
    assert world.plan(missing_nodes="fail").steps == ()


@LAWS
@given(worlds(), st.sampled_from(["trust", "rotate", "untrust"]), st.sampled_from(["every_node", "any"]))
def test_law_1_nothing_is_revoked_while_a_running_node_is_not_listed(world: World, mode: str, proof: str) -> None:
    world.strangers = 1
    plan = world.plan(mode, proof=proof)
    assert "revoke" not in plan.actions()
    assert mode == "untrust" or (plan.steps == () and "stranger-0" in (plan.blocked or ""))


@LAWS
@given(st.sampled_from(["node", "key", "stranger", "unreadable"]), MODES)
def test_law_1_nothing_is_revoked_when_somebody_else_was_at_work_meanwhile(what: str, mode: str) -> None:
    """It happens after the proof, before the second look."""
    world = healthy()
    remote_cluster_info = world._remote_cluster_info

    def meanwhile(*place: t.Any, **arguments: t.Any) -> t.Any:
        result = remote_cluster_info(*place, **arguments)
        if arguments.get("probe") and not arguments.get("nodes"):
            if what == "node":
                world.files[NODES[1]] = encoded("key-0")
            elif what == "key":
                world.keys["late"] = made("late", creation=NOW + DAY)
            elif what == "stranger":
                world.strangers = 1
            else:
                world.readable[NODES[2]] = False
        return result

    world._remote_cluster_info = meanwhile  # type: ignore[method-assign]
    row = world.play("rotate", missing_nodes="fail")
    assert row["state"] == "failed" and "nothing was revoked" in row["note"], row
    assert world.revoked == [] and "made-1" in world.ours()


@LAWS
@given(st.integers(2, 3), MODES)
def test_a_rotation_that_reached_some_nodes_is_finished_with_the_key_it_made(reached: int, mode: str) -> None:
    world = healthy()
    world.play("rotate", reached, "fail")
    world.play(mode, missing_nodes="fail")
    assert world.ours() == ["made-1"]


@LAWS
@given(st.integers(1, 10 * 24), MODES)
def test_a_key_that_was_in_use_is_revoked_after_its_grace_and_not_before(hours: int, mode: str) -> None:
    world = healthy(f"{hours}h")
    world.play("rotate", missing_nodes="fail")
    world.now += hours * 3_600_000
    world.play(missing_nodes="fail")
    assert "key-0" in world.ours()
    world.now += 10
    world.play(missing_nodes="fail")
    assert world.ours() == ["made-1"]


@LAWS
@given(worlds(), MODES)
def test_law_2_a_key_is_made_only_when_none_can_be_spread_or_a_rotation_is_due(world: World, mode: str) -> None:
    plan = world.plan(mode)
    usable = {id_in(world.files[node]) for node in NODES if world.readable[node]} & set(world.ours())
    if "create" in plan.actions():
        assert not usable
    if left_to_others(world):
        assert plan.blocked
    if "rotate" in plan.actions():
        assert usable
        link = world.data["links"][0]
        soon = [
            key for key in usable if (world.keys[key]["expiration"] or NOW * 2) - NOW < (link["renew_before_ms"] or 0)
        ]
        assert mode == "rotate" or (soon and link["on_expiring"] == "rotate")
    assert plan.actions().count("create") + plan.actions().count("rotate") <= 1


@LAWS
@given(worlds(), st.lists(st.tuples(st.integers(0, 8), FAULTS), max_size=2))
def test_a_teardown_revokes_last_and_what_is_cut_off_is_finished(world: World, cuts: list[tuple[int, t.Any]]) -> None:
    foreign = world.foreign()
    for stop_after, faults in cuts:
        world.play("untrust", stop_after, fails=faults)
    world.play("untrust")
    assert world.foreign() == foreign
    assert world.plan("untrust").steps == ()
    if all(world.readable.values()):
        assert world.ours() == []


@LAWS
@given(worlds(), MODES)
@example(World({}, dict.fromkeys(NODES), dict.fromkeys(NODES), dict.fromkeys(NODES, False), False, False), "trust")
def test_nothing_is_done_by_default_while_a_node_cannot_be_read(world: World, mode: str) -> None:
    plan = world.plan(mode, missing_nodes="fail")
    if not all(world.readable.values()):
        assert plan.steps == ()
        assert "cannot be read (connection refused)" in (plan.blocked or "")


@LAWS
@given(worlds(), st.sampled_from(["trust", "rotate", "untrust"]))
def test_every_plan_has_the_order_of_the_phases_and_can_be_said_in_words(world: World, mode: str) -> None:
    plan = world.plan(mode)
    order = [action for phase in phases.ORDER for action in phase.steps]
    assert [*map(order.index, plan.actions())] == sorted(map(order.index, plan.actions()))
    assert bool(plan.words) or not plan.steps
    assert all(step.why for step in plan.steps)
    assert all("None" not in sentence for sentence in plan.words)


@LAWS
@given(worlds())
def test_a_link_that_goes_has_the_plan_of_a_teardown_and_none_of_a_rotation(world: World) -> None:
    torn = world.plan("untrust")
    world.link = {**world.link, "state": "absent"}
    assert world.plan("trust").steps == torn.steps and world.plan("trust").blocked == torn.blocked
    assert world.plan("rotate").steps == () and world.plan("rotate").blocked is None
