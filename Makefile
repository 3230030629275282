# Two commands do everything on a machine with Python 3.11 and make: `make demo` and `make test`.
# The rest are the parts that .ci/run is made of; `make help` lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
ORACLE ?= .oracle
HUB ?= .hub
DEMO ?= demo-output
BIN := $(VENV)/bin
JOBS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-all lint docs site pictures faults notebooks oracle browser executors bench binder wheel clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /: /' | sort

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "workbench needs Python 3.11 or newer; call make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.with-all: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	@touch $@

$(VENV)/.with-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[all,dev]'
	@touch $(VENV)/.with-all $@

demo: $(VENV)/.with-all ## raw run -> small data -> notebooks -> report, on a made-up experiment
	$(BIN)/workbench demo --output $(DEMO)

# Tests run side by side, one for each core: threads of their own would only get into each other's way.
test test-all faults notebooks browser: export OPENBLAS_NUM_THREADS ?= 1

test: $(VENV)/.with-dev ## every test that belongs to each commit (under 6 minutes on 2 cores)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'not long and not oracle and not browser and not executors and not notebook and not faults' \
	  --durations 15 $(ARGS)

test-all: $(VENV)/.with-dev ## the long property runs too (tens of minutes)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'not oracle and not browser and not executors' --durations 15 $(ARGS)

lint: $(VENV)/.with-dev ## style, types, import layers, docstrings, pages made from the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate --quiet workbench
	$(BIN)/python docs/make_architecture.py --check

docs: $(VENV)/.with-dev ## write docs/architecture.md from the modules' docstrings
	$(BIN)/python docs/make_architecture.py

site: $(VENV)/.with-dev ## the documentation as web pages, in docs/_build; every warning and broken link is an error
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build

pictures: $(VENV)/.with-dev ## draw the pictures of the how-to pages anew, by the lines on the pages (ARGS=how-to/xpcs: of one)
	$(BIN)/python -m tests.pages.pictures $(ARGS)

$(ORACLE)/.installed: tests/oracle/install.sh
	bash tests/oracle/install.sh $(ORACLE)
	@touch $@

notebooks: $(VENV)/.with-dev ## the notebooks that ship, headless, on made-up and real data
	$(BIN)/python -m pytest -m notebook tests/test_first_plot.py $(ARGS)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m notebook tests/automation tests/test_notebooks.py tests/test_course.py tests/pages tests/batch tests/templates --durations 15 $(ARGS)

faults: $(VENV)/.with-dev ## every recipe on every fault of the catalogue: a true number, a finding or a refusal
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'faults and not long' tests/recipes $(ARGS)

oracle: $(VENV)/.with-dev $(ORACLE)/.installed ## compare with psana from PyPI, in its own environment, and TIFF files with ImageJ
	WORKBENCH_ORACLE_PYTHON=$(abspath $(ORACLE))/bin/python \
	  $(BIN)/python -m pytest -m oracle -s tests/oracle $(ARGS)
	$(ORACLE)/bin/python -m pytest tests/sources/protocol $(ARGS)

$(HUB)/.installed:
	npm install --silent --no-fund --no-audit --prefix $(HUB) configurable-http-proxy@5.3.0
	@touch $@

browser: $(VENV)/.with-dev $(HUB)/.installed ## reports and the region editor in headless Chromium, JupyterLab and JupyterHub
	WORKBENCH_HUB_PROXY=$(abspath $(HUB))/node_modules/.bin/configurable-http-proxy \
	  $(BIN)/python -m pytest -m browser tests/browser --ignore tests/browser/test_template_lab.py --durations 15 $(ARGS)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m browser tests/browser/test_template_lab.py --durations 15 $(ARGS)

$(VENV)/.with-executors: pyproject.toml $(VENV)/.with-dev
	$(BIN)/python -m pip install --quiet --editable '.[dask,mpi,slurm]' 'mpich>=4.3'
	@touch $@

executors: $(VENV)/.with-executors ## production on Dask, MPI and a one-node Slurm (as root), workers killed
	$(BIN)/python -m pytest -m executors tests/producer/executors $(ARGS)

bench: $(VENV)/.with-dev $(ORACLE)/.installed ## speed and memory as ratios to peers (benchmarks/README.md)
	WORKBENCH_ORACLE_PYTHON=$(abspath $(ORACLE))/bin/python \
	  $(BIN)/python -m pytest benchmarks -s --benchmark-disable-gc --override-ini addopts= $(ARGS)

binder: $(VENV)/.with-dev ## what Binder would build, without Docker: its recipe, installation, steps and notebooks
	bash tests/binder.sh $(BIN)/python

wheel: $(VENV)/.with-dev ## build the wheel and use it, without extras, in an environment of its own
	bash tests/wheel.sh $(BIN)/python

clean: ## remove what make made
	rm -rf $(VENV) $(ORACLE) $(HUB) $(DEMO) dist build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
