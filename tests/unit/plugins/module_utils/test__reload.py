# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._reload import (
    call_advice,
    read_answer,
    summarise,
)

NAME = "cluster.remote.berlin.credentials"


def body(*nodes, **counts):
    return {
        "_nodes": {"total": len(nodes), "successful": len(nodes), "failed": 0, **counts},
        "nodes": {f"id{number}": {"name": f"n{number}", **node} for number, node in enumerate(nodes)},
    }


def failed(reason, kind="security_exception"):
    return {"reload_exception": {"type": kind, "reason": reason}}


def test_a_good_answer():
    outcome = read_answer(body({"secure_setting_names": [NAME, "keystore.seed"]}), [NAME], False)
    assert outcome.failures == [] and outcome.tells_names and outcome.total == 1
    assert outcome.nodes == [{"id": "id0", "name": "n0", "secure_setting_names": [NAME, "keystore.seed"]}]


def test_before_9_3_names_are_not_told_and_not_checked():
    outcome = read_answer(body({}, {}), [NAME], False)
    assert outcome.failures == [] and not outcome.tells_names


def test_a_node_that_lacks_an_expected_setting():
    outcome = read_answer(body({"secure_setting_names": [NAME]}, {"secure_setting_names": []}), [NAME], False)
    assert [failure.name for failure in outcome.failures] == ["n1"]
    assert NAME in outcome.failures[0].reason and "certificate model" in outcome.failures[0].advice


@pytest.mark.parametrize(
    "reason, given, part",
    [
        ("Provided keystore password was incorrect", True, "Correct keystore_password"),
        ("Provided keystore password was incorrect", False, "give it as keystore_password"),
        ("Keystore is missing", False, "Create the keystore"),
        (
            "action [cluster:admin/xpack/security/remote_cluster_credentials/reload] is unauthorized for user [u]",
            False,
            "manage_security",
        ),
        ("Setting [x] is a non-secure setting and must be stored inside", False, "Remove that setting"),
        ("unknown secure setting [x]", False, "Remove that setting"),
        ("access denied", False, "readable"),
        ("whatever", False, "log of the node"),
    ],
)
def test_each_failure_has_its_way_out(reason, given, part):
    outcome = read_answer(body({}, failed(reason)), [], given)
    assert part in outcome.failures[0].advice
    text = summarise(outcome.failures, outcome.total, "https://x:9200")
    assert "1 of 2 nodes" in text and "[n1]" in text and reason in text


def test_unreachable_nodes_are_counted():
    answer = body(
        {}, total=3, failed=2, failures=[{"type": "failed_node_exception", "reason": "Failed node [z]", "node_id": "z"}]
    )
    outcome = read_answer(answer, [], False)
    assert [failure.node_id for failure in outcome.failures] == ["z", None]


def test_the_refusal_without_tls_is_explained():
    said = "Secure settings cannot be updated cluster wide when TLS for the transport layer is not enabled."
    assert "_local" in call_advice([said])
    assert call_advice(["x"]) is None
