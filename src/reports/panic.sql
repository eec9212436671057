/* reports: stopping everything at once. It knows sessions and workers; doc/operations.md says what to do then. */

CREATE FUNCTION scheduler.end_processes(pids integer[]) RETURNS integer
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_end_processes';
COMMENT ON FUNCTION scheduler.end_processes(integer[]) IS
	'Ends these processes of this database (SIGTERM) when the transaction has committed; how many there are.';

/* Logins that web servers and poolers come with, and users: everybody but superusers, who are not ours to end. */
CREATE FUNCTION scheduler.find_client_processes() RETURNS integer[]
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT coalesce(array_agg(a.pid ORDER BY a.pid), '{}')
	FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
	WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND NOT r.rolsuper
		AND EXISTS (SELECT FROM pg_roles o WHERE o.rolname IN ('scheduler_anon', 'scheduler_viewer', 'scheduler_service')
			AND pg_has_role(a.usesysid, o.oid, 'MEMBER'))
	$body$;
COMMENT ON FUNCTION scheduler.find_client_processes() IS
	'Sessions of this database whose login is, or may become, a role of the extension; no superuser''s, not this one.';

/*
 * What is claimed outside is taken back; calls and handlers of ours end with their processes, which commit nothing any
 * more, and are judged like those of a process that was killed when the database is armed again.
 */
CREATE FUNCTION scheduler.take_back_claims() RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	taken bigint;
BEGIN
	PERFORM scheduler.wait_patiently();
	UPDATE scheduler.live_jobs l SET lease = NULL, lease_until = NULL, worker_pid = NULL, ready = true,
		status = 'pending', attempts = greatest(l.attempts - 1, 0), contested = true
	WHERE l.ctid = ANY (ARRAY(SELECT o.ctid FROM scheduler.live_jobs o WHERE o.lease_until IS NOT NULL FOR UPDATE SKIP LOCKED));
	GET DIAGNOSTICS taken = ROW_COUNT;
	RETURN taken;
END
$body$;
COMMENT ON FUNCTION scheduler.take_back_claims() IS 'Takes claimed jobs back from workers outside; how many.';

CREATE FUNCTION scheduler.panic() RETURNS TABLE (step text, affected bigint, detail text)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	was_armed boolean;
	flying bigint;
	tokens bigint;
	sessions bigint;
	processes integer[];
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin stops everything' USING ERRCODE = '42501',
			HINT = 'This needs membership of scheduler_admin.';
	END IF;
	/* First what goes out: each of these holds from the commit on. */
	was_armed := scheduler.disarm();
	RETURN QUERY SELECT 'disarm', was_armed::integer::bigint, CASE WHEN was_armed THEN 'no job is taken any more'
		ELSE 'was not armed' END;
	SELECT count(*) INTO flying FROM scheduler.live_jobs l WHERE l.lease IS NOT NULL AND l.lease_until IS NULL;
	processes := ARRAY(SELECT w.pid FROM scheduler.worker_states() AS w);
	RETURN QUERY SELECT 'workers', scheduler.end_processes(processes)::bigint, format('end with %s jobs in hand', flying);
	RETURN QUERY SELECT 'claims', scheduler.take_back_claims(), 'taken back from workers outside';
	/* In the order of their keys, as any other who locks several. */
	PERFORM FROM scheduler.users u WHERE u.user_id <> scheduler.system_user_id() ORDER BY u.user_id FOR NO KEY UPDATE;
	UPDATE scheduler.users u SET tokens_valid_from = clock_timestamp() WHERE u.user_id <> scheduler.system_user_id();
	GET DIAGNOSTICS tokens = ROW_COUNT;
	RETURN QUERY SELECT 'tokens', tokens, 'users whose tokens of before are refused';
	UPDATE scheduler.sign_in_sessions s SET ended_at = now(), end_reason = 'panic' WHERE s.ended_at IS NULL;
	GET DIAGNOSTICS sessions = ROW_COUNT;
	DELETE FROM scheduler.password_resets;
	RETURN QUERY SELECT 'sessions', sessions, 'signed in with a password of ours; resets are void, too';
	processes := scheduler.find_client_processes();
	RETURN QUERY SELECT 'connections', scheduler.end_processes(processes)::bigint, 'of web servers, poolers and users';
	PERFORM scheduler.record_audit('admin.panic', 'ok', NULL,
		jsonb_build_object('armed', was_armed, 'in_flight', flying, 'sessions', sessions));
END
$body$;
/* Owned by scheduler_system: it ends everybody's sessions. */
ALTER FUNCTION scheduler.panic() OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.panic() IS
	'Stops every outgoing act at its commit (admins only): workers, claims, tokens, sessions, connections; says what it did.';
GRANT EXECUTE ON FUNCTION scheduler.panic() TO scheduler_admin;
