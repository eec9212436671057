#!/usr/bin/env bash
# The tests with a library built with -fsanitize=address,undefined, in a stage of its own: unit tests with leak detection,
# then every pg_regress and isolation test, then the TAP tests named here (TAP="..." others). Any report fails it.
#
#   test/sanitize.sh [unit|regress|isolation|tap ..]
#
# The server itself is Debian's: a wrapper preloads the sanitizers into it. What they cannot see is in
# doc/architecture.md.
set -u
cd "$(dirname "$0")/.."
work=${TMPDIR:-/var/tmp}/scheduler-sanitize-$(id -un)
rm -rf "$work" "$work-stage"
mkdir -p "$work"
trap 'rm -rf "$work" "$work-stage"' EXIT
git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$work"
export SCHED_STAGE="$work-stage"
flags="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
export SCHED_CFLAGS="$flags -O1 -g -Wno-maybe-uninitialized" SCHED_LDFLAGS="$flags"
export TAP_TIMEOUT=${TAP_TIMEOUT:-1200}
parts=${*:-unit regress isolation tap}
failed=0
cd "$work" || exit 1
make -s -j"$(nproc)" all || exit 1

# GLib would take small objects out of pages of its own.
export G_SLICE=always-malloc
run_unit() {
	local source name
	export LSAN_OPTIONS="suppressions=$work/test/fuzz/lsan.supp:print_suppressions=0"
	for source in test/unit/*_test.c; do
		name=$(basename "$source" .c)
		if make -s ".build/unit/$name" SCHED_LDFLAGS="$flags" &&
			(cd test && UBSAN_OPTIONS=print_stacktrace=1 "../.build/unit/$name") >"$work.log" 2>&1; then
			echo "unit ${name%_test}: $(grep -c '^ok ' "$work.log") passed"
		else
			grep -v '^ok ' "$work.log" | head -n 60
			echo "unit ${name%_test}: failed"
			failed=1
		fi
	done
	rm -f "$work.log"
}

# Every postgres of the stage, initdb's too, starts with the sanitizers; reports go to a folder.
wrap_server() {
	. test/lib/cluster.sh
	stage_server || exit 1
	mkdir -p "$STAGE/reports"
	own "$STAGE/reports"
	# The sanitizer starts with the first malloc. In Debian's server that is one inside bindtextdomain(), with a lock held that
	# the sanitizer's own start takes again: a library that comes before all others does it earlier.
	printf '#include <stdlib.h>\n__attribute__((constructor)) static void start(void) { free(malloc(1)); }\n' |
		gcc -O0 -shared -fPIC -Wl,-z,initfirst -xc -o "$STAGE/start.so" - || exit 1
	mv "$BIN/postgres" "$BIN/postgres.plain"
	cat >"$BIN/postgres" <<-WRAPPER
		#!/bin/bash
		export LD_PRELOAD=$(readlink -f "$(gcc -print-file-name=libasan.so)"):$(readlink -f "$(gcc -print-file-name=libubsan.so)"):$STAGE/start.so
		export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:disable_coredump=1:log_path=$STAGE/reports/asan
		export UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1:log_path=$STAGE/reports/ubsan
		export G_SLICE=always-malloc
		exec -a "\$0" "\$(dirname "\$0")/postgres.plain" "\$@"
	WRAPPER
	chmod 755 "$BIN/postgres"
}

# An overflow of our own must be seen, or the rest says nothing.
prove_it_works() {
	printf '#include "postgres.h"\n#include "fmgr.h"\nPG_MODULE_MAGIC;\nPG_FUNCTION_INFO_V1(overflow);\nDatum overflow(PG_FUNCTION_ARGS)\n{\n\tchar *volatile room = malloc(8);\n\troom[PG_GETARG_INT32(0)] = 1;\n\treturn 0;\n}\n' >overflow.c
	gcc $flags -fPIC -shared -I"$($PG_CONFIG --includedir-server)" -o "$SERVER$PG_LIBDIR/overflow.so" overflow.c || return 1
	start_cluster overflow "fsync = off" "restart_after_crash = off" "scheduler.databases = 'none'" || return 1
	stage_psql overflow -c "CREATE FUNCTION overflow(int) RETURNS int LANGUAGE c STRICT AS 'overflow'" \
		-c "SELECT overflow(8)" >/dev/null 2>&1
	stop_cluster overflow
	rm -f "$SERVER$PG_LIBDIR/overflow.so"
	grep -qs heap-buffer-overflow "$STAGE"/reports/asan.* || return 1
	rm -f "$STAGE"/reports/*
}

for part in $parts; do
	[ "$part" != unit ] || { run_unit; continue; }
	if [ ! -e "$SCHED_STAGE/reports" ]; then
		wrap_server
		prove_it_works || { echo "the sanitizers do not see an overflow in a library of the server"; exit 1; }
	fi
	names=""
	[ "$part" != tap ] || names=${TAP:-jobs http http_faults jobs_faults llm mail_poll badinput fuzz}
	bash test/run.sh "$part" $(for name in $names; do [ ! -e "test/t/$name.pl" ] || echo "$name"; done) || failed=1
	for report in "$SCHED_STAGE"/reports/*; do
		[ -e "$report" ] || continue
		head -n 60 "$report"
		failed=1
	done
	rm -f "$SCHED_STAGE"/reports/*
done
[ $failed = 0 ] && echo "sanitize: nothing found"
[ $failed = 0 ]
