# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier release left behind is found right, nothing is written, and everything goes on from there.

The worlds are recorded: see tests/fixtures/made_by_1_0_0/README.md.
"""

from __future__ import annotations

import base64
import contextlib
import re
from pathlib import Path

import pytest
import yaml

from support import recorded
from support.keys import key_task, play
from support.links import Searching
from support.modules import check_real_again, run_module
from support.playbook import run_playbook
from support.worlds import connection

pytestmark = pytest.mark.needs("memory")

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "made_by_1_0_0"
LOOKUP = "crosscluster.elasticsearch.cross_cluster_api_key"


@pytest.fixture
def recorded_world(make_world, tmp_path):
    def put(name):
        links, more = recorded.put(FIXTURES / f"{name}.yml", make_world, tmp_path)
        # Seen through each of the links, whatever they may read.
        for cluster in links.clusters:
            document = links.api(cluster).put("/logs-1/_doc/1?refresh=true", {"of": cluster, "team": "a"})
            assert document.status in (200, 201)
        return links, more

    return put


def alias_of(link):
    return link.get("alias", link["to"])


def keys_of(links, link):
    """The keys that nobody has revoked, oldest first, with their secrets."""
    name = link.get("name") or "-".join(dict.fromkeys([link["from"], link["to"], alias_of(link)]))
    keys = [
        key for key in links.world.control(link["to"], "dump_keys") if key["name"] == name and not key["invalidated"]
    ]
    assert keys
    return sorted(keys, key=lambda key: key["creation"])


def encoded(key):
    return base64.b64encode(f"{key['id']}:{key['secret']}".encode()).decode()


def held(links, link):
    """The ids of the keys that the nodes of the client have loaded."""
    loaded = links.world.control(link["from"], "loaded_credentials")
    return [credentials.get(alias_of(link)) for credentials in loaded.values()]


def works(links):
    for link in links.links:
        for node in range(recorded.NODES):
            answer = links.api(link["from"], node).get(f"/{alias_of(link)}:logs-1/_search")
            assert answer.status == 200 and answer.json["hits"]["total"]["value"] == 1, answer
    return True


def untouched(links, before):
    assert links.writes() == []
    after = recorded.everything(links)
    for part, value in before.items():
        assert after[part] == value
    return True


@contextlib.contextmanager
def searching(links):
    """No search through any of the links fails meanwhile."""
    with contextlib.ExitStack() as stack:
        all_of_them = [stack.enter_context(Searching(links, link["from"], alias_of(link))) for link in links.links]
        yield
    assert all(one.made > 0 and one.failed == [] for one in all_of_them), [one.failed[:3] for one in all_of_them]


@pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.glob("*.yml")))
def test_a_recording_is_put_back_as_it_was(recorded_world, tmp_path, name):
    """Nothing of it is lost on the way into the clusters, so what the other tests find untouched was there."""
    links, more = recorded_world(name)
    recorded.record(links, tmp_path / "again.yml", **more)

    def timeless(path):
        recording = yaml.safe_load(re.sub(r"@now[+-]\d+@", "@now@", path.read_text(encoding="utf-8")))
        for key in (key for keys in recording["keys"].values() for key in keys):
            key.update(dict.fromkeys(("creation", "expiration", "invalidation")))
        return recording

    assert timeless(tmp_path / "again.yml") == timeless(FIXTURES / f"{name}.yml")


@pytest.mark.parametrize("name", ["one_link", "two_links", "adopted"])
def test_links_are_right_as_they_are(recorded_world, name):
    links, _more = recorded_world(name)
    before = recorded.everything(links)
    assert works(links)
    for check in (True, False, False):
        run = links.play("trust", check=check)
        assert run.ok and run.changed == 0, str(run)
        assert untouched(links, before)
    verified = links.play("verify")
    assert verified.ok, str(verified)
    assert untouched(links, before) and works(links)


@pytest.mark.parametrize("name", ["one_link", "two_links"])
def test_keys_are_replaced_by_their_like(recorded_world, name):
    links, _more = recorded_world(name)
    before = recorded.everything(links)
    old = [keys_of(links, link) for link in links.links]
    with searching(links):
        run = links.play("rotate")
    assert run.ok, str(run)
    for link, (was,) in zip(links.links, old):
        (new,) = keys_of(links, link)
        assert new["id"] != was["id"] and set(held(links, link)) == {new["id"]}
        for field in ("name", "role_descriptors", "creator"):
            assert new[field] == was[field]
        # 1.0.0 named the client alone.
        mark = {"client": link["from"], "alias": link.get("alias", link["to"]), "owner": ""}
        assert new["metadata"] == {**was["metadata"], "crosscluster_elasticsearch": mark}
        if was["expiration"]:
            assert new["expiration"] - new["creation"] == was["expiration"] - was["creation"]
    after = recorded.everything(links)
    changed = [name for name, file in before["files"].items() if after["files"][name] != file]
    assert {Path(name).name for name in changed} == {"elasticsearch.keystore"}
    assert set(after["files"]) == set(before["files"])
    assert (after["settings"], after["roles"]) == (before["settings"], before["roles"])
    again = links.play("trust")
    assert again.ok and again.changed == 0 and links.writes() == [], str(again)


@pytest.mark.parametrize("name", ["one_link", "two_links"])
def test_a_teardown_takes_all_of_it(recorded_world, name):
    links, _more = recorded_world(name)
    before = recorded.everything(links)
    run = links.play("untrust")
    assert run.ok, str(run)
    after = recorded.everything(links)
    for cluster in links.clusters:
        assert all(key["invalidated"] for key in after["keys"][cluster])
        assert after["settings"][cluster] == {}
        assert not any(links.world.control(cluster, "loaded_credentials").values())
        for role, body in before["roles"][cluster].items():
            rest = {field: value for field, value in after["roles"][cluster][role].items() if value}
            assert rest == {field: value for field, value in body.items() if value and field != "remote_indices"}
    for file, was in before["files"].items():
        if not file.endswith(".keystore"):
            assert after["files"][file] == was


@pytest.mark.parametrize("playbook", ["trust", "rotate"])
def test_a_rotation_that_was_cut_off_goes_on(recorded_world, playbook):
    links, _more = recorded_world("cut_off")
    (link,) = links.links
    old, new = keys_of(links, link)
    with searching(links):
        run = links.play(playbook)
    assert run.ok, str(run)
    (left,) = keys_of(links, link)
    assert left["id"] != old["id"] and set(held(links, link)) == {left["id"]}
    if playbook == "trust":
        assert left == new
    again = links.play("trust")
    assert again.ok and again.changed == 0 and links.writes() == [], str(again)


def test_a_key_without_our_marker_is_not_taken_over_by_its_name(recorded_world):
    links, more = recorded_world("unmarked")
    before = recorded.everything(links)
    assert works(links)
    for playbook in ("trust", "rotate"):
        run = links.play(playbook)
        assert run.rc == 2, str(run)
        said = str(run.events)
        assert more["id"] in said and "elastic" in said and f"adopt: {more['id']}" in said, str(run)
        assert untouched(links, before) and works(links)


def test_a_key_without_our_marker_is_adopted_by_its_id(recorded_world):
    links, more = recorded_world("unmarked")
    before = recorded.everything(links)
    links.links[0]["adopt"] = more["id"]
    for check in (True, False):
        run = links.play("trust", check=check)
        assert run.ok and run.changed == 0, str(run)
        assert untouched(links, before)
    verified = links.play("verify")
    assert verified.ok and works(links), str(verified)

    with searching(links):
        run = links.play("rotate")
    assert run.ok, str(run)
    (new,) = keys_of(links, links.links[0])
    assert new["id"] != more["id"] and set(held(links, links.links[0])) == {new["id"]}
    assert new["metadata"]["crosscluster_elasticsearch"]["client"] == "paris"
    again = links.play("trust")
    assert again.ok and again.changed == 0 and links.writes() == [], str(again)
    assert more["id"] in again.stdout + again.stderr, "a hint that this adopt has done its work"


def test_the_client_role_holds_what_it_held(recorded_world):
    links, more = recorded_world("unmarked")
    before = recorded.everything(links)
    for check in (True, False):
        run = links.role("remote_cluster_client", "paris", more["client"], check=check)
        assert run.ok and run.changed == 0, str(run)
        assert untouched(links, before)


def test_elasticsearch_yml_stays_as_it_was_written(recorded_world):
    """Our block, and the list of authorities outside of it that ours was added to."""
    links, more = recorded_world("two_sides")
    before = recorded.everything(links)
    for role, cluster, variables in (
        ("remote_cluster_server", "berlin", more["server"]),
        ("remote_cluster_client", "paris", more["client"]),
    ):
        for check in (True, False):
            run = links.role(role, cluster, variables, check=check)
            assert run.ok and run.changed == 0, str(run)
            assert untouched(links, before)
    assert works(links)


@pytest.mark.parametrize("name", ["one_link", "two_links"])
def test_the_keystore_modules_know_the_keystores(recorded_world, name, tmp_path):
    links, _more = recorded_world(name)
    before = recorded.everything(links)
    for link in links.links:
        (key,) = keys_of(links, link)
        cluster = links.clusters[link["from"]]
        for node in cluster["nodes"]:
            where = {"executable": node["keystore"], "config_dir": node["config_dir"]}
            where["keystore_password"] = cluster.get("keystore_password")
            # What 1.0.0 remembered is worth as much as asking the tool.
            for memory in ("cache", "fresh"):
                asked = {**where, "aliases": [alias_of(link)]}
                told = run_module("keystore_info", asked, environ={"XDG_CACHE_HOME": str(tmp_path / memory)})
                assert told["credentials"][alias_of(link)]["api_key_id"] == key["id"]
                assert told["remembered"] == (memory == "cache" and not where["keystore_password"])
            setting = {"name": f"cluster.remote.{alias_of(link)}.credentials", "value": encoded(key)}
            assert not check_real_again("keystore", {**where, **setting}).changed
    assert untouched(links, before)


def test_the_credential_store_holds_what_it_held(recorded_world, tmp_path):
    links, more = recorded_world("key_module")
    before = recorded.everything(links)
    both = [more["plain"], more["vaulted"]]

    def ran(options, *tasks, check=False):
        # Beside a vault secret, files that are not encrypted are refused now.
        vault = {"default": more["vault"]} if options is more["vaulted"] else {}
        done = run_playbook(play(*tasks), directory=tmp_path / "run", vault_ids=vault, check=check)
        assert done.ok, str(done)
        return done

    def kept(options, check=False):
        """The tasks that made the keys find them and their secrets, which are those that the server knows."""
        newest = {key["name"]: encoded(key) for key in links.world.control("berlin", "dump_keys")}
        value = "{{ lookup('%s', name, store=store, verify=true, **options) }}" % LOOKUP
        given = {"name": options["name"], "store": options["credential_store"], "held": value}
        given |= {"options": connection(links.clusters["berlin"]), "expected": newest[options["name"]]}
        same = {"name": "Same", "assert": {"that": ["held == expected"]}, "vars": given, "no_log": True}
        links.world.clear_log()
        return ran(options, key_task(links.world, **options), same, check=check)

    assert more["secrets"] == {key["name"]: encoded(key) for key in before["keys"]["berlin"]}
    for options in both:
        for check in (True, False):
            assert kept(options, check).changed == 0 and untouched(links, before)
    for options in both:
        assert ran(options, key_task(links.world, **options, rotate=True)).changed == 1
        assert kept(options).changed == 0
    after = recorded.everything(links)
    for name, file in before["files"].items():
        assert (after["files"][name] != file) == name.endswith(".json")
