# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five laws of a link, for generated states: the plan is carried out in a small world of its own, cut off anywhere,
and made again until nothing is left to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key import User
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_keys as lk
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_nodes as ln
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_plan as lp

NOW = 1_800_000_000_000
DAY = 86_400_000
NODES = ("paris-1", "paris-2", "paris-3")
MARKED = {lk.MARKER: {"client": "paris"}}
LINK = lk.Link(
    id="paris/berlin",
    client="paris",
    server="berlin",
    alias="berlin",
    key_name="paris-berlin",
    owner=User("elastic"),
)
LAWS = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class World:
    """A server with keys, and client nodes whose keystore file and memory are two things until a reload."""

    link: lk.Link
    keys: dict[str, lk.Key]
    files: dict[str, tuple[bool, str | None]]
    memory: dict[str, str | None]
    readable: dict[str, bool]
    pointed: bool
    drifted: bool
    now: int = NOW
    provable: bool = True
    made: int = 0
    teardown: bool = False
    revoked: list[str] = field(default_factory=list)
    members: ln.Members = lp.KNOWN

    def view(self, options: lp.Options) -> lp.Plan:
        nodes = [
            lk.Node(name, read=self.readable[name], present=self.files[name][0], key_id=self.files[name][1])
            if self.readable[name]
            else lk.Node(name, read=False, reason="connection refused")
            for name in NODES
        ]
        drift = ("proxy_address",) if self.drifted else ()
        model = "api_key" if any(self.memory.values()) else "certificate"
        remote = lp.Remote(
            exists=self.pointed,
            settings_drift=drift if self.pointed else (),
            provable=self.provable,
            security_model=model if self.pointed else None,
            proven=self.pointed and all(map(self.works, NODES)),
            used=self.pointed and any(map(self.works, NODES)),
            elsewhere=self.drifted,
        )
        return lp.plan_link(self.link, nodes, list(self.keys.values()), remote, self.now, options, self.members)

    def works(self, node: str) -> bool:
        key = self.keys.get(self.memory[node] or "")
        return (
            self.pointed and not self.drifted and key is not None and key.type == "cross_cluster" and key.live(self.now)
        )

    def holds_a_stranger(self, node: str) -> bool:
        """A live cross-cluster key of somebody else, or one that the server does not know."""
        _present, key_id = self.files[node]
        key = self.keys.get(key_id or "")
        if not self.readable[node] or key_id is None:
            return False
        return key is None or (key.type == "cross_cluster" and key.live(self.now))

    def ours(self) -> list[str]:
        foreign = self.foreign()
        return [key.id for key in self.keys.values() if key.id not in foreign and key.live(self.now)]

    def foreign(self) -> dict[str, lk.Key]:
        """Told here in other words than in the plan: what of all this is not for us to touch."""
        return {
            key.id: key
            for key in self.keys.values()
            if (key.type, key.username) != ("cross_cluster", "elastic")
            or (key.id != self.link.adopt and (key.name, key.metadata.get(lk.MARKER, {}).get("client"))
                != ("paris-berlin", "paris"))
        }  # fmt: skip

    def run(self, plan: lp.Plan, stop_after: int | None = None) -> None:
        """Carry the plan out step by step, checking what must hold after each."""
        made: str | None = None
        fresh = True
        for number, step in enumerate(plan.steps):
            if stop_after is not None and number >= stop_after:
                return
            before = {node: self.works(node) for node in NODES}
            foreign = self.foreign()
            if step.action in ("create", "rotate"):
                self.made += 1
                made = "made-{0}".format(self.made)
                assert len(self.ours()) <= 1, "never a third live key"
                self.keys[made] = lk.Key(
                    made,
                    step.name or "",
                    creation=self.now + self.made,
                    username="elastic",
                    expiration=self.now + 90 * DAY,
                    metadata={lk.MARKER: step.marker},
                )
            elif step.action == "update":
                for key_id in step.key_ids:
                    key = self.keys[key_id]
                    self.keys[key_id] = replace(
                        key, drift=(), expiration=self.now + 90 * DAY if "expiration" in step.fields else key.expiration
                    )
            elif step.action == "spread":
                assert self.files[step.source or ""][1] == plan.target
            elif step.action == "deliver":
                assert self.readable[step.node or ""]
                self.files[step.node or ""] = (True, made or plan.target)
                assert self.files[step.node or ""][1] is not None
                fresh = False
            elif step.action == "remove":
                self.files[step.node or ""] = (False, None)
                fresh = False
            elif step.action == "reload":
                self.memory = {node: self.files[node][1] for node in NODES}
                fresh = True
            elif step.action == "settings":
                self.pointed, self.drifted = True, False
            elif step.action == "unset":
                self.pointed, self.drifted = False, False
            elif step.action == "prove":
                assert fresh, "a proof before the reload proves the old credential"
                assert all(self.works(node) for node in NODES if self.readable[node])
            elif step.action == "revoke":
                for key_id in step.key_ids:
                    assert key_id not in foreign
                    assert key_id not in {self.files[node][1] for node in NODES}
                    assert not self.pointed or key_id not in self.memory.values()
                    self.keys[key_id] = replace(self.keys[key_id], invalidated=True)
                    self.revoked.append(key_id)
            else:
                raise AssertionError(step.action)
            assert self.foreign() == foreign
            if not self.teardown:
                broken = [node for node in NODES if before[node] and not self.works(node)]
                assert not broken, "{0} broke the searches through {1}".format(step.action, broken)


@st.composite
def worlds(draw: st.DrawFn, all_readable: bool = False) -> World:
    keys = {}
    for number in range(draw(st.integers(0, 4))):
        key_id = "key-{0}".format(number)
        keys[key_id] = lk.Key(
            key_id,
            draw(st.sampled_from(["paris-berlin"] * 5 + ["paris-berlin2"])),
            type=draw(st.sampled_from(["cross_cluster"] * 5 + ["rest"])),
            creation=NOW - draw(st.integers(1, 100)) * DAY,
            expiration=draw(st.sampled_from([None, NOW - DAY, NOW + DAY, NOW + 60 * DAY])),
            invalidated=draw(st.sampled_from([False, False, False, True])),
            username=draw(st.sampled_from(["elastic"] * 4 + ["someone"])),
            metadata=draw(st.sampled_from([MARKED] * 4 + [{}, {lk.MARKER: {"client": "rome"}}])),
            drift=draw(st.sampled_from([(), (), ("access",), ("metadata", "access")])),
        )
    contents = st.sampled_from([(False, None), (True, None), (True, "gone")] + [(True, key_id) for key_id in keys] * 3)
    readable = {node: all_readable or draw(st.sampled_from([True] * 5 + [False])) for node in NODES}
    files = {node: draw(contents) for node in NODES}
    memory = {
        # What a node that cannot be read has in memory is what its file says: only our own runs leave them apart.
        node: draw(st.one_of(st.just(files[node]), contents))[1] if readable[node] else files[node][1]
        for node in NODES
    }
    link = replace(
        LINK,
        renew_before=draw(st.sampled_from([None, 7 * DAY])),
        on_expiring=draw(st.sampled_from(["rotate", "extend"])),
        grace=draw(st.sampled_from([0, 0, 0, DAY])),
    )
    return World(
        link,
        keys,
        files,
        memory,
        readable,
        pointed=draw(st.booleans()),
        drifted=draw(st.sampled_from([False, False, True])),
        provable=draw(st.sampled_from([True] * 4 + [False])),
    )


MODES = st.sampled_from(["trust", "rotate"])


def left_to_others(world: World) -> bool:
    """Somebody else's key bears the name of a link that has none of ours: nothing is done. Told in other words here."""
    ours = [key_id for key_id in world.keys if key_id not in world.foreign()]
    if not any(world.readable.values()) or any(world.readable[node] and world.files[node][1] in ours for node in NODES):
        return False
    if any(
        (key.type, key.name, key.username) == ("cross_cluster", "paris-berlin", "elastic")
        and lk.MARKER not in key.metadata
        and key.live(world.now)
        for key in world.keys.values()
    ):
        return True
    return not world.ours() and (world.pointed and world.drifted or any(map(world.holds_a_stranger, NODES)))


@LAWS
@given(worlds(), MODES, st.lists(st.tuples(st.integers(0, 8), MODES, st.sampled_from([0, 3 * DAY])), max_size=3))
def test_laws_1_3_4_and_5_hold_wherever_runs_are_cut_off(
    world: World, mode: str, cuts: list[tuple[int, str, int]]
) -> None:
    for stop_after, cut_mode, passing in cuts:
        world.run(world.view(lp.Options(mode=cut_mode, missing_nodes="keep")), stop_after=stop_after)
        world.now += passing
    if left_to_others(world):
        plan = world.view(lp.Options(mode=mode, missing_nodes="keep"))
        words = ("was not made by this collection", "in use, and not by a key of this link")
        assert plan.steps == () and any(text in (plan.blocked or "") for text in words)
        return
    plan = world.view(lp.Options(mode=mode, missing_nodes="keep"))
    world.run(plan)
    if plan.blocked:
        # Two keys of which nobody who can be asked has the secret, and somebody may use one.
        assert not any(world.readable.values()) or (len(world.ours()) > 1 and "no third key" in plan.blocked)
        return
    if plan.owed:
        world.run(world.view(lp.Options(missing_nodes="keep")))
    assert all(world.works(node) for node in NODES if world.readable[node])
    after = world.view(lp.Options(missing_nodes="keep"))
    if all(world.readable.values()):
        assert after.steps == ()
    if all(world.readable.values()) and world.provable:
        world.now += world.link.grace
        world.run(world.view(lp.Options()))
        assert len(world.ours()) == 1 or world.link.grace
        assert {world.files[node][1] for node in NODES} <= set(world.ours())


@LAWS
@given(worlds(all_readable=True), st.lists(st.tuples(st.integers(0, 8), MODES), max_size=2))
def test_law_3_one_live_key_and_no_orphans(world: World, cuts: list[tuple[int, str]]) -> None:
    # What a node has in memory cannot be read. Where that is a live key of somebody else, which works, a run that was
    # cut off before its reload leaves no trace: the one state that is not found again.
    strangers = {one.id for one in world.foreign().values() if one.type == "cross_cluster" and one.live(world.now)}
    assume(not cuts or not strangers & set(world.memory.values()))
    world.link = replace(world.link, grace=0)
    world.provable = True
    for stop_after, mode in cuts:
        world.run(world.view(lp.Options(mode=mode)), stop_after=stop_after)
    assume(not left_to_others(world))
    plan = world.view(lp.Options())
    world.run(plan)
    if plan.blocked:
        # The keystores were emptied behind our back, while nodes go on with what they have in memory.
        assert any(map(world.works, NODES)) and not set(world.ours()) & {world.files[node][1] for node in NODES}
        return
    if plan.owed:
        # What is due had to wait for the end of a rotation that was cut off.
        world.run(world.view(lp.Options()))
    assert len(world.ours()) == 1
    assert {world.files[node][1] for node in NODES} == {world.memory[node] for node in NODES} == set(world.ours())
    assert world.view(lp.Options()).steps == ()


def healthy(grace: int = 0) -> World:
    """A link that works, as most of them do most of the time."""
    key = lk.Key("key-0", "paris-berlin", creation=NOW - 10 * DAY, username="elastic", metadata=MARKED)
    held = dict.fromkeys(NODES, (True, "key-0"))
    return World(
        replace(LINK, grace=grace), {"key-0": key}, held, dict.fromkeys(NODES, "key-0"), dict.fromkeys(NODES, True),
        pointed=True, drifted=False)  # fmt: skip


@LAWS
@given(st.lists(st.tuples(st.integers(0, 9), MODES), min_size=1, max_size=4))
def test_law_3_rotations_of_a_healthy_link_cut_off_again_and_again(cuts: list[tuple[int, str]]) -> None:
    world = healthy()
    for stop_after, mode in cuts:
        world.run(world.view(lp.Options(mode=mode)), stop_after=stop_after)
        assert all(world.works(node) for node in NODES)
    world.run(world.view(lp.Options()))
    assert len(world.ours()) == 1 and world.view(lp.Options()).steps == ()


@LAWS
@given(st.lists(st.tuples(st.sampled_from(NODES), st.booleans(), MODES, st.integers(0, 9)), min_size=1, max_size=5))
def test_law_3_nodes_that_come_and_go_while_rotations_are_asked_for_never_make_a_third_key(
    runs: list[tuple[str, bool, str, int]],
) -> None:
    world = healthy()
    for node, up, mode, stop_after in runs:
        world.readable[node] = up
        cut_off_while_making = stop_after == 1
        plan = world.view(lp.Options(mode=mode, missing_nodes="keep"))
        world.run(plan, stop_after=None if cut_off_while_making else stop_after)
        assert len(world.ours()) <= 2
    world.readable = dict.fromkeys(NODES, True)
    world.run(world.view(lp.Options()))
    assert len(world.ours()) == 1 and world.view(lp.Options()).steps == ()


@LAWS
@given(st.lists(st.tuples(st.integers(0, 9), MODES), max_size=4))
def test_an_adopted_key_is_replaced_wherever_its_rotation_is_cut_off(cuts: list[tuple[int, str]]) -> None:
    world = healthy()
    world.keys["key-0"] = replace(world.keys["key-0"], name="by hand", metadata={"team": "search"})
    world.keys["other"] = replace(world.keys["key-0"], id="other")
    world.link = replace(world.link, adopt="key-0")
    assert world.view(lp.Options()).steps == ()
    for stop_after, mode in [*cuts, (99, "rotate"), (99, "rotate")]:
        world.run(world.view(lp.Options(mode=mode)), stop_after=stop_after)
        assert all(world.works(node) for node in NODES)
    world.run(world.view(lp.Options()))
    assert len(world.ours()) == 1 and world.ours() != ["key-0"] and "key-0" in world.revoked
    assert world.view(lp.Options()).steps == ()


@LAWS
@given(worlds(), st.sampled_from(["trust", "rotate", "untrust"]), st.sampled_from(["every_node", "any"]))
def test_law_1_nothing_is_revoked_while_a_running_node_is_not_listed(world: World, mode: str, proof: str) -> None:
    world.members = ln.Members(unlisted=("paris-4",))
    plan = world.view(lp.Options(mode=mode, missing_nodes="keep", proof=proof))
    assert "revoke" not in plan.actions()
    assert mode == "untrust" or (plan.steps == () and "paris-4" in (plan.blocked or ""))


@LAWS
@given(st.integers(2, 3), MODES)
def test_a_rotation_that_reached_some_nodes_is_finished_with_the_key_it_made(reached: int, mode: str) -> None:
    world = healthy()
    world.run(world.view(lp.Options(mode="rotate")), stop_after=reached)
    world.run(world.view(lp.Options(mode=mode)))
    assert world.ours() == ["made-1"]


@LAWS
@given(st.integers(1, 10 * DAY), MODES)
def test_a_key_that_was_in_use_is_revoked_after_its_grace_and_not_before(grace: int, mode: str) -> None:
    world = healthy(grace)
    world.run(world.view(lp.Options(mode="rotate")))
    world.now += grace
    world.run(world.view(lp.Options()))
    assert "key-0" in world.ours()
    world.now += 10
    world.run(world.view(lp.Options()))
    assert world.ours() == ["made-1"]


@LAWS
@given(worlds(), MODES)
def test_law_2_a_key_is_made_only_when_none_can_be_spread_or_a_rotation_is_due(world: World, mode: str) -> None:
    plan = world.view(lp.Options(mode=mode, missing_nodes="keep"))
    usable = {world.files[node][1] for node in NODES if world.readable[node]} & set(world.ours())
    if "create" in plan.actions():
        assert not usable
    if left_to_others(world):
        assert plan.blocked
    if "rotate" in plan.actions():
        assert usable
        soon = [key for key in usable if (world.keys[key].expiration or NOW * 2) - NOW < (world.link.renew_before or 0)]
        assert mode == "rotate" or (soon and world.link.on_expiring == "rotate")
    assert plan.actions().count("create") + plan.actions().count("rotate") <= 1


@LAWS
@given(worlds(), st.lists(st.integers(0, 8), max_size=2))
def test_a_teardown_revokes_last_and_what_is_cut_off_is_finished(world: World, cuts: list[int]) -> None:
    options = lp.Options(mode="untrust", missing_nodes="keep")
    world.teardown = True
    foreign = world.foreign()
    for stop_after in cuts:
        world.run(world.view(options), stop_after=stop_after)
    world.run(world.view(options))
    assert world.foreign() == foreign
    assert world.view(options).steps == ()
    if all(world.readable.values()):
        assert world.ours() == []


@LAWS
@given(worlds(), MODES)
@example(
    World(
        LINK, {}, dict.fromkeys(NODES, (False, None)), dict.fromkeys(NODES), dict.fromkeys(NODES, False), False, False
    ),
    "trust",
)
def test_nothing_is_done_by_default_while_a_node_cannot_be_read(world: World, mode: str) -> None:
    plan = world.view(lp.Options(mode=mode))
    if not all(world.readable.values()):
        assert plan.steps == ()
        assert "cannot be read (connection refused)" in (plan.blocked or "")


@LAWS
@given(worlds(), st.sampled_from(["trust", "rotate", "untrust"]))
def test_every_plan_can_be_said_in_words(world: World, mode: str) -> None:
    plan = world.view(lp.Options(mode=mode, missing_nodes="keep"))
    assert bool(plan.words) or not plan.steps
    assert all(step.why for step in plan.steps)
    assert all("None" not in sentence for sentence in plan.words)
