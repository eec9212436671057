#!/usr/bin/env bash
# Looks at token buckets in shared memory, through SQL: one process, then two at once, each over 100,000 keys; then two on
# one key. A lookup here is the whole way of a caller: find the bucket, read the clock, take or refuse.
#
# Peer: a C function of the server's own, hashint8extended(), in the same loop.
. "$(dirname "$0")/common.bash"
COUNT=${COUNT:-2000000}
bench_start buckets

# calls_per_second SQL_EXPRESSION PROCESSES: calls a second of all processes together, the loop's own cost included.
calls_per_second() {
	local i ms slowest=0
	for i in $(seq "$2"); do
		timed "SELECT count(*) FROM generate_series(1, $COUNT) AS k WHERE $1 < 0" >"$BENCH_TEMP/buckets.$i" &
	done
	wait $(jobs -p)
	for i in $(seq "$2"); do
		ms=$(<"$BENCH_TEMP/buckets.$i")
		slowest=$(calc "($ms > $slowest ? $ms : $slowest)")
	done
	calc "$COUNT * $2 * 1000 / $slowest" %.0f
}

timed() {
	as_server env PGOPTIONS="-c jit=off -c max_parallel_workers_per_gather=0" "$BIN/psql" -qAtX -v ON_ERROR_STOP=1 \
		-c "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY ON) $1" | sed -n 's/^Execution Time: \([0-9.]*\) ms/\1/p'
}

floors="" one="" two="" hot=""
for run in $(seq "$RUNS"); do
	floors="$floors $(calls_per_second "pg_catalog.hashint8extended(k, 0) & 0" 1)"
	one="$one $(calls_per_second "scheduler.take_bucket('api', k % 100000, 1, 5)" 1)"
	two="$two $(calls_per_second "scheduler.take_bucket('api', k % 100000, 1, 5)" 2)"
	hot="$hot $(calls_per_second "scheduler.take_bucket('api', 1, 10000, 100)" 2)"
done
figure "checks of 100,000 buckets, one process" "$(middle "$one")" /s "hashint8extended()" "$(middle "$floors")"
figure "checks of 100,000 buckets, two processes" "$(middle "$two")" /s "hashint8extended()" "$(middle "$floors")"
figure "checks of one bucket, two processes" "$(middle "$hot")" /s "hashint8extended()" "$(middle "$floors")"
