# Two commands: `make demo` shows it, `make test` proves it. uv is used when it is there, pip otherwise.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
UV     := $(shell command -v uv 2>/dev/null)
SEED   ?= 0
ROWS   ?=
MINUTES ?= 10
SEEDS  ?= 10
DIST   := .venv-dist
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
IMAGE  ?= hubble-egress-exporter:$(VERSION)
BUILDER ?= docker
PYTHON_IMAGE ?= python:3.13-slim-bookworm
# httpx2-jsfetch is for Python in a browser.
LOCK   := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-package httpx2-jsfetch

# Tools that come as packages (buf) are found by the tests as others are.
export PATH := $(abspath $(BIN)):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format lint types imports fresh cover proof e2e watch dist sbom image soak month bench lock generate reference dashboards manifests pictures clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the command hubble-egress-exporter in it

$(STAMP): requirements-dev.txt pyproject.toml
ifdef UV
	@echo "Setting up $(VENV) with uv; this takes some seconds the first time ..."
	@test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) $(VENV)
	@uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	@echo "Setting up $(VENV) with pip; this takes about a minute the first time ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# The lock is complete; left to follow dependencies, older pips take a newer release for `coverage[toml]` and refuse it.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	@touch $@

demo: setup ## run the exporter against its own Hubble Observer; Ctrl-C ends it
	@$(BIN)/hubble-egress-exporter demo

test: setup ## run the whole test suite (SEED=n for the randomised part)
	@echo "seed of the randomised tests: $(SEED)"
	@$(BIN)/python -m pytest -q --hypothesis-seed=$(SEED)

check: setup format lint types imports fresh cover ## everything CI checks

format: setup
	@$(BIN)/ruff format --check --quiet .

lint: setup
	@$(BIN)/ruff check --quiet .

types: setup
	@$(BIN)/mypy --no-error-summary

imports: setup
	@$(BIN)/lint-imports --no-cache > $(VENV)/imports.txt || { cat $(VENV)/imports.txt; exit 1; }

fresh: setup ## are the generated files the ones their sources give?
	@$(BIN)/python protos/generate.py --check
	@$(BIN)/hubble-egress-exporter reference --check
	@$(BIN)/python -m dashboards.generate --check
	@$(BIN)/python -m deploy.generate --check

cover: setup
	@echo "seed of the randomised tests: $(SEED)"
	@$(BIN)/python -m pytest -q --hypothesis-seed=$(SEED) --cov --cov-report=term

# With CI=true `check` has run them already.
proof: check $(if $(filter true,$(CI)),,e2e) ## the slow proofs, run before an issue is resolved
	@seed=$$(od -An -N3 -tu4 /dev/urandom | tr -d ' '); echo "seed of the randomised tests: $$seed"; \
	EXPORTER_EXAMPLES=2000 $(BIN)/python -m pytest -q -k "property or fuzz" --hypothesis-seed=$$seed
	@EXPORTER_PROOF=yes $(BIN)/python -m pytest -q tests/real tests/faults tests/known/test_kills.py tests/test_wheel.py tests/chart/test_crds.py
	@PATH="$$(PYTHON=$(BIN)/python .ci/image-tools):$(PATH)" EXPORTER_PROOF=yes $(BIN)/python -m pytest -q tests/image

e2e: setup ## the demo, a real Prometheus and a real Alertmanager: which alerts arrive, which panels have data, about 4 minutes
	@EXPORTER_E2E=yes $(BIN)/python -m pytest -q tests/e2e

watch: setup ## the same programs for a person who wants to look at them; Ctrl-C ends them
	@$(BIN)/python -m tests.e2e

soak: setup ## minutes of faults over real gRPC, and what came of them (MINUTES=10)
	@$(BIN)/python -m tests.faults.soak $(MINUTES)

month: setup ## simulated months with five attacks in each, and what was found (SEEDS=10)
	@$(BIN)/python -m tests.month --seeds $(SEEDS)
	@$(BIN)/python -m tests.month --seeds $(SEEDS) --without-dns --restart

bench: setup ## measure speed and memory, about 12 minutes (ROWS="cpu scrape" takes some rows)
	@$(BIN)/python -m tests.benchmarks $(ROWS)

generate: setup ## make exporter/hubble/pb from protos/
	@$(BIN)/python protos/generate.py

reference: setup ## write CONFIGURATION.md and METRICS.md
	@$(BIN)/hubble-egress-exporter reference --write

dashboards: setup ## write the dashboards' JSON from their builders
	@$(BIN)/python -m dashboards.generate

manifests: setup ## write the plain manifests, the chart's README and its copies of the dashboards
	@$(BIN)/python -m deploy.generate

lock: ## pin what pyproject.toml asks for (needs uv)
	uv pip compile $(LOCK) --group dev pyproject.toml -o requirements-dev.txt
	uv pip compile $(LOCK) -c requirements-dev.txt --extra kubernetes pyproject.toml -o requirements.txt
	uv pip compile $(LOCK) -c requirements-dev.txt --group build -o requirements-build.txt
	uv pip compile $(LOCK) --group sbom -o requirements-sbom.txt

dist: ## wheel and sdist in dist/, built with nothing but what is locked for that
	@rm -rf dist $(DIST) && $(PYTHON) -m venv $(DIST)/build
	@$(DIST)/build/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-build.txt
	@$(DIST)/build/bin/python -m hatchling build -d dist

sbom: dist ## dist/sbom.cdx.json: what the wheel is made of, seen in a clean environment
	@$(PYTHON) -m venv --without-pip $(DIST)/clean && $(PYTHON) -m venv $(DIST)/sbom
	@$(DIST)/sbom/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-sbom.txt
	@$(DIST)/sbom/bin/python -m pip --python $(DIST)/clean/bin/python install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@$(DIST)/sbom/bin/python -m pip --python $(DIST)/clean/bin/python install --quiet --disable-pip-version-check --no-deps --no-index dist/*.whl
	@$(DIST)/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
	  --output-file dist/sbom.cdx.json $(DIST)/clean/bin/python

image: ## build the image (BUILDER=podman, IMAGE=name:tag, PYTHON_IMAGE=name:tag@digest)
	$(BUILDER) build --file deploy/Dockerfile --tag $(IMAGE) --build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) \
	  --build-arg VERSION=$(VERSION) --build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null) .

pictures: setup ## draw the dashboards with Grafana's components over the demo's data, about 12 minutes (npm, Chromium)
	@$(BIN)/python -m tests.pictures

clean: ## remove what make made
	rm -rf $(VENV) $(DIST) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage dist
