/*
 * reports: what pg_cron, or an administrator, has done for all users at once.
 *
 * A function cannot commit, and one transaction over all users would hold every calendar's lock until the last one is
 * done and lose all of them with the first error. So each user's part is a job of his: it runs with his identity and his
 * share of the worker, commits by itself, is tried again, and an error is his job's error. Its key keeps a second call
 * from doing the work twice. Last of the rooms, so that it may know all of them.
 */

CREATE FUNCTION scheduler.handle_plan(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN scheduler.step_done((
		SELECT jsonb_object_agg(s.status, s.blocks)
		FROM (SELECT p.status, count(*) AS blocks FROM scheduler.plan() AS p GROUP BY p.status) AS s));
END
$body$;
COMMENT ON FUNCTION scheduler.handle_plan(scheduler.job, scheduler.http_response) IS
	'Handler of kind planner.plan: places the user''s tasks; the result counts the blocks.';
SELECT scheduler.install_job_kind('planner.plan', 'scheduler.handle_plan', max_attempts => 5, priority => 8);

CREATE FUNCTION scheduler.handle_recap(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN scheduler.step_done(to_jsonb((scheduler.recap((($1).payload ->> 'week')::date)).week_start_date));
END
$body$;
COMMENT ON FUNCTION scheduler.handle_recap(scheduler.job, scheduler.http_response) IS
	'Handler of kind reports.recap, payload {"week": a day or null}: writes the user''s recap.';
SELECT scheduler.install_job_kind('reports.recap', 'scheduler.handle_recap', max_attempts => 5, priority => 8);

CREATE FUNCTION scheduler.require_admin(deed text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'permission denied to %', $1 USING ERRCODE = '42501',
			HINT = 'This needs membership of scheduler_admin.';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.require_admin(text) IS 'Raises 42501 unless the caller is an administrator.';

/* Enqueues for every user: owned by scheduler_system, as are the two behind it. */
CREATE FUNCTION scheduler.plan_all() RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.require_admin('plan for all users');
	RETURN (SELECT count(scheduler.enqueue('planner.plan', unique_key => 'plan', user_id => u.user_id))
		FROM scheduler.users u
		WHERE u.is_active AND EXISTS (SELECT FROM scheduler.tasks t
			WHERE t.user_id = u.user_id AND t.status IN ('pending', 'scheduled')));
END
$body$;
COMMENT ON FUNCTION scheduler.plan_all() IS
	'Has the tasks of every user placed, by a job each; returns for how many users.';
ALTER FUNCTION scheduler.plan_all() OWNER TO scheduler_system;

CREATE FUNCTION scheduler.recap_all(week date DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.require_admin('write the recaps of all users');
	RETURN (SELECT count(scheduler.enqueue('reports.recap', jsonb_build_object('week', $1),
			unique_key => coalesce(to_char(date_trunc('week', $1::timestamp), 'YYYY-MM-DD'), 'this week'), user_id => u.user_id))
		FROM scheduler.users u
		WHERE u.is_active AND u.user_id <> scheduler.system_user_id());
END
$body$;
COMMENT ON FUNCTION scheduler.recap_all(date) IS
	'Has the recap of every user written, by a job each; NULL: of this week in each one''s zone. Returns for how many.';
ALTER FUNCTION scheduler.recap_all(date) OWNER TO scheduler_system;

CREATE FUNCTION scheduler.sync_all() RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.require_admin('synchronise the accounts of all users');
	RETURN (SELECT count(scheduler.enqueue(p.poll_kind, jsonb_build_object('account_id', a.account_id),
			unique_key => a.account_id::text, unique_mode => 'reschedule', user_id => a.user_id))
		FROM scheduler.accounts a
		JOIN scheduler.providers p ON p.provider = a.provider
		JOIN scheduler.users u ON u.user_id = a.user_id
		WHERE u.is_active AND a.status <> 'paused' AND p.poll_kind IS NOT NULL);
END
$body$;
COMMENT ON FUNCTION scheduler.sync_all() IS
	'Has every connected mailbox looked into now instead of at its next time; returns how many.';
ALTER FUNCTION scheduler.sync_all() OWNER TO scheduler_system;
GRANT EXECUTE ON FUNCTION scheduler.plan_all(), scheduler.recap_all(date), scheduler.sync_all() TO scheduler_admin;

/*
 * Times are pg_cron's, GMT unless cron.timezone says otherwise. The last week's recap is written anew on Monday, when that
 * week is over in every zone.
 */
CREATE FUNCTION scheduler.cron_jobs() RETURNS TABLE (job_name text, schedule text, command text)
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	VALUES ('scheduler_apply_retention', '17 * * * *', 'SELECT scheduler.apply_retention(100000)'),
		('scheduler_plan_all', '40 2 * * *', 'SELECT scheduler.plan_all()'),
		('scheduler_recap_all', '10 3 * * *', 'SELECT scheduler.recap_all()'),
		('scheduler_recap_last_week', '30 12 * * 1', 'SELECT scheduler.recap_all(current_date - 7)'),
		('scheduler_sync_all', '*/15 * * * *', 'SELECT scheduler.sync_all()')
$body$;
COMMENT ON FUNCTION scheduler.cron_jobs() IS 'What install_cron_jobs() registers.';

/* 0A000 unless pg_cron is here, with what is missing. */
CREATE FUNCTION scheduler.require_cron() RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	home text;
BEGIN
	PERFORM scheduler.require_admin('register jobs with pg_cron');
	IF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
		RETURN;
	END IF;
	BEGIN
		home := current_setting('cron.database_name', true);
	EXCEPTION WHEN insufficient_privilege THEN
		home := 'not shown to you';
	END;
	RAISE EXCEPTION 'pg_cron is not installed in this database' USING ERRCODE = '0A000',
		DETAIL = CASE WHEN home IS NULL THEN 'Its library is not loaded.'
			ELSE format('It works in database "%s" (cron.database_name).', home) END,
		HINT = CASE
			WHEN home IS NULL THEN format('shared_preload_libraries = ''scheduler, pg_cron'', cron.database_name = %L,'
				' cron.use_background_workers = on; restart; CREATE EXTENSION pg_cron', current_database())
			WHEN home = current_database() THEN 'CREATE EXTENSION pg_cron'
			ELSE format('There, for each row that scheduler.cron_jobs() has here:'
				' SELECT cron.schedule_in_database(job_name, schedule, command, %L)', current_database()) END;
END
$body$;
COMMENT ON FUNCTION scheduler.require_cron() IS 'Raises 42501 or 0A000 unless the caller can register jobs with pg_cron here.';

/* With the caller's rights: the jobs run as him. */
CREATE FUNCTION scheduler.install_cron_jobs() RETURNS TABLE (job_name text, schedule text, command text)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.require_cron();
	PERFORM cron.schedule(j.job_name, j.schedule, j.command) FROM scheduler.cron_jobs() AS j;
	RETURN QUERY SELECT j.* FROM scheduler.cron_jobs() AS j;
END
$body$;
COMMENT ON FUNCTION scheduler.install_cron_jobs() IS
	'Registers the calls for all users with pg_cron, as the caller; a second time sets them back to what they were.';

CREATE FUNCTION scheduler.remove_cron_jobs() RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.require_cron();
	RETURN (SELECT count(cron.unschedule(c.jobid)) FROM cron.job AS c
		WHERE c.jobname IN (SELECT j.job_name FROM scheduler.cron_jobs() AS j)
			AND c.username = current_user AND c.database = current_database());
END
$body$;
COMMENT ON FUNCTION scheduler.remove_cron_jobs() IS
	'Takes back what the caller registered with install_cron_jobs(); returns how many.';
GRANT EXECUTE ON FUNCTION scheduler.cron_jobs(), scheduler.require_admin(text), scheduler.require_cron(),
	scheduler.install_cron_jobs(), scheduler.remove_cron_jobs() TO scheduler_admin;
