# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the HTML site of the collection into .build/docs, without a network: tools/docs.py"""

from __future__ import annotations

import glob
import os
import re
import shutil
import sys

import checks
import matrix
import setup

SITE = os.path.join(matrix.BUILD, "docs")
WORK = os.path.join(matrix.BUILD, "docs-work")


# The theme cuts long module names off: in the menu, and at the width of a phone in headings and code.
STYLE = "h1, h2, h3, code, .wy-menu-vertical a { overflow-wrap: anywhere; white-space: normal; }\n"


def adapt(conf: str) -> None:
    """Drop the links to other projects' inventories, which Sphinx would fetch, and add our style."""
    with open(conf, encoding="utf-8") as stream:
        text = stream.read()
    text = re.sub(r"intersphinx_mapping = \{.*?\n\}", "intersphinx_mapping = {}", text, flags=re.DOTALL)
    static = os.path.join(os.path.dirname(conf), "static")
    os.makedirs(static)
    with open(os.path.join(static, "collection.css"), "w", encoding="utf-8") as stream:
        stream.write(STYLE)
    text += "\nhtml_static_path = [%r]\nhtml_css_files = ['collection.css']\n" % static
    with open(conf, "w", encoding="utf-8") as stream:
        stream.write(text)


def main() -> None:
    tree = matrix.copy_tree("docs")
    env = checks.variables("docs", tree)
    run = checks.Checks(tree, env, sys.argv[1:])
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.rmtree(SITE, ignore_errors=True)
    os.makedirs(WORK)
    python = os.path.join(env["VIRTUAL_ENV"], "bin", "python")
    init = ("antsibull-docs", "sphinx-init", "--use-current", "--squash-hierarchy", "--fail-on-error")
    # Pictures and the troubleshooting page are generated; a stale one must not go out.
    run.run("generated", python, os.path.join(setup.ROOT, "tools", "guides.py"), "--check", tree)
    if run.run("init", *init, "--dest-dir", WORK, "crosscluster.elasticsearch"):
        adapt(os.path.join(WORK, "conf.py"))
        rst = os.path.join(WORK, "rst")
        pages = ("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error")
        if not run.run("pages", *pages, "--dest-dir", rst, "crosscluster.elasticsearch"):
            # The strict run writes nothing then, and the other pages are worth seeing nevertheless.
            run.run("pages-lenient", *pages[:-1], "--dest-dir", rst, "crosscluster.elasticsearch")
        if os.path.isdir(os.path.join(rst, "docsite")):
            for picture in glob.glob(os.path.join(tree, "docs", "docsite", "rst", "*.svg")):
                shutil.copy(picture, os.path.join(rst, "docsite"))
            run.run("html", "sphinx-build", "-q", "-b", "html", "-c", WORK, rst, SITE, forbid=("ERROR",))
    print("docs: %s" % os.path.relpath(os.path.join(SITE, "index.html"), setup.ROOT))
    run.finish("docs")


if __name__ == "__main__":
    main()
