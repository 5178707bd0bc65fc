# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every API module does around its own work. Private to this collection."""

from __future__ import annotations

import os
import sys
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ._errors import EsError, InputError
from ._http.argspec import CONNECTION_SPEC, AddressModule, ArgumentSpec
from ._http.client import ElasticsearchClient
from ._http.transport import HAS_REQUESTS, REQUESTS_IMPORT_ERROR

Result = t.Dict[str, t.Any]


class Task(t.NamedTuple):
    """What a module is asked for."""

    params: t.Mapping[str, t.Any]
    check_mode: bool
    diff: bool
    warn: t.Callable[[str], None]


Work = t.Callable[[Task, ElasticsearchClient], Result]
"""What a module does; its `diff` is shown only when the user asked for diffs."""


def run_module(spec: ArgumentSpec, work: Work) -> None:
    """Build the module, do the work, and tell the result."""
    module = AddressModule(supports_check_mode=True, **CONNECTION_SPEC.merge(spec).to_kwargs())
    if not HAS_REQUESTS:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    result = outcome(work, Task(module.params, module.check_mode, module._diff, module.warn))
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


def outcome(work: Work, task: Task) -> Result:
    """What the work comes to; what goes wrong is told in its `msg`."""
    client = None
    try:
        client = ElasticsearchClient(task.params)
        for warning in client.warnings:
            task.warn(warning)
        result = work(task, client)
    except (EsError, InputError) as exc:
        result = {**getattr(exc, "result", {}), "failed": True, "msg": str(exc)}
    except Exception as exc:
        # Of a mistake in the collection only the place is told: the text of an arbitrary exception may hold a secret.
        result = {"failed": True, "msg": describe_bug(exc)}
    finally:
        if client is not None:
            client.close()
    if not task.diff:
        result.pop("diff", None)
    return result


def describe_bug(exc: BaseException) -> str:
    """A message for an exception that nobody foresaw."""
    frame = sys.exc_info()[2]
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = ""
    if frame is not None:
        place = f" at line {frame.tb_lineno} of {os.path.basename(frame.tb_frame.f_code.co_filename)}"
    name = type(exc).__name__
    return f"This is a mistake in the collection crosscluster.elasticsearch: {name}{place}. Please report it."
