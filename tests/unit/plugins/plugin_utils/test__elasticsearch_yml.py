# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our settings get into the file, and everything else stays as it was."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils import _elasticsearch_yml as yml

FILE = """\
# our cluster
cluster.name: paris   # do not change

xpack.security.remote_cluster_client.ssl.certificate_authorities:
  - certs/a.crt
  - certs/b.crt
path:
  data: /var/lib
"""
CAS = "xpack.security.remote_cluster_client.ssl.certificate_authorities"


def test_new_settings_go_into_a_block_and_the_rest_stays():
    merged = yml.merge(FILE, {"remote_cluster_server.enabled": True, "remote_cluster.port": 9443})
    assert merged.text == FILE + (
        "# BEGIN crosscluster.elasticsearch\nremote_cluster.port: 9443\nremote_cluster_server.enabled: true\n"
        "# END crosscluster.elasticsearch\n"
    )
    again = yml.merge(merged.text, {"remote_cluster_server.enabled": True, "remote_cluster.port": 9443})
    assert again == yml.Merged(merged.text, [], [])
    more = yml.merge(merged.text, {"remote_cluster.port": 9444})
    assert (
        yml.read(more.text)["remote_cluster.port"] == 9444
        and yml.read(more.text)["remote_cluster_server.enabled"] is True
    )
    assert yml.without(more.text) == FILE


def test_a_list_is_added_to_in_place():
    merged = yml.merge(FILE, {}, {CAS: ["certs/c.crt"]})
    assert merged.text == FILE.replace(
        ":\n  - certs/a.crt\n  - certs/b.crt\n", ': ["certs/a.crt", "certs/b.crt", "certs/c.crt"]\n'
    )
    assert yml.merge(merged.text, {}, {CAS: ["certs/c.crt"]}).differing == []
    assert yml.read(yml.merge("a: 1", {}, {CAS: ["c"]}).text) == {"a": 1, CAS: ["c"]}


def test_what_others_wrote_is_not_overruled():
    assert yml.merge("remote_cluster:\n  port: 9443\n", {"remote_cluster.port": "9443"}).differing == []
    merged = yml.merge("remote_cluster:\n  port: 9500\n", {"remote_cluster.port": 9443})
    assert merged.conflicts == [
        "remote_cluster.port is [9500] in elasticsearch.yml, but [9443] is asked for; change or remove that line"
    ]
    nested = "xpack.security.remote_cluster_client:\n  ssl.certificate_authorities: [a]\n"
    assert "nested block" in yml.merge(nested, {}, {CAS: ["b"]}).conflicts[0]


def test_a_file_that_is_no_yaml_is_left_alone():
    assert yml.merge("a: [\n", {"b": 1}).conflicts == [
        "elasticsearch.yml cannot be changed, because it is not YAML (line 2); mend the file first"
    ]
    assert "does not hold settings" in yml.merge("- a\n", {"b": 1}).conflicts[0]


@given(st.lists(st.sampled_from(["# note", "a.b: 1", "c: [x, y]", "d:\n  e: 2", "f:\n  - g\n  - h", ""]), unique=True))
def test_the_settings_of_others_mean_the_same_afterwards(lines):
    text = "\n".join(lines)
    merged = yml.merge(text, {"remote_cluster_server.enabled": True}, {CAS: ["certs/x.crt"]})
    after = yaml.safe_load(merged.text)
    assert after.pop("remote_cluster_server.enabled") is True and after.pop(CAS) == ["certs/x.crt"]
    assert after == (yaml.safe_load(text) or {})
    assert all(line in merged.text.split("\n") for line in text.split("\n"))


def test_certificates_are_compared_without_what_stands_around_them():
    pem = yml.as_pem("QUJD" * 40)
    assert yml.certificates("subject=x\r\n" + pem.replace("\n", "\r\n")) == yml.certificates(pem) == ["QUJD" * 40]
