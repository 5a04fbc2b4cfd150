# `make` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp
KILLS ?= 200
# The workspace has two modules, and an image to compare with has to be one.
BREAKING := '{"version": "v2", "breaking": {"use": ["WIRE_JSON"]}}'
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo test slow chaos check format proto proto-check baseline docs lock ci clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(STAMP) ## Set up .venv with everything in it

$(STAMP): requirements.lock requirements-embedded.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; name one with: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-embedded.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

demo: $(STAMP) ## Turn the sample spec into tickets with the embedded model
	@taskforge demo

test: $(STAMP) ## Run the tests, on SQLite and on real PostgreSQL and Redis
	pytest -m "not slow" -n 4 --dist loadfile

slow: $(STAMP) ## Run the slow tests: `make demo` for real, and what takes minutes
	pytest -m slow -n 2 --dist loadfile --durations 5

chaos: $(STAMP) ## Kill processes under load for minutes; more with: make chaos KILLS=1000
	python -m tests.chaos --kills $(KILLS)

check: $(STAMP) proto-check ## Format, lint, types, import contract, generated files in step
	ruff format --check
	ruff check
	mypy
	lint-imports --no-cache
	python -m cli.reference --check

format: $(STAMP) ## Format the code and mend what the linter can
	ruff format
	ruff check --fix
	buf format -w proto/taskforge

proto: $(STAMP) ## Lint, format and generate the stubs
	buf format -w --path proto/taskforge
	buf lint
	buf generate
	@$(MAKE) --no-print-directory proto-check

proto-check: $(STAMP) ## Lint, format, breaking changes and drift of the protos, without a network
	buf lint
	buf format --diff --exit-code --path proto/taskforge > /dev/null
	buf build -o -#format=binpb | buf breaking -#format=binpb --against proto/baseline.binpb --config $(BREAKING)
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && buf generate --output "$$fresh" \
		&& diff -r -x __pycache__ "$$fresh/proto/gen" proto/gen \
		|| { echo "proto/gen is not what buf generates; run: make proto" >&2; exit 1; }

baseline: $(STAMP) ## Accept today's protos as what may not be broken, at a release
	buf build -o proto/baseline.binpb --exclude-source-info

docs: $(STAMP) ## Write the generated pages of docs/
	python -m cli.reference

lock: ## Choose package versions anew (needs uv)
	uv lock --upgrade --quiet
	uv export --quiet --format requirements.txt --no-header --no-emit-project --all-groups > requirements.lock
	uv pip compile --quiet --upgrade --no-deps --generate-hashes --no-header requirements-embedded.in > requirements-embedded.lock

ci: check test slow ## All that has to pass before a change lands

clean: ## Remove what make and the tests have made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
