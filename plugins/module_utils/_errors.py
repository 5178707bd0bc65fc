# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with a request, as exceptions whose text can be shown to a user. Private to this collection.

The text is built from what was attempted, the URL, and the server's status, type and reason only: never from headers,
query strings or bodies, so that it cannot hold a secret.
"""

from __future__ import annotations

import typing as t

_MOST_REASONS = 20
_MOST_ERRORS = 200


class InputError(Exception):
    """What the user asked for cannot be done, told in the user's words. `result`: what to return beside the message."""

    def __init__(self, message: str, **result: t.Any) -> None:
        super().__init__(message)
        self.result = result


class Said(t.NamedTuple):
    """What the server said of a request that failed."""

    status: t.Optional[int] = None
    type: t.Optional[str] = None
    reason: t.Optional[str] = None
    causes: t.Sequence[str] = ()
    """Its reasons from the outermost to the root one, as it wraps one error in another."""


NOTHING_SAID = Said()


class EsError(Exception):
    """A request that failed.

    may_have_acted: the request may have changed something although no good answer came back.
    """

    def __init__(
        self,
        problem: t.Optional[str] = None,
        *,
        attempt: t.Optional[str] = None,
        url: t.Optional[str] = None,
        said: Said = NOTHING_SAID,
        may_have_acted: bool = False,
        advice: t.Optional[str] = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.attempt = attempt
        self.url = url
        self.status, self.type, self.reason, self.causes = said
        self.may_have_acted = may_have_acted
        self.advice = advice

    def says(self, *fragments: str) -> bool:
        """Whether any of the server's reasons holds any of the fragments."""
        texts = [text.lower() for text in [self.reason or "", *self.causes]]
        return any(fragment.lower() in text for fragment in fragments for text in texts)

    def __str__(self) -> str:
        problem = self.problem
        if not problem:
            detail = ": ".join(part for part in (self.type, _most_telling(self.reason, self.causes)) if part)
            problem = f"the server answered HTTP {self.status}" + (f" ({detail})" if detail else "")
        what = f"Cannot {self.attempt or 'complete the request'}"
        where = f" at {self.url}" if self.url else ""
        text = f"{what}{where}: {problem.rstrip('.')}."
        return f"{text} {self.advice}" if self.advice else text


class EsConnectionError(EsError):
    """No answer: the connection could not be opened, broke, or took too long."""


class EsTlsError(EsConnectionError):
    """The TLS connection could not be made, for instance because the certificate is not trusted."""


class NotSent(EsConnectionError):
    """The connection could not be opened, so the server has not seen the request."""


class NotSentTls(NotSent, EsTlsError):
    """TLS could not be agreed on, so the server has not seen the request."""


class EsNotElasticsearch(EsError):
    """Something answered, but not Elasticsearch."""


class EsApiError(EsError):
    """The server answered with an error."""


class EsBadRequest(EsApiError):
    """HTTP 400."""


class EsAuthenticationError(EsApiError):
    """HTTP 401."""


class EsPermissionError(EsApiError):
    """HTTP 403."""


class EsNotFound(EsApiError):
    """HTTP 404."""


class EsConflict(EsApiError):
    """HTTP 409."""


def error_class(status: int) -> t.Type[EsApiError]:
    """The exception class for a status."""
    return {
        400: EsBadRequest,
        401: EsAuthenticationError,
        403: EsPermissionError,
        404: EsNotFound,
        409: EsConflict,
    }.get(status, EsApiError)


def _most_telling(reason: t.Optional[str], causes: t.Sequence[str]) -> t.Optional[str]:
    # A wrapped error says little outside ("failed to parse field [access]"); its root says what is wrong.
    root = causes[-1] if causes else None
    if not root or root == reason:
        return reason
    return f"{reason}: {root}" if reason and root not in reason else reason or root


def told_by(error: t.Any) -> t.List[t.Tuple[t.Optional[str], str]]:
    """Type and reason of an error and of what it holds, outermost first: its causes, the credentials that were refused
    (there stands why a remote cluster does not take a key), and what was suppressed."""
    found: t.List[t.Tuple[t.Optional[str], str]] = []
    waiting = [error]
    # Errors without a reason count too, so that nobody keeps us busy with them.
    for _look in range(_MOST_ERRORS):
        if not waiting or len(found) >= _MOST_REASONS:
            break
        one = waiting.pop(0)
        if isinstance(one, dict):
            refused, suppressed = one.get("additional_unsuccessful_credentials"), one.get("suppressed")
            found += [(one.get("type"), str(one["reason"]))] if one.get("reason") else []
            found += [(None, str(refused))] if refused else []
            waiting[:0] = [one.get("caused_by"), *(suppressed[:_MOST_REASONS] if isinstance(suppressed, list) else [])]
    return found
