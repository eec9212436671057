/* identity: making users. Changing preferences belongs to the planner, accounts and signing in to the files behind this. */

/* create_user() lets a login role in; that is all scheduler_system may grant. */
GRANT scheduler_user TO scheduler_system WITH ADMIN OPTION;

CREATE FUNCTION scheduler.hash_password(password text) RETURNS text
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_hash_password';
COMMENT ON FUNCTION scheduler.hash_password(text) IS 'bcrypt hash of a password of 8 to 72 bytes.';

/* The zone to take where none was named: the session's, where that is a place and not an offset. */
CREATE FUNCTION scheduler.session_timezone() RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT CASE WHEN scheduler.is_timezone(current_setting('TimeZone')) THEN current_setting('TimeZone')
		ELSE 'UTC' END
	$body$;
COMMENT ON FUNCTION scheduler.session_timezone() IS
	'The session''s time zone where it is an IANA name, else UTC.';
GRANT EXECUTE ON FUNCTION scheduler.session_timezone() TO scheduler_viewer;

/* Raises 22023 for a name that is no zone of the server's data. */
CREATE FUNCTION scheduler.checked_timezone(name text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF $1 IS NULL THEN
		RETURN scheduler.session_timezone();
	END IF;
	IF NOT scheduler.is_timezone($1) THEN
		RAISE EXCEPTION 'unknown time zone'
			USING ERRCODE = '22023', DETAIL = format('The name is "%s".', left($1, 100)),
			HINT = 'Use an IANA name such as Europe/Berlin; see pg_timezone_names.';
	END IF;
	RETURN $1;
END
$body$;
COMMENT ON FUNCTION scheduler.checked_timezone(text) IS
	'The name itself, session_timezone() for NULL, or error 22023.';
GRANT EXECUTE ON FUNCTION scheduler.checked_timezone(text) TO scheduler_viewer;

/*
 * An address as it is kept; 22023 for what is none. Two spellings that look the same must not be two accounts: refused
 * is what is not in its plain form (NFKC) and what has characters that nobody sees or that turn the writing direction.
 */
CREATE FUNCTION scheduler.checked_email(email text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF $1 IS NULL OR length($1) > 320 OR $1 !~ '^[^@[:space:]]+@[^@[:space:]]+$' THEN
		RAISE EXCEPTION 'this is no email address'
			USING ERRCODE = '22023', DETAIL = format('The value is "%s".', left($1, 100)),
			HINT = 'Give an address like me@example.org.';
	END IF;
	IF $1 IS NOT NFKC NORMALIZED OR $1 ~ ('[\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f'
		|| '\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\ufff0-\uffff]') THEN
		RAISE EXCEPTION 'this email address is not written plainly'
			USING ERRCODE = '22023', HINT = 'Leave out invisible characters and compatibility forms of letters.';
	END IF;
	RETURN $1;
END
$body$;
COMMENT ON FUNCTION scheduler.checked_email(text) IS 'The address itself, or error 22023.';

/* Whose row is meant where a function takes a user_id: the current user's, or for an admin anybody's. */
CREATE FUNCTION scheduler.writable_user_id(user_id uuid) RETURNS uuid
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	caller uuid := scheduler.required_user_id();
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	IF $1 IS NULL OR $1 = caller THEN
		RETURN caller;
	END IF;
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin does this for others'
			USING ERRCODE = '42501', HINT = 'Leave user_id out to do it for yourself.';
	END IF;
	RETURN $1;
END
$body$;
COMMENT ON FUNCTION scheduler.writable_user_id(uuid) IS
	'The user whose row is meant: the current one for NULL, another only for an admin (42501).';

/* Lets a login role in as a user; nobody may act as one of the extension's own roles. */
CREATE FUNCTION scheduler.admit_role(role_name text) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	wanted record;
BEGIN
	SELECT r.oid, r.rolcanlogin, r.rolsuper INTO wanted FROM pg_roles r WHERE r.rolname = $1;
	IF NOT FOUND OR NOT wanted.rolcanlogin OR $1 ~ '^(scheduler|pg)_' THEN
		RAISE EXCEPTION 'role_name must be an existing role that can log in'
			USING ERRCODE = '22023', DETAIL = format('The name is "%s".', left($1, 100)),
			HINT = 'CREATE ROLE ... LOGIN first; the roles of the extension are refused.';
	END IF;
	IF NOT wanted.rolsuper AND NOT pg_has_role(wanted.oid, 'scheduler_user', 'USAGE') THEN
		EXECUTE format('GRANT scheduler_user TO %I', $1);
	END IF;
END
$body$;
/* Owned by scheduler_system: it alone has the right to grant scheduler_user. */
ALTER FUNCTION scheduler.admit_role(text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.admit_role(text) IS 'Grants scheduler_user to a login role that is to be a user.';

CREATE FUNCTION scheduler.create_user(email text, name text, timezone text DEFAULT NULL,
	password text DEFAULT NULL, role_name text DEFAULT NULL) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	zone text := scheduler.checked_timezone($3);
	address text := scheduler.checked_email($1);
	made uuid;
	violated text;
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin creates users'
			USING ERRCODE = '42501', HINT = 'This needs membership of scheduler_admin.';
	END IF;
	IF $5 IS NOT NULL THEN
		PERFORM scheduler.admit_role($5);
	END IF;
	INSERT INTO scheduler.users (email, name, timezone, password_hash, role_name)
	VALUES (address, $2, zone, scheduler.hash_password($4), $5)
	RETURNING users.user_id INTO made;
	PERFORM scheduler.record_audit('user.created', 'ok', made, jsonb_build_object('role_name', $5));
	RETURN made;
EXCEPTION WHEN unique_violation THEN
	GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
	IF violated = 'users_role_name_key' THEN
		RAISE EXCEPTION 'this role is another user''s already'
			USING ERRCODE = '23505', DETAIL = format('The role is "%s".', $5),
			HINT = 'Each login role stands for one user.';
	END IF;
	RAISE EXCEPTION 'a user with this email address exists already'
		USING ERRCODE = '23505', DETAIL = format('The address is "%s".', left($1, 100)),
		HINT = 'Addresses are compared without regard to case.';
END
$body$;
/* Owned by scheduler_system: it writes a row of somebody else. */
ALTER FUNCTION scheduler.create_user(text, text, text, text, text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.create_user(text, text, text, text, text) IS
	'A new user (admins only). role_name: the login role that acts as this user; it gets scheduler_user.';

CREATE FUNCTION scheduler.me() RETURNS jsonb
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT jsonb_build_object('user_id', u.user_id, 'email', u.email, 'username', u.username, 'name', u.name,
		'timezone', u.timezone, 'role_name', u.role_name, 'preferences', u.preferences,
		'onboarding_completed', u.onboarding_completed, 'is_admin', u.is_admin, 'created_at', u.created_at)
	FROM scheduler.users u
	WHERE u.user_id = scheduler.required_user_id()
	$body$;
/* Owned by scheduler_system: an admin without a row of his own sees the system user. */
ALTER FUNCTION scheduler.me() OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.me() IS 'The current user.';
GRANT EXECUTE ON FUNCTION scheduler.me() TO scheduler_viewer;
GRANT EXECUTE ON FUNCTION scheduler.create_user(text, text, text, text, text) TO scheduler_admin;
