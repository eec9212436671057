-- assistant: one typed sentence onto the calendar
\pset null '-'
SET timezone = 'UTC';
-- what is read, from a fixed moment: a Wednesday, a Friday evening, a Sunday
SELECT description, start_at, deadline, duration_minutes
FROM scheduler.split_text('dentist tomorrow 9, then two hours for the report before Friday noon', '2024-06-05 10:15+02', 'Europe/Berlin', 'MDY');
SELECT description, start_at, deadline, duration_minutes
FROM scheduler.split_text('dentist tomorrow 9, then two hours for the report before Friday noon', '2024-06-07 18:00+02', 'Europe/Berlin', 'MDY');
SELECT description, start_at, deadline, duration_minutes
FROM scheduler.split_text('dentist tomorrow 9, then two hours for the report before Friday noon', '2024-06-09 21:00+02', 'Europe/Berlin', 'MDY');
SELECT * FROM scheduler.split_text(E'- gym every Tuesday at 7\n- urgent: slides (2h) on 3/4\ntomorrow 9', '2024-06-05 10:15+02', 'Europe/Berlin', 'DMY');

CREATE ROLE regress_typist LOGIN;
CREATE ROLE regress_other LOGIN;
SELECT scheduler.create_user('typist@example.org', 'Typist', 'Europe/Berlin', role_name => 'regress_typist') IS NOT NULL AS made,
	scheduler.create_user('other@example.org', 'Other', 'Asia/Tokyo', role_name => 'regress_other') IS NOT NULL AS made;
SET ROLE regress_typist;
-- both at once: the appointment where it was asked for, the task before its deadline
CREATE TEMP TABLE answer AS
SELECT scheduler.schedule_text('dentist tomorrow 9, then two hours for the report by the end of next month',
	'11111111-1111-1111-1111-111111111111') AS a;
SELECT jsonb_array_length(a -> 'tasks') AS tasks, a -> 'conflicts' AS conflicts, a -> 'unparsed' AS unparsed FROM answer;
SELECT t.value ->> 'description' AS description, t.value ->> 'duration_minutes' AS minutes, t.value ->> 'category' AS category,
	(s.starts AT TIME ZONE 'Europe/Berlin')::date = (now() AT TIME ZONE 'Europe/Berlin')::date + 1
		AND (s.starts AT TIME ZONE 'Europe/Berlin')::time = '09:00' AS tomorrow_at_nine,
	s.starts > now() AND s.ends <= (t.value ->> 'deadline')::timestamptz AS in_time
FROM answer, jsonb_array_elements(a -> 'tasks') AS t,
	LATERAL (SELECT (t.value ->> 'starts_at')::timestamptz AS starts, (t.value ->> 'ends_at')::timestamptz AS ends) AS s;
SELECT u.description, u.pinned, u.starts_at = (a -> 'tasks' -> (CASE u.description WHEN 'dentist' THEN 0 ELSE 1 END) ->> 'starts_at')::timestamptz AS as_answered
FROM answer, scheduler.upcoming_tasks AS u ORDER BY 1;
SELECT description, original_input, task_type, metadata - 'session_id' AS metadata, metadata ->> 'session_id' AS session
FROM scheduler.tasks ORDER BY description;
-- a time that is taken: no second block, other times instead; the rest of the sentence counts
UPDATE answer SET a = scheduler.schedule_text('haircut tomorrow at 9:30; buy milk');
SELECT a -> 'tasks' -> 0 ->> 'description' AS made, a -> 'conflicts' -> 0 ->> 'reason' AS reason,
	a -> 'conflicts' -> 0 ->> 'conflict_type' AS conflict_type, a -> 'conflicts' -> 0 ->> 'description' AS not_made,
	jsonb_array_length(a -> 'conflicts' -> 0 -> 'alternatives') AS alternatives FROM answer;
SELECT count(*) AS haircuts FROM scheduler.tasks WHERE description = 'haircut';
SELECT jsonb_array_length(scheduler.offer_other_times(now() + interval '2 days', 30, 'personal')) AS offers;
-- the past, and what has no words
SELECT a -> 'tasks' AS tasks, a -> 'unparsed' AS unparsed, x.value ->> 'reason' AS reason, x.value ->> 'description' AS description
FROM scheduler.schedule_text(E'lunch yesterday at noon\ntaxes by 1 May 2020\ntomorrow 9') AS a, jsonb_array_elements(a -> 'conflicts') AS x;
-- a deadline before the day
SELECT scheduler.schedule_item('{"description": "x", "earliest_start": "2999-12-31", "deadline": "2999-06-01", "priority": 5, "category": "other"}', NULL)
	-> 'conflict' ->> 'reason' AS reason;
-- more than there is time for
SELECT a -> 'conflicts' -> 0 ->> 'conflict_type' AS conflict_type, a -> 'conflicts' -> 0 ->> 'task_id' = a -> 'tasks' -> 0 ->> 'task_id' AS same_task
FROM scheduler.schedule_text('300 hours of filing by tomorrow') AS a;
-- a recurrence, a day, a morning
SELECT t.value ->> 'description' AS description, t.value ->> 'rrule' AS rrule,
	extract(isodow FROM (t.value ->> 'starts_at')::timestamptz AT TIME ZONE 'Europe/Berlin') AS weekday
FROM scheduler.schedule_text('yoga every Tuesday at 8pm; sauna on 12 December at 6pm') AS a, jsonb_array_elements(a -> 'tasks') AS t
WHERE t.value ->> 'description' = 'yoga';
SELECT (scheduler.schedule_item('{"description": "nap", "priority": 3, "category": "personal", "item": "nap"}', NULL) -> 'task') - 'task_id' - 'starts_at' - 'ends_at' AS nap;
-- nobody else sees it, and nobody without a row can type
SET ROLE regress_other;
SELECT count(*) AS of_others FROM scheduler.tasks;
SELECT t.value ->> 'description' AS own,
	((t.value ->> 'starts_at')::timestamptz AT TIME ZONE 'Asia/Tokyo')::time AS in_tokyo
FROM scheduler.schedule_text('tea tomorrow at 4pm') AS a, jsonb_array_elements(a -> 'tasks') AS t;
RESET ROLE;
\set SHOW_CONTEXT never
SELECT scheduler.schedule_text('dentist tomorrow 9');
\echo :LAST_ERROR_SQLSTATE
SET ROLE regress_typist;
SELECT scheduler.schedule_text('  ');
\echo :LAST_ERROR_SQLSTATE
SELECT scheduler.schedule_text(NULL);
SELECT scheduler.schedule_text(repeat('x', 20001));
SELECT * FROM scheduler.split_text('x', now(), 'Mars/Olympus', 'MDY');
RESET ROLE;
DROP TABLE answer;
DELETE FROM scheduler.users WHERE email IN ('typist@example.org', 'other@example.org');
DROP OWNED BY regress_typist, regress_other;
DROP ROLE regress_typist, regress_other;
