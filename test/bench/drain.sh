#!/usr/bin/env bash
# How fast jobs that do nothing are taken, run and recorded: by a C handler and a shared PL/pgSQL handler in one worker,
# and by a user's PL/pgSQL handler in 4 runners, one transaction each.
#
# Floor: a PL/pgSQL procedure that marks the rows of a minimal table as done, 1,000 per commit. For the runners: the same
# procedure, 1 per commit, in 4 sessions at once.
. "$(dirname "$0")/common.bash"
JOBS=${JOBS:-100000}
RUNNER_JOBS=${RUNNER_JOBS:-20000}
bench_start drain

q "CREATE TABLE floor_jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status smallint NOT NULL DEFAULT 0,
		run_at timestamptz NOT NULL DEFAULT now(), payload jsonb, done_at timestamptz);
	CREATE INDEX floor_jobs_ready ON floor_jobs (id) WHERE status = 0;
	CREATE PROCEDURE drain_floor(n int) LANGUAGE plpgsql AS \$\$
	DECLARE k int;
	BEGIN
		LOOP
			UPDATE floor_jobs SET status = 1, done_at = clock_timestamp() WHERE id = ANY (ARRAY(
				SELECT id FROM floor_jobs WHERE status = 0 ORDER BY id LIMIT n FOR UPDATE SKIP LOCKED));
			GET DIAGNOSTICS k = ROW_COUNT;
			COMMIT;
			EXIT WHEN k = 0;
		END LOOP;
	END \$\$;
	CREATE FUNCTION public.nothing(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
		LANGUAGE plpgsql AS \$\$ BEGIN RETURN scheduler.step_done(); END \$\$;
	CREATE ROLE dev LOGIN; GRANT scheduler_developer TO dev; GRANT USAGE ON SCHEMA public TO PUBLIC;
	INSERT INTO scheduler.users (email, role_name) VALUES ('dev@example.org', 'dev');
	SELECT scheduler.register_job_kind('bench.shared', 'public.nothing');
	UPDATE scheduler.job_kinds SET shared = true WHERE kind = 'bench.shared'" >/dev/null
PGUSER=dev q "SELECT scheduler.register_job_kind('bench.own', 'public.nothing')" >/dev/null

# Jobs per second of the table's procedure, $2 per commit, in $3 sessions.
floor() {
	local start n pids=""
	q "TRUNCATE floor_jobs; INSERT INTO floor_jobs (payload) SELECT '{\"task\": \"noop\"}' FROM generate_series(1, $1)"
	q "VACUUM ANALYZE floor_jobs" && q CHECKPOINT
	start=$(date +%s.%N)
	for n in $(seq "$3"); do
		q "CALL drain_floor($2)" &
		pids="$pids $!"
	done
	wait $pids
	calc "$1 / ($(date +%s.%N) - $start)" %.0f
}

# Jobs per second from arm() to the last job's end.
drain() {
	local kind=$1 n=$2 role=${3:-postgres} start
	q "SELECT scheduler.disarm()" >/dev/null
	q "TRUNCATE scheduler.finished_jobs, scheduler.live_jobs"
	PGUSER=$role q "SELECT scheduler.enqueue_many('$kind', array_fill('{}'::jsonb, ARRAY[$n]))" >/dev/null
	q "VACUUM ANALYZE scheduler.live_jobs" && q CHECKPOINT
	start=$(q "SELECT scheduler.arm(); SELECT extract(epoch FROM clock_timestamp())" | tail -n 1)
	wait_until "SELECT NOT EXISTS (SELECT FROM scheduler.live_jobs)" 300
	q "SELECT round(count(*) / (extract(epoch FROM max(finished_at)) - $start)) FROM scheduler.finished_jobs
		WHERE status = 'succeeded'"
}

for run in $(seq "$RUNS"); do
	floors="${floors:-} $(floor "$JOBS" 1000 1)"
	before=$(workers_cpu)
	plain="${plain:-} $(drain noop "$JOBS")"
	plain_cpu="${plain_cpu:-} $(calc "($(workers_cpu) - $before) * 1e6 / $JOBS")"
	shared="${shared:-} $(drain bench.shared "$((JOBS / 2))")"
	singles="${singles:-} $(floor "$RUNNER_JOBS" 1 4)"
	own="${own:-} $(drain bench.own "$RUNNER_JOBS" dev)"
done
figure "drain, C handler, one worker" "$(middle "$plain")" jobs/s "floor of 1,000 a commit" "$(middle "$floors")"
figure "drain, C handler, processor time of the worker each" "$(middle "$plain_cpu")" us
figure "drain, shared PL/pgSQL handler, one worker" "$(middle "$shared")" jobs/s "floor of 1,000 a commit" \
	"$(middle "$floors")"
figure "drain, user's PL/pgSQL handler, 4 runners" "$(middle "$own")" jobs/s "floor of 1 a commit in 4 sessions" \
	"$(middle "$singles")"
