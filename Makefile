# Targets: run, test, bench, scenarios, fuzz, lint, proto, ui-vendor, release, clean. `make run` and `make test` do all their own set-up.
SHELL := /bin/bash
GO ?= go
BIN := bin
# fdatasync instead of fsync in SQLite: the log's length is what must be durable, not its times. A plain `go build` works
# as well, a little slower.
export CGO_CFLAGS ?= -g -O2 -DHAVE_FDATASYNC=1

.PHONY: build run test bench scenarios fuzz lint proto setup ui-vendor release clean

build:
	@mkdir -p $(BIN)
	$(GO) build -o $(BIN)/ ./cmd/...

run: build
	@exec $(BIN)/lanesim demo

setup:
	@.ci/setup

test: setup
	$(GO) test -race -timeout 40m ./...

bench:
	@.ci/bench

# How well readings find their vehicle: the table of docs/passages.md.
scenarios:
	$(GO) test ./cmd/internal/scenario -run '^$$' -bench Scenarios -benchtime 1x

FUZZTIME ?= 30s
fuzz:
	@.ci/fuzz $(FUZZTIME)

# The console's libraries anew, as package-lock.json pins them.
ui-vendor:
	cd edge/console/web && npm ci --no-audit --no-fund && npm run vendor

lint:
	@.ci/lint

# Debian packages of all architectures, in dist/.
release:
	@.ci/release

proto:
	$(GO) generate ./drivers/observation ./sync/wire

clean:
	rm -rf $(BIN) .run dist
