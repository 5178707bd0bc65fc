# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/sh
VENV := .venv
PYTHON := $(VENV)/bin/python
# Real clusters serve one test at a time.
WORKERS ?= $(if $(ELASTICSEARCH_TEST_CLUSTERS),0,auto)
PYTEST_ARGS ?=
# Clusters to start, simulated or real; what is not given has a default of its own in each.
DIR ?=
CLUSTERS ?=
VERSION ?=
VERSIONS ?=
NODES ?=
TRUST ?=
ON ?=
STARTED = $(if $(CLUSTERS),--clusters "$(CLUSTERS)") $(if $(VERSION),--version "$(VERSION)") \
  $(if $(NODES),--nodes "$(NODES)") $(if $(TRUST),--trust "$(TRUST)")
# Cores and checks to limit a run to: make sanity CORES="2.16 2.21", make lint ONLY="ruff mypy"
CORES ?=
CHECKS ?= sanity,units,integration,tests
ONLY ?=
TARGET ?=
FETCH ?=
# A commit to measure beside the files as they are
BEFORE ?=

# The user's own Ansible configuration and home are neither read nor written.
export ANSIBLE_CONFIG := $(CURDIR)/tests/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export XDG_CACHE_HOME := $(CURDIR)/.cache
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(VENV)/collections
export PYTHONPATH := $(CURDIR)/tests

.DEFAULT_GOAL := help
.PHONY: help setup demo test simulator real real-matrix clean lint sanity matrix molecule bench dist docs readme

help:  ## list the commands
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready  ## make .venv with all that the other commands need (they call it)

$(VENV)/.ready: tests/requirements.txt tools/setup.py
	@python3 tools/setup.py $(VENV) tests/requirements.txt

demo: setup  ## two simulated clusters: link, prove, run again, rotate under search, verify, tear down: [ON=9.5.0 for real ones]
	@$(PYTHON) tools/demo.py $(if $(ON),--on "$(ON)")

# The profile ci tries the same generated examples in every run; --hypothesis-profile=default looks for new ones.
test: setup  ## run all tests
	@$(PYTHON) -m pytest -n $(WORKERS) --hypothesis-profile=ci $(PYTEST_ARGS)

simulator: setup  ## run simulated clusters in the foreground: [VERSION=9.3.0] [CLUSTERS="berlin paris"] [NODES=3] [TRUST=none] [DIR=d]
	@exec $(PYTHON) -m simulator "$(or $(DIR),.build/simulator)" $(STARTED)

real: setup  ## the same with real Elasticsearch, needs Java and Maven: [VERSION=9.5.0] [NODES=1] [VERSIONS="paris=8.19.0"] and the others
	@exec $(PYTHON) -m real "$(or $(DIR),.build/real)" $(STARTED) $(if $(VERSIONS),--versions "$(VERSIONS)")

real-matrix: setup  ## rules and stories on real Elasticsearch, version by version: [VERSIONS="8.19.0 8.19.0/9.5.0"] [NODES=2] [TESTS=tests/rules] [FETCH=1, for what they need]
	@$(PYTHON) tools/real_matrix.py $(if $(NODES),-n "$(NODES)") $(if $(TESTS),-t "$(TESTS)") $(if $(FETCH),--fetch) $(VERSIONS)

lint:  ## static checks of code, roles, docs, licences, changelog: [ONLY="ruff mypy"]
	@python3 tools/lint.py $(ONLY)

sanity:  ## ansible-test sanity on every supported ansible-core: [CORES="2.16 2.21"]
	@python3 tools/matrix.py sanity $(CORES)

matrix:  ## ansible-test sanity, units and integration, and all tests, on every supported ansible-core: [CORES="2.16 2.21"] [CHECKS=tests] [TESTS=tests/rules, or targets of integration] [TARGET=3.8, of units]
	@TESTS="$(TESTS)" TARGET="$(TARGET)" python3 tools/matrix.py $(CHECKS) $(CORES)

molecule: setup  ## the scenarios of extensions/molecule, on the oldest and newest core: [ONLY="default mesh"] [CORES=2.21]
	@python3 tools/scenarios.py $(CORES) $(ONLY)

bench: setup  ## measure, print tables, keep them in tests/bench/results.json: [ONLY="one_task mesh"] [BEFORE=commit]
	@BENCH_BEFORE="$(BEFORE)" PYTHONPATH="$(PYTHONPATH):$(CURDIR)/$(VENV)/collections" $(PYTHON) -m bench $(ONLY)

dist: setup  ## build the tarball into .build/dist, check it as Galaxy does, install it elsewhere and run it there
	@python3 tools/dist.py $(ONLY)

docs:  ## the HTML site into .build/docs
	@python3 tools/docs.py

readme: setup  ## write the generated parts: variable tables of the roles, pictures and tables of the guides
	@$(PYTHON) tools/role_readme.py
	@$(PYTHON) tools/guides.py

clean:  ## remove all that these commands made
	rm -rf $(VENV) .build .cache .pytest_cache .hypothesis .ruff_cache .mypy_cache tests/output
