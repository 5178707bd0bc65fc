# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the generated parts of the guides: tools/guides.py [--check] [ROOT]

These are the picture of the trust model, from the text below, that of the phases, from the data that runs them, and
the list of causes, from the diagnosis itself.
With --check nothing is written, and a file that differs makes the command fail.
"""

from __future__ import annotations

import html
import importlib
import os
import re
import sys
import types

import generated
import yaml

TITLE = "Trust between two clusters"
# box: x, y, width, height, lines; an empty first line makes it a frame with its title on top
FRAMES = ((10, 10, 330, 260, "paris: the client, asks"), (520, 10, 270, 260, "berlin: the server, holds the data"))
BOXES = (
    (30, 60, 290, 50, ("node paris-1", "keystore: cluster.remote.berlin.credentials")),
    (30, 125, 290, 50, ("node paris-2", "keystore: cluster.remote.berlin.credentials")),
    (30, 205, 290, 50, ("cluster settings", "cluster.remote.berlin.proxy_address")),
    (540, 60, 230, 50, ("remote cluster server", "port 9443, TLS")),
    (540, 205, 230, 50, ("cross-cluster API key", "access, expiration, hash of the secret")),
)
# arrow: from x, y to x, y, label and its place
ARROWS = (
    (320, 85, 540, 85, "request with the key", 430, 75),
    (320, 150, 540, 98, "each node by itself", 430, 150),
    (655, 205, 655, 110, "checks", 685, 162),
    (540, 230, 320, 165, "encoded key, shown once", 415, 234),
)
PHASES_TITLE = "The phases of a run, in their order"
LEGEND = (
    ("node", "a module run on each node of a client"),
    ("box", "one module run for all clusters"),
    ("frame", "derived on the controller, nothing is asked"),
)
CHAPTERS = ("remove", "versions", "authorities", "spread", "restart", "use", "look_again", "revoke")
STEP, GAP = 50, 12
STYLE = """
text{font:13px sans-serif;fill:#1b2733}.small{font-size:11px}.title{font-weight:bold}
.frame{fill:#eef3f8;stroke:#7b8b9a}.box{fill:#fff;stroke:#1f6feb}.node{fill:#fff7e6;stroke:#9a6700}.arrow{stroke:#1b2733;fill:none;stroke-width:1.5}
.head{fill:#1b2733}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.frame{fill:#161b22;stroke:#586673}
.box{fill:#0d1117;stroke:#58a6ff}.node{fill:#211a0b;stroke:#d29922}.arrow{stroke:#e6edf3}.head{fill:#e6edf3}.ground{fill:#0d1117}}
"""
NOTICE = (
    "Copyright: Contributors to the crosscluster.elasticsearch collection",
    "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "SPDX-License-" + "Identifier: GPL-3.0-or-later",
)
SENTENCES = """
.. _ansible_collections.crosscluster.elasticsearch.docsite.troubleshooting:

Troubleshooting
===============

Begin with ``ansible-playbook crosscluster.elasticsearch.verify``: it asks through every node and names cause and fix.
The causes below are those that :ansplugin:`crosscluster.elasticsearch.remote_cluster_info#module` reports with
``probe: true``. The texts are parts of what Elasticsearch says in its answers and logs.

With ``skip_unavailable: true``, the default from 8.15 on, a search succeeds whatever is wrong and only lacks the hits
of the remote cluster.
"""

VERIFY = """
What the verify playbook finds beside these
-------------------------------------------

It compares both sides, so it also sees what no answer of Elasticsearch tells.
"""


def opening(title: str, height: int) -> list[str]:
    return [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 %d" role="img" aria-label="%s">' % (height, title),
        *("<!--", *NOTICE, "-->", "<style>%s</style>" % STYLE),
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
        '<rect class="ground" width="800" height="%d" fill="#fff"/>' % height,
    ]


def picture() -> str:
    parts = opening(TITLE, 280)
    for x, y, width, height, title in FRAMES:
        parts.append(rectangle("frame", x, y, width, height))
        parts.append(text("title", x + 14, y + 26, title))
    for x, y, width, height, lines in BOXES:
        parts.append(rectangle("box", x, y, width, height))
        parts.append(text("", x + 12, y + 20, lines[0]))
        parts.append(text("small", x + 12, y + 38, lines[1]))
    for x1, y1, x2, y2, label, x, y in ARROWS:
        parts.append('<path class="arrow" marker-end="url(#head)" d="M%d %dL%d %d"/>' % (x1, y1, x2, y2))
        parts.append(text("small", x, y, label, "middle"))
    return "\n".join([*parts, "</svg>", ""])


def phases_drawn(root: str) -> str:
    """The phases in their order, by the data that runs them, with the files of tasks that do them, and their titles."""
    order = plugins(root).phases
    parts: list[str] = []
    y = 44

    def box(kind: str, name: str, title: str, file: str = "") -> None:
        nonlocal y
        if y > 44:
            parts.append('<path class="arrow" marker-end="url(#head)" d="M400 %dL400 %d"/>' % (y - GAP, y))
        parts.append(rectangle(kind, 10, y, 780, STEP - GAP))
        parts.append(text("title", 20, y + 16, name))
        parts.append(text("small", 20, y + 31, title))
        parts.append(text("small", 780, y + 16, file, "end"))
        y += STEP

    for number, (style, words) in enumerate(LEGEND):
        parts.append(rectangle(style, 10 + number * 265, 10, 18, 18))
        parts.append(text("small", 34 + number * 265, 23, words))
    titles = {**titled(root, "input"), **titled(root, "links")}
    box("frame", "input", titles["input"])
    drawn: set[str] = set()
    for file in ("look", *CHAPTERS):
        for name, title in titled(root, file).items():
            done = order.TASKS[name] if name in order.TASKS else [order.PHASES[name]]
            phases = [phase for phase in done if phase.name not in drawn]
            drawn.update(phase.name for phase in phases)
            if phases:
                words = ", ".join(phase.name for phase in phases)
                where = "node" if phases[0].at == "nodes" else "box"
                box(where, words, title, "" if file == "look" else "where it is needed: %s.yml" % file)
        if file == "look":
            box("frame", "plan", "Each task derives the plans anew from what was told so far")
    box("frame", "outcome", titles["outcome"])
    assert drawn == {phase.name for phase in order.ORDER}, drawn
    return "\n".join([*opening(PHASES_TITLE, y), *parts, "</svg>", ""])


def titled(root: str, file: str) -> dict[str, str]:
    """Task -> its title."""
    path = os.path.join(root, "roles", "cross_cluster_trust", "tasks", file + ".yml")
    found = {}
    for task in yaml.safe_load(generated.read(path)):
        call = task.get("crosscluster.elasticsearch.link_phase")
        if call:
            found[call["phase"]] = task["name"].partition(" ({{")[0]
        elif "ansible.builtin.import_tasks" in task:
            found.update(titled(root, task["ansible.builtin.import_tasks"].partition(".")[0]))
        elif task.get("ansible.builtin.include_tasks") == "restart_nodes.yml":
            found["restart"] = task["name"]
    return found


def rectangle(kind: str, *place: int) -> str:
    x, y, width, height = place
    return '<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="6"/>' % (kind, x, y, width, height)


def text(kind: str, x: int, y: int, content: str, anchor: str = "start") -> str:
    return '<text class="%s" x="%d" y="%d" text-anchor="%s">%s</text>' % (kind, x, y, anchor, html.escape(content))


def plugins(root: str) -> types.SimpleNamespace:
    """The modules with the tables, from these files and not from an installed collection."""
    name, path = "", root
    for part in ("ansible_collections", "crosscluster", "elasticsearch", "plugins"):
        name = f"{name}.{part}".lstrip(".")
        path = os.path.join(root, "plugins") if part == "plugins" else os.devnull
        package = sys.modules[name] = types.ModuleType(name)
        package.__path__ = [path]
    names = {
        "diagnosis": "module_utils._diagnosis",
        "doctor_words": "plugin_utils._doctor.words",
        "link_keys": "plugin_utils._plan.keys",
        "phases": "plugin_utils._links.phases",
    }
    return types.SimpleNamespace(**{one: importlib.import_module(f"{name}.{path}") for one, path in names.items()})


def readable(pattern: str) -> list[str]:
    """What a pattern looks for, as texts: alternatives apart, wild parts as an ellipsis."""
    texts = []
    for part in re.split(r"(?<!\\)\|", pattern):
        part = re.sub(r"\\\[\[\^\\\]\]\*\\\]", "[…]", part)
        part = re.sub(r"\.\*", "…", part).replace("\\[?", "[").replace("\\]?", "]")
        texts.append(re.sub(r"\\(.)", r"\1", part).strip())
    return texts


def escape(content: str) -> str:
    return re.sub(r"([*`|_\\])", r"\\\1", content)


def placeholders(content: str) -> str:
    return escape(re.sub(r"\{(\w+)\}", r"<\1>", content))


def paragraph(code: str, label: str, told: str, fix: str) -> list[str]:
    return ["``%s``" % code, "    %s: %s" % (label, told), "", "    Fix: %s" % placeholders(fix), ""]


def troubleshooting(root: str) -> str:
    found = plugins(root)
    lines = [".. " + line for line in NOTICE]
    lines += SENTENCES.split("\n")
    # A list and not a table: the texts are long, and a table of them cannot be read on a phone.
    for rule in found.diagnosis.RULES:
        said = "; ".join("*%s*" % escape(one) for one in readable(rule.pattern))
        lines += paragraph(rule.cause, "Says", said, rule.advice)
    for cause, (seen, advice) in found.diagnosis.UNSAID.items():
        lines += paragraph(cause, "Seen", escape(seen), advice)
    lines += VERIFY.split("\n")
    words, keys = found.doctor_words, found.link_keys
    for state, told in keys.STATE_WORDS.items():
        fix = words.FIX_FOREIGN if state in (keys.FOREIGN, keys.WRONG_NAME) else words.FIX_SPREAD_OR_NEW
        cause = placeholders("a node of {client} %s, by its keystore." % told)
        lines += paragraph("credential_" + state, "Cause", cause, fix)
    for code, (cause, fix) in words.WORDS.items():
        lines += paragraph(code, "Cause", placeholders(cause) + ".", fix)
    return "\n".join(lines) + "\n"


def main() -> None:
    arguments = sys.argv[1:]
    check = "--check" in arguments
    roots = [argument for argument in arguments if argument != "--check"]
    root = roots[0] if roots else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folder = os.path.join(root, "docs", "docsite", "rst")
    wanted = {
        os.path.join(folder, "trust_model.svg"): picture(),
        os.path.join(folder, "architecture.svg"): phases_drawn(root),
        os.path.join(folder, "troubleshooting.rst"): troubleshooting(root),
    }
    generated.keep("guides", root, wanted, check)


if __name__ == "__main__":
    main()
