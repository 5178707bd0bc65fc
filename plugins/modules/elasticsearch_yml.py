#!/usr/bin/python
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_yml
short_description: Keep a block of settings in the elasticsearch.yml of a node, and files beside it
version_added: 2.0.0
description:
  - Writes lines between two marks into C(elasticsearch.yml) of the node that runs on the host this task runs on, and
    leaves the rest of the file as it is. Writes and removes files beside it. The roles change nodes with it.
  - Run as root, it acts as the owner of O(config_dir) while it writes, so that a link that waits there leads no further
    than its owner gets. In a directory of root that others can write to, it refuses.
  - Mode, owner and group of C(elasticsearch.yml) stay as they are. Files beside it get its owner and group, so that the
    service can read them.
extends_documentation_fragment:
  - crosscluster.elasticsearch._attributes
attributes:
  diff_mode:
    details: Shows the lines between the marks, and no other lines of the file.
options:
  config_dir:
    description: Directory with C(elasticsearch.yml).
    type: path
    required: true
  block:
    description:
      - The lines to stand between C(# BEGIN crosscluster.elasticsearch) and C(# END crosscluster.elasticsearch).
      - Without it C(elasticsearch.yml) is left alone; an empty text removes the block.
    type: str
  backup:
    description: Whether to keep the old C(elasticsearch.yml) beside the new one, with its owner and mode.
    type: bool
    default: true
  files:
    description: Files to write into O(config_dir), before C(elasticsearch.yml) is.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the file, without a directory.
        type: str
        required: true
      content:
        description: What it is to hold.
        type: str
        required: true
      mode:
        description: Its mode, as four octal digits in quotes.
        type: str
        default: "0640"
      append:
        description: Whether to add to what it holds, unless that is in it, instead of replacing it.
        type: bool
        default: false
  absent:
    description: Names of files to remove from O(config_dir).
    type: list
    elements: str
    default: []
notes:
  - A node uses its C(elasticsearch.yml) when it starts. The module restarts nothing.
  - Needs nothing but Python 3.8 on the node.
seealso:
  - module: crosscluster.elasticsearch.elasticsearch_yml_info
author:
  - Contributors to the crosscluster.elasticsearch collection (@crosscluster)
"""

EXAMPLES = r"""
- name: Let the node listen to remote clusters
  crosscluster.elasticsearch.elasticsearch_yml:
    config_dir: /etc/elasticsearch
    block: |
      remote_cluster_server.enabled: true
  become: true
"""

RETURN = r"""
backup_file:
  description: Where the old C(elasticsearch.yml) is.
  returned: when it was changed and O(backup=true)
  type: str
  sample: /etc/elasticsearch/elasticsearch.yml.2026-11-29@12:00:00~
"""

import os
import re
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.crosscluster.elasticsearch.plugins.module_utils._node import config_dir as folder

_THEIRS = (folder.NAME, "elasticsearch.keystore")


def plain(name: str) -> str:
    if name in ("", ".", "..", *_THEIRS) or "/" in name:
        raise folder.ConfigError(
            f"Nothing was written: [{name}] is not the name of a file that may stand beside {folder.NAME}."
        )
    return name


def asked_for(params: t.Mapping[str, t.Any]) -> t.List[folder.File]:
    """The files to write."""
    files = []
    for file in params["files"]:
        if not re.match(r"^0[0-7]{3}$", file["mode"]):
            raise folder.ConfigError(
                f"Nothing was written: the mode [{file['mode']}] of [{file['name']}] is not one such as '0640'"
                " (in quotes)."
            )
        files.append(folder.File(plain(file["name"]), file["content"], int(file["mode"], 8), bool(file["append"])))
    return files


def apply(module: AnsibleModule) -> t.Dict[str, t.Any]:
    params = module.params
    files, absent = asked_for(params), [plain(name) for name in params["absent"]]
    names = [*(file.name for file in files), *absent]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise folder.ConfigError(f"Nothing was written: [{twice[0]}] is named more than once.")
    with folder.as_owner(params["config_dir"]) as directory:
        path = folder.target(directory)
        text = folder.read(path).decode("utf-8", "surrogateescape")
        after = text if params["block"] is None else folder.with_block(text, params["block"])
        rewritten = after != text
        contents = [(file, folder.wanted(directory, file)) for file in files]
        changes = [(file, content) for file, content in contents if content is not None]
        gone = [name for name in absent if os.path.lexists(os.path.join(directory, name))]
        result: t.Dict[str, t.Any] = {"changed": bool(changes or gone or rewritten)}
        if rewritten:
            folder.check_rewritable(path)
        if rewritten and module._diff:
            before = {"before": folder.block_of(text), "after": folder.block_of(after)}
            result["diff"] = {"before_header": path, "after_header": path, **before}
        for place, used in ((directory, changes or gone), (os.path.dirname(path), rewritten)):
            if used and not os.access(place, os.W_OK | os.X_OK, effective_ids=True):
                raise folder.ConfigError(
                    f"Nothing was written: this user may not write to [{place}]. Run the task with 'become: true'."
                )
        if module.check_mode:
            return result
        if rewritten and params["backup"]:
            result["backup_file"] = folder.keep(path, time.strftime("%Y-%m-%d@%H:%M:%S", time.gmtime()))
        for file, content in changes:
            folder.put(directory, file, content)
        if rewritten:
            folder.rewrite(path, after.encode("utf-8", "surrogateescape"), labels(module))
        for name in gone:
            os.unlink(os.path.join(directory, name))
    return result


def labels(module: AnsibleModule) -> t.Callable[[str, str], None]:
    """Hands the SELinux context of a file on to another."""

    def hand_on(old: str, new: str) -> None:
        if module.selinux_enabled():
            module.set_context_if_different(new, module.selinux_context(old), False)

    return hand_on


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config_dir": {"type": "path", "required": True},
            "block": {"type": "str"},
            "backup": {"type": "bool", "default": True},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "content": {"type": "str", "required": True, "no_log": True},
                    "mode": {"type": "str", "default": "0640"},
                    "append": {"type": "bool", "default": False, "no_log": False},
                },
            },
            "absent": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        result = apply(module)
    except folder.ConfigError as e:
        module.fail_json(msg=str(e))
    except OSError as e:
        module.fail_json(msg=f"[{e.filename}] cannot be written: {e.strerror}.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
