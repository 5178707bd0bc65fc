# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an elasticsearch.yml says, read without a YAML library."""

from __future__ import annotations

import os

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node import settings as ns

HOST = os.uname().nodename


@pytest.mark.parametrize(
    "text, name",
    [
        ("node.name: paris-1\n", "paris-1"),
        ("node:\n  name: 'paris-1'  # the first\n  roles: [master]\n", "paris-1"),
        ("cluster.name: paris\n", HOST),
        ("#node.name: other\n", HOST),
        ("node.name: es-${HOSTNAME}\n", "es-" + HOST),
        ("node.name: ${NAME}\n", None),
    ],
)
def test_the_name_of_the_node(tmp_path, text, name):
    (tmp_path / "elasticsearch.yml").write_text(text, encoding="utf-8")
    assert ns.node_name(str(tmp_path)) == name


def test_a_file_that_cannot_be_read_tells_nothing(tmp_path):
    assert ns.node_name(str(tmp_path)) is None
    (tmp_path / "elasticsearch.yml").mkdir()
    assert ns.node_name(str(tmp_path)) is None
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "elasticsearch.yml").write_bytes(b"node.name: \xff\xfe")
    assert ns.node_name(str(tmp_path / "other")) is None
    os.mkfifo(tmp_path / "other" / "fifo")
    os.rename(tmp_path / "other" / "fifo", tmp_path / "other" / "elasticsearch.yml")
    assert ns.node_name(str(tmp_path / "other")) is None, "a pipe would never end"
