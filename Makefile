# Every task of this repository. Each target installs the Debian packages that it misses (tools/packages.conf).
.DEFAULT_GOAL := help
.PHONY: help demo test build bench soak simulate fuzz lint format tsan clean
JOBS ?= $(shell nproc)
DEMO_FLAGS ?=
BENCH_FLAGS ?=
SOAK_FLAGS ?=
TEST_FLAGS ?=
FUZZ_SECONDS ?= 600
SIMULATE_SECONDS ?= 3600
SYNC_SOAK_SECONDS ?= 7200

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: ## Bring up Tryton with Banyan in front (DEMO_FLAGS=--help shows the flags)
	@tools/install-packages demo
	@$(MAKE) --no-print-directory build
	@exec demo/demo.py $(DEMO_FLAGS)

test: ## Build everything and run every test (TEST_FLAGS="-L unit" narrows it)
	@tools/install-packages test
	@tools/run-tests $(TEST_FLAGS)

build: ## Build build/release/banyan
	@tools/install-packages build
	@tools/build release -DBANYAN_TESTS=OFF -- banyan

bench: ## Measure Banyan beside nginx and HAProxy (BENCH_FLAGS), sync beside COPY
	@tools/install-packages bench
	@tools/build release -DBANYAN_TESTS=ON -- banyan bench_programs catalog_bench mapping_bench sync_store_bench sync_bench
	@tools/install-packages demo
	@failed=0; for program in "build/release/catalog_bench" "tests/bench/bench_proxy.py --banyan build/release/banyan $(BENCH_FLAGS)" \
	  "tests/bench/bench_observed.py --banyan build/release/banyan" build/release/mapping_bench build/release/sync_store_bench \
	  build/release/sync_bench; do $$program || failed=1; done; exit $$failed

soak: ## A million requests, some broken (SOAK_FLAGS); then the live test of sync for SYNC_SOAK_SECONDS seconds
	@tools/install-packages bench
	@tools/build release -DBANYAN_TESTS=ON -- banyan soak_programs
	@tests/soak/soak.py --banyan build/release/banyan $(SOAK_FLAGS)
	@tools/install-packages demo
	@tests/live/sync_live.py --banyan build/release/banyan --seconds $(SYNC_SOAK_SECONDS)

simulate: ## Run sync through fresh seeds of its simulation for SIMULATE_SECONDS seconds
	@tools/build release -DBANYAN_TESTS=ON -- simulate
	@failed=0; end=$$(( $$(date +%s) + $(SIMULATE_SECONDS) )); seed=$$(date +%s)000; while [ $$(date +%s) -lt $$end ]; do \
	  build/release/simulate --seeds $$seed..$$(( seed + 99 )) --keep-going || failed=1; seed=$$(( seed + 100 )); done; exit $$failed

fuzz: ## Run every fuzzer for FUZZ_SECONDS seconds
	@tools/install-packages test
	@tools/build fuzz -- fuzzers
	@tests/fuzz/run_short.py --binaries build/fuzz --seconds $(FUZZ_SECONDS) --keep var/fuzz-corpus

lint: ## clang-format and clang-tidy over everything
	@tools/install-packages lint
	@tools/lint

format: ## Reformat every C++ file
	@tools/install-packages test
	@git ls-files -co --exclude-standard '*.cpp' '*.hpp' | xargs clang-format-14 -i

tsan: ## Unit, integration and wire tests under ThreadSanitizer (TEST_FLAGS as for test)
	@tools/install-packages test
	@tools/build tsan
	@tools/run-tsan $(TEST_FLAGS)

clean: ## Remove what was built (the demo's cached state in var/ stays)
	rm -rf build
