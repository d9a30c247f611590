# Everything CI does is a target. The environment is .venv in the checkout; nothing outside the checkout is touched,
# but by setup-worlds, which installs Debian packages.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

PYTHON ?= python3
BIN := .venv/bin
SDK := tests/e2e/gateway/sdk
# What the packages would run when they are installed is not needed.
SDK_CI := npm --prefix $(SDK) ci --ignore-scripts --no-audit --no-fund --silent

.PHONY: help setup setup-worlds up compose-keys demo test shadow chaos-power unit lint format generate lock clean \
	relationships bench bench-ingest bench-walls bench-decide quality-recommend fence-sim fuzz fuzz-coverage fence-chaos \
	erase-proof attack conjoint polite timing

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv and install everything, pinned by hash
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make setup PYTHON=python3.11")'
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	if [ -f $(SDK)/package-lock.json ]; then
	  if command -v npm > /dev/null; then $(SDK_CI)
	  else echo "npm is not installed: the tests of the JavaScript SDKs will be skipped, until make setup-worlds"; fi
	fi
	echo "Ready. Next: make demo"

setup-worlds: ## Install what virtual worlds, browsers and power cuts need (Debian packages, asks for root)
	infra/setup-worlds
	[ -d $(SDK)/node_modules ] || $(SDK_CI)
	[ ! -f requirements/worlds.txt ] || $(BIN)/uv pip install --quiet --require-hashes --requirement requirements/worlds.txt

up: ## Start the whole platform on this machine, until Ctrl-C
	$(BIN)/maskenball up

compose-keys: ## Make the keys and passwords that docker-compose.yml mounts
	@$(BIN)/python -m infra.compose.prepare

demo: ## 100,000 interactions become personas, an avatar meets one
	$(BIN)/maskenball demo

test: lint ## What CI runs: lint, then every test
	$(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadfile --ignore tests/e2e
	# Those that start whole stacks need the machine for themselves.
	$(BIN)/pytest tests/e2e

shadow: ## Let Presidio judge what the filter lets pass: installs it beside the rest (400 MB), then tests its judge
	$(BIN)/uv pip install --quiet --require-hashes --requirement requirements/shadow.txt
	$(BIN)/pytest tests/shadow

chaos-power: ## Cut the power many times, at other moments than `make test` does
	MASKENBALL_POWER_CUTS=$${MASKENBALL_POWER_CUTS:-40} $(BIN)/pytest --timeout=1800 tests/e2e/power

unit: ## Only the tests that need no server
	$(BIN)/pytest tests/unit

lint: ## Ruff, mypy, import walls, contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	proto/check

format: ## Let ruff set what it can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

generate: ## Write the generated code of the contracts
	proto/generate

lock: ## Pin the dependencies of pyproject.toml anew, by hash
	requirements/lock

relationships: ## Fit what judges texts anew; REAL=folder: to the real texts in it as well, which is the fit that ships
	$(BIN)/python -m relationships.fitting $(REAL)

bench: ## Measure everything, write bench/results
	$(BIN)/python -m bench

bench-ingest: ## Measure the way in alone
	$(BIN)/python -m bench ingest

bench-walls: ## Whether the time of an answer tells who is denied from who is not there
	$(BIN)/python -m bench walls --crowd 1

bench-decide: ## Measure decisions over 10,000 and 100,000 offers, and how soon feedback counts
	$(BIN)/python -m bench.deciding

quality-recommend: ## Offers on a public log beside recommenders and bandits from their papers, in one run
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.quality

attack: ## Split a public log into two worlds, and try to link their visitors by all that either is told
	$(BIN)/python -m bench.attack

conjoint: ## Foretell choices that real people made in surveys (Debian's r-cran-bayesm), write bench/results/wishes.json
	@$(BIN)/python -m bench.conjoint

polite: ## Personas that remember annoyance: who speaks to them, how often, and what comes of it
	$(BIN)/python -m bench.polite

timing: ## Foretell half of CDNOW's purchases from the other half, beside BG/NBD
	$(BIN)/python -m bench.timing

fence-sim: ## The fence under faults in virtual time, as it is and with each rule broken
	$(BIN)/python -m tests.simulation

fence-chaos: ## The fence over real processes: stopped, killed, cut off, restored; reads add up in bench/results
	$(BIN)/python -m bench.fence

erase-proof: ## Prove that an erased persona cannot be restored from a backup, and measure how fast it is gone
	$(BIN)/python -m tests.e2e.erasure

fuzz-coverage: ## Search for what breaks a parser of a door, guided by coverage: FUZZ_SECONDS (20) for each
	$(BIN)/uv pip install --quiet --require-hashes --only-binary atheris --requirement requirements/fuzz.txt
	mkdir -p .cache
	# The engine ends without clearing up; what broke a parser stays in .cache.
	export TMPDIR="$$(mktemp -d)"
	trap 'rm -rf "$$TMPDIR"' EXIT
	for target in $$($(BIN)/python -m tests.fuzz.names); do
	  echo "$$target"
	  $(BIN)/python -m tests.fuzz $$target $${FUZZ_SECONDS:-20}
	done

fuzz: fuzz-coverage ## The same, then fifty times as many examples as `make test` has, others each time
	MASKENBALL_EXAMPLES=search $(BIN)/pytest --timeout=3600 tests/fuzz tests/e2e/gateway/test_openapi.py

clean: ## Remove what was made here, data included
	rm -rf .venv .maskenball .mypy_cache .pytest_cache .ruff_cache .import_linter_cache $(SDK)/node_modules
