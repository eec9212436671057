#!/usr/bin/env bash
# Noop jobs per second through one worker, beside the floor of the same run: a table of as many rows updated by
# UPDATE ... = ANY (ARRAY(SELECT ... FOR UPDATE SKIP LOCKED)) in a procedure, as many rows per commit as a batch has.
set -eu
cd "$(dirname "$0")/../.."
. test/lib/cluster.sh
JOBS=${JOBS:-200000}
RUNS=${RUNS:-3}
stage_server
start_cluster drain "timezone = 'UTC'" "shared_buffers = '512MB'" "max_wal_size = '4GB'" "autovacuum = off"
trap 'stop_cluster drain' EXIT
ask() { stage_psql drain -Atc "$1"; }
ask "CREATE EXTENSION scheduler CASCADE" 2>/dev/null
ask "CREATE TABLE floor (id bigint PRIMARY KEY, status int NOT NULL, done_at timestamptz);
	CREATE INDEX ON floor (id) WHERE status = 0;
	CREATE PROCEDURE drain_floor(n int) LANGUAGE plpgsql AS \$\$
	DECLARE k int;
	BEGIN
		LOOP
			UPDATE floor SET status = 1, done_at = clock_timestamp() WHERE id = ANY (ARRAY(SELECT id FROM floor
				WHERE status = 0 ORDER BY id LIMIT n FOR UPDATE SKIP LOCKED));
			GET DIAGNOSTICS k = ROW_COUNT;
			COMMIT;
			EXIT WHEN k = 0;
		END LOOP;
	END \$\$" >/dev/null

rates=""
floors=""
for _ in $(seq "$RUNS"); do
	ask "SELECT scheduler.disarm(); DELETE FROM scheduler.finished_jobs; TRUNCATE floor" >/dev/null
	ask "VACUUM ANALYZE scheduler.live_jobs, scheduler.finished_jobs, floor"
	ask "INSERT INTO floor SELECT i, 0 FROM generate_series(1, $JOBS) AS i"
	ask "SELECT scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[$JOBS]))" >/dev/null 2>&1
	ask "VACUUM ANALYZE scheduler.live_jobs, floor"
	ask "CHECKPOINT"
	floors="$floors $(stage_psql drain -At <<-SQL
		SELECT clock_timestamp() AS t \gset
		CALL drain_floor(500);
		SELECT round($JOBS / extract(epoch FROM clock_timestamp() - :'t'))
	SQL
	)"
	ask "CHECKPOINT"
	ask "SELECT scheduler.arm()" >/dev/null
	until [ "$(ask "SELECT count(*) FROM scheduler.live_jobs")" = 0 ]; do sleep 0.2; done
	rates="$rates $(ask "SELECT round(count(*) / extract(epoch FROM max(finished_at) - min(started_at))) FROM scheduler.finished_jobs")"
done
median() { printf '%s\n' $1 | sort -n | sed -n "$(((RUNS + 1) / 2))p"; }
rate=$(median "$rates")
floor=$(median "$floors")
echo "noop jobs per second, one worker: $rate (runs:$rates)"
echo "floor, rows per second updated 500 at a time: $floor (runs:$floors)"
echo "ratio $(awk "BEGIN { printf \"%.2f\", $rate / $floor }")"
