# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST layer's table of paths, and the request object handlers get.

@route("PUT", "/_security/role/{name}", params={"refresh"}, body="required")
async def put_role(request): ... return 200, {...}
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus

from ..state import Cluster, Node
from . import xcontent
from .errors import EsHttpError, SimpleError, illegal_argument, parse_error

if TYPE_CHECKING:
    from ..security.authentication import Authentication

Handler = Callable[["Request"], Awaitable[tuple[int, Any]]]

# Parameters the REST layer itself understands, on every path.
RESPONSE_PARAMETERS = {"error_trace", "human", "filter_path", "pretty", "format"}


class Route:
    def __init__(
        self, method: str, path: str, handler: Handler, params: set[str], body: str, feature: str | None
    ) -> None:
        self.method = method
        self.segments = [segment for segment in path.split("/") if segment]
        self.handler = handler
        self.params = params
        self.body = body  # "none": a body is refused; "optional"; "required" is left to the handler's parser
        self.feature = feature  # the answering node must have it, else the path does not exist


ROUTES: list[Route] = []
_BY_LENGTH: dict[int, list[Route]] = {}


def route(
    methods: str | tuple[str, ...],
    *paths: str,
    params: set[str] | tuple[str, ...] = (),
    body: str = "none",
    feature: str | None = None,
) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for method in (methods,) if isinstance(methods, str) else methods:
            for path in paths:
                new = Route(method, path, handler, set(params), body, feature)
                ROUTES.append(new)
                _BY_LENGTH.setdefault(len(new.segments), []).append(new)
        return handler

    return register


def _match(route: Route, segments: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for pattern, segment in zip(route.segments, segments, strict=True):
        if pattern.startswith("{"):
            found[pattern[1:-1]] = segment
        elif pattern != segment:
            return None
    return found


def find(method: str, raw_path: str, node: Node) -> tuple[Route, dict[str, str]]:
    segments = [segment for segment in raw_path.split("/") if segment]
    candidates = []
    for candidate in _BY_LENGTH.get(len(segments), []):
        if candidate.feature is not None and not node.has(candidate.feature):
            continue
        found = _match(candidate, segments)
        if found is not None:
            # explicit segments beat wildcards, the leftmost first
            rank = [segment.startswith("{") for segment in candidate.segments]
            candidates.append((rank, candidate, found))
    if not candidates and len(segments) == 2 and not node.has("no_types"):
        raise _wrong_method(method, raw_path, ["POST"])  # what indexed a document, when there were types
    if not candidates:
        raise SimpleError(400, f"no handler found for uri [{raw_path}] and method [{method}]", with_status=False)
    candidates.sort(key=lambda item: item[0])
    for _rank, candidate, found in candidates:
        if candidate.method == method:
            return candidate, {name: decode(value, raw_path) for name, value in found.items()}
    raise _wrong_method(method, raw_path, sorted({candidate.method for _rank, candidate, _found in candidates}))


def _wrong_method(method: str, raw_path: str, allowed: list[str]) -> SimpleError:
    return SimpleError(
        405,
        f"Incorrect HTTP method for uri [{raw_path}] and method [{method}], allowed: [{', '.join(allowed)}]",
        headers={"Allow": ",".join(allowed)},
    )


def decode(text: str, uri: str, plus: bool = False) -> str:
    for index, character in enumerate(text):
        if character == "%":
            digits = text[index + 1 : index + 3]
            if len(digits) < 2:
                raise _bad_escape(f"unterminated escape sequence at end of string: {text}")
            if not all(digit in "0123456789abcdefABCDEF" for digit in digits):
                raise _bad_escape(f"invalid hex byte '{digits}' at index {index + 1} of '{text}'")
    return unquote_plus(text) if plus else unquote(text)


def _bad_escape(reason: str) -> EsHttpError:
    return EsHttpError(
        400, "bad_parameter_exception", f"java.lang.IllegalArgumentException: {reason}", illegal_argument(reason)
    )


def parse_query(raw: str, uri: str) -> dict[str, str]:
    params: dict[str, str] = {}
    for part in raw.replace(";", "&").split("&") if raw else []:
        if part:
            name, _equals, value = part.partition("=")
            params[decode(name, uri, plus=True)] = decode(value, uri, plus=True)
    return params


class Request:
    def __init__(self, node: Node, method: str, uri: str, raw: bytes, headers: Any) -> None:
        self.node = node
        self.cluster: Cluster = node.cluster
        self.method = method
        self.uri = uri
        self.raw_path, _mark, self.raw_query = uri.partition("?")
        self.raw = raw
        self.headers = headers
        self.query: dict[str, str] = {}
        self.path_params: dict[str, str] = {}
        self.params: dict[str, str] = {}
        self.auth: Authentication = None  # type: ignore[assignment]  # set before any handler runs
        self.response_headers: dict[str, str] = {}
        self.warnings: list[str] = []

    @property
    def user(self) -> str:
        """The effective user's name."""
        return self.auth.username

    # --- body ---
    def content(self) -> xcontent.Value:
        """The body with positions, for parsers that name line and column; refuses an empty one."""
        if not self.raw.strip():
            raise parse_error("request body is required")
        return xcontent.parse(self.raw, self.node.has("end_of_file"))

    def json(self, default: Any = None) -> Any:
        """The body as plain Python values; `default` (when given) stands for an empty body."""
        if not self.raw.strip() and default is not None:
            return default
        return self.content().plain()

    # --- parameters ---
    def flag(self, name: str, default: bool = False) -> bool:
        value = self.params.get(name)
        if value is None:
            return default
        if value in ("", "true"):
            return True
        if value == "false":
            return False
        raise illegal_argument(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")

    def integer(self, name: str, default: int) -> int:
        value = self.params.get(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            raise illegal_argument(
                f"Failed to parse int parameter [{name}] with value [{value}]",
                EsHttpError(400, "number_format_exception", f'For input string: "{value}"'),
            ) from None

    def check(self, route: Route) -> None:
        """What the REST layer refuses before the handler acts: parameters and bodies the handler does not read."""
        known = route.params | set(self.path_params) | RESPONSE_PARAMETERS
        unknown = sorted(name for name in self.query if name not in known)
        if unknown:
            raise illegal_argument(xcontent.unrecognized(self.raw_path, unknown, known, "parameter"))
        if route.body == "none" and self.raw:
            raise illegal_argument(f"request [{self.method} {self.raw_path}] does not support having a body")

    # --- privileges ---
    def authorize(self, action: str, **details: Any) -> None:
        """403 unless the caller's roles grant this cluster action."""
        from ..security import authorization

        authorization.authorize_cluster(self.cluster, self.auth, action, request=self, **details)

    def authorize_indices(self, action: str, names: list[str]) -> list[str]:
        """403 unless the caller's roles grant this index action on every one of the concrete names."""
        from ..security import authorization

        return authorization.authorize_indices(self.cluster, self.auth, action, names)


def dumps(body: Any, pretty: bool = False) -> str:
    if pretty:
        return json.dumps(body, indent=2, separators=(",", " : "), ensure_ascii=False) + "\n"
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)
