# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests that make, change and revoke cross-cluster API keys, and what their refusals mean.

Private to this collection; loaded only where something is written.
"""

from __future__ import annotations

import typing as t

from .._errors import EsApiError, EsError, EsNotFound, InputError
from .._http.client import ElasticsearchClient
from .._versions import (
    CERTIFICATE_IDENTITY,
    CROSS_CLUSTER_API_KEYS,
    EXPIRATION_OF_A_KEY_THAT_IS_THERE,
    Version,
    version_text,
)
from .key import Intent, Key, User, lost_keys
from .read import a_time, find_live, query_keys, who_acts

CREATE_PATH = "/_security/cross_cluster/api_key"
# A key that was just made is not found before the security index refreshes, which it does every second.
LOOKS_FOR_LOST_KEY = (0.0, 0.6, 1.2)

_NEEDS_MANAGE_SECURITY = (
    "The user needs the cluster privilege manage_security; manage_api_key is not enough for cross-cluster API keys."
)


class KeyNotCreated(InputError):
    """The creation failed. `clean`: it is certain that no key was left behind."""

    def __init__(self, message: str, clean: bool, revoked: t.Sequence[str] = ()) -> None:
        super().__init__(message, revoked_ids=list(revoked))
        self.clean = clean


class NotAllRevoked(InputError):
    """Some keys were not revoked."""

    def __init__(self, message: str, revoked: t.Sequence[str]) -> None:
        super().__init__(message, revoked_ids=list(revoked))
        self.revoked = list(revoked)


class Created(t.NamedTuple):
    """What came of a creation."""

    id: str
    expiration: t.Optional[int]
    secret: str
    encoded: str
    revoked: t.List[str]  # keys of lost answers


def update(client: ElasticsearchClient, key: Key, body: t.Mapping[str, t.Any]) -> None:
    """Update the key. Safe to repeat: at worst an expiration moves by the time in between."""
    attempt = f"update the cross-cluster API key {key.id} ('{key.name}')"
    try:
        client.request("PUT", f"{CREATE_PATH}/{key.id}", body=dict(body), safe=True, attempt=attempt)
    except EsNotFound as exc:
        if exc.says("no api key owned by requesting user"):
            realm = f" (realm {key.realm})" if key.realm else ""
            exc.advice = (
                f"The key belongs to the user '{key.username}'{realm}, and Elasticsearch lets only the owner update "
                "a key: set "
                f"run_as: {key.username} or log in as that user (of that realm), or make a key of your own beside it "
                "with "
                "rotate=true. If it was revoked in this moment, run again."
            )
        else:
            _explain(exc, client, body)
        raise
    except EsError as exc:
        _explain(exc, client, body)
        raise


def create(
    client: ElasticsearchClient, body: t.Mapping[str, t.Any], known_ids: t.Sequence[str], me: t.Optional[User]
) -> Created:
    """Make a key.

    It is never sent again blindly: when an answer got lost, the key that may have come of it is looked for and
    revoked, as nobody has its secret, before the next attempt.
    """
    attempt = f"create the cross-cluster API key '{body['name']}'"
    revoked: t.List[str] = []
    lost_answer: t.Optional[EsError] = None
    for number in range(client.retries + 1):
        try:
            answer = client.request("POST", CREATE_PATH, body=dict(body), safe=False, attempt=attempt).body
        except EsError as exc:
            _explain(exc, client, body)
            if not exc.may_have_acted:
                if lost_answer is None:
                    raise
                raise KeyNotCreated(f"{exc} {_fate(revoked)}", clean=True, revoked=revoked) from exc
            lost_answer = exc
            revoked += _revoke_lost(client, body, [*known_ids, *revoked], me, exc)
            if number == client.retries:
                raise KeyNotCreated(f"{exc} {_fate(revoked)}", clean=True, revoked=revoked) from exc
            continue
        created = Created(
            id=str(answer["id"]),
            expiration=None if answer.get("expiration") is None else a_time(answer["expiration"]),
            secret=str(answer["api_key"]),
            encoded=str(answer["encoded"]),
            revoked=revoked,
        )
        if lost_answer is not None:
            # A slow server may have finished the first creation after we had looked.
            created.revoked.extend(_sweep(client, body, [*known_ids, *revoked, created.id], me))
        return created
    raise AssertionError("not reached")


def _revoke_lost(
    client: ElasticsearchClient,
    body: t.Mapping[str, t.Any],
    known_ids: t.Sequence[str],
    me: t.Optional[User],
    cause: EsError,
) -> t.List[str]:
    try:
        me = me or who_acts(client)
        for pause in LOOKS_FOR_LOST_KEY:
            client.pause(pause)
            lost = _find_lost(client, body, known_ids, me)
            if lost:
                revoke(client, lost, f"revoke the key {', '.join(lost)} whose secret got lost")
                return lost
        return []
    except InputError as exc:
        raise KeyNotCreated(f"{cause} {exc}", clean=False) from exc
    except EsError as exc:
        raise KeyNotCreated(
            f"{cause} It could not be found out whether a key was made: {exc} Look for live keys of the name "
            f"'{body['name']}' "
            "that no client cluster holds, and revoke them.",
            clean=False,
        ) from exc


def _sweep(
    client: ElasticsearchClient, body: t.Mapping[str, t.Any], known_ids: t.Sequence[str], me: t.Optional[User]
) -> t.List[str]:
    try:
        lost = _find_lost(client, body, known_ids, me or who_acts(client))
        if lost:
            revoke(client, lost, f"revoke the key {', '.join(lost)} whose secret got lost")
        return lost
    except (EsError, InputError):
        return []  # the new key's secret matters more: it must reach the user


def _find_lost(
    client: ElasticsearchClient, body: t.Mapping[str, t.Any], known_ids: t.Sequence[str], me: t.Optional[User]
) -> t.List[str]:
    keys = [Key.from_server(entry) for entry in find_live(client, str(body["name"]))]
    return list(lost_keys(Intent(tuple(known_ids), (), dict(body)), keys, me))


def _fate(revoked: t.Sequence[str]) -> str:
    if revoked:
        ids = ", ".join(revoked)
        return f"The key {ids} that came of it was revoked, as its secret never arrived: nothing was left behind."
    return "No key was left behind."


def revoke(client: ElasticsearchClient, ids: t.Sequence[str], attempt: t.Optional[str] = None) -> t.List[str]:
    """Revoke keys by id. Returns the ids that are revoked now; NotAllRevoked when the server kept some.

    `owner` leaves it to the server whose they are, which knows the realm that a login does not tell.
    """
    wanted = list(ids)
    attempt = attempt or f"revoke the cross-cluster API keys {', '.join(wanted)}"
    try:
        ours = {"ids": wanted, "owner": True}
        body = client.request("DELETE", "/_security/api_key", body=ours, safe=True, attempt=attempt).body
    except EsError as exc:
        _explain(exc, client, {})
        raise
    done = [*(body.get("invalidated_api_keys") or []), *(body.get("previously_invalidated_api_keys") or [])]
    missing = [key_id for key_id in wanted if key_id not in done]
    if missing and not body.get("error_count"):
        # Revoked by a first attempt whose answer got lost, or by somebody else: the server does not list them then.
        alive = _still_live(client, missing)
        done += [key_id for key_id in missing if key_id not in alive]
        missing = alive
    if missing:
        reasons = [str(detail.get("reason")) for detail in body.get("error_details") or [] if isinstance(detail, dict)]
        reasons = reasons or ["they belong to another user, or to one of the same name in another realm"]
        advice = ""
        if any("manage_security" in reason for reason in reasons):
            advice = f" {_NEEDS_MANAGE_SECURITY}"
        revoked = [key_id for key_id in wanted if key_id in done]
        raise NotAllRevoked(
            f"Cannot {attempt} at {client.cluster}: not revoked: {', '.join(missing)}"
            + f" ({'; '.join(dict.fromkeys(reasons))[:400]})"
            + f"; revoked: {', '.join(revoked) or 'none'}.{advice}",
            revoked,
        )
    return [key_id for key_id in wanted if key_id in done]


def _still_live(client: ElasticsearchClient, ids: t.Sequence[str]) -> t.List[str]:
    query = {"bool": {"filter": [{"ids": {"values": list(ids)}}, {"term": {"invalidated": False}}]}}
    entries = query_keys(client, query, f"look whether the API keys {', '.join(ids)} are revoked")
    return [str(entry["id"]) for entry in entries if not entry.get("invalidated") and str(entry.get("id")) in ids]


def _explain(exc: EsError, client: ElasticsearchClient, body: t.Mapping[str, t.Any]) -> None:
    """Say what a refusal means and what to do. Asks for the server's version only where that may be the cause."""
    if exc.advice or not isinstance(exc, EsApiError):
        return
    if exc.says("current license is non-compliant"):
        exc.advice = (
            "Cross-cluster API keys need an Enterprise licence (or a trial), on this cluster and on the client cluster."
        )
    elif exc.says("authentication via API key not supported"):
        exc.advice = "Log in as a user (username and password, bearer_token or client_cert)."
    elif exc.status == 403 and exc.says("is unauthorized"):
        exc.advice = _NEEDS_MANAGE_SECURITY
    elif exc.says("all nodes must have version"):
        exc.advice = "Finish the upgrade of the cluster first."
    elif exc.says("api keys are not enabled"):
        exc.advice = "Set xpack.security.authc.api_key.enabled: true on all nodes of the cluster."
    elif exc.says("cannot update invalidated", "cannot update expired") or exc.status == 409:
        exc.advice = "Somebody else changed the key at the same time: run again."
    elif exc.status in (400, 404, 405, 410):
        _explain_by_version(exc, client, body)


def _explain_by_version(exc: EsApiError, client: ElasticsearchClient, body: t.Mapping[str, t.Any]) -> None:
    try:
        info = client.info()
    except EsError:
        return
    if info.serverless:
        exc.advice = (
            "Elasticsearch Serverless has no cross-cluster API keys; it links projects with cross-project search."
        )
    elif info.version < CROSS_CLUSTER_API_KEYS:
        exc.advice = _too_old("Cross-cluster API keys need", CROSS_CLUSTER_API_KEYS, info.number)
    elif "certificate_identity" in body and info.version < CERTIFICATE_IDENTITY:
        exc.advice = _too_old("certificate_identity needs", CERTIFICATE_IDENTITY, info.number)
    elif "expiration" in body and "name" not in body and info.version < EXPIRATION_OF_A_KEY_THAT_IS_THERE:
        exc.advice = (
            "The expiration of an existing key can be changed from Elasticsearch 8.13 on, and this cluster has "
            f"{info.number}: "
            "make a new key with rotate=true or on_expiring=rotate."
        )


def _too_old(what: str, since: Version, number: str) -> str:
    return f"{what} Elasticsearch {version_text(since)} or newer, and this cluster has {number}."
