#!/usr/bin/env bash
# What an idle database costs: statements of ours in SECONDS_IDLE seconds (180) with POLL between two looks of the worker
# (1min), counted by pg_stat_statements with those inside functions, and the processor time of all our processes.
. "$(dirname "$0")/common.bash"
SECONDS_IDLE=${SECONDS_IDLE:-180}
POLL=${POLL:-1min}
bench_start idle "shared_preload_libraries = 'scheduler, pg_stat_statements'" "pg_stat_statements.track = all" \
	"scheduler.poll_interval = $POLL"
q "CREATE EXTENSION pg_stat_statements;
	SELECT scheduler.create_user('me@example.org', 'Me', 'UTC')" >/dev/null
# What starts with the worker is over: partitions, the first looks.
sleep 5
before=$(workers_cpu)
q "SELECT pg_stat_statements_reset()" >/dev/null
sleep "$SECONDS_IDLE"
calls=$(q "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query !~ 'pg_stat_statements'")
looks=$(q "SELECT $SECONDS_IDLE / extract(epoch FROM '$POLL'::interval)")
[ -z "${SHOW:-}" ] || q "SELECT calls, left(regexp_replace(query, '\s+', ' ', 'g'), 150) FROM pg_stat_statements ORDER BY calls DESC"
figure "statements in $SECONDS_IDLE s of an idle database, poll_interval $POLL" "$calls" statements "looks" "$looks"
figure "the same, processor time of the worker" "$(calc "($(workers_cpu) - $before) * 1000")" ms
