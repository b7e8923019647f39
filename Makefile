# One line a target; whatever is longer stands in scripts/. `make help` lists them.
SHELL := /bin/bash
export VENV ?= .venv
BIN := $(VENV)/bin
# Where the tests and benches start the service from; without it, from its source.
export TEST_COMPILED := $(CURDIR)/build/compiled

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help venv lock protos check compiled run test interop bench fuzz compose compose-test peers clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: ## make or update .venv from the lock files (nothing to do, nothing done)
	@scripts/venv.sh

lock: ## write requirements/*.txt anew from the .in files and the pyproject.toml files
	@scripts/lock.sh

protos: venv ## regenerate the Python stubs from protos/
	@scripts/protos.sh

check: venv ## lint, types, import layers, protos and their stubs
	@scripts/check.sh

compiled: venv ## compile the service's road of a leg into build/compiled, as containers have it
	@scripts/compile.sh

run: venv ## start the service with its embedded default and show a handshake
	@exec $(BIN)/sspid serve --demo

peers: ## install the foreign programs the tests run against (root; apt)
	@scripts/install-peers.sh

test: peers compiled ## every test
	@$(BIN)/python -m pytest

interop: peers compiled ## the tests against foreign peers
	@$(BIN)/python -m pytest -m interop

bench: compiled ## measure, print a table and write build/bench.json
	@mkdir -p build
	@$(BIN)/python bench --output build/bench.json

fuzz: venv ## the fuzz targets
	@$(BIN)/python -m pytest -m fuzz tests/fuzz

compose: venv ## the service in a container, with certificates made for it
	@scripts/compose.sh up --build service

compose-test: venv ## build the containers, run the wire tests in them over mutual TLS, tear down
	@scripts/compose-test.sh

clean: ## remove what was built here: build/, caches and .venv
	@rm -rf build $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
