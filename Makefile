# One word per task. Needs Python >= 3.11, git and make; everything else is installed into .venv, hash-checked.
#
#   make demo                                     real purchases -> predictions -> http://localhost:3000
#   make demo ARGS="--dataset cdnow --no-serve"   any argument of `regulars demo`
#   make test                                     every check and every test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Data too large for the repository: tests that need it skip, and say so, where it does not lie beside it.
export REGULARS_TEST_DATA ?= $(CURDIR)/../shared/data
ARGS ?=
TESTS ?=
# Test processes side by side; each makes the made-up shops that its tests ask.
WORKERS ?= 2

.PHONY: help install demo test check bench docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.development ## Make .venv with the command and the development set

demo: $(VENV)/.runtime ## Real purchases to first segments, served; ARGS="--dataset cdnow --no-serve"
	$(BIN)/regulars demo $(ARGS)

test: check ## Every check, then every test; TESTS=tests/ledger for some of them
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(TESTS)

check: $(VENV)/.development ## Lint, format, types and the layers between packages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.development ## What is claimed about accuracy and speed, measured; each file of benchmarks/ beside its peer
	set -e; for benchmark in $(filter-out benchmarks/generate.py,$(wildcard benchmarks/*.py)); do $(BIN)/python "$$benchmark"; done

docs: $(VENV)/.development ## Write the pages of docs/ that are generated from the code
	$(BIN)/python -m regulars.documents

# The runtime set is a subset of the development set with the same pins, so the latter makes both stamps.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what Regulars needs into $(VENV): about 0.8 GB, once; a few minutes."
	$(PIP_INSTALL) --require-hashes -r requirements.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.development: requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the development set into $(VENV): about 1 GB, once; a few minutes."
	$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.runtime $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Regulars needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Say which: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "'$(PYTHON) -m venv $(VENV)' failed; on Debian and Ubuntu: apt install python3-venv" >&2; rm -rf $(VENV); exit 2; }

# Pins are made by uv (https://docs.astral.sh/uv/), the one tool that writes hashes for every platform and Python at once.
# hatchling and editables are there because the project itself is built without reaching for anything that is not hash-checked.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header
LOCK := printf 'hatchling\neditables\n' | $(COMPILE) pyproject.toml -
lock: ## Renew the lock files (needs uv on the PATH; LOCK_ARGS=--upgrade for newer versions)
	$(LOCK) $(LOCK_ARGS) --extra demo --output-file requirements.lock
	$(LOCK) $(LOCK_ARGS) --all-extras --constraints requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --group serving --constraints requirements.lock --output-file requirements-serving.lock

clean: ## Remove .venv and caches; homes with data stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage dist
