# make run  sets everything up and opens the app;  make test  sets everything up and passes every check;
# make check  is the part of it for daily work
PYTHON ?= python3
PORT ?= 8501
# one more than two cores, because tests also wait for processes and browsers
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
# dozens of processes start in the tests: each reads the compiled modules that the first one wrote
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check slow lint types-js setup setup-dev browser pretrained clean

setup: $(VENV)/.run
setup-dev: $(VENV)/.dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# the package in place: `aeexplorer` is a command, and `import aeexplorer` works from any folder
$(VENV)/.run: pyproject.toml requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-dev.txt
	@touch $@

# any Chromium on the PATH will do; else Debian's headless one, which loads a page a quarter faster, or Playwright's
browser: $(VENV)/.dev
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	 || command -v google-chrome >/dev/null \
	 || (command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -qq && (apt-get install -y -qq chromium-headless-shell \
	     || apt-get install -y -qq chromium) >/dev/null) \
	 || $(BIN)/python -m playwright install chromium \
	 || echo "No browser found: the browser tests will be skipped."

run: $(VENV)/.run
	$(BIN)/aeexplorer app --port $(PORT)

lint: $(VENV)/.dev types-js
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# the browser's modules, checked by TypeScript where node and npm are found
types-js:
	@cd tests/js && if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
	  echo "No node and npm found: the types of the browser's modules are not checked."; \
	elif [ package-lock.json -ot node_modules/.package-lock.json ] || npm ci --silent --no-audit --no-fund; then \
	  node_modules/.bin/tsc; \
	else echo "TypeScript could not be installed: the types of the browser's modules are not checked."; fi

# a file stays on one worker, so that what is made for it is made once; the order is that of tests/conftest.py
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: $(VENV)/.dev browser lint
	$(PYTEST)

check: $(VENV)/.dev lint
	$(PYTEST) -m "not slow and not long and not browser"

# kills workers and servers fifty times, and twenty jobs on a Dask cluster: many minutes
slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

pretrained: $(VENV)/.run
	$(BIN)/aeexplorer pretrained

clean:
	rm -rf $(VENV) tests/js/node_modules .mypy_cache .ruff_cache .pytest_cache
