# scheduler: a PostgreSQL extension built with PGXS.
#
#   make deps      install the Debian packages that are missing
#   make demo      the main job on a sample mailbox (MAIL=path for your own, KEEP=1 leaves the server up)
#   make test      every test; make test-quick: unit, pg_regress, isolation
#   make lint bench coverage mutants dist install

EXTENSION = scheduler
MODULE_big = scheduler
# The control file is the one source of the version.
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" scheduler.control)

# Objects that touch neither server, clock nor transactions: unit tests and fuzzers link them alone.
PURE_OBJS = \
	$(PURE_TIME) \
	$(PURE_HTTP) \
	$(PURE_IDENTITY) \
	$(PURE_PLANNER) \
	$(PURE_LLM) \
	$(PURE_MAIL) \
	$(PURE_ASSISTANT)
PURE_TIME =
PURE_HTTP =
PURE_IDENTITY =
PURE_PLANNER = src/planner/order.o src/planner/place.o src/planner/search.o src/planner/slots.o
PURE_LLM =
PURE_MAIL =
PURE_ASSISTANT =

OBJS = src/scheduler.o $(PURE_OBJS) \
	$(CORE_OBJS) \
	$(IDENTITY_OBJS) \
	$(HTTP_OBJS) \
	$(JOBS_OBJS) \
	$(TIME_OBJS) \
	$(PLANNER_OBJS) \
	$(LLM_OBJS) \
	$(MAIL_OBJS) \
	$(ASSISTANT_OBJS) \
	$(REPORTS_OBJS)
CORE_OBJS = src/core/settings.o src/core/uuid7.o
IDENTITY_OBJS = src/identity/current_user.o
HTTP_OBJS =
JOBS_OBJS =
TIME_OBJS =
PLANNER_OBJS = src/planner/load.o src/planner/plan_sql.o
LLM_OBJS =
MAIL_OBJS =
ASSISTANT_OBJS =
REPORTS_OBJS =

# The rooms' SQL in the order of the house: a room may call rooms above it, never below.
ROOM_SQL = \
	$(CORE_SQL) \
	$(IDENTITY_SQL) \
	$(HTTP_SQL) \
	$(JOBS_SQL) \
	$(TIME_SQL) \
	$(PLANNER_SQL) \
	$(LLM_SQL) \
	$(MAIL_SQL) \
	$(ASSISTANT_SQL) \
	$(REPORTS_SQL) \
	src/core/finish.sql
CORE_SQL = src/core/core.sql
IDENTITY_SQL = src/identity/users.sql
HTTP_SQL = src/http/types.sql
JOBS_SQL = src/jobs/types.sql
TIME_SQL =
PLANNER_SQL = src/planner/tables.sql src/planner/triggers.sql src/planner/tasks.sql src/planner/hours.sql \
	src/planner/slots.sql src/planner/events.sql src/planner/plan.sql src/planner/conflicts.sql \
	src/planner/views.sql
LLM_SQL =
MAIL_SQL =
ASSISTANT_SQL =
REPORTS_SQL =

DATA_built = scheduler--$(EXTVERSION).sql
EXTRA_CLEAN = scheduler--*.sql .build

PKGS = libcurl openssl gmime-3.0 libxml-2.0
PG_CPPFLAGS = -Isrc $(shell pkg-config --cflags $(PKGS) 2>/dev/null) -DSCHED_VERSION='"$(EXTVERSION)"' $(SCHED_CPPFLAGS)
PG_CFLAGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-declaration-after-statement $(SCHED_CFLAGS)
SHLIB_LINK = $(shell pkg-config --libs $(PKGS) 2>/dev/null) $(SCHED_LDFLAGS)
# No bitcode: the hot paths are the server's own, and a clang of the server's exact version is not everywhere.
with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(PGXS),)
include $(PGXS)
override with_llvm = no
endif

scheduler--$(EXTVERSION).sql: $(ROOM_SQL) scheduler.control
	@{ printf '%s\n' '\echo Use "CREATE EXTENSION scheduler" to load this file. \quit'; cat $(ROOM_SQL); } > $@.tmp && mv $@.tmp $@

# Every object is built again when a header changes: few files, no dependency tool needed.
HEADERS_ALL = $(wildcard src/*/*.h)
$(OBJS): $(HEADERS_ALL)

.PHONY: deps demo test test-quick unit lint bench coverage mutants dist-archive
deps:
	@bash test/lib/deps.sh

test-quick test unit:
	@bash test/run.sh $@

lint:
	@bash test/lint.sh

# Unit tests link the pure objects alone: test/unit/<room>_test.c.
UNIT_DIR ?= .build/unit
$(UNIT_DIR)/%_test: test/unit/%_test.c test/unit/tap.h $(PURE_OBJS)
	@mkdir -p $(UNIT_DIR)
	$(CC) -g -O1 -Wall -Wextra -Werror -Wno-unused-parameter -D_GNU_SOURCE $(PG_CPPFLAGS) -Itest/unit -o $@ $< $(PURE_OBJS) $(shell pkg-config --libs $(PKGS)) -lm
