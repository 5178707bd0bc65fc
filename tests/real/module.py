# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles the Java of java/ into a module for one version, once."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from . import fetch
from .words import Problem, busy, last_line

NAME = "stand-in"
SOURCES = Path(__file__).resolve().parent / "java"
DESCRIPTOR = """description=What the distribution for integration tests lacks
version={version}
name={name}
classname=standin.VersionPlugin
java.version={java}
elasticsearch.version={version}
"""
# The two methods whose parameters changed: their types are read from the version's own classes.
PLUGIN = """package standin;

public final class VersionPlugin extends StandIn {{
    @Override
    public java.util.List<org.elasticsearch.rest.RestHandler> getRestHandlers({handlers}) {{
        return java.util.List.of(new RootHandler() {{
            @Override
            org.elasticsearch.action.admin.cluster.state.ClusterStateRequestBuilder state(
                org.elasticsearch.client.internal.node.NodeClient client
            ) {{
                return client.admin().cluster().prepareState({state});
            }}
        }});
    }}
}}
"""


def parameters(listing: str, method: str) -> list[str]:
    """The types of a method's parameters in what javap prints, as Java source has them."""
    found = re.search(rf" {method}\((.*)\)", listing)
    if not found:
        raise Problem(f"this version of Elasticsearch has no method {method} where it is looked for: it is too new.")
    depth, types = 0, [""]
    for letter in found.group(1).replace("$", "."):
        depth += {"<": 1, ">": -1}.get(letter, 0)
        if letter == "," and not depth:
            types.append("")
        else:
            types[-1] += letter
    return [text.strip() for text in types if text.strip()]


def plugin_source(action_plugin: str, cluster_client: str) -> str:
    handlers = parameters(action_plugin, "getRestHandlers")
    minute = "org.elasticsearch.core.TimeValue.timeValueMinutes(1)"
    return PLUGIN.format(
        handlers=", ".join(f"{type_} p{number}" for number, type_ in enumerate(handlers)),
        state=", ".join(minute for _type in parameters(cluster_client, "prepareState")),
    )


def module(version: str, distribution: Path, jdk: Path) -> Path:
    """The folder to lay into modules/, made anew when a source has changed."""
    sources = sorted(SOURCES.glob("*.java"))
    content = b"".join(path.read_bytes() for path in (*sources, Path(__file__)))
    target = distribution.parent / f"module-{hashlib.sha256(content).hexdigest()[:12]}"
    with fetch.locked(distribution.parent / "module.lock"):
        if not target.is_dir():
            for old in target.parent.glob("module-*"):
                shutil.rmtree(old)
            fresh = target.with_name("compiling")
            shutil.rmtree(fresh, ignore_errors=True)
            try:
                with busy(f"compiling the module {NAME} for {version} with {jdk}"):
                    _compile(version, distribution, jdk, sources, fresh)
                os.replace(fresh / "module", target)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return target


def _compile(version: str, distribution: Path, jdk: Path, sources: list[Path], fresh: Path) -> None:
    java = 17 if version.startswith("8.") else 21
    made = fresh / "module"
    made.mkdir(parents=True)
    classpath = str(distribution / "lib" / "*")
    listings = [
        _run(jdk, "javap", "-cp", classpath, name)
        for name in ("org.elasticsearch.plugins.ActionPlugin", "org.elasticsearch.client.internal.ClusterAdminClient")
    ]
    plugin = fresh / "VersionPlugin.java"
    plugin.write_text(plugin_source(*listings), encoding="utf-8")
    classes = fresh / "classes"
    _run(
        jdk,
        "javac",
        *("--release", str(java), "-proc:none", "-nowarn", "-cp", classpath, "-d", str(classes)),
        *(str(path) for path in (*sources, plugin)),
    )
    with zipfile.ZipFile(made / f"{NAME}.jar", "w") as jar:
        for path in sorted(classes.rglob("*.class")):
            jar.write(path, str(path.relative_to(classes)))
    descriptor = DESCRIPTOR.format(name=NAME, version=version, java=java)
    (made / "plugin-descriptor.properties").write_text(descriptor, encoding="utf-8")
    subprocess.run(["chmod", "-R", "a+rX", str(made)], check=True)


def _run(jdk: Path, tool: str, *arguments: str) -> str:
    done = subprocess.run([str(jdk / "bin" / tool), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error:" in line]
        raise Problem(f"the module {NAME} cannot be compiled: {errors[0] if errors else last_line(done.stderr)}")
    return done.stdout
