# `make` alone lists the targets. Every target that runs something first makes sure that .venv
# holds exactly what requirements.lock says.
.DEFAULT_GOAL := help
.PHONY: help setup report test lint bench validate docs clean lock
SHELL := /bin/sh

BIN := .venv/bin

help:
	@echo "make setup     set .venv up; every other target does so first"
	@echo "make report    run the whole review: data/ to reports/"
	@echo "make test      run the tests"
	@echo "make lint      check style, formatting and types"
	@echo "make bench     time the engines beside other software; writes reports/benchmarks.md"
	@echo "make validate  calibration by simulation (resumes), broken input, kills, determinism (three hours)"
	@echo "make docs      build the documentation site into build/docs/"
	@echo "make clean     remove .venv and the caches; reports/ stays"
	@echo "make lock      resolve the dependencies anew (needs uv)"
	@echo
	@echo "Each needs Python 3.12 or newer; make PYTHON=/path/to/python names one."

setup: .venv/ready
	@echo "Ready: .venv/bin/bayespool"

report: .venv/ready
	@$(BIN)/python models/all.py

test: .venv/ready
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not long"

lint: .venv/ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: .venv/ready
	@$(BIN)/python tests/benchmarks.py

validate: .venv/ready
	@$(BIN)/python -m pytest -n auto -m long
	@$(BIN)/python tests/validate.py
	@$(BIN)/python tests/fuzz_many.py
	@$(BIN)/python tests/faults.py
	@$(BIN)/python tests/determinism_whole.py

docs: .venv/ready
	@rm -rf build/docs build/doctrees
	@$(BIN)/python -m sphinx -W --keep-going -q -b html -d build/doctrees docs build/docs
	@echo "The site: $(CURDIR)/build/docs/index.html"

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
	find src tests models -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

lock:
	@command -v uv >/dev/null || { echo "Resolving needs uv: pip install uv" >&2; exit 1; }
	uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.12 \
	  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" --quiet --output-file requirements.lock

# .venv/locked is written last and holds the folder the environment was made for. One that is
# half-finished, was copied here from another folder, or has lost its interpreter is built anew.
ifneq ($(shell $(BIN)/python -c "" 2>/dev/null && cat .venv/locked 2>/dev/null),$(CURDIR))
.PHONY: .venv/locked
endif

# A candidate is run, not looked up: a shim can exist and still fail. ensurepip is missing where
# Debian's python3-venv is, and then no environment can be made.
.venv/locked: requirements.lock
	@set -e; found=; \
	for python in "$(PYTHON)" python3 python3.13 python3.12 "$$HOME"/.pyenv/versions/*/bin/python; do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' \
	    >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "bayespool needs Python 3.12 or newer with its venv module, and none was found:" \
	    "install one (Debian or Ubuntu: apt install python3 python3-venv;" \
	    "macOS: brew install python@3.13; pyenv: pyenv install 3.13)" \
	    "or name one with make PYTHON=/path/to/python." >&2; \
	  exit 1; \
	fi; \
	echo "Setting up .venv with $$("$$found" --version) ($$found): once, some minutes."; \
	rm -rf .venv; \
	"$$found" -m venv .venv; \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes \
	  -r requirements.lock; \
	printf '%s' "$(CURDIR)" > .venv/locked

.venv/ready: .venv/locked pyproject.toml
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps \
	  --no-build-isolation -e .
	@touch .venv/ready
