# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our settings get into our block, and what others wrote is read, never changed."""

from __future__ import annotations

import base64

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.crosscluster.elasticsearch.plugins.filter.elasticsearch_yml import elasticsearch_trust
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._node import elasticsearch_yml as yml

FILE = """\
# our cluster
cluster.name: paris   # do not change

path:
  data: /var/lib
"""
THEIRS = FILE + f"{yml.AUTHORITIES}:\n  - certs/a.crt\n  - certs/b.crt\n"
OWN = "remote_cluster_authorities.crt"
PORT = {"remote_cluster_server.enabled": True, "remote_cluster.port": 9443}
BLOCK = "remote_cluster.port: 9443\nremote_cluster_server.enabled: true\n"


def b64(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def written(block: str, text: str = FILE) -> str:
    return f"{text}{yml.BEGIN}\n{block}{yml.END}\n"


def test_a_new_block_holds_our_settings_and_is_right_afterwards():
    merged = yml.merge(b64(FILE), PORT)
    assert merged == yml.Merged(BLOCK, list(PORT), [])
    assert yml.merge(b64(written(BLOCK)), PORT) == yml.Merged(BLOCK, [], [])


def test_a_block_of_1_0_0_is_kept_wherever_it_stands():
    text = written(BLOCK, "a: 1\n") + "b: 2\n"
    assert yml.merge(b64(text), PORT) == yml.Merged(BLOCK, [], [])
    more = yml.merge(b64(text), {"remote_cluster.port": 9444})
    assert more.block == BLOCK.replace("9443", "9444") and more.differing == ["remote_cluster.port"]


def test_what_others_wrote_is_not_overruled():
    assert yml.merge(b64("remote_cluster:\n  port: 9443\n"), {"remote_cluster.port": "9443"}).differing == []
    merged = yml.merge(b64("remote_cluster:\n  port: 9500\n"), {"remote_cluster.port": 9443})
    assert merged.conflicts == [
        "remote_cluster.port is [9500] in elasticsearch.yml, but [9443] is asked for; change or remove that line"
    ]
    name = "xpack.security.remote_cluster_server.ssl.key_passphrase"
    (conflict,) = yml.merge(b64(f"{name}: s3cret\n"), {name: "other"}).conflicts
    assert name in conflict and "s3cret" not in conflict


@pytest.mark.parametrize(
    "text, name",
    [
        ("node:\n  name: es-1\n", "es-1"),
        ("node.name: ${HOSTNAME}-a\n", "${HOSTNAME}-a"),
        (FILE, "${HOSTNAME}"),
        ("a: [\n", ""),
    ],
)
def test_the_name_of_the_node_is_that_of_its_host_by_default(text, name):
    assert yml.node_name(b64(text)) == name


def test_settings_may_be_asked_for_nested():
    nested = {"remote_cluster": {"host": ["a", "b"], "port": 9443}, "remote_cluster.tcp.keep_alive": True}
    merged = yml.merge(b64(FILE), nested)
    assert merged.block == (
        'remote_cluster.host: ["a", "b"]\nremote_cluster.port: 9443\nremote_cluster.tcp.keep_alive: true\n'
    )
    assert yml.merge(b64(written(merged.block)), nested).differing == []
    (conflict,) = yml.merge(b64("remote_cluster.port: 9500\n"), {"remote_cluster": {"port": 9443}}).conflicts
    assert conflict.startswith("remote_cluster.port is [9500]")


@pytest.mark.parametrize(
    "held, wanted, same",
    [
        ("Remote_Cluster_Server.KEY", "remote_cluster_server.key", False),
        ("_SITE_", "_site_", False),
        ("TRUE", True, True),
        ("'True'", "true", True),
        ("true", "True", True),
        ("2026-01-01", "2026-01-01", True),
        ("2026-01-01", "2026-01-02", False),
    ],
)
def test_what_counts_as_the_same_value(held, wanted, same):
    """A date of the file, such as in a name, is one for YAML."""
    for text in (f"a: {held}\n", written(f"a: {held}\n", "")):
        merged = yml.merge(b64(text), {"a": wanted})
        assert (merged.differing == [] and merged.conflicts == []) == same


@pytest.mark.parametrize(
    "content, reason",
    [
        ("a: [\n", "it is not YAML (line 2)"),
        ("- a\n", "it does not hold settings"),
        (b"a: \xff\n", "it is not UTF-8"),
    ],
)
def test_a_file_that_is_no_settings_file_is_left_alone(content, reason):
    expected = [f"elasticsearch.yml cannot be changed, because {reason}; mend the file first"]
    assert yml.merge(b64(content), {"b": 1}).conflicts == expected
    assert yml.trust(b64(content), OWN, True)[0].conflicts == expected


def test_a_file_that_no_setting_can_follow():
    assert "no setting can follow" in yml.merge(b64("a: 1\n...\n"), {"b": 1}).conflicts[0]


@pytest.mark.parametrize(
    "text",
    [
        written(BLOCK) + written(BLOCK, ""),
        written(BLOCK).replace(yml.END, yml.END + " of it"),
        written(BLOCK).replace(yml.BEGIN + "\n", ""),
        written(BLOCK).replace("\n", "\r\n"),
        written(BLOCK).rstrip("\n"),
        FILE + f"{yml.END}\n{yml.BEGIN}\n",
    ],
    ids=["two", "end with more", "no begin", "CRLF", "no line end", "swapped"],
)
def test_marks_beside_which_a_second_block_would_be_written(text):
    assert "are damaged" in yml.merge(b64(text), {"remote_cluster.host": "x"}).conflicts[-1]


def test_damaged_marks_do_not_matter_while_nothing_is_written():
    assert yml.merge(b64(written(BLOCK).rstrip("\n")), PORT) == yml.Merged(BLOCK, [], [])


@given(st.lists(st.sampled_from(["# note", "a.b: 1", "c: [x, y]", "d:\n  e: 2", "f:\n  - g\n  - h", ""]), unique=True))
def test_the_settings_of_others_mean_the_same_afterwards(lines):
    text = "\n".join(lines) + "\n"
    merged = yml.merge(b64(text), {"remote_cluster_server.enabled": True})
    after = yaml.safe_load(written(merged.block, text))
    assert after.pop("remote_cluster_server.enabled") is True
    assert after == (yaml.safe_load(text) or {})


# -- certificate authorities -----------------------------------------------------------------------------------------


def test_our_file_of_authorities_is_named_in_our_block():
    merged, line = yml.trust(b64(FILE), OWN, True)
    assert (merged.block, line) == (f'{yml.AUTHORITIES}: ["{OWN}"]\n', "")
    assert yml.trust(b64(FILE), OWN, False)[0].differing == []
    assert yml.trust(b64(written(merged.block)), OWN, True)[0] == yml.Merged(merged.block, [], [])
    more = yml.trust(b64(written(f'{yml.AUTHORITIES}: ["by-hand.crt"]\n')), OWN, True)[0]
    assert more.block == f'{yml.AUTHORITIES}: ["by-hand.crt", "{OWN}"]\n'


@pytest.mark.parametrize(
    "text, number, line",
    [
        (THEIRS, 6, f'{yml.AUTHORITIES}: ["certs/a.crt", "certs/b.crt", "{OWN}"]'),
        (written(BLOCK, "") + f"{yml.AUTHORITIES}: a, b\n", 5, f'{yml.AUTHORITIES}: ["a", "b", "{OWN}"]'),
        (
            "xpack.security.remote_cluster_client:\n  ssl.certificate_authorities: [a.crt]\n",
            2,
            f'ssl.certificate_authorities: ["a.crt", "{OWN}"]',
        ),
    ],
    ids=["list", "text behind our block", "nested"],
)  # fmt: skip
def test_for_a_list_of_others_comes_the_line_to_write(text, number, line):
    merged, way_out = yml.trust(b64(text), OWN, True)
    assert (merged.differing, merged.conflicts) == ([], [])
    assert way_out == f"replace the list that begins on line {number} of elasticsearch.yml by this line: {line}"
    assert yml.trust(b64(text), OWN, False)[1] == ""


def test_a_list_of_others_that_names_our_file_is_right():
    assert yml.trust(b64(f"{yml.AUTHORITIES}: [a.crt, {OWN}]\n"), OWN, True) == (yml.Merged("", [], []), "")


def test_beside_a_truststore_there_can_be_no_list():
    (conflict,) = yml.trust(b64(f"{yml.TRUSTSTORE}: certs/trust.p12\n"), OWN, True)[0].conflicts
    assert "certs/trust.p12" in conflict and "add the authority to that truststore" in conflict


A, B = yml.as_pem("QUFB" * 40), yml.as_pem("QkJC" * 40)


@pytest.mark.parametrize(
    "text, bundle, told",
    [
        (FILE, A + B, "so that [cloud], [rome] might not work any more. Give remote_ca_cert"),
        (FILE + f"{yml.AUTHORITIES}: []\n", A + B, "[cloud], [rome]"),
        (written(f'{yml.AUTHORITIES}: ["{OWN}"]\n'), A, ""),
        (THEIRS, A, ""),
        (FILE + f"{yml.TRUSTSTORE}: trust.p12\n", A, "add the authority to that truststore"),
    ],
    ids=["none", "empty", "ours", "list of others", "truststore"],
)
def test_a_first_list_takes_the_place_of_the_authorities_of_the_jdk(text, bundle, told):
    """So it must hold those of all servers that the node asks, and is not written where one is not known."""
    without = elasticsearch_trust(b64(text), {}, [A], OWN, [A, B])
    assert without["added"] == bundle
    found = elasticsearch_trust(b64(text), {}, [A], OWN, [A, B], ["cloud", "rome"])
    assert told in "".join(found["conflicts"]) and bool(found["conflicts"]) == bool(told)
    assert elasticsearch_trust(b64(text), {}, [], OWN, [B], ["cloud"])["missing"] == 0


def test_a_file_that_grows_without_end_is_refused():
    bomb = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{l: *a{n - 1}, r: *a{n - 1}}}\n" for n in range(1, 40))
    for text, told in ((bomb, "a YAML alias, *a0"), ("[" * 20000, "nested too deeply")):
        (conflict,) = yml.merge(b64(text), PORT).conflicts
        assert told in conflict


def test_secrets_among_settings_are_not_told():
    name = "xpack.security.remote_cluster_server.ssl.key_passphrase"
    (conflict,) = yml.merge(b64(f"{name}: there-1\n"), {name: "asked-1"}).conflicts
    assert "there-1" not in conflict and "asked-1" not in conflict
