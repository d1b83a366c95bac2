# Everything the project does is a target here; `make` alone lists them.
# What decides whether a change is good is `make test`, here and in CI.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:

GO ?= go
TOOL = $(GO) tool -modfile=tools/go.mod
# Where Go code is: gofumpt walks into folders by itself.
GOCODE = $(wildcard *.go) $(filter-out docs/ tmp/ tools/ web/,$(wildcard */))
FUZZTIME ?= 5m
BENCH ?= .
BENCHCOUNT ?= 1
MINUTES ?= 2
export VULNDB
CHROMIUM ?= /usr/bin/chromium
# Build tags of tests that need more than Go; each has a target of its own.
TAGGED = faults,kill9

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the dashwire command into ./dashwire
	CGO_ENABLED=0 $(GO) build -trimpath -o dashwire ./cmd/dashwire

.PHONY: serve
serve: ## run the server with its demo page on this machine
	$(GO) run ./cmd/dashwire serve

.PHONY: test
test: fmt-check vet staticcheck go-test bench-test bench-check fuzz-short web-check web-current e2e ## everything that decides: format, vet, staticcheck, tests with the race detector, what is allocated, short fuzzing, TypeScript, the embedded demo, a real browser
	@echo "make test: all good"

.PHONY: fmt
fmt: ## format all Go code
	$(TOOL) gofumpt -w $(GOCODE)

.PHONY: fmt-check
fmt-check: ## fail if some Go code is not formatted
	@unformatted=$$($(TOOL) gofumpt -l $(GOCODE)); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi
	@echo "fmt-check: ok"

.PHONY: vet
vet: ## go vet of all packages: examples too (they compile), and what stands behind build tags
	$(GO) vet ./...
	$(GO) vet -tags=$(TAGGED) ./...

.PHONY: staticcheck
staticcheck: ## staticcheck of all packages, with the version pinned in tools/go.mod
	$(TOOL) staticcheck ./...

.PHONY: vuln
vuln: ## known vulnerabilities in code that is reached; says so where their database cannot be read (VULNDB=https://vuln.go.dev)
	@tools/vuln

.PHONY: go-test
go-test: deps ## all Go tests with the race detector
	@mkdir -p tmp
	@$(GO) test -race -vet=off -timeout=20m ./... 2>&1 | tee tmp/go-test.log || { \
		echo; echo "go-test: what failed, of all the above (tmp/go-test.log):"; \
		grep -E '^ *--- FAIL|^FAIL|^panic:|^WARNING: DATA RACE|\[(build|setup) failed\]' tmp/go-test.log; exit 1; }

.PHONY: fuzz-short
fuzz-short: ## each fuzz target for three seconds
	@tools/fuzz 3s

# Everything about the web side runs with the Node that npm brings: the one on the path may be older.
WEB = cd web && PATH="$(CURDIR)/web/node_modules/.bin:$$PATH"

# Not npm ci: it refuses a lock file made where the registry lacks builds for other
# systems. This installs the versions of the lock file as well, and leaves it alone.
web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: web-deps
web-deps: deps web/node_modules/.package-lock.json ## install what the web side is built and tested with

.PHONY: web-fmt
web-fmt: web-deps ## format and tidy all TypeScript
	$(WEB) biome check --write .

.PHONY: web-check
web-check: web-deps ## TypeScript: format and lint, types, tests, code in documents, sizes
	$(WEB) biome check --error-on-warnings . ../examples/react
	$(WEB) npm run --silent types
	$(WEB) vitest run
	$(WEB) node tools/docs.ts
	$(WEB) node tools/sizes.ts

.PHONY: web
web: web-deps ## build the demo into the Go tree, where it is embedded
	$(WEB) npm run --silent build -w @dashwire/demo

.PHONY: web-current
web-current: web-deps ## fail if the demo that is embedded is not what its sources make
	@rm -rf tmp/dist
	@$(WEB) DASHWIRE_DIST="$(CURDIR)/tmp/dist" npm run --silent build -w @dashwire/demo >/dev/null
	@diff -rq tmp/dist internal/page/dist || { echo "the embedded demo is stale: run make web and commit internal/page/dist"; exit 1; }
	@echo "web-current: ok"

.PHONY: e2e
e2e: web-deps ## the demo in a real Chromium against a real server
	$(WEB) vitest run --config e2e/vitest.config.ts

.PHONY: screens
screens: web-deps ## take docs/screens anew
	$(WEB) node e2e/screens.ts

.PHONY: measure-web
measure-web: web-deps ## how fast an edit is painted, first load, memory (MINUTES=2); numbers decide nothing
	$(WEB) node e2e/measure.ts --minutes $(MINUTES)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (5m)
	@tools/fuzz $(FUZZTIME)

.PHONY: kill9
kill9: ## kill the server again and again while it writes; nothing acknowledged may be lost (A2)
	$(GO) test -tags=kill9 -run=Kill9 -count=1 -v -timeout=30m ./cmd/dashwire

.PHONY: faults
faults: ## failing fsyncs, full disks, kills and power cuts under the journal (A1, A2; needs root, strace, e2fsprogs)
	$(GO) test -tags=faults -run=Fault -count=1 -v -timeout=30m ./journal/sqlitejournal

SEED ?= 0

.PHONY: tenants
tenants: ## two tenants side by side, every answer searched for a sign of the other (MINUTES=2, SEED=n)
	$(GO) test -race -run='TwoTenants' -count=1 -v -timeout=0 ./internal/attack -tenants.for=$(MINUTES)m -tenants.seed=$(SEED)

.PHONY: chaos
chaos: ## three servers on three NATS servers under faults of every kind, clocks included, from a seed (MINUTES=2, SEED=n; network faults need root)
	$(GO) test -run='UnderFaults' -count=1 -v -timeout=0 ./internal/chaos -chaos.for=$(MINUTES)m -chaos.seed=$(SEED)

.PHONY: bench-test
bench-test: ## vet and test the comparison with peers, a module of its own
	cd bench && $(GO) vet ./... && $(GO) test -race -vet=off ./...

.PHONY: bench-check
bench-check: ## fail if an edit, a delivery or an opening allocates more than testdata/allocations.txt says
	@tools/bench-check

.PHONY: bench-baseline
bench-baseline: ## write down what edits, deliveries and openings allocate now
	@tools/bench-check write

.PHONY: bench
bench: ## the Go benchmarks (BENCH=regexp, BENCHCOUNT=n); numbers decide nothing
	$(GO) test -run='^$$' -bench='$(BENCH)' -benchmem -count=$(BENCHCOUNT) -timeout=60m ./...

ROUNDS ?= 3
SECONDS ?= 8
SCENARIOS ?=
PEERS ?=

bench/node_modules/.package-lock.json: bench/package-lock.json
	cd bench && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: bench-peers
bench-peers: bench/node_modules/.package-lock.json ## Dashwire beside its peers into docs/benchmarks.md (ROUNDS, SECONDS, SCENARIOS=a,b, PEERS=a,b; two quiet cores, 20 minutes)
	@mkdir -p tmp/bench-peers
	cd bench && $(GO) build -o ../tmp/bench-peers/bench . && ../tmp/bench-peers/bench run \
		-rounds $(ROUNDS) -duration $(SECONDS)s -scenarios '$(SCENARIOS)' -peers '$(PEERS)'

SOCKETS ?= 5000
FLOODS ?=

.PHONY: floods
floods: build ## honest sessions beside hostile sockets into docs/benchmarks.md (SOCKETS, SECONDS, FLOODS=a,b; two quiet cores, 8 minutes)
	@mkdir -p tmp/floods
	$(GO) build -o tmp/floods/floods ./internal/floods
	taskset -c 1 tmp/floods/floods -server ./dashwire -server-core 0 -load-core 1 \
		-sockets $(SOCKETS) -duration $(SECONDS)s -floods '$(FLOODS)' -into docs/benchmarks.md

CLUSTER_PARTS ?=
CLUSTER_SESSIONS ?= 5000
CLUSTER_STORED ?= 100000

.PHONY: bench-cluster
bench-cluster: build ## several servers on NATS into docs/benchmarks.md (SECONDS, CLUSTER_PARTS=edits,delivery,shared,storm,stored; a quiet machine, 7 minutes)
	@mkdir -p tmp/cluster
	$(GO) build -o tmp/cluster/natsd ./internal/natsd
	$(GO) build -o tmp/cluster/cluster ./internal/cluster
	tmp/cluster/cluster -server ./dashwire -natsd tmp/cluster/natsd -duration $(SECONDS)s -sessions $(CLUSTER_SESSIONS) \
		-stored $(CLUSTER_STORED) -parts '$(CLUSTER_PARTS)' -into docs/benchmarks.md

STORED ?= 1000000

.PHONY: bench-large
bench-large: build ## a million dashboards, and a log of a million entries: memory, listing, opening (STORED; minutes, 3 GB in tmp/stock)
	@mkdir -p tmp/stock
	$(GO) build -o tmp/stock/stock ./internal/stock
	tmp/stock/stock -server ./dashwire -file tmp/stock/stock-$(STORED).db -dashboards $(STORED) -entries $(STORED)

.PHONY: cover
cover: ## statement coverage by the whole test run, into tmp/cover.html
	@mkdir -p tmp
	$(GO) test -coverpkg=./... -coverprofile=tmp/cover.out -timeout=20m ./...
	@$(GO) tool cover -func=tmp/cover.out | tail -n 1
	@$(GO) tool cover -html=tmp/cover.out -o tmp/cover.html

.PHONY: clean
clean: ## remove what was built
	rm -rf dashwire tmp

# What the tests need from the system beside Go: a C compiler for the race detector,
# npm for the web side, a browser for the tests of the demo, and the proxies that deploy/
# has configurations for. Missing ones are installed where that is possible (root on
# Debian), else named.
DEPS =
ifeq ($(shell command -v gcc),)
DEPS += gcc libc6-dev
endif
ifeq ($(shell command -v npm),)
DEPS += npm
endif
ifeq ($(wildcard $(CHROMIUM)),)
DEPS += chromium
endif
ifeq ($(shell PATH=$$PATH:/usr/sbin command -v nginx),)
DEPS += nginx-light
endif
ifeq ($(shell PATH=$$PATH:/usr/sbin command -v haproxy),)
DEPS += haproxy
endif
ifeq ($(shell command -v caddy),)
DEPS += caddy
endif

.PHONY: deps
deps: ## install what the tests need from Debian, if something is missing
ifneq ($(strip $(DEPS)),)
	@if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "the tests need: $(DEPS). Install them and run make again"; exit 1; fi
	apt-get update -q </dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(DEPS) </dev/null
endif
