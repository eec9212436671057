#!/usr/bin/env bash
# External workers: jobs claimed and finished 100 at a time by one client, two commits for each hundred, against a queue
# table as pgmq has it, whose messages are read (made invisible for a while) and deleted, or moved to an archive.
#
#   CLAIM_JOBS=50000   jobs of a run
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
CLAIM_JOBS=${CLAIM_JOBS:-50000}
ROUNDS=$((CLAIM_JOBS / 100))
bench_start claims

q "SELECT scheduler.register_job_kind('bench.claim')" >/dev/null
q "CREATE TABLE q (msg_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, read_ct int DEFAULT 0 NOT NULL,
	enqueued_at timestamptz DEFAULT now() NOT NULL, vt timestamptz NOT NULL, message jsonb);
	CREATE INDEX ON q (vt); CREATE TABLE a (LIKE q, archived_at timestamptz DEFAULT now()); ALTER TABLE a ADD PRIMARY KEY (msg_id)" >/dev/null
cat >"$BENCH_TEMP/claim.sql" <<'SQL'
SELECT array_agg(job_id) AS ids, max(claim) AS claim FROM scheduler.claim_jobs('{bench.claim}', 100) \gset
SELECT cardinality(scheduler.finish_jobs(':ids', claim => :claim));
SQL
read_sql="WITH c AS (SELECT msg_id FROM q WHERE vt <= clock_timestamp() ORDER BY msg_id LIMIT 100 FOR UPDATE SKIP LOCKED),
	u AS (UPDATE q SET vt = clock_timestamp() + interval '1 minute', read_ct = read_ct + 1 FROM c WHERE q.msg_id = c.msg_id RETURNING q.*)
	SELECT array_agg(msg_id) AS ids FROM u \\gset"
printf '%s\n%s\n' "$read_sql" "DELETE FROM q WHERE msg_id = ANY (':ids'::bigint[]);" >"$BENCH_TEMP/delete.sql"
printf '%s\n%s\n' "$read_sql" "WITH d AS (DELETE FROM q WHERE msg_id = ANY (':ids'::bigint[]) RETURNING *)
	INSERT INTO a (msg_id, vt, read_ct, enqueued_at, message) SELECT msg_id, vt, read_ct, enqueued_at, message FROM d;" >"$BENCH_TEMP/archive.sql"
own "$BENCH_TEMP"

fill_queue() {
	q "TRUNCATE q, a; INSERT INTO q (vt, message) SELECT now(), '{}' FROM generate_series(1, $CLAIM_JOBS)" >/dev/null
	q "VACUUM ANALYZE q" >/dev/null
}

# rate SCRIPT: of one client through its rounds.
rate() {
	q "CHECKPOINT" >/dev/null
	as_server "$BIN/pgbench" -n -c 1 -t "$ROUNDS" -f "$BENCH_TEMP/$1.sql" 2>"$BENCH_TEMP/pgbench.err" |
		awk '/^tps/ { print $3 * 100 }'
}

claims=""
deletes=""
archives=""
for _ in $(seq "$RUNS"); do
	fill_queue
	deletes="$deletes $(rate delete)"
	fill_queue
	archives="$archives $(rate archive)"
	q "SELECT scheduler.enqueue_many('bench.claim', array_fill('{}'::jsonb, ARRAY[$CLAIM_JOBS]))" >/dev/null
	q "VACUUM ANALYZE scheduler.live_jobs" >/dev/null
	claims="$claims $(rate claim)"
	[ "$(q "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'bench.claim'")" = 0 ] || { echo "jobs were left" >&2; exit 1; }
	q "DELETE FROM scheduler.finished_jobs" >/dev/null
done
figure "claimed and finished, 100 at a time, one client" "$(middle "$claims")" jobs/s "queue table, read and archived" "$(middle "$archives")"
figure "the same against read and deleted" "$(middle "$claims")" jobs/s "queue table, read and deleted" "$(middle "$deletes")"
