#!/usr/bin/env bash
# Jobs of the kind http: POST of 2 kB, answer of 2 kB, from a server that answers at once and from one that takes 200 ms with
# 500 calls in flight.
#
# One host gets four fifths of max_in_flight: 625 gives 500, shared by WORKERS (1).
#
# Floor: curl_multi alone with as many in flight, nothing stored. It runs beside the same server on the same cores.
. "$(dirname "$0")/common.bash"
COUNT=${COUNT:-10000}
WORKERS=${WORKERS:-1}
bench_start http "scheduler.max_in_flight = $((625 / WORKERS))" "scheduler.workers = $WORKERS"
server=$(build_helper http_server)
multi=$(build_helper http_multi -lcurl)
body=$BENCH_TEMP/http.body
python3 -c 'print("{\"pad\": \"" + "x" * 2036 + "\"}", end="")' >"$body"

serve() {
	local port
	port=$(free_port)
	"$server" "$port" "$1" "$body" &
	BENCH_CHILDREN="$BENCH_CHILDREN $!"
	echo "$port" >"$BENCH_TEMP/http.port"
}

# Requests per second of jobs, from arm() to the last one's end.
run_jobs() {
	local url=$1 n=$2 start
	q "SELECT scheduler.disarm()" >/dev/null
	q "TRUNCATE scheduler.live_jobs, scheduler.finished_jobs"
	q "SELECT scheduler.enqueue_many('http', array_fill(jsonb_build_object('method', 'POST', 'url', '$url',
		'repeat_unsafe', true, 'body', jsonb_build_object('pad', repeat('x', 2036))), ARRAY[$n]))" >/dev/null
	q "VACUUM ANALYZE scheduler.live_jobs" && q CHECKPOINT
	start=$(q "SELECT scheduler.arm(); SELECT extract(epoch FROM clock_timestamp())" | tail -n 1)
	# One session that looks now and then: starting psql each time takes a tenth of these two cores.
	q "DO \$\$ BEGIN WHILE EXISTS (SELECT FROM scheduler.live_jobs WHERE status NOT IN ('failed', 'dead')) LOOP
		PERFORM pg_sleep(0.05); COMMIT; END LOOP; END \$\$"
	q "SELECT CASE WHEN count(*) = $n THEN round(count(*) / (extract(epoch FROM max(finished_at)) - $start)) END
		FROM scheduler.finished_jobs WHERE status = 'succeeded' AND (result ->> 'status')::int = 200"
}

serve 0
fast=http://127.0.0.1:$(cat "$BENCH_TEMP/http.port")/
serve 200
slow=http://127.0.0.1:$(cat "$BENCH_TEMP/http.port")/
sleep 0.3
for run in $(seq "$RUNS"); do
	fast_floor="${fast_floor:-} $("$multi" "$fast" "$((COUNT * 4))" 500 "$body")"
	before=$(workers_cpu)
	fast_jobs="${fast_jobs:-} $(run_jobs "$fast" "$COUNT")"
	fast_cpu="${fast_cpu:-} $(calc "($(workers_cpu) - $before) * 1e6 / $COUNT")"
	slow_floor="${slow_floor:-} $("$multi" "$slow" "$COUNT" 500 "$body")"
	slow_jobs="${slow_jobs:-} $(run_jobs "$slow" "$COUNT")"
done
echo "workers: $WORKERS"
figure "http jobs, answered at once" "$(middle "$fast_jobs")" requests/s "curl_multi alone" "$(middle "$fast_floor")"
figure "http jobs, processor time of the worker each" "$(middle "$fast_cpu")" us
figure "http jobs, answered after 200 ms, 500 in flight" "$(middle "$slow_jobs")" requests/s "curl_multi alone" \
	"$(middle "$slow_floor")"
figure "private memory of the worker after it (RssAnon)" \
	"$(awk '/RssAnon/ { print $2 / 1024 }' "/proc/$(worker_pid)/status")" MB
