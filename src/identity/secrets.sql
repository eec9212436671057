/*
 * identity: secrets. The value is sealed in C with a key that lies outside the cluster; only the HTTP layer opens it,
 * for a host that the secret is bound to. Nobody can select a value, not even its owner.
 */
CREATE TABLE scheduler.sealed_secrets
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	name text NOT NULL,
	hosts text[] NOT NULL,
	key_id text NOT NULL,
	sealed bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	rotated_at timestamptz,
	last_used_at timestamptz,
	CONSTRAINT sealed_secrets_pkey PRIMARY KEY (user_id, name),
	CONSTRAINT sealed_secrets_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT sealed_secrets_name_shape CHECK (name ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
	CONSTRAINT sealed_secrets_hosts_shape CHECK (array_to_string(hosts, ' ', '?') ~
		'^((\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?( ((\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?)*$')
);
COMMENT ON TABLE scheduler.sealed_secrets IS
	'Secrets, sealed with AES-256-GCM under the key file; see the view secrets.';
SELECT scheduler.install_user_table('sealed_secrets', readable => false);
GRANT SELECT (user_id, name, hosts, created_at, rotated_at, last_used_at) ON scheduler.sealed_secrets
	TO scheduler_viewer;

CREATE VIEW scheduler.secrets WITH (security_invoker = true) AS
	SELECT s.user_id, s.name, s.hosts, s.created_at, s.rotated_at, s.last_used_at
	FROM scheduler.sealed_secrets s;
COMMENT ON VIEW scheduler.secrets IS 'The current user''s secrets: everything but the value.';
GRANT SELECT ON scheduler.secrets TO scheduler_viewer;

/*
 * Where a secret of the system user is placed for everybody's jobs: exactly these addresses, written by whatever
 * an admin registers (a model). Without a row here it serves the system user's own jobs only.
 */
CREATE TABLE scheduler.secret_endpoints
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	name text NOT NULL,
	endpoint text NOT NULL,
	CONSTRAINT secret_endpoints_pkey PRIMARY KEY (user_id, name, endpoint),
	CONSTRAINT secret_endpoints_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT secret_endpoints_shape CHECK (endpoint ~ '^[^/ ]+:[0-9]+/[^ ?#]*$' AND endpoint = lower(endpoint))
);
COMMENT ON TABLE scheduler.secret_endpoints IS
	'host:port/path where a secret of the system user is placed for every user''s jobs.';
SELECT scheduler.install_user_table('secret_endpoints', readable => false);

CREATE FUNCTION scheduler.seal_secret(user_id uuid, name text, hosts text, value text, OUT key_id text,
	OUT sealed bytea)
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_seal_secret';
COMMENT ON FUNCTION scheduler.seal_secret(uuid, text, text, text) IS
	'Seals a value under the data key of this user, for this name and these hosts (separated by blanks).';

CREATE FUNCTION scheduler.seal_secret_file(user_id uuid, name text, hosts text, path text, OUT key_id text,
	OUT sealed bytea)
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_seal_secret_file';
COMMENT ON FUNCTION scheduler.seal_secret_file(uuid, text, text, text) IS
	'seal_secret() with the content of a file; the caller must have pg_read_server_files.';

CREATE FUNCTION scheduler.reseal_secret(user_id uuid, name text, hosts text, old_key_id text, old_sealed bytea,
	OUT key_id text, OUT sealed bytea)
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_reseal_secret';
COMMENT ON FUNCTION scheduler.reseal_secret(uuid, text, text, text, bytea) IS
	'The same value under the newest data key of its owner; NULL where it cannot be opened.';

/* Names and hosts as they are kept; 22023 for what is neither. */
CREATE FUNCTION scheduler.check_secret(name text, hosts text[], OUT clean_hosts text[])
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	host text;
BEGIN
	IF $1 IS NULL OR $1 !~ '^[a-z0-9][a-z0-9_.-]{0,62}$' THEN
		/* Not even what was given is told: it may be the value, by mistake. */
		RAISE EXCEPTION 'this is no name for a secret'
			USING ERRCODE = '22023', DETAIL = format('It has %s characters.', coalesce(length($1), 0)),
			HINT = 'Use up to 63 small letters, digits, ".", "_" and "-".';
	END IF;
	clean_hosts := ARRAY(SELECT DISTINCT lower(btrim(h)) FROM unnest($2) AS h ORDER BY 1);
	IF cardinality(clean_hosts) = 0 THEN
		RAISE EXCEPTION 'a secret is bound to at least one host'
			USING ERRCODE = '22023', HINT = 'For example ARRAY[''api.openai.com''].';
	END IF;
	FOREACH host IN ARRAY clean_hosts LOOP
		IF host IS NULL
			OR host !~ '^((\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$' THEN
			RAISE EXCEPTION 'this is no host to bind a secret to'
				USING ERRCODE = '22023', DETAIL = format('The value is "%s".', left(host, 100)),
				HINT = 'Write "api.openai.com" (port 443), "localhost:11434" or "*.example.org".';
		END IF;
	END LOOP;
END
$body$;
COMMENT ON FUNCTION scheduler.check_secret(text, text[]) IS
	'The hosts in the form they are kept; 22023 for a bad name or host.';

CREATE FUNCTION scheduler.store_secret(user_id uuid, name text, hosts text[], key_id text, sealed bytea)
	RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	INSERT INTO scheduler.sealed_secrets AS s (user_id, name, hosts, key_id, sealed)
	VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT ON CONSTRAINT sealed_secrets_pkey DO UPDATE
	SET hosts = excluded.hosts, key_id = excluded.key_id, sealed = excluded.sealed, rotated_at = now()
	$body$;
COMMENT ON FUNCTION scheduler.store_secret(uuid, text, text[], text, bytea) IS 'Writes a sealed secret.';

CREATE FUNCTION scheduler.set_secret(name text, value text, hosts text[], user_id uuid DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.writable_user_id($4);
	bound text[] := scheduler.check_secret($1, $3);
	made record;
BEGIN
	IF $2 IS NULL THEN
		RAISE EXCEPTION 'a secret needs a value'
			USING ERRCODE = '22023', HINT = 'scheduler.drop_secret() removes one.';
	END IF;
	SELECT * INTO made FROM scheduler.seal_secret(owner_id, $1, array_to_string(bound, ' '), $2);
	PERFORM scheduler.store_secret(owner_id, $1, bound, made.key_id, made.sealed);
	PERFORM scheduler.record_audit('secret.set', user_id => owner_id, details => jsonb_build_object('name', $1));
END
$body$;
/* Owned by scheduler_system: an admin sets the installation's secrets. */
ALTER FUNCTION scheduler.set_secret(text, text, text[], uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.set_secret(text, text, text[], uuid) IS
	'Keeps a value, sealed, for calls to these hosts; bind the value as a parameter. A second time: replaces it.';

CREATE FUNCTION scheduler.set_secret_from_file(name text, path text, hosts text[], user_id uuid DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.writable_user_id($4);
	bound text[] := scheduler.check_secret($1, $3);
	made record;
BEGIN
	SELECT * INTO made FROM scheduler.seal_secret_file(owner_id, $1, array_to_string(bound, ' '), $2);
	PERFORM scheduler.store_secret(owner_id, $1, bound, made.key_id, made.sealed);
	PERFORM scheduler.record_audit('secret.set', user_id => owner_id, details => jsonb_build_object('name', $1));
END
$body$;
/* Owned by scheduler_system: an admin sets the installation's secrets. */
ALTER FUNCTION scheduler.set_secret_from_file(text, text, text[], uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.set_secret_from_file(text, text, text[], uuid) IS
	'Like set_secret, with the content of a file of the server (needs pg_read_server_files); trailing line feeds go.';

CREATE FUNCTION scheduler.drop_secret(name text, user_id uuid DEFAULT NULL) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.writable_user_id($2);
BEGIN
	DELETE FROM scheduler.sealed_secrets s WHERE s.user_id = owner_id AND s.name = $1;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM scheduler.record_audit('secret.dropped', user_id => owner_id, details => jsonb_build_object('name', $1));
	RETURN true;
END
$body$;
/* Owned by scheduler_system: an admin drops the installation's secrets. */
ALTER FUNCTION scheduler.drop_secret(text, uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.drop_secret(text, uuid) IS 'Removes a secret; whether there was one.';

GRANT EXECUTE ON FUNCTION scheduler.set_secret(text, text, text[], uuid),
	scheduler.set_secret_from_file(text, text, text[], uuid), scheduler.drop_secret(text, uuid)
	TO scheduler_user;

/*
 * Secrets typed or copied in: \copy scheduler.secret_input (name, hosts, value) FROM PSTDIN. A view, because COPY takes
 * none for a table under row-level security, and because what is no table keeps no value. What was refused is here.
 */
CREATE TABLE scheduler.secret_refusals
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	refusal_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	name text,
	hosts text,
	reason text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT secret_refusals_pkey PRIMARY KEY (user_id, refusal_id),
	CONSTRAINT secret_refusals_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE
);
COMMENT ON TABLE scheduler.secret_refusals IS
	'Lines of secret_input that were refused, without their values; the last hundred of each user.';
SELECT scheduler.install_user_table('secret_refusals');

CREATE VIEW scheduler.secret_input WITH (security_invoker = true) AS
	SELECT r.name, r.hosts, NULL::text AS value, r.reason, r.created_at
	FROM scheduler.secret_refusals r;
COMMENT ON VIEW scheduler.secret_input IS
	'\copy scheduler.secret_input (name, hosts, value) FROM PSTDIN keeps secrets; to read: the lines that were refused.';
GRANT SELECT ON scheduler.secret_input TO scheduler_viewer;
GRANT INSERT ON scheduler.secret_input TO scheduler_user;

/* 'a, b' or '{a,b}' or 'a b'. */
CREATE FUNCTION scheduler.split_hosts(hosts text) RETURNS text[]
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT coalesce(array_agg(h), '{}') FROM regexp_split_to_table($1, '[\s,;{}"]+') AS h WHERE h <> ''
	$body$;
COMMENT ON FUNCTION scheduler.split_hosts(text) IS 'Hosts written in one text, separated by blanks or commas.';

/*
 * Name and hosts are kept only where they can be told from a value that stands in the wrong column; the reason is our
 * own sentence without the detail.
 */
CREATE FUNCTION scheduler.note_secret_refusal(user_id uuid, name text, hosts text, reason text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	shown_name text := substring($2 FROM '^[a-z0-9][a-z0-9_.-]{0,62}$');
	shown_hosts text;
BEGIN
	BEGIN
		shown_hosts := array_to_string(scheduler.check_secret('x', scheduler.split_hosts($3)), ' ');
	EXCEPTION WHEN OTHERS THEN
		shown_hosts := NULL;
	END;
	/* A value given as name may look like one: only where the hosts are hosts, the columns are in their order. */
	INSERT INTO scheduler.secret_refusals (user_id, name, hosts, reason)
	VALUES ($1, CASE WHEN shown_hosts IS NOT NULL THEN shown_name END, shown_hosts, $4);
	DELETE FROM scheduler.secret_refusals r
	WHERE r.user_id = $1 AND r.refusal_id < (SELECT n.refusal_id FROM scheduler.secret_refusals n WHERE n.user_id = $1
		ORDER BY n.refusal_id DESC OFFSET 99 LIMIT 1);
END
$body$;
COMMENT ON FUNCTION scheduler.note_secret_refusal(uuid, text, text, text) IS
	'Keeps a refused line of secret_input without its value.';

/* NULL where the secret was kept, else why not. Raises nothing that can be caught. */
CREATE FUNCTION scheduler.accept_secret(name text, hosts text, value text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid;
	problem text;
BEGIN
	BEGIN
		owner_id := scheduler.required_user_id();
		PERFORM scheduler.set_secret($1, $3, scheduler.split_hosts($2));
		DELETE FROM scheduler.secret_refusals r WHERE r.user_id = owner_id AND r.name = $1;
		RETURN NULL;
	EXCEPTION WHEN OTHERS THEN
		problem := SQLERRM;
	END;
	BEGIN
		PERFORM scheduler.note_secret_refusal(owner_id, $1, $2, problem) WHERE owner_id IS NOT NULL;
	EXCEPTION WHEN OTHERS THEN
		RETURN problem;
	END;
	RETURN problem;
END
$body$;
/* Owned by scheduler_system: set_secret() is, and what it refuses of an admin is noted for the system user. */
ALTER FUNCTION scheduler.accept_secret(text, text, text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.accept_secret(text, text, text) IS
	'set_secret() for a line of secret_input: why it was refused, NULL where it was kept.';

CREATE FUNCTION scheduler.take_secret_input() RETURNS trigger
	LANGUAGE c SECURITY DEFINER
	AS 'MODULE_PATHNAME', 'sched_sql_take_secret_input';
COMMENT ON FUNCTION scheduler.take_secret_input() IS
	'Trigger: hands the line to accept_secret() and wipes the value; never raises, because COPY logs the line that fails.';
CREATE TRIGGER take_secret INSTEAD OF INSERT ON scheduler.secret_input
	FOR EACH ROW EXECUTE FUNCTION scheduler.take_secret_input();

/* The file outside the cluster. setup() makes it, doctor() looks at it. */
CREATE FUNCTION scheduler.create_master_key(OUT file text, OUT created boolean, OUT problem text, OUT hint text,
	OUT key_id text, OUT changing boolean)
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_create_master_key';
COMMENT ON FUNCTION scheduler.create_master_key() IS
	'Makes the master key file where it is missing (superuser); problem is NULL where it can be used.';

CREATE FUNCTION scheduler.master_key_state(OUT file text, OUT created boolean, OUT problem text, OUT hint text,
	OUT key_id text, OUT changing boolean)
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_master_key_state';
COMMENT ON FUNCTION scheduler.master_key_state() IS 'What is wrong with the master key file; changes nothing.';

/* The next functions write files, not rows: what they did stays done where the transaction is rolled back. */
CREATE FUNCTION scheduler.change_master_key(OUT key_id text, OUT files bigint, OUT failed bigint,
	OUT foreign_files bigint, OUT done boolean)
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_change_master_key';
COMMENT ON FUNCTION scheduler.change_master_key() IS
	'Makes a new master key, seals all data keys under it, then destroys the old one; said again, goes on.';

CREATE FUNCTION scheduler.rotate_master_key(OUT key_id text, OUT files bigint, OUT failed bigint,
	OUT foreign_files bigint, OUT done boolean)
	LANGUAGE plpgsql
	SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	SELECT c.key_id, c.files, c.failed, c.foreign_files, c.done
	INTO rotate_master_key.key_id, rotate_master_key.files, rotate_master_key.failed, rotate_master_key.foreign_files,
		rotate_master_key.done
	FROM scheduler.change_master_key() AS c;
	PERFORM scheduler.record_audit('secret.master_key_rotated', CASE WHEN rotate_master_key.done THEN 'ok' ELSE 'failed' END,
		details => jsonb_build_object('files', rotate_master_key.files, 'failed', rotate_master_key.failed,
			'foreign_files', rotate_master_key.foreign_files));
END
$body$;
COMMENT ON FUNCTION scheduler.rotate_master_key() IS
	'A new master key for all data keys (admins only). Not done: say it again, it goes on where it ended.';
GRANT EXECUTE ON FUNCTION scheduler.rotate_master_key() TO scheduler_admin;

CREATE FUNCTION scheduler.data_key_problem(user_id uuid, key_id text) RETURNS text
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_data_key_problem';
COMMENT ON FUNCTION scheduler.data_key_problem(uuid, text) IS
	'Why what was sealed with this key of this user cannot be opened; NULL where it can.';

CREATE FUNCTION scheduler.current_data_key(user_id uuid) RETURNS text
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_current_data_key';
COMMENT ON FUNCTION scheduler.current_data_key(uuid) IS 'The id of the key that seals for this user; NULL where he has none.';

CREATE FUNCTION scheduler.renew_data_key(user_id uuid) RETURNS text
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_renew_data_key';
COMMENT ON FUNCTION scheduler.renew_data_key(uuid) IS
	'A new key seals for this user from now on, the others still open; its id, NULL where he has none.';

CREATE FUNCTION scheduler.retire_data_keys(user_id uuid, key_id text) RETURNS boolean
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_retire_data_keys';
COMMENT ON FUNCTION scheduler.retire_data_keys(uuid, text) IS
	'Destroys all keys of this user but this one, where it is the newest.';

CREATE FUNCTION scheduler.drop_data_key(user_id uuid) RETURNS boolean
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_drop_data_key';
COMMENT ON FUNCTION scheduler.drop_data_key(uuid) IS
	'Destroys the data keys of a user at once: what they sealed is unreadable for good, also in backups. Whether there were any.';
