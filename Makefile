# The few verbs of this repository. Each is one line into a real tool.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
QUIET := --quiet --disable-pip-version-check
tool = "$$($(BIN)/python -c 'from local import tools; print(tools.path("$(1)"))')"
MEMBERS := $(wildcard packages/*/pyproject.toml functions/*/pyproject.toml)

.PHONY: help demo test lint tools packages e2e faults datapath race soak bench models lock clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.ready: requirements.txt $(MEMBERS)
	@echo "Setting up $(VENV) (once; half a minute and the downloads)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Modelplane needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.txt > $(VENV)/uv.txt
	@$(BIN)/python -m pip install $(QUIET) --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip install --quiet --require-hashes -r requirements.txt \
	  || $(BIN)/python -m pip install $(QUIET) --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install $(QUIET) --no-deps --no-build-isolation $(foreach m,$(MEMBERS),-e $(dir $(m)))
	@touch $@

demo: $(VENV)/.ready ## Show the main job offline: from YAML to what clusters get (no Go, no cluster)
	@PATH="$(CURDIR)/$(BIN):$$PATH" demo/tour

test: lint ## Lint, then every test that needs no control plane
	@$(BIN)/pytest -n 2 -m "not e2e and not datapath" $(ARGS)

lint: $(VENV)/.ready ## ruff, mypy, import-linter; actionlint where there is Go to build it
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary packages/*/src functions/*/src
	@$(BIN)/lint-imports --no-cache | tail -1
	@if ! command -v go >/dev/null; then echo "No Go to build actionlint with: workflows not checked"; \
	  else $(BIN)/python -m local.tools actionlint >/dev/null && $(call tool,actionlint) -shellcheck= -pyflakes= .github/workflows/*.yaml; fi

tools: $(VENV)/.ready ## Build the real parts from pinned Go modules (once; needs Go 1.26, some half an hour)
	@$(BIN)/python -m local.tools

packages: $(VENV)/.ready ## Build the Crossplane packages into dist/packages, without Docker (on Debian 12; ARGS=--arm64)
	@$(BIN)/python -m local.tools crossplane-cli crane inference-extension
	@$(BIN)/python -m release $(ARGS)

e2e: tools ## Tests against a real Kubernetes API server and a real Crossplane
	@$(BIN)/pytest -m e2e --ignore tests/faults --durations=12 $(ARGS)

faults: tools ## Play the fault matrix on a running fleet; UPDATE=1 writes docs/explanation/faults.md
	@$(BIN)/pytest -m e2e tests/faults $(ARGS)

datapath: tools ## Pods that answer: prefill/decode proven, and every link broken in turn (root, Linux)
	@$(BIN)/pytest -m datapath -n 0 --durations=8 $(ARGS)

soak: $(VENV)/.ready ## More than 100,000 random cases of placing, of the ledger and of rolls (some ten minutes)
	@SOAK=1 $(BIN)/pytest -n 2 packages/scheduling/tests/test_placing_properties.py functions/compose-capacity-ledger/tests/test_books_properties.py functions/compose-model-deployment/tests/test_rolling_properties.py

bench: $(VENV)/.ready ## Measure a reconcile on large fleets; ARGS=--write puts it into docs/explanation/speed.md
	@$(BIN)/python bench/run.py $(ARGS)

race: tools ## 100 deployments at once for 60 nodes, on a real control plane (some six minutes)
	@$(BIN)/python bench/race.py $(ARGS)

models: $(VENV)/.ready ## Generate the pydantic models and the reference pages from apis/
	@$(BIN)/python packages/schemas/generate.py
	@$(BIN)/python docs/reference/generate.py

lock: $(VENV)/.ready ## Resolve the dependencies anew into requirements.txt, and pin their wheels for Nix
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header $(foreach m,$(MEMBERS),--no-emit-package $(shell sed -n 's/^name = "\(.*\)"/\1/p' $(m))) pyproject.toml --group dev $(MEMBERS) -o requirements.txt
	@$(BIN)/python nix/pin.py

clean: ## Remove what make made; .tools stays
	rm -rf $(VENV) dist
