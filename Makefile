# Targets: run, test, fresh, torture, torture-controls, crashes, kills, bench, bench-views, fleet, peers, cluster, cluster-controls, scenarios, mutation, fuzz, lint,
# notices, proto, ui-vendor, release, reproducible, image, clean. `make run` and `make test` do all their own set-up.
SHELL := /bin/bash
GO ?= go
BIN := bin
# fdatasync instead of fsync in SQLite: the log's length is what must be durable, not its times. A plain `go build` works
# as well, a little slower.
export CGO_CFLAGS ?= -g -O2 -DHAVE_FDATASYNC=1

.PHONY: build run test fresh torture torture-controls crashes kills bench bench-views cases pages fleet peers cluster cluster-controls scenarios mutation fuzz lint notices proto setup ui-vendor release reproducible image clean

build:
	@mkdir -p $(BIN)
	$(GO) build -o $(BIN)/ ./cmd/...

run: build
	@exec $(BIN)/lanesim demo

setup:
	@.ci/setup

# All tests, or those of PKGS; TESTFLAGS go to go test, which prints a line for each package in the order of the list, when
# it and those before it are done. The end-to-end tests take longest and would hold back all lines behind theirs: they are
# the last, and use both cores by themselves.
# COMPUTING are packages without goroutines, whose tests compute for long: the race detector finds nothing there, and takes
# five times as long. Tests of memory are skipped under it. Both run without it.
COMPUTING ?= ./cmd/internal/scenario ./edge/lane/passage/associate ./drivers/xray/pixel
PKGS ?= $$($(GO) list ./... | grep -v /internal/e2e | grep -vxF "$$($(GO) list $(COMPUTING))") ./.ci/mutation ./cmd/internal/e2e
BOMBS ?= ./drivers/trace/ionscan ./drivers/radiation/n42 ./drivers/xray/dicos
test: setup
	$(GO) test -race -timeout 40m $(TESTFLAGS) $(PKGS)
	$(GO) test -timeout 20m $(TESTFLAGS) $(COMPUTING)
	$(GO) test -timeout 20m $(TESTFLAGS) -run Bombs $(BOMBS)

# Both README commands on a new Debian machine: a root made by debootstrap. Needs root.
fresh:
	@.ci/fresh

# Agent and hub under FAULTS random faults, and CUTS power cuts under each, all drawn by SEED, while devices post: nothing
# that was acknowledged to them may be lost or doubled. Needs root, FUSE and strace, or says that it is skipped.
FAULTS ?= 100
CUTS ?= 10
SEED ?= 1
TORTURE := $(GO) test -count=1 -timeout 0 -v ./cmd/internal/torture -seed $(SEED)
torture: setup
	$(TORTURE) -run '^TestTorture$$' -faults $(FAULTS) -cuts $(CUTS)

# The same with programs that are broken on purpose: each of these runs has to fail, or torture sees nothing.
torture-controls: setup
	$(TORTURE) -run '^TestControls$$' -controls

# The end-to-end crash tests for long: KILLS kills of agent, hub and broker each.
KILLS ?= 50
crashes: setup
	LANEWARDEN_KILLS=$(KILLS) $(GO) test -race -timeout 120m -run 'Kill|Hostile|Garbage|FullDisk|LinkCut|HalfOpen|Damaged|Restored|LostKey|Carry' -v ./cmd/internal/e2e

# KILLS kills at each named step of a list's switch, of a bundle's, of taking orders from a folder, and of a decision at the
# booth, and KILLS power cuts under lists, bundles, orders and secrets of draws. The cuts need root and FUSE, or say that they
# are skipped.
kills: setup
	LANEWARDEN_KILLS=$(KILLS) $(GO) test -count=1 -timeout 120m -run 'Kill|PowerCut' -v ./edge/lane/liststore ./sync/downlink \
	  ./edge/bundle ./edge/lane/booth ./cmd/internal/torture/powercut

# THIRD_PARTY_NOTICES anew, after go.mod or the pages' libraries changed.
notices:
	$(GO) test ./cmd/internal/repository -run Notices -update

bench:
	@.ci/bench

# CASES cases at a lane and at the centre, two officers at once, over a link that comes and goes: through the packages
# alone, and through the hub's routes with uplink, broker and downlink.
CASES ?= 1000
cases: setup
	$(GO) test ./sync/hub -count=1 -v -run '^TestCasesOverTheLink$$' -args -cases $(CASES)
	$(GO) test ./sync/hub/casedesk -count=1 -v -run '^TestFlappingLink$$' -args -cases $(CASES)

# Every page of lane and hub in Chromium, those of the hub at 360, 1440 and 2560 px in both languages and both colours, by
# keyboard and with axe-core, as each role, while traffic flows. make test walks a set of these that covers each page.
pages: setup
	$(GO) test ./cmd/internal/e2e -count=1 -timeout 40m -v -run '^TestBrowser$$' -args -pages

# What the views cost beside the ledger, and searches among PASSAGES of LANES lanes; 5,000,000 take an hour and 10 GB in TMPDIR.
bench-views:
	LANEWARDEN_PASSAGES=$(PASSAGES) LANEWARDEN_LANES=$(LANES) LANEWARDEN_THIN=$(THIN) \
		$(GO) test ./sync/hub/views -run - -bench Views/sqlite -benchtime 1x -timeout 6h

# A hub, and AGENTS agents that send it RATE observations a second together for DURATION, all in this machine; after STORM
# all connections are cut at once (0: never). The table of docs/performance.md.
AGENTS ?= 2000
RATE ?= 5000
DURATION ?= 1m
STORM ?= 30s
fleet: build
	@AGENTS=$(AGENTS) RATE=$(RATE) DURATION=$(DURATION) STORM=$(STORM) .ci/fleet

# The same N observations and the same outage through Lanewarden, a Mosquitto bridge, a NATS leaf node and Telegraf (built
# at the first run), and KILLED of them with each part killed in turn: the tables of docs/performance.md. PEER is one by name.
KILLED ?= 200000
OUTAGE ?= 30s
peers: N = 1000000
peers: setup
	$(GO) test -count=1 -timeout 0 -v ./cmd/internal/peers -run '^TestPeers$$' -n $(N) -killed $(KILLED) -outage $(OUTAGE) \
	  $(if $(PEER),-only '$(PEER)')

# Three NATS servers, three hubs, PostgreSQL (Debian's) and agents under load, all on this machine; each server and hub, and
# PostgreSQL, is killed (-9) and stopped, and each server cut off from the others, in turn: how long until all agents are
# served again, and each row once in the ledger.
PARTS ?= every-part
cluster:
	$(GO) test -count=1 -timeout 0 -v ./cmd/internal/clustertest -$(PARTS)

# The same with hubs that are broken on purpose: a run with each of these has to find rows lost or doubled.
cluster-controls:
	$(GO) test -count=1 -timeout 0 -v ./cmd/internal/clustertest -run '^TestControls$$' -controls

# How well readings find their vehicle: the table of docs/passages.md.
# A week without link at a joint post, then days of the scenarios, judged: tables by case and by kind of device, calibration, speed. SCENARIO is one by name or by a
# file's path, all by default; DAYS is how many of each; WRONG=1 lists what is in the wrong passage.
scenarios:
	@$(GO) test ./cmd/internal/scenario -count=1 -timeout 0 -run '^TestWeekWithoutLink$$' -v -week 7
	@$(GO) test ./cmd/internal/scenario -timeout 0 -run '^$$' -bench Scenarios -benchtime 1x -seed $(SEED) \
	  $(if $(SCENARIO),-scenario $(if $(findstring /,$(SCENARIO)),$(abspath $(SCENARIO)),$(SCENARIO))) $(if $(DAYS),-days $(DAYS)) $(if $(WRONG),-wrong)

# How many small changes in the code the tests notice: N changes of each package of PLACES, drawn by SEED; those that none
# notices are listed. A place is a pattern of packages, with FILE,FILE behind a colon where only these count,
# and an expression of tests behind another one.
N ?= 40
PLACES ?= ./edge/lane/passage/... ./sync/uplink:window.go:Window\|Probe ./sync/hub/ledger:apply.go,batch.go ./edge/accounts ./edge/api/lockout
mutation:
	@$(GO) run ./.ci/mutation -seed $(SEED) -n $(N) $(PLACES)

FUZZTIME ?= 30s
fuzz:
	@.ci/fuzz $(FUZZTIME)

# The console's libraries anew, as package-lock.json pins them.
ui-vendor:
	cd edge/web && npm ci --ignore-scripts --no-audit --no-fund && npm run vendor

lint:
	@.ci/lint

# Debian packages of all architectures and bills of materials (CycloneDX), in dist/.
release:
	@.ci/release

# The release twice, in two folders: the same bytes.
reproducible:
	@.ci/reproducible

# OCI images of agent, hub and simulated lane (amd64, arm64) in dist/image, without a daemon: made, checked, run as root
# from their unpacked root file systems. VERSION is that of the commit by default.
image:
	@.ci/image/make $(VERSION)

proto:
	$(GO) generate ./drivers/observation ./sync/wire

clean:
	rm -rf $(BIN) .run dist
