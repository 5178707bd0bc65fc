# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the links a run is for, whose they are, and whether others of that owner go. Pure.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._input.fields import (
    Problems,
    did_you_mean,
    kind,
    switch,
)

Link = t.Mapping[str, t.Any]
Links = t.List[t.Dict[str, t.Any]]

ALL = ("*/*",)
_FORMS = "give links as from/to or from/alias, with * for any part, or names of clusters; leave it out for all links"


class Choice(t.NamedTuple):
    """What is asked for beside clusters and links, as the user wrote it."""

    only: t.Any = ALL
    owner: t.Any = ""
    prune: t.Any = False


def owner_of(choice: Choice, problems: Problems) -> str:
    if isinstance(choice.owner, str) and len(choice.owner) <= 100 and choice.owner == choice.owner.strip():
        return str(choice.owner)
    problems.add(
        "cross_cluster_owner must be text of at most 100 characters, without spaces around it, not {0}",
        kind(choice.owner) if not isinstance(choice.owner, str) else "what is given",
    )
    return ""


def prunes(choice: Choice, links: t.Sequence[t.Any], problems: Problems) -> bool:
    """Whether links that are not listed any more go. They are told from others by the list, so that must be whole."""
    asked = switch("cross_cluster_prune", "it", choice.prune, problems)
    if asked and not _all(choice.only):
        problems.add(
            "cross_cluster_prune removes what is not in the list, and cross_cluster_only takes a part of it: give one"
        )
    if asked and not links:
        problems.add(
            "cross_cluster_prune with an empty list of links would remove every link: take the last ones down with the "
            "untrust playbook, or with state: absent"
        )
    return asked


def choose(links: Links, choice: Choice, problems: Problems) -> Links:
    """The links that are meant. What matches nothing is a slip, and would be a run that did nothing and is green."""
    if _all(choice.only):
        return links
    entries = _entries(choice.only, problems)
    # Of a list with mistakes it is not known what was meant.
    for entry in entries if not problems else ():
        if not any(_matches(entry, link) for link in links):
            known = {name for link in links for name in (*_names(link), link["from"], link["to"])}
            problems.add("cross_cluster_only: [{0}] matches no link{1}", entry, did_you_mean(entry, sorted(known)))
    return [link for link in links if any(_matches(entry, link) for entry in entries)]


def _all(only: t.Any) -> bool:
    return isinstance(only, (list, tuple)) and tuple(only) == ALL


def _entries(only: t.Any, problems: Problems) -> t.List[str]:
    entries = [str(entry).strip() for entry in (only.split(",") if isinstance(only, str) else only)]
    # The variable that was to name the link was empty, and all links are not what was meant.
    if not entries or not all(entries):
        problems.add("cross_cluster_only names no link: {0}", _FORMS)
    return entries


def _names(link: Link) -> t.Tuple[str, str]:
    return "{0}/{1}".format(link["from"], link["to"]), "{0}/{1}".format(link["from"], link["alias"])


def _matches(entry: str, link: Link) -> bool:
    names = _names(link) if "/" in entry else (link["from"], link["to"])
    return any(entry == name or fnmatch.fnmatchcase(name, entry) for name in names)
