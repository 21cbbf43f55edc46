# make demo | test | bench | lint | audit | image | clean: each makes .venv itself. Needs Python 3.11 (or 3.12) and a package registry.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
SHELL := /bin/bash
# What is compiled is kept, whatever the environment says: hundreds of processes would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
# Modules are compiled as they are imported, which few of the packages' are: compiling all takes as long as the rest.
INSTALL := $(BIN)/pip install -qq --disable-pip-version-check --no-compile
OSV := https://api.osv.dev/v1/vulns/PYSEC-2021-142

.PHONY: demo test bench lint audit image clean
.DEFAULT_GOAL := demo

.venv/ready: pyproject.toml constraints.txt
	@echo "Installing into .venv (some minutes the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
	  || { echo "Hourcast needs Python 3.11 or 3.12; found $$($(PYTHON) --version): make PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -m venv .venv
	@$(INSTALL) --constraint constraints.txt --upgrade pip  # Python's own takes minutes longer to read the registry
	@$(INSTALL) --constraint constraints.txt --editable '.[world,dask,ai,earth2studio,lambdas,cloud,test]'
	@$(INSTALL) --no-deps --target .venv/local-cloud antlr4-python3-runtime==4.13.2
	@$(INSTALL) --no-deps --target .venv/parallelcluster aws-parallelcluster==3.16.1
	@echo "Compiling the kernels for this machine (a minute or two)"
	@$(BIN)/python -m pipeline.kernels compile
	@touch $@

demo: .venv/ready
	@$(BIN)/hourcast demo

# Three processes for CI's two cores: Slurm and the local cloud are often waited for.
test: .venv/ready
	@$(BIN)/pytest -q -n 3 --dist worksteal && echo "All tests passed."

bench: .venv/ready
	@$(BIN)/python -m bench

lint: .venv/ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Run: .venv/bin/ruff format ."; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@echo "Nothing to complain about."

# The tools have an environment of their own, so that the list is of what is installed without them.
audit: .venv/ready
	@$(PYTHON) -m venv build/audit
	@build/audit/bin/pip install -qq --disable-pip-version-check --constraint constraints.txt cyclonedx-bom==7.5.0 pip-audit==2.10.1
	@build/audit/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON \
	  --output-file build/sbom.json $(BIN)/python
	@echo "Wrote build/sbom.json, the software bill of materials (CycloneDX)."
	@build/audit/bin/python -c 'from urllib.request import urlopen; urlopen("$(OSV)", timeout=20)' 2> build/audit.log \
	  || { tail -n 1 build/audit.log; echo "NOT AUDITED: $(OSV) does not answer, which knows the vulnerabilities."; exit 2; }
	@build/audit/bin/pip-audit --vulnerability-service osv --skip-editable --progress-spinner off \
	  --path $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# As root, with buildah, runc and mmdebstrap of Debian: .ci/image installs them.
image: .venv/ready
	@$(BIN)/pytest -q -m image -s tests/containers/test_light_image.py

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
