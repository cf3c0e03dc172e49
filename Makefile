# Two commands from a bare clone: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: demo test lint

# requirements.txt is what the project needs, tests/requirements.txt what only its tests
# do. The stamp says which are installed; a change of either list installs again.
$(VENV)/.installed: requirements.txt tests/requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python %d.%d found, 3.11 or later needed: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --requirement requirements.txt --requirement tests/requirements.txt
	touch $@

demo: $(VENV)/.installed
	$(RUN) -m experiments.demo --workdir=runs/demo

lint: $(VENV)/.installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

test: lint
	$(RUN) -m pytest
