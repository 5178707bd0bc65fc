# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one table that says which behaviour starts in which version."""

from __future__ import annotations

Version = tuple[int, int, int]

NEWEST = "9.5.0"
DEFAULT = "9.3.0"

# feature -> first version that has it
FEATURES: dict[str, Version] = {
    "cross_cluster_api_key": (8, 10, 0),  # endpoints; GET shows type, access; active_only
    "invalidation_time": (8, 12, 0),  # GET shows `invalidation`
    "resolve_cluster": (8, 13, 0),
    "update_expiration": (8, 13, 0),  # of an existing key, elastic/elasticsearch#103453
    "reload_remote_credentials": (8, 13, 0),
    "reload_checks_names": (8, 13, 0),  # of all that is in the keystore; a start always does
    "ga_rules": (8, 14, 0),  # no DLS/FLS beside replication; invalidation needs manage_security
    "realm_type": (8, 14, 0),  # GET shows realm_type; with_profile_uid
    "query_by_type": (8, 13, 0),  # fields type and invalidation, match, simple_query_string; between 8.10.4 and 8.13.4
    "keystore_format_6": (8, 14, 0),
    "keystore_uncaught_70": (8, 15, 0),  # exit code of what nobody catches; between 8.14.3 (1) and 8.17.10
    "monitor_enrich": (8, 15, 0),  # in generated search descriptors and in remote_cluster
    "remote_cluster_privileges": (8, 15, 0),
    "challenge_comma": (8, 15, 0),  # in WWW-Authenticate; between 8.14.3 and 8.19.0
    "query_wording": (8, 15, 0),  # of what API-key queries refuse; between 8.14.3 and 8.19.0
    "skip_unavailable_default_true": (8, 15, 0),
    "skipped_is_unable_to_connect": (8, 15, 0),  # of a remote cluster without connections; between 8.14.3 and 8.19.0
    "resolve_cluster_refused_is_not_connected": (8, 15, 0),  # between 8.14.3 and 8.19.0
    "connect_failure_is_502": (8, 18, 0),  # between 8.17.10 and 8.19.0
    "reload_needs_only_manage": (8, 15, 1),
    "monitor_stats": (8, 17, 0),
    "resolve_cluster_without_expression": (8, 18, 0),
    "keystore_notes_more": (8, 18, 0),  # the start script names more variables that it ignores, and says what instead
    "keystore_format_7": (8, 18, 0),  # AES-256
    "keystore_add_stdin": (8, 18, 1),  # reads on where the terminal stopped, also in a protected keystore
    "selectors_refused": (8, 19, 0),  # in names of an update; between 8.14.3 and 8.19.0
    "failure_store_privileges_refused": (8, 19, 0),
    "certificate_model_deprecated": (9, 0, 0),
    "no_types": (9, 0, 0),  # /a/b is no path; between 8.19.0 and 9.5.0
    "end_of_file": (9, 2, 0),  # a type of its own for a body that is cut; between 9.1.0 and 9.5.0
    "signing_settings": (9, 2, 0),  # those that are no secrets; between 9.1.0 and 9.2.0
    "certificate_identity": (9, 3, 0),
    # before, a changed address sets it to its default on the running node, whatever the setting says; between 9.2.0 and
    # 9.5.0, as the next five
    "rebuild_keeps_skip_unavailable": (9, 3, 0),
    "unknown_alias_is_404": (9, 3, 0),
    "proxy_error_names_configuration": (9, 3, 0),
    "keystore_cli_json": (9, 3, 0),  # ES_CLI_JSON
    "one_name_problem": (9, 3, 0),  # of a key's name
    "names_refused": (9, 3, 0),  # commas and bad expressions in names of an update
    "signing": (9, 3, 0),
    "reload_details": (9, 3, 0),
}

# feature -> versions without it that came out after its first one: what two lines of releases got at the same time
MISSING: dict[str, tuple[Version, ...]] = {"keystore_add_stdin": ((9, 0, 0),)}

LUCENE = {
    (8, 10): "9.7.0",
    (8, 12): "9.9.1",
    (8, 13): "9.10.0",
    (8, 14): "9.10.0",
    (8, 15): "9.11.1",
    (8, 17): "9.12.0",
    (8, 18): "9.12.1",
    (8, 19): "9.12.2",
    (9, 0): "10.1.0",
    (9, 3): "10.3.2",
    (9, 4): "10.4.0",
}


def parse(text: str) -> Version:
    parts = text.split(".")
    if not 2 <= len(parts) <= 3 or not all(part.isdigit() for part in parts):
        raise ValueError(f"[{text}] is not a version; write it as major.minor.patch, for example {DEFAULT}")
    numbers = [int(part) for part in parts] + [0]
    version = (numbers[0], numbers[1], numbers[2])
    if not (8, 9, 0) <= version < (10, 0, 0):
        raise ValueError(f"version [{text}] is not simulated; choose one from 8.9 to {NEWEST}")
    return version


def text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def has(version: Version, feature: str) -> bool:
    return version >= FEATURES[feature] and version not in MISSING.get(feature, ())


def lucene(version: Version) -> str:
    known = [key for key in LUCENE if key <= version[:2]]
    return LUCENE[max(known)] if known else "9.6.0"
