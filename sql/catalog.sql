-- The rules that every table, view and function of the extension keeps. Each query lists the exceptions: none.

-- row-level security, forced, with a policy, on every table
SELECT c.relname AS table_without_policy
FROM pg_class c
WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
	AND NOT (c.relrowsecurity AND c.relforcerowsecurity
		AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid));

-- rows start with user_id, and so do their keys; installation-wide tables are named here
SELECT c.relname AS table_not_keyed_by_user
FROM pg_class c
WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
	AND c.relname NOT IN ('job_kinds', 'providers', 'rate_limits', 'change_counters', 'armed_places', 'audit_seals', 'retention_policies',
		'api_limits', 'jwt_issuers', 'oauth_clients')
	AND NOT EXISTS (SELECT FROM pg_attribute a
		WHERE a.attrelid = c.oid AND a.attnum = 1 AND a.attname = 'user_id' AND a.attnotnull)
ORDER BY 1;
SELECT conrelid::regclass AS "table", conname AS key_not_starting_with_user
FROM pg_constraint
WHERE connamespace = 'scheduler'::regnamespace AND contype IN ('p', 'u', 'f', 'x')
	AND conrelid <> ALL (ARRAY(SELECT c.oid FROM pg_class c
		WHERE c.relname IN ('job_kinds', 'providers', 'rate_limits', 'change_counters', 'armed_places', 'audit_seals', 'retention_policies',
		'api_limits', 'jwt_issuers', 'oauth_clients')))
	AND conparentid = 0
	AND NOT (contype = 'f' AND confrelid IN (SELECT c.oid FROM pg_class c WHERE c.relname IN ('job_kinds', 'providers', 'rate_limits', 'jwt_issuers', 'oauth_clients')))
	/* A subject of an issuer stands for one user. */
	AND conname <> 'external_identities_subject_key'
	AND (SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]) <> 'user_id'
ORDER BY 1, 2;

-- every table's rows are dumped
SELECT c.relname AS table_not_dumped
FROM pg_class c
WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p', 'S')
	AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'scheduler' AND c.oid = ANY (e.extconfig))
ORDER BY 1;

-- nobody but the owner and scheduler_system writes; TRIGGER, REFERENCES and TRUNCATE belong to the owner alone
SELECT c.relname, x.grantee::regrole AS grantee, x.privilege_type AS privilege_too_many
FROM pg_class c, aclexplode(c.relacl) x
WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
	AND x.grantee <> c.relowner AND x.privilege_type <> 'SELECT'
	AND NOT (x.grantee = 'scheduler_system'::regrole AND x.privilege_type IN ('INSERT', 'UPDATE', 'DELETE'))
	-- no table: its trigger is a function to which COPY can be sent
	AND NOT (c.relname = 'secret_input' AND x.grantee = 'scheduler_user'::regrole AND x.privilege_type = 'INSERT')
ORDER BY 1, 2, 3;

-- owners
SELECT c.relname AS relation_with_other_owner, c.relowner::regrole
FROM pg_class c
WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p', 'v')
	AND c.relowner <> 'scheduler_owner'::regrole
ORDER BY 1;

-- views read with the rights of who asks
SELECT c.relname AS view_without_security_invoker
FROM pg_class c
WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind = 'v'
	AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'] OR c.reloptions @> ARRAY['security_invoker=on'], false)
ORDER BY 1;

-- nothing is executable by PUBLIC
SELECT p.oid::regprocedure AS executable_by_public
FROM pg_proc p
WHERE p.pronamespace = 'scheduler'::regnamespace
	AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) x WHERE x.grantee = 0))
ORDER BY 1;

-- what runs with other rights: owner never a superuser, search_path fixed
SELECT p.oid::regprocedure AS definer_with_wrong_owner, p.proowner::regrole
FROM pg_proc p
WHERE p.pronamespace = 'scheduler'::regnamespace AND p.prosecdef
	AND p.proowner NOT IN ('scheduler_owner'::regrole, 'scheduler_system'::regrole)
ORDER BY 1;
SELECT p.oid::regprocedure AS search_path_not_fixed
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'scheduler'::regnamespace AND l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL
	AND p.prokind = 'f'
	AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
ORDER BY 1;

-- what sees several users' rows: a short list, each with a reason beside its definition
SELECT p.oid::regprocedure AS sees_several_users
FROM pg_proc p
WHERE p.pronamespace = 'scheduler'::regnamespace AND p.prosecdef AND p.proowner = 'scheduler_system'::regrole
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- whatever a user may call says what it does, and no name is overloaded
SELECT p.oid::regprocedure AS function_without_comment
FROM pg_proc p
WHERE p.pronamespace = 'scheduler'::regnamespace
	AND has_function_privilege('scheduler_user', p.oid, 'EXECUTE')
	AND obj_description(p.oid, 'pg_proc') IS NULL
ORDER BY 1;
SELECT proname AS overloaded FROM pg_proc WHERE pronamespace = 'scheduler'::regnamespace
GROUP BY proname HAVING count(*) > 1 ORDER BY 1;
SELECT c.relname AS relation_without_comment
FROM pg_class c
WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
	AND obj_description(c.oid, 'pg_class') IS NULL
ORDER BY 1;

-- the roles have no powers
SELECT rolname, rolsuper, rolcanlogin, rolbypassrls FROM pg_roles WHERE rolname ~ '^scheduler_' ORDER BY 1;
SELECT count(*) AS members_of_system FROM pg_auth_members WHERE roleid = 'scheduler_system'::regrole;

-- a NULL for every argument is an answer or an error, never the end of the server (these make files: left out)
DO $$
DECLARE
	call text;
	called integer := 0;
BEGIN
	FOR call IN
		SELECT format('SELECT count(*) FROM scheduler.%I(%s)', p.proname, (SELECT string_agg('NULL::' ||
			format_type(a.type, NULL), ', ') FROM unnest(p.proargtypes) AS a (type)))
		FROM pg_proc p WHERE p.pronamespace = 'scheduler'::regnamespace AND p.prokind = 'f' AND p.pronargs > 0
			AND p.proname NOT IN ('setup', 'setup_user') ORDER BY p.proname
	LOOP
		BEGIN
			EXECUTE call;
		EXCEPTION WHEN OTHERS THEN
			IF SQLSTATE LIKE 'XX%' THEN
				RAISE NOTICE '%: %', call, SQLERRM;
			END IF;
		END;
		called := called + 1;
	END LOOP;
	RAISE NOTICE 'more than 150 functions called: %', called > 150;
END
$$;
