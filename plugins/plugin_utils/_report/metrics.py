# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as a Prometheus textfile and as the body of an Elasticsearch bulk request.

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

import hashlib
import json
import time
import typing as t

Data = t.Mapping[str, t.Any]
Sample = t.Tuple[t.Dict[str, str], float]

PREFIX = "elasticsearch_cross_cluster_"
STATES = ("ok", "warning", "broken", "unknown")


def prometheus(report: Data) -> str:
    """Text exposition format 0.0.4, for the textfile collector of the node exporter.

    Time stamps are values and not sample times: the textfile collector refuses samples with a time. A link without an
    expiry has no expiry series, so an alert on it cannot fire by mistake.
    """
    rows = report["links"]
    lines: t.List[str] = []

    def family(name: str, text: str, samples: t.Iterable[Sample]) -> None:
        found = list(samples)
        if found:
            lines.append("# HELP {0}{1} {2}".format(PREFIX, name, text.replace("\\", "\\\\").replace("\n", "\\n")))
            lines.append("# TYPE {0}{1} gauge".format(PREFIX, name))
            lines.extend("{0}{1}{2} {3}".format(PREFIX, name, labels(pairs), number(value)) for pairs, value in found)

    def each(field: str, scale: float = 1) -> t.List[Sample]:
        return [(_link(row), row[field] / scale) for row in rows if row[field] is not None]

    family("report_timestamp_seconds", "When the links were looked at.", [({}, report["generated"] / 1000)])
    family(
        "link_state",
        "1 for the state the link is in.",
        [({**_link(row), "state": state}, float(row["state"] == state)) for row in rows for state in STATES],
    )
    family(
        "link_up",
        "1 when a real request went through every node of the client, 0 when not.",
        [(_link(row), float(row["proven"])) for row in rows if row["proven"] is not None],
    )
    family(
        "key_info",
        "The API key in use.",
        [
            ({**_link(row), "key_id": row["key_id"], "key_name": row["key_name"], "owner": row["owner"] or ""}, 1.0)
            for row in rows
            if row["key_id"]
        ],
    )
    family("key_created_timestamp_seconds", "When the API key in use was made.", each("created", 1000))
    family("key_expiration_timestamp_seconds", "When the API key in use expires.", each("expires", 1000))
    family("key_days_left", "Started days until the API key in use expires, 0 or less when it has.", each("days_left"))
    family(
        "link_last_proof_timestamp_seconds",
        "When a real request last went through every node.",
        each("last_proof", 1000),
    )
    family(
        "link_nodes",
        "Nodes of the client by what their keystore holds for the link.",
        [
            ({**_link(row), "credential": state}, float(sum(node["credential"] == state for node in row["nodes"])))
            for row in rows
            for state in sorted({node["credential"] for node in row["nodes"]})
        ],
    )
    family(
        "link_orphaned_keys",
        "Live keys of the link that no node holds.",
        [(_link(row), float(len(row["orphans"]))) for row in rows],
    )
    family("stray_keys", "Live keys of links that are not listed any more.", [({}, float(len(report["orphans"])))])
    return "\n".join(lines) + "\n"


def _link(row: Data) -> t.Dict[str, str]:
    return {"client": row["client"], "server": row["server"], "alias": row["alias"]}


def labels(pairs: t.Mapping[str, str]) -> str:
    if not pairs:
        return ""
    return "{" + ",".join('{0}="{1}"'.format(name, escape(str(value))) for name, value in pairs.items()) + "}"


def escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def number(value: float) -> str:
    return "{0:d}".format(int(value)) if value == int(value) else repr(float(value))


def bulk(report: Data, index: str) -> str:
    """Lines for POST /_bulk: one document for each link. `create` works for data streams too.

    The id comes from link and time, so that a body that is sent twice makes no second document (it answers 409 for it).
    """
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(report["generated"] // 1000))
    stamp += ".{0:03d}Z".format(report["generated"] % 1000)
    lines = []
    for row in report["links"]:
        identity = hashlib.sha256("{0}\n{1}".format(row["link"], report["generated"]).encode()).hexdigest()[:40]
        lines.append(_dump({"create": {"_index": index, "_id": identity}}))
        lines.append(
            _dump(
                {
                    "@timestamp": stamp,
                    "event": {"kind": "state", "dataset": "crosscluster.link", "outcome": _outcome(row)},
                    "message": "; ".join(item["cause"] for item in row["findings"]) or "the link works",
                    "crosscluster": {
                        "client": row["client"],
                        "server": row["server"],
                        "alias": row["alias"],
                        "state": row["state"],
                        "proven": row["proven"],
                        "last_proof": row["last_proof"],
                        "key": {
                            "id": row["key_id"],
                            "name": row["key_name"],
                            "owner": row["owner"],
                            "created": row["created"],
                            "expires": row["expires"],
                            "days_left": row["days_left"],
                            "age_days": row["age_days"],
                        },
                        "findings": [
                            {name: item[name] for name in ("code", "level", "cause", "fix")} for item in row["findings"]
                        ],
                        "orphaned_keys": [key["id"] for key in row["orphans"]],
                    },
                }
            )
        )
    # The API wants a newline behind the last line too, and refuses an empty body.
    return "".join(line + "\n" for line in lines)


def _outcome(row: Data) -> str:
    return {"ok": "success", "warning": "success", "broken": "failure"}.get(row["state"], "unknown")


def _dump(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=False)
