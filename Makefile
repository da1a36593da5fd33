# One line per target: make help. The first use of any target makes the virtual environment.
PYTHON ?= python3
CONFIG ?= churn.toml
AS_OF  ?=
ONLY   ?=
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
SPARK  := $(VENV)/ready-spark
CHURN  := $(BIN)/churn
COMPILE := $(BIN)/pip-compile -q --strip-extras --generate-hashes --allow-unsafe --no-header \
	--no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help train score test check fix bench notebooks ui lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' \
		| awk -F '\t' '{printf "make %-10s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "churn-risk needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

# Spark is 400 MB that only its engine and the tests need, so training does without.
$(SPARK): $(READY) requirements-spark.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-spark.lock
	@touch $(SPARK)

train: $(READY)  ## train on the histories that CONFIG names; demo histories where it has none yet
	@$(CHURN) train --demo --config $(CONFIG)

score: $(READY)  ## the risk list and the outreach list for AS_OF (default: the newest date)
	@$(CHURN) score --config $(CONFIG) $(if $(AS_OF),--as-of $(AS_OF))

test: $(SPARK)  ## all tests; those of Spark need Java 17
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: $(READY)  ## linters, types, import rules; changes nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(READY)  ## formatters and what linters can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY)  ## benchmarks, measured side by side; ONLY=vectors for one section of their page
	@$(BIN)/python -m benchmarks.run $(if $(ONLY),--only $(ONLY))

notebooks: $(READY)  ## all notebooks executed for CONFIG, into out/notebooks; trains first where nobody did
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-notebooks.lock
	@$(CHURN) train --demo --if-none --config $(CONFIG)
	@CHURN_CONFIG="$(abspath $(CONFIG))" GOMP_SPINCOUNT=100 $(BIN)/python -m nbconvert --execute --to notebook --output-dir out/notebooks notebooks/*.ipynb

ui: $(READY)  ## MLflow's web UI on the store that CONFIG names
	@uri=$$($(BIN)/python -m pipeline.config $(CONFIG)) && $(BIN)/mlflow ui --backend-store-uri "$$uri"

lock: $(READY)  ## pin the dependencies anew
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-tools
	@$(COMPILE) --extra dev -o requirements.lock pyproject.toml
	@$(COMPILE) --extra dev --extra spark -c requirements.lock -o requirements-spark.lock pyproject.toml
	@$(COMPILE) --extra dev --extra notebooks -c requirements.lock -o requirements-notebooks.lock pyproject.toml

clean:  ## remove what was generated, the virtual environment and the demo histories included
	rm -rf $(VENV) build dist *.egg-info out mlartifacts mlflow.db .pytest_cache .mypy_cache \
		.ruff_cache .hypothesis .import_linter_cache
	@if [ -f data/truth.parquet ]; then rm -rf data; fi
