# Set-up and everyday commands. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# further arguments for pytest: make test ARGS="-k watchdog -x"
ARGS ?=
# the demo has its own folder and port, so that a real bot beside it is not disturbed
DEMO := data/demo
DEMO_PORT ?= 3101
# its practice exchanges take five ports from here on
DEMO_EXCHANGES ?= 9100

.DEFAULT_GOAL := help
.PHONY: help run test kafka demo lint bench chaos api clean

help: ## list these commands
	@sed -n 's/^\([a-z][a-z]*\):.*## \(.*\)$$/  make \1\t\2/p' Makefile

run: $(VENV)/.installed .env ## run the bot here until Ctrl-C; the first time, set it up
	@exec $(BIN)/python -m bot

test: $(VENV)/.installed-dev ## run all tests (the first time, set up), but not the benchmarks
	@$(BIN)/python -m tests.broker.fetch --check
	$(BIN)/python -m pytest -m "not bench" -n 2 --dist loadfile $(ARGS)

kafka: $(BIN)/python ## fetch Apache Kafka for the tests (needs Java and Maven)
	@$(BIN)/python -m tests.broker.fetch

demo: $(VENV)/.installed ## run the bot against practice exchanges on this machine: no network needed
	@$(run_demo)

lint: $(VENV)/.installed-dev ## check style and types
	$(BIN)/python -m flake8 bot tests
	$(BIN)/python -m mypy

bench: $(VENV)/.installed-dev ## measure what is promised: speed, memory, time to fail over
	$(BIN)/python -m pytest -m bench -s tests/bench $(ARGS)

chaos: $(VENV)/.installed-dev ## random faults against an oracle that knows the true price
	$(BIN)/python -m tests.chaos --runs 300
	$(BIN)/python -m tests.chaos --sockets --runs 36

api: $(VENV)/.installed-dev ## take the examples of docs/api.md from a run of the bot
	$(BIN)/python -m tests.api

clean: ## remove what was installed and built; .env, data and logs stay
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .coverage
	find bot tests -name __pycache__ -type d -prune -exec rm -rf {} +

.env:
	@install -m 600 .env.example .env
	@echo "Wrote .env, a copy of .env.example: the place for your settings."

# Installed again only when what they depend on has changed; nothing else here needs the network.
$(VENV)/.installed: setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV), with what the tests need ..."
	@$(PIP) -e '.[dev]'
	@touch $(VENV)/.installed $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "No $(PYTHON) here. Install Python 3.11 or newer, or name it: make PYTHON=python3.12"; \
		exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), and 3.11 or newer is needed." \
			"Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

demo_python := $(if $(filter /%,$(BIN)),$(BIN),../../$(BIN))/python
demo_control := $(if $(filter-out 9100,$(DEMO_EXCHANGES)), --control-port $(DEMO_EXCHANGES))

define demo_hints

A bot on practice exchanges is starting. Its dashboard: http://localhost:$(DEMO_PORT)/
In another terminal, where its settings are (.env), so that every verb finds it:

  cd $(DEMO)
  $(demo_python) -m bot status --watch
  $(demo_python) -m bot price BTCUSDT --explain
  curl localhost:$(DEMO_PORT)/api/v1/prices/BTCUSDT

Make something go wrong, and watch the lines below:

  $(demo_python) -m bot sandbox$(demo_control) throw binance silence --seconds 20
  $(demo_python) -m bot sandbox$(demo_control) throw okx cut
  $(demo_python) -m bot sandbox$(demo_control) faults         # what else there is, and what is on
  $(demo_python) -m bot sandbox$(demo_control) heal           # end it all

Ctrl-C ends both. Its settings, data and log are in $(DEMO).

endef
export demo_hints

define demo_settings
INSTANCE_ID=demo
MODE=simulation
TRADING_SYMBOL=BTCUSDT,ETHUSDT
ENABLE_WEBSOCKET_FEEDS=true
API_HOST=127.0.0.1
API_PORT=$(DEMO_PORT)
DUCKDB_PATH=analytics.duckdb
LOG_DIR=logs
endef
export demo_settings

# The exchanges run in a session of their own, so that Ctrl-C reaches the bot alone and they end
# after it. The settings are in .env for the verbs, and given to the bot over those of this shell.
# `wait` returns early on a signal, hence the loop.
define run_demo
bin="$(abspath $(BIN))"; mkdir -p $(DEMO) && cd $(DEMO) || exit 1; \
port=$(DEMO_EXCHANGES); \
if "$$bin/python" -m bot sandbox --control-port $$port faults >/dev/null 2>&1; then \
	echo "A demo runs already$$(sed -n 's|^API_PORT=| (http://localhost:|p' .env 2>/dev/null \
		| sed 's|$$|/)|'), or practice exchanges without one: end them first, with Ctrl-C" \
		"where they run; ss -ltnp says who has port $$port."; exit 1; fi; \
setsid "$$bin/python" -m bot sandbox --rate 4 --control-port $$port \
	--binance-port $$((port + 1)) --okx-port $$((port + 2)) --binance-rest-port $$((port + 3)) \
	--okx-rest-port $$((port + 4)) >exchanges.log 2>&1 & exchanges=$$!; \
trap 'kill $$exchanges 2>/dev/null; wait $$exchanges' EXIT; trap : INT; \
trap 'kill $${bot:-$$exchanges}' TERM HUP; \
until grep -q '^OKX_REST_URL=' exchanges.log; do \
	kill -0 $$exchanges 2>/dev/null || { cat exchanges.log; \
		echo "With other ports, five from 9200 on: make demo DEMO_EXCHANGES=9200"; exit 1; }; \
	sleep 0.1; done; \
{ echo "# Written by make demo, anew each time."; printf '%s\n' "$$demo_settings"; \
	grep '^[A-Z_]*_URL=' exchanges.log; } >.env; \
printf '%s\n' "$$demo_hints"; \
env $$(grep '^[A-Z_]*=' .env) "$$bin/python" -m bot & bot=$$!; \
wait $$bot; code=$$?; \
while kill -0 $$bot 2>/dev/null; do wait $$bot; code=$$?; done; \
exit $$code
endef
