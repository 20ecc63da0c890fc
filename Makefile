SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
export PATH := $(CURDIR)/.venv/bin:$(PATH)

EXPERIMENT ?= digits
UV ?= uv
# pip unpacks gigabytes into TMPDIR; on clusters /tmp is often too small for that.
PIP := TMPDIR=$(CURDIR)/.venv/tmp .venv/bin/python -m pip --quiet --disable-pip-version-check
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--no-header --no-annotate --no-emit-index-url pyproject.toml

.PHONY: help demo test test-long slurm-up slurm-down check format lock clean

help:
	@echo 'make demo                  install into .venv (first time: 1 to 3 minutes, 6 GB), search, show the result'
	@echo 'make demo EXPERIMENT=name  the same with workflow/experiments/name.yaml'
	@echo 'make test                  every check, then every test that takes seconds'
	@echo 'make test-long             the tests that take minutes or hours'
	@echo 'make slurm-up              a throw-away Slurm on this machine (Debian, root); make slurm-down ends it'
	@echo 'make check                 format, types, layers and workflow, without running a test'
	@echo 'make format                rewrite the sources in the house style'
	@echo 'make lock                  write locks/*.txt anew from pyproject.toml (needs uv)'
	@echo 'make clean                 remove .venv and caches; never runs/ or analysis/'
	@echo
	@echo 'Nothing is lost by stopping: the same command again goes on where it stopped.'
	@echo 'On a Slurm cluster: slurm/README.md.'

demo: .venv/.installed
	.venv/bin/snakemake --profile workflow/profiles/local --config experiment=$(EXPERIMENT)
	.venv/bin/nas-hpc show $(EXPERIMENT)

# Several files at a time: most of their time they wait. On Slurm each process has a cluster of its
# own, beside one for the tests that need the machine's.
SIDE_BY_SIDE := pytest -n 2 --dist loadfile --ignore=tests/slurm
ON_SLURM := python -m tests.slurm.lab during -- \
	pytest -n 3 --dist worksteal tests/slurm

test: check
	$(SIDE_BY_SIDE)
	$(ON_SLURM)

test-long: .venv/.installed-dev
	pytest -m long --timeout=7200 --ignore=tests/slurm
	$(ON_SLURM) -m long --timeout=7200

# make test brings it up and takes it down itself; one that is up already, it uses and leaves.
slurm-up: .venv/.installed
	.venv/bin/python -m tests.slurm.lab up

slurm-down: .venv/.installed
	.venv/bin/python -m tests.slurm.lab down

check: .venv/.installed-dev
	ruff check
	ruff format --check
	mypy nas_hpc
	lint-imports
	snakefmt --check Snakefile workflow
	snakemake --lint --config experiment=digits

format: .venv/.installed-dev
	ruff check --fix
	ruff format
	snakefmt Snakefile workflow

# The stamp comes last, so an interrupted installation is continued by the next make.
.venv/.installed: locks/runtime.txt locks/torch.txt pyproject.toml
	@python=$$(sh workflow/preflight.sh); \
	echo "Installing into .venv with $$python: 1 to 3 minutes and 6 GB the first time."; \
	.venv/bin/python -m pip --version >/dev/null 2>&1 || "$$python" -m venv --clear .venv
	@mkdir -p .venv/tmp
	@$(PIP) install -r locks/runtime.txt
	@$(PIP) install -r locks/torch.txt -c locks/runtime.txt
	@PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation -e .
	@rm -rf .venv/tmp
	@touch $@

.venv/.installed-dev: .venv/.installed locks/development.txt
	@echo 'Installing the tools for development into .venv.'
	@mkdir -p .venv/tmp
	@$(PIP) install -r locks/development.txt -c locks/runtime.txt -c locks/torch.txt
	@.venv/bin/python -m pip check
	@rm -rf .venv/tmp
	@touch $@

MARKER := python_full_version < '3.14' and platform_machine == 'x86_64' \
	and platform_python_implementation == 'CPython' and sys_platform == 'linux'

# One resolution of everything, then split: the three files can never contradict each other.
# MARKER is the platform that all of it is for; on every line it would say nothing.
lock:
	@new=$$(mktemp -d); trap 'rm -rf "$$new"' EXIT; \
	pins() { $(COMPILE) "$$@" | sed "s/ ; $(MARKER)$$//"; }; \
	header() { echo "# Written by 'make lock' from pyproject.toml: $$1"; }; \
	pins --group build --extra torch --extra dev > "$$new/all"; \
	{ header 'what every run needs.'; \
	  pins --group build -c "$$new/all"; } > "$$new/runtime.txt"; \
	{ header 'torch and what only it needs. Swap this one file for another build.'; \
	  pins --extra torch -c "$$new/all" | grep -vxFf "$$new/runtime.txt"; } > "$$new/torch.txt"; \
	{ header 'what only tests and checks need.'; \
	  grep -vxFf "$$new/runtime.txt" "$$new/all" | grep -vxFf "$$new/torch.txt"; } > "$$new/development.txt"; \
	mv "$$new"/*.txt locks/

# .snakemake stays: it knows which outputs are incomplete.
clean:
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build *.egg-info
	find nas_hpc tests workflow -type d -name __pycache__ -prune -exec rm -rf {} +
