# The two commands that matter: `make run` and `make test`. README.md says what else there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUBNETS ?=
MINERS ?= 0
NODES ?= 0
HTTP ?=
ARCH ?=
LONG ?=
ONLY ?=
PYTEST_ARGS ?= -n 3 --dist loadgroup

.PHONY: examples run test test-appliance check bench deb pin format clean

run: $(VENV)/.run
	@$(BIN)/python -m hived.simulator.suite --subnets "$(SUBNETS)" --miners "$(MINERS)" --nodes "$(NODES)" --http "$(HTTP)"

# LONG=1: with as many cases as docs/security.md says; an hour more.
test: $(VENV)/.test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# As root, on booted Debian systems. LONG=1: the long forms. ONLY=memory: the tests with this word in their names.
test-appliance: $(VENV)/.test
	LONG="$(LONG)" $(BIN)/python -m pytest tests/appliance -s -k "$(ONLY)" --durations=10 \
	    -o addopts="-q --strict-markers -p no:cacheprovider -p no:schemathesis -p tests.no_skips"

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

# The packages into dist/. ARCH=arm64 builds for a small board, on any machine.
deb:
	packaging/build-deb $(ARCH)

# Beside each pin of the locks, what its files must be.
pin: $(VENV)/.test
	$(BIN)/python packaging/pin.py requirements.lock packaging/test.lock

# What a simulated site answers, for the description of the API.
examples: $(VENV)/.test
	$(BIN)/python -m tests.record_examples

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What runs hived.
$(VENV)/.run: packaging/make-venv requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" sh packaging/make-venv $(VENV) requirements.lock
	@touch $@

# And what tests it.
$(VENV)/.test: $(VENV)/.run packaging/test.lock
	@PYTHON="$(PYTHON)" sh packaging/make-venv $(VENV) packaging/test.lock
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis
