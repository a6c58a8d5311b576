# Every verb does what it needs first and nothing twice. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(or $(shell command -v python3.11),python3)
PYTEST := $(BIN)/pytest
SOURCES := operator bot simulator plugin tests charts images
PURE := --cov=tradingbot_operator.plan --cov=tradingbot_operator.render --cov=tradingbot_operator.report --cov=tradingbot_operator.domain \
	--cov=tradingbot.strategy --cov=tradingbot.risk --cov=tradingbot.domain --cov=tradingbot.training --cov=exchange_simulator.matching --cov=exchange_simulator.domain
LOCKED := $(VENV)/.locked-$(shell sha256sum requirements/dev.txt requirements/bootstrap.txt 2>/dev/null | sha256sum | cut -c1-16)
SCRIPTS = $(shell git ls-files | xargs -r grep -lE '^\#!/(usr/bin/env bash|bin/bash|bin/sh)' 2>/dev/null)
export UV_PYTHON_DOWNLOADS := never
# Empty is unset: whatever the caller says, bytecode and rewritten assertions are kept from run to run.
export PYTHONDONTWRITEBYTECODE :=
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/bin:$(PATH)

.PHONY: help setup demo demo-down test check unit golden contract integration e2e chaos bench images manifests cluster-up cluster-down rows clean fmt venv lock

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: venv ## Install everything this machine lacks: packages, Go tools, the virtual environment
	@cluster/install

venv: $(LOCKED)

$(LOCKED): requirements/dev.txt requirements/bootstrap.txt
	@echo "==> virtual environment from requirements/dev.txt"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) 2>/dev/null \
		|| { apt-get install -y -qq python3-venv >/dev/null && $(PYTHON) -m venv $(VENV); }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e operator -e bot -e simulator -e plugin 2>/dev/null \
		|| $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e operator -e bot -e simulator -e plugin
	@rm -f $(VENV)/.locked-*; touch $@

demo: setup ## Bring up a cluster, install the product and watch a bot trade
	@demo/up

demo-down: ## Remove everything the demo made
	@demo/down

test: setup ## Run every test: check, unit, golden, contract, integration, e2e, rows
	@tests/run

check: venv ## Format, lint, imports, types, bandit, generated files, shell scripts, Dockerfiles
	@echo "==> format and lint"; $(BIN)/ruff format --check --quiet $(SOURCES) && $(BIN)/ruff check --quiet $(SOURCES)
	@mkdir -p build; echo "==> imports"; $(BIN)/lint-imports --no-logo 2>/dev/null >build/imports.txt || { cat build/imports.txt; exit 1; }
	@echo "==> types"; $(BIN)/mypy
	@echo "==> bandit"; $(BIN)/bandit -q -c pyproject.toml -r operator/tradingbot_operator bot/tradingbot simulator/exchange_simulator plugin/kubectl_tradingbot
	@echo "==> generated files"; $(BIN)/python tests/generated.py --check
	@echo "==> shell scripts"; $(BIN)/shellcheck -x $(SCRIPTS)
	@echo "==> Dockerfiles"; $(BIN)/hadolint --failure-threshold warning operator/Dockerfile bot/Dockerfile simulator/Dockerfile

fmt: venv
	@$(BIN)/ruff format $(SOURCES) && $(BIN)/ruff check --fix $(SOURCES)

lock: venv
	@requirements/lock

unit: venv ## Pure tests, with every branch of the pure folders covered (DEEP=1 tries 1000 examples of each property)
	@$(PYTEST) -q -n auto tests/unit $(if $(DEEP),--hypothesis-profile=deep) $(PURE) --cov-branch --cov-fail-under=100 --cov-report=term

golden: venv ## Golden texts (GOLDEN_UPDATE=1 rewrites them; read the difference)
	@$(PYTEST) -q tests/golden

contract: setup ## The seams, each with the real other side
	@$(PYTEST) -q -n auto tests/contract

integration: setup ## Ledger on real databases, operator on a real API server, the cluster scripts
	@$(PYTEST) -q -n auto --dist loadfile tests/integration

e2e: setup ## Stories on the real node
	@$(PYTEST) -q tests/e2e

chaos: setup ## Crash and fault tests that take longer than make test allows
	@$(PYTEST) -q tests/chaos

bench: setup ## Measure: make bench NAME=foundation writes build/bench/foundation.json
	@test -f tests/bench/$(or $(NAME),foundation).py || { echo "NAME=$(NAME) is not measured; there are: $(basename $(notdir $(wildcard tests/bench/*.py)))"; \
		echo "usage: make bench [NAME=name]"; exit 2; }
	@$(BIN)/python tests/bench/$(or $(NAME),foundation).py

images: setup ## Build the three images and load them into the cluster
	@images/build all

manifests: setup ## Write the generated files: CRDs, install.yaml, chart copies, reference pages
	@$(BIN)/python tests/generated.py --write

cluster-up: setup ## Start the one-node Kubernetes
	@cluster/up

cluster-down: ## Stop it and leave nothing behind
	@cluster/down

rows: venv ## Which runbook rows are proved (ISSUE=name for one issue's)
	@$(BIN)/python tests/rows/report.py $(ISSUE)

clean: ## Remove build results and the virtual environment (the tool cache stays)
	@rm -rf build $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
