# A fresh clone needs Python 3.11 or newer, make, and a network to the package registry.
PYTHON ?= python3
VENV ?= .venv
VENV_BENCH ?= .venv-bench
ARGS ?=

RUN = $(VENV)/bin/python

# The demo and the tests start hundreds of processes. Where an environment forbids to keep what was compiled, each of them
# would compile the project anew, for a fifth of its start.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help environment demo drill test bench chaos docs audit lint lock migrate shell clean

help: ## Say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 22

environment: ## Make the virtual environment and .env, unless they are there
	@$(PYTHON) config/bootstrap.py $(VENV)

demo: environment ## Book and pay through everything that is real (ARGS: --json, --serve)
	@$(RUN) -m config.demo $(ARGS)

drill: environment ## Have something go wrong in the demo, and see whether it is mended (ARGS: --name, --list, --minutes)
	@$(RUN) -m config.demo.drill $(ARGS)

# Four processes, each with a database of its own: most tests wait for half their time. They take the files in their order,
# in which the long ones come early. After them, one by one, what should not share the processors.
test: environment ## Run the whole test suite on a real PostgreSQL (ARGS: pytest's, for a part of it)
ifeq ($(ARGS),)
	@$(RUN) -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder -m "not alone"
	@$(RUN) -m pytest -m alone $$(grep -rl --include='test_*.py' 'pytest.mark.alone' tests)
else
	@$(RUN) -m pytest $(ARGS)
endif

bench: ## Measure the relay beside its peers, for three quarters of an hour (ARGS: --quick, --json, --case, --contender, --write-docs)
	@$(PYTHON) config/bootstrap.py $(VENV_BENCH) requirements-bench.txt
	@! command -v npm >/dev/null || npm install --silent --no-audit --no-fund --prefix tests/benchmarks/contenders/node || echo "The peers on Node are left out."
	@$(VENV_BENCH)/bin/python -m tests.benchmarks $(ARGS)

chaos: environment ## Break everything while customers book, and see whether a promise breaks (ARGS: --minutes, --seed, --failover, --routes, --json)
	@$(RUN) -m tests.chaos $(ARGS)

lint: environment ## Check style, types, boundaries, migrations and the settings for production
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports
	$(RUN) manage.py makemigrations --check --dry-run
	DJANGO_DEBUG=0 DJANGO_SECRET_KEY=$$($(RUN) -c 'import secrets; print(secrets.token_urlsafe(50))') \
	  DJANGO_ALLOWED_HOSTS=example.com PAYMENT_GATEWAY=stripe STRIPE_SECRET_KEY=a-secret STRIPE_WEBHOOK_SECRET=a-secret \
	  SMS_PROVIDER=twilio WHATSAPP_PROVIDER=twilio TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000 TWILIO_AUTH_TOKEN=a-secret \
	  TWILIO_SMS_FROM=+14155550000 TWILIO_WHATSAPP_FROM=+14155550001 OUTBOX_ALLOWED_COUNTRIES=US EMAIL_URL=smtp://localhost:25 \
	  $(RUN) manage.py check --deploy --fail-level WARNING

shell: environment ## A shell in which python, manage.py and the tools are the environment's
	@PATH="$(abspath $(VENV))/bin:$$PATH" VIRTUAL_ENV="$(abspath $(VENV))" DJANGO_SETTINGS_MODULE=config.settings $${SHELL:-sh}

audit: environment ## Ask whether a locked dependency has a known vulnerability; what could not be asked about counts as one
	@for lock in requirements.txt requirements-dev.txt requirements-bench.txt; do \
	  $(RUN) -m pip_audit --strict --require-hashes --disable-pip --progress-spinner off --requirement $$lock || exit 1; \
	done

docs: environment ## Build the documentation's site into .data/site
	@$(RUN) -m mkdocs build --quiet

# The lock files: for the web image, for development, for the benchmarks. Each dependency by its hash, for every Python.
LOCK = $(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url pyproject.toml
IMAGE_EXTRAS = --extra anymail --extra api --extra otel --extra prometheus --extra sandbox --extra twilio --extra webpush --group project

lock: ## Lock the dependencies of pyproject.toml anew, keeping versions that still fit
	@[ -x $(VENV)-lock/bin/uv ] || { $(PYTHON) -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install --quiet uv; }
	$(LOCK) $(IMAGE_EXTRAS) --output-file requirements.txt
	$(LOCK) $(IMAGE_EXTRAS) --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(LOCK) $(IMAGE_EXTRAS) --group bench --constraint requirements.txt --output-file requirements-bench.txt

migrate: environment ## Bring the database up to date
	@$(RUN) manage.py migrate

clean: ## Remove what make has made, the embedded database included
	rm -rf $(VENV) $(VENV).lock $(VENV)-lock $(VENV_BENCH) $(VENV_BENCH).lock .data .env .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
