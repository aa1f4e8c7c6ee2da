# The front door. `make` prints what there is; each line calls cargo, npm or `cargo xtask`, where
# the logic is.

CCM_CACHE ?= $(HOME)/.cache/ccm
CCM_TOOLS ?= $(CCM_CACHE)/tools
# Outside the checkout and shared between checkouts: a fresh clone then builds in seconds.
CARGO_TARGET_DIR ?= $(CCM_CACHE)/target
# Some tests of crates speak to Python's AWS and CML clients.
CCM_TEST_PYTHON ?= $(CCM_TOOLS)/venv/bin/python
export CCM_CACHE CCM_TOOLS CARGO_TARGET_DIR CCM_TEST_PYTHON

WORKERS ?= 12
TEST := cargo xtask test --only
UI := services/api/assets/index.html
UI_SOURCES := $(shell find web \( -name node_modules -o -name test \) -prune -o -type f -print)

.DEFAULT_GOAL := help
.PHONY: help run test unit web browser protocols system chaos fmt lint arch tidy deny docs bench \
	up down helm cluster images deploy-check rolling setup

help: ## Print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup $(UI) ## Build and start everything in one process, with 12 simulated workers
	cargo run --locked --package ccm-standalone -- --simulate $(WORKERS)

test: ## Everything that CI checks; installs what it needs
	@dev/setup test
	cargo xtask test

unit: ## Tests of all crates but the AWS adapter: the quick loop
	@dev/setup unit
	cargo test --locked

web: setup ## Types, formatting, build and unit tests of the UI
	$(TEST) web

browser: ## The UI in a real browser
	@dev/setup test
	$(TEST) web --only build --only browser

protocols: ## Real protocols: moto, the stock CML client, our simulators
	@dev/setup test
	$(TEST) build --only protocols

system: ## Many processes over real servers, and what breaks there
	@dev/setup system
	$(TEST) build --only system

CHAOS_SECONDS ?= 60

chaos: ## Every kind of trouble for CHAOS_SECONDS (60) each
	@dev/setup system
	CCM_CHAOS_SECONDS=$(CHAOS_SECONDS) cargo xtask test --only build --only chaos

fmt: ## Format Rust and the UI
	cargo fmt --all
	npm --prefix web run fmt

lint: ## clippy, warnings are errors
	$(TEST) lint

arch: ## Arrows between crates, and who may use which driver
	cargo xtask arch

tidy: ## Sizes, names, links
	cargo xtask tidy

deny: ## Licenses, sources, duplicates, fences around drivers
	@dev/setup deny
	$(TEST) deny

docs: ## Write the generated documents
	cargo xtask docs --write

bench: setup ## Benchmarks and the scoreboard
	bench/run

up: ## The distributed product on this machine: 3 API, 2 scheduler, 2 relay, real servers
	@dev/up

down: ## Stop what `make up` started
	@dev/up down

helm: ## Check the chart: schema, renderings, Kubernetes' schemas, alerts, the real programs
	@dev/setup helm
	$(TEST) build --only helm

cluster: ## Install the chart on real clusters, without nodes and with one; builds Kubernetes (15 minutes, once); needs root
	@dev/setup cluster
	@dev/kubernetes-node install
	$(TEST) build --only cluster

images: $(UI) ## Container images, as OCI layouts and archives below target/images; needs no container engine
	@dev/setup images
	cargo build --locked --profile dist --package ccm-api --package ccm-scheduler --package ccm-relay \
		--package ccm-standalone --package ccm-sim-aws --package ccm-sim-cml \
		--features ccm-scheduler/aws,ccm-standalone/aws
	cargo xtask images --binaries $(CARGO_TARGET_DIR)/dist --output target/images

deploy-check: ## Check images, systemd units, compose file, load balancers and alerts with the real programs
	@dev/setup deploy
	$(TEST) build --only deploy

# Streams, requests a second, events a second.
ROLLING ?= 2000 100 2

rolling: ## Replace every API process behind nginx, HAProxy and Caddy in turn, with 2,000 streams and 100 requests/s
	@dev/setup deploy
	CCM_ROLLING="$(ROLLING)" cargo xtask test --only build --only rolling

setup:
	@dev/setup run

# Built again when a source of the UI is newer.
$(UI): $(UI_SOURCES)
	npm --prefix web ci --no-audit --no-fund
	npm --prefix web run build
