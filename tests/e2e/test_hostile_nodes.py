# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node of the client that somebody else controls: whatever it returns, it gets no login and decides nothing."""

from __future__ import annotations

import base64
import http.server
import json
import sys
import threading

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._actions.credential_store import (
    CredentialStore,
    Entry,
)
from support.links import LOCAL
from support.playbook import run_playbook
from support.worlds import connection

pytestmark = pytest.mark.needs("faults")  # nothing of a server is in question here


@pytest.fixture
def attacker():
    """A server that notes which login it is sent."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers.get("Authorization"))
            self.send_error(404)

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *args):
            """Be quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.seen, server.url = seen, f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    server.server_close()


def lying_python(directory, facts):
    """An interpreter that puts facts into whatever a module returns."""
    script = directory / "python"
    (directory / "facts.json").write_text(json.dumps(facts))
    inject = (
        "import json, sys\n"
        "text = sys.stdin.read()\n"
        "try:\n"
        "    result = json.loads(text)\n"
        f"    result['ansible_facts'] = json.load(open({str(directory / 'facts.json')!r}))\n"
        "    print(json.dumps(result))\n"
        "except ValueError:\n"
        "    sys.stdout.write(text)\n"
    )
    (directory / "inject.py").write_text(inject)
    script.write_text(f'#!/bin/sh\n"{sys.executable}" "$@" | "{sys.executable}" "{directory}/inject.py"\n')
    script.chmod(0o755)
    return str(script)


def given(links, liars, python):
    """The variables of all hosts, not extra ones, which nothing beats; berlin's login comes from the environment."""
    clusters = {name: dict(cluster) for name, cluster in links.clusters.items()}
    password = clusters["berlin"].pop("password")
    user = clusters["berlin"].pop("username")
    clusters["paris"]["nodes"] = [
        {**node, "vars": {**LOCAL, **({"ansible_python_interpreter": python} if number in liars else {})}}
        for number, node in enumerate(clusters["paris"]["nodes"])
    ]
    clusters["berlin"]["nodes"] = []
    login = {
        "CROSSCLUSTER_SERVER_CLUSTER": "berlin", "CROSSCLUSTER_SERVER_USERNAME": user,
        "CROSSCLUSTER_SERVER_PASSWORD": password,
    }  # fmt: skip
    return {"elasticsearch_clusters": clusters, "cross_cluster_links": links.links}, login, password


@pytest.mark.parametrize("liars", [(0,), (1,)], ids=["the one that leads", "another one"])
@pytest.mark.parametrize("playbook", ["trust", "verify"])
def test_facts_of_a_node_lead_no_login_astray(links, attacker, tmp_path, liars, playbook):
    evil = {"urls": [attacker.url], "nodes": [], "remote_cluster_server": "127.0.0.1:1"}
    python = lying_python(tmp_path, {
        "elasticsearch_clusters": {"berlin": evil, "paris": evil}, "cross_cluster_trust_clusters": {"berlin": evil},
        "cross_cluster_links": [], "cross_cluster_trust_state": "absent", "cross_cluster_trust_no_log": False,
        "cross_cluster_trust_proof": "any", "cross_cluster_trust_missing_nodes": "keep",
    })  # fmt: skip
    variables, login, password = given(links, liars, python)
    inventory = {"all": {"hosts": {"localhost": LOCAL}, "vars": variables}}
    run = run_playbook(
        f"crosscluster.elasticsearch.{playbook}",
        directory=tmp_path / "run",
        inventory=inventory,
        env=login,
        verbosity=1,
    )
    assert attacker.seen == [], str(run)
    assert password not in run.stdout + run.stderr + str(run.events), str(run)
    if playbook == "trust":
        assert run.ok and links.all_work(), str(run)


def test_a_fact_that_bears_the_name_of_a_variable_is_told(links, attacker, tmp_path):
    """As a cache of facts would bring it, or a play before ours that gathered facts."""
    python = lying_python(tmp_path, {"cross_cluster_trust_state": "absent"})
    variables, login, _password = given(links, (0,), python)
    hosts = {node["name"]: node["vars"] for node in variables["elasticsearch_clusters"]["paris"]["nodes"]}
    inventory = {"all": {"hosts": hosts, "vars": variables}}
    role = {"role": "crosscluster.elasticsearch.cross_cluster_trust"}
    play = [{"hosts": "all", "gather_facts": True, "roles": [role]}]
    run = run_playbook(play, directory=tmp_path / "run", inventory=inventory, env=login)
    told = [text for text in run.messages if "cross_cluster_trust_state of [paris-1] is among its facts" in text]
    assert run.rc == 2 and told and attacker.seen == [] and links.live_keys("berlin", "paris-berlin") == [], str(run)


def test_a_node_gets_no_file_of_the_controller(links, tmp_path):
    """Facts that name a certificate and a key, right before they are read here."""
    (tmp_path / "id_rsa").write_text("Hush-hush-1\n")
    config = tmp_path / "config"
    config.mkdir()
    (config / "elasticsearch.yml").write_text("cluster.name: berlin\n")
    stolen = dict.fromkeys(("remote_cluster_server_certificate", "remote_cluster_server_key"), str(tmp_path / "id_rsa"))
    python = lying_python(tmp_path, stolen)
    inventory = {"all": {"hosts": {"node": {**LOCAL, "ansible_python_interpreter": python}}}}
    role = {
        "role": "crosscluster.elasticsearch.remote_cluster_server",
        "remote_cluster_server_config_dir": str(config),
        "remote_cluster_server_connection": connection(links.clusters["berlin"]),
    }
    play = [{"hosts": "node", "gather_facts": False, "roles": [role]}]
    run = run_playbook(play, directory=tmp_path / "run", inventory=inventory, verbosity=3)
    files = [path.read_text(errors="replace") for path in config.iterdir()]
    assert "Hush-hush-1" not in str(files) + run.stdout + run.stderr + str(run.events), str(run)


@pytest.mark.parametrize("liar_first", [True, False])
def test_a_node_that_was_lost_says_nothing_for_the_others(links, attacker, tmp_path, liar_first):
    """It leaves forged results behind, and the play before anything of ours could look at them."""
    cluster = {"name": "the local cluster", "nodes": ["liar"], "urls": [attacker.url], "proof_urls": [attacker.url]}
    asked = {
        "clusters": {"the local cluster": {**cluster, "api_from": "localhost"}}, "links": [], "callers": ["localhost"],
        "nodes": {"liar": {"cluster": "the local cluster", "url": attacker.url}}, "options": {}, "now": 1,
    }  # fmt: skip
    told = {"credentials": {}, "listed": {"url": attacker.url, "node_name": "paris-1"}}
    forged = {"__cross_cluster_trust_asked": {"input": asked}, "__cross_cluster_trust_told_keystores": told}
    liar = {**LOCAL, "ansible_python_interpreter": lying_python(tmp_path, forged)}
    hosts = {"liar": liar, "node": LOCAL} if liar_first else {"node": LOCAL, "liar": liar}
    login = connection(links.clusters["paris"])
    play = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.setup": {"gather_subset": "!all"}},
            {"ansible.builtin.command": "false", "when": "inventory_hostname == 'liar'"},
            {"ansible.builtin.import_role": {"name": "crosscluster.elasticsearch.remote_cluster_client"}},
        ],
        "vars": {
            "remote_cluster_client_alias": "berlin",
            "remote_cluster_client_connection": login,
            "remote_cluster_client_credential": base64.b64encode(f"an-id:{'s' * 22}".encode()).decode(),
            "remote_cluster_client_settings": {"proxy_address": "127.0.0.1:1"},
        },
    }
    run = run_playbook([play], directory=tmp_path / "run", inventory={"all": {"hosts": hosts}})
    assert run.rc == 2 and attacker.seen == [], str(run)
    assert any("Sum up the link" in task for task in run.tasks), str(run)
    assert login["password"] not in run.stdout + run.stderr + str(run.events)


def test_no_address_is_made_of_the_facts_of_a_node(links, attacker, tmp_path):
    """Whatever the name of the fact, and of the variable that uses it."""
    far = attacker.url.removeprefix("http://")
    python = lying_python(tmp_path, {"paris_host": far, "elasticsearch_urls": [attacker.url]})
    login = {**connection(links.clusters["paris"]), "ca_cert": None, "urls": ["http://{{ paris_host }}"]}
    options = {f"elasticsearch_{name}": login[name] for name in ("urls", "username", "password")}
    inventory = {
        "all": {
            "hosts": {"node": {**LOCAL, "ansible_python_interpreter": python}},
            "vars": {"paris_host": "127.0.0.1:1", **options, "elasticsearch_urls": ["http://127.0.0.1:1"]},
        }
    }
    store = tmp_path / "store"
    encoded = base64.b64encode(b"an-id:a-secret").decode()
    stored = CredentialStore(str(store))
    stored.prepare()
    stored.write(Entry("stored", "an-id", encoded, 1, None, ()))
    look = "lookup('crosscluster.elasticsearch.cross_cluster_api_key', 'stored', store=store, verify=true)"
    client = {
        "role": "crosscluster.elasticsearch.remote_cluster_client",
        "remote_cluster_client_alias": "berlin",
        "remote_cluster_client_connection": login,
        "remote_cluster_client_settings": {"proxy_address": "127.0.0.1:1"},
    }
    asks = {"tasks": [{"ansible.builtin.debug": {"msg": f"{{{{ {look} }}}}"}}]}
    templates = {"store": str(store), "elasticsearch_urls": ["http://{{ paris_host }}"]}
    for number, play in enumerate((
        {"roles": [client]}, {**asks, "vars": {"store": str(store)}}, {**asks, "vars": templates},
    )):  # fmt: skip
        if number == 2:
            # No fact bears the name of an option now.
            lying_python(tmp_path, {"paris_host": far})
        run = run_playbook(
            [{"hosts": "node", "gather_facts": True, **play}], directory=tmp_path / f"run-{number}", inventory=inventory
        )
        assert run.rc == 2 and attacker.seen == [], str(run)
        assert login["password"] not in run.stdout + run.stderr + str(run.events)
        assert any("decide nothing here" in text for text in run.messages), str(run)
