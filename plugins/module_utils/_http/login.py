# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to log in to Elasticsearch. Private to this collection.

The options of a login can come from the environment (Ansible fills them in before we see them). A login that was asked
for then beats one that merely stands in the environment, and two that were asked for are refused.
"""

from __future__ import annotations

import base64
import typing as t

from .._errors import InputError

_ENVIRONMENT = {
    "username": "ELASTICSEARCH_USERNAME",
    "password": "ELASTICSEARCH_PASSWORD",
    "api_key": "ELASTICSEARCH_API_KEY",
}
_KINDS = {"username and password": ("username", "password"), "bearer_token": ("bearer_token",), "api_key": ("api_key",)}


class Login(t.NamedTuple):
    """A way to log in: the header to send and what must never be shown."""

    kind: str  # basic, bearer, api_key, certificate
    headers: t.Dict[str, str]
    secrets: t.Tuple[str, ...]
    user: t.Optional[str] = None  # who the requests act as, where we know it


def build_login(options: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Login:
    """The login of the connection options, or InputError with what is missing or contradictory."""
    given = _given(options, environ)
    run_as = options.get("run_as")
    headers = {"es-security-runas-user": _header_value(run_as, "run_as")} if run_as else {}
    if len(given) > 1:
        raise InputError(
            f"Two ways to log in are given ({' and '.join(given)}), and Elasticsearch takes one: leave one out, or "
            "unset its environment variable."
        )
    if not given:
        if options.get("client_cert"):
            return Login("certificate", headers, (), run_as)
        raise InputError(
            "No login is given: set username and password (or bearer_token, api_key or client_cert), for instance in "
            "module_defaults for group/crosscluster.elasticsearch.elasticsearch or in the environment variables "
            "ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD."
        )
    kind, values = next(iter(given.items()))
    if kind == "bearer_token":
        token = _header_value(values["bearer_token"], "bearer_token")
        return Login("bearer", {**headers, "Authorization": f"Bearer {token}"}, (token,), run_as)
    if kind == "api_key":
        key = _header_value(values["api_key"], "api_key")
        return Login("api_key", {**headers, "Authorization": f"ApiKey {key}"}, (key, *_decoded(key)), run_as)
    missing = [name for name in ("username", "password") if not values.get(name)]
    if missing:
        present = "username" if missing == ["password"] else "password"
        raise InputError(f"{missing[0]} is missing: {present} alone is not a login.")
    username, password = values["username"], values["password"]
    if ":" in username:
        raise InputError("username must not hold a colon: HTTP basic authentication ends the name there.")
    basic = base64.b64encode(f"{username}:{password}".encode()).decode()
    return Login("basic", {**headers, "Authorization": f"Basic {basic}"}, (password, basic), run_as or username)


def _given(options: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> t.Dict[str, t.Dict[str, str]]:
    given = {}
    for kind, names in _KINDS.items():
        values = {name: options[name] for name in names if options.get(name)}
        if values:
            given[kind] = values
    if len(given) > 1 or options.get("client_cert"):
        asked_for = {
            kind: values
            for kind, values in given.items()
            if any(environ.get(_ENVIRONMENT.get(name, "")) != value for name, value in values.items())
        }
        # A certificate is often asked for on top of a login that stands in the environment, so it does not oust one.
        if asked_for:
            return asked_for
    return given


def _header_value(value: t.Any, name: str) -> str:
    text = str(value).strip()
    if not text or any(ord(char) < 32 or ord(char) > 126 for char in text):
        raise InputError(f"{name} holds characters that cannot be sent in an HTTP header.")
    return text


def _decoded(key: str) -> t.Tuple[str, ...]:
    try:
        text = base64.b64decode(key, validate=True).decode()
    except (ValueError, UnicodeDecodeError):
        return ()
    return (text, text.split(":", 1)[1]) if ":" in text else (text,)
