#!/usr/bin/env bash
# plan() of 200 open tasks over 14 days with 150 events in them, written and only shown; find_slots() over 30 days.
#
# Floors in SQL: the free time of the days as a multirange and the tasks taken by deadline, each into the first gap that is
# long enough, in PL/pgSQL; the first ten gaps of the 30 days.
. "$(dirname "$0")/common.bash"
bench_start planner
q "SELECT scheduler.create_user('me@example.org', 'Me', 'Europe/Berlin', role_name => 'me');
	CREATE ROLE me LOGIN; GRANT scheduler_user TO me" >/dev/null 2>&1 ||
	q "CREATE ROLE me LOGIN; GRANT scheduler_user TO me; SELECT scheduler.create_user('me@example.org', 'Me', 'Europe/Berlin', role_name => 'me')" >/dev/null
PGUSER=me q "SELECT count(scheduler.add_event(format('event %s', n), date_trunc('hour', now()) + n * interval '4 hours 48 minutes',
		date_trunc('hour', now()) + n * interval '4 hours 48 minutes' + interval '45 minutes', is_external => true))
	FROM generate_series(1, 150) AS n;
	SELECT count(scheduler.add_task(format('task %s', n), 15 + n % 4 * 15, now() + interval '2 days' + n % 60 * interval '5 hours',
		1 + n % 10, CASE WHEN n % 3 = 0 THEN 'personal' ELSE 'work' END, place => false)) FROM generate_series(1, 200) AS n" >/dev/null
q "CREATE FUNCTION free_time(days integer) RETURNS tstzmultirange LANGUAGE sql STABLE AS \$\$
		SELECT (SELECT range_agg(tstzrange(d + interval '8 hours', d + interval '21 hours'))
				FROM generate_series(date_trunc('day', now()), now() + make_interval(days => \$1), '1 day') AS d)
			* tstzmultirange(tstzrange(now(), now() + make_interval(days => \$1)))
			- coalesce((SELECT range_agg(during) FROM scheduler.calendar_events
				WHERE during && tstzrange(now(), now() + make_interval(days => \$1))), '{}') \$\$;
	CREATE FUNCTION plan_floor() RETURNS bigint LANGUAGE plpgsql AS \$\$
	DECLARE free tstzmultirange := free_time(14); t record; gap tstzrange; n bigint := 0;
	BEGIN
		FOR t IN SELECT make_interval(mins => duration_minutes) AS length FROM scheduler.tasks ORDER BY deadline, priority DESC LOOP
			SELECT r INTO gap FROM unnest(free) AS r WHERE upper(r) - lower(r) >= t.length ORDER BY lower(r) LIMIT 1;
			IF FOUND THEN free := free - tstzmultirange(tstzrange(lower(gap), lower(gap) + t.length)); n := n + 1; END IF;
		END LOOP;
		RETURN n;
	END \$\$;
	GRANT SELECT ON ALL TABLES IN SCHEMA scheduler TO PUBLIC" >/dev/null
q "VACUUM ANALYZE"

# Milliseconds of a statement as the user, the mean of $2 calls in one session (after one that is not counted).
timed() {
	PGUSER=me q "DO \$\$
		DECLARE start timestamptz;
		BEGIN
			SET LOCAL client_min_messages = error;
			FOR i IN 0 .. $2 LOOP
				IF i = 1 THEN start := clock_timestamp(); END IF;
				PERFORM count(*) FROM $1;
			END LOOP;
			PERFORM set_config('bench.ms', (extract(epoch FROM clock_timestamp() - start) * 1000 / $2)::text, false);
		END \$\$; SELECT current_setting('bench.ms')" | tail -n 1
}

window="tstzrange(now(), now() + interval '14 days')"
for run in $(seq "$RUNS"); do
	floors="${floors:-} $(timed "plan_floor()" 5)"
	shown="${shown:-} $(timed "scheduler.plan($window, apply => false)" 5)"
	start=$(date +%s.%N)
	PGUSER=postgres q "DELETE FROM scheduler.calendar_events WHERE task_id IS NOT NULL"
	applied="${applied:-} $(PGUSER=me q "SELECT set_config('bench.start', clock_timestamp()::text, false); SELECT count(*) FROM scheduler.plan($window);
		SELECT extract(epoch FROM clock_timestamp() - current_setting('bench.start')::timestamptz) * 1000" | tail -n 1)"
	again="${again:-} $(timed "scheduler.plan($window)" 3)"
	slot_floors="${slot_floors:-} $(timed "(SELECT r FROM unnest(free_time(30)) AS r WHERE upper(r) - lower(r) >= '1 hour' ORDER BY lower(r) LIMIT 10) AS s" 20)"
	slots="${slots:-} $(timed "scheduler.find_slots('1 hour', tstzrange(now(), now() + interval '30 days'))" 20)"
done
figure "plan() of 200 tasks over 14 days, shown only" "$(middle "$shown")" ms "greedy multirange in PL/pgSQL" "$(middle "$floors")"
figure "plan(), placed $(q "SELECT count(DISTINCT task_id) FROM scheduler.calendar_events WHERE task_id IS NOT NULL") and written" "$(middle "$applied")" ms \
	"greedy multirange in PL/pgSQL, not written" "$(middle "$floors")"
figure "plan() again, nothing to change" "$(middle "$again")" ms "greedy multirange in PL/pgSQL" "$(middle "$floors")"
figure "find_slots() over 30 days" "$(middle "$slots")" ms "multirange in SQL" "$(middle "$slot_floors")"
