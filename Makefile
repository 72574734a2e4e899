PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# most tests wait more than they compute
WORKERS ?= 3
STAMP = $(VENV)/.installed
DEMO = demo.sqlite3
EXAMPLE = deploy/example/portal.yaml

.PHONY: run test lint format schema clean

run: export KUBEPORTAL_DATABASE_URL ?= sqlite://$(DEMO)
run: $(STAMP)  ## Serve the example state on http://127.0.0.1:8000
	@$(BIN)/kubeportal apply -f $(EXAMPLE)
	@$(BIN)/python deploy/example/sign_ins.py $(EXAMPLE)
	@$(BIN)/kubeportal serve

test: $(STAMP)  ## Run the tests
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile

lint: $(STAMP)  ## Check style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(STAMP)  ## Write the schema that clients rely on
	$(BIN)/kubeportal schema print > schema.graphql

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

clean:
	rm -rf $(VENV) $(DEMO) $(DEMO)-* *.lock *.secret
