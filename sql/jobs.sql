-- jobs: everything that needs no worker
\set VERBOSITY terse
CREATE ROLE jobs_dev LOGIN;
CREATE ROLE jobs_other LOGIN;
CREATE ROLE jobs_nobody LOGIN;
GRANT scheduler_developer TO jobs_dev;
GRANT scheduler_user TO jobs_other, jobs_nobody;
INSERT INTO scheduler.users (email, role_name, timezone) VALUES
	('jobs-dev@example.org', 'jobs_dev', 'Europe/Berlin'), ('jobs-other@example.org', 'jobs_other', 'UTC');
CREATE SCHEMA jobs_app AUTHORIZATION jobs_dev;

-- nothing runs here, and who enqueues is told once
SELECT scheduler.armed();
\set VERBOSITY default
SELECT cause, hint FROM scheduler.worker_problem();
SELECT scheduler.enqueue('noop') IS NOT NULL AS enqueued;
SELECT scheduler.enqueue('noop') IS NOT NULL AS enqueued_without_warning;
\set VERBOSITY terse

-- arguments
SELECT scheduler.enqueue(NULL);
SELECT scheduler.enqueue('noop', NULL);
SELECT scheduler.enqueue('nosuch');
SELECT scheduler.enqueue('noop', priority => 100);
SELECT scheduler.enqueue('noop', unique_mode => 'maybe');
SELECT scheduler.enqueue(repeat('x', 200));
SELECT user_id = scheduler.system_user_id() AS system, kind, payload, status, priority, attempts, max_attempts
FROM scheduler.jobs;

-- steps
SELECT (s).action, (s).result, (s).state, (s).reason, (s).after
FROM (VALUES (scheduler.step_done('1')), (scheduler.step_sleep('2030-01-01 00:00Z', '2')), (scheduler.step_wait_children('3')),
	(scheduler.step_retry('r', '5 s')), (scheduler.step_fail('f'))) AS v (s);
SELECT ((scheduler.step_request(ROW('GET', 'http://x', NULL, NULL, NULL, NULL), '4')).request).url;
SELECT (scheduler.handle_noop(NULL, NULL)).action;

-- kinds
SET SESSION AUTHORIZATION jobs_dev;
CREATE FUNCTION jobs_app.work(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql AS $$
BEGIN
	IF job.payload ? 'children' AND job.state IS NULL THEN
		PERFORM scheduler.enqueue('jobs_app.work', '{"child": true}') FROM generate_series(1, (job.payload ->> 'children')::integer);
		RETURN scheduler.step_wait_children('{"waits": true}');
	ELSIF job.payload ? 'error' THEN
		RAISE EXCEPTION 'as asked';
	ELSIF job.payload ? 'sleep' AND job.state IS NULL THEN
		RETURN scheduler.step_sleep('2099-01-01', '{"slept": true}');
	ELSIF job.payload ? 'again' AND job.attempts = 1 THEN
		PERFORM scheduler.enqueue('jobs_app.work', '{"second": true}', unique_key => 'self', unique_mode => 'replace');
	ELSIF job.payload ? 'nothing' THEN
		RETURN NULL;
	END IF;
	RETURN scheduler.step_done(jsonb_build_object('payload', job.payload, 'mine', job.user_id = scheduler.current_user_id()));
END $$;
CREATE FUNCTION jobs_app.wrong(job scheduler.job, response scheduler.http_response) RETURNS text LANGUAGE sql RETURN 'x';
SELECT scheduler.register_job_kind('jobs_app.work', 'jobs_app.work', max_attempts => 2);
SELECT scheduler.register_job_kind('jobs_app.work', 'jobs_app.work', max_attempts => 3);
SELECT scheduler.register_job_kind('wrong', 'jobs_app.wrong');
SELECT scheduler.register_job_kind('wrong', 'jobs_app.nosuch');
SELECT scheduler.register_job_kind('wrong', 'work');
SELECT scheduler.register_job_kind('noop', 'jobs_app.work');
SELECT scheduler.register_job_kind('wrong', 'jobs_app.work', run_as => 'postgres');
SELECT scheduler.register_job_kind('wrong', 'jobs_app.work', shared => true);
SELECT scheduler.register_job_kind('wrong', 'jobs_app.work', enqueue_role => 'scheduler_user');
SELECT scheduler.register_job_kind('Wrong', 'jobs_app.work');
SELECT kind, handler, run_as, max_attempts, builtin, shared FROM scheduler.job_kinds WHERE kind = 'jobs_app.work';
SELECT scheduler.may_enqueue('jobs_app.work') AS own, scheduler.may_enqueue('noop') AS noop,
	scheduler.may_enqueue('mail.process') AS built_in, scheduler.may_enqueue('nosuch') AS nosuch;

-- keys
SELECT scheduler.enqueue('jobs_app.work', '{"n": 1}', run_at => '2098-01-01', unique_key => 'k') AS first \gset
SELECT scheduler.enqueue('jobs_app.work', '{"n": 2}', unique_key => 'k') = :'first' AS kept;
SELECT payload, status, run_at::date FROM scheduler.jobs WHERE job_id = :'first';
SELECT scheduler.enqueue('jobs_app.work', '{"n": 3}', run_at => '2097-01-01', unique_key => 'k', unique_mode => 'reschedule') = :'first' AS rescheduled;
SELECT payload, status, run_at::date FROM scheduler.jobs WHERE job_id = :'first';
SELECT scheduler.enqueue('jobs_app.work', '{"n": 4}', run_at => '2096-01-01', unique_key => 'k', unique_mode => 'replace') = :'first' AS replaced;
SELECT payload, status, run_at::date FROM scheduler.jobs WHERE job_id = :'first';
SELECT scheduler.enqueue('jobs_app.work', unique_key => 'other') = :'first' AS other_key;
SELECT scheduler.enqueue_many('jobs_app.work', ARRAY['1', '2', NULL, '3']::jsonb[]);
SELECT scheduler.enqueue('jobs_app.work', user_id => scheduler.system_user_id());

-- running here
BEGIN;
SELECT scheduler.wait_for_job(scheduler.enqueue('noop'));
ROLLBACK;
SELECT scheduler.created_here(:'first');
SELECT (scheduler.wait_for_job(:'first', '10 ms')).status;
SELECT scheduler.wait_for_job('00000000-0000-0000-0000-000000000001');
SELECT status, result, attempts FROM scheduler.run_job_now(:'first');
SELECT scheduler.run_job_now(:'first');
SELECT status, error, attempts FROM scheduler.run_job_now(scheduler.enqueue('jobs_app.work', '{"error": 1}'));
SELECT status, error FROM scheduler.run_job_now(scheduler.enqueue('jobs_app.work', '{"nothing": 1}'));
SELECT status, state, run_at::date FROM scheduler.run_job_now(scheduler.enqueue('jobs_app.work', '{"sleep": 1}'));
SELECT status, payload, attempts FROM scheduler.run_job_now(scheduler.enqueue('jobs_app.work', '{"again": 1}', unique_key => 'self'));
SELECT scheduler.enqueue('jobs_app.work', '{"children": 2}') AS parent \gset
SELECT status FROM scheduler.run_job_now(:'parent');
SELECT status, (scheduler.run_job_now(job_id)).status FROM scheduler.jobs WHERE parent_id = :'parent';
SELECT status, result FROM scheduler.run_job_now(:'parent');
SELECT scheduler.enqueue('jobs_app.work', '{"error": 2}') AS doomed \gset
SELECT status, attempts FROM scheduler.run_job_now(:'doomed');
SELECT status, attempts FROM scheduler.run_job_now(:'doomed');
SELECT status, attempts FROM scheduler.run_job_now(:'doomed');
SELECT status, error FROM scheduler.dead_jobs;
SELECT scheduler.retry_job(:'doomed'), scheduler.retry_job(:'doomed');
SELECT status, attempts FROM scheduler.jobs WHERE job_id = :'doomed';

-- cancelling
SELECT scheduler.cancel_job(:'doomed'), scheduler.cancel_job(:'doomed');
SELECT status FROM scheduler.jobs WHERE job_id = :'doomed';
SELECT kind, status, jobs FROM scheduler.stat_jobs ORDER BY 1, 2;
SELECT count(*) FROM scheduler.stat_workers;

-- schedules
SELECT scheduler.save_schedule('s', 'jobs_app.work', '{"tick": 1}', every => '1 day') IS NOT NULL AS saved;
SELECT scheduler.save_schedule('s', 'jobs_app.work', '{"tick": 2}', every => '1 day', catch_up => 'all', starts_at => now() - interval '3 days') IS NOT NULL AS replaced;
SELECT scheduler.save_schedule('bad', 'jobs_app.work');
SELECT scheduler.save_schedule('bad', 'jobs_app.work', every => '1 day', timezone => 'Mars/Olympus');
SELECT scheduler.save_schedule('bad', 'mail.process', every => '1 day');
SELECT scheduler.save_schedule('bad', 'jobs_app.work', every => '1 ms');
SELECT scheduler.save_schedule('bad', 'jobs_app.work', every => '1 day', catch_up => 'never');
SELECT name, kind, payload, every, timezone, enabled, catch_up, overlap FROM scheduler.schedules;
SELECT scheduler.fire_schedules();

-- another user sees and touches none of it
SET SESSION AUTHORIZATION jobs_other;
SELECT (SELECT count(*) FROM scheduler.jobs) AS jobs, (SELECT count(*) FROM scheduler.live_jobs) AS live,
	(SELECT count(*) FROM scheduler.finished_jobs) AS finished, (SELECT count(*) FROM scheduler.dead_jobs) AS dead,
	(SELECT count(*) FROM scheduler.schedules) AS schedules, (SELECT count(*) FROM scheduler.changes) AS changes,
	(SELECT count(*) FROM scheduler.stat_jobs) AS stats;
SELECT scheduler.cancel_job(:'first') AS cancelled, scheduler.retry_job(:'first') AS retried, scheduler.drop_schedule('s') AS dropped;
SELECT scheduler.enqueue('jobs_app.work');
SELECT scheduler.wait_for_job(:'first', '0 s');
SELECT scheduler.run_job_now(:'first');
SELECT scheduler.register_job_kind('mine', 'scheduler.handle_noop');
SELECT scheduler.arm();
SELECT scheduler.disarm();
SELECT scheduler.apply_retention();
INSERT INTO scheduler.live_jobs (kind, max_attempts, ready, runner) VALUES ('noop', 1, true, false);
SELECT count(*) FROM scheduler.new_changes;
SET SESSION AUTHORIZATION jobs_nobody;
SELECT scheduler.enqueue('noop');
RESET SESSION AUTHORIZATION;

-- an administrator opens a kind, but not one that runs as a user's own role
SELECT scheduler.is_mapped_role('jobs_dev') AS dev, scheduler.is_mapped_role('postgres') AS postgres;
SELECT scheduler.register_job_kind('jobs_app.work', 'jobs_app.work', run_as => 'jobs_dev', enqueue_role => 'scheduler_user');
SELECT scheduler.checked_handler('jobs_app.work', 'jobs_dev'), scheduler.outer_role();
SELECT scheduler.owner_of_job(:'first') IS NULL AS finished_has_none;

-- what the worker does from time to time
SELECT scheduler.step_schedule('2026-03-28 12:00 Europe/Berlin', '1 day', 'Europe/Berlin') AT TIME ZONE 'Europe/Berlin' AS keeps_the_wall_clock,
	scheduler.step_schedule('2026-03-28 12:00Z', '90 minutes', 'UTC') AT TIME ZONE 'UTC' AS ninety_minutes;
SELECT scheduler.fire_schedules() > now() AS next_one_comes;
SELECT outcome, reason, count(*), count(job_id) AS jobs FROM scheduler.schedule_runs GROUP BY 1, 2 ORDER BY 1, 2;
UPDATE scheduler.schedules SET next_run_at = now() - interval '10 days', catch_up = 'skip', overlap = 'queue';
SELECT scheduler.fire_schedule(s) FROM scheduler.schedules s;
SELECT outcome, reason, count(*) FROM scheduler.schedule_runs GROUP BY 1, 2 ORDER BY 1, 2;
UPDATE scheduler.schedules SET next_run_at = now() - interval '3 years', catch_up = 'once', every = '1 second';
SELECT scheduler.fire_schedules() > now() AS at_once;
SELECT outcome, reason, count(*) FROM scheduler.schedule_runs GROUP BY 1, 2 ORDER BY 1, 2;
SELECT scheduler.enqueue_scheduled('gone', '{}', scheduler.system_user_id(), scheduler.uuid7(), NULL) IS NULL AS kind_is_gone;
SELECT scheduler.make_partitions() AS made, scheduler.make_partitions() AS made_again, scheduler.make_partition('changes', '2020-01-01') AS old_one;
UPDATE scheduler.finished_jobs SET finished_at = '2020-01-15' WHERE job_id = :'first';
SELECT scheduler.apply_retention();
SELECT count(*) FROM scheduler.jobs WHERE job_id = :'first';
SELECT scheduler.drop_empty_partitions() AS dropped, scheduler.drop_empty_partitions() AS none_left, scheduler.expire_jobs() AS nothing_old, scheduler.keep_house(1000) AS kept;
SELECT scheduler.record_change('task.created', :'first');
SELECT user_id = scheduler.system_user_id() AS system, type, subject_id = :'first' AS subject FROM scheduler.new_changes WHERE type = 'task.created';
SELECT scheduler.wake_workers('jobs'), scheduler.wake_workers('nonsense');
SELECT system_identifier IS NOT NULL AS server, database_oid = (SELECT oid FROM pg_database WHERE datname = current_database()) AS here,
	(place IS NULL) = (problem IS NOT NULL) AS a_place_or_why_not FROM scheduler.place_state(false);
SELECT scheduler.arm(), scheduler.armed();
SELECT cause FROM scheduler.worker_problem();
UPDATE scheduler.armed_places SET place = 'elsewhere';
SELECT scheduler.armed() AS armed_elsewhere;
SELECT scheduler.disarm(), scheduler.disarm();
SELECT scheduler.worker_states();
CALL scheduler.run('nosuch');

REVOKE ALL ON SCHEMA jobs_app FROM jobs_dev;
DROP SCHEMA jobs_app CASCADE;
DROP ROLE jobs_dev, jobs_other, jobs_nobody;
