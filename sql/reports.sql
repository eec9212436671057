-- reports: setup(), doctor(), the recap, retention
\set SHOW_CONTEXT never
CREATE ROLE regress_reports_anna LOGIN;
CREATE ROLE regress_reports_ben LOGIN;

-- setup() is repeatable, and says what it did; there is no worker in this cluster, which it says too
SELECT step, status FROM scheduler.setup('Root@Example.org', 'Root', 'Europe/Berlin') WHERE step IN ('user', 'arm');
SELECT step, status, replace(detail, session_user, 'me') AS detail FROM scheduler.setup('root@example.org')
WHERE step IN ('user', 'arm', 'check: armed', 'check: workers', 'check: secrets');
SELECT status FROM scheduler.setup('root@example.org') WHERE step = 'master key';
SELECT email, name, timezone, role_name = session_user AS mine FROM scheduler.users WHERE role_name = session_user;
SELECT status, replace(detail, session_user, 'me') AS detail, hint IS NOT NULL AS helps
FROM scheduler.setup('other@example.org') WHERE step = 'user';
SELECT step, status, hint IS NULL AS fine FROM scheduler.setup_user('root@example.org', NULL, 'Europe/Berlin');
SELECT scheduler.setup_user('x@example.org', NULL, 'Mars/Olympus');
SELECT scheduler.disarm();
SELECT step, status, detail FROM scheduler.setup_arm();
SELECT scheduler.armed();

-- people
SELECT scheduler.create_user('anna@example.org', 'Anna', 'Europe/Berlin', role_name => 'regress_reports_anna') IS NOT NULL AS anna;
SELECT scheduler.create_user('ben@example.net', 'Ben', 'America/New_York', role_name => 'regress_reports_ben') IS NOT NULL AS ben;
SELECT user_id AS anna FROM scheduler.users WHERE email = 'anna@example.org' \gset
SELECT user_id AS ben FROM scheduler.users WHERE email = 'ben@example.net' \gset
-- these serve recap() alone; lent for a closer look
GRANT EXECUTE ON FUNCTION scheduler.tasks_of_week(timestamptz, timestamptz),
	scheduler.balance_of_week(timestamptz, timestamptz, text) TO regress_reports_anna;

-- a week that is over, in Anna's zone: done late, done in time, not done, cancelled, postponed, personal
SELECT scheduler.uuid7() AS t1, scheduler.uuid7() AS t2, scheduler.uuid7() AS t3, scheduler.uuid7() AS t4,
	scheduler.uuid7() AS t5 \gset
INSERT INTO scheduler.tasks (user_id, task_id, description, priority, category, status, deadline, completed_at, postponed_count)
VALUES (:'anna', :'t1', 'Report', 8, 'work', 'completed', '2026-03-04 12:00+01', '2026-03-04 10:00+01', 0),
	(:'anna', :'t2', 'Invoice', 4, 'work', 'completed', '2026-03-04 12:00+01', '2026-03-06 09:00+01', 0),
	(:'anna', :'t3', 'Gym', 5, 'health', 'completed', NULL, '2026-03-08 23:30+01', 0),
	(:'anna', :'t4', 'Archive', 3, 'work', 'pending', '2026-03-09 00:00+01', NULL, 3),
	(:'anna', :'t5', 'Called off', 9, 'work', 'cancelled', '2026-03-05 12:00+01', NULL, 0),
	(:'ben', scheduler.uuid7(), 'Ben''s own', 9, 'personal', 'completed', NULL, '2026-03-05 12:00+01', 0);
INSERT INTO scheduler.calendar_events (user_id, task_id, summary, start_datetime, end_datetime, blocks)
VALUES (:'anna', :'t1', 'Report', '2026-03-04 08:30+01', '2026-03-04 10:30+01', true),
	(:'anna', :'t2', 'Invoice', '2026-03-03 10:00+01', '2026-03-03 12:00+01', true),
	(:'anna', :'t3', 'Gym', '2026-03-08 18:00+01', '2026-03-08 19:00+01', true);
SET ROLE regress_reports_anna;
SELECT description, category, priority, completed, on_time, postponed_count
FROM scheduler.tasks_of_week('2026-03-02 00:00+01', '2026-03-09 00:00+01') ORDER BY description;
SELECT scheduler.balance_of_week('2026-03-02 00:00+01', '2026-03-09 00:00+01', 'Europe/Berlin') AS half_outside,
	scheduler.balance_of_week('2026-03-02 00:00+01', '2026-03-09 00:00+01', 'America/New_York') AS all_outside,
	scheduler.balance_of_week('2020-03-02 00:00+01', '2020-03-09 00:00+01', 'Europe/Berlin') AS nothing;
\x on
SELECT week_start_date, week_end_date, total_tasks_planned, total_tasks_completed, completion_rate, productivity_score,
	work_life_balance_score, work_tasks_completed, personal_tasks_completed, health_tasks_completed, summary,
	recommendations, highlights #- '{0,task_id}' AS highlights, most_productive_day, most_productive_time,
	common_postponed_tasks
FROM scheduler.recap('2026-03-08');
SELECT total_tasks_planned, completion_rate, productivity_score, work_life_balance_score, summary, recommendations
FROM scheduler.recap('2020-01-01');
\x off
SELECT count(*) AS kept_once FROM scheduler.recap('2026-03-02') AS r JOIN scheduler.weekly_recaps USING (user_id)
WHERE weekly_recaps.week_start_date = '2026-03-02';
SELECT scheduler.recap('2026-03-08', :'ben');
SELECT scheduler.caller_has_role('scheduler_user') AS user, scheduler.caller_has_role('scheduler_admin') AS admin,
	scheduler.caller_has_role('nobody_has_this') AS unknown;
SELECT scheduler.apply_retention();
SELECT scheduler.expire_jobs();
SELECT scheduler.expire_calls();
RESET ROLE;
SET ROLE regress_reports_ben;
SELECT total_tasks_planned, most_productive_day, most_productive_time FROM scheduler.recap('2026-03-08');
SELECT count(*) AS own FROM scheduler.weekly_recaps;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION scheduler.tasks_of_week(timestamptz, timestamptz),
	scheduler.balance_of_week(timestamptz, timestamptz, text) FROM regress_reports_anna;
SELECT scheduler.recap_advice(10, 4, 1, ARRAY['Archive'], 40), scheduler.recap_advice(10, 9, 2, '{}', 90),
	scheduler.recap_advice(0, 0, 0, '{}', NULL);

-- doctor(): everybody's trouble for an admin, one's own for a user
INSERT INTO scheduler.live_jobs (user_id, kind, payload, priority, run_at, max_attempts, status, ready, runner, error)
VALUES (:'anna', 'noop', '{}', 5, now(), 1, 'dead', false, false, 'broken'),
	(:'ben', 'noop', '{}', 5, now() - interval '1 hour', 1, 'pending', true, false, NULL);
INSERT INTO scheduler.model_choices (user_id, purpose, model_id) VALUES (:'anna', 'extract', 'nowhere');
INSERT INTO scheduler.llm_models (user_id, model_id, provider, model, secret, base_url)
VALUES (:'ben', 'mine', 'openai', 'x', 'lost', 'https://example.org/v1');
INSERT INTO scheduler.connection_tests (user_id, what, ok, error) VALUES (:'anna', 'model:nowhere', false, 'no answer');
SELECT check_name, status, detail, hint FROM scheduler.diagnose_workers() WHERE check_name IN ('workers', 'armed');
SELECT check_name, status FROM scheduler.diagnose_secrets();
SELECT check_name, status, regexp_replace(detail, 'since .*', 'since ...') AS detail, hint FROM scheduler.diagnose_rows();
SET ROLE regress_reports_anna;
SELECT check_name, status, detail FROM scheduler.doctor() WHERE check_name NOT IN ('place file', 'master key');
RESET ROLE;
SET ROLE regress_reports_ben;
SELECT check_name, status, regexp_replace(detail, 'since .*', 'since ...') AS detail FROM scheduler.doctor()
WHERE check_name NOT IN ('place file', 'master key', 'armed', 'workers');
RESET ROLE;

-- retention: what is young stays
INSERT INTO scheduler.llm_calls (user_id, model_id, model, purpose, outcome, created_at)
VALUES (:'anna', 'm', 'm', 'extract', 'ok', now() - interval '401 days'), (:'ben', 'm', 'm', 'extract', 'ok', now() - interval '399 days');
INSERT INTO scheduler.agent_context (user_id, agent_name, context_type, created_at)
VALUES (:'anna', 'extract', 'input', now() - interval '91 days'), (:'anna', 'extract', 'input', now() - interval '89 days');
INSERT INTO scheduler.changes (user_id, change_seq, type, at)
VALUES (:'anna', 1, 'task.created', now() - interval '8 days'), (:'anna', 2, 'task.created', now() - interval '6 days');
UPDATE scheduler.live_jobs SET finished_at = now() - interval '31 days' WHERE status = 'dead';
SELECT scheduler.expire_calls() AS calls, scheduler.expire_jobs() AS jobs, scheduler.apply_retention() AS nothing_left;
SELECT count(*), min(created_at) > now() - interval '400 days' AS young FROM scheduler.llm_calls;
SELECT count(*) FROM scheduler.agent_context;
SELECT change_seq FROM scheduler.changes;
SELECT count(*) FILTER (WHERE status = 'dead') AS dead, count(*) FILTER (WHERE status = 'pending') AS pending FROM scheduler.live_jobs;
SELECT scheduler.keep_house(1000) AS kept, scheduler.keep_house(0) AS more, scheduler.make_partitions() AS made_already, scheduler.drop_empty_partitions() AS none_over;
SELECT count(*) AS months, count(DISTINCT p.relname) AS of_tables, bool_and(c.relrowsecurity AND c.relforcerowsecurity) AS fenced,
	bool_and((SELECT count(*) FROM pg_index x WHERE x.indrelid = c.oid) =
		(SELECT count(*) FROM pg_index x WHERE x.indrelid = ('scheduler.' || p.relname || '_default')::regclass)) AS indexed
FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid
WHERE p.relkind = 'p' AND p.relnamespace = 'scheduler'::regnamespace AND c.relname ~ '\d{4}_\d\d$';

DELETE FROM scheduler.users WHERE role_name = session_user;
DROP OWNED BY regress_reports_anna, regress_reports_ben;
DROP ROLE regress_reports_anna, regress_reports_ben;
