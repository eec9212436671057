/* reports: setup(). The one thing to type after CREATE EXTENSION; safe to repeat. */

/* Maps session_user to a user: his row is made, or found by role or address. */
CREATE FUNCTION scheduler.setup_user(email text, name text, timezone text,
	OUT step text, OUT status text, OUT detail text, OUT hint text)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	existing record;
	zone text := scheduler.checked_timezone($3);
BEGIN
	step := 'user';
	SELECT u.user_id, u.email, u.timezone, u.role_name INTO existing FROM scheduler.users u
	WHERE u.role_name = session_user OR lower(u.email) = lower($1) AND u.user_id <> scheduler.system_user_id()
	ORDER BY u.role_name = session_user DESC NULLS LAST LIMIT 1;
	IF NOT FOUND THEN
		PERFORM scheduler.create_user($1, $2, zone, role_name => session_user);
		status := 'done';
		detail := format('%s is the user of role %s, in zone %s', $1, session_user, zone);
	ELSIF existing.role_name = session_user AND lower(existing.email) = lower($1) THEN
		status := 'already';
		detail := format('%s is the user of role %s, in zone %s', existing.email, session_user, existing.timezone);
	ELSIF existing.role_name IS NULL THEN
		PERFORM scheduler.admit_role(session_user);
		UPDATE scheduler.users u SET role_name = session_user WHERE u.user_id = existing.user_id;
		status := 'done';
		detail := format('%s is the user of role %s, in zone %s', existing.email, session_user, existing.timezone);
	ELSE
		status := 'fail';
		detail := format('%s is the user of role %s', existing.email, existing.role_name);
		hint := 'Each login role stands for one user: use scheduler.create_user() for further people.';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.setup_user(text, text, text) IS 'The step of setup() that maps session_user to a user.';

/* Arms the database, which makes the place file where it is missing. */
CREATE FUNCTION scheduler.setup_arm(OUT step text, OUT status text, OUT detail text, OUT hint text)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	place record;
BEGIN
	step := 'arm';
	SELECT p.file, p.problem, p.hint AS advice INTO place FROM scheduler.place_state(true) AS p;
	IF place.problem IS NOT NULL THEN
		status := 'fail';
		detail := place.problem || ': ' || place.file;
		hint := place.advice;
	ELSE
		PERFORM scheduler.arm();
		status := 'done';
		detail := 'jobs of this database may run';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.setup_arm() IS 'The step of setup() that arms the database.';

CREATE FUNCTION scheduler.setup(email text, name text DEFAULT NULL, timezone text DEFAULT NULL)
	RETURNS TABLE (step text, status text, detail text, hint text)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	was_armed boolean;
BEGIN
	IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
		RAISE EXCEPTION 'must be superuser to set up scheduler'
			USING ERRCODE = '42501', HINT = 'Repeat it as the superuser of this database server.';
	END IF;
	RETURN QUERY SELECT * FROM scheduler.setup_user($1, $2, $3);
	RETURN QUERY SELECT 'master key',
		CASE WHEN k.problem IS NOT NULL THEN 'fail' WHEN k.created THEN 'done' ELSE 'already' END,
		coalesce(k.problem || ': ', '') || k.file, k.hint FROM scheduler.create_master_key() AS k;
	RETURN QUERY SELECT 'token keys',
		CASE WHEN k.problem IS NOT NULL THEN 'fail' WHEN k.created THEN 'done' ELSE 'already' END,
		coalesce(k.problem || ': ', '') || k.file, k.hint FROM scheduler.create_jwt_keys() AS k;
	was_armed := scheduler.armed();
	IF was_armed THEN
		RETURN QUERY SELECT 'arm', 'already', 'jobs of this database may run', NULL::text;
	ELSE
		/* Makes the place file too; a folder that cannot be written is told, not raised: the rest stays done. */
		RETURN QUERY SELECT * FROM scheduler.setup_arm();
	END IF;
	RETURN QUERY SELECT 'check: ' || d.check_name,
		CASE d.status WHEN 'ok' THEN 'done' WHEN 'warn' THEN 'todo' ELSE 'fail' END, d.detail, d.hint
		FROM scheduler.doctor() AS d;
END
$body$;
COMMENT ON FUNCTION scheduler.setup(text, text, text) IS
	'Prepares this database for the superuser who calls it: user, key file, place file, arm(), then doctor(). Repeatable.';
