# `make demo` and `make test` need only Python >= 3.11, make and a C library; everything else is set up by them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SIDE_BY_SIDE := -n 3 --dist worksteal
SEEDS ?= 20
DEMO_DATA ?= $(CURDIR)/.data/demo
DEMO_MODEL ?= qwen2.5-coder-1.5b

.PHONY: help setup demo up test test-slow faults check format bench clean

help:            ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  /'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

setup: $(STAMP)  ## the virtual environment with everything for development

demo: $(STAMP)   ## start the embedded stack, run the main job on the sample corpus, show the rows
	CORPUSMITH_DATA_DIR=$(DEMO_DATA) $(BIN)/corpusmith demo --model $(DEMO_MODEL)

up: $(STAMP)     ## start the embedded stack and stay; Ctrl-C stops all of it
	$(BIN)/corpusmith up

test: $(STAMP)   ## all tests, with a real broker, SQLite, PostgreSQL and a small real model
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not model" --ignore=tests/faults
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/faults
	$(BIN)/python -m pytest -m model

test-slow: $(STAMP) ## every training variant, training killed with many seeds, real models that learn and are served
	$(BIN)/python -m pytest tests/training tests/trainings -m "slow or not slow"

faults: $(STAMP) ## the fault tests with many seeds: 20, or others with SEEDS=5:10
	CORPUSMITH_FAULT_SEEDS=$(SEEDS) $(BIN)/python -m pytest $(SIDE_BY_SIDE) -vv tests/faults -m "slow or not slow"

check: $(STAMP)  ## format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: $(STAMP) ## rewrite the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## the short set of benchmarks, one JSON line each
	$(BIN)/python -m benchmarks.docs_to_qa --n 50
	$(BIN)/python -m benchmarks.zero_latency --contexts 200
	$(BIN)/python -m benchmarks.api_polling --seconds 10
	$(BIN)/python -m benchmarks.uploads --n 500
	$(BIN)/python -m benchmarks.export_rows --rows 40000
	$(BIN)/python -m benchmarks.start_resume --repeat 1
	$(BIN)/python -m benchmarks.training_overhead --rows 120 --pairs 1
	$(BIN)/python -m benchmarks.dedup --rows 5000,50000 --vectors 10000

clean:           ## remove what was built here (not the model cache)
	rm -rf $(VENV) .data build *.egg-info
