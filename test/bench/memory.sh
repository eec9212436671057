#!/usr/bin/env bash
# Private memory of one worker over JOBS (1,000,000) jobs of several kinds: nothing to do in C, a shared PL/pgSQL handler,
# errors and failures, parents that wait for children, calls to a server here. Measured when nothing is left to do after each
# tenth and the worker has had its look around (each second here), when it gives back what it does not use; fails where the
# last is more than 5 % and 2 MB over that after two tenths.
. "$(dirname "$0")/common.bash"
JOBS=${JOBS:-1000000}
PART=$((JOBS / 10))
bench_start memory "fsync = off" "scheduler.max_in_flight = 50" "autovacuum_naptime = 10s" "scheduler.poll_interval = 1s"
server=$(build_helper http_server)
body=$BENCH_TEMP/memory.body
python3 -c 'print("{\"pad\": \"" + "x" * 2036 + "\"}", end="")' >"$body"
port=$(free_port)
"$server" "$port" 0 "$body" &
BENCH_CHILDREN="$BENCH_CHILDREN $!"

q "CREATE FUNCTION public.nothing(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
		LANGUAGE plpgsql AS \$\$ BEGIN RETURN scheduler.step_done(jsonb_build_object('seen', job.payload)); END \$\$;
	CREATE FUNCTION public.broken(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
		LANGUAGE plpgsql AS \$\$ BEGIN
			IF job.payload ? 'fail' THEN RETURN scheduler.step_fail('never'); END IF;
			RAISE EXCEPTION 'no luck with %', job.payload USING DETAIL = repeat('x', 500);
		END \$\$;
	CREATE FUNCTION public.parent(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
		LANGUAGE plpgsql AS \$\$ BEGIN
			IF job.state IS NULL THEN
				PERFORM scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[4]));
				RETURN scheduler.step_wait_children('{\"waited\": true}');
			END IF;
			RETURN scheduler.step_done();
		END \$\$;
	SELECT scheduler.register_job_kind('bench.shared', 'public.nothing', shared => true),
		scheduler.register_job_kind('bench.broken', 'public.broken', shared => true, max_attempts => 1),
		scheduler.register_job_kind('bench.parent', 'public.parent', shared => true)" >/dev/null

# A tenth of the jobs: 60 % noop, 30 % shared, 2 % errors, 2 % failures, 1 % parents with four children each, 1 % calls.
work_off() {
	local one=$((PART / 100))
	q "SELECT scheduler.enqueue_many(kind, array_fill(payload, ARRAY[n])) FROM (VALUES
			('noop', '{}'::jsonb, $((60 * one))), ('bench.shared', '{\"a\": [1, 2, 3]}', $((30 * one))),
			('bench.broken', '{}', $((2 * one))), ('bench.broken', '{\"fail\": true}', $((2 * one))),
			('bench.parent', '{}', $one), ('http', jsonb_build_object('method', 'POST', 'url', 'http://127.0.0.1:$port/',
				'repeat_unsafe', true, 'body', jsonb_build_object('pad', repeat('x', 2036))), $one)) AS v (kind, payload, n)" >/dev/null
	wait_until "SELECT NOT EXISTS (SELECT FROM scheduler.live_jobs WHERE status NOT IN ('failed', 'dead'))" 3600
	q "SELECT count(*) FROM scheduler.finished_jobs WHERE status = 'succeeded'" >"$BENCH_TEMP/memory.done"
	q "TRUNCATE scheduler.finished_jobs; DELETE FROM scheduler.live_jobs"
	q "VACUUM scheduler.live_jobs"
}

pid=$(worker_pid)
memory() {
	awk '/RssAnon/ { print $2 }' "/proc/$pid/status"
}

echo "worker before: $(memory) kB"
for part in $(seq 10); do
	work_off
	sleep 3
	now=$(memory)
	[ "$part" != 2 ] || base=$now
	[ "$(cat "$BENCH_TEMP/memory.done")" = $((96 * (PART / 100))) ] || { echo "not all jobs succeeded that should"; exit 1; }
	echo "after $((part * PART)) jobs: $now kB"
done
[ "$(worker_pid)" = "$pid" ] || { echo "the worker is another process than at the start"; exit 1; }
if [ "$now" -gt $((base + base / 20 + 2048)) ]; then
	echo "memory grows: $base kB after $((2 * PART)) jobs, $now kB after $((10 * PART))"
	exit 1
fi
figure "private memory of a worker after $(pretty "$JOBS") jobs" "$(calc "$now / 1024")" MB "that after a fifth of them" \
	"$(calc "$base / 1024")"
