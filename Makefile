# The front door. `make demo` and `make test` each work alone on a fresh Debian 12 that has nothing but git and make.
#
#   make demo        shows everything at work, under 3 minutes once built
#   make test        release build, each fuzzer for FUZZ_SECONDS, all tests
#   make test-asan   the tests under the address and undefined-behavior sanitizers
#   make install     into PREFIX (default /usr/local), DESTDIR honored
#   make bench       Google Benchmark, as ratios
#   make lint        clang-format and clang-tidy
#   make results     measures what changed and rewrites docs/RESULTS.md
#   make clean       removes build/

.DEFAULT_GOAL := build
.PHONY: build demo test test-asan test-tsan fuzz install bench lint format results clean dependencies

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
# The tests read real music where it is; without it they skip with a word.
ifeq ($(EUTERPE_DATA),)
ifneq ($(wildcard ../shared/data),)
EUTERPE_DATA := $(abspath ../shared/data)
endif
endif
# Empty is not the same as unset to a test that asks whether there is a folder.
ifneq ($(EUTERPE_DATA),)
export EUTERPE_DATA
else
unexport EUTERPE_DATA
endif

dependencies:
	@tools/install-dependencies.sh build

build: dependencies
	cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --build --preset release -j $(JOBS)

# The program alone: who wants to see it need not wait for the tests to compile.
demo: dependencies
	cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --build --preset release -j $(JOBS) --target euterpe
	build/release/euterpe demo

# The fuzzers run first, so that the summary of the tests stands at the end; a finding fails the goal after the tests have run too.
test: build
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	@tools/fuzz.sh build/fuzz $(FUZZ_SECONDS); fuzzed=$$?; ctest --preset release -j $(JOBS) && exit $$fuzzed

test-asan: dependencies
	cmake --preset asan-ubsan
	cmake --build --preset asan-ubsan -j $(JOBS)
	ctest --preset asan-ubsan -j $(JOBS)

test-tsan: dependencies
	cmake --preset tsan
	cmake --build --preset tsan -j $(JOBS)
	ctest --preset tsan -j $(JOBS)

fuzz: dependencies
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	tools/fuzz.sh build/fuzz $(FUZZ_SECONDS)

install: build
	cmake --install build/release

# OpenBLAS does not know every processor with AVX-512 and then runs at half its speed; the program mends that by itself
# (cli/main.cpp), and what is compared with libtorch should not win by it.
bench: dependencies
	cmake --preset release -DEUTERPE_BENCH=ON -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --build --preset release -j $(JOBS)
	@if grep -qs avx512dq /proc/cpuinfo; then export OPENBLAS_CORETYPE=$${OPENBLAS_CORETYPE:-SkylakeX}; fi; \
	export OMP_WAIT_POLICY=$${OMP_WAIT_POLICY:-PASSIVE}; \
	for program in build/release/bench/*_bench; do "$$program" || exit 1; done

lint:
	@tools/install-dependencies.sh lint
	cmake --preset release
	cmake --build --preset release -j $(JOBS)
	tools/lint.sh build/release $(JOBS)

format:
	git ls-files '*.cpp' '*.hpp' | xargs clang-format-14 -i

results: build
	build/release/euterpe_results tools/results.toml docs/RESULTS.md

clean:
	rm -rf build
