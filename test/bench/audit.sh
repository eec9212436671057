#!/usr/bin/env bash
# What the audit log costs who writes: 16 clients do a deed with and without a row of audit_log in the same transaction; the
# worker numbers and seals meanwhile, on the same processors. The deeds: set_secret(), which is audited, against a copy of it
# that does not record; and, as the least that a deed can be, a function that changes one small row.
#
# Floor: the same without audit, in the same run. Nobody waits: writers waiting for a lock, sampled.
. "$(dirname "$0")/common.bash"
SECONDS_EACH=${SECONDS_EACH:-4}
CLIENTS=${CLIENTS:-16}
bench_start audit "max_connections = 60" "scheduler.poll_interval = 500"
q "SELECT scheduler.create_master_key();
	CREATE TABLE things (id integer PRIMARY KEY, value integer NOT NULL DEFAULT 0) WITH (fillfactor = 50);
	INSERT INTO things SELECT generate_series(1, 1000);
	CREATE FUNCTION change(thing integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
		\$\$ BEGIN UPDATE public.things t SET value = t.value + 1 WHERE t.id = \$1; END \$\$;
	CREATE FUNCTION change_audited(thing integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
		\$\$ BEGIN UPDATE public.things t SET value = t.value + 1 WHERE t.id = \$1;
			PERFORM scheduler.record_audit('thing.changed', 'ok', NULL, jsonb_build_object('thing', \$1)); END \$\$;
	DO \$do\$ BEGIN EXECUTE regexp_replace(replace(pg_get_functiondef('scheduler.set_secret'::regproc), 'scheduler.set_secret(', 'public.set_unaudited('),
		'PERFORM scheduler.record_audit[^;]*;', ''); END \$do\$" >/dev/null
[ "$(q "SELECT prosrc ~ 'record_audit' FROM pg_proc WHERE proname = 'set_unaudited'")" = f ]

# Transactions per second of a statement, each client with things and secrets of its own.
rate() {
	printf '%s\n' '\set thing :client_id * 60 + random(1, 60)' "SELECT $1;" >"$BENCH_TEMP/audit.sql"
	q CHECKPOINT
	as_server "$BIN/pgbench" -n -M prepared -c "$CLIENTS" -j 2 -T "$SECONDS_EACH" -f "$BENCH_TEMP/audit.sql" 2>/dev/null |
		awk '/^tps/ { print $3 }'
}

# How many of the writers wait for a lock, twenty times a run; who waits for a new page of a table holds up nobody.
waits() {
	local sum=0
	for _ in $(seq 20); do
		sum=$((sum + $(q "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench' AND wait_event_type = 'Lock' AND wait_event <> 'extend'")))
		sleep 0.1
	done
	echo "$sum" >"$BENCH_TEMP/waits"
}

secret="('s' || :thing, 'a value that is a little longer than nothing', ARRAY['example.org'])"
rate "scheduler.set_secret$secret" >/dev/null
for run in $(seq "$RUNS"); do
	secrets="${secrets:-} $(rate "public.set_unaudited$secret")"
	waits &
	audited_secrets="${audited_secrets:-} $(rate "scheduler.set_secret$secret")"
	wait $!
	waited=$((${waited:-0} + $(cat "$BENCH_TEMP/waits")))
	changes="${changes:-} $(rate "change(:thing)")"
	audited_changes="${audited_changes:-} $(rate "change_audited(:thing)")"
	wait_until "SELECT count(*) = 0 FROM scheduler.audit_log WHERE audit_seq IS NULL"
done
figure "set_secret(), $CLIENTS clients" "$(middle "$audited_secrets")" tx/s "without audit" "$(middle "$secrets")"
figure "one small row changed, $CLIENTS clients" "$(middle "$audited_changes")" tx/s "without audit" "$(middle "$changes")"
echo "writers seen waiting for a lock: $waited of $((20 * RUNS * CLIENTS))"
start=$(date +%s.%N)
q "SELECT count(*) FROM scheduler.verify_audit_log()" >/dev/null
figure "rows verified" "$(calc "$(q "SELECT count(*) FROM scheduler.audit_log") / ($(date +%s.%N) - $start)")" rows/s
