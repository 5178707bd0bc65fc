# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the real modules in this process: arguments in, the JSON that would go back to the controller out."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
import tempfile
import typing as t
from unittest import mock

from ansible.module_utils import basic

MODULES = "ansible_collections.crosscluster.elasticsearch.plugins.modules"


class Result(dict):
    """What a module returned."""

    @property
    def failed(self) -> bool:
        return bool(self.get("failed", False))

    @property
    def changed(self) -> bool:
        return bool(self.get("changed", False))

    @property
    def msg(self) -> str:
        return str(self.get("msg", ""))


def run_module(
    name: str,
    args: t.Mapping[str, t.Any],
    check: bool = False,
    diff: bool = True,
    environ: t.Optional[t.Mapping[str, str]] = None,
) -> Result:
    """Run plugins/modules/<name>.py with these arguments.

    The environment is what the test has, without the ELASTICSEARCH_* variables unless `environ` gives them.
    """
    module = importlib.import_module(f"{MODULES}.{name}")
    call = {
        **args,
        "_ansible_check_mode": check,
        "_ansible_diff": diff,
        "_ansible_remote_tmp": tempfile.gettempdir(),
        "_ansible_keep_remote_files": False,
    }
    env = {key: value for key, value in os.environ.items() if not key.startswith("ELASTICSEARCH_")}
    env.update(environ or {})
    out = io.StringIO()
    code: t.Any = None
    _forget_warnings()
    patches = mock.patch.dict(os.environ, env, clear=True), mock.patch.object(sys, "argv", [f"{name}.py"])
    with _as_on_a_target(), _module_args(call), patches[0], patches[1], contextlib.redirect_stdout(out):
        try:
            module.main()
        except SystemExit as exc:
            code = exc.code
    lines = [line for line in out.getvalue().splitlines() if line.strip()]
    assert lines, f"{name} ended (code {code}) without a result"
    result = Result(json.loads(lines[-1]))
    assert bool(code) == result.failed, f"{name}: exit code {code}, failed={result.failed}"
    result.pop("invocation", None)
    return result


def check_real_again(
    name: str, args: t.Mapping[str, t.Any], world: t.Any = None, cluster: t.Optional[str] = None
) -> Result:
    """Run in check mode, for real, and again; returns the real result with `again` and `check` in it.

    Asserts that check mode tells what the real run does, that it writes nothing, and that the second run has nothing
    left to do. With a simulator and the name of a cluster the requests are looked at too.
    """
    if world is not None:
        world.clear_log()
    check = run_module(name, args, check=True)
    assert not check.failed, check.msg
    if world is not None:
        assert world.log(cluster, writes_only=True) == []
    real = run_module(name, args)
    assert not real.failed, real.msg
    for key in ("changed", "operation", "diff"):
        assert check.get(key) == real.get(key), f"{key}: check mode {check.get(key)!r}, real {real.get(key)!r}"
    assert set(check) == set(real), f"check mode returns {sorted(check)}, a real run {sorted(real)}"
    if world is not None:
        world.clear_log()
    again = run_module(name, args)
    assert not again.failed, again.msg
    assert not again.changed, f"the second run changed something: {again.get('diff')}"
    if world is not None:
        assert world.log(cluster, writes_only=True) == []
    return Result({**real, "check": check, "again": again})


@contextlib.contextmanager
def _as_on_a_target() -> t.Iterator[None]:
    """Once a test of this process has loaded the controller's part of Ansible, warnings would go to the screen."""
    try:
        from ansible.module_utils import _internal
    except ImportError:  # before ansible-core 2.19
        yield
    else:
        with mock.patch.object(_internal, "is_controller", False):
            yield


@contextlib.contextmanager
def _module_args(call: t.Mapping[str, t.Any]) -> t.Iterator[None]:
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # before ansible-core 2.19
        raw = json.dumps({"ANSIBLE_MODULE_ARGS": dict(call)}).encode()
        with mock.patch.object(basic, "_ANSIBLE_ARGS", raw):
            yield
    else:
        with patch_module_args(dict(call)):
            yield


def _forget_warnings() -> None:
    """Warnings and deprecations are kept per process by ansible-core; each run is to have its own."""
    from ansible.module_utils.common import warnings

    for name in ("_global_warnings", "_global_deprecations"):
        kept = getattr(warnings, name, None)
        if hasattr(kept, "clear"):
            kept.clear()
