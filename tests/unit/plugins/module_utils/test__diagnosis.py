# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils import _diagnosis as dg

SAID = {
    "license": "current license is non-compliant for [advanced-remote-cluster-security]",
    "key_unknown": ["unable to authenticate user [x] for action [a]", "unable to find apikey with id x"],
    "key_wrong_secret": "invalid credentials for API key [x]",
    "key_revoked": ["unable to authenticate user [x]", "api key [x] has been invalidated"],
    "key_expired": ["unable to authenticate user [x]", "api key is expired"],
    "key_wrong_type": "authentication expected API key type of [cross_cluster], but API key [x] has type [rest]",
    "key_malformed": ["failed to extract credentials from headers", "invalid cross-cluster API key value"],
    "no_credential": "Cross cluster requests require transport header"
    " [_cross_cluster_access_credentials] but none found.",
    "transport_port": "missing authentication credentials for action [cluster:internal/remote_cluster/handshake]",
    "tls_untrusted": "failed to establish trust with server at [berlin]",
    "versions_incompatible": ["[][127.0.0.1:9443] connect_exception", "handshake failed because connection reset"],
    "unreachable": "[][127.0.0.1:9443] connect_exception",
    "unknown_host": "unknown host [berlin]",
    "remote_too_old": "target cluster version [8.9.0] does not support receiving them",
    "remote_mixed_versions": "all nodes must have version [8.10.0] or higher to support cross cluster requests",
    "header_not_allowed": "Transport request header [x] is not allowed for cross cluster requests through the dedicated"
    " remote cluster server port",
    "login_lacks_remote_indices": "action [x] towards remote cluster [b] is unauthorized for"
    " user [u] with effective roles"
    " [r] because no remote indices privileges apply for the target cluster",
    "key_access_invalid": "Cross cluster API key [x] is invalid: search does not support"
    " document or field level security"
    " if replication is assigned",
    "certificate_identity_missing": "API key (type:[cross_cluster], id:[x]) requires"
    " certificate identity matching [p], but"
    " no certificate was provided",
    "certificate_identity_mismatch": "DN from provided certificate [d] does not match API Key certificate identity"
    " pattern [p]",
    "signature_untrusted": "Failed to verify cross cluster api key signature certificate from [(x)]",
    "signature_invalid": "Invalid cross cluster api key signature from [x]",
    "node_lacks_role": "node [paris-1] does not have the [remote_cluster_client] role",
    "alias_unknown": "no such remote cluster: [b]",
    "internal_user": "Internal user [_xpack] should not be used for cross cluster requests",
    "role_too_new": "failed to parse role [r]. unexpected field [remote_cluster]",
    "not_connected": "Unable to connect to [b]",
    "unknown": "something else",
}


@pytest.mark.parametrize("cause", sorted(SAID))
def test_every_text_leads_to_its_cause_and_a_way_out(cause):
    said = SAID[cause]
    found = dg.diagnose([said] if isinstance(said, str) else said, "b")
    assert found.cause == cause and not found.ok and found.advice and found.reason
    assert "{" not in found.advice


def test_every_rule_is_reached():
    reached = {dg.diagnose([said] if isinstance(said, str) else said, "b").cause for said in SAID.values()}
    rest = {"key_works_access_denied", "api_keys_disabled", "certificate_name", "key_lacks_access", "authentication"}
    assert {rule.cause for rule in dg.RULES} - reached == rest


@pytest.mark.parametrize(
    "text, cause",
    [
        ("API key: api key [x] has been invalidated", "key_revoked"),
        ("API key: api key is expired", "key_expired"),
        ("API key: unable to find apikey with id x", "key_unknown"),
        ("API key: invalid credentials for API key [x]", "key_wrong_secret"),
    ],
)
def test_the_reason_of_a_dead_key_is_found_beside_the_error(text, cause):
    """As real servers wrap it, from the second request on."""
    error = {
        "type": "security_exception",
        "reason": "unable to authenticate user [x] for action [indices:data/read/search]",
        "additional_unsuccessful_credentials": text,
    }
    found = dg.diagnose(dg.reasons_of(error), "b")
    assert found.cause == cause and text in found.reason


def test_the_reason_of_a_connection_that_failed_is_among_what_was_suppressed():
    error = {
        "type": "no_seed_node_left_exception",
        "reason": "Unable to open any proxy connections to cluster [a] at address [berlin:9443]",
        "suppressed": [{
            "type": "connect_transport_exception", "reason": "[][berlin:9443] general node connection failure",
            "caused_by": {"type": "transport_exception", "reason": "handshake failed because connection reset"},
        }, "nonsense"],
    }  # fmt: skip
    assert dg.diagnose(dg.reasons_of(error), "a").cause == "versions_incompatible"
    error["suppressed"][0]["caused_by"] = {"reason": "(certificate_unknown) PKIX path building failed"}
    assert dg.diagnose(dg.reasons_of(error), "a").cause == "tls_untrusted"


def test_an_empty_credential_is_malformed():
    error = {
        "type": "security_exception", "reason": "error attempting to authenticate request",
        "caused_by": {
            "type": "illegal_argument_exception",
            "reason": "cross cluster access header [_cross_cluster_access_credentials] value must be a valid API key "
            "credential",
            "caused_by": {"type": "null_pointer_exception", "reason": None},
        },
    }  # fmt: skip
    assert dg.diagnose(dg.reasons_of(error), "a").cause == "key_malformed"


def test_no_error_is_endless():
    error = {"reason": "a"}
    error["caused_by"] = error
    assert len(dg.reasons_of(error)) <= 20
    del error["reason"]
    assert dg.reasons_of(error) == []
    error["suppressed"] = [error] * 10**6
    assert dg.reasons_of(error) == []


def test_a_denial_that_names_the_key_proves_that_the_key_works():
    text = (
        "action [indices:data/read/search] towards remote cluster is unauthorized for user [u] with assigned roles [r]"
        " authenticated by API key id [x] of user [o] on indices [secret], this action is granted by [read]"
    )
    found = dg.diagnose_resolve({"connected": False, "error": text}, "b")
    assert found.ok and found.cause == "key_works_access_denied"


def test_a_local_denial_proves_nothing():
    found = dg.diagnose_resolve({"connected": False, "error": SAID["login_lacks_remote_indices"]}, "b")
    assert not found.ok and not found.retry


def test_connected_is_connected_even_without_the_index():
    assert dg.diagnose_resolve({"connected": True, "error": "no such index [x]"}, "b").ok
    assert dg.diagnose_resolve(None, "b").cause == "alias_unknown"


def test_a_skipped_cluster_is_no_success():
    body = {
        "_clusters": {
            "skipped": 1,
            "details": {
                "b": {
                    "status": "skipped",
                    "failures": [
                        {"reason": {"type": "connect_transport_exception", "reason": "Unable to connect to [b]"}}
                    ],
                }
            },
        }
    }
    found = dg.diagnose_search(body, "b")
    assert not found.ok and "skip_unavailable hides why" in found.advice
    assert not dg.diagnose_search({"_clusters": {"total": 1, "skipped": 1}}, "b").ok
    assert dg.diagnose_search({"_clusters": {"total": 1, "successful": 1, "skipped": 0}}, "b").ok


def test_an_answer_without_the_remote_cluster_in_it_proves_nothing():
    assert not dg.diagnose_search({"hits": {"total": {"value": 0}}}, "b").ok
    assert not dg.diagnose_search({"_clusters": {"total": 1, "successful": 0, "skipped": 0}}, "b").ok


@pytest.mark.parametrize(
    "model, address, cause",
    [
        ("certificate", "b:9443", "no_credential"),
        ("api_key", "b:9300", "transport_port"),
        ("api_key", "b:9200", "http_port"),
        ("api_key", "b:9443", "not_connected"),
        ("certificate", "b:9300", "not_connected"),
    ],
)
def test_how_the_node_tries_to_connect_refines_the_cause(model, address, cause):
    found = dg.refine(dg.diagnose(["Unable to connect to [b]"], "b"), "b", model, [address])
    assert found.cause == cause


def test_a_link_is_proven_only_through_all_nodes():
    good, bad = dg.Diagnosis(True), dg.diagnose(["api key is expired"], "b")
    assert dg.combine([("u1", good), ("u2", good)])["ok"]
    found = dg.combine([("u1", good), ("u2", bad)])
    assert not found["ok"] and found["cause"] == "key_expired" and "1 of 2 nodes, first u2" in found["reason"]
    assert not dg.combine([])["ok"]
