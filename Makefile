# Two commands do all the set-up: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
KILLS ?= 10000
export QOL_TEST_ENGINE
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Where bytecode may not be kept, each of hundreds of processes compiles the whole program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test other check bench faults validate pictures trace pins clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

run: $(VENV)/.runtime ## the demo study on this machine: pages and worker, until Ctrl-C
	@$(BIN)/flask settings init --demo
	@exec $(BIN)/flask demo run --port $(PORT)

test: $(VENV)/.development ## everything the tests need, then all tests
	@tests/prepare
	@# Three processes, each with threads of its own for matrices this small, only wait for each other.
	@OPENBLAS_NUM_THREADS=1 TMPDIR=$$([ -w /dev/shm ] && echo /dev/shm || echo /tmp) $(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

other: $(VENV)/.development ## the tests of pages and services on the other of the two databases
	@$(MAKE) -s test ARGS="tests/web tests/services $(ARGS)" QOL_TEST_ENGINE=other

check: $(VENV)/.development ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.development ## ratios, each measured side by side in one run
	@tests/prepare
	@$(BIN)/python -m bench

faults: $(VENV)/.development ## the slow, full figures of killed and delayed processes
	@tests/prepare
	@$(BIN)/python -m pytest tests/faults -m "" --kills $(KILLS) $(ARGS)

validate: $(VENV)/.development ## 500 synthetic trials with known truth
	@$(BIN)/python -m bench.validate

pictures: $(VENV)/.development ## the screenshots of the README, taken from a running demo
	@tests/prepare
	@$(BIN)/python docs/pictures/take.py

trace: $(VENV)/.development ## docs/validation.md: which test shows which requirement
	@$(BIN)/python -m pytest tests --collect-only -q --trace-to docs/validation.md >/dev/null

pins: $(VENV)/.development ## compile the pinned requirements anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt

clean: ## remove the virtual environment; the study's data stay
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $$($(PYTHON) --version) found; Python 3.11 or later wanted (make PYTHON=python3.12 ...)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); } || \
	  { rm -rf $(VENV); echo "error: this Python cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.runtime: requirements.txt | $(BIN)/python
	@echo "installing pinned packages (once)"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt | $(BIN)/python
	@echo "installing pinned packages for tests (once)"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime
