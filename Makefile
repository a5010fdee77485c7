# SPDX-License-Identifier: GPL-3.0-or-later
# `make` builds every program into $(BUILD)/bin; `make help` lists the other targets.

VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
DATADIR  = $(PREFIX)/share/patella

# One library per folder; includes point downwards only (ci/lint checks it).
FOLDERS  := forms/base forms migrations collector reports
PROGRAMS := forms/patella_form migrations/patella_migrate collector/patellad collector/patella_admin \
            reports/patella_report ci/demo/patella_load
PACKAGES := libpq yaml-0.1 openssl libevent libevent_openssl libevent_pthreads jansson talloc icu-uc icu-i18n \
            libRmath lapacke openblas libcurl

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef \
            -Wwrite-strings -Wpointer-arith -Wnull-dereference -Wdouble-promotion -Wswitch-enum
OPTIMISE ?= -O2 -g
HARDEN   ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
SANITIZE ?=
CPPFLAGS += -D_GNU_SOURCE -I. -DPATELLA_VERSION='"$(VERSION)"' -DPATELLA_DATADIR='"$(DATADIR)"'
CFLAGS   += -std=c17 $(WARNINGS) $(OPTIMISE) $(HARDEN) $(SANITIZE) -ffp-contract=off -ffunction-sections -fdata-sections -pthread
LDFLAGS  += -pie -Wl,-z,relro,-z,now -Wl,--gc-sections $(SANITIZE) -pthread

ifneq ($(shell command -v pkg-config),)
CPPFLAGS += $(shell pkg-config --cflags $(PACKAGES))
LIBS     := $(shell pkg-config --libs $(PACKAGES)) -lm
endif

# In each folder: patella*.c are programs, everything else is the library.
folder_sources  = $(filter-out $(1)/patella%.c,$(wildcard $(1)/*.c))
LIBRARY_SOURCES := $(foreach folder,$(FOLDERS),$(call folder_sources,$(folder)))
ARCHIVES := $(foreach folder,reports collector migrations forms forms/base,$(BUILD)/lib/$(subst /,_,$(folder)).a)
PROGRAM_NAMES := $(foreach program,$(PROGRAMS),$(BUILD)/bin/$(subst _,-,$(notdir $(program))))
TEST_SOURCES := $(wildcard tests/unit/test_*.c tests/db/test_*.c tests/e2e/test_*.c)
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SOURCES))
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
GENERATED := $(BUILD)/generated/migrations.c

.PHONY: all
all: $(PROGRAM_NAMES)

# What the compiler was told: when it changes, everything is built anew.
FLAGS_STAMP := $(BUILD)/flags
$(shell mkdir -p $(BUILD); echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' | cmp -s - $(FLAGS_STAMP) || \
	echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' > $(FLAGS_STAMP))

$(BUILD)/obj/%.o: %.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/obj/generated/%.o: $(BUILD)/generated/%.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

# The SQL of the migrations stands inside the programs, so that an installed one cannot meet files of another version.
$(GENERATED): migrations/embed $(wildcard migrations/sql/*.sql)
	@mkdir -p $(@D)
	sh migrations/embed $(sort $(wildcard migrations/sql/*.sql)) > $@.new
	mv $@.new $@

define archive
$(BUILD)/lib/$(subst /,_,$(1)).a: $(patsubst %.c,$(BUILD)/obj/%.o,$(call folder_sources,$(1))) $(2)
	@mkdir -p $$(@D)
	rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach folder,forms/base forms collector reports,$(eval $(call archive,$(folder),)))
$(eval $(call archive,migrations,$(BUILD)/obj/generated/migrations.o))

define program
$(BUILD)/bin/$(subst _,-,$(notdir $(1))): $(BUILD)/obj/$(1).o $(ARCHIVES)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) $$< $(ARCHIVES) $(LIBS) -o $$@
endef
$(foreach program,$(PROGRAMS),$(eval $(call program,$(program))))

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(patsubst %.c,$(BUILD)/obj/%.o,$(SUPPORT_SOURCES)) $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(filter %.o,$^) $(ARCHIVES) $(LIBS) -lcmocka -o $@

.SECONDARY:
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

.PHONY: tests-build test
tests-build: all $(TESTS)
test: tests-build
	BUILD=$(BUILD) tests/run

.PHONY: clean
clean:
	rm -rf build build-*
