# Everything here works on a fresh machine with Python 3.11, make and apt; what is missing is installed into .venv.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= demo-output

.PHONY: help demo test lint format docs check-docs bench build clean

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): pyproject.toml tools/setup.sh tools/trivy.txt
	@PYTHON=$(PYTHON) VENV=$(VENV) tools/setup.sh
	@touch $@

demo: $(READY) ## Start the example deployment, audit it hardened and leaky, show the reports, leave them in demo-output/.
	@$(BIN)/python -m examples.demo $(OUT)

test: $(READY) ## Run all tests; with CI=true a missing service is a failure.
	@tools/services.sh
	$(BIN)/python -m pytest

coverage: $(READY) ## Run all tests and show what of core and checks they do not reach.
	$(BIN)/python -m pytest --cov --cov-report=term-missing

lint: $(READY) ## Format, style, types, import rules, generated docs.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.reference --check

format: $(READY) ## Put the code into form.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY) ## Write the generated documents.
	$(BIN)/python -m tools.reference

bench: $(READY) ## Measure against bare scripts that make the same requests; prints ratios.
	$(BIN)/python -m bench

build: $(READY) ## Build wheel and source archive into dist/.
	$(BIN)/python -m hatchling build

clean: ## Remove what was built.
	rm -rf dist $(OUT) .mypy_cache .ruff_cache .pytest_cache .coverage htmlcov
