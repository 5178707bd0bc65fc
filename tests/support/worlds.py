# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clusters that tests run on, as pytest fixtures: simulated, or the real ones of ELASTICSEARCH_TEST_CLUSTERS.

make_world(clusters=..., version=...)  a running Simulator, shared by all tests of the module that ask for the same; or
                                       the real clusters of these names, as they are
world                                  two clusters, berlin and paris, reset before each test
clusters                               the "clusters" object of clusters.json
api                                    requests to one cluster: api("berlin").post("/_security/...", {...})

No test knows which world it has. What not every world can do is asked for by a marker, see `Needs`.
"""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
import uuid
from pathlib import Path

import pytest
import requests

from real import world as real_world
from simulator import Simulator

REAL = os.environ.get("ELASTICSEARCH_TEST_CLUSTERS")


class Answer:
    def __init__(self, response: requests.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.text
        try:
            self.json: t.Any = response.json()
        except ValueError:
            self.json = None

    def __repr__(self) -> str:
        return f"{self.status} {self.text[:600]}"

    @property
    def error(self) -> dict[str, t.Any]:
        return self.json["error"]

    @property
    def reasons(self) -> list[str]:
        """Reasons of the error and of its chain of causes, outermost first."""
        return [reason for _kind, reason in self.causes]

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Types and reasons of the error and of its causes, outermost first; of a search, what a shard said."""
        found, error = [], self.json["error"]
        while error:
            found.append((error["type"], error["reason"]))
            shards = error.get("failed_shards") or [{}]
            error = error.get("caused_by") or shards[0].get("reason")
        return found


class Api:
    """Requests to one cluster, as its superuser or as somebody else."""

    def __init__(
        self, spec: dict[str, t.Any], auth: t.Any = None, headers: dict[str, str] | None = None, node: int = 0
    ) -> None:
        self.spec = spec
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = spec["ca_cert"]
        self.auth = auth if auth is not None or headers else (spec["username"], spec["password"])
        self.headers = headers or {}
        self.url = spec["urls"][node]

    def __call__(self, method: str, path: str, body: t.Any = None, **options: t.Any) -> Answer:
        if body is not None:
            options["json"] = body
        headers = {**self.headers, **options.pop("headers", {})}
        return Answer(
            self.session.request(method, self.url + path, auth=self.auth, headers=headers, timeout=30, **options)
        )

    def get(self, path: str, body: t.Any = None, **options: t.Any) -> Answer:
        return self("GET", path, body, **options)

    def post(self, path: str, body: t.Any = None, **options: t.Any) -> Answer:
        return self("POST", path, body, **options)

    def put(self, path: str, body: t.Any = None, **options: t.Any) -> Answer:
        return self("PUT", path, body, **options)

    def delete(self, path: str, body: t.Any = None, **options: t.Any) -> Answer:
        return self("DELETE", path, body, **options)

    # --- who asks ---
    def as_user(self, name: str, password: str = "secret-1") -> Api:
        return Api(self.spec, auth=(name, password))

    def as_api_key(self, encoded: str) -> Api:
        return Api(self.spec, headers={"Authorization": f"ApiKey {encoded}"})

    def as_bearer(self, token: str) -> Api:
        return Api(self.spec, headers={"Authorization": f"Bearer {token}"})

    def run_as(self, name: str) -> Api:
        return Api(self.spec, auth=self.auth, headers={"es-security-runas-user": name})

    def at_node(self, number: int) -> Api:
        return Api(self.spec, node=number)

    # --- what tests often make ---
    def user(
        self,
        name: str,
        cluster: t.Sequence[str] = (),
        indices: t.Any = (),
        roles: list[str] | None = None,
        **role: t.Any,
    ) -> Api:  # noqa: B006
        """A user with a role of his own that grants these privileges."""
        body = {"cluster": list(cluster), "indices": list(indices), **role}
        assert self.put(f"/_security/role/role-of-{name}", body).status == 200
        answer = self.put(f"/_security/user/{name}", {"password": "secret-1", "roles": roles or [f"role-of-{name}"]})
        assert answer.status == 200, answer
        return self.as_user(name)

    def key(self, name: str | None = None, **body: t.Any) -> dict[str, t.Any]:
        """A cross-cluster key."""
        body = {"name": name or f"key-{uuid.uuid4().hex[:8]}", "access": {"search": [{"names": ["logs-*"]}]}, **body}
        answer = self.post("/_security/cross_cluster/api_key", body)
        assert answer.status == 200, answer
        return answer.json

    def rest_key(self, name: str | None = None, **body: t.Any) -> dict[str, t.Any]:
        answer = self.post("/_security/api_key", {"name": name or f"rest-{uuid.uuid4().hex[:8]}", **body})
        assert answer.status == 200, answer
        return answer.json

    def read_key(self, key_id: str) -> dict[str, t.Any]:
        answer = self.get(f"/_security/api_key?id={key_id}")
        assert answer.status == 200, answer
        return answer.json["api_keys"][0]


def connection(spec: dict[str, t.Any]) -> dict[str, t.Any]:
    """The connection options of the collection's modules for this cluster."""
    return {
        "urls": list(spec["urls"]),
        "username": spec["username"],
        "password": spec["password"],
        "ca_cert": spec["ca_cert"],
    }


def link(
    client: dict[str, t.Any], server: dict[str, t.Any], alias: str, access: t.Any = None, **settings: t.Any
) -> dict[str, t.Any]:
    """Link two clusters by hand, as the documentation says: key, keystores, reload, settings. Returns the key."""
    key = Api(server).key(f"by-hand-{alias}", **({"access": access} if access else {}))
    for node in client["nodes"]:
        put_credential(node, alias, key["encoded"])
    reload = Api(client).post("/_nodes/reload_secure_settings")
    assert reload.status == 200 and "reload_exception" not in reload.text, reload
    values = {"mode": "proxy", "proxy_address": server["remote_cluster_server"], **settings}
    body = {"persistent": {f"cluster.remote.{alias}.{name}": value for name, value in values.items()}}
    answer = Api(client).put("/_cluster/settings", body)
    assert answer.status == 200, answer
    return key


def put_credential(node: dict[str, t.Any], alias: str, encoded: str) -> None:
    command = [node["keystore"], "add", "--force", f"cluster.remote.{alias}.credentials"]
    environment = {**os.environ, "ES_PATH_CONF": node["config_dir"]}
    subprocess.run(
        command, input=encoded + "\n", text=True, check=True, env=environment, capture_output=True, timeout=60
    )


# --- fixtures (the conftest.py of rules and e2e import them) ---


World = t.Union[Simulator, real_world.World]


@pytest.fixture(scope="module")
def make_world(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[..., World]]:
    running: dict[str, Simulator] = {}

    def make(
        clusters: t.Any = ("berlin", "paris"), version: str = "9.3.0", nodes: int = 3, trust: bool = True
    ) -> World:
        if REAL:
            return real_world.World(Path(REAL), clusters, trust)
        clusters = clusters if isinstance(clusters, dict) else list(clusters)
        key = json.dumps([clusters, version, nodes, trust], sort_keys=True)
        if key not in running:
            running[key] = Simulator(tmp_path_factory.mktemp("world"), clusters, version, nodes, trust).__enter__()
        return running[key]

    yield make
    for one in running.values():
        bugs = one.bugs()
        one.__exit__(None, None, None)
        assert not bugs, f"the simulator failed on {bugs}"


@pytest.fixture
def world(make_world: t.Callable[..., World]) -> World:
    """berlin and paris, three nodes each, newest default version, as new."""
    one = make_world()
    reset(one)
    return one


def reset(one: World) -> None:
    for name in one.clusters:
        one.control(name, "reset")


@pytest.fixture
def linked(world: World) -> tuple[World, dict[str, t.Any]]:
    """The clusters with paris linked to berlin under the alias `berlin`, and the key."""
    paris = world.cluster("paris")
    key = link(paris, world.cluster("berlin"), "berlin")
    for node in paris["nodes"] if number(paris["version"]) < (8, 13) else []:
        world.control("paris", "restart_node", node=node["name"])
    return world, key


@pytest.fixture
def clusters(request: pytest.FixtureRequest) -> dict[str, t.Any]:
    if REAL:
        return real_clusters()
    return request.getfixturevalue("world").spec["clusters"]


@pytest.fixture
def api(clusters: dict[str, t.Any]) -> t.Callable[[str], Api]:
    return lambda name: Api(clusters[name])


@pytest.fixture(scope="module")
def berlin_once(request: pytest.FixtureRequest) -> Api:
    """The cluster berlin, shared by a whole module: for tests that mind nobody else's keys."""
    if REAL:
        return Api(real_clusters()["berlin"])
    return Api(request.getfixturevalue("make_world")().cluster("berlin"))


@pytest.fixture
def berlin(clusters: dict[str, t.Any]) -> Api:
    """The cluster berlin; as new before each test when it is simulated."""
    return Api(clusters["berlin"])


def real_clusters() -> dict[str, t.Any]:
    assert REAL
    with open(REAL, encoding="utf-8") as file:
        return json.load(file)["clusters"]


def mark(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(*abilities, nodes, since, before): what the clusters of a test must be able to do"
    )


class Needs:
    """What a test asks of its clusters: `@pytest.mark.needs("clock", nodes=2, since="9.3", before="8.13")`.

    Only simulated clusters have the abilities that are named: "faults", "clock" (one that is turned), "calls" (of the
    keystore tool, counted), "memory" (what a node has loaded), "many keys", "licences", "realms", "switches" (API keys
    turned off), "wire" (messages of our own between nodes), "host names" (of other hosts), "upgrade", "authorities"
    (certificates signed by those of the clusters), "untouched" (nobody used the clusters before), and others than
    there are, "versions" and "clusters". `since` and `before` are of real clusters: a simulated one gets the version
    that the test asks for.
    """

    def __init__(self, item: pytest.Item) -> None:
        marks = list(item.iter_markers("needs"))[::-1]  # the closest comes last and counts
        self.abilities = {ability for mark in marks for ability in mark.args}
        self.numbers = {name: value for mark in marks for name, value in mark.kwargs.items()}

    def met_by(self, clusters: dict[str, t.Any]) -> bool:
        versions = sorted(number(cluster["version"]) for cluster in clusters.values())
        since, before = self.numbers.get("since", "0"), self.numbers.get("before", "99")
        return (
            not self.abilities
            and min(len(cluster["nodes"]) for cluster in clusters.values()) >= self.numbers.get("nodes", 1)
            and versions[0] >= number(since)
            and versions[-1] < number(before)
        )


def deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On real clusters only tests run whose needs they meet."""
    if REAL:
        clusters = real_clusters()
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            (kept if Needs(item).met_by(clusters) else dropped).append(item)
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def of_version(table: dict[str, t.Any], version: str) -> t.Any:
    """What a table of versions says of this one: the entry of the newest that is not newer."""
    return table[max((one for one in table if number(one) <= number(version)), key=number)]


def each_version(*versions: str) -> pytest.MarkDecorator:
    """The test gets a `version` for make_world: each of these where clusters are simulated; real ones have theirs."""
    return pytest.mark.parametrize("version", ["real"] if REAL else versions)


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-")[0].split("."))


# What rules are tried on: one version of each kind of answer that is known, or what there is.
VERSIONS = [real_clusters()["berlin"]["version"]] if REAL else ["8.10.4", "8.14.3", "8.19.0", "9.1.0", "9.5.0"]


@pytest.fixture(scope="module", params=VERSIONS)
def each_berlin(request: pytest.FixtureRequest, make_world: t.Callable[..., World]) -> Api:
    """The cluster berlin in one version after the other, shared by a whole module as berlin_once is."""
    return Api(make_world(["berlin"], version=request.param, nodes=1).cluster("berlin"))
