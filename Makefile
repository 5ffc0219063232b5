# sarcoma-sbrt. Two commands do all the set-up: `make` and `make test`. `make help` lists the rest.

PYTHON ?= python3
CORES ?= 4
BIN := .venv/bin
READY := .venv/ready
RESULTS ?= results
SIZES ?= 1e4 1e5 1e6
FORESTS ?= 1e3 1e4

.DEFAULT_GOAL := all
.PHONY: all help setup test check format bench docs reconstruct adopt lock quarto clean

all: $(READY)  ## set up, run the workflow, leave the manuscript in results/
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores $(CORES) --config results=$(RESULTS)
	@echo "The manuscript is in $(RESULTS)/manuscript/: index.html, index.pdf, index.docx"

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: $(READY)  ## only the environment, in .venv

$(READY): envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=") if sys.version_info < (3, 11) else None'
	@echo "Setting up .venv from envs/requirements.lock (a minute or two)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement envs/requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

test: $(READY)  ## every test, with a whole run of the workflow on a small cohort
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest --numprocesses 2 --dist loadscope

check: $(READY)  ## format, lint, types, Snakemake's lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --lint

format: $(READY)  ## put everything into the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt Snakefile workflow

bench: $(READY)  ## how long the workflow and, beside R, the statistics take (SIZES=1e4 FORESTS= for a short one)
	PATH="$(CURDIR)/$(BIN):$$PATH" python tests/bench/workflow_times.py
	PATH="$(CURDIR)/$(BIN):$$PATH" python tests/bench/lineage_sizes.py
	PATH="$(CURDIR)/$(BIN):$$PATH" python tests/bench/statistics_times.py --sizes $(SIZES) --forests $(FORESTS)
	PATH="$(CURDIR)/$(BIN):$$PATH" python tests/bench/reconstruction_times.py --moves 8e6

docs: $(READY)  ## the data dictionary and the README's pictures (needs graphviz and a finished run)
	$(BIN)/sarcoma-sbrt dictionary > docs/data-dictionary.md
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --workflow-profile none --rulegraph | dot -Tsvg > docs/pictures/workflow.svg
	cp $(RESULTS)/figures/km_os.png $(RESULTS)/figures/comparison_lc.png docs/pictures/

reconstruct: $(READY)  ## search for the default cohort anew, into results/reconstruction/found/ (many core-hours; goes on where it was stopped)
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores $(CORES) --config results=$(RESULTS) -- reconstruct

adopt: $(READY)  ## make what `make reconstruct` found the default cohort
	cp -R $(RESULTS)/reconstruction/found/. data/reconstruction/reconstructed-2022/
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores $(CORES) --config results=$(RESULTS) -- expand_reconstruction
	cp $(RESULTS)/reconstruction/tables/*.csv data/cohorts/reconstructed-2022/

lock: $(READY)  ## resolve envs/requirements.in into the hash-pinned lock (needs uv on the PATH)
	uv pip compile envs/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-header --quiet --output-file envs/requirements.lock

quarto: $(READY)  ## install the pinned Quarto where the network allows
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --requirement envs/quarto.txt 2>/dev/null \
		&& $(BIN)/quarto --version >/dev/null 2>&1 \
		&& echo "Quarto $$($(BIN)/quarto --version) is in .venv; renderer: auto now takes it" \
		|| echo "Quarto could not be installed (its package downloads it while building); the embedded renderer stays in use"

clean:  ## remove what the workflow made (not .venv)
	rm -rf $(RESULTS) .snakemake report.html
