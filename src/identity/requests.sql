/* identity: whom a transaction is for, where neither a job nor a login role says so. See authenticate.c. */

CREATE FUNCTION scheduler.authenticate() RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_authenticate';
COMMENT ON FUNCTION scheduler.authenticate() IS
	'PostgREST''s db-pre-request: verifies the bearer token of the request and makes its user the current one until the end of the transaction.';
GRANT EXECUTE ON FUNCTION scheduler.authenticate() TO scheduler_anon, scheduler_viewer;

CREATE FUNCTION scheduler.act_as(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_act_as';
COMMENT ON FUNCTION scheduler.act_as(uuid) IS
	'Makes this user the current one until the end of the transaction (scheduler_service); NULL: nobody again.';
GRANT EXECUTE ON FUNCTION scheduler.act_as(uuid) TO scheduler_service;

/* Trigger function of tables whose rows every process keeps (lookup.c). */
CREATE FUNCTION scheduler.forget_kept_rows() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'sched_sql_forget_kept_rows';
COMMENT ON FUNCTION scheduler.forget_kept_rows() IS
	'Trigger: every process reads the table named as its argument again once this has committed.';

/* ---- how often a function may be called over HTTP ---- */

CREATE TABLE scheduler.api_limits
(
	function text NOT NULL,
	role text NOT NULL,
	per_minute integer NOT NULL,
	CONSTRAINT api_limits_pkey PRIMARY KEY (function, role),
	CONSTRAINT api_limits_function_length CHECK (octet_length(function) BETWEEN 1 AND 63),
	CONSTRAINT api_limits_role_known CHECK (role IN ('*', 'scheduler_anon', 'scheduler_user', 'scheduler_admin')),
	CONSTRAINT api_limits_rate CHECK (per_minute BETWEEN 0 AND 1000000)
);
COMMENT ON TABLE scheduler.api_limits IS
	'How often a minute each user may call a function (or read a table) over HTTP; see set_api_limit().';
SELECT scheduler.install_shared_table('api_limits');
CREATE TRIGGER forget_kept_rows AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON scheduler.api_limits
	FOR EACH STATEMENT EXECUTE FUNCTION scheduler.forget_kept_rows('api_limits');

CREATE FUNCTION scheduler.set_api_limit(function text, per_minute integer, role text DEFAULT '*') RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin limits calls'
			USING ERRCODE = '42501', HINT = 'This needs membership of scheduler_admin.';
	END IF;
	IF $1 IS NULL OR octet_length($1) NOT BETWEEN 1 AND 63 OR $3 IS NULL
		OR $3 <> ALL (ARRAY['*', 'scheduler_anon', 'scheduler_user', 'scheduler_admin']) OR $2 NOT BETWEEN 0 AND 1000000 THEN
		RAISE EXCEPTION 'this is no limit of calls'
			USING ERRCODE = '22023', DETAIL = format('Function "%s", role "%s", %s a minute.', left($1, 100), left($3, 100), $2),
			HINT = 'Name a function or table as in the request''s path, or *, a role of PostgREST or *, and up to 1000000.';
	END IF;
	IF $2 IS NULL THEN
		DELETE FROM scheduler.api_limits l WHERE l.function = $1 AND l.role = $3;
	ELSE
		INSERT INTO scheduler.api_limits AS l (function, role, per_minute) VALUES ($1, $3, $2)
		ON CONFLICT ON CONSTRAINT api_limits_pkey DO UPDATE SET per_minute = excluded.per_minute;
	END IF;
	PERFORM scheduler.record_audit('api_limit.set', 'ok', NULL,
		jsonb_build_object('function', $1, 'role', $3, 'per_minute', $2));
END
$body$;
/* Owned by scheduler_system: the table belongs to nobody, so no policy lets scheduler_owner write it. */
ALTER FUNCTION scheduler.set_api_limit(text, integer, text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.set_api_limit(text, integer, text) IS
	'Limits calls of a function by each user over HTTP (admins); * stands for all functions or roles; NULL takes the limit away.';
GRANT EXECUTE ON FUNCTION scheduler.set_api_limit(text, integer, text) TO scheduler_admin;
