# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan is, and how it is said, for states that people know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._api_key.key import OPERATOR_MARK, Key, User
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import case
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import keys as lk
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import nodes as ln
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._plan import plan as planner

NOW = 1_800_000_000_000
DAY = 86_400_000
LINK = lk.Link(
    id="paris/berlin",
    client="paris",
    server="berlin",
    alias="berlin",
    key_name="paris-berlin",
    owner=User("elastic"),
)
RIGHT = case.Remote(exists=True, security_model="api_key", proven=True)


MARKED = {lk.MARKER: {"client": "paris"}}


def key(key_id, **more):
    given = {"creation": NOW - 10 * DAY, "username": "elastic", "metadata": MARKED, **more}
    return Key(key_id, "paris-berlin", **given)


def node(number, key_id=None, present=True):
    return lk.Node("paris-%d" % number, present=present, key_id=key_id)


def plan(nodes, keys, remote=RIGHT, link=LINK, members=case.KNOWN, drift=None, **options):
    seen = case.Seen(nodes, keys, remote, NOW, members, drift=drift or {})
    return planner.plan_link(link, seen, case.Options(**options))


def test_a_right_link_has_no_steps():
    found = plan([node(1, "a"), node(2, "a")], [key("a")])
    assert found.steps == () and found.words == () and found.target == "a"


def test_a_first_link_is_made_delivered_reloaded_pointed_and_proven_in_this_order():
    found = plan([node(1, present=False), node(2, present=False)], [], case.Remote())
    assert found.actions() == ["create", "deliver", "deliver", "reload", "settings", "prove"]
    assert "no node of paris holds a usable credential: create key paris-berlin on berlin" in found.words
    assert "alias berlin is not set up on paris: point it at berlin" in found.words


@pytest.mark.parametrize(
    "state, words",
    [
        (node(2, present=False), "paris-2 holds no credential; spread the live one from paris-1"),
        (node(2, "dead"), "paris-2 holds a revoked key; spread the live one from paris-1"),
        (node(2, "old"), "paris-2 holds an expired key; spread the live one from paris-1"),
        (node(2, "gone"), "paris-2 holds a key that the server does not know; spread the live one from paris-1"),
        (node(2, None), "paris-2 holds something that is not an API key; spread the live one from paris-1"),
        (node(2, "rest"), "paris-2 holds a key that is not a cross-cluster key; spread the live one from paris-1"),
        (node(2, "named"), "paris-2 holds a key of another name; spread the live one from paris-1"),
        (node(2, "theirs"), "paris-2 holds a key that belongs to somebody else; spread the live one from paris-1"),
    ],
)
def test_what_is_wrong_with_one_node_is_said_and_mended_from_another(state, words):
    keys = [
        key("a"), key("dead", invalidated=True), key("old", expiration=NOW - 1), key("rest", type="rest"),
        key("named")._replace(name="paris-berlin-2"), key("theirs", username="someone"),
    ]  # fmt: skip
    found = plan([node(1, "a"), state], keys)
    assert found.actions() == ["spread", "deliver", "reload", "prove"]
    assert found.words == (words,)


@pytest.mark.parametrize(
    "nodes, remote, words",
    [
        (
            [node(1, "theirs"), node(2, "theirs")],
            RIGHT,
            "paris-1 holds the live key theirs (paris-berlin), which belongs to someone",
        ),
        (
            [node(1, present=False), node(2, "other")],
            case.Remote(exists=True),
            "paris-2 holds the live key other (lab)",
        ),
        ([node(1, "gone"), node(2, present=False)], case.Remote(), "paris-1 holds a key that berlin does not know"),
        (
            [node(1, present=False), node(2, present=False)],
            case.Remote(exists=True, elsewhere=True, addresses=("lab:9443",), settings_drift=("proxy_address",)),
            "the alias points to another place at lab:9443",
        ),
    ],
    ids=["key of another owner", "key of another link", "unknown key", "another address"],
)
def test_an_alias_that_somebody_else_uses_is_not_overwritten(nodes, remote, words):
    """The only copy of a secret would be lost, and searches would read another cluster."""
    keys = [key("theirs", username="someone"), key("other")._replace(name="lab")]
    stopped = plan(nodes, keys, remote)
    assert stopped.steps == () and words in stopped.blocked and "add replace: true to the link" in stopped.blocked
    assert plan(nodes, keys, remote, replace(LINK, replace=True)).actions()[0] == "create"
    # A link that is ours is put right, whatever happened to it behind our back.
    ours = plan(nodes, [*keys, key("a")], remote)
    assert ours.blocked is None and ours.actions()[0] == "create"


def test_a_wrong_secret_is_replaced_from_another_holder_or_by_a_new_key():
    """A node that lies hands out the right id and a secret of its own."""
    poisoned = replace(node(3, "a"), wrong_secret=True)
    three = plan([node(1, "a"), node(2, "a"), poisoned], [key("a")], case.Remote(exists=True))
    assert three.actions()[:2] == ["spread", "deliver"] and three.steps[0].source == "paris-2"
    assert three.words[0] == "paris-3 holds a wrong secret; spread the live one from paris-2"
    two = plan([node(1, "a"), poisoned], [key("a")], case.Remote(exists=True))
    assert two.actions() == ["rotate", "deliver", "deliver", "reload", "prove", "revoke"]
    assert two.words[0].startswith("paris-3 holds a wrong secret, and only paris-1 could hand out another: make a new")
    nobody = plan([replace(node(1, "a"), wrong_secret=True), poisoned], [key("a")], case.Remote(exists=True))
    assert nobody.actions()[0] == "create"


def test_a_rotation_keeps_the_old_key_until_the_new_one_is_proven():
    found = plan([node(1, "a"), node(2, "a")], [key("a")], mode="rotate")
    assert found.actions() == ["rotate", "deliver", "deliver", "reload", "prove", "revoke"]
    assert found.steps[-1].key_ids == ("a",)


def test_a_rotation_that_was_cut_off_is_finished_and_not_begun_anew():
    keys = [key("a"), key("b", creation=NOW - 1)]
    found = plan([node(1, "b"), node(2, "a")], keys, mode="rotate")
    assert found.actions() == ["spread", "deliver", "reload", "prove", "revoke"]
    assert found.target == "b"


def test_a_key_that_expires_soon_is_rotated_or_extended():
    soon = [key("a", expiration=NOW + DAY)]
    rotate = replace(LINK, renew_before=7 * DAY)
    assert plan([node(1, "a")], soon, link=rotate).actions()[0] == "rotate"
    assert "key a expires in 1d" in plan([node(1, "a")], soon, link=rotate).words[0]
    extend = replace(rotate, on_expiring="extend")
    found = plan([node(1, "a")], soon, link=extend)
    assert [(step.action, step.fields) for step in found.steps] == [("update", ("expiration",))]


def test_a_grace_keeps_the_replaced_key_and_ends():
    link = replace(LINK, grace=DAY)
    assert "revoke" not in plan([node(1, "a")], [key("a")], link=link, mode="rotate").actions()
    held = plan([node(1, "b")], [key("a"), key("b", creation=NOW - DAY + 1)], link=link)
    assert held.steps == () and held.kept == ("a",)
    assert held.words == ("a stays alive for the grace of 1d",)
    over = plan([node(1, "b")], [key("a"), key("b", creation=NOW - DAY)], link=link)
    assert over.actions() == ["reload", "prove", "revoke"]


def test_a_node_that_cannot_be_read_keeps_all_keys_alive():
    nodes = [node(1, "b"), lk.Node("paris-2", read=False, reason="timed out")]
    found = plan(nodes, [key("a"), key("b", creation=NOW)], missing_nodes="keep")
    assert found.steps == () and found.kept == ("a",)
    assert found.words == ("paris-2 cannot be read and may still use an older key, so a stays alive",)


def test_behind_a_load_balancer_nothing_is_revoked_unless_that_is_allowed():
    remote = replace(RIGHT, provable=False)
    args = ([node(1, "b")], [key("a"), key("b", creation=NOW)], remote)
    assert plan(*args).steps == ()
    assert "give one URL per node" in plan(*args).words[0]
    assert plan(*args, proof="any").actions() == ["reload", "prove", "revoke"]


def test_a_working_certificate_model_link_waits_for_permission():
    remote = case.Remote(
        exists=True, security_model="certificate", proven=True, settings_drift=("proxy_address",), elsewhere=True
    )
    found = plan([node(1, present=False)], [], remote)
    assert found.steps == ()
    assert "set migrate: true" in found.blocked
    found = plan([node(1, present=False)], [], remote, link=replace(LINK, migrate=True))
    assert found.actions() == ["create", "deliver", "reload", "settings", "prove"]


def test_a_drifted_access_is_updated_without_touching_the_nodes():
    found = plan([node(1, "a")], [key("a")], drift={"a": ("access",)})
    assert [(step.action, step.key_ids) for step in found.steps] == [("update", ("a",))]
    assert found.words == ("access of key a is not as asked for: update it in place",)


def test_a_link_whose_cluster_cannot_be_reached_says_so_and_does_nothing():
    found = planner.plan_link(LINK, case.Seen([node(1)], [], case.Remote(), NOW, fault="berlin: connection refused"))
    assert found.steps == () and found.blocked == "berlin: connection refused"


def test_a_teardown_takes_settings_then_credentials_then_the_key():
    found = plan([node(1, "a"), node(2, "a")], [key("a")], mode="untrust")
    assert found.actions() == ["unset", "remove", "remove", "reload", "revoke"]


def test_a_teardown_leaves_what_belongs_to_somebody_else():
    found = plan([node(1, "theirs")], [key("theirs", username="someone")], mode="untrust")
    assert found.steps == ()
    assert "belongs to somebody else" in found.words[0]
    found = plan([node(1, present=False)], [], replace(RIGHT, elsewhere=True), mode="untrust")
    assert found.steps == ()


@pytest.mark.parametrize(
    "foreign",
    [
        key("x", username="someone"), key("x", type="rest"), key("x")._replace(name="paris-berlin2"),
        key("x", username="elastic", realm="ldap1"), key("x", metadata={lk.MARKER: {"client": "rome"}}),
        key("x", metadata={**MARKED, OPERATOR_MARK: "eck"}),
    ],
)  # fmt: skip
def test_foreign_keys_are_neither_used_nor_revoked(foreign):
    link = replace(LINK, owner=User("elastic", "native1"))
    assert not lk.is_ours(foreign, link)
    assert "revoke" not in plan([node(1, "a")], [key("a"), foreign], link=link).actions()
    replacing = plan([node(1, "x")], [foreign], link=replace(link, replace=True))
    assert replacing.actions()[0] == "create" and "revoke" not in replacing.actions()


def test_a_second_look_stops_when_another_run_is_at_work():
    found = plan([node(1, "a")], [key("a")], mode="rotate")
    now_held = [node(1, "new")]
    assert planner.objections(found, now_held, [key("a"), key("new")], "new", NOW) == []
    assert planner.objections(found, [node(1, "a")], [key("a"), key("new")], "new", NOW) == ["paris-1 still holds a"]
    assert planner.objections(found, [node(1, "other")], [key("a"), key("new"), key("other")], "new", NOW) == [
        "paris-1 holds other instead of new",
        "other appeared while this run was at work",
    ]
    assert planner.objections(found, [lk.Node("paris-1", read=False, reason="gone")], [], "new", NOW) == [
        "paris-1 cannot be read any more (gone)"
    ]


def test_words_for_people():
    assert lk.names([]) == "" and lk.names(["a"]) == "a" and lk.names(["a", "b", "c"]) == "a, b and c"
    assert lk.duration_words(90_061_000) == "1d 1h" and lk.duration_words(0) == "0s"


# -- keys without our mark ---------------------------------------------------------------------------------------------

BY_HAND = key("hand", metadata={"made": "by hand"}, realm="native1")


@pytest.mark.parametrize("mode", ["trust", "rotate"])
def test_an_unmarked_key_of_our_user_stops_a_link_that_has_no_key_of_ours(mode):
    unused = plan([node(1, present=False)], [BY_HAND], case.Remote(), mode=mode)
    assert unused.steps == ()
    assert unused.blocked == (
        "key hand on berlin bears the name [paris-berlin] of this link, belongs to elastic of the realm native1, and "
        "was not made by this collection; no node holds it. Give the link another name, or revoke hand "
        "if nobody needs it"
    )
    used = plan([node(1, "hand"), node(2, "hand")], [BY_HAND, key("hand2", metadata={})], mode=mode)
    assert used.steps == () and "so does hand2; paris-1 and paris-2 use it" in used.blocked
    assert "add adopt: hand to the link" in used.blocked


def test_names_from_servers_are_never_taken_for_templates():
    strange = BY_HAND._replace(username="{0}{nobody}", realm="{{ 7 * 7 }}")
    link = replace(LINK, owner=None)
    assert "{0}{nobody} of the realm {{ 7 * 7 }}" in (plan([node(1, "hand")], [strange], link=link).blocked or "")


def test_an_unmarked_key_is_a_remark_on_a_link_that_has_a_key_of_ours():
    found = plan([node(1, "a")], [key("a"), BY_HAND])
    assert found.steps == () and found.words == (
        "hand on berlin bears the name of this link and was not made by this collection (belongs to elastic of the "
        "realm native1); it is left alone",
    )
    assert plan([node(1, "a")], [key("a"), BY_HAND], mode="rotate").actions()[-1] == "revoke"
    expired = plan([node(1, "a")], [key("a", expiration=NOW - 1), BY_HAND])
    assert expired.actions()[0] == "create", "the link was ours, and its key has died"
    # Not ours, and it stops nothing: of another owner, dead, or marked for somebody.
    for other in (BY_HAND._replace(username="someone"), BY_HAND._replace(invalidated=True)):
        assert plan([node(1, present=False)], [other], case.Remote()).actions()[0] == "create"


def test_a_teardown_leaves_unmarked_keys_alone_also_where_the_nodes_use_one():
    found = plan([node(1, "hand")], [BY_HAND], mode="untrust")
    assert found.steps == () and "belongs to somebody else" in found.words[0]
    assert plan([node(1, "a")], [key("a"), BY_HAND], mode="untrust").steps[-1].key_ids == ("a",)


ADOPTING = replace(LINK, adopt="hand")
NAMED = BY_HAND._replace(name="made-in-2024")


def test_an_adopted_key_is_ours_and_adopting_writes_nothing():
    assert plan([node(1, "hand"), node(2, "hand")], [NAMED], link=ADOPTING).steps == ()
    partly = plan([node(1, "hand"), node(2, present=False)], [NAMED], link=ADOPTING)
    assert partly.actions() == ["spread", "deliver", "reload", "prove"]
    drifted = plan([node(1, "hand")], [NAMED], link=ADOPTING, drift={"hand": ("access",)})
    (update,) = drifted.steps
    assert (update.name, update.marker) == ("made-in-2024", None)


def test_the_next_rotation_replaces_an_adopted_key_by_a_marked_one_and_revokes_it():
    found = plan([node(1, "hand")], [NAMED], link=ADOPTING, mode="rotate")
    assert found.actions() == ["rotate", "deliver", "reload", "prove", "revoke"]
    assert (found.steps[0].name, found.steps[0].marker) == (
        "paris-berlin",
        {"client": "paris", "alias": "berlin", "owner": "", "replaces": "hand"},
    )
    assert (found.steps[-1].name, found.steps[-1].key_ids) == ("made-in-2024", ("hand",))
    successor = key("new", metadata={lk.MARKER: {"client": "paris", "replaces": "hand"}}, creation=NOW)
    cut_off = plan([node(1, "new"), node(2, "new")], [NAMED, successor], link=ADOPTING, mode="rotate")
    assert cut_off.actions() == ["reload", "prove", "revoke"] and cut_off.steps[-1].key_ids == ("hand",)
    dead = plan([node(1, "new")], [NAMED._replace(invalidated=True), successor], link=ADOPTING)
    assert dead.steps == () and dead.words == ("adopt: hand: that key was replaced by new; take adopt out of the link",)
    assert plan([node(1, "new")], [successor], link=ADOPTING).words == dead.words


@pytest.mark.parametrize(
    "held, given, reason",
    [
        ("hand", None, "berlin has no such key"),
        ("hand", NAMED._replace(type="rest"), "no cross-cluster key"),
        ("hand", NAMED._replace(username="someone"), "belongs to someone of the realm native1"),
        ("hand", NAMED._replace(invalidated=True), "was revoked"),
        ("hand", NAMED._replace(expiration=NOW - 1), "has expired"),
        (None, NAMED, "no node of paris holds that key"),
        ("a", NAMED, "no node of paris holds that key"),
    ],
)
@pytest.mark.parametrize("mode", ["trust", "rotate"])
def test_what_cannot_be_adopted_is_said_before_anything_is_written(held, given, reason, mode):
    keys = [key("a"), *([given] if given else [])]
    found = plan([node(1, held, present=held is not None)], keys, link=ADOPTING, mode=mode)
    assert found.steps == () and reason in found.blocked and found.blocked.startswith("adopt: hand: ")


def test_adopting_is_refused_where_another_node_works_with_another_key():
    other = BY_HAND._replace(id="other", name="elsewhere")
    found = plan([node(1, "hand"), node(2, "other")], [NAMED, other], link=ADOPTING)
    assert found.blocked == "adopt: hand: paris-2 holds other instead of that key"


def test_a_teardown_takes_an_adopted_key_and_leaves_one_that_no_node_holds():
    found = plan([node(1, "hand")], [NAMED], link=ADOPTING, mode="untrust")
    assert found.actions() == ["unset", "remove", "reload", "revoke"] and found.steps[-1].name == "made-in-2024"
    mistaken = plan([node(1, "a")], [key("a"), NAMED], link=ADOPTING, mode="untrust")
    assert [step.key_ids for step in mistaken.steps if step.action == "revoke"] == [("a",)]
    assert "it is left alone" in mistaken.owed


# -- nodes that are not listed -----------------------------------------------------------------------------------------

UNLISTED = ln.Members(unlisted=("paris-3",))


@pytest.mark.parametrize("members", [UNLISTED, ln.Members(problem="403 unauthorized")])
@pytest.mark.parametrize("missing_nodes", ["fail", "keep"])
@pytest.mark.parametrize("proof", ["every_node", "any"])
def test_nothing_is_written_or_revoked_while_a_node_may_be_left_out(members, missing_nodes, proof):
    for mode in ("trust", "rotate"):
        found = plan(
            [node(1, "a")], [key("a"), key("b")], members=members, mode=mode, missing_nodes=missing_nodes, proof=proof
        )
        assert found.steps == () and found.blocked == members.trouble("paris")
    found = plan([node(1, "a")], [key("a")], members=members, mode="untrust", missing_nodes=missing_nodes, proof=proof)
    assert found.actions() == ([] if missing_nodes == "fail" else ["unset", "remove", "reload"])
    assert found.kept == (() if missing_nodes == "fail" else ("a",))


# -- one rotation after the other --------------------------------------------------------------------------------------


def test_a_rotation_that_waits_is_not_followed_by_another():
    keys = [key("a"), key("b", creation=NOW)]
    waiting = [node(1, "b"), lk.Node("paris-2", read=False, reason="timed out")]
    found = plan(waiting, keys, mode="rotate", missing_nodes="keep")
    assert found.steps == () and found.kept == ("a",)
    assert found.owed == (
        "a rotation was asked for, but a is alive of the rotation before; a new one begins when it is gone, so that "
        "there are never three"
    )
    restarted = plan([node(1, "b"), node(2, "b")], keys, mode="rotate")
    assert restarted.actions() == ["reload", "prove", "revoke"] and restarted.owed == "", "that was the rotation"
    assert plan(*([node(1, "b")], keys), mode="rotate", link=replace(LINK, grace=DAY)).owed


def test_what_a_cut_off_run_left_is_cleared_away_before_another_key_is_made():
    found = plan([node(1, "a")], [key("a"), key("lost", creation=NOW)], mode="rotate")
    assert found.actions() == ["reload", "prove", "revoke"] and found.steps[-1].key_ids == ("lost",)
    assert found.owed and found.words[-1].endswith("run again")
    unread = [node(1, "a"), lk.Node("paris-2", read=False)]
    held_there = plan(unread, [key("a"), key("b", creation=NOW)], mode="rotate", missing_nodes="keep")
    assert held_there.steps == () and held_there.owed


def test_keys_that_reached_no_node_never_become_three():
    bare, two = [node(1, present=False), node(2, present=False)], [key("a"), key("b", creation=NOW)]
    assert plan(bare, two[:1], case.Remote()).actions()[0] == "create"
    new = plan(bare, two, case.Remote())
    assert new.actions() == ["revoke"] and new.steps[0].key_ids == ("a",) and "next run makes a new one" in new.owed
    dark = plan(bare, two, case.Remote(exists=True))
    assert dark.actions() == ["reload", "revoke"], "after a reload no node uses what its keystore does not hold"
    works = plan(bare, two, case.Remote(exists=True, used=True))
    assert works.steps == () and "a node still uses one from memory and no third key is made" in works.blocked


def test_a_rotation_that_ends_the_one_before_says_so():
    found = plan([node(1, "b"), node(2, "b")], [key("a"), key("b", creation=NOW)], mode="rotate")
    assert found.actions() == ["reload", "prove", "revoke"] and not found.owed
    assert found.words[-1] == "this ends the rotation before; to replace b as well, run again"


def test_a_key_that_expires_soon_waits_for_the_end_of_the_rotation_that_made_it():
    keys = [key("a"), key("b", creation=NOW - 1, expiration=NOW + DAY)]
    link = replace(LINK, renew_before=7 * DAY)
    found = plan([node(1, "b"), node(2, "a")], keys, link=link)
    assert found.actions() == ["spread", "deliver", "reload", "prove", "revoke"]
    assert found.owed.startswith("key b expires in 1d") and found.words[-1].endswith("run again")


def test_a_keystore_that_cannot_be_written_to_is_found_before_a_key_is_made():
    denied = replace(node(2, present=False), write_problem="it belongs to the user [nobody]")
    found = plan([node(1, present=False), denied], [], case.Remote())
    assert found.steps == () and found.blocked == "paris-2: it belongs to the user [nobody]"
    right = replace(node(2, "a"), write_problem="it belongs to the user [nobody]")
    assert plan([node(1, "a"), right], [key("a")]).blocked is None, "nothing has to be written there"


def test_the_key_of_another_alias_is_that_of_another_link():
    """The same name may be given twice; nothing of the alias foo is revoked for the alias berlin."""
    theirs = key("foo", metadata={lk.MARKER: {"client": "paris", "alias": "foo"}})
    found = plan([node(1, present=False)], [theirs], case.Remote())
    assert found.actions() == ["create", "deliver", "reload", "settings", "prove"]
    elsewhere = case.Remote(exists=True, elsewhere=True, settings_drift=("proxy_address",))
    assert "is in use, and not by a key of this link" in plan([node(1, "gone")], [theirs], elsewhere).blocked
    assert plan([node(1, "foo")], [theirs], mode="untrust").steps == ()
    assert "revoke" in plan([node(1, "a")], [key("a")], mode="untrust").actions()  # 1.0.0 named no alias


def test_untrust_takes_no_alias_down_that_trust_would_not_overwrite():
    elsewhere = case.Remote(exists=True, elsewhere=True, addresses=("lab:9443",), settings_drift=("proxy_address",))
    for keys, held in (([], "gone"), ([key("other")._replace(name="lab", invalidated=True)], "other")):
        found = plan([node(1, held)], keys, elsewhere, mode="untrust")
        assert found.steps == () and "knows no key of this link" in found.words[0]
        allowed = plan([node(1, held)], keys, elsewhere, replace(LINK, replace=True), mode="untrust")
        assert allowed.actions()[:2] == ["unset", "remove"]
    assert "remove" in plan([node(1, "gone")], [key("a")], elsewhere, mode="untrust").actions()
