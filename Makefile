# dws-csm: build, test and install. `make help` lists the targets.
#
# Variables:
#   PREFIX, DESTDIR    where `install` puts things (/usr/local)
#   T=PATTERN          only tests whose name contains PATTERN (make test T=tar)
#   V=1                tests tell each test function and its duration
#   SANITIZE=LIST      build for and test with sanitizers (address,undefined)
#   FUZZ_SECONDS=N     how long each fuzzer runs (60)
#   KEEP=1             `make demo` leaves the servers running
#   VERSION=X          stamp this version
#   RPM_KEY=ID         `make rpms` and `make repo` sign with this key of gpg
#   BBPLUGIN_SRC=DIR   `make rpms` packages upstream's plugin, that of DIR
#   DWS_CSM_CACHE=DIR  where compiled servers and libcurl are kept

SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS))$(filter clean,$(MAKECMDGOALS)),)
MAKEFLAGS += -j$(shell nproc)
endif

comma := ,
PREFIX ?= /usr/local
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
VERSION ?= $(shell scripts/version.sh)
FUZZ_SECONDS ?= 60
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
# T is also the name of the directory that tests work in.
unexport T VERSION

# --- what is built, and how -------------------------------------------------

# An instrumented build has a folder of its own and is linked dynamically.
ifdef FUZZER
O := build/fuzzer
INSTRUMENT := -fsanitize=fuzzer-no-link,$(SANITIZE) -fno-omit-frame-pointer
else ifdef SANITIZE
O := build/sanitize-$(subst $(comma),-,$(SANITIZE))
INSTRUMENT := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
else ifdef COVERAGE
O := build/coverage
INSTRUMENT := --coverage -O0
else
O := build
INSTRUMENT :=
endif

WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wvla -Wdate-time \
	-Wformat-security -Wpointer-arith -Wstrict-prototypes
# gcc is the compiler of the rules; another one (clang, for fuzzing) only warns.
WARNINGS += $(if $(findstring clang,$(CC)),,-Wconversion -Werror)
CFLAGS ?= -O2 -g
FLAGS := -std=gnu11 -D_GNU_SOURCE -Iinstaller \
	$(WARNINGS) $(CFLAGS) -fPIE -fstack-protector-strong \
	-ffunction-sections -fdata-sections \
	$(if $(INSTRUMENT),$(INSTRUMENT),-D_FORTIFY_SOURCE=2) \
	-ffile-prefix-map='$(CURDIR)'=.

# Every library, in link order; all of them static.
LIBS := -Lbuild/curl/lib -lcurl -larchive -lyaml -ljansson -lssl -lcrypto \
	-lacl -lattr -llzma -lzstd -lz -llua5.4
LINK := -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,--build-id=sha1 -pthread
# Half a megabyte less to read at each start; wants glibc 2.36.
COMPACT := -Wl,-z,pack-relative-relocs
LINK_TESTS = $(LINK) -pie $(INSTRUMENT)
LIBS_TESTS := -Wl,-Bstatic $(LIBS) -Wl,-Bdynamic -lm

SOURCES := $(sort $(wildcard installer/main.c installer/*/*.c))
OBJECTS := $(SOURCES:%.c=$O/%.o) $O/embedded.o
LAYERS := $(filter-out $O/installer/main.o,$(OBJECTS))
EMBED := $(sort $(shell find manifests docs/man -type f \
	\( -name '*.yaml' -o -name '*.md' \) 2>/dev/null) \
	$(wildcard payload/slurm/* installer/slurm/*.lua))
UNITS := $(patsubst tests/unit/%.c,$O/unit/%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$O/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

# Check the needed packages and build the program: build/dws-csm
all: $O/dws-csm

# Install missing Debian packages for building and testing (as root)
deps:
	@scripts/deps.sh build test lint

# Build the static executable (the same as all)
static: build/dws-csm

# Run all tests on real servers; last line: N passed, N failed
test: $O/dws-csm units replays deps-test
	@O=$O SANITIZE='$(SANITIZE)' tests/run $(if $(V),-v) '$(T)'

# Build the unit tests and run only them
unit: units deps-test
	@O=$O SANITIZE='$(SANITIZE)' tests/run $(if $(V),-v) --units '$(T)'

# Install DWS on servers started here, show its status, uninstall it
demo: $O/dws-csm deps-test
	@DWS_CSM='$(CURDIR)/$O/dws-csm' KEEP='$(KEEP)' IMAGES='$(IMAGES)' \
		tests/demo.sh

# The same on a real node with kubelet and containerd (as root)
test-cluster: $O/dws-csm deps-node
	@DWS_CSM='$(CURDIR)/$O/dws-csm' tests/test-cluster.sh

# Compare speed with skopeo and kubectl
bench: $O/dws-csm deps-test
	@DWS_CSM='$(CURDIR)/$O/dws-csm' tests/bench/run

# Check the rules of the code: layers, banned calls, sizes, layout and more
lint: deps-lint
	@tests/lint/run

# Lay out the C code by .clang-format
format: deps-lint
	clang-format -i installer/*.c installer/*/*.[ch] \
		$(wildcard tests/unit/*.[ch] tests/fuzz/*.c)

# Run each fuzzer for FUZZ_SECONDS from its corpus (clang)
fuzz: deps-fuzz
	@$(MAKE) CC=clang FUZZER=1 SANITIZE=address,undefined fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run build/fuzzer/fuzz '$(T)'

# Run all tests and report which lines they reach: build/coverage/index.html
coverage: deps-coverage
	@$(MAKE) COVERAGE=1 test
	@gcovr --root . --filter installer/ --print-summary \
		--html-details build/coverage/index.html build/coverage

# Build twice in two paths and compare the executables
reproducible: deps-build
	@scripts/reproducible.sh

# Install program, man pages and completions below $(DESTDIR)$(PREFIX)
install: build/dws-csm
	@scripts/install.sh build/dws-csm '$(DESTDIR)$(PREFIX)'

# Build RPMs of the program and of the plugin for Slurm: build/rpms
rpms: build/dws-csm deps-rpm
	@RPM_KEY='$(RPM_KEY)' BBPLUGIN_SRC='$(BBPLUGIN_SRC)' \
		BBPLUGIN_VERSION='$(BBPLUGIN_VERSION)' \
		scripts/rpms.sh build/dws-csm build/rpms

# Make a repository of them, for zypper and dnf: build/repo
repo: rpms
	@RPM_KEY='$(RPM_KEY)' scripts/repo.sh build/rpms build/repo

# Remove everything that was built (the cache stays)
clean:
	rm -rf build

# Print this
help:
	@awk '/^# / { if (!text) text = substr($$0, 3); next } \
		/^[a-z-]+:/ && text { sub(/:.*/, ""); \
			printf "  %-14s %s\n", $$0, text } \
		{ text = "" }' Makefile

.PHONY: all deps static test unit demo test-cluster bench lint format fuzz \
	coverage reproducible install rpms repo clean help
.DEFAULT_GOAL := all

# --- packages and libcurl ---------------------------------------------------

deps-build:
	@scripts/deps.sh build

deps-test deps-node deps-lint deps-fuzz deps-coverage: deps-%: | deps-build
	@scripts/deps.sh build test $*

deps-rpm: | deps-build
	@scripts/deps.sh build rpm

.PHONY: deps-build deps-test deps-node deps-lint deps-rpm deps-fuzz \
	deps-coverage FORCE

# A link into the cache; looked for again when the cache was emptied.
build/curl.stamp: scripts/curl.sh scripts/deb-source.sh \
		$(if $(wildcard build/curl/lib/libcurl.a),,FORCE) | deps-build
	@mkdir -p build
	@dir=$$(scripts/curl.sh) && ln -sfn "$$dir" build/curl
	@touch $@

# --- the program ------------------------------------------------------------

build/dws-csm: $(OBJECTS) build/curl.stamp
	@echo "  LINK    $@"
	@$(CC) -static-pie $(LINK) $(COMPACT) -o $@.full $(OBJECTS) $(LIBS) -lm \
		2>build/link.log || { cat build/link.log >&2; exit 1; }
	@# main has glibc resolve names with what is built in, so the linker's
	@# warning about getaddrinfo and its kind is taken care of.
	@grep -vE 'statically linked applications|: in function `' \
		build/link.log >&2 || :
	@objcopy --only-keep-debug $@.full $@.debug
	@strip $@.full
	@objcopy --add-gnu-debuglink=$@.debug $@.full
	@mv $@.full $@

ifneq ($O,build)
$O/dws-csm: $(OBJECTS) build/curl.stamp
	@echo "  LINK    $@"
	@$(CC) $(LINK_TESTS) -o $@ $(OBJECTS) $(LIBS_TESTS)
endif

$O/%.o: %.c $O/flags | deps-build
	@echo "  CC      $@"
	@mkdir -p $(@D)
	@$(CC) $(FLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

$O/installer/%.o: EXTRA := -include base/banned.h

# Third-party headers that Debian does not provide, and only where allowed.
$O/installer/net/%.o: EXTRA += -Ibuild/curl/include
$(filter $O/installer/net/%,$(OBJECTS)): build/curl.stamp
$O/installer/main.o: EXTRA += -Ibuild/curl/include
$O/installer/main.o: build/curl.stamp
# Tests write fixed fields, such as those of a tar header, on purpose.
$O/tests/%.o: EXTRA += $(if $(findstring clang,$(CC)),,-Wno-format-truncation)
$O/installer/base/version.o: EXTRA += -I$O
$O/installer/base/version.o: $O/version-stamp.h

# Written only when the content changes, so that what depends on it is, too.
define update
	@mkdir -p $(@D)
	@$(1) >$@.new && { cmp -s $@.new $@ || cp $@.new $@; } && rm -f $@.new
endef

$O/flags: FORCE
	$(call update,echo $(call quote,$(CC) $(FLAGS)))

$O/version-stamp.h: FORCE
	$(call update,{ echo '#define VERSION_STAMP "$(VERSION)"' && \
		echo '#define BUILD_EPOCH $(or $(SOURCE_DATE_EPOCH),0)'; })

$O/embedded.S: FORCE
	$(call update,scripts/embed.sh $(EMBED))

$O/embedded.o: $O/embedded.S $(EMBED) | deps-build
	@echo "  AS      $@"
	@$(CC) -c -o $@ $<

quote = '$(subst ','\'',$(1))'

# --- tests ------------------------------------------------------------------

# Object files as a library, so that a test takes only what it calls.
$O/libdws-csm.a: $(LAYERS)
	@rm -f $@
	@ar rcsD $@ $^

units: $(UNITS)

$(UNITS): $O/unit/%: $O/tests/unit/%.o $O/libdws-csm.a build/curl.stamp
	@echo "  LINK    $@"
	@mkdir -p $(@D)
	@$(CC) $(LINK_TESTS) -o $@ $< $O/libdws-csm.a $(LIBS_TESTS) -lcmocka

$(UNITS:$O/unit/%=$O/tests/unit/%.o): | deps-test

# A fuzzer; without libFuzzer it replays the files named on its command line.
replays fuzzers: $(FUZZERS)

$(FUZZERS): $O/fuzz/%: $O/tests/fuzz/%.o $O/libdws-csm.a build/curl.stamp \
		$(if $(FUZZER),,$O/tests/fuzz/replay.o)
	@echo "  LINK    $@"
	@mkdir -p $(@D)
	@$(CC) $(LINK_TESTS) $(if $(FUZZER),-fsanitize=fuzzer) -o $@ \
		$(filter %.o,$^) $O/libdws-csm.a $(LIBS_TESTS)

.PHONY: units replays fuzzers
.SECONDARY:

-include $(OBJECTS:.o=.d) $(UNITS:$O/unit/%=$O/tests/unit/%.d) \
	$(FUZZERS:$O/fuzz/%=$O/tests/fuzz/%.d)
