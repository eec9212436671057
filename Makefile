# scheduler: a PostgreSQL extension built with PGXS.
#
#   make deps      install the Debian packages that are missing
#   make demo      the main job on a sample mailbox (MAIL=path for your own, KEEP=1 leaves the server up)
#   make test      every test; make test-quick: unit, pg_regress, isolation
#   make torture   1,000 violent ends over 10,000 mails (KILLS= MAILS= SEED=)
#   make lint bench coverage mutants dist install
#   make fuzz      every parser under libFuzzer (FUZZ_SECONDS=60 each); make sanitize: the tests under sanitizers

EXTENSION = scheduler
MODULE_big = scheduler
# The control file is the one source of the version.
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" scheduler.control)

# The rooms, in the order of the house: a room may call rooms above it, never below.
# PURE_x: objects that touch neither server, clock nor transactions; unit tests and fuzzers link them alone.
# ENGINE_OBJS: input and output, but not a word of the server; unit tests link them too.

CORE_OBJS = src/core/arguments.o src/core/lock.o src/core/settings.o src/core/steady.o src/core/touch.o \
	src/core/uuid7.o src/core/bucket.o
CORE_SQL = src/core/core.sql

# identity
PURE_IDENTITY = src/identity/seal.o src/identity/key_file.o src/identity/data_key_file.o src/identity/mask.o \
	src/identity/binding.o src/identity/password.o src/identity/base64url.o src/identity/json.o src/identity/jwk.o \
	src/identity/jwt.o src/identity/address.o src/identity/chain.o src/identity/head_file.o
IDENTITY_OBJS = src/identity/audit.o src/identity/audit_seal.o src/identity/current_user.o src/identity/log_guard.o \
	src/identity/secret.o src/identity/data_key.o src/identity/key_sql.o src/identity/secret_input.o \
	src/identity/account.o src/identity/key_ring.o src/identity/sign_token.o src/identity/signin.o src/identity/slot.o \
	src/identity/lookup.o src/identity/issuer.o src/identity/token.o src/identity/request.o src/identity/api_limit.o \
	src/identity/authenticate.o src/identity/read_token.o
IDENTITY_SQL = src/identity/users.sql src/identity/audit.sql src/identity/people.sql src/identity/secrets.sql \
	src/identity/tokens.sql src/identity/sessions.sql src/identity/signin.sql src/identity/resets.sql \
	src/identity/accounts.sql src/identity/requests.sql src/identity/issuers.sql src/identity/retention.sql \
	src/identity/consents.sql

# http
PURE_HTTP = src/http/answer.o src/http/breaker.o src/http/egress.o src/http/retry_after.o src/http/target.o \
	src/http/token_scan.o src/http/trust.o
ENGINE_OBJS = src/http/engine.o src/http/failure.o src/http/transfer.o
HTTP_OBJS = $(ENGINE_OBJS) src/http/account_auth.o src/http/gate.o src/http/host_stats.o src/http/http_settings.o \
	src/http/request_sql.o src/http/response_sql.o
HTTP_SQL = src/http/types.sql src/http/http.sql src/http/accounts.sql src/http/oauth.sql

# jobs
JOBS_OBJS = src/core/fault.o src/jobs/shmem.o src/jobs/store.o src/jobs/kinds.o src/jobs/call.o src/jobs/enqueue.o \
	src/jobs/place.o src/jobs/claim.o src/jobs/mark.o src/jobs/insert.o src/jobs/quota.o src/jobs/outcome.o \
	src/jobs/rewrite.o src/jobs/batch.o src/jobs/flight.o src/jobs/lines.o src/jobs/parking.o src/jobs/renew.o \
	src/jobs/duties.o src/jobs/held.o src/jobs/limits.o src/jobs/lease.o src/jobs/clock.o src/jobs/flight_rows.o \
	src/jobs/process.o src/jobs/worker.o src/jobs/runner.o src/jobs/launcher.o src/jobs/hooks.o src/jobs/work.o \
	src/jobs/stat_workers.o src/jobs/run_now.o src/jobs/http_kind.o src/jobs/spared.o src/jobs/claims.o \
	src/jobs/claim_ends.o src/jobs/changes.o src/jobs/end_processes.o
JOBS_SQL = src/jobs/types.sql src/jobs/tables.sql src/jobs/enqueue.sql src/jobs/claims.sql src/jobs/schedules.sql \
	src/jobs/workers.sql src/jobs/http_kind.sql src/jobs/oauth.sql src/jobs/people.sql src/jobs/issuer_keys.sql

# time
PURE_TIME = src/time/when.o src/time/when_lex.o src/time/when_words.o src/time/when_calendar.o src/time/when_number.o \
	src/time/when_date.o src/time/when_figures.o src/time/when_period.o src/time/when_clock.o src/time/when_hours.o \
	src/time/when_zone.o src/time/when_moment.o src/time/when_relative.o src/time/when_deadline.o src/time/when_recur.o \
	src/time/duration.o
TIME_OBJS = src/time/zone.o src/time/time_sql.o
TIME_SQL = src/time/time.sql

# planner
PURE_PLANNER = src/planner/order.o src/planner/place.o src/planner/search.o src/planner/slots.o
PLANNER_OBJS = src/planner/announce.o src/planner/hours.o src/planner/load.o src/planner/new_tasks.o \
	src/planner/offers.o src/planner/plan_sql.o src/planner/triggers.o
PLANNER_SQL = src/planner/tables.sql src/planner/triggers.sql src/planner/tasks.sql src/planner/hours.sql \
	src/planner/slots.sql src/planner/events.sql src/planner/plan.sql src/planner/conflicts.sql src/planner/changes.sql \
	src/planner/views.sql

# llm
PURE_LLM = src/llm/builtin.o src/llm/builtin_class.o src/llm/builtin_deeds.o src/llm/builtin_detail.o \
	src/llm/builtin_lexicon.o src/llm/builtin_mail_phrases.o src/llm/builtin_match.o src/llm/builtin_phrases.o \
	src/llm/builtin_score.o src/llm/builtin_sentence.o src/llm/builtin_tasks.o src/llm/builtin_text.o \
	src/llm/builtin_words.o src/llm/facts.o
LLM_OBJS = src/llm/extract_sql.o src/llm/instant_sql.o src/llm/normal_sql.o src/llm/schema_sql.o
LLM_SQL = src/llm/extract.sql src/llm/models.sql src/llm/calls.sql src/llm/completion.sql src/llm/normalize.sql \
	src/llm/extraction.sql src/llm/chat.sql

# mail
PURE_MAIL = src/mail/buffer.o src/mail/charset.o src/mail/html.o src/mail/quote.o src/mail/parts.o src/mail/mime.o \
	src/mail/head.o src/mail/mailbox.o src/mail/invitation.o
MAIL_OBJS = src/mail/body_sql.o src/mail/mail_sql.o src/mail/import_sql.o
MAIL_SQL = src/mail/mail.sql src/mail/import.sql src/mail/pipeline.sql src/mail/connect.sql

# assistant
PURE_ASSISTANT = src/assistant/split.o src/assistant/describe.o
ASSISTANT_OBJS = src/assistant/assistant_sql.o
ASSISTANT_SQL = src/assistant/assistant.sql

# reports
REPORTS_OBJS =
REPORTS_SQL = src/reports/setup.sql src/reports/doctor.sql src/reports/recap.sql src/reports/upkeep.sql \
	src/reports/cron.sql src/reports/panic.sql src/reports/rotation.sql src/reports/privacy.sql

PURE_OBJS = $(PURE_TIME) $(PURE_HTTP) $(PURE_IDENTITY) $(PURE_PLANNER) $(PURE_LLM) $(PURE_MAIL) $(PURE_ASSISTANT)
OBJS = src/scheduler.o $(PURE_OBJS) $(CORE_OBJS) $(IDENTITY_OBJS) $(HTTP_OBJS) $(JOBS_OBJS) $(TIME_OBJS) \
	$(PLANNER_OBJS) $(LLM_OBJS) $(MAIL_OBJS) $(ASSISTANT_OBJS) $(REPORTS_OBJS)
ROOM_SQL = $(CORE_SQL) $(IDENTITY_SQL) $(HTTP_SQL) $(JOBS_SQL) $(TIME_SQL) $(PLANNER_SQL) $(LLM_SQL) $(MAIL_SQL) \
	$(ASSISTANT_SQL) $(REPORTS_SQL) src/core/finish.sql

DATA_built = scheduler--$(EXTVERSION).sql
EXTRA_CLEAN = scheduler--*.sql .build

PKGS = libcurl openssl gmime-3.0 libxml-2.0
PG_CPPFLAGS = -Isrc $(shell pkg-config --cflags $(PKGS) 2>/dev/null) -DSCHED_VERSION='"$(EXTVERSION)"' $(SCHED_CPPFLAGS)
PG_CFLAGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-declaration-after-statement $(SCHED_CFLAGS)
SHLIB_LINK = $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lcrypt $(SCHED_LDFLAGS)
# No bitcode: the hot paths are the server's own, and a clang of the server's exact version is not everywhere.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(PGXS),)
include $(PGXS)
else
all install:
	@echo "pg_config is missing: 'make deps' installs what building needs" >&2; exit 1
endif

scheduler--$(EXTVERSION).sql: $(ROOM_SQL) scheduler.control
	@{ printf '%s\n' '\echo Use "CREATE EXTENSION scheduler" to load this file. \quit'; cat $(ROOM_SQL); } > $@.tmp && mv $@.tmp $@

# Every object is built again when a header changes: few files, no dependency tool needed.
HEADERS_ALL = $(wildcard src/*/*.h)
$(OBJS): $(HEADERS_ALL) .build/server

# ... and when PG_CONFIG names another server than the last time.
.build/server: ALWAYS
	@mkdir -p .build
	@$(PG_CONFIG) --version --includedir-server | cmp -s - $@ || $(PG_CONFIG) --version --includedir-server > $@
.PHONY: ALWAYS

.PHONY: deps demo test test-quick test-upgrade unit lint format bench torture coverage mutants fuzz fuzz-check sanitize dist print-pure
deps:
	@bash test/lib/deps.sh

test-quick test unit: deps
	@bash test/run.sh $@

# From the server of PG_CONFIG to a later one: make test-upgrade PG_CONFIG_NEW=/path/to/its/pg_config
test-upgrade: deps
	@[ -n "$(PG_CONFIG_NEW)" ] || { echo "name the later server: PG_CONFIG_NEW=/path/to/its/pg_config" >&2; exit 1; }
	@PG_CONFIG_NEW="$(PG_CONFIG_NEW)" bash test/run.sh tap upgrade

lint: deps
	@bash test/lint.sh

# Unit tests link the pure objects alone: test/unit/<room>_test.c.
UNIT_DIR ?= .build/unit
$(UNIT_DIR)/%_test: test/unit/%_test.c test/unit/tap.h test/lib/fixed_zone.h $(PURE_OBJS) $(ENGINE_OBJS)
	@mkdir -p $(UNIT_DIR)
	$(CC) -g -O1 -Wall -Wextra -Werror -Wno-unused-parameter -D_GNU_SOURCE $(PG_CPPFLAGS) -Itest/unit -o $@ $< $(PURE_OBJS) $(ENGINE_OBJS) $(shell pkg-config --libs $(PKGS)) -lcrypt -lm $(SCHED_LDFLAGS)

# Fuzz targets link the pure objects, built with sanitizers: NAME_fuzz by clang with libFuzzer, NAME_check by any compiler;
# NAME_grow without, as the time of some of their checks grows with the square of the input (memmem, iconv).
FUZZ_DIR ?= .build/fuzz
FUZZ_CLANG ?= clang-14
FUZZ_FLAGS = -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -D_GNU_SOURCE $(PG_CPPFLAGS)
FUZZ_LIBS = $(shell pkg-config --libs $(PKGS)) -lcrypt -lm
FUZZ_PLAIN = -g -O1 -D_GNU_SOURCE $(PG_CPPFLAGS)
.PRECIOUS: $(FUZZ_DIR)/clang/%.o $(FUZZ_DIR)/cc/%.o $(FUZZ_DIR)/plain/%.o
$(FUZZ_DIR)/clang/%.o: %.c $(HEADERS_ALL)
	@mkdir -p $(@D)
	$(FUZZ_CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,float-cast-overflow -c -o $@ $<
$(FUZZ_DIR)/cc/%.o: %.c $(HEADERS_ALL)
	@mkdir -p $(@D)
	$(CC) $(FUZZ_FLAGS) -fsanitize=float-cast-overflow -c -o $@ $<
$(FUZZ_DIR)/plain/%.o: %.c $(HEADERS_ALL)
	@mkdir -p $(@D)
	$(CC) $(FUZZ_PLAIN) -c -o $@ $<
$(FUZZ_DIR)/%_fuzz: test/fuzz/%_fuzz.c test/fuzz/fuzz.h test/lib/fixed_zone.h $(addprefix $(FUZZ_DIR)/clang/,$(PURE_OBJS))
	$(FUZZ_CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $< $(filter %.o,$^) $(FUZZ_LIBS)
$(FUZZ_DIR)/%_check: test/fuzz/%_fuzz.c test/fuzz/driver.c test/fuzz/fuzz.h test/lib/fixed_zone.h $(addprefix $(FUZZ_DIR)/cc/,$(PURE_OBJS))
	$(CC) $(FUZZ_FLAGS) -Wall -Wextra -Werror -Wno-unused-parameter -o $@ $< test/fuzz/driver.c $(filter %.o,$^) $(FUZZ_LIBS)
$(FUZZ_DIR)/%_grow: test/fuzz/%_fuzz.c test/fuzz/driver.c test/fuzz/fuzz.h test/lib/fixed_zone.h $(addprefix $(FUZZ_DIR)/plain/,$(PURE_OBJS))
	$(CC) $(FUZZ_PLAIN) -o $@ $< test/fuzz/driver.c $(filter %.o,$^) $(FUZZ_LIBS)

fuzz:
	@bash test/lib/deps.sh fuzz && bash test/fuzz/run.sh $(TARGETS)
fuzz-check: deps
	@bash test/fuzz/run.sh check $(TARGETS)

sanitize: deps
	@bash test/sanitize.sh $(PARTS)

print-pure:
	@echo $(PURE_OBJS)

format:
	clang-format-14 -i $(wildcard src/*.c src/*/*.c src/*/*.h test/unit/*.c test/unit/*.h)

# A login shell has a MAIL of its own, the system's mail box: only one on make's command line is meant.
demo: export DEMO_MAIL = $(if $(filter command,$(origin MAIL)),$(MAIL))
demo:
	@bash test/demo.sh

mutants: deps
	@bash test/mutants.sh $(ROOMS)

coverage: deps
	@bash test/coverage.sh

torture: export TAP_TIMEOUT = 14400
torture: export KILLS ?= 1000
torture: export MAILS ?= 10000
torture: deps
	@bash test/run.sh torture

bench: deps
	@bash test/bench/run.sh

dist:
	@mkdir -p dist && git archive --format=zip --prefix=scheduler-$(EXTVERSION)/ -o dist/scheduler-$(EXTVERSION).zip HEAD && echo dist/scheduler-$(EXTVERSION).zip
