PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# More processes than cores: most tests wait for servers and databases.
WORKERS ?= 4
SEED := $(or $(SEED),$(shell date +%s))
RUNNABLE = $(VENV)/.runnable
STAMP = $(VENV)/.installed
TOOLS = tests/tooling
NODE_TOOLS = $(TOOLS)/node_modules/.installed
PYTHON_TOOLS = $(TOOLS)/.venv/.installed
PLAYGROUND = portal/web/static/playground/index.html
NPM = --loglevel=error --no-audit --no-fund --no-update-notifier --fetch-retries=1
PLAYGROUND_TOOLS = playground/node_modules/.installed
PLAYGROUND_SOURCES = $(wildcard playground/*.* playground/src/*.* playground/src/examples/*)
PORT ?= 8000
DEMO = demo.sqlite3
DEMO_SECRET = demo.secret
EXAMPLE = deploy/example/portal.yaml

.PHONY: run playground optional-playground test fuzz bench tools lint format schema clean

run: export KUBEPORTAL_DATABASE_URL ?= sqlite://$(DEMO)
run: export KUBEPORTAL_ALLOWED_URLS ?= http://localhost:$(PORT),http://127.0.0.1:$(PORT)
run: $(RUNNABLE) optional-playground  ## Serve an example on http://127.0.0.1:$(PORT)
	@$(BIN)/kubeportal apply -f $(EXAMPLE)
	@$(BIN)/python deploy/example/sign_ins.py $(EXAMPLE)
	@$(BIN)/kubeportal serve --port $(PORT)

playground: $(PLAYGROUND)  ## Build the GraphiQL page that browsers get at /graphql

test: $(STAMP) tools $(if $(shell command -v npm),$(PLAYGROUND))  ## Run the tests
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile

fuzz: export KUBEPORTAL_TEST_FUZZ = many
fuzz: $(STAMP)  ## Send many random hostile requests; SEED repeats a run
	@echo 'To repeat this run: make fuzz SEED=$(SEED)'
	$(BIN)/pytest tests/security --numprocesses $(WORKERS) -k fuzzed --hypothesis-seed=$(SEED)

bench: $(STAMP)  ## Measure costs, next to hand-written handlers; writes bench/RESULTS.md
	$(BIN)/python -m bench --results bench/RESULTS.md all

tools: $(PYTHON_TOOLS) $(if $(shell command -v npm),$(NODE_TOOLS))  ## Install the code generators and linters that tests of the contracts use

lint: $(STAMP)  ## Check style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## Fix style and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(STAMP)  ## Write schema.graphql, against which `kubeportal schema check` compares
	$(BIN)/kubeportal schema print > schema.graphql

# What serves the portal; linters, browsers and fuzzers are for `make test`
$(RUNNABLE): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	# Python compiles the modules that it imports; most of them it never does
	$(BIN)/python -m pip install --quiet --no-compile --editable .
	touch $@

$(STAMP): $(RUNNABLE)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

$(PLAYGROUND): $(PLAYGROUND_TOOLS) $(PLAYGROUND_SOURCES)
	npm run $(NPM) --prefix playground build

$(PLAYGROUND_TOOLS): playground/package-lock.json
	npm ci $(NPM) --prefix playground
	touch $@

optional-playground:
ifeq ($(shell command -v npm),)
	@test -e $(PLAYGROUND) || echo 'npm is not installed: the portal has no playground at /graphql.'
else
	@$(MAKE) --no-print-directory playground || echo 'The playground was not built, for the reason above:' \
	  'the portal works without it, and the next `make run` tries again.'
endif

$(NODE_TOOLS): $(TOOLS)/package-lock.json
	npm ci $(NPM) --prefix $(TOOLS)
	touch $@

$(PYTHON_TOOLS): $(TOOLS)/python-client/requirements.txt
	$(PYTHON) -m venv $(TOOLS)/.venv
	$(TOOLS)/.venv/bin/python -m pip install --quiet --requirement $<
	touch $@

clean:  ## Remove everything that this file has created
	rm -rf $(VENV) $(TOOLS)/.venv $(TOOLS)/node_modules playground/node_modules $(dir $(PLAYGROUND)) $(DEMO) $(DEMO)-* $(DEMO_SECRET)
