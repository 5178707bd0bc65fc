# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan is, and how it is said, for states that people know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _link_plan as lp

NOW = 1_800_000_000_000
DAY = 86_400_000
LINK = lp.Link(
    id="paris/berlin", client="paris", server="berlin", alias="berlin", key_name="paris-berlin", owner="elastic"
)
RIGHT = lp.Remote(exists=True, security_model="api_key", proven=True)


def key(key_id, **more):
    return lp.Key(key_id, "paris-berlin", **{"creation": NOW - 10 * DAY, "username": "elastic", **more})


def node(number, key_id=None, present=True):
    return lp.Node("paris-%d" % number, present=present, key_id=key_id)


def plan(nodes, keys, remote=RIGHT, link=LINK, **options):
    return lp.plan_link(link, nodes, keys, remote, NOW, lp.Options(**options))


def test_a_right_link_has_no_steps():
    found = plan([node(1, "a"), node(2, "a")], [key("a")])
    assert found.steps == () and found.words == () and found.target == "a"


def test_a_first_link_is_made_delivered_reloaded_pointed_and_proven_in_this_order():
    found = plan([node(1, present=False), node(2, present=False)], [], lp.Remote())
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
        replace(key("named"), name="paris-berlin-2"), key("theirs", username="someone"),
    ]  # fmt: skip
    found = plan([node(1, "a"), state], keys)
    assert found.actions() == ["spread", "deliver", "reload", "prove"]
    assert found.words == (words,)


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
    nodes = [node(1, "b"), lp.Node("paris-2", read=False, reason="timed out")]
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
    remote = lp.Remote(
        exists=True, security_model="certificate", proven=True, settings_drift=("proxy_address",), elsewhere=True
    )
    found = plan([node(1, present=False)], [], remote)
    assert found.steps == ()
    assert "set migrate: true" in found.blocked
    found = plan([node(1, present=False)], [], remote, link=replace(LINK, migrate=True))
    assert found.actions() == ["create", "deliver", "reload", "settings", "prove"]


def test_a_drifted_access_is_updated_without_touching_the_nodes():
    found = plan([node(1, "a")], [key("a", drift=("access",))])
    assert [(step.action, step.key_ids) for step in found.steps] == [("update", ("a",))]
    assert found.words == ("access of key a is not as asked for: update it in place",)


def test_a_link_whose_cluster_cannot_be_reached_says_so_and_does_nothing():
    found = lp.plan_link(LINK, [node(1)], [], lp.Remote(), NOW, fault="berlin: connection refused")
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
        key("x", username="someone"), key("x", type="rest"), replace(key("x"), name="paris-berlin2"),
        key("x", metadata={lp.MARKER: {"client": "rome"}}), key("x", metadata={lp.OPERATOR_MARK: "eck"}),
    ],
)  # fmt: skip
def test_foreign_keys_are_neither_used_nor_revoked(foreign):
    assert not lp.is_ours(foreign, LINK)
    assert "revoke" not in plan([node(1, "a")], [key("a"), foreign]).actions()
    assert plan([node(1, "x")], [foreign]).actions()[0] == "create"


def test_a_second_look_stops_when_another_run_is_at_work():
    found = plan([node(1, "a")], [key("a")], mode="rotate")
    now_held = [node(1, "new")]
    assert lp.objections(found, now_held, [key("a"), key("new")], "new", NOW) == []
    assert lp.objections(found, [node(1, "a")], [key("a"), key("new")], "new", NOW) == ["paris-1 still holds a"]
    assert lp.objections(found, [node(1, "other")], [key("a"), key("new"), key("other")], "new", NOW) == [
        "paris-1 holds other instead of new",
        "other appeared while this run was at work",
    ]
    assert lp.objections(found, [lp.Node("paris-1", read=False, reason="gone")], [], "new", NOW) == [
        "paris-1 cannot be read any more (gone)"
    ]


def test_words_for_people():
    assert lp.names([]) == "" and lp.names(["a"]) == "a" and lp.names(["a", "b", "c"]) == "a, b and c"
    assert lp.duration_words(90_061_000) == "1d 1h" and lp.duration_words(0) == "0s"


def test_a_rotation_is_not_finished_with_a_key_that_expires_soon():
    keys = [key("a"), key("b", creation=NOW - 1, expiration=NOW + DAY)]
    link = replace(LINK, renew_before=7 * DAY)
    assert plan([node(1, "b"), node(2, "a")], keys, link=link).actions()[0] == "rotate"
