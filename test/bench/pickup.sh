#!/usr/bin/env bash
# From the commit of an enqueue to the start of the handler: alone, while one other user's 100,000 jobs
# are worked off (once in each run), and his 1,000,000 (once).
#
# Floor: LISTEN in a session of its own, which claims by an UPDATE when the NOTIFY of the enqueueing commit arrives.
. "$(dirname "$0")/common.bash"
COUNT=${COUNT:-500}
CROWD=${CROWD:-100000}
HUGE=${HUGE:-1000000}
bench_start pickup
pickup=$(build_helper pickup -lpq)
q "CREATE TABLE floor_jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status smallint NOT NULL DEFAULT 0,
		run_at timestamptz NOT NULL DEFAULT now(), payload jsonb, done_at timestamptz);
	CREATE INDEX floor_jobs_ready ON floor_jobs (id) WHERE status = 0;
	CREATE FUNCTION public.stamp(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
		LANGUAGE plpgsql AS \$\$ BEGIN
			RETURN scheduler.step_done(to_jsonb(extract(epoch FROM clock_timestamp()) * 1000)); END \$\$;
	SELECT scheduler.register_job_kind('bench.stamp', 'public.stamp', shared => true, max_attempts => 3);
	SELECT scheduler.create_user('crowd@example.org', 'Crowd')" >/dev/null
crowd=$(q "SELECT user_id FROM scheduler.users WHERE email = 'crowd@example.org'")

# Latencies of jobs that were enqueued while the crowd's $1 were worked off.
behind_crowd() {
	local n=$1 pipe=$BENCH_TEMP/pickup.fifo out=$BENCH_TEMP/pickup.out first last
	rm -f "$pipe"
	mkfifo "$pipe"
	q "TRUNCATE scheduler.finished_jobs"
	as_server "$pickup" ours 0 <"$pipe" >"$out" &
	exec 9>"$pipe"
	q "SELECT scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[$n]), user_id => '$crowd')" >/dev/null
	wait_until "SELECT count(*) = 0 FROM scheduler.live_jobs WHERE user_id = '$crowd'" 600
	exec 9>&-
	wait $!
	read -r first last <<<"$(q "SELECT extract(epoch FROM min(finished_at)) * 1000 || ' ' || extract(epoch FROM max(finished_at)) * 1000
		FROM scheduler.finished_jobs WHERE user_id = '$crowd'")"
	awk -v a="$first" -v b="$last" '$2 >= a && $2 <= b { print $1 }' "$out"
}

ours=$BENCH_TEMP/pickup.ours floors=$BENCH_TEMP/pickup.floor behind=$BENCH_TEMP/pickup.behind huge=$BENCH_TEMP/pickup.huge
: >"$ours" && : >"$floors" && : >"$behind"
for run in $(seq "$RUNS"); do
	as_server "$pickup" floor "$COUNT" | cut -d' ' -f1 >>"$floors"
	as_server "$pickup" ours "$COUNT" </dev/null | cut -d' ' -f1 >>"$ours"
	behind_crowd "$CROWD" >>"$behind"
done
behind_crowd "$HUGE" >"$huge"
figure "pick-up alone, p50" "$(percentile 50 <"$ours")" ms "LISTEN/NOTIFY" "$(percentile 50 <"$floors")"
figure "pick-up alone, p99" "$(percentile 99 <"$ours")" ms "LISTEN/NOTIFY" "$(percentile 99 <"$floors")"
for file in "$behind $CROWD" "$huge $HUGE"; do
	read -r file n <<<"$file"
	figure "pick-up behind another user's $(pretty "$n") jobs, p50 of $(wc -l <"$file")" "$(percentile 50 <"$file")" ms
	figure "pick-up behind another user's $(pretty "$n") jobs, p99" "$(percentile 99 <"$file")" ms
done
