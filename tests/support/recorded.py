# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release left behind: written down as a file, and put into clusters that are as new.

record(links, path)                   all that runs have written: keys, settings, roles, files, what modules remember
links, more = put(path, make_world, tmp_path)
before = everything(links)            the same but for what is remembered, to see whether a run changes any of it

What is another in every run is a word between two @ in the file: directories, addresses, ports, certificates, logins.
Times are kept as distances from the moment of recording, so that no key expires by lying around.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from pathlib import Path

import yaml

from simulator import Simulator
from support.links import Links
from support.worlds import reset

CLUSTERS = ("berlin", "paris")
NODES = 2
KEYSTORE = "elasticsearch.keystore"
_TIMES = ("creation", "expiration", "invalidation")
_NOTICE = """\
# SPDX-FileCopyrightText: Contributors to the crosscluster.elasticsearch collection
# SPDX-License-Identifier: GPL-3.0-or-later
# Recorded, as README.md says: not to be edited, and not to be made anew.
---
"""


def everything(links: Links) -> dict[str, t.Any]:
    """All that a run may write, on clusters, nodes and controller, but for what modules remember of keystores."""
    return {
        "keys": {name: links.world.control(name, "dump_keys") for name in links.clusters},
        "settings": {
            name: links.api(name).get("/_cluster/settings?flat_settings=true").json["persistent"]
            for name in links.clusters
        },
        "roles": {name: _roles(links, name) for name in links.clusters},
        "files": {
            name: {"mode": f"{path.stat().st_mode & 0o777:04o}", "content": path.read_bytes()}
            for name, path in _files(links).items()
        },
    }


def record(links: Links, path: Path, **more: t.Any) -> None:
    """Write down what is there; `more` is what else its users were to know."""
    state, now = everything(links), links.world.control(CLUSTERS[0], "now")
    words = _words(links)
    for key in (key for keys in state["keys"].values() for key in keys):
        for field in _TIMES:
            if key[field] is not None:
                words[f"now{key[field] - now:+d}"] = str(key[field])
                key[field] -= now
    for node in _nodes(links):
        memory = _memory(links, node)
        if memory.exists():
            state["files"][f"memory/{node['name']}"] = {"mode": "0600", "content": memory.read_bytes()}
    passwords = {name: cluster.get("keystore_password") for name, cluster in links.clusters.items()}
    recording = {
        "version": links.clusters[CLUSTERS[0]]["version"],
        "trust": links.world.trust,
        "keystore_passwords": passwords,
        "links": links.links,
        "more": more,
        **state,
    }
    longest_first = sorted(words.items(), key=lambda word: -len(word[1]))

    def neutral(text: str) -> str:
        for word, value in longest_first:
            text = text.replace(value, f"@{word}@")
        return text

    text = yaml.dump(_each(recording, neutral), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    path.write_text(_NOTICE + text, encoding="utf-8")


def put(path: Path, make_world: t.Callable[..., Simulator], directory: Path) -> tuple[Links, dict[str, t.Any]]:
    """The links of a recorded recording, and `more`."""
    recording = yaml.safe_load(path.read_text(encoding="utf-8"))
    world = make_world(CLUSTERS, version=recording["version"], nodes=NODES, trust=recording["trust"])
    reset(world)
    links = Links(world, directory, recording["links"])
    now = world.control(CLUSTERS[0], "now")
    words = _words(links)

    def local(text: str) -> str:
        text = re.sub(r"@now([+-]\d+)@", lambda found: str(now + int(found[1])), text)
        return re.sub(r"@([\w.-]+)@", lambda found: words[found[1]], text)

    def lay(wanted: t.Callable[[str], bool]) -> None:
        for name in filter(wanted, recording["files"]):
            place, file = _place(links, name), recording["files"][name]
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            content = _each(file["content"], local)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
            place.chmod(int(file["mode"], 8))

    for place in set(_files(links).values()) - {_place(links, name) for name in recording["files"]}:
        place.unlink()
    lay(lambda name: not name.startswith("memory/") and not name.endswith(KEYSTORE))
    for name, cluster in links.clusters.items():
        for node in cluster["nodes"]:
            world.control(name, "restart_node", node=node["name"])
    # Only then the keystores, for a reload: a node that starts writes those of an older format anew.
    lay(lambda name: name.endswith(KEYSTORE))
    words |= _digests(links)
    lay(lambda name: name.startswith("memory/"))
    for name, cluster in links.clusters.items():
        keys = [
            {**key, **{field: now + key[field] for field in _TIMES if key[field] is not None}}
            for key in recording["keys"][name]
        ]
        world.control(name, "load_keys", keys=keys)
        password = recording["keystore_passwords"][name]
        for node in cluster["nodes"] if password else ():
            Path(node["home"], "lib", "keystore_passphrase").write_text(password + "\n", encoding="utf-8")
            cluster["keystore_password"] = password
        reloaded = links.api(name).post("/_nodes/reload_secure_settings", {"secure_settings_password": password or ""})
        assert reloaded.status == 200 and "reload_exception" not in reloaded.text, reloaded
        for role, body in recording["roles"][name].items():
            assert links.api(name).put(f"/_security/role/{role}", body).status == 200
    for name in links.clusters:
        settings = _each(recording["settings"][name], local)
        if settings:
            assert links.api(name).put("/_cluster/settings", {"persistent": settings}).status == 200
        world.control(name, "clear_keystore_calls")
    world.clear_log()
    links.links = _each(recording["links"], local)
    return links, _each(recording["more"], local)


def _each(value: t.Any, change: t.Callable[[str], str]) -> t.Any:
    if isinstance(value, dict):
        return {name: _each(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_each(item, change) for item in value]
    if isinstance(value, bytes):
        try:
            return change(value.decode())
        except UnicodeDecodeError:
            return value
    return change(value) if isinstance(value, str) else value


def _nodes(links: Links) -> list[dict[str, t.Any]]:
    return [node for cluster in links.clusters.values() for node in cluster["nodes"]]


def _files(links: Links) -> dict[str, Path]:
    """What lies beside elasticsearch.yml, but for backups, and in the credential store."""
    found = {
        f"{node['name']}/{path.name}": path for node in _nodes(links) for path in Path(node["config_dir"]).iterdir()
    }
    found |= {str(path.relative_to(links.directory)): path for path in Path(links.directory, "store").glob("**/*")}
    return {name: path for name, path in sorted(found.items()) if path.is_file() and not name.endswith("~")}


def _place(links: Links, name: str) -> Path:
    first, _slash, rest = name.partition("/")
    if first == "store":
        return Path(links.directory, name)
    nodes = {node["name"]: node for node in _nodes(links)}
    return _memory(links, nodes[rest]) if first == "memory" else Path(nodes[first]["config_dir"], rest)


def _keystores(node: dict[str, t.Any]) -> list[str]:
    """Where the tool may find the keystore of a node, as 1.0.0 saw it."""
    return sorted(f"{folder}/elasticsearch.keystore" for folder in (node["config_dir"], "/etc/elasticsearch"))


def _memory(links: Links, node: dict[str, t.Any]) -> Path:
    """Where 1.0.0 remembered what it had read from the keystore of a node."""
    name = hashlib.sha256("\0".join(_keystores(node)).encode()).hexdigest()[:16]
    return Path(links.directory, "cache", "crosscluster.elasticsearch", f"keystore-{name}.json")


def _digests(links: Links) -> dict[str, str]:
    """How 1.0.0 told whether a keystore was still the one that it remembered."""
    found = {}
    for node in _nodes(links):
        total = hashlib.sha256()
        for path in filter(Path.exists, map(Path, _keystores(node))):
            total.update(f"{path}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        found[f"{node['name']}.keystore_digest"] = total.hexdigest()
    return found


def _words(links: Links) -> dict[str, str]:
    """What is another in every run, by the words that stand for it."""
    words = {"directory": str(links.directory), "simulator": str(links.world.directory), **_digests(links)}
    for name, cluster in links.clusters.items():
        words[f"{name}.password"] = cluster["password"]
        words[f"{name}.remote_cluster_server"] = cluster["remote_cluster_server"]
        words[f"{name}.remote_ca"] = Path(cluster["remote_ca_cert"]).read_text(encoding="ascii").strip()
        for node in cluster["nodes"]:
            words[f"{node['name']}.url"] = node["url"]
            for file in ("remote_cluster.crt", "remote_cluster.key"):
                words[f"{node['name']}.{file}"] = Path(node["config_dir"], "certs", file).read_text(encoding="ascii")
            # The ports of a node are reserved for it, and stand in its file from the start.
            first = links.world.clusters[name].extra["first_yml"][node["name"]]
            for line in re.findall(r"(?m)^(?:remote_cluster|transport)\.port: \d+$", first):
                words[f"{node['name']}.{line.partition(':')[0]}"] = line
                words[f"{node['name']}.{line.partition('.')[0]}.address"] = f"127.0.0.1:{line.split()[-1]}"
    return words


def _roles(links: Links, cluster: str) -> dict[str, t.Any]:
    roles = links.api(cluster).get("/_security/role").json
    return {
        name: {field: value for field, value in role.items() if field != "transient_metadata"}
        for name, role in roles.items()
        if not role.get("metadata", {}).get("_reserved")
    }


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are, and nothing as a reference to something above."""

    def ignore_aliases(self, data: t.Any) -> bool:
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)
