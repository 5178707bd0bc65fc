# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of extensions/awx as Python objects."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml

KIT = Path(__file__).resolve().parents[2] / "extensions" / "awx"


class Loader(yaml.SafeLoader):
    """YAML with the tag that keeps Ansible from templating a value."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(name: str) -> t.Any:
    return yaml.load((KIT / name).read_text(encoding="utf-8"), Loader)  # noqa: S506 - it is a SafeLoader


TYPES = load("credential_types.yml")["controller_credential_types"]
TEMPLATES = load("job_templates.yml")["controller_templates"]
WORKFLOWS = load("workflows.yml")["controller_workflows"]
SCHEDULES = load("schedules.yml")["controller_schedules"]
