# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with an answer, as an exception. Private to this collection; loaded only when something is.

Texts are built from status, type and reason, and are freed of the login's secrets, which a server may echo.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
import typing as t
from urllib.parse import urlsplit

from .._errors import EsApiError, EsError, EsNotElasticsearch, Said, error_class, told_by
from .._secrets import redact
from .._text import printable
from .login import Login

if t.TYPE_CHECKING:
    from .transport import RawResponse

_REASON_LENGTH = 600


def explain(answer: RawResponse, login: Login, may_have_acted: bool) -> EsError:
    """The exception for an answer that is an error, or not from Elasticsearch."""
    if 300 <= answer.status < 400:
        return EsNotElasticsearch(
            f"it answered with a redirect to {_without_secrets(answer.headers.get('location'))}",
            url=answer.url,
            said=Said(answer.status),
            advice="Redirects are not followed, so that the login goes nowhere else: give the address of "
            "Elasticsearch itself in urls.",
        )
    if answer.status >= 400:
        return _error(answer, login, may_have_acted and answer.status >= 500)
    return EsNotElasticsearch(
        f"what answered (HTTP {answer.status}, {_kind(answer)}) is not Elasticsearch",
        url=answer.url,
        said=Said(answer.status),
        may_have_acted=may_have_acted,
        advice="Check the address in urls; a proxy in between must pass on the header X-Elastic-Product.",
    )


def _error(answer: RawResponse, login: Login, may_have_acted: bool) -> EsApiError:
    try:
        body = json.loads(answer.text)
    except (ValueError, RecursionError):
        body = None
    kind, reason, causes = parse_error(body)
    common: t.Dict[str, t.Any] = {"url": answer.url, "may_have_acted": may_have_acted, "said": Said(answer.status)}
    cls = error_class(answer.status)
    unexplained = isinstance(body, dict) and answer.headers.get("x-elastic-product") == "Elasticsearch"
    if reason is None and not unexplained:
        return cls(
            f"it answered HTTP {answer.status} ({_kind(answer)}), which is not an answer of Elasticsearch",
            advice="A proxy or load balancer in front of the cluster seems to have answered: check it and urls."
            if answer.status != 401
            else "A proxy in front of the cluster seems to want a login of its own.",
            **common,
        )
    if reason is None:
        error = cls(f"it answered HTTP {answer.status} without an explanation", **common)
    else:
        kind, reason, *causes = (_told(text, login) for text in (kind, reason, *causes))
        error = cls(**{**common, "said": Said(answer.status, kind, reason, causes)})
    error.advice = _advice(error, login)
    return error


def _told(text: t.Optional[str], login: Login) -> str:
    result = redact(printable(text or ""), login.secrets)
    return result if len(result) <= _REASON_LENGTH else result[: _REASON_LENGTH - 3] + "..."


def parse_error(body: t.Any) -> t.Tuple[t.Optional[str], t.Optional[str], t.List[str]]:
    """Type, reason and nested reasons of an Elasticsearch error body; reason None when it is none."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return None, error, []
    if not isinstance(error, dict):
        return None, None, []
    first = 1 if error.get("reason") else 0
    causes = [reason for _kind, reason in told_by(error)][first : first + 10]
    return error.get("type"), str(error.get("reason") or error.get("type") or ""), causes


def _advice(error: EsApiError, login: Login) -> t.Optional[str]:
    if error.status == 401:
        what = {
            "basic": "username and password",
            "bearer": "bearer_token",
            "api_key": "api_key (the encoded form, alive, and not a cross-cluster key)",
            "certificate": "client_cert and the PKI realm",
        }
        return f"Check {what[login.kind]}."
    if error.status == 403 and error.says("is unauthorized") and error.says("run as"):
        return "The login needs the run_as privilege for the user of run_as."
    return None


def _kind(answer: RawResponse) -> str:
    kind = (answer.headers.get("content-type") or "").split(";")[0].strip()
    return kind if re.match(r"^[\w.+-]+/[\w.+-]+\Z", kind) else "no content type"


def retry_after(value: t.Optional[str]) -> float:
    """Seconds to wait; both forms of the header."""
    if not value:
        return 0.0
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        parsed = email.utils.parsedate_tz(value)
        return max(0.0, email.utils.mktime_tz(parsed) - time.time()) if parsed else 0.0
    except (ValueError, OverflowError, TypeError):  # no date, or one that no clock will show
        return 0.0


def _without_secrets(location: t.Optional[str]) -> str:
    try:
        parts = urlsplit(location or "")
    except ValueError:
        return "what is no address"
    host = printable(parts.netloc.rsplit("@", 1)[-1])[:253]
    return f"{parts.scheme}://{host}" if host else "another path of the same host"
