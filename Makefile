# `make study`, `make smoke`, `make test`: each sets up .venv first, once. Needs Python 3.11 to 3.13.

SHELL := /bin/sh
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)
READY := .venv/.ready
RUN := . .venv/bin/activate &&
COMPILE := uv pip compile --quiet --universal --generate-hashes --custom-compile-command "make lock"

.PHONY: help setup study why smoke test faults check lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 10

setup: $(READY) ## make .venv from requirements.lock, once

study: $(READY) ## run the default configuration on all cores, then write report.html
	$(RUN) snakemake --cores $(CORES)
	$(RUN) snakemake --report report.html

why: $(READY) ## which jobs `make study` would run, and what changed since they ran last
	@$(RUN) python workflow/explain_jobs.py

smoke: $(READY) ## the whole pipeline on config/smoke.yaml, in the folder results/smoke
	mkdir -p results/smoke
	$(RUN) snakemake --cores $(CORES) --configfile config/smoke.yaml --directory results/smoke
	$(RUN) snakemake --configfile config/smoke.yaml --directory results/smoke --report report.html

test: $(READY) ## all tests
	$(RUN) pytest -n auto

faults: $(READY) ## all that tests/faults can try, in 20 minutes; writes docs/reliability.md
	$(RUN) figures=$$(mktemp) && RESTUDY_FAULTS=$$figures pytest tests/faults && \
	    python tests/faults/write_reliability.py $$figures

check: $(READY) ## style and workflow checks: ruff, snakefmt, snakemake --lint
	$(RUN) ruff check . && ruff format --check .
	$(RUN) snakefmt --check Snakefile workflow
	$(RUN) snakemake --lint

lock: ## renew the locks (needs uv)
	$(COMPILE) --all-extras --group dev pyproject.toml -o requirements.lock
	# The same versions, but of python-dateutil, of which botocore takes no later one than 2.
	for group in kubernetes kubernetes-test; do \
	    sed -n '/^python-dateutil=/d; s/ *\\$$//; /^[a-z].*==/p' requirements.lock | \
	        $(COMPILE) --group $$group -c - -o requirements-$$group.lock || exit; \
	done

clean: ## remove .venv
	rm -rf .venv

# Made again when the lock changes, and only then.
$(READY): requirements.lock scripts/set_up.sh
	sh scripts/set_up.sh
	touch $(READY)
