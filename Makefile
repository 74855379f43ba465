# Vane. `make` alone prints this help; `make demo` and `make test` are all a newcomer needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# Else every start compiles dbt and Great Expectations anew, which takes longer than a small month.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements/bootstrap.txt requirements/dev.txt
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --no-annotate

# Spark's environment: not part of `make setup`, fetched when asked for.
SPARK := .cache/spark/venv

# Programs out of Debian packages that tests run: unpacked, not installed, so that no service starts.
PROGRAMS := .cache/debian

PEER_LOCKS := $(basename $(wildcard benchmarks/streaming/requirements/*.in))

# By these alone every branch of the domain has to be reached.
DOMAIN_TESTS := tests/unit/domain tests/property/domain

.PHONY: help setup kernel demo test coverage rest test-bi check lint types format lock mutate simulate chaos spark-parity bench bench-stream bench-stages bench-latency bench-legs bench-month bench-adapters bench-queue-log bench-peers bench-soak bench-recovery bench-staffing programs bench-alerts lint-sql dbt-docs mutate-sql bench-bi bench-torn-reads bench-month-peers bench-curve bench-reconcile clean

help: ## Print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|' 2>/dev/null \
	|| grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST)

setup: $(VENV)/.installed $(VENV)/.jars $(VENV)/.kernel ## Create .venv from the hash-pinned requirements and fetch Kafka

$(VENV)/bin/uv: requirements/bootstrap.txt
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer is needed, found: $$(python3 --version 2>&1)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/bootstrap.txt

$(VENV)/.installed: $(VENV)/bin/uv $(LOCKS) pyproject.toml
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $(LOCKS)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.jars: $(VENV)/.installed pipeline/broker/kafka_jars.sha256
	$(BIN)/python -m pipeline kafka fetch
	@touch $@

$(VENV)/.kernel: $(VENV)/.installed $(wildcard pipeline/domain/*.py) pipeline/kernel.py
	$(BIN)/python -m pipeline kernel build --optional
	@touch $@

programs: $(PROGRAMS)/.unpacked ## Alertmanager, Prometheus, PostgreSQL and LibreOffice for the tests of them, out of Debian packages

$(PROGRAMS)/.unpacked: requirements/debian.txt requirements/debian.sh
	requirements/debian.sh requirements/debian.txt $(PROGRAMS)

kernel: $(VENV)/.installed ## Compile the live side's fold; a missing compiler is an error here
	$(BIN)/python -m pipeline kernel build

demo: setup ## The whole path: broker, worker, 双11 day, alert, month, settlement
	$(BIN)/vane demo

test: coverage rest ## All tests, the real broker included; the domain's under coverage

coverage: setup ## Branch coverage of the domain, which has to be whole
	$(BIN)/coverage run -m pytest -q $(COVERAGE_FLAGS) $(DOMAIN_TESTS)
	$(BIN)/coverage report

JOBS ?= 2

rest: setup programs ## All tests but those of `make coverage` and `make test-bi` (JOBS=2 at a time)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(PYTEST_FLAGS) $(addprefix --ignore=,$(DOMAIN_TESTS) tests/bi)

test-bi: setup ## Superset and DuckDB 1.5 on a published month, in an environment of their own
	$(BIN)/python -m pytest -n 0 tests/bi

check: lint types test ## What CI runs: lint, types, all tests

lint: setup lint-sql ## ruff, import-linter and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

lint-sql: setup ## sqlfluff on the dbt project
	$(BIN)/sqlfluff lint --processes $(JOBS) dbt_like_sql

types: setup ## mypy, strict
	$(BIN)/mypy

format: setup ## Put the code into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: $(VENV)/bin/uv ## Pin requirements/*.in again
	$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) requirements/batch.in -c requirements/dev.txt -o requirements/batch.txt
	$(COMPILE) requirements/local.in -c requirements/dev.txt -o requirements/local.txt
	$(COMPILE) requirements/desk.in -c requirements/dev.txt -o requirements/desk.txt
	$(COMPILE) requirements/streaming.in -c requirements/dev.txt -o requirements/streaming.txt
	$(COMPILE) requirements/kernel.in -c requirements/dev.txt -o requirements/kernel.txt
	$(COMPILE) requirements/tracing.in -c requirements/dev.txt -o requirements/tracing.txt
	$(filter-out --universal,$(COMPILE)) requirements/superset.in -o requirements/superset.txt
	$(COMPILE) requirements/spark.in -o requirements/spark.txt
	for peer in $(PEER_LOCKS); do $(COMPILE) $$peer.in -o $$peer.txt || exit 1; done

dbt-docs: setup ## A page on every model, with lineage; needs no network (OUT=.vane/docs)
	$(BIN)/vane month docs --out $(or $(OUT),.vane/docs)

mutate-sql: setup ## The same of the dbt project's unit tests (MODELS="int_kpi_units macro_outcome")
	nice -n 10 $(BIN)/python -m tests.sql_mutation $(MODELS)

mutate: setup ## Would a test notice? One small change to the domain at a time (MODULES="leg fold")
	nice -n 10 $(BIN)/python -m tests.mutation $(MODULES)

simulate: setup ## Schedules of faults in memory, beside one undisturbed fold (SCHEDULES=1000 SEED=1)
	$(BIN)/python -m tests.simulation $(or $(SCHEDULES),1000) $(or $(SEED),1)

chaos: setup ## Schedules of faults with real workers on a real broker (SCHEDULES=50 SEED=0)
	$(BIN)/python -m tests.chaos $(or $(SCHEDULES),50) $(or $(SEED),0)

$(SPARK)/.installed: $(VENV)/bin/uv requirements/spark.txt
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(SPARK)
	$(BIN)/uv pip sync --quiet --python $(SPARK)/bin/python --require-hashes requirements/spark.txt
	@touch $@

spark-parity: setup $(SPARK)/.installed ## Every mart of a month on DuckDB and on Spark, row by row (0.7 GB of its own)
	$(BIN)/python -m tests.spark $(SPARK)/bin/python

bench: bench-stream bench-stages bench-latency bench-legs bench-month bench-adapters bench-queue-log ## All benchmarks

bench-stream: setup ## Events per second of one worker against raw consume
	$(BIN)/python -m benchmarks.stream

bench-stages: setup ## Where a worker's CPU goes, stage by stage
	$(BIN)/python -m benchmarks.stages

bench-latency: setup ## From append to the upsert being readable
	$(BIN)/python -m benchmarks.latency

bench-alerts: setup programs ## From a threshold crossed in event time to Alertmanager's API
	$(BIN)/python -m benchmarks.alert_latency

bench-soak: setup ## Half an hour at 10,000 events/s: is memory flat, is every number right?
	$(BIN)/python -m benchmarks.soak

bench-recovery: setup ## After a kill with 30 s of backlog: how soon caught up; pauses at rebalances
	$(BIN)/python -m benchmarks.recovery

bench-legs: setup ## Memory of 250,000 live legs, and how long a snapshot holds the worker up
	$(BIN)/python -m benchmarks.live_legs

bench-month: setup ## A month of a million calls, landing to published
	$(BIN)/python -m benchmarks.month

bench-curve: setup ## Months of 1 and 10 million events: time, memory, disk, parts (EVENTS="1 10 50" MEMORY=2GB)
	$(BIN)/python -m benchmarks.batch.curve $(if $(EVENTS),--events $(EVENTS)) $(if $(MEMORY),--memory $(MEMORY))

bench-reconcile: setup ## A million calls against a client's million, 2 % of every class of variance planted
	$(BIN)/python -m benchmarks.batch.reconcile

bench-bi: setup ## What BI asks of a published month of 10 million legs, beside one unsorted file
	$(BIN)/python -m benchmarks.batch.bi_queries

bench-torn-reads: setup ## Thousands of reads over hundreds of publishes: none may be torn
	$(BIN)/python -m benchmarks.batch.torn_reads
	$(BIN)/python -m benchmarks.batch.torn_reads --in-place --publishes 100

bench-month-peers: setup $(SPARK)/.installed ## The month's core in Polars, pandas and Spark, compared with the marts
	$(BIN)/python -m benchmarks.batch.peers

bench-adapters: setup ## Records per CPU second of each source's adapter, and of files of facts
	$(BIN)/python -m benchmarks.adapters
	$(BIN)/python -m benchmarks.facts

bench-queue-log: setup ## Lines of queue_log per second of vane kpi (LINES=2000000)
	$(BIN)/python -m benchmarks.queue_log --lines $(or $(LINES),2000000)

bench-staffing: setup ## Erlang's formulas and recovery plans against simulated days
	$(BIN)/python -m benchmarks.staffing

bench-peers: setup ## Vane and other stream engines: one log, one oracle (PEERS="quix flink" EVENTS=1000000)
	$(BIN)/python -m benchmarks.streaming $(PEERS) $(if $(EVENTS),--events $(EVENTS)) --write

clean: ## Remove .venv and working data (.vane)
	@if [ -x $(BIN)/vane ]; then $(BIN)/vane kafka stop; fi
	rm -rf $(VENV) .vane
