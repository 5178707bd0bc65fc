# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one HTML page that needs nothing else: no network, no script to be read, one file to send around.

This file is private to the crosscluster.elasticsearch collection.

Every value goes through :func:`esc`. The Content-Security-Policy names the hashes of the one style and the one script,
so that a value that got through unescaped all the same could neither run nor load anything.
"""

from __future__ import annotations

import base64
import hashlib
import html
import typing as t

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import style, text

Data = t.Mapping[str, t.Any]

# A sign and a word for each state, so that the colour only repeats what is said.
STATES = {"ok": ("✓", "OK"), "warning": ("▲", "Warning"), "broken": ("✕", "Broken"), "unknown": ("?", "Unknown")}
ORDER = ("broken", "unknown", "warning", "ok")
LEVEL_STATE = {"error": "broken", "warning": "warning", "unknown": "unknown", "info": "ok"}
CREDENTIALS = {
    "absent": "no credential",
    "live": "live key",
    "expired": "expired key",
    "revoked": "revoked key",
    "unknown": "key unknown to the server",
    "wrong_type": "not a cross-cluster key",
    "wrong_name": "key of another name",
    "malformed": "not an API key",
    "foreign": "key of somebody else",
    "unread": "not read",
}
MATRIX_LIMIT = 60
"""With more clusters than this a matrix is thousands of empty cells, and no help to anybody."""


def esc(value: t.Any) -> str:
    """Text for an element or an attribute in double quotes. Characters that no document may hold are
    shown as U+FFFD.
    """
    clean = "".join(
        c if c in "\t\n" or ord(c) >= 32 and not 0x7F <= ord(c) < 0xA0 and not 0xD800 <= ord(c) < 0xE000 else "\ufffd"
        for c in str(value)
    )
    return html.escape(clean, quote=True)


def render(report: Data, title: str = "Cross-cluster links") -> str:
    rows = report["links"]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src {0}; script-src {1}; '
        "base-uri 'none'; form-action 'none'\">".format(_digest(style.CSS), _digest(style.SCRIPT)),
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">',
        "<title>{0}</title><style>{1}</style></head><body>".format(esc(title), style.CSS),
        '<a class="skip" href="#links">Skip to the list of links</a>',
        '<header><h1>{0}</h1><p>Looked at on <time datetime="{1}">{2}</time>. {3}</p></header><main>'.format(
            esc(title),
            esc(text.stamp(report["generated"])[:16].replace(" ", "T") + "Z"),
            esc(text.stamp(report["generated"])),
            esc(text.total(report["summary"])),
        ),
        _tiles(report["summary"]),
        _attention(rows, report["orphans"]),
        _matrix(rows, report["clusters"]),
        _timeline(rows),
        _table(rows, report["generated"]),
        "</main><footer><p>Ages and days are whole days, rounded down. A link counts as proven when a real request "
        "went through every node of the client.</p></footer>",
        "<script>{0}</script></body></html>\n".format(style.SCRIPT),
    ]
    return "\n".join(part for part in parts if part)


def _digest(content: str) -> str:
    return "'sha256-{0}'".format(base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii"))


def _badge(state: str, word: t.Optional[str] = None) -> str:
    sign, name = STATES[state]
    return '<span class="badge {0}"><span aria-hidden="true">{1}</span> {2}</span>'.format(
        state, sign, esc(word or name)
    )


def _tiles(counts: Data) -> str:
    tiles = [
        '<li class="tile {0}"><strong>{1}</strong> <span><span aria-hidden="true">{2}</span> {3}</span></li>'.format(
            state, counts[state], *STATES[state]
        )
        for state in ORDER
    ]
    days = counts["next_expiry_days"]
    if days is not None:
        tiles.append(
            '<li class="tile"><strong>{0}</strong> <span>expiry of the next key</span></li>'.format(
                esc(text.ends(days))
            )
        )
    tiles.append('<li class="tile"><strong>{0}</strong> <span>orphaned keys</span></li>'.format(counts["orphans"]))
    return '<ul class="tiles" aria-label="Links by state">{0}</ul>'.format("".join(tiles))


def _attention(rows: t.Sequence[Data], stray: t.Sequence[Data]) -> str:
    """What is wrong, worst first. Links with the same findings stand together, so that one cause is read once."""
    groups: t.Dict[t.Tuple[str, str], t.List[t.Tuple[Data, Data]]] = {}
    for row in rows:
        for item in row["findings"]:
            if item["level"] != "info":
                groups.setdefault((LEVEL_STATE[item["level"]], item["code"]), []).append((row, item))
    items = [
        _group(state, code, members)
        for (state, code), members in sorted(
            groups.items(), key=lambda entry: (ORDER.index(entry[0][0]), -len(entry[1]))
        )
    ]
    for key in stray:
        items.append(
            '<li class="finding warning">{0} <p>Key <code>{1}</code> ({2}) on {3} was made for {4}, whose link is not listed any more.</p>'  # noqa: E501
            '<p class="fix"><strong>Fix:</strong> take the link down with the untrust playbook, or revoke the key.</p></li>'.format(  # noqa: E501
                _badge("warning"), esc(key["id"]), esc(key["name"]), esc(key["server"]), esc(key["client"])
            )
        )
    if not items:
        return (
            '<section aria-labelledby="h-attention"><h2 id="h-attention">Needs attention</h2><p>Nothing.</p></section>'
        )
    return '<section aria-labelledby="h-attention"><h2 id="h-attention">Needs attention</h2><ul class="findings">{0}</ul></section>'.format(  # noqa: E501
        "".join(items)
    )


def _group(state: str, code: str, members: t.Sequence[t.Tuple[Data, Data]]) -> str:
    """One cause and the links that have it. A way out that serves all of them is said once."""
    fixes = {item["fix"] for _row, item in members}
    shown = "".join(
        '<li><a href="#{0}">{1}</a>: {2}{3}{4}</li>'.format(
            _anchor(row),
            esc("{0} → {1}".format(row["client"], row["alias"])),
            esc(item["cause"]),
            '<br><span class="seen">Seen: {0}</span>'.format(esc(item["evidence"])) if item["evidence"] else "",
            _fix(item["fix"]) if len(fixes) > 1 else "",
        )
        for row, item in members
    )
    shown = "<ul>{0}</ul>".format(shown)
    if len(members) > 3:
        shown = "<details><summary>{0} links</summary>{1}</details>".format(len(members), shown)
    title = "<h3>{0} {1}</h3>".format(_badge(state), esc(code.replace("_", " ").capitalize()))
    return '<li class="finding {0}">{1}{2}{3}</li>'.format(
        state, title, shown, _fix(fixes.pop()) if len(fixes) == 1 else ""
    )


def _fix(fix: str) -> str:
    return '<p class="fix"><strong>Fix:</strong> {0}</p>'.format(esc(fix))


def _matrix(rows: t.Sequence[Data], clusters: t.Sequence[str]) -> str:
    clients = [name for name in clusters if any(row["client"] == name for row in rows)]
    servers = [name for name in clusters if any(row["server"] == name for row in rows)]
    opening = '<section aria-labelledby="h-matrix"><h2 id="h-matrix">Who may search whom</h2>'
    if not rows:
        return opening + "<p>No links are listed.</p></section>"
    if max(len(clients), len(servers)) > MATRIX_LIMIT:
        return (
            opening
            + "<p>{0} clusters are too many for a matrix; the list below has all links.</p></section>".format(
                len(clusters)
            )
        )
    cells: t.Dict[t.Tuple[str, str], t.List[Data]] = {}
    for row in rows:
        cells.setdefault((row["client"], row["server"]), []).append(row)
    head = "".join('<th scope="col"><span>{0}</span></th>'.format(esc(name)) for name in servers)
    body = []
    for client in clients:
        line = "".join(_cell(client, server, cells.get((client, server), [])) for server in servers)
        body.append('<tr><th scope="row">{0}</th>{1}</tr>'.format(esc(client), line))
    return (
        "{0}<p>A line asks, a column holds the data. Each sign leads to the link.</p>"
        '<div class="scroll" role="region" tabindex="0" aria-labelledby="h-matrix"><table class="matrix"><caption class="sr">Client '  # noqa: E501
        "clusters in lines, server clusters in columns</caption><thead><tr><td></td>{1}</tr></thead><tbody>{2}</tbody></table></div>"  # noqa: E501
        "{3}</section>"
    ).format(opening, head, "".join(body), _legend())


def _cell(client: str, server: str, rows: t.Sequence[Data]) -> str:
    if client == server:
        return '<td class="self"><span class="sr">the same cluster</span></td>'
    if not rows:
        return '<td class="none"><span aria-hidden="true">·</span><span class="sr">no link</span></td>'
    worst = min(rows, key=lambda row: ORDER.index(row["state"]))
    sign, word = STATES[worst["state"]]
    more = "" if len(rows) == 1 else " ({0} links)".format(len(rows))
    return '<td class="{0}"><a href="#{1}" title="{2}"><span aria-hidden="true">{3}{4}</span><span class="sr">{5}</span></a></td>'.format(  # noqa: E501
        worst["state"],
        _anchor(worst),
        esc("{0} → {1}: {2}{3}".format(client, server, word, more)),
        sign,
        "<small>{0}</small>".format(len(rows)) if more else "",
        esc(word + more),
    )


def _legend() -> str:
    return '<p class="legend">{0} <span>· no link</span></p>'.format(" ".join(_badge(state) for state in ORDER))


def _timeline(rows: t.Sequence[Data]) -> str:
    dated = sorted((row for row in rows if row["expires"] is not None), key=lambda row: row["expires"])
    never = sum(1 for row in rows if row["key_id"] and row["expires"] is None)
    opening = '<section aria-labelledby="h-time"><h2 id="h-time">When keys expire</h2>'
    closing = (
        "<p>{0} of the keys in use {1} no end.</p></section>".format(never, "has" if never == 1 else "have")
        if never
        else "</section>"
    )
    if not dated:
        return opening + ("" if never else "<p>No key in use is known.</p>") + closing
    lines = "".join(
        '<tr><td><time datetime="{0}">{0}</time></td><td>{1}</td><td><a href="#{2}">{3}</a></td></tr>'.format(
            text.date(row["expires"]),
            esc(text.ends(row["days_left"])),
            _anchor(row),
            esc("{0} → {1}".format(row["client"], row["alias"])),
        )
        for row in dated
    )
    table = (
        '<div class="scroll" role="region" tabindex="0" aria-labelledby="h-time"><table class="plain"><thead><tr><th scope="col">Date</th>'  # noqa: E501
        '<th scope="col">Expires</th><th scope="col">Link</th></tr></thead><tbody>{0}</tbody></table></div>'
    ).format(lines)
    if len(dated) > 12:
        table = "<details><summary>All {0} dates</summary>{1}</details>".format(len(dated), table)
    return opening + _axis(dated) + table + closing


def _axis(dated: t.Sequence[Data]) -> str:
    """Bars over time, drawn; everything that they show is in the table too, so they are hidden from screen readers."""
    last = max(30, max(row["days_left"] for row in dated) + 1)
    steps = 30
    bins: t.List[t.List[Data]] = [[] for _step in range(steps + 1)]
    for row in dated:
        # The first bin is for what has expired.
        place = 0 if row["days_left"] < 0 else 1 + min(steps - 1, row["days_left"] * steps // last)
        bins[place].append(row)
    highest = max(len(entries) for entries in bins)
    width, height, bottom = 620, 120, 92
    bars = []
    for place, entries in enumerate(bins):
        if entries:
            tall = max(8, round(len(entries) / highest * 70))
            x = place * 20
            bars.append(
                '<rect x="{0}" y="{1}" width="16" height="{2}" rx="2"/><text x="{3}" y="{4}">{5}</text>'.format(
                    x + 2, bottom - tall, tall, x + 10, bottom - tall - 4, len(entries)
                )
            )
    marks = [(10, "expired")] if bins[0] else []
    marks += [
        (20 + round(part * 600 / 4), "today" if part == 0 else "{0} d".format(last * part // 4)) for part in range(5)
    ]
    names = "".join(
        '<text class="{0}" x="{1}" y="{2}">{3}</text>'.format(
            "end" if x >= width else "start" if x < 60 else "",
            min(x, width) if x > 10 else 0,
            bottom + (26 if word == "expired" else 14),
            word,
        )
        for x, word in marks
    )
    return (
        '<div class="axis" aria-hidden="true"><svg viewBox="0 0 {0} {1}" preserveAspectRatio="xMinYMid meet">'
        '<line x1="0" y1="{2}" x2="{0}" y2="{2}"/><line x1="20" y1="6" x2="20" y2="{2}"/>{3}{4}</svg></div>'
    ).format(width, height, bottom, "".join(bars), names)


def _table(rows: t.Sequence[Data], now: int) -> str:
    opening = '<section aria-labelledby="links"><h2 id="links">All links</h2>'
    if not rows:
        return opening + "<p>None.</p></section>"
    tools = (
        '<p class="tools" hidden><label>Find <input type="search" id="find" autocomplete="off"></label> '
        '<label>State <select id="state"><option value="">all</option>{0}</select></label> <output id="shown"></output></p>'  # noqa: E501
    ).format("".join('<option value="{0}">{1}</option>'.format(state, STATES[state][1]) for state in ORDER))
    names = ("State", "Client", "Server", "Alias", "Key", "Age", "Expires", "Proof", "Owner", "Nodes")
    head = "".join('<th role="columnheader" scope="col">{0}</th>'.format(name) for name in names)
    body = "".join(
        _line(row, now, names)
        for row in sorted(rows, key=lambda row: (ORDER.index(row["state"]), row["client"], row["alias"]))
    )
    # The roles are said outright, because the cards of narrow screens take the table layout away, and browsers
    # the roles with it.
    return (
        '{0}{1}<div class="scroll wide" role="region" tabindex="0" aria-labelledby="links"><table class="links" role="table">'  # noqa: E501
        '<thead role="rowgroup"><tr role="row">{2}</tr></thead><tbody role="rowgroup">{3}</tbody></table></div></section>'  # noqa: E501
    ).format(opening, tools, head, body)


def _line(row: Data, now: int, names: t.Sequence[str]) -> str:
    expires = esc(text.ends(row["days_left"])) if row["key_id"] else "–"
    if row["expires"] is not None:
        expires += ' <time datetime="{0}">{0}</time>'.format(text.date(row["expires"]))
    key = "<code>{0}</code>".format(esc(row["key_id"])) if row["key_id"] else "–"
    if row["orphans"]:
        key += "<details><summary>{0} orphaned</summary><ul>{1}</ul></details>".format(
            len(row["orphans"]),
            "".join(
                "<li><code>{0}</code> {1}</li>".format(esc(item["id"]), esc(text.ends(item["days_left"])))
                for item in row["orphans"]
            ),
        )
    values = (
        _badge(row["state"]),
        esc(row["client"]),
        esc(row["server"]),
        esc(row["alias"]),
        key,
        esc(text.plural(row["age_days"])),
        expires,
        esc(text.proof(row, now)),
        esc(row["owner"] or "–"),
        _nodes(row["nodes"]),
    )
    cells = "".join(
        '<td role="cell" data-label="{0}"><span>{1}</span></td>'.format(name, value)
        for name, value in zip(names, values)
    )
    return '<tr role="row" id="{0}" data-state="{1}">{2}</tr>'.format(_anchor(row), row["state"], cells)


def _nodes(nodes: t.Sequence[Data]) -> str:
    """All nodes with a live key in one number; the others by name."""
    good = [node for node in nodes if node["credential"] == "live"]
    summary = "{0} of {1} with a live key".format(len(good), len(nodes))
    if len(good) == len(nodes):
        return esc(summary)
    lines = "".join(
        "<li>{0}: {1}{2}</li>".format(
            esc(node["name"]),
            esc(CREDENTIALS.get(node["credential"], node["credential"])),
            " (<code>{0}</code>)".format(esc(node["key_id"])) if node["key_id"] else "",
        )
        for node in nodes
        if node["credential"] != "live"
    )
    return "<details><summary>{0}</summary><ul>{1}</ul></details>".format(esc(summary), lines)


def _anchor(row: Data) -> str:
    """An id made of letters and digits only, the same in every report."""
    return "l-" + hashlib.sha256(row["link"].encode("utf-8", "replace")).hexdigest()[:16]
