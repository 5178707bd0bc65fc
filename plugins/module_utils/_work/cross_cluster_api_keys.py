# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several keys of one cluster brought to what is asked for. Private to this collection."""

from __future__ import annotations

from .._api_key.several import ensure_all, summary
from .._errors import InputError
from .._http.argspec import ArgumentSpec
from .._http.client import ElasticsearchClient
from .._runner import Task

# Not a spec of its own: a key that is wrong shall not keep the others from being made.
SPEC = ArgumentSpec({"keys": {"type": "list", "elements": "dict", "required": True, "no_log": False}})


def work(task: Task, client: ElasticsearchClient) -> dict:
    """Do what the options ask for."""
    keys = task.params["keys"]
    result = summary(keys, ensure_all(keys, client, task.check_mode, task.warn))
    if not task.diff:
        for one in result["api_keys"]:
            one.pop("diff", None)
    message = result.pop("msg", None)
    if message:
        raise InputError(message, **result)
    return result
