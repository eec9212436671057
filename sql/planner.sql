-- planner: tasks, events, hours, placement, slots, conflicts. Everything lies in 2031, so that no result depends on today.
SET client_min_messages = warning;
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
CREATE ROLE planner_alice LOGIN;
CREATE ROLE planner_bob LOGIN;
CREATE ROLE planner_viewer LOGIN;
GRANT scheduler_user TO planner_alice, planner_bob;
GRANT scheduler_viewer TO planner_viewer;
RESET client_min_messages;
INSERT INTO scheduler.users (email, timezone, role_name) VALUES
	('alice@example.org', 'Europe/Berlin', 'planner_alice'),
	('bob@example.org', 'America/New_York', 'planner_bob'),
	('viewer@example.org', 'UTC', 'planner_viewer');
/* What a statement raises: its SQLSTATE, message and, where it holds no key, the detail. */
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' - ', SQLSTATE || ': ' || SQLERRM, CASE WHEN detail !~ '[0-9a-f]{8}-' THEN nullif(detail, '') END);
END $$;

SET ROLE planner_alice;
SET timezone = 'Europe/Berlin';

-- hours everybody starts with
SELECT kind, min(weekday), max(weekday), count(*), min(starts), max(ends) FROM scheduler.availability GROUP BY kind ORDER BY kind;
SELECT scheduler.check_calendar_user() = scheduler.current_user_id() AS mine;

-- a task is placed in its hours, the first hour of a Monday; its date and time follow the block
SELECT scheduler.add_task('write the report', 90, deadline => '2031-03-05 12:00', priority => 8,
	earliest_start => '2031-03-03', location => 'office', tags => '{deep}', original_input => 'report by Wednesday') AS report \gset
SELECT description, status, scheduled_date, start_time, pinned FROM scheduler.tasks;
SELECT summary, start_datetime, end_datetime, during, location, blocks, is_movable, is_external FROM scheduler.calendar_events;
SELECT description, starts_at, ends_at FROM scheduler.upcoming_tasks;

-- a personal one goes into the evening, one with place => false nowhere
SELECT scheduler.add_task('run', 60, earliest_start => '2031-03-03', category => 'health') AS run \gset
SELECT scheduler.add_task('someday', place => false) AS someday \gset
SELECT description, status, start_time FROM scheduler.tasks ORDER BY description;

-- a fixed start: planned blocks make room, fixed ones refuse
SELECT scheduler.add_task('dentist', 60, start_at => '2031-03-03 09:30', category => 'health') AS dentist \gset
SELECT t.description, e.start_datetime, e.is_movable FROM scheduler.calendar_events e JOIN scheduler.tasks t USING (task_id) ORDER BY 2;
SELECT try($$SELECT scheduler.add_task('second dentist', start_at => '2031-03-03 10:00')$$);
SELECT try($$SELECT scheduler.add_task('yesterday', start_at => now() - interval '1 hour')$$) ~ '^22023: a task cannot start in the past';

-- dependencies: in order, and never round
SELECT scheduler.add_task('collect figures', 120, earliest_start => '2031-03-10') AS figures \gset
SELECT scheduler.add_task('send figures', 30, earliest_start => '2031-03-10', depends_on => ARRAY[:'figures'::uuid]) AS sent \gset
SELECT b.start_datetime >= a.end_datetime AS in_order
FROM scheduler.calendar_events a, scheduler.calendar_events b WHERE a.task_id = :'figures' AND b.task_id = :'sent';
SELECT try(format('SELECT scheduler.update_task(%L, %L)', :'figures', jsonb_build_object('depends_on', ARRAY[:'sent'::uuid])));
SELECT try(format('SELECT scheduler.update_task(%L, %L)', :'figures', jsonb_build_object('depends_on', ARRAY[scheduler.uuid7()])));
SELECT count(*) FROM scheduler.task_dependencies;

-- longer than any day: parts, where a smallest part is given
SELECT scheduler.add_task('book', 900, earliest_start => '2031-04-07', min_chunk_minutes => 90) AS book \gset
SELECT start_datetime, end_datetime FROM scheduler.calendar_events WHERE task_id = :'book' ORDER BY 1;
SELECT scheduler.add_task('whole book', 900, earliest_start => '2031-04-07') AS whole \gset
SELECT status FROM scheduler.tasks WHERE task_id = :'whole';

-- changing, postponing, pinning, working
SELECT scheduler.update_task(:'report', '{"description": "write the long report", "duration_minutes": 60, "priority": 9, "tags": ["deep", "q1"]}');
SELECT e.summary, t.priority, t.tags, e.end_datetime - e.start_datetime AS length FROM scheduler.tasks t JOIN scheduler.calendar_events e USING (task_id) WHERE t.task_id = :'report';
SELECT scheduler.postpone_task(:'report', '2031-03-04 00:00');
SELECT scheduled_date, start_time, postponed_count FROM scheduler.tasks WHERE task_id = :'report';
SELECT try(format('SELECT scheduler.postpone_task(%L, %L)', :'report', '2031-03-06'));
SELECT scheduler.pin_task(:'report');
SELECT t.pinned, e.is_movable FROM scheduler.tasks t JOIN scheduler.calendar_events e USING (task_id) WHERE t.task_id = :'report';
SELECT scheduler.pin_task(:'report', false);
SELECT scheduler.log_work(:'report', 15) AS minutes_left;
SELECT t.status, t.worked_minutes, e.end_datetime - e.start_datetime AS length FROM scheduler.tasks t JOIN scheduler.calendar_events e USING (task_id) WHERE t.task_id = :'report';
SELECT scheduler.log_work(:'report', 45) AS minutes_left;
SELECT count(*) AS blocks_left FROM scheduler.calendar_events WHERE task_id = :'report';

-- done and cancelled tasks give their future blocks back
SELECT scheduler.complete_task(:'book'), scheduler.cancel_task(:'whole');
SELECT status, completed_at IS NOT NULL AS completed, scheduled_date FROM scheduler.tasks WHERE task_id IN (:'book', :'whole') ORDER BY status;
SELECT count(*) FROM scheduler.calendar_events WHERE task_id = :'book';
SELECT scheduler.cancel_task(:'book');
SELECT status FROM scheduler.tasks WHERE task_id = :'book';
SELECT scheduler.cancel_task(:'figures'), scheduler.cancel_task(:'sent'), scheduler.cancel_task(:'run'), scheduler.cancel_task(:'dentist'),
	scheduler.cancel_task(:'report'), scheduler.cancel_task(:'someday');

-- bad tasks
SELECT try($$SELECT scheduler.add_task(' ')$$);
SELECT try($$SELECT scheduler.add_task('x', -5)$$);
SELECT try($$SELECT scheduler.add_task('x', priority => 11)$$);
SELECT try($$SELECT scheduler.add_task('x', category => 'fun')$$);
SELECT try($$SELECT scheduler.add_task('x', deadline => 'infinity')$$);
SELECT try($$SELECT scheduler.add_task('x', deadline => '2031-01-01', earliest_start => '2031-02-01')$$);
SELECT try($$SELECT scheduler.add_task('x', parent_task_id => scheduler.uuid7())$$);
SELECT try($$SELECT scheduler.complete_task(scheduler.uuid7())$$);
SELECT try(format('SELECT scheduler.update_task(%L, %L)', :'report', '{"user_id": 1}'));
SELECT try(format('SELECT scheduler.update_task(%L, %L)', :'report', '{"deadline": "soon"}'));
SELECT try(format('SELECT scheduler.update_task(%L, %L)', :'report', '[]'));
SELECT try(format('SELECT scheduler.log_work(%L, 0)', :'report'));

-- hours: weeks, days, protected time
SELECT scheduler.set_availability(1, '10:00', '12:00');
SELECT scheduler.set_availability(1, '13:00', '15:00', add => true);
SELECT weekday, starts, ends FROM scheduler.availability WHERE kind = 'work' AND weekday = 1 ORDER BY starts;
SELECT scheduler.set_availability(0, '20:00', '24:00', 'personal');
SELECT scheduler.set_availability(2);
SELECT count(*) FILTER (WHERE weekday = 2) AS tuesdays, max(ends) FILTER (WHERE weekday = 7) AS sunday FROM scheduler.availability WHERE kind = 'personal' OR weekday = 2 AND kind = 'work';
SELECT scheduler.set_day('2031-05-06', '14:00', '16:00', 'work'), scheduler.set_day('2031-05-07');
SELECT kind, starts_at, ends_at FROM scheduler.open_hours(scheduler.current_user_id(), '2031-05-05', '2031-05-07 23:00') WHERE kind <> 'any';
SELECT scheduler.set_day('2031-05-07', reset => true);
SELECT day, kind, is_off, starts FROM scheduler.availability_overrides ORDER BY 1, 2;
SELECT scheduler.set_availability(1, '09:00', '17:00'), scheduler.set_availability(2, '09:00', '17:00');
SELECT try($$SELECT scheduler.set_availability(8, '09:00', '17:00')$$);
SELECT try($$SELECT scheduler.set_availability(1, '17:00', '09:00')$$);
SELECT try($$SELECT scheduler.set_availability(1, '09:00', '17:00', 'night')$$);
SELECT try($$SELECT scheduler.set_day('infinity')$$);

SELECT scheduler.protect_time('lunch', '2031-03-03 12:00', '2031-03-03 13:00', rrule => 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR') AS lunch \gset
SELECT scheduler.protect_time('concert', during => '[2031-05-05 15:00, 2031-05-05 19:00)') AS concert \gset
SELECT scheduler.protect_time('quiet', '2031-05-08 09:00', '2031-05-08 12:00', strict => false) IS NOT NULL AS soft;
SELECT label, strict, starts_at, ends_at FROM scheduler.protected_spans(scheduler.current_user_id(), '2031-05-05', '2031-05-10');
SELECT busy.r FROM unnest(scheduler.busy_ranges('[2031-05-05, 2031-05-07)')) AS busy (r);
SELECT try($$SELECT scheduler.hold_slot('2031-05-05 12:30', '2031-05-05 12:45')$$);
SELECT scheduler.unprotect_time(:'concert');
SELECT count(*) FROM scheduler.protected_time;
SELECT try($$SELECT scheduler.unprotect_time(scheduler.uuid7())$$);
SELECT try($$SELECT scheduler.protect_time('x', '2031-05-05', '2031-05-06', rrule => 'FREQ=MONTHLY')$$);
SELECT try($$SELECT scheduler.protect_time('x', '2031-05-05', '2031-05-05')$$);
SELECT try($$SELECT scheduler.protect_time('', '2031-05-05', '2031-05-06')$$);

SELECT scheduler.set_preference('buffer_minutes', '15'), scheduler.set_preference('date_order', 'DMY');
SELECT preferences FROM scheduler.users WHERE user_id = scheduler.current_user_id();
SELECT try($$SELECT scheduler.set_preference('colour', 'red')$$);
SELECT try($$SELECT scheduler.set_preference('buffer_minutes', '-1')$$);

-- a plan: deadline, buffer, lunch; the same again keeps everything
SELECT scheduler.add_task('first', 60, deadline => '2031-05-05 12:00', earliest_start => '2031-05-05', place => false) AS first \gset
SELECT scheduler.add_task('second', 60, priority => 9, earliest_start => '2031-05-05', place => false) AS second \gset
SELECT scheduler.add_task('third', 200, deadline => '2031-05-05 12:00', priority => 1, earliest_start => '2031-05-05', place => false) AS third \gset
SELECT t.description, p.starts_at, p.ends_at, p.status, p.reason FROM scheduler.plan('[2031-05-05, 2031-05-12)', apply => false) p JOIN scheduler.tasks t USING (task_id) ORDER BY 1;
SELECT count(*) AS blocks FROM scheduler.calendar_events;
SELECT t.description, p.during, p.status, p.reason FROM scheduler.plan('[2031-05-05, 2031-05-12)') p JOIN scheduler.tasks t USING (task_id) ORDER BY 1;
SELECT t.description, p.starts_at, p.status, p.reason FROM scheduler.plan(from_time => '2031-05-05', to_time => '2031-05-12') p JOIN scheduler.tasks t USING (task_id) ORDER BY 1;
SELECT description, status FROM scheduler.tasks WHERE task_id IN (:'first', :'second', :'third') ORDER BY 1;

-- what misses its deadline is a conflict, with alternatives that are free; one of them carried out
SELECT conflict_type, detail, resolution_status, jsonb_array_length(alternatives_offered) AS alternatives FROM scheduler.scheduling_conflicts
WHERE task_id = :'third';
SELECT a ->> 'n' AS n, (a ->> 'starts_at')::timestamptz AS starts_at, (a ->> 'ends_at')::timestamptz AS ends_at, a ->> 'reason' AS reason,
	NOT EXISTS (SELECT FROM scheduler.calendar_events e WHERE e.start_datetime < (a ->> 'ends_at')::timestamptz AND e.end_datetime > (a ->> 'starts_at')::timestamptz) AS free
FROM scheduler.scheduling_conflicts, jsonb_array_elements(alternatives_offered) a WHERE task_id = :'third' AND resolution_status = 'pending' ORDER BY 1;
SELECT conflict_id AS third_conflict FROM scheduler.scheduling_conflicts WHERE task_id = :'third' \gset
SELECT try(format('SELECT scheduler.resolve_conflict(%L, 99)', :'third_conflict'));
SELECT (c).resolution_status, (c).resolution_chosen ->> 'n' AS n, (c).resolved_at IS NOT NULL AS resolved FROM scheduler.resolve_conflict(:'third_conflict', 2) c;
SELECT t.status, t.pinned, e.start_datetime FROM scheduler.tasks t JOIN scheduler.calendar_events e USING (task_id) WHERE t.task_id = :'third';
SELECT (scheduler.resolve_conflict(:'third_conflict', 1)).resolution_chosen ->> 'n' AS decided_already;
SELECT scheduler.cancel_task(:'third');

-- an event from outside over a planned block: the block moves; over a pinned one: a conflict
SELECT scheduler.add_event('all hands', '2031-05-05 09:30', '2031-05-05 10:00', is_external => true, organizer => 'boss@example.org', external_id => 'x-1') AS hands \gset
SELECT t.description, e.start_datetime FROM scheduler.calendar_events e JOIN scheduler.tasks t USING (task_id) WHERE t.task_id IN (:'first', :'second') ORDER BY 1;
SELECT count(*) AS pending FROM scheduler.scheduling_conflicts WHERE resolution_status = 'pending' AND event_id IS NOT NULL;
SELECT scheduler.pin_task(:'second');
SELECT start_datetime AS pinned_start FROM scheduler.calendar_events WHERE task_id = :'second' \gset
SELECT scheduler.add_event('review', :'pinned_start'::timestamptz + interval '15 min', :'pinned_start'::timestamptz + interval '75 min', is_external => true) AS review \gset
SELECT c.conflict_type, c.task_id = :'second' AS about_second, c.conflicting_event_id = :'review' AS by_review, jsonb_array_length(c.alternatives_offered) AS alternatives, c.detail
FROM scheduler.scheduling_conflicts c WHERE resolution_status = 'pending';
SELECT p.status, p.reason FROM scheduler.plan('[2031-05-05, 2031-05-12)') p WHERE task_id = :'second';
SELECT (c).resolution_status FROM scheduler.resolve_conflict((SELECT conflict_id FROM scheduler.scheduling_conflicts WHERE resolution_status = 'pending')) c;

-- two from outside: a double booking, ignored for good
SELECT scheduler.add_event('call', '2031-05-05 09:45', '2031-05-05 10:15', is_external => true, is_movable => true) AS call \gset
SELECT conflict_type, detail FROM scheduler.detect_conflicts('[2031-05-01, 2031-06-01)');
SELECT (c).resolution_status, (c).resolution_chosen FROM scheduler.ignore_conflict((SELECT conflict_id FROM scheduler.scheduling_conflicts WHERE resolution_status = 'pending'), 'I will be late') c;
SELECT count(*) FROM scheduler.detect_conflicts('[2031-05-01, 2031-06-01)');
SELECT scheduler.add_event('outside one', '2031-09-03 10:00', '2031-09-03 11:00', is_external => true, is_movable => true) AS outside_one \gset
SELECT scheduler.add_event('outside two', '2031-09-03 10:30', '2031-09-03 11:30', is_external => true, is_movable => true) AS outside_two \gset
SELECT conflict_type, resolution_status FROM scheduler.detect_conflicts('[2031-09-01, 2031-10-01)');
SELECT scheduler.cancel_event(:'outside_two');
SELECT resolution_status AS by_itself FROM scheduler.scheduling_conflicts WHERE :'outside_one' IN (event_id::text, conflicting_event_id::text);
-- the same event delivered again is the same row; one without length is kept as a minute
SELECT scheduler.add_event('all hands', '2031-05-06 09:30', '2031-05-06 10:00', is_external => true, external_id => 'x-1') = :'hands' AS same;
SELECT scheduler.add_event('broken', '2031-05-09 10:00', '2031-05-09 09:00', is_external => true) AS broken \gset
SELECT end_datetime - start_datetime AS length, problem FROM scheduler.calendar_events WHERE event_id = :'broken';

-- own events: fixed, changed, moved, cancelled
SELECT scheduler.add_event('lecture', '2031-05-20 14:00', '2031-05-20 16:00', location => 'hall') AS lecture \gset
SELECT try($$SELECT scheduler.add_event('clash', '2031-05-20 15:00', '2031-05-20 17:00')$$);
SELECT scheduler.update_event(:'lecture', '{"summary": "long lecture", "ends_at": "2031-05-20T17:00:00+02:00"}');
SELECT scheduler.move_event(:'lecture', '2031-05-21 14:00');
SELECT summary, start_datetime, end_datetime, blocks, sync_status FROM scheduler.calendar_events WHERE event_id = :'lecture';
SELECT scheduler.cancel_event(:'lecture');
SELECT status, blocks FROM scheduler.calendar_events WHERE event_id = :'lecture';
SELECT try(format('SELECT scheduler.move_event(%L, %L)', :'hands', '2031-05-21'));
SELECT try(format('SELECT scheduler.move_event(%L, %L)', :'call', 'infinity'));
SELECT try(format('SELECT scheduler.update_event(%L, %L)', :'call', '{"colour": "red"}'));
SELECT try(format('SELECT scheduler.update_event(%L, %L)', :'call', '{"starts_at": "2032-01-01"}'));
SELECT try($$SELECT scheduler.cancel_event(scheduler.uuid7())$$);
SELECT try($$SELECT scheduler.add_event('x', '2031-05-20 15:00', '2031-05-20 14:00')$$);
SELECT try($$SELECT scheduler.add_event('x', '2031-05-20 14:00', 'infinity')$$);
SELECT try($$SELECT scheduler.add_event('x', '2031-05-20 14:00', '2031-05-20 15:00', status => 'maybe')$$);

-- free and busy, slots, holds
SELECT * FROM scheduler.free_busy('[2031-05-05, 2031-05-06)');
SELECT during, starts_at, ends_at FROM scheduler.find_slots('2 hours', '[2031-06-02, 2031-06-04)', max => 3);
SELECT starts_at FROM scheduler.find_slots('1 hour', from_time => '2031-06-07', to_time => '2031-06-09', max => 1, category => 'personal');
SELECT count(*) FROM scheduler.find_slots('30 min', '[2031-06-02, 2031-06-03)', step => '1 hour', max => 100);
SELECT scheduler.hold_slot('2031-06-02 10:00', '2031-06-02 11:00') AS hold \gset
SELECT status, hold_expires_at > now() AS lives, blocks FROM scheduler.calendar_events WHERE event_id = :'hold';
SELECT status FROM scheduler.free_busy('[2031-06-02 10:00, 2031-06-02 11:00)');
SELECT try($$SELECT scheduler.hold_slot('2031-06-02 10:30', '2031-06-02 11:30')$$);
SELECT scheduler.book_slot(:'hold', 'visit') = :'hold' AS same;
SELECT summary, status, hold_expires_at IS NULL AS booked FROM scheduler.calendar_events WHERE event_id = :'hold';
SELECT try(format('SELECT scheduler.release_slot(%L)', :'hold'));
SELECT scheduler.release_slot(scheduler.hold_slot('2031-06-02 14:00', '2031-06-02 15:00'));
-- an expired hold stands in nobody's way
SELECT scheduler.hold_slot('2031-06-02 14:00', '2031-06-02 15:00', '1 ms') AS short \gset
SELECT pg_sleep(0.01);
SELECT scheduler.hold_slot('2031-06-02 14:30', '2031-06-02 15:30') IS NOT NULL AS held_again;
SELECT try(format('SELECT scheduler.book_slot(%L)', :'short'));
SELECT scheduler.hold_slot('2031-06-04 09:00', '2031-06-04 12:00', '1 ms') IS NOT NULL AS held;
SELECT pg_sleep(0.01);
SELECT scheduler.add_task('in its place', 60, earliest_start => '2031-06-04') AS placed \gset
SELECT start_datetime FROM scheduler.calendar_events WHERE task_id = :'placed';
SELECT round(scheduler.density('[2031-06-02, 2031-06-03)')::numeric, 4) AS share;
SELECT scheduler.density('[2031-06-07, 2031-06-09)') AS weekend;

-- why there: the chosen start is the best of those that nothing rules out
SELECT scheduler.pin_task(:'second', false);
SELECT scheduler.add_task('explain me', 45, earliest_start => now()) AS explained \gset
WITH e AS (SELECT * FROM scheduler.explain_placement(:'explained'))
SELECT count(*) BETWEEN 500 AND 501 AS candidates, count(*) FILTER (WHERE chosen) AS chosen,
	max(score) FILTER (WHERE chosen) = max(score + 2 * (factors -> 'moved' ->> 'value')::float8) FILTER (WHERE rejected_by IS NULL) AS best,
	bool_and(abs(score + (SELECT sum((f.value ->> 'value')::float8 * (f.value ->> 'weight')::float8) FROM jsonb_each(factors) f)) < 1e-9) AS adds_up,
	bool_or(rejected_by = 'hours') AS nights
FROM e;
SELECT name, weight FROM scheduler.placement_factors() ORDER BY n;
SELECT count(*) FROM scheduler.judge_starts(scheduler.current_user_id(), :'explained', now(), now() + interval '14 days', 60000000, '{2031-01-01}');
SELECT count(*) FROM scheduler.free_slots(scheduler.current_user_id(), '2031-06-03', '2031-06-04', 3600000000, 'any', 900000000, 5);
SELECT count(*) FROM scheduler.events_within(scheduler.current_user_id(), '2031-06-02', '2031-06-03');
SELECT scheduler.cancel_task(:'explained');
SELECT try($$SELECT * FROM scheduler.explain_placement(scheduler.uuid7())$$);

-- daylight saving: nine o'clock stays nine o'clock, in spring and in autumn, and a day lasts 23 or 25 hours
SELECT scheduler.set_preference('buffer_minutes', NULL);
SELECT scheduler.add_task('spring', 30, earliest_start => '2031-03-31') AS spring \gset
SELECT scheduler.add_task('autumn', 30, earliest_start => '2031-10-27') AS autumn \gset
SELECT t.description, e.start_datetime, t.start_time, e.start_datetime AT TIME ZONE 'UTC' AS utc FROM scheduler.tasks t JOIN scheduler.calendar_events e USING (task_id)
WHERE t.task_id IN (:'spring', :'autumn') ORDER BY 2;
SELECT scheduler.set_availability(7, '00:00', '24:00', 'personal');
SELECT sum(ends_at - starts_at) FROM scheduler.open_hours(scheduler.current_user_id(), '2031-03-30', '2031-03-30 12:00') WHERE kind = 'personal';
SELECT sum(ends_at - starts_at) FROM scheduler.open_hours(scheduler.current_user_id(), '2031-10-26', '2031-10-26 12:00') WHERE kind = 'personal';
SELECT scheduler.hold_slot('2031-10-26 02:15+02', '2031-10-26 02:45+02') <> scheduler.hold_slot('2031-10-26 02:15+01', '2031-10-26 02:45+01') AS both_of_the_hour;

-- limits of a day and of notice
SELECT scheduler.set_preference('max_minutes_per_day', '60');
SELECT scheduler.add_task('half ' || n, 40, earliest_start => '2031-07-07') IS NOT NULL AS added FROM generate_series(1, 2) AS n;
SELECT description, scheduled_date FROM scheduler.tasks WHERE description ~ '^half' ORDER BY 1;
SELECT scheduler.set_preference('max_minutes_per_day', NULL), scheduler.set_preference('min_notice_minutes', '120');
SELECT min(starts_at) >= now() + interval '2 hours' AS notice FROM scheduler.find_slots('15 min');

-- bad windows and durations
SELECT scheduler.check_window('[2031-01-01, 2031-01-08)', NULL, NULL);
SELECT upper(w) = lower(w) + interval '14 days' AS two_weeks FROM scheduler.check_window(NULL, NULL, NULL) AS w;
SELECT try($$SELECT * FROM scheduler.plan(from_time => '2031-02-01', to_time => '2031-01-01')$$);
SELECT try($$SELECT * FROM scheduler.plan('[2031-01-01, infinity)')$$);
SELECT try($$SELECT * FROM scheduler.plan('[2031-01-01,)')$$);
SELECT try($$SELECT * FROM scheduler.plan('empty')$$);
SELECT try($$SELECT * FROM scheduler.free_busy('[2031-01-01, 2131-01-01)')$$);
SELECT try($$SELECT * FROM scheduler.plan('[2001-01-01, 2001-01-02)')$$);
SELECT try($$SELECT * FROM scheduler.find_slots('-1 hour')$$);
SELECT try($$SELECT * FROM scheduler.find_slots('1 hour', step => '0')$$);
SELECT try($$SELECT * FROM scheduler.find_slots('1 hour', max => 1000000)$$);
SELECT try($$SELECT scheduler.hold_slot('2031-01-01', '2031-01-01')$$);
SELECT try($$SELECT scheduler.hold_slot(now() - interval '1 hour', now() + interval '1 hour')$$) ~ '^22023';
SELECT try($$SELECT scheduler.hold_slot('2031-01-01 10:00', '2031-01-01 11:00', '-1 min')$$) ~ '^22023';
SELECT try($$SELECT scheduler.check_span('2031-01-02', '2031-01-01')$$) ~ '^42501';

-- today, whatever today is
SELECT scheduler.add_event('now', now() - interval '5 min', now() + interval '5 min', is_external => true) AS today \gset
SELECT kind, description, is_external FROM scheduler.todays_schedule WHERE event_id = :'today';

-- another user sees nothing of all this and has a calendar of his own
RESET ROLE;
SELECT user_id AS alice_id FROM scheduler.users WHERE role_name = 'planner_alice' \gset
SET ROLE planner_bob;
SELECT (SELECT count(*) FROM scheduler.tasks) + (SELECT count(*) FROM scheduler.calendar_events) + (SELECT count(*) FROM scheduler.scheduling_conflicts)
	+ (SELECT count(*) FROM scheduler.protected_time) + (SELECT count(*) FROM scheduler.availability_overrides) + (SELECT count(*) FROM scheduler.task_dependencies)
	+ (SELECT count(*) FROM scheduler.upcoming_tasks) + (SELECT count(*) FROM scheduler.todays_schedule) + (SELECT count(*) FROM scheduler.free_busy('[2031-01-01, 2031-12-31)'))
	+ (SELECT count(*) FROM scheduler.plan('[2031-01-01, 2031-12-31)')) + (SELECT count(*) FROM scheduler.detect_conflicts('[2031-01-01, 2031-12-31)')) AS seen;
SELECT try(format('SELECT %s', call)) AS refused FROM unnest(ARRAY[
	format('scheduler.complete_task(%L)', :'spring'), format('scheduler.cancel_task(%L)', :'spring'), format('scheduler.pin_task(%L)', :'spring'),
	format('scheduler.log_work(%L, 5)', :'spring'), format('scheduler.postpone_task(%L, %L)', :'spring', '2031-05-05'), format('scheduler.update_task(%L, %L)', :'spring', '{}'),
	format('scheduler.cancel_event(%L)', :'hold'), format('scheduler.move_event(%L, %L)', :'hold', '2031-05-05'), format('scheduler.update_event(%L, %L)', :'hold', '{}'),
	format('scheduler.book_slot(%L)', :'hold'), format('scheduler.release_slot(%L)', :'hold'), format('scheduler.unprotect_time(%L)', :'lunch'),
	format('scheduler.resolve_conflict(%L)', :'third_conflict'), format('scheduler.ignore_conflict(%L)', :'third_conflict'),
	format('scheduler.explain_placement(%L)', :'spring'), format('scheduler.add_task(%L, depends_on => ARRAY[%L::uuid])', 'x', :'spring'),
	format('scheduler.add_task(%L, parent_task_id => %L)', 'x', :'spring'),
	format('scheduler.free_busy(user_id => %L)', :'alice_id'), format('scheduler.busy_ranges(user_id => %L)', :'alice_id'), format('scheduler.plan(user_id => %L)', :'alice_id'),
	format('scheduler.find_slots(%L, user_ids => ARRAY[%L::uuid])', '1 hour', :'alice_id'), format('scheduler.detect_conflicts(user_id => %L)', :'alice_id')]) AS call;
SELECT scheduler.hold_slot('2031-06-02 10:00', '2031-06-02 11:00') IS NOT NULL AS same_time_other_calendar;
SELECT scheduler.set_preference('buffer_minutes', '5'), scheduler.set_availability(6, '09:00', '10:00'), scheduler.set_day('2031-05-07');
SELECT scheduler.add_task('new york', 30, earliest_start => '2031-03-10') IS NOT NULL AS added;
SELECT start_datetime AT TIME ZONE 'America/New_York' AS local FROM scheduler.calendar_events WHERE task_id IS NOT NULL;
SELECT try($$INSERT INTO scheduler.tasks (description) VALUES ('x')$$), try($$DELETE FROM scheduler.calendar_events$$), try($$SELECT scheduler.lock_calendar(scheduler.uuid7())$$);

-- a viewer looks, and only looks
SET ROLE planner_viewer;
SELECT count(*) FROM scheduler.find_slots('1 hour', '[2031-06-02, 2031-06-03)', max => 1);
SELECT count(*) AS busy FROM scheduler.free_busy('[2031-06-02, 2031-06-03)');
SELECT scheduler.density('[2031-06-02, 2031-06-03)');
SELECT try($$SELECT scheduler.add_task('x')$$), try($$SELECT scheduler.plan()$$);

-- nobody: a superuser without a user of his own
RESET ROLE;
SELECT try($$SELECT scheduler.add_task('x')$$);

-- what holds for every row, whoever writes it: two blocks never overlap, also where a statement swaps them
SELECT scheduler.is_restoring();
SELECT count(*) FROM scheduler.place_tasks(:'alice_id', '2031-05-05', '2031-05-12', ARRAY[:'first'::uuid]);
SELECT try(format($$INSERT INTO scheduler.calendar_events (user_id, start_datetime, end_datetime) VALUES (%1$L, '2031-08-04 10:00Z', '2031-08-04 11:00Z'), (%1$L, '2031-08-04 10:30Z', '2031-08-04 11:30Z')$$, :'alice_id')) ~ '^23P01';
INSERT INTO scheduler.calendar_events (user_id, summary, start_datetime, end_datetime) VALUES (:'alice_id', 'a', '2031-08-04 10:00Z', '2031-08-04 11:00Z'), (:'alice_id', 'b', '2031-08-04 11:00Z', '2031-08-04 12:00Z');
UPDATE scheduler.calendar_events SET start_datetime = start_datetime + CASE summary WHEN 'a' THEN interval '1 hour' ELSE interval '-1 hour' END,
	end_datetime = end_datetime + CASE summary WHEN 'a' THEN interval '1 hour' ELSE interval '-1 hour' END WHERE summary IN ('a', 'b');
SELECT summary, start_datetime AT TIME ZONE 'UTC' AS starts, blocks FROM scheduler.calendar_events WHERE summary IN ('a', 'b') ORDER BY 1;
INSERT INTO scheduler.calendar_events (user_id, summary, start_datetime, end_datetime, is_external) VALUES (:'alice_id', 'over a', '2031-08-04 10:00Z', '2031-08-04 12:00Z', true);
SELECT count(*) AS overlapping, count(*) FILTER (WHERE blocks) AS blocks FROM scheduler.calendar_events WHERE start_datetime >= '2031-08-04 10:00Z' AND end_datetime <= '2031-08-04 12:00Z';
SELECT conflict_type, detail FROM scheduler.find_overlaps(:'alice_id', '2031-08-04', '2031-08-05') ORDER BY 2;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
BEGIN;
SELECT scheduler.lock_calendar(:'alice_id');
SELECT count(*), min(classid::bigint) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
ROLLBACK;
-- an event from outside is stored once; a conflict lives as long as the overlap
SELECT scheduler.store_event(e) = e.event_id AS same_row FROM scheduler.calendar_events e WHERE external_id = 'x-1';
SELECT resolution_status, scheduler.is_overlap_live(c) AS live FROM scheduler.scheduling_conflicts c WHERE user_id = :'alice_id' AND conflict_type = 'time_overlap' ORDER BY 1;
-- and all of it was announced
SELECT type, count(*) > 0 AS announced FROM scheduler.new_changes WHERE user_id = :'alice_id' GROUP BY type ORDER BY type COLLATE "C";
-- a user who goes takes everything along
DELETE FROM scheduler.users WHERE role_name = 'planner_alice';
SELECT (SELECT count(*) FROM scheduler.tasks WHERE user_id = :'alice_id') + (SELECT count(*) FROM scheduler.calendar_events WHERE user_id = :'alice_id') AS left_over;
DROP FUNCTION try(text);
DELETE FROM scheduler.users WHERE role_name ~ '^planner_';
DROP ROLE planner_alice, planner_bob, planner_viewer;
