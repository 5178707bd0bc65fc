# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the variable tables of the role READMEs from meta/argument_specs.yml: tools/role_readme.py [--check] [ROOT]

The table goes between the two marker lines of roles/*/README.md; the rest of the file is left alone. With --check
nothing is written, and a README that differs makes the command fail. A README without markers gets them at its end.
"""

from __future__ import annotations

import glob
import json
import os
import re
import sys

import generated
import yaml

BEGIN = "<!-- variables: generated from meta/argument_specs.yml by `make readme`; edit that file -->"
END = "<!-- end of variables -->"
# Ansible's markup, as far as the specs use it, such as V(value), M(a.b.c), P(a.b.c#lookup), L(text, url).
MARKUP = re.compile(r"\b(L|R|RV|HORIZONTALLINE|[BCEIMOPUV])\(((?:[^()\\]|\\.)*)\)")


def plain(text: str) -> str:
    """Ansible markup as Markdown."""

    def one(match: re.Match[str]) -> str:
        kind, inner = match.group(1), re.sub(r"\\(.)", r"\1", match.group(2))
        if kind == "L":
            label, _comma, url = inner.rpartition(",")
            return "[%s](%s)" % (label.strip(), url.strip())
        if kind == "R":
            return inner.rpartition(",")[0].strip()
        if kind in ("B", "I", "U"):
            return {"B": "**%s**", "I": "*%s*", "U": "<%s>"}[kind] % inner
        return "`%s`" % inner.split("#")[0]

    return MARKUP.sub(one, text)


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def description(option: dict) -> str:
    given = option.get("description", "")
    sentences = [given] if isinstance(given, str) else list(given)
    if option.get("choices"):
        sentences.append("One of %s." % ", ".join("`%s`" % choice for choice in option["choices"]))
    return cell(" ".join(plain(sentence) for sentence in sentences))


def kind(option: dict) -> str:
    name = option.get("type", "str")
    return "%s of %s" % (name, option["elements"]) if option.get("elements") else name


def default(option: dict) -> str:
    if option.get("required"):
        return "**required**"
    if "default" not in option:
        return ""
    value = option["default"]
    return "`%s`" % cell(value if isinstance(value, str) and value else json.dumps(value))


def rows(options: dict, prefix: str = ""):
    for name, option in options.items():
        yield "| `%s%s` | %s | %s | %s |" % (prefix, name, kind(option), default(option), description(option))
        yield from rows(option.get("options") or {}, "%s%s." % (prefix, name))


def tables(specs: dict) -> str:
    parts = []
    for entry, spec in specs["argument_specs"].items():
        if entry != "main" or len(specs["argument_specs"]) > 1:
            parts.append("### Entry point `%s`\n\n%s\n" % (entry, plain(spec.get("short_description", ""))))
        options = spec.get("options") or {}
        if not options:
            parts.append("No variables.\n")
            continue
        head = ["| Variable | Type | Default | Meaning |", "| --- | --- | --- | --- |"]
        parts.append("\n".join(head + list(rows(options))) + "\n")
    return "\n".join(parts)


def render(readme: str, table: str) -> str:
    block = "%s\n\n%s\n%s" % (BEGIN, table, END)
    pattern = re.compile(r"<!-- variables:.*?%s" % re.escape(END), re.DOTALL)
    if pattern.search(readme):
        return pattern.sub(lambda _match: block, readme)
    return "%s\n\n## Variables\n\n%s\n" % (readme.rstrip("\n"), block)


def main() -> None:
    arguments = sys.argv[1:]
    check = "--check" in arguments
    roots = [argument for argument in arguments if argument != "--check"]
    root = roots[0] if roots else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    wanted = {}
    for path in sorted(glob.glob(os.path.join(root, "roles", "*", "meta", "argument_specs.yml"))):
        readme = os.path.join(os.path.dirname(os.path.dirname(path)), "README.md")
        with open(path, encoding="utf-8") as stream:
            wanted[readme] = render(generated.read(readme), tables(yaml.safe_load(stream)))
    generated.keep("role READMEs", root, wanted, check)


if __name__ == "__main__":
    main()
