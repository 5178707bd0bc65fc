# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep secrets off the screen without destroying them. Private to this collection.

ansible-core 2.22 masks registered values wherever something is printed and leaves the value itself alone. Older
versions have nothing of the kind (`no_log_values` would wipe the only copy of a new key), so registering does nothing
there; what protects on them is the action plugin.
"""

from __future__ import annotations

import re
import typing as t

from ._api_key.credential import secret_forms

try:
    from ansible.module_utils.secrets import register_secret as _register_secret
except ImportError:
    _register_secret = None

HAS_SECRETS_API = _register_secret is not None
MASK = "********"
# Shorter ones would mangle messages more than they protect.
_SHORTEST = 4


def mark_as_secret(value: t.Any) -> t.Any:
    """Register a value, and return it. Of mappings only the values: the key `password` would be masked everywhere."""
    if isinstance(value, str):
        if _register_secret is not None and len(value) >= _SHORTEST:
            _register_secret(str(value))
    elif isinstance(value, t.Mapping):
        for item in value.values():
            mark_as_secret(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            mark_as_secret(item)
    return value


def api_key_forms(encoded: t.Optional[str]) -> t.List[str]:
    """Every form in which an encoded API key may appear, longest first: the masking of core compares exact strings."""
    forms = secret_forms(encoded)
    return ["ApiKey " + str(encoded).strip(), *forms] if forms else []


def mark_api_key(encoded: str) -> str:
    """Register all forms of an encoded API key, and return it."""
    for form in api_key_forms(encoded):
        mark_as_secret(form)
    return encoded


def redact(text: t.Any, secrets: t.Iterable[t.Optional[str]]) -> str:
    """The text without these values, in either case of letters; of API keys without any of their forms."""
    forms = {form for secret in secrets if secret for form in (str(secret), *secret_forms(str(secret)))}
    wanted = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True) if len(form) >= _SHORTEST)
    return re.sub(wanted, MASK, str(text), flags=re.IGNORECASE) if wanted else str(text)
