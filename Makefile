# Everything a person does with this repository. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.tools/node/bin:$(CURDIR)/node_modules/.bin:$(PATH)

ROOMS := $(wildcard activities artifacts client policies skills store temporal workers workflows)

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do \
	  printf '  make %-14s %s\n' "$$name" "$$text"; done

.PHONY: setup setup-quick demo
setup: ## make this machine ready: Node, packages, Temporal, container engine, sandbox image
	@scripts/setup.sh

setup-quick:
	@scripts/setup.sh --without-engine

demo: ## run one session over an example repository, from the request to the promoted patch
	@scripts/demo.sh

.PHONY: start stop doctor smoke-local
start: setup ## run the embedded stack in the foreground (Ctrl-C ends it)
	@bin/aas up

stop: ## end the embedded stack
	@bin/aas down

doctor: ## say what this machine has, and what to do about what it lacks
	@bin/aas doctor

smoke-local: ## ask the running stack whether it works
	@node scripts/smoke.ts

.PHONY: test test-quick bench replay
test: setup ## run every test, against a real Temporal server and a real container engine
	@scripts/test.sh

test-quick: setup-quick ## run the tests that take no engine, no server and no long time
	@scripts/test.sh --project quick

bench: setup ## measure sessions side by side with the bare minimum by hand
	@node test/bench/main.ts

replay: setup-quick ## replay the recorded histories against today's workflows
	@vitest run --project quick test/histories

.PHONY: record-histories
record-histories: setup-quick ## record a history for each way a session can go that has none yet, for replay
	@node scripts/record-histories.ts

.PHONY: check hygiene-check review-gates
check: setup-quick hygiene-check ## types, lint, room borders, unused code, formatting
	@tsc --noEmit
	@eslint .
	@depcruise --config .dependency-cruiser.cjs $(ROOMS) test scripts
	@knip
	@prettier --check --log-level warn .

hygiene-check: setup-quick ## no runtime artifacts, secrets, machine paths or unpinned actions in the tree
	@node scripts/hygiene.ts

review-gates: check ## check, and audit the dependencies and their licences
	@scripts/audit.sh
	@node scripts/licences.ts

.PHONY: clean
clean: ## remove what set-up made; keeps settings, sessions and their records (.env, .env.local, .aas)
	@rm -rf node_modules dist coverage .tools
