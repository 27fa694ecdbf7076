.PHONY: help run test check format bench chaos audit openapi migrate clean

PYTHON ?= python3
UV := .venv/bin/uv
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
export UV_COMPILE_BYTECODE := 1

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: .venv/.ready ## start Flaghoist with an embedded Temporal server and a demo
	@.venv/bin/flaghoist dev

test: check ## run every check and every test
	.venv/bin/pytest -n 3 --dist loadgroup

check: .venv/.ready-for-tests ## formatting, lint, types and import contracts
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/.ready-for-tests ## format the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

openapi: .venv/.ready-for-tests ## write docs/openapi.json and docs/problems.md anew
	.venv/bin/python -m api.openapi > docs/openapi.json
	.venv/bin/python -m api.explanations > docs/problems.md

migrate: .venv/.ready ## bring the database to this version's schema
	.venv/bin/flaghoist migrate

bench: .venv/.ready-for-tests ## measure what Flaghoist carries, beside what Temporal alone does
	.venv/bin/python -m benchmarks --write
	.venv/bin/python -m benchmarks.report

audit: .venv/bin/uv ## ask osv.dev whether anything in uv.lock is known to be vulnerable
	@$(UV) audit --frozen

chaos: .venv/.ready-for-tests ## let releases climb while everything is killed and judge what is left; ask every route for minutes (half an hour in all)
	.venv/bin/python -m tests.chaos.run
	.venv/bin/python -W ignore -m tests.input.run --seconds 240

clean: ## forget the environment (not the state under .flaghoist)
	rm -rf .venv

.venv/bin/uv:
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

.venv/.ready: .venv/bin/uv uv.lock pyproject.toml
	$(UV) sync --frozen --inexact --quiet --extra embedded --no-dev
	@touch $@

.venv/.ready-for-tests: .venv/bin/uv uv.lock pyproject.toml
	$(UV) sync --frozen --inexact --quiet --extra embedded
	@touch $@ .venv/.ready
