# One entry for people and CI. Each target calls a script that can be run by itself.

.DEFAULT_GOAL := help
SEEDS ?= 1000
ROUNDS ?= 100
AGENTS ?= 2 4
FACES = FLUID_BROWSER_REQUIRED=1 FLUID_EXAMPLES_REQUIRED=1
.PHONY: help setup demo test devices faces fleet sim chaos bench check format clean

help: ## list these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install everything into .venv, and Mosquitto if it is missing
	@scripts/setup

demo: setup ## train, serve with two agents, kill each, and print what happened
	@.venv/bin/fluid demo

test: setup ## run all tests but those of `make devices`, `make faces` and `make fleet`
	@scripts/test --numprocesses 2 --dist loadfile -m "not (devices or secured or browser or examples or fleet)"

devices: setup ## the tests of up to eight devices, of lost networks, and of a secured broker
	@scripts/test -m "devices or secured"

faces: setup ## the page in a browser, the examples, and the commands that pages give
	@scripts/setup-faces
	@$(FACES) scripts/test -m "browser or examples"
	@scripts/check-docs

fleet: setup ## deploy to emulated Raspberry Pis in containers, and break them (needs root)
	@scripts/test -m fleet -v -s -x --durations=30 tests/fleet

sim: setup ## tell SEEDS=1000 seeded storms of faults, or one in full with SEED=17
	@.venv/bin/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

chaos: setup ## ROUNDS=100 faults under load for AGENTS="2 4", into docs/results/chaos.md
	@scripts/chaos --rounds $(ROUNDS) --agents "$(AGENTS)" --seed $(or $(SEED),1) --output docs/results

bench: setup ## measure the paper's figure and more, into docs/results/bench.md
	@python=$$(scripts/device-environment) && \
		.venv/bin/fluid bench --output docs/results --device-python "$$python" $(OPTIONS)

check: setup ## lint, formatting and types
	@scripts/check

format: setup ## format the code and apply safe fixes
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .

clean: ## remove what setup, tests and tools left in the tree
	@rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
