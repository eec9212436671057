/* identity: who somebody is. Every row of every other table hangs on a row of users. */

CREATE FUNCTION scheduler.system_user_id() RETURNS uuid
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN '00000000-0000-0000-0000-000000000000'::uuid;
COMMENT ON FUNCTION scheduler.system_user_id() IS 'Owner of what belongs to the whole installation; cannot log in.';

/* STABLE for index use; PARALLEL RESTRICTED because the identity of a job or token lives in the leader's memory. */
CREATE FUNCTION scheduler.current_user_id() RETURNS uuid
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'sched_sql_current_user_id';
COMMENT ON FUNCTION scheduler.current_user_id() IS
	'The user on whose behalf this runs: the job''s, else the one whose role_name is the current role; NULL where there is none.';

CREATE FUNCTION scheduler.required_user_id() RETURNS uuid
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'sched_sql_required_user_id';
COMMENT ON FUNCTION scheduler.required_user_id() IS
	'current_user_id(), else the system user for a superuser or member of scheduler_admin, else error 28000.';

CREATE FUNCTION scheduler.caller_has_role(role_name text) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'sched_sql_caller_has_role';
COMMENT ON FUNCTION scheduler.caller_has_role(text) IS
	'Whether the role outside any SECURITY DEFINER function is a superuser or a member of role_name.';
GRANT EXECUTE ON FUNCTION scheduler.system_user_id(), scheduler.current_user_id(),
	scheduler.required_user_id(), scheduler.caller_has_role(text)
	TO scheduler_viewer;

/* A zone counts where the server's own data know it; abbreviations and offsets do not name daylight-saving rules. */
CREATE FUNCTION scheduler.is_timezone(name text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_is_timezone';
COMMENT ON FUNCTION scheduler.is_timezone(text) IS 'Whether the server knows an IANA time zone of this name.';
GRANT EXECUTE ON FUNCTION scheduler.is_timezone(text) TO scheduler_viewer;

CREATE TABLE scheduler.users
(
	user_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	email text NOT NULL,
	username text,
	name text,
	timezone text NOT NULL DEFAULT 'UTC',
	password_hash text,
	role_name text,
	preferences jsonb NOT NULL DEFAULT '{}',
	onboarding_completed boolean NOT NULL DEFAULT false,
	is_active boolean NOT NULL DEFAULT true,
	is_admin boolean NOT NULL DEFAULT false,
	tokens_valid_from timestamptz NOT NULL DEFAULT '-infinity',
	last_login_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT users_pkey PRIMARY KEY (user_id),
	CONSTRAINT users_email_shape CHECK (email = '' AND user_id = scheduler.system_user_id()
		OR email ~ '^[^@[:space:]]+@[^@[:space:]]+$' AND length(email) <= 320),
	CONSTRAINT users_timezone_known CHECK (scheduler.is_timezone(timezone)),
	CONSTRAINT users_preferences_object CHECK (jsonb_typeof(preferences) = 'object'),
	CONSTRAINT users_role_not_ours CHECK (role_name !~ '^scheduler_')
);
CREATE UNIQUE INDEX users_email_key ON scheduler.users (lower(email));
CREATE UNIQUE INDEX users_username_key ON scheduler.users (lower(username));
/* current_user_id() looks up the current role here. */
CREATE UNIQUE INDEX users_role_name_key ON scheduler.users (role_name);
CREATE TRIGGER touch BEFORE UPDATE ON scheduler.users
	FOR EACH ROW EXECUTE FUNCTION scheduler.touch_updated_at();
COMMENT ON TABLE scheduler.users IS 'People whose mail, tasks and calendars are kept; the system user owns what is global.';

INSERT INTO scheduler.users (user_id, email, name) VALUES (scheduler.system_user_id(), '', 'system');

SELECT scheduler.install_user_table('users',
	'WHERE user_id <> ''00000000-0000-0000-0000-000000000000''');
REVOKE SELECT ON scheduler.users FROM scheduler_viewer;
GRANT SELECT (user_id, email, username, name, timezone, role_name, preferences, onboarding_completed,
	is_active, is_admin, last_login_at, created_at, updated_at) ON scheduler.users TO scheduler_viewer;
