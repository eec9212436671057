/* reports: doctor(). Every cause we know of "nothing runs", each with the line to type. Changes nothing. */

CREATE FUNCTION scheduler.diagnose_workers() RETURNS TABLE (check_name text, status text, detail text, hint text)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	problem record;
	place record;
	standby boolean := pg_is_in_recovery();
	running bigint;
	runners bigint;
	steady boolean;
	/* Just after arm() or a start the worker is on its way. */
	settled boolean := greatest(pg_postmaster_start_time(), (SELECT a.armed_at FROM scheduler.armed_places a))
		< clock_timestamp() - interval '30 seconds';
BEGIN
	SELECT count(*) FILTER (WHERE w.type = 'worker'), count(*) FILTER (WHERE w.type = 'runner'),
		coalesce(bool_or(w.started_at < clock_timestamp() - interval '1 minute') FILTER (WHERE w.type = 'worker'), false)
	INTO running, runners, steady FROM scheduler.worker_states() AS w;
	SELECT p.cause, p.hint AS advice, p.failures, p.no_runner INTO problem FROM scheduler.worker_problem() AS p;
	IF problem.cause IS NOT NULL THEN
		RETURN QUERY SELECT 'workers', CASE WHEN standby THEN 'warn' ELSE 'fail' END, problem.cause, problem.advice;
	ELSIF problem.failures > 0 AND NOT steady THEN
		RETURN QUERY SELECT 'workers', CASE WHEN problem.failures > 2 THEN 'fail' ELSE 'warn' END,
			format('a worker ended in an error %s times in a row', problem.failures),
			'The server''s log says why; it is started again, after a longer pause each time.';
	ELSIF running = 0 THEN
		RETURN QUERY SELECT 'workers', CASE WHEN settled THEN 'fail' ELSE 'warn' END, 'no worker is alive',
			'It starts within seconds; if it does not, the server''s log says why.';
	ELSE
		RETURN QUERY SELECT 'workers', 'ok', format('%s running', running), NULL::text;
	END IF;
	IF problem.no_runner THEN
		RETURN QUERY SELECT 'runners', CASE WHEN runners = 0 THEN 'fail' ELSE 'warn' END,
			format(CASE WHEN runners = 0 THEN 'max_worker_processes (%s) leaves no process for a runner: jobs of users'' kinds wait'
				ELSE 'max_worker_processes (%s) leaves no process for more runners than %s' END,
				current_setting('max_worker_processes'), runners),
			format('ALTER SYSTEM SET max_worker_processes = %s; then restart the server.',
				current_setting('max_worker_processes')::integer + current_setting('scheduler.runners')::integer);
	END IF;
	SELECT s.file, s.problem AS trouble, s.hint AS advice, s.bound INTO place FROM scheduler.place_state(false) AS s;
	RETURN QUERY SELECT 'place file',
		CASE WHEN place.trouble IS NULL THEN 'ok' WHEN standby THEN 'warn' ELSE 'fail' END,
		coalesce(place.trouble || ': ', '') || place.file,
		CASE WHEN place.trouble IS NOT NULL AND standby
			THEN 'Copy the file of the primary here, so that this server goes on after a takeover.'
			ELSE place.advice END;
	IF scheduler.armed() THEN
		RETURN QUERY SELECT 'armed', 'ok', 'jobs of this database may run', NULL::text;
	ELSE
		RETURN QUERY SELECT 'armed', CASE WHEN standby THEN 'warn' ELSE 'fail' END,
			'this database is not armed in this place',
			CASE WHEN standby AND place.bound
				THEN 'Name one place file in scheduler.place_file here and on the primary: else it takes arm() after a takeover.'
				WHEN standby THEN 'A standby needs the place file of its primary before it takes over.'
				ELSE 'If this is the one database that should act: SELECT scheduler.arm();' END;
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.diagnose_workers() IS 'The lines of doctor() about workers, place and arming.';

CREATE FUNCTION scheduler.diagnose_secrets() RETURNS TABLE (check_name text, status text, detail text, hint text)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	key record;
	lost record;
	plain bigint;
BEGIN
	SELECT k.file, k.problem, k.hint AS advice, k.changing INTO key FROM scheduler.master_key_state() AS k;
	RETURN QUERY SELECT 'master key', CASE WHEN key.problem IS NULL THEN 'ok' ELSE 'fail' END,
		coalesce(key.problem || ': ', '') || key.file, key.advice;
	IF key.changing AND key.problem IS NULL THEN
		RETURN QUERY SELECT 'master key change', 'warn', 'it was begun and did not end; both keys are in use',
			'SELECT * FROM scheduler.rotate_master_key() goes on with it.';
	END IF;
	/* Each user's key once, not each row: a file is opened for it. */
	SELECT count(*), min(p.problem) AS problem INTO lost
	FROM (SELECT DISTINCT s.user_id, s.key_id FROM scheduler.sealed_secrets s LIMIT 10000) AS k,
		LATERAL (SELECT scheduler.data_key_problem(k.user_id, k.key_id)) AS p (problem)
	WHERE p.problem IS NOT NULL;
	IF lost.count > 0 AND key.problem IS NULL THEN
		RETURN QUERY SELECT 'secrets', 'fail', format('the secrets of %s keys cannot be opened: %s', lost.count, lost.problem),
			'Bring the files of scheduler.key_dir and their master key back, or set these secrets again.';
	END IF;
	IF current_setting('scheduler.encrypt_bodies', true) <> 'off' AND key.problem IS NULL THEN
		SELECT count(*) INTO plain FROM (SELECT FROM scheduler.email_bodies b WHERE b.key_id IS NULL LIMIT 1000) AS p;
		IF plain > 0 THEN
			RETURN QUERY SELECT 'mails in clear', 'warn', format('%s were stored before there was a master key', CASE WHEN plain = 1000 THEN 'at least 1000' ELSE plain::text END),
				'They stay as they are until retention deletes them; see doc/security.md.';
		END IF;
	END IF;
	RETURN QUERY SELECT 'data key change', CASE WHEN j.status IN ('failed', 'dead') THEN 'fail' ELSE 'ok' END,
		format('phase "%s": %s users, %s secrets, %s mails so far', coalesce(j.state ->> 'phase', 'waiting'), coalesce(j.state ->> 'users', '0'),
			coalesce(j.state ->> 'secrets', '0'), coalesce(j.state ->> 'mails', '0')) || coalesce('; ' || j.error, ''),
		CASE WHEN j.status IN ('failed', 'dead') THEN format('SELECT scheduler.retry_job(%L);', j.job_id) END
	FROM scheduler.live_jobs j WHERE j.user_id = scheduler.system_user_id() AND j.kind = 'keys.rotate' ORDER BY j.created_at;
END
$body$;
COMMENT ON FUNCTION scheduler.diagnose_secrets() IS 'The lines of doctor() about the key file and what it opens.';

/* Trouble of rows: the caller's own, for an admin everybody's. */
CREATE FUNCTION scheduler.diagnose_rows() RETURNS TABLE (check_name text, status text, detail text, hint text)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	sees_all boolean := scheduler.caller_has_role('scheduler_admin');
	me uuid := scheduler.current_user_id();
BEGIN
	RETURN QUERY SELECT 'dead jobs', CASE WHEN count(*) = 0 THEN 'ok' ELSE 'warn' END,
		CASE WHEN count(*) = 0 THEN 'none' ELSE format('%s: %s', count(*), string_agg(DISTINCT j.kind, ', ')) END,
		CASE WHEN count(*) > 0 THEN
			'SELECT job_id, kind, error FROM scheduler.dead_jobs; then scheduler.retry_job(job_id)' END
		FROM scheduler.live_jobs j WHERE j.status IN ('failed', 'dead') AND (sees_all OR j.user_id = me);
	RETURN QUERY SELECT 'overdue jobs', 'warn', format('%s, the oldest since %s', count(*), min(j.run_at)),
		'SELECT * FROM scheduler.stat_workers shows what the workers do; scheduler.workers adds more.'
		FROM scheduler.live_jobs j
		WHERE j.ready AND j.runner IS NOT NULL AND j.run_at < now() - interval '5 minutes' AND (sees_all OR j.user_id = me)
		HAVING count(*) > 0;
	RETURN QUERY SELECT 'unclaimed jobs', 'warn',
		format('%s of kind %s, the oldest since %s', count(*), string_agg(DISTINCT j.kind, ', '), min(j.run_at)),
		'A kind without handler waits for a program that calls scheduler.claim_jobs().'
		FROM scheduler.live_jobs j
		WHERE j.ready AND j.runner IS NULL AND j.run_at < now() - interval '5 minutes' AND (sees_all OR j.user_id = me)
		HAVING count(*) > 0;
	IF to_regclass('scheduler.accounts') IS NOT NULL THEN
		RETURN QUERY SELECT 'account ' || a.address, CASE a.status WHEN 'active' THEN 'warn' ELSE 'fail' END,
			a.last_error, CASE WHEN a.secret LIKE 'oauth.%' THEN CASE a.status WHEN 'reauth_required'
					THEN format('Its user connects it again: scheduler.oauth_start(%L)', a.provider)
					ELSE 'Look at the client with scheduler.set_oauth_client(), and at the provider''s console.' END
				ELSE format('Let the OS user of the server read it (chmod, setfacl), or give the account another path; the next look is in %s.',
				a.poll_interval) END
			FROM scheduler.accounts a
			WHERE a.last_error IS NOT NULL AND (sees_all OR a.user_id = me) ORDER BY a.address;
	END IF;
	RETURN QUERY SELECT DISTINCT 'model ' || c.model_id, 'warn',
		format('chosen for %s, but there is no such model: built-in rules are used', c.purpose),
		'scheduler.add_model() registers it, scheduler.set_model() chooses another.'
		FROM scheduler.model_choices c
		WHERE c.model_id <> 'builtin' AND (sees_all OR c.user_id = me) AND NOT EXISTS (SELECT
			FROM scheduler.llm_models m WHERE m.model_id = c.model_id
				AND m.user_id IN (c.user_id, scheduler.system_user_id()));
	RETURN QUERY SELECT 'secret ' || m.secret, 'warn',
		format('model "%s" asks for it, but it is not set', m.model_id), 'scheduler.set_secret()'
		FROM scheduler.llm_models m
		WHERE m.secret IS NOT NULL AND (sees_all OR m.user_id = me) AND NOT EXISTS (SELECT
			FROM scheduler.sealed_secrets s WHERE s.user_id = m.user_id AND s.name = m.secret);
	RETURN QUERY SELECT 'connection ' || t.what, 'warn', t.error,
		format('Mend it, then SELECT scheduler.test_connection(%L)', t.what)
		FROM scheduler.connection_tests t WHERE NOT t.ok AND (sees_all OR t.user_id = me);
END
$body$;
COMMENT ON FUNCTION scheduler.diagnose_rows() IS 'The lines of doctor() about jobs, accounts, models and connections.';

/* Which hosts an installation calls is not every user's business. */
CREATE FUNCTION scheduler.diagnose_hosts() RETURNS TABLE (check_name text, status text, detail text, hint text)
	LANGUAGE sql
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT 'host ' || s.host, 'warn', CASE s.state
		WHEN 'paused' THEN format('asked to be left alone; the next call goes at %s', s.open_until)
		WHEN 'open' THEN format('open since its last calls failed; the next is tried at %s', s.open_until)
		ELSE 'its last calls failed; one call finds out whether it is back' END,
		'Nothing to do where it comes back; scheduler.stat_http counts its errors.'
	FROM scheduler.host_statistics() s
	WHERE s.state <> 'closed' AND scheduler.caller_has_role('scheduler_admin')
	UNION ALL
	SELECT 'rate limits', 'warn', format('%s keys found no place of their own and shared one (%s)', c.shared, a.area),
		'Raise scheduler.shared_memory; a restart takes it over.'
	FROM unnest(ARRAY['calls', 'api', 'signin']) AS a (area), scheduler.bucket_counts(a.area) AS c
	WHERE c.shared > 0
	$body$;
COMMENT ON FUNCTION scheduler.diagnose_hosts() IS 'The lines of doctor() about hosts that are left alone and buckets that are shared.';

CREATE FUNCTION scheduler.doctor() RETURNS TABLE (check_name text, status text, detail text, hint text)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN QUERY SELECT * FROM scheduler.diagnose_workers();
	RETURN QUERY SELECT * FROM scheduler.diagnose_secrets();
	RETURN QUERY SELECT * FROM scheduler.diagnose_rows();
	RETURN QUERY SELECT * FROM scheduler.diagnose_hosts();
	IF current_setting('scheduler.http_allow_private_networks', true)::boolean THEN
		RETURN QUERY SELECT 'private networks', 'warn', 'scheduler.http_allow_private_networks is on',
			'It is for tests: name the hosts in scheduler.http_private_hosts instead.';
	END IF;
END
$body$;
/* Owned by scheduler_system: an admin is told about every user's dead jobs and accounts. */
ALTER FUNCTION scheduler.doctor() OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.doctor() IS
	'Every known reason why nothing runs, with the line to type; status ok, warn or fail. Changes nothing.';
GRANT EXECUTE ON FUNCTION scheduler.doctor() TO scheduler_viewer;
