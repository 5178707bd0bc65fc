# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make real` decides before and around the servers; needs no Java."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from real import __main__ as command
from real import clusters, fetch, jdk, module, node, ports, processes
from real.words import Problem

JDKS = [(17, Path("/jvm/17")), (25, Path("/jvm/25"))]


@pytest.mark.parametrize(
    ("version", "home"),
    [((8, 10, 4), "/jvm/17"), ((8, 19, 0), "/jvm/17"), ((9, 1, 0), "/jvm/25"), ((9, 5, 0), "/jvm/25")],
)
def test_the_jdk_is_of_the_right_age(version, home):
    assert jdk.choose(version, JDKS) == Path(home)


def test_without_one_the_message_says_what_to_install_and_what_is_there():
    with pytest.raises(
        Problem, match=r"9\.0\.1 needs a JDK 21 or 22.*found: 17 in /jvm/17, 25 in.*openjdk-21.*ES_JAVA_HOME"
    ):
        jdk.choose((9, 0, 1), JDKS)


def test_a_named_jdk_comes_before_those_of_the_system(tmp_path):
    homes = []
    for name in ("first", "no-compiler", "second"):
        home = tmp_path / name
        (home / "bin").mkdir(parents=True)
        (home / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="17.0.15"\n')
        homes.append(home)
        if name != "no-compiler":
            (home / "bin" / "javac").touch(mode=0o755)
    assert jdk.found(homes) == [(17, homes[0]), (17, homes[2])]
    named = list(jdk.candidates({"JAVA_HOME": "/b", "ES_JAVA_HOME": "/a"}))
    assert named[:2] == [Path("/a"), Path("/b")]


def test_a_version_that_is_not_there_is_told_from_a_failing_network():
    missing = "[ERROR] Could not find artifact org.elasticsearch:elasticsearch:zip:8.12.9 in central\n"
    assert "Maven Central has no Elasticsearch 8.12.9; it has, for example, 8.10.4" in fetch.explain("8.12.9", missing)
    network = "[WARNING] x\n[ERROR] repo.maven.apache.org: Name or service not known\n[ERROR] -> [Help 1]\n"
    assert fetch.explain("9.5.0", network).endswith(
        "Maven Central: [ERROR] repo.maven.apache.org: Name or service not known"
    )


def test_a_version_is_fetched_once_and_only_the_cache_is_written(tmp_path, monkeypatch):
    cache, here, bin_ = tmp_path / "cache", tmp_path / "here", tmp_path / "bin"
    here.mkdir()
    bin_.mkdir()
    # Maven, which leaves flags beside the project that it takes its working directory for.
    (bin_ / "mvn").write_text(
        "#!/bin/sh\nmkdir flags\n"
        'for word; do case $word in -DoutputDirectory=*) mkdir -p "${word#*=}/elasticsearch-9.5.0/bin";; esac; done\n'
    )
    (bin_ / "mvn").chmod(0o755)
    monkeypatch.setattr(fetch, "CACHE", cache)
    monkeypatch.setenv("PATH", f"{bin_}:/usr/bin:/bin")
    monkeypatch.chdir(here)
    distribution = fetch.distribution("9.5.0")
    assert (distribution / "bin").is_dir() and list(here.iterdir()) == []
    assert sorted(path.name for path in cache.iterdir()) == ["9.5.0", "fetch.lock"]
    (bin_ / "mvn").write_text("#!/bin/sh\nexit 1\n")
    assert fetch.distribution("9.5.0") == distribution
    with pytest.raises(Problem, match="9.2.0 cannot be fetched from Maven Central"):
        fetch.distribution("9.2.0")
    assert sorted(path.name for path in cache.iterdir()) == ["9.5.0", "fetch.lock"]


@pytest.mark.parametrize(
    ("listing", "types"),
    [
        ("  List<RestHandler> getRestHandlers(a.Settings, java.util.function.Supplier<b.Nodes>);", 2),
        ("  Collection<x> getRestHandlers(a.Plugin$Services, f.Supplier<b.N>, f.Predicate<c.Map<d, e>>);", 3),
        ("  y getRestHandlers();", 0),
    ],
)
def test_the_types_of_a_method_are_read_from_javap(listing, types):
    found = module.parameters(listing, "getRestHandlers")
    assert len(found) == types and not any("$" in name for name in found)


def test_the_plugin_fits_the_signatures_of_its_version():
    source = module.plugin_source(
        "y getRestHandlers(a.B$C, d.E<f>);", "z prepareState(org.elasticsearch.core.TimeValue);"
    )
    assert (
        "getRestHandlers(a.B.C p0, d.E<f> p1)" in source and "prepareState(org.elasticsearch.core.TimeValue." in source
    )
    assert "prepareState()" in module.plugin_source("y getRestHandlers();", "z prepareState();")
    with pytest.raises(Problem, match="no method prepareState"):
        module.plugin_source("y getRestHandlers();", "z somethingElse();")


@pytest.mark.parametrize(
    ("command_line", "environment", "home"),
    [
        (b"java\0-Dx=y\0-Des.path.home=/d/a/a-1\0", b"", "/d/a/a-1"),
        (
            b"java\0org.elasticsearch.bootstrap.Elasticsearch\0",
            b"HOME=/d/a/a-1/run\0ES_TMPDIR=/d/a/a-1/run\0",
            "/d/a/a-1",
        ),
        (b"/bin/sh\0/d/a/a-1/bin/restart-node\0", b"HOME=/root\0", "/d/a/a-1"),
        (b"vi\0/d/a/a-1/config/elasticsearch.yml\0", b"HOME=/root\0ES_TMPDIR=/tmp/run\0", None),
        (b"bash\0", b"HOME=/d/run\0", None),
        (b"", b"", None),
    ],
)
def test_a_process_is_known_by_its_node(command_line, environment, home):
    assert processes.home(command_line, environment) == home


# What nodes of 8.10.4, 8.19.0 and 9.5.0 printed, without the many lines around it.
@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            "[..][INFO ][..] starting ...\n"
            "[..][ERROR][o.e.b.Elasticsearch      ] [a-1] fatal exception while booting Elasticsearch"
            " org.elasticsearch.http.BindHttpException: Failed to bind to 127.0.0.1:1\n\tat org...\n"
            "Caused by: java.net.BindException: Permission denied\n\t... 4 more\n\n"
            "ERROR: Elasticsearch did not exit normally - check the logs at /d/a.log\n"
            "[..][WARN ] unexpected exception\nCaused by: java.lang.IllegalStateException: stopped\n",
            "org.elasticsearch.http.BindHttpException: Failed to bind to 127.0.0.1:1; "
            "java.net.BindException: Permission denied",
        ),
        (
            "fatal exception while booting Elasticsearchjava.lang.IllegalArgumentException: unknown setting [x]\n\n",
            "java.lang.IllegalArgumentException: unknown setting [x]",
        ),
        (
            "java.lang.RuntimeException: starting java failed with [1]\noutput:\n"
            "Error occurred during initialization of VM\nInitial heap size set to a larger value\nerror:\n\n",
            "Initial heap size set to a larger value",
        ),
        ("setpriv: setresuid failed\n", "setpriv: setresuid failed"),
        ("", "it said nothing"),
    ],
)
def test_the_reason_of_a_failed_start(output, reason):
    assert node.reason(output) == reason


def test_a_reserved_port_is_nobody_elses_but_a_server_may_listen_on_it():
    held = ports.reserve()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", ports.number(held)))
    for _restart in range(2):
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", ports.number(held)))
            server.listen()
            socket.create_connection(("127.0.0.1", ports.number(held))).close()
    held.close()


def test_memory_that_is_there():
    assert clusters.available_memory("MemTotal:  24684112 kB\nMemAvailable:   21635072 kB\n") == 21128


def test_versions_of_clusters():
    options = command.arguments(["d", "--version", "8.19.0", "--versions", "berlin=9.5.0"])
    assert options.wanted == {"berlin": "9.5.0", "paris": "8.19.0"} and options.nodes == 1


@pytest.mark.parametrize("version", ["9.5", "8.9.2", "", "nine", "9.5.0-SNAPSHOT"])
def test_a_version_is_a_whole_one(version):
    with pytest.raises(Problem, match="use a whole one from 8.10.0 on"):
        clusters.number(version)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--versions", "rome=9.5.0"], "[rome=9.5.0] must be name=version with a name of --clusters (berlin paris)"),
        (["--clusters", "Berlin"], "use lower-case letters"),
        (["--nodes", "0"], "must be 1 to 20"),
    ],
)
def test_what_no_cluster_can_be_made_of(words, said, capsys):
    with pytest.raises(SystemExit):
        command.arguments(["d", *words])
    assert said in capsys.readouterr().err
