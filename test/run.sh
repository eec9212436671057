#!/usr/bin/env bash
# Runs the tests and prints "N passed, N failed" last.
#
#   test/run.sh test-quick     unit, pg_regress, isolation
#   test/run.sh test           these, then TAP with real workers and services
#   test/run.sh unit|regress|isolation|tap [name ..]
#   test/run.sh torture        the TAP test of that name, long: what it tells is printed as it comes
#   ACCEPT=1 test/run.sh regress|isolation [name ..]   takes the results over as what is expected (read the diff!)
set -u
cd "$(dirname "$0")/.."
. test/lib/cluster.sh
. test/lib/faults.sh
. test/lib/second.sh

passed=0
failed=0
started=$SECONDS

# Counts the "ok" and "not ok" lines of a log (TAP and pg_regress both print them).
count() {
	local log=$1 name=$2 exit_code=$3 good bad
	good=$(grep -cE '^(ok |test .* \.\.\. ok)' "$log")
	bad=$(grep -cE '^(not ok|test .* \.\.\. FAILED)' "$log")
	# A part that ended badly without naming a failed test counts as one.
	[ "$exit_code" = 0 ] || [ "$bad" -gt 0 ] || bad=1
	passed=$((passed + good))
	failed=$((failed + bad))
	printf '%-28s %4d passed %3d failed %4d s\n' "$name" "$good" "$bad" $((SECONDS - part_started))
	sed -n 's/^# \(score\|torture\|disk\) /    /p' "$log"
	[ "$bad" = 0 ] || grep -vE '^(ok |test .* \.\.\. ok)' "$log" | tail -n "${FAILED_LINES:-40}"
}

# What a test that was interrupted, or that took too long, left running.
stop_servers() {
	local file
	for file in "$STAGE"/clusters/{regress,isolation,demo_*,readme*}/data/postmaster.pid \
		"$STAGE"/tap/*/tmp_check/*/pgdata/postmaster.pid; do
		[ ! -e "$file" ] || stop_server "${file%/postmaster.pid}" immediate 2>/dev/null
	done
}
trap stop_servers EXIT
trap 'exit 130' INT TERM HUP

part() {
	part_started=$SECONDS
	log="$STAGE/log.$1"
}

# The seeds of the fuzz targets come last: every input that once failed is among them.
run_unit() {
	local source name
	mkdir -p "$STAGE/unit"
	for source in test/unit/*_test.c; do
		[ -e "$source" ] || continue
		name=$(basename "$source" .c)
		[ $# = 0 ] || case " $* " in *" ${name%_test} "*) ;; *) continue ;; esac
		part "$name"
		{
			make -s "$STAGE/unit/$name" UNIT_DIR="$STAGE/unit" &&
				(cd test && valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
					--suppressions=unit/valgrind.supp "$STAGE/unit/$name")
		} >"$log" 2>&1
		count "$log" "unit ${name%_test}" $?
	done
	case " ${*:-fuzz} " in
		*" fuzz "*)
			part fuzz
			bash test/fuzz/run.sh check >"$log" 2>&1
			count "$log" "unit fuzz" $?
			;;
	esac
}

version_of_tree() {
	sed -n "s/^default_version = '\(.*\)'/\1/p" scheduler.control
}

# Each begins with a new cluster: one that an interrupted run left has its roles.
run_regress() {
	local names=$* file name
	[ -n "$names" ] || names=$(ls sql | sed -n 's/\.sql$//p')
	KEEP="" stop_cluster regress
	start_cluster regress "fsync = off" "scheduler.databases = 'none'" "timezone = 'UTC'" "datestyle = 'ISO, MDY'" \
		"intervalstyle = 'postgres'" || { failed=$((failed + 1)); return; }
	for name in $names; do
		part "regress.$name"
		as_server sh -c "rm -rf '$STAGE/regress/$name'; mkdir -p '$STAGE/regress/$name'"
		as_server "$SERVER$PG_LIBDIR/pgxs/src/test/regress/pg_regress" --bindir="$BIN" --inputdir="$STAGE/tree" \
			--outputdir="$STAGE/regress/$name" --host="$STAGE/clusters/regress" --port="$(cluster_port regress)" \
			--user=postgres --dbname="regress_$name" --load-extension=btree_gist --load-extension=scheduler "$name" \
			>"$log" 2>&1
		code=$?
		[ -z "${ACCEPT:-}" ] || cp "$STAGE/regress/$name/results/$name.out" expected/
		[ $code = 0 ] || head -n 120 "$STAGE/regress/$name/regression.diffs" >>"$log" 2>/dev/null
		count "$log" "regress $name" $code
	done
	stop_cluster regress
}

run_isolation() {
	local names=$* name
	[ -n "$names" ] || names=$(ls test/specs 2>/dev/null | sed -n 's/\.spec$//p')
	[ -n "$names" ] || return
	KEEP="" stop_cluster isolation
	start_cluster isolation "fsync = off" "scheduler.databases = 'none'" "timezone = 'UTC'" ||
		{ failed=$((failed + 1)); return; }
	part isolation
	as_server sh -c "rm -rf '$STAGE/isolation'; mkdir -p '$STAGE/isolation'"
	as_server "$SERVER$PG_LIBDIR/pgxs/src/test/isolation/pg_isolation_regress" --bindir="$BIN" \
		--inputdir="$STAGE/tree/test" --outputdir="$STAGE/isolation" --host="$STAGE/clusters/isolation" \
		--port="$(cluster_port isolation)" --user=postgres --dbname=isolation --load-extension=btree_gist \
		--load-extension=scheduler $names >"$log" 2>&1
	code=$?
	[ -z "${ACCEPT:-}" ] || { mkdir -p test/expected; cp "$STAGE"/isolation/*/*.out test/expected/; }
	[ $code = 0 ] || cat "$STAGE/isolation/regression.diffs" "$STAGE/isolation/output_iso/regression.diffs" >>"$log" 2>/dev/null
	count "$log" "isolation" $code
	stop_cluster isolation
}

run_tap() {
	local names=$* name user
	[ -n "$names" ] || names=$(ls test/t 2>/dev/null | sed -n 's/\.pl$//p')
	[ -z "$names" ] || bash test/lib/services.sh || { echo "test services could not be prepared" >&2; failed=$((failed + 1)); }
	for name in $names; do
		part "tap.$name"
		server_bin=$BIN
		# What kills processes at named points needs a build that has them.
		case $name in *_faults | crash | torture) stage_faults && server_bin=$FAULT_SERVER$PG_BINDIR ;; esac
		# A version to update to; only who stages may write there.
		[ "$name" != ddl ] || cp test/data/update.sql "$SERVER$PG_SHAREDIR/extension/scheduler--$(version_of_tree)--$(version_of_tree).test.sql"
		[ "$name" != upgrade ] || stage_second || { echo "the server of PG_CONFIG_NEW could not be prepared" >&2; failed=$((failed + 1)); }
		as_server sh -c "rm -rf '$STAGE/tap/$name'; mkdir -p '$STAGE/tap/$name'"
		user=$AS_SERVER_USER
		# Filesystems that are soon full, where the system allows it.
		if [ "$name" = disk ]; then
			as_server sh -c "mkdir -p '$STAGE/tap/small'"
			AS_SERVER_USER="bash $TREE/test/lib/small_disks.sh $STAGE/tap/small $user"
		fi
		as_server env SMALL="$STAGE/tap/small" PATH="$server_bin:$PATH" TESTDIR="$STAGE/tap/$name" TESTDATADIR="$STAGE/tap/$name" TESTLOGDIR="$STAGE/tap/$name" PG_REGRESS="$SERVER$PG_LIBDIR/pgxs/src/test/regress/pg_regress" \
			TZ=UTC PERL5LIB="$SERVER$PG_LIBDIR/pgxs/src/test/perl:$STAGE/tree/test/lib" STAGE="$STAGE" TREE="$STAGE/tree" SECOND_BIN="$SECOND_BIN" \
			timeout --foreground -k 60 "${TAP_TIMEOUT:-300}" perl -Msigtrap=die,INT,TERM,HUP "$STAGE/tree/test/t/$name.pl" >"$log" 2>&1
		code=$?
		AS_SERVER_USER=$user
		count "$log" "tap $name" $code
		# What a failed test leaves is worth a look; all the others together would be half a gigabyte.
		[ $code != 0 ] || rm -rf "$STAGE/tap/$name"
	done
}

run_torture() {
	local log="$STAGE/log.tap.torture" follower
	: >"$log"
	tail --pid=$$ -n +1 -F "$log" 2>/dev/null > >(grep --line-buffered -E '^(# torture|# seed|not ok)') &
	follower=$!
	run_tap torture
	kill "$follower"
}

suite=$1
shift
stage_server || { echo "0 passed, 1 failed"; exit 1; }
case $suite in
	unit | regress | isolation | tap | torture) "run_$suite" "$@" ;;
	test-quick) run_unit; run_regress; run_isolation ;;
	test) run_unit; run_regress; run_isolation; run_tap ;;
	*) echo "unknown suite $suite" >&2; exit 2 ;;
esac
echo "took $((SECONDS - started)) s"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
