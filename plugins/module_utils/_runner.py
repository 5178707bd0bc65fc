# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every API module does around its own work. Private to this collection."""

from __future__ import annotations

import os
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._argspec import CONNECTION_SPEC, AddressModule, ArgumentSpec
from ._client import ElasticsearchClient
from ._errors import EsError, InputError
from ._transport import HAS_REQUESTS, REQUESTS_IMPORT_ERROR

Main = t.Callable[[AnsibleModule, ElasticsearchClient], t.Dict[str, t.Any]]


def run_module(spec: ArgumentSpec, main: Main) -> None:
    """Build the module and the client, run `main`, and turn what goes wrong into a message.

    `main` returns the result; its `diff` is shown only when the user asked for diffs.
    """
    module = AddressModule(supports_check_mode=True, **CONNECTION_SPEC.merge(spec).to_kwargs())
    if not HAS_REQUESTS:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    client = None
    try:
        client = ElasticsearchClient(module.params)
        for warning in client.warnings:
            module.warn(warning)
        result = main(module, client)
    except (EsError, InputError) as exc:
        told = dict(getattr(exc, "result", {}))
        if not module._diff:
            told.pop("diff", None)
        module.fail_json(msg=str(exc), **told)
    except Exception as exc:
        # Of a mistake in the collection only the place is told: the text of an arbitrary exception may hold a secret.
        module.fail_json(msg=describe_bug(exc))
    finally:
        if client is not None:
            client.close()
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)


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
