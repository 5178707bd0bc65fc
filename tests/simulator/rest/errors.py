# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as Elasticsearch writes them: one exception class and the JSON envelope made from it."""

from __future__ import annotations

from typing import Any

# Exceptions the server calls "Elasticsearch exceptions": the innermost one of a chain is what `root_cause` shows.
_PLAIN_JAVA = {
    "action_request_validation_exception",
    "date_time_parse_exception",
    "illegal_argument_exception",
    "illegal_state_exception",
    "named_object_not_found_exception",
    "number_format_exception",
    "json_parse_exception",
    "json_e_o_f_exception",
    "pattern_syntax_exception",
}


class EsHttpError(Exception):
    """One server exception. `caused_by` is the next one of the chain; `root` what root_cause shows when it is not in
    that chain; `extra` are further body keys (license.expired.feature, ...)."""

    def __init__(
        self,
        status: int,
        type: str,
        reason: str | None,
        caused_by: EsHttpError | None = None,
        headers: dict[str, str] | None = None,
        root: EsHttpError | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{status} {type}: {reason}")
        self.status = status
        self.type = type
        self.reason = reason
        self.caused_by = caused_by
        self.headers = headers or {}
        self.root = root
        self.extra = extra

    def fields(self, nested: bool = False) -> dict[str, Any]:
        body: dict[str, Any] = {"type": self.type, "reason": self.reason}
        body.update(self.extra)
        if self.caused_by is not None and not nested:
            body["caused_by"] = self.caused_by.fields()
        return body

    def root_cause(self) -> EsHttpError:
        """The innermost parse exception, as ElasticsearchException.guessRootCauses finds it; plain Java causes do
        not count."""
        error = self.root or self
        while error.caused_by is not None and error.caused_by.type not in _PLAIN_JAVA:
            error = error.caused_by
        return error

    def body(self) -> dict[str, Any]:
        return {
            "error": {"root_cause": [self.root_cause().fields(nested=True)], **self.fields()},
            "status": self.status,
        }


class SimpleError(Exception):
    """The REST layer's bare form: {"error": "text"} with or without a status field."""

    def __init__(self, status: int, text: str, with_status: bool = True, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.with_status = with_status
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        return {"error": self.text, "status": self.status} if self.with_status else {"error": self.text}


def illegal_argument(reason: str, caused_by: EsHttpError | None = None, **extra: Any) -> EsHttpError:
    return EsHttpError(400, "illegal_argument_exception", reason, caused_by, **extra)


def parse_error(reason: str, caused_by: EsHttpError | None = None) -> EsHttpError:
    """ElasticsearchParseException."""
    return EsHttpError(400, "parse_exception", reason, caused_by)


def x_content_error(reason: str, caused_by: EsHttpError | None = None) -> EsHttpError:
    """XContentParseException."""
    return EsHttpError(400, "x_content_parse_exception", reason, caused_by)


def validation_error(problems: list[str]) -> EsHttpError:
    """ActionRequestValidationException: all problems in one numbered message."""
    text = "".join(f"{number}: {problem};" for number, problem in enumerate(problems, 1))
    return EsHttpError(400, "action_request_validation_exception", f"Validation Failed: {text}")


def not_found(reason: str) -> EsHttpError:
    return EsHttpError(404, "resource_not_found_exception", reason)


def security_error(status: int, reason: str, caused_by: EsHttpError | None = None, **extra: Any) -> EsHttpError:
    return EsHttpError(status, "security_exception", reason, caused_by, **extra)
