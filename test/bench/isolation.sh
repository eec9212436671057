#!/usr/bin/env bash
# What row-level security costs: todays_schedule as one of USERS (1,000) users with EVENTS (1,000) events each, beside the
# same statement as a user with BYPASSRLS; both know whose day it is from their login, and may do the same otherwise.
. "$(dirname "$0")/common.bash"
users=${USERS:-1000}
events=${EVENTS:-1000}
bench_start isolation "autovacuum = off"
q "CREATE ROLE one LOGIN; CREATE ROLE above LOGIN BYPASSRLS;
	INSERT INTO scheduler.users (email, name) SELECT i || '@example.org', i FROM generate_series(1, $users) AS i;
	UPDATE scheduler.users SET role_name = 'one' WHERE email = '500@example.org';
	UPDATE scheduler.users SET role_name = 'above' WHERE email = '501@example.org';
	GRANT scheduler_user TO one, above;
	ALTER TABLE scheduler.calendar_events DISABLE TRIGGER USER;
	INSERT INTO scheduler.calendar_events (user_id, summary, start_datetime, end_datetime, transparency)
	SELECT u.user_id, 'x', t, t + interval '30 minutes', 'opaque' FROM scheduler.users u, generate_series(1, $events) AS i,
		LATERAL (SELECT date_trunc('day', now()) - interval '50 days' + i * (interval '100 days' / $events)) AS s (t)
	WHERE u.user_id <> scheduler.system_user_id();
	ALTER TABLE scheduler.calendar_events ENABLE TRIGGER USER" >/dev/null
q "VACUUM ANALYZE" >/dev/null
echo "SELECT * FROM scheduler.todays_schedule" >"$BENCH_TEMP/today.sql"

# today ROLE: microseconds a statement takes, in one session with prepared statements.
today() {
	as_server "$BIN/pgbench" -n -M prepared -t 500 -U "$1" -f "$BENCH_TEMP/today.sql" 2>/dev/null |
		awk '/^latency average/ { print $4 * 1000 }'
}
# In turn, and of each the best: what else the machine does lengthens single rounds.
for run in $(seq $((RUNS * 10))); do
	today above >>"$BENCH_TEMP/above.$$"
	today one >>"$BENCH_TEMP/one.$$"
done
bound=$(sort -n "$BENCH_TEMP/one.$$" | head -n 1)
free=$(sort -n "$BENCH_TEMP/above.$$" | head -n 1)
rm -f "$BENCH_TEMP/above.$$" "$BENCH_TEMP/one.$$"
figure "todays_schedule under policies" "$bound" "us" "without policies" "$free"
awk -v a="$bound" -v b="$free" 'BEGIN { printf "  policies cost %.1f us, %.1f %% (at most 10 us or 10 %%)\n", a - b, 100 * (a - b) / b }'
