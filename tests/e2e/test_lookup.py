# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup in plays: where it may stand, what it asks, and what it says of a credential that is of no use."""

from __future__ import annotations

import base64
import json

import pytest

from support.keys import LOGS, key_task, play
from support.modules import run_module
from support.playbook import run_playbook
from support.worlds import connection

LOOKUP = "crosscluster.elasticsearch.cross_cluster_api_key"


@pytest.fixture(scope="module")
def store(cluster, tmp_path_factory):
    """A store with the live keys one and two, revoked, expired, and foreign, which the cluster does not know."""
    directory = tmp_path_factory.mktemp("store")
    tasks = [
        key_task(cluster, name, access=LOGS, credential_store=str(directory)) for name in ("one", "two", "revoked")
    ]
    tasks.append(key_task(cluster, "expiring", access=LOGS, expiration="1h", credential_store=str(directory)))
    done = run_playbook(play(*tasks), directory=tmp_path_factory.mktemp("run"))
    assert done.ok, done
    assert run_module(
        "cross_cluster_api_key", {**connection(cluster.cluster("berlin")), "name": "revoked", "state": "absent"}
    ).changed
    document = json.loads((directory / "one.json").read_text())
    for name, changes in {
        "foreign": {"id": "nobody", "encoded": base64.b64encode(b"nobody:" + b"x" * 22).decode()},
        "expired": {"expiration": 1000},
    }.items():
        path = directory / f"{name}.json"
        path.write_text(json.dumps({**document, "name": name, **changes}))
        path.chmod(0o600)
    (directory / "damaged.json").write_text("{")
    (directory / "damaged.json").chmod(0o600)
    return directory


def ask(cluster, store, tmp_path, *terms, check=False, **options):
    variables = {"options": {"store": str(store), **options}, "terms": list(terms)}
    if options.get("verify"):
        variables["options"].update(connection(cluster.cluster("berlin")))
    # A password beside the other options in one variable: dict() is how a lookup takes them.
    task = {"name": "Ask", "debug": {"msg": "{{ query('%s', *terms, **options) }}" % LOOKUP}}
    cluster.clear_log()
    done = run_playbook(play(task), directory=tmp_path, extra_vars=variables, check=check)
    return done, [(entry["method"], entry["path"]) for entry in cluster.log("berlin")]


def held(store, name, field="id"):
    return json.loads((store / f"{name}.json").read_text())[field]


@pytest.mark.parametrize("check", [True, False])
def test_everywhere_without_a_request(cluster, store, tmp_path, check):
    value = "{{ lookup('%s', 'one') }}" % LOOKUP
    tasks = [
        {"name": "Template", "assert": {"that": ["held == expected"]}, "vars": {"held": value}},
        {"name": "With", "assert": {"that": ["item in known"]}, "with_" + LOOKUP: ["one", "two"], "no_log": True},
        {
            "name": "Loop",
            "assert": {"that": ["item in known"]},
            "loop": "{{ query('%s', 'one', 'two') }}" % LOOKUP,
            "no_log": True,
        },
    ]
    known = [held(store, name, "encoded") for name in ("one", "two")]
    cluster.clear_log()
    done = run_playbook(
        play(*tasks), directory=tmp_path, check=check,
        extra_vars={"crosscluster_credential_store": str(store), "known": known, "expected": known[0]},
    )  # fmt: skip
    assert done.ok and cluster.log("berlin") == [], done


@pytest.mark.parametrize("check", [True, False])
def test_any_number_of_terms_is_verified_in_one_request(cluster, store, tmp_path, check):
    done, requests = ask(cluster, store, tmp_path, "one", "two", "expiring", verify=True, output="id", check=check)
    assert done.ok, done
    assert done.result("Ask")["msg"] == [held(store, name) for name in ("one", "two", "expiring")]
    assert requests == [("POST", "/_security/_query/api_key")]


@pytest.mark.parametrize(
    ("term", "options", "message"),
    [
        ("nobody", {}, "holds no key 'nobody'"),
        ("expired", {}, "expired on 1970-01-01"),
        ("expiring", {"min_valid": "2h"}, "within the 2h of min_valid"),
        ("expiring", {"min_valid": "2h", "verify": True}, "within the 2h of min_valid"),
        ("revoked", {"verify": True}, "was revoked"),
        ("foreign", {"verify": True}, "is not known to the server"),
        ("damaged", {}, "is damaged"),
        ("one", {"min_valid": "1w"}, "unknown unit"),
    ],
)
def test_of_no_use(cluster, store, tmp_path, term, options, message):
    done, _requests = ask(cluster, store, tmp_path, term, **options)
    assert not done.ok and message in " ".join(done.messages).replace("\n", " "), done
    assert "Traceback" not in done.stdout + done.stderr


def test_what_is_of_no_use_can_be_left_out(cluster, store, tmp_path):
    choices = {f"on_{what}": "warn" for what in ("missing", "expired", "revoked")}
    terms = ("nobody", "one", "revoked", "foreign", "two")
    done, requests = ask(cluster, store, tmp_path, *terms, verify=True, output="id", **choices)
    assert done.ok, done
    assert done.result("Ask")["msg"] == [held(store, "one"), held(store, "two")] and len(requests) == 1


@pytest.mark.parametrize("given", ["variable", "argument"])
def test_templates_in_what_it_is_given(cluster, store, tmp_path, given):
    """Variables of options may be templates, those of the connection too; an argument may be made of variables."""
    spec = cluster.spec["clusters"]["berlin"]
    known = {"base": str(store.parent), "address": spec["urls"][0], "vault_berlin": spec["password"]}
    if given == "variable":
        arguments = ""
        known["crosscluster_credential_store"] = "{{ base }}/" + store.name
    else:
        arguments = f", store=base ~ '/{store.name}'"
    variables = {
        "elasticsearch_urls": ["{{ address }}"],
        "elasticsearch_username": spec["username"],
        "elasticsearch_password": "{{ vault_berlin }}",
        "elasticsearch_ca_cert": spec["ca_cert"],
    }
    value = "{{ lookup('%s', 'one', verify=true, output='id'%s) }}" % (LOOKUP, arguments)
    tasks = play({"name": "Ask", "debug": {"msg": value}, "vars": variables})
    done = run_playbook(tasks, directory=tmp_path, extra_vars=known)
    assert done.ok and done.result("Ask")["msg"] == held(store, "one"), done


def test_a_template_in_quotes_is_refused_with_the_way_out(store, tmp_path):
    value = "{{ lookup('%s', 'one', store='{{ base }}/keys') }}" % LOOKUP
    done = run_playbook(play({"name": "Ask", "debug": {"msg": value}}), directory=tmp_path, extra_vars={"base": "/x"})
    assert not done.ok and "store=base ~ '/keys'" in done.stdout + done.stderr, done
