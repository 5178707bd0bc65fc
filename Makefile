# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/sh
VENV := .venv
PYTHON := $(VENV)/bin/python
WORKERS ?= auto
PYTEST_ARGS ?=
DIR ?= .build/simulator
CLUSTERS ?= berlin paris
VERSION ?= 9.3.0
TRUST ?= all

# The user's own Ansible configuration and home are neither read nor written.
export ANSIBLE_CONFIG := $(CURDIR)/tests/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(VENV)/collections
export PYTHONPATH := $(CURDIR)/tests

.DEFAULT_GOAL := help
.PHONY: help setup demo test simulator clean

help:  ## list the commands
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready  ## make .venv with all that the other commands need (they call it)

$(VENV)/.ready: tests/requirements.txt tools/setup.py
	@python3 tools/setup.py $(VENV) tests/requirements.txt

demo: setup  ## two simulated clusters: link, prove, run again, rotate under search, tear down
	@$(PYTHON) tools/demo.py

test: setup  ## run all tests
	@$(PYTHON) -m pytest -n $(WORKERS) $(PYTEST_ARGS)

simulator: setup  ## run simulated clusters in the foreground: DIR=d CLUSTERS="berlin paris" VERSION=9.3.0 [TRUST=none]
	@exec $(PYTHON) -m simulator "$(DIR)" --clusters "$(CLUSTERS)" --version "$(VERSION)" --trust "$(TRUST)"

clean:  ## remove all that these commands made
	rm -rf $(VENV) .build .cache .pytest_cache .hypothesis .ruff_cache .mypy_cache tests/output
