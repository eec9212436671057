#!/usr/bin/env bash
# What writing to the audit log costs who writes: 16 clients set their secrets' hosts, so to say: one small function that
# changes a row, with and without a row of audit_log in the same transaction, a worker sealing all the while.
#
# Floor: the same without audit, in the same run. And nobody waits: locks that a writer waited for while being audited, sampled.
. "$(dirname "$0")/common.bash"
SECONDS_EACH=${SECONDS_EACH:-5}
CLIENTS=${CLIENTS:-16}
bench_start audit "max_connections = 60" "scheduler.poll_interval = 500"
q "SELECT scheduler.create_master_key();
	CREATE TABLE things (id integer PRIMARY KEY, value integer NOT NULL DEFAULT 0) WITH (fillfactor = 50);
	INSERT INTO things SELECT generate_series(1, 1000);
	CREATE FUNCTION plain(thing integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
		\$\$ BEGIN UPDATE public.things t SET value = t.value + 1 WHERE t.id = \$1; END \$\$;
	CREATE FUNCTION audited(thing integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
		\$\$ BEGIN UPDATE public.things t SET value = t.value + 1 WHERE t.id = \$1;
			PERFORM scheduler.record_audit('thing.changed', 'ok', NULL, jsonb_build_object('thing', \$1)); END \$\$" >/dev/null

# Transactions per second of a function, each client with things of its own.
rate() {
	echo "\\set thing :client_id * 60 + random(1, 60)
SELECT $1(:thing);" >"$BENCH_TEMP/audit.sql"
	q CHECKPOINT
	as_server "$BIN/pgbench" -n -M prepared -c "$CLIENTS" -j 2 -T "$SECONDS_EACH" -f "$BENCH_TEMP/audit.sql" 2>/dev/null |
		awk '/^tps/ { print $3 }'
}

# How many of the writers wait for a heavyweight lock, a hundred times a run; an extension of the relation is none.
waits() {
	local sum=0
	for _ in $(seq 20); do
		sum=$((sum + $(q "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench' AND wait_event_type = 'Lock' AND wait_event <> 'extend'")))
		sleep 0.1
	done
	echo "$sum" >"$BENCH_TEMP/waits"
}

for run in $(seq "$RUNS"); do
	floors="${floors:-} $(rate plain)"
	waits &
	audited="${audited:-} $(rate audited)"
	wait $!
	waited=$((${waited:-0} + $(cat "$BENCH_TEMP/waits")))
	wait_until "SELECT count(*) = 0 FROM scheduler.audit_log WHERE audit_seq IS NULL"
done
figure "audited, $CLIENTS clients" "$(middle "$audited")" tx/s "without audit" "$(middle "$floors")"
figure "writers seen waiting for a lock meanwhile" "$waited" of "samples" $((20 * RUNS * CLIENTS))
figure "rows verified" "$(calc "$(q "SELECT count(*) FROM scheduler.audit_log") / ($(q_timed "SELECT count(*) FROM scheduler.verify_audit_log()") / 1000)")" rows/s
