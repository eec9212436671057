#!/usr/bin/env bash
# Single enqueues from 16 clients, one commit each: while no worker may take them (disarmed), and while one works them off.
#
# Floor: an INSERT into a minimal table from as many clients.
. "$(dirname "$0")/common.bash"
SECONDS_EACH=${SECONDS_EACH:-4}
CLIENTS=${CLIENTS:-16}
bench_start enqueue "max_connections = 60"
q "CREATE TABLE floor_jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status smallint NOT NULL DEFAULT 0,
		run_at timestamptz NOT NULL DEFAULT now(), payload jsonb, done_at timestamptz);
	CREATE INDEX floor_jobs_ready ON floor_jobs (id) WHERE status = 0"

# Transactions per second of a statement.
rate() {
	echo "$1" >"$BENCH_TEMP/enqueue.sql"
	q CHECKPOINT
	as_server env PGOPTIONS="-c client_min_messages=error" "$BIN/pgbench" -n -M prepared -c "$CLIENTS" -j 2 \
		-T "$SECONDS_EACH" -f "$BENCH_TEMP/enqueue.sql" 2>/dev/null | awk '/^tps/ { print $3 }'
}

for run in $(seq "$RUNS"); do
	q "SELECT scheduler.disarm(); TRUNCATE floor_jobs, scheduler.live_jobs, scheduler.finished_jobs" >/dev/null
	floors="${floors:-} $(rate "INSERT INTO floor_jobs (payload) VALUES ('{\"task\": \"noop\"}');")"
	resting="${resting:-} $(rate "SELECT scheduler.enqueue('noop', '{\"task\": \"noop\"}');")"
	q "TRUNCATE scheduler.live_jobs; SELECT scheduler.arm()" >/dev/null
	working="${working:-} $(rate "SELECT scheduler.enqueue('noop', '{\"task\": \"noop\"}');")"
done
figure "enqueue, $CLIENTS clients" "$(middle "$resting")" jobs/s "bare INSERT" "$(middle "$floors")"
figure "enqueue, $CLIENTS clients, while a worker runs them" "$(middle "$working")" jobs/s "bare INSERT" "$(middle "$floors")"
