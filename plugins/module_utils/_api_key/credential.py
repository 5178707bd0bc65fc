# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is inside the `encoded` form of an API key: base64 of `id:secret`. Pure. Private to this collection.

Nothing here puts the secret, or anything that was decoded from a value that is not a credential, into a message.
"""

from __future__ import annotations

import base64
import binascii
import re
import typing as t

ABSENT = "absent"
MALFORMED = "malformed"
PRESENT = "present"

SECRET_LENGTH = 22
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SECRET = re.compile(r"[\x21-\x7e]{22}")
_BARE_FIELD = "it looks like the field [api_key] alone; give the field [encoded], which holds the id as well"


class Credential(t.NamedTuple):
    """What can be known of a stored credential without asking a server."""

    state: str
    api_key_id: t.Optional[str] = None
    reason: t.Optional[str] = None


def inspect(value: t.Optional[str]) -> Credential:
    """Take the id out of an encoded key, by the rules of the server that will have to take it."""
    if value is None:
        return Credential(ABSENT)
    found = _split(value)
    if isinstance(found, str):
        return Credential(MALFORMED, reason=found)
    return Credential(PRESENT, api_key_id=found[0])


def secret_forms(value: t.Optional[str]) -> t.List[str]:
    """Every form in which the secret inside could appear somewhere, longest first, for redaction."""
    if not value:
        return []
    forms = {value, value.strip()}
    decoded = _decode(value.strip())
    if decoded and ":" in decoded:
        forms.update((decoded, decoded.split(":", 1)[1]))
    return sorted((form for form in forms if form), key=len, reverse=True)


def _split(value: str) -> t.Union[str, t.Tuple[str, str]]:
    if not value:
        return "it is empty"
    if value != value.strip():
        return "it begins or ends with white space"
    decoded = _decode(value)
    if decoded is None:
        if ":" in value:
            return "it looks like plain id:api_key; give the field [encoded] of the answer that created the key"
        return _BARE_FIELD if _SECRET.fullmatch(value) else "it is not base64"
    key_id, colon, secret = decoded.partition(":")
    if not colon:
        return _BARE_FIELD if _SECRET.fullmatch(value) else "it is base64, but not of id:api_key"
    if not _ID.fullmatch(key_id):
        return "the part before the colon is not the id of an API key"
    if len(secret) != SECRET_LENGTH or not _SECRET.fullmatch(secret):
        return f"its secret does not have the {SECRET_LENGTH} characters of a cross-cluster API key"
    return key_id, secret


def _decode(value: str) -> t.Optional[str]:
    # The server's decoder does without padding, Python's does not.
    padding = "" if value.endswith("=") else "=" * (-len(value) % 4)
    try:
        return base64.b64decode(value + padding, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
