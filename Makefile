# Everything a user or contributor runs. `make help` lists it; each command installs what it needs.

JOBS         ?= $(shell nproc 2>/dev/null || echo 2)
ARGS         ?=
PREFIX       ?= /usr/local
SAN          ?= asan tsan
FUZZ_SECONDS ?= 10
INPUT        ?= data/northwind

SHELL         := bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help
.SECONDARY:
MAKEFLAGS     += --no-print-directory
BIN           := build/release/bin

# ccache knows an object again in another folder: the mutants' copy, another checkout.
export CCACHE_BASEDIR   := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: help run build data peers test check bench sanitize fuzz mutants install clean setup

help:  ## list these commands
	@echo 'Sinew: make COMMAND'
	@sed -nE 's/^([a-z]+):.*## (.*)/\1|\2/p' Makefile | awk -F '|' '{ printf "  %-10s%s\n", $$1, $$2 }'

# On a terminal in a process group of its own: Ctrl+C is for commerce, which ends well, and make with it.
run: build data  ## build, load the real orders into the commerce system, show the books (ARGS=... is passed on)
	@if [ -t 0 ]; then set -m; fi; $(BIN)/commerce run --input $(INPUT) $(ARGS); exit 0

build: setup build/release/build.ninja  ## build everything into build/release/bin
	@cmake --build --preset release -j $(JOBS)

test: build data  ## every test
	@ctest --test-dir build/release --output-on-failure -j $(JOBS)

check: setup build/release/build.ninja  ## format, layers, lint, limits, headers alone
	@ninja -C build/release build.ninja > /dev/null
	@tools/check

bench: build data peers build/bench/build.ninja  ## benchmarks beside their raw costs (ARGS=--clean: and a clean build)
	@cmake --build --preset bench -j $(JOBS) --target benchmarks commerce
	@tools/bench build/bench/bin $(INPUT) $(ARGS)

sanitize: setup $(SAN:%=sanitize-%)  ## unit and conformance tests under sanitizers; SAN=asan or tsan for one

sanitize-%: build/%/build.ninja
	@cmake --build --preset $* -j $(JOBS) --target unit_tests conformance_tests
	@ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 \
	  UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1 \
	  ASAN_SYMBOLIZER_PATH=$$(command -v llvm-symbolizer-19) \
	  ctest --test-dir build/$* --output-on-failure -j $(JOBS) -L '^(unit|conformance)$$'

fuzz: setup build/fuzz/build.ninja  ## each fuzz target for FUZZ_SECONDS (10) on its corpus
	@cmake --build --preset fuzz -j $(JOBS) --target fuzz_targets
	@tools/fuzz build/fuzz $(FUZZ_SECONDS)

mutants: setup  ## remove one guarantee at a time from a copy of the code; a test must notice
	@tools/mutants

install: build  ## install programs and library under PREFIX (/usr/local)
	@cmake --install build/release --prefix $(PREFIX)
	@echo 'To uninstall: xargs rm < build/release/install_manifest.txt'

clean:  ## remove what was built; data/ stays
	@rm -rf build

setup:  ## install the packages that are missing (tools/setup is their list)
	@tools/setup

peers: setup
	@tools/setup --peers

data: setup
	@tools/get-data data/northwind

build/%/build.ninja: CMakePresets.json | setup
	@mkdir -p build/$*
	@cmake --preset $* > build/$*/configure.log 2>&1 || { cat build/$*/configure.log; exit 1; }
