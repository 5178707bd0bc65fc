# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specs that can be merged, and the connection options. Private to this collection."""

from __future__ import annotations

import json
import os
import sys
import typing as t

from ansible.module_utils import basic
from ansible.module_utils.basic import env_fallback

from .._text import printable
from .address import REMOTE_LOGIN, URL_LOGIN, holds_login

_REMOTE_ADDRESSES = ("addresses", "proxy_address", "seeds")
_URLS_VARIABLE = "ELASTICSEARCH_URL"
_ADDRESSES = ("urls", "url", *_REMOTE_ADDRESSES)
_LISTS = ("mutually_exclusive", "required_together", "required_one_of", "required_if")


class ArgumentSpec:
    """Options and the rules between them, as AnsibleModule takes them."""

    def __init__(
        self,
        options: t.Optional[t.Mapping[str, t.Any]] = None,
        *,
        mutually_exclusive: t.Sequence[t.Sequence[str]] = (),
        required_together: t.Sequence[t.Sequence[str]] = (),
        required_one_of: t.Sequence[t.Sequence[str]] = (),
        required_if: t.Sequence[t.Sequence[t.Any]] = (),
        required_by: t.Optional[t.Mapping[str, t.Any]] = None,
    ) -> None:
        self.options = dict(options or {})
        self.mutually_exclusive = list(mutually_exclusive)
        self.required_together = list(required_together)
        self.required_one_of = list(required_one_of)
        self.required_if = list(required_if)
        self.required_by = dict(required_by or {})

    def merge(self, other: ArgumentSpec) -> ArgumentSpec:
        """A spec with the options and rules of both."""
        rules = {name: [*getattr(self, name), *getattr(other, name)] for name in _LISTS}
        return ArgumentSpec(
            {**self.options, **other.options}, required_by={**self.required_by, **other.required_by}, **rules
        )

    def to_kwargs(self) -> t.Dict[str, t.Any]:
        """Keyword arguments for AnsibleModule."""
        kwargs: t.Dict[str, t.Any] = {name: getattr(self, name) for name in _LISTS}
        kwargs["argument_spec"] = self.options
        kwargs["required_by"] = self.required_by
        return kwargs


def split_urls(*names: str) -> t.List[str]:
    """Fallback for `urls`: a comma-separated list in an environment variable."""
    return [url.strip() for url in env_fallback(*names).split(",") if url.strip()]


class AddressModule(basic.AnsibleModule):
    """AnsibleModule that ends when an address among its arguments holds a login, before anything else is done.

    Ansible puts all arguments into every result and into the log of the system, and cannot tell a password in a URL.
    """

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.Any:
        """What is said may quote a server."""
        return super().fail_json(printable(str(msg)), **kwargs)

    def _load_params(self) -> None:
        super()._load_params()
        found = [name for name in _ADDRESSES if holds_login(self.params.get(name))]
        remotes = self.params.get("remotes")
        for number, remote in enumerate(remotes if isinstance(remotes, list) else [remotes]):
            one = remote if isinstance(remote, dict) else {"seeds": remote}
            found += [f"remotes[{number}].{name}" for name in _REMOTE_ADDRESSES if holds_login(one.get(name))]
        given = self.params.get("urls") or self.params.get("url") or "urls" not in self.argument_spec
        if not given and holds_login(os.environ.get(_URLS_VARIABLE)):
            found.append(f"The environment variable {_URLS_VARIABLE}")
        if found:
            advice = REMOTE_LOGIN if found[0].rpartition(".")[2] in _REMOTE_ADDRESSES else URL_LOGIN
            sys.stdout.write(json.dumps({"failed": True, "msg": f"{found[0]} {advice}."}) + "\n")
            raise SystemExit(1)


# Which of these make a login, and which may stand beside which, is checked in _client.py: the messages there are better
# than those of mutually_exclusive, and a login from the environment gives way to one that was asked for.
CONNECTION_SPEC = ArgumentSpec(
    {
        "urls": {
            "type": "list",
            "elements": "str",
            "required": True,
            "aliases": ["url"],
            "fallback": (split_urls, [_URLS_VARIABLE]),
        },
        "username": {"type": "str", "fallback": (env_fallback, ["ELASTICSEARCH_USERNAME"])},
        "password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["ELASTICSEARCH_PASSWORD"])},
        "bearer_token": {"type": "str", "no_log": True},
        "api_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["ELASTICSEARCH_API_KEY"])},
        "run_as": {"type": "str"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path"},
        "ca_cert": {"type": "path", "fallback": (env_fallback, ["ELASTICSEARCH_CA_CERT"])},
        "ca_fingerprint": {"type": "str"},
        "validate_certs": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 30},
        "retries": {"type": "int", "default": 3},
    }
)

CONNECTION_OPTIONS = tuple(CONNECTION_SPEC.options)
