# SPDX-License-Identifier: GPL-3.0-or-later
# `make` builds every program into $(BUILD)/bin; `make help` lists the other targets.

VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
CC      := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
DATADIR  = $(PREFIX)/share/patella

# One library per folder; includes point downwards only (ci/lint looks).  In each folder patella*.c are the
# programs' main files, everything else is the library.
FOLDERS  := forms/base forms migrations collector reports
PROGRAMS := $(basename $(foreach folder,$(FOLDERS),$(wildcard $(folder)/patella*.c)))
PACKAGES := libpq yaml-0.1 openssl libevent libevent_openssl libevent_pthreads jansson talloc icu-uc icu-i18n \
            libRmath lapacke openblas libcurl libarchive libargon2 liboath libseccomp

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef \
            -Wwrite-strings -Wpointer-arith -Wnull-dereference -Wdouble-promotion -Wswitch-enum
OPTIMISE ?= -O2 -g
HARDEN   ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong
SANITIZE ?=
DEFINES  := -D_GNU_SOURCE -I. -DPATELLA_VERSION='"$(VERSION)"' -DPATELLA_DATADIR='"$(DATADIR)"'
CPPFLAGS += $(DEFINES) $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
CFLAGS   += -std=c17 $(WARNINGS) $(OPTIMISE) $(HARDEN) $(SANITIZE) -fPIE -ffp-contract=off \
            -ffunction-sections -fdata-sections -pthread
LDFLAGS  += -pie -Wl,-z,relro,-z,now -Wl,--gc-sections -Wl,--as-needed $(SANITIZE) -pthread
LIBS     := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lcsv -lm

folder_sources  = $(filter-out $(1)/patella%.c,$(wildcard $(1)/*.c))
archive_of      = $(BUILD)/lib/$(subst /,_,$(1)).a
program_of      = $(BUILD)/bin/$(subst _,-,$(notdir $(1)))
ARCHIVES        := $(foreach folder,reports collector migrations forms forms/base,$(call archive_of,$(folder)))
PROGRAM_FILES   := $(foreach program,$(PROGRAMS),$(call program_of,$(program)))
TEST_SOURCES    := $(wildcard tests/unit/test_*.c tests/db/test_*.c tests/e2e/test_*.c tests/faults/test_*.c)
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
FUZZ_TARGETS    := $(wildcard tests/fuzz/fuzz_*.c)
TESTS           := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SOURCES))
SOURCES         := $(foreach folder,$(FOLDERS),$(wildcard $(folder)/*.c)) $(TEST_SOURCES) $(SUPPORT_SOURCES) \
                   $(wildcard tests/fuzz/*.c tests/bench/*.c tests/faults/failing_*.c \
                   tests/faults/forbidden_*.c)
MIGRATIONS      := $(sort $(wildcard migrations/sql/*.sql))

.PHONY: all
all: $(PROGRAM_FILES)

# One short line a file; `make V=1` shows the whole commands.
say = @$(if $(V),,echo '  $(1)  $@';)

# ---- build ----------------------------------------------------------------------------------------------------

# What the compiler was told: when it changes, everything is built anew.
FLAGS_STAMP := $(BUILD)/flags
.PHONY: always
$(FLAGS_STAMP): always
	@pkg-config --exists --print-errors $(PACKAGES) || \
	    { echo "the libraries' headers are missing: run ci/install-packages" >&2; exit 1; }
	@mkdir -p $(@D)
	@echo "$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)" | cmp -s - $@ || \
	    echo "$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)" > $@

$(BUILD)/obj/%.o: %.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(call say,compile)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# The assembler's .incbin is not seen by -MMD.
$(BUILD)/obj/collector/openapi.o: collector/openapi.yaml

# The SQL of the migrations stands inside the programs, so that an installed one cannot meet files of another version.
$(BUILD)/generated/migrations.c: migrations/embed $(MIGRATIONS)
	@mkdir -p $(@D)
	$(call say,embed  )sh migrations/embed $(MIGRATIONS) > $@.new
	@mv $@.new $@

# What the app takes from others: by npm, of the versions and with the hashes of the lock file; once, for which the network
# is needed.
WEB_MODULES := $(BUILD)/npm/web
$(WEB_MODULES)/installed: collector/web/package.json collector/web/package-lock.json
	$(call say,fetch  )cmp -s collector/web/package-lock.json $@ || { mkdir -p $(@D) && cp $^ $(@D) && cd $(@D) && \
	    npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error > npm.log 2>&1 || \
	    { cat npm.log >&2; echo "npm could not fetch what collector/web/package-lock.json names" >&2; exit 1; }; }
	@cp collector/web/package-lock.json $@

# The app's files stand inside patellad, as they are and compressed.  A file that is gone changes the list.
WEB_FILES := $(shell find collector/web -name node_modules -prune -o -type f ! -name 'package*.json' ! -name '*.md' -print)
$(BUILD)/web.list: always
	@mkdir -p $(@D)
	@echo '$(sort $(WEB_FILES))' | cmp -s - $@ || echo '$(sort $(WEB_FILES))' > $@

$(BUILD)/generated/web_files.c: collector/embed_web $(WEB_FILES) $(BUILD)/web.list $(WEB_MODULES)/installed
	@mkdir -p $(@D)
	$(call say,embed  )sh collector/embed_web collector/web $(WEB_MODULES)/node_modules $(BUILD)/web > $@.new
	@mv $@.new $@

$(BUILD)/obj/generated/%.o: $(BUILD)/generated/%.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(call say,compile)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

define archive
$(call archive_of,$(1)): $(patsubst %.c,$(BUILD)/obj/%.o,$(call folder_sources,$(1))) $(2)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,archive)ar rcs $$@ $$^
endef
$(foreach folder,forms/base forms reports,$(eval $(call archive,$(folder),)))
$(eval $(call archive,migrations,$(BUILD)/obj/generated/migrations.o))
$(eval $(call archive,collector,$(BUILD)/obj/generated/web_files.o))

define link_program
$(call program_of,$(1)): $(BUILD)/obj/$(1).o $(ARCHIVES)
	@mkdir -p $$(@D)
	$$(call say,link   )$(CC) $(LDFLAGS) $$< $(ARCHIVES) $(LIBS) -o $$@
endef
$(foreach program,$(PROGRAMS),$(eval $(call link_program,$(program))))

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(patsubst %.c,$(BUILD)/obj/%.o,$(SUPPORT_SOURCES)) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,link   )$(CC) $(LDFLAGS) $(filter %.o,$^) $(ARCHIVES) $(LIBS) -lcmocka -o $@

# What tests/bench/run measures with.
$(BUILD)/bench/bench: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/bench/*.c) $(SUPPORT_SOURCES)) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,link   )$(CC) $(LDFLAGS) $(filter %.o,$^) $(ARCHIVES) $(LIBS) -lcmocka -o $@

# An allocator that fails and forbidden calls, for tests/faults/test_memory_failures.c and tests/e2e/test_sandbox.c.
$(BUILD)/faults/%.so: tests/faults/%.c tests/faults/%.h $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(call say,link   )$(CC) $(DEFINES) -std=c17 $(WARNINGS) -O1 -g -fPIC -fno-builtin -shared $< -o $@

# All fuzz targets in one test, which runs them over their corpora.
$(BUILD)/tests/unit/test_fuzz_corpus: private LIBS += -lhttp_parser
$(BUILD)/tests/unit/test_fuzz_corpus: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/fuzz/*.c))

.SECONDARY:
-include $(shell find $(BUILD)/obj $(BUILD)/lint -name '*.d' 2>/dev/null)

# ---- tests ----------------------------------------------------------------------------------------------------

.PHONY: tests-build test faults attack asan tsan coverage
tests-build: all $(TESTS) $(BUILD)/bench/bench $(BUILD)/faults/failing_malloc.so \
    $(BUILD)/faults/forbidden_call.so

test: tests-build
	BUILD=$(BUILD) tests/run

# The long version of tests/faults, with its tables; `make test` runs the short one.
faults: tests-build
	BUILD=$(BUILD) FAULTS=long TEST_SECONDS=3600 tests/run faults/

# sqlmap and wapiti over every route; `make test` tries a few, where they are installed.
attack:
	ci/install-packages build run test attack
	$(MAKE) BUILD=$(BUILD) tests-build
	BUILD=$(BUILD) ATTACK=long TEST_SECONDS=14400 tests/run e2e/test_attack

asan:
	$(MAKE) BUILD=$(BUILD)-asan OPTIMISE='-O1 -g -DPATELLA_WITHOUT_SANDBOX' HARDEN= \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' test

# OpenBLAS is not built for the sanitizer, which takes what its threads hand to each other for races.
tsan: export OPENBLAS_NUM_THREADS = 1
tsan:
	$(MAKE) BUILD=$(BUILD)-tsan OPTIMISE='-O1 -g -DPATELLA_WITHOUT_SANDBOX' HARDEN= SANITIZE=-fsanitize=thread test

# One protection after the other taken out of the database (tests/mutants/README.md); MUTANTS='trigger:*' runs some.
.PHONY: mutants
mutants: tests-build
	BUILD=$(BUILD) tests/mutants/run $(if $(MUTANTS),'$(MUTANTS)')

coverage:
	$(MAKE) BUILD=$(BUILD)-coverage OPTIMISE='-O0 -g -DPATELLA_WITHOUT_SANDBOX' HARDEN= SANITIZE=--coverage test
	ci/coverage $(BUILD)-coverage $(FOLDERS)

# ---- fuzzing (tests/fuzz/README.md) ----------------------------------------------------------------------------

# Warnings are gcc's task: clang's differ.
.PHONY: fuzz fuzz-programs
fuzz:
	ci/install-packages build fuzz
	$(MAKE) BUILD=$(BUILD)-fuzz CC=clang OPTIMISE='-O1 -g -DFUZZ_ENGINE -fno-omit-frame-pointer' HARDEN= WARNINGS=-w \
	    SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' fuzz-programs
	BUILD=$(BUILD)-fuzz tests/fuzz/run $(FUZZ)

fuzz-programs: $(FUZZ_TARGETS:tests/fuzz/%.c=$(BUILD)/fuzz/%)

$(BUILD)/fuzz/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/fuzz.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,link   )$(CC) $(LDFLAGS) -fsanitize=fuzzer $(filter %.o,$^) $(ARCHIVES) $(LIBS) -lhttp_parser -o $@

# ---- measuring (tests/bench/README.md) ------------------------------------------------------------------------

.PHONY: bench bench-large bench-hostile bench-report bench-upload bench-desk
bench bench-large bench-hostile bench-report bench-upload bench-desk:
	ci/install-packages build run test bench
	$(MAKE) BUILD=$(BUILD) all $(BUILD)/bench/bench
	BUILD=$(BUILD) tests/bench/$(if $(filter bench,$@),run,$(@:bench-%=%))
	$(if $(filter bench,$@),BUILD=$(BUILD) tests/bench/hostile)
	$(if $(filter bench,$@),BUILD=$(BUILD) tests/bench/report)
	$(if $(filter bench,$@),BUILD=$(BUILD) tests/bench/upload)

# ---- looking at the source ------------------------------------------------------------------------------------

.PHONY: lint dead
LINTED := $(patsubst %.c,$(BUILD)/lint/%.ok,$(SOURCES))

lint: $(LINTED) all
	BUILD=$(BUILD) ci/lint

# gcc's analyser and cppcheck do not know that cmocka's assertions do not return, so tests go without.  varFuncNullUB:
# our NULL is a pointer, and __attribute__((sentinel)) wants it.
in_tests = $(filter tests/%,$<)
$(BUILD)/lint/%.ok: %.c .clang-tidy $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(call say,lint   )$(CC) $(CPPFLAGS) $(CFLAGS) -Werror $(if $(in_tests),,-fanalyzer) \
	    -MMD -MP -MF $(@:.ok=.d) -MT $@ -c $< -o $(@:.ok=.o)
	@clang-tidy --quiet $< -- $(CPPFLAGS) -std=c17
	$(if $(in_tests),,@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --error-exitcode=1 --suppress=missingIncludeSystem --suppress=varFuncNullUB $(DEFINES) $<)
	@touch $@

# Functions that no program uses, by the linker's garbage collection; without optimisation, so that nothing is inlined.
dead:
	$(MAKE) BUILD=$(BUILD)-dead OPTIMISE='-O0 -DCURL_DISABLE_TYPECHECK' HARDEN= dead-programs
	ci/dead $(BUILD)-dead

.PHONY: dead-programs
dead-programs: $(ARCHIVES) $(foreach program,$(PROGRAMS),$(BUILD)/obj/$(program).o)
	@mkdir -p $(BUILD)/dead
	@for program in $(PROGRAMS); do \
	    $(CC) $(LDFLAGS) -Wl,--print-gc-sections $(BUILD)/obj/$$program.o \
	        -Wl,--whole-archive $(ARCHIVES) -Wl,--no-whole-archive $(LIBS) -o $(BUILD)/dead/program \
	        2> $(BUILD)/dead/$$(basename $$program).removed || exit 1; \
	done

# ---- running it -----------------------------------------------------------------------------------------------

.PHONY: demo demo-stop install
demo: all
	BUILD=$(BUILD) ci/run-demo start

demo-stop:
	BUILD=$(BUILD) ci/run-demo stop

MANUALS := $(wildcard $(foreach folder,$(FOLDERS),$(folder)/*.[1-8]))
UNITS   := $(wildcard $(foreach folder,$(FOLDERS),$(folder)/*.service))
EXAMPLES := $(wildcard collector/patella.yaml.example collector/openapi.yaml)
TARGET   = $(DESTDIR)$(PREFIX)

install: all
	install -d $(TARGET)/bin $(TARGET)/lib/systemd/system $(DESTDIR)$(DATADIR)/instruments \
	    $(DESTDIR)$(DATADIR)/protocols
	install $(PROGRAM_FILES) $(TARGET)/bin
	for page in $(MANUALS); do \
	    install -D -m 644 "$$page" "$(TARGET)/share/man/man$${page##*.}/$${page##*/}" || exit 1; done
	for unit in $(UNITS); do \
	    sed 's|/usr/local|$(PREFIX)|g' "$$unit" > "$(TARGET)/lib/systemd/system/$${unit##*/}" || exit 1; done
	install -d $(TARGET)/share/bash-completion/completions
	for program in $(notdir $(PROGRAM_FILES)); do \
	    BUILD=$(BUILD) ci/completion $$program > $(TARGET)/share/bash-completion/completions/$$program || exit 1; done
	install -m 644 $(wildcard forms/instruments/*.yaml) $(DESTDIR)$(DATADIR)/instruments
	install -m 644 $(wildcard forms/protocols/*.yaml) $(DESTDIR)$(DATADIR)/protocols
	install -m 644 $(EXAMPLES) $(DESTDIR)$(DATADIR)

.PHONY: clean help
clean:
	rm -rf build build-*

help:
	@echo 'make             every program, into $(BUILD)/bin'
	@echo 'make test        all tests on a private PostgreSQL cluster; tests/run NAME... runs some'
	@echo 'make faults      what breaks under load, at length: kills, disk full, PostgreSQL away, clocks, memory'
	@echo 'make attack      sqlmap and wapiti against every route of a running daemon'
	@echo 'make bench       submissions/s, latency, CPU and memory beside pgbench and hostile clients; reports; uploads'
	@echo 'make bench-large the rate with 10 million stored; make bench-hostile: beside hostile clients alone'
	@echo 'make bench-report a report of 1,000, 10,000 and 100,000 subjects, stage by stage'
	@echo 'make bench-upload a CSV file of 1 GiB, beside PostgreSQL alone; latency of others meanwhile'
	@echo "make mutants     protections taken away one by one, each noticed by a test; MUTANTS='trigger:*' runs some"
	@echo 'make asan, tsan  the tests under the address and undefined behaviour, or the thread sanitizer'
	@echo 'make fuzz        each fuzz target for FUZZ_SECONDS (600); FUZZ="yaml form" runs some'
	@echo 'make coverage    the tests, and which lines of each folder they reached'
	@echo 'make lint        compiler and analyser warnings, clang-tidy, cppcheck, shellcheck, house rules'
	@echo 'make dead        functions that no program uses'
	@echo 'make demo        the demo study on https://localhost:8443; make demo-stop ends it'
	@echo 'make install     into DESTDIR PREFIX (/usr/local)'
	@echo 'make clean       removes what was built'
	@echo 'Variables: BUILD=folder, CC, PREFIX, DESTDIR, V=1 (whole commands)'
