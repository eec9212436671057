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

CREATE FUNCTION scheduler.seal_secret(user_id uuid, name text, value text, OUT key_id text, OUT sealed bytea)
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_seal_secret';
COMMENT ON FUNCTION scheduler.seal_secret(uuid, text, text) IS 'Seals a value for this user and name.';

CREATE FUNCTION scheduler.seal_secret_file(user_id uuid, name text, path text, OUT key_id text, OUT sealed bytea)
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_seal_secret_file';
COMMENT ON FUNCTION scheduler.seal_secret_file(uuid, text, text) IS
	'Seals the content of a file for this user and name; the caller must have pg_read_server_files.';

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
		RAISE EXCEPTION 'this is no name for a secret'
			USING ERRCODE = '22023', DETAIL = format('The name is "%s".', left($1, 100)),
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
	SELECT * INTO made FROM scheduler.seal_secret(owner_id, $1, $2);
	PERFORM scheduler.store_secret(owner_id, $1, bound, made.key_id, made.sealed);
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
	SELECT * INTO made FROM scheduler.seal_secret_file(owner_id, $1, $2);
	PERFORM scheduler.store_secret(owner_id, $1, bound, made.key_id, made.sealed);
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
	RETURN FOUND;
END
$body$;
/* Owned by scheduler_system: an admin drops the installation's secrets. */
ALTER FUNCTION scheduler.drop_secret(text, uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.drop_secret(text, uuid) IS 'Removes a secret; whether there was one.';

GRANT EXECUTE ON FUNCTION scheduler.set_secret(text, text, text[], uuid),
	scheduler.set_secret_from_file(text, text, text[], uuid), scheduler.drop_secret(text, uuid)
	TO scheduler_user;

/* The file outside the cluster. setup() makes it, doctor() looks at it. */
CREATE FUNCTION scheduler.create_master_key(OUT file text, OUT created boolean, OUT problem text, OUT hint text,
	OUT key_id text)
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_create_master_key';
COMMENT ON FUNCTION scheduler.create_master_key() IS
	'Makes the master key file where it is missing (superuser); problem is NULL where it can be used.';

CREATE FUNCTION scheduler.master_key_state(OUT file text, OUT created boolean, OUT problem text, OUT hint text,
	OUT key_id text)
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_master_key_state';
COMMENT ON FUNCTION scheduler.master_key_state() IS 'What is wrong with the master key file; changes nothing.';
