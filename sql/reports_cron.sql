-- reports: what is done for all users at once; pg_cron is not here
\set VERBOSITY terse
CREATE ROLE cron_anna LOGIN;
CREATE ROLE cron_ben LOGIN;
CREATE ROLE cron_gone LOGIN;
CREATE ROLE cron_boss LOGIN;
GRANT scheduler_admin TO cron_boss;
SELECT count(scheduler.create_user(r || '@example.org', r, 'Europe/Berlin', role_name => 'cron_' || r)) FROM unnest(ARRAY['anna', 'ben', 'gone']) AS r;
UPDATE scheduler.users SET is_active = false WHERE role_name = 'cron_gone';
INSERT INTO scheduler.tasks (user_id, description, status, completed_at)
	SELECT user_id, 'something', s, CASE s WHEN 'completed' THEN now() END FROM scheduler.users,
		LATERAL unnest(CASE role_name WHEN 'cron_ben' THEN ARRAY['completed'] ELSE ARRAY['pending', 'completed'] END) AS s WHERE role_name ~ '^cron_';
INSERT INTO scheduler.accounts (user_id, provider, address, settings, status, next_poll_at)
	SELECT user_id, 'maildir', s, '{"path": "/nonexistent"}', s, now() + interval '1 hour'
	FROM scheduler.users, unnest(ARRAY['active', 'error', 'paused']) AS s WHERE role_name IN ('cron_anna', 'cron_gone');

-- administrators only
SET SESSION AUTHORIZATION cron_anna;
SELECT scheduler.plan_all();
SELECT scheduler.recap_all();
SELECT scheduler.sync_all();
SELECT scheduler.install_cron_jobs();
SELECT scheduler.remove_cron_jobs();
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION scheduler.plan_all(), scheduler.recap_all(date), scheduler.sync_all(), scheduler.install_cron_jobs(),
	scheduler.remove_cron_jobs(), scheduler.require_cron(), scheduler.require_admin(text) TO cron_anna;
SET SESSION AUTHORIZATION cron_anna;
SELECT scheduler.plan_all();
SELECT scheduler.recap_all();
SELECT scheduler.sync_all();
SELECT scheduler.install_cron_jobs();
SELECT scheduler.remove_cron_jobs();
SELECT scheduler.enqueue('planner.plan');
SELECT scheduler.enqueue('reports.recap');
SELECT count(*) FROM scheduler.jobs;

-- a job for each user who has something to be done; a second call makes none
SET SESSION AUTHORIZATION cron_boss;
SET client_min_messages = error;
SELECT scheduler.plan_all(), scheduler.recap_all(), scheduler.recap_all('2026-03-04'), scheduler.sync_all();
SELECT scheduler.plan_all(), scheduler.recap_all(), scheduler.recap_all('2026-03-08'), scheduler.sync_all();
RESET SESSION AUTHORIZATION;
SELECT u.role_name, j.kind, j.payload - 'account_id' AS payload, count(*) FROM scheduler.jobs j JOIN scheduler.users u USING (user_id)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT unique_key FROM scheduler.jobs WHERE kind <> 'mail.poll' GROUP BY 1 ORDER BY 1;

-- what waits for its next time is moved forward
UPDATE scheduler.live_jobs SET status = 'sleeping', ready = false, run_at = now() + interval '1 hour' WHERE kind = 'mail.poll';
SELECT scheduler.sync_all();
SELECT status, ready, run_at <= now() AS due, count(*) FROM scheduler.live_jobs WHERE kind = 'mail.poll' GROUP BY 1, 2, 3;

-- each with the right of its user
SELECT kind, (scheduler.run_job_now(job_id)).status FROM scheduler.live_jobs WHERE kind <> 'mail.poll' ORDER BY kind, user_id, job_id;
SELECT u.role_name, j.kind, j.result FROM scheduler.jobs j JOIN scheduler.users u USING (user_id)
WHERE j.kind = 'planner.plan' OR j.payload ->> 'week' IS NOT NULL ORDER BY 1, 2;
SELECT u.role_name, count(*), bool_or(r.week_start_date = '2026-03-02') AS march, max(r.total_tasks_completed) AS completed
FROM scheduler.weekly_recaps r JOIN scheduler.users u USING (user_id) GROUP BY 1 ORDER BY 1;
SELECT u.role_name, count(*) AS blocks FROM scheduler.calendar_events e JOIN scheduler.users u USING (user_id) GROUP BY 1 ORDER BY 1;

-- pg_cron
\set VERBOSITY default
SELECT * FROM scheduler.install_cron_jobs();
SELECT scheduler.remove_cron_jobs();
\set VERBOSITY terse
SELECT * FROM scheduler.cron_jobs();
