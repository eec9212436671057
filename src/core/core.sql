/* core: the roles everything stands on, keys, and how a table of rows is declared. */

/*
 * Roles are the cluster's, not the database's: another database may have made them. One that exists with powers it
 * should not have is refused, because the extension's functions run with its rights.
 */
DO $roles$
DECLARE
	wanted record;
	existing record;
BEGIN
	FOR wanted IN
		SELECT * FROM (VALUES
			('scheduler_owner', false),
			('scheduler_system', true),
			('scheduler_viewer', false),
			('scheduler_user', false),
			('scheduler_developer', false),
			('scheduler_admin', false),
			('scheduler_anon', false),
			('scheduler_service', false)) AS w (role_name, bypasses)
	LOOP
		SELECT rolsuper, rolcanlogin, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
		INTO existing
		FROM pg_catalog.pg_roles
		WHERE rolname OPERATOR(pg_catalog.=) wanted.role_name;
		IF NOT FOUND THEN
			EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN %s', wanted.role_name,
				CASE WHEN wanted.bypasses THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END);
		ELSIF existing.rolsuper OR existing.rolcanlogin OR existing.rolcreaterole OR existing.rolcreatedb
			OR existing.rolreplication OR (existing.rolbypassrls AND NOT wanted.bypasses) THEN
			RAISE EXCEPTION 'role "%" exists with powers it must not have', wanted.role_name
				USING ERRCODE = '42710',
				HINT = 'Make it a plain NOLOGIN role or drop it, then repeat CREATE EXTENSION.';
		END IF;
	END LOOP;
	IF pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.<>) 'UTF8' THEN
		RAISE EXCEPTION 'scheduler needs a database with encoding UTF8'
			USING ERRCODE = '0A000',
			DETAIL = pg_catalog.format('This one has %s.', pg_catalog.current_setting('server_encoding')),
			HINT = 'CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0';
	END IF;
END
$roles$;

GRANT scheduler_viewer TO scheduler_user;
GRANT scheduler_user TO scheduler_developer;
GRANT scheduler_user TO scheduler_admin;
/* A back end acts for users: it needs what they may. */
GRANT scheduler_user TO scheduler_service;
GRANT USAGE ON SCHEMA scheduler
	TO scheduler_owner, scheduler_system, scheduler_viewer, scheduler_anon, scheduler_service;

CREATE FUNCTION scheduler.version() RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_version';
COMMENT ON FUNCTION scheduler.version() IS 'Version of the loaded library.';

CREATE FUNCTION scheduler.uuid7() RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_uuid7';
COMMENT ON FUNCTION scheduler.uuid7() IS 'A new time-ordered key (RFC 9562, version 7).';
GRANT EXECUTE ON FUNCTION scheduler.version(), scheduler.uuid7()
	TO scheduler_viewer, scheduler_owner, scheduler_system;

/* Granted to nobody: only functions of the extension hold these. */
CREATE FUNCTION scheduler.take_lock(purpose integer, key integer) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_take_lock';
COMMENT ON FUNCTION scheduler.take_lock(integer, integer) IS
	'Takes a lock of the extension until the end of the transaction; pg_advisory_lock() cannot take the same.';

CREATE FUNCTION scheduler.try_lock(purpose integer, key integer) RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_try_lock';
COMMENT ON FUNCTION scheduler.try_lock(integer, integer) IS
	'take_lock() without waiting: false where somebody else holds it.';

CREATE FUNCTION scheduler.refuse_old_snapshot() RETURNS void
	LANGUAGE c STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_refuse_old_snapshot';
COMMENT ON FUNCTION scheduler.refuse_old_snapshot() IS
	'Error 55000 under REPEATABLE READ and SERIALIZABLE, where a row that others write could end in 40001.';

CREATE FUNCTION scheduler.wait_patiently() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_wait_patiently';
COMMENT ON FUNCTION scheduler.wait_patiently() IS
	'Until the calling function ends, workers give way before this session looks for a deadlock.';

/* The buckets of src/core/bucket.c, from SQL: for functions of the extension and for tests. */
CREATE FUNCTION scheduler.take_bucket(area text, key bigint, per_second double precision, burst double precision,
	tokens double precision DEFAULT 1) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_take_bucket';
COMMENT ON FUNCTION scheduler.take_bucket(text, bigint, double precision, double precision, double precision) IS
	'Takes tokens from a bucket (area calls, api or signin): 0 where they were there, else microseconds until they are.';

CREATE FUNCTION scheduler.bucket_counts(area text, OUT used bigint, OUT room bigint, OUT shared bigint)
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_bucket_counts';
COMMENT ON FUNCTION scheduler.bucket_counts(text) IS
	'Buckets of an area that are not full, places there are, and how often a key found none and shared one.';

/*
 * Declares a table whose rows belong to users: row-level security that also binds the owner, dump of its rows, SELECT for
 * viewers. shared_rows adds a second policy that shows the system user's rows to everybody. Dropped by finish.sql:
 * it serves the install script only.
 */
CREATE FUNCTION scheduler.install_user_table(table_name text, dump_filter text DEFAULT '',
	shared_rows boolean DEFAULT false, readable boolean DEFAULT true) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	EXECUTE format('ALTER TABLE scheduler.%I ENABLE ROW LEVEL SECURITY', $1);
	EXECUTE format('ALTER TABLE scheduler.%I FORCE ROW LEVEL SECURITY', $1);
	EXECUTE format('CREATE POLICY own_rows ON scheduler.%I'
		' USING (user_id = (SELECT scheduler.current_user_id()))', $1);
	IF install_user_table.shared_rows THEN
		EXECUTE format('CREATE POLICY shared_rows ON scheduler.%I FOR SELECT'
			' USING (user_id = scheduler.system_user_id())', $1);
	END IF;
	IF install_user_table.readable THEN
		EXECUTE format('GRANT SELECT ON scheduler.%I TO scheduler_viewer', $1);
	END IF;
	PERFORM pg_extension_config_dump(format('scheduler.%I', $1)::regclass, install_user_table.dump_filter);
END
$body$;

/* The same for an installation-wide table: everybody may read it where readable, only functions write it. */
CREATE FUNCTION scheduler.install_shared_table(table_name text, dump_filter text DEFAULT '',
	readable boolean DEFAULT true) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	EXECUTE format('ALTER TABLE scheduler.%I ENABLE ROW LEVEL SECURITY', $1);
	EXECUTE format('ALTER TABLE scheduler.%I FORCE ROW LEVEL SECURITY', $1);
	IF install_shared_table.readable THEN
		EXECUTE format('CREATE POLICY readable ON scheduler.%I FOR SELECT USING (true)', $1);
		EXECUTE format('GRANT SELECT ON scheduler.%I TO scheduler_viewer', $1);
	END IF;
	PERFORM pg_extension_config_dump(format('scheduler.%I', $1)::regclass, install_shared_table.dump_filter);
END
$body$;

/*
 * The default partition of a table that goes by the month, with an index for looking up and one for retention: rows come
 * in the order of time. Partitions are reached through their parents only, whose policies hold then.
 */
CREATE FUNCTION scheduler.install_default_partition(parent text, index_columns text, time_column text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	partition_name text := install_default_partition.parent || '_default';
BEGIN
	EXECUTE format('CREATE TABLE scheduler.%I PARTITION OF scheduler.%I DEFAULT', partition_name,
		install_default_partition.parent);
	EXECUTE format('CREATE INDEX ON scheduler.%I (%s)', partition_name, install_default_partition.index_columns);
	EXECUTE format('CREATE INDEX ON scheduler.%I USING brin (%I)', partition_name,
		install_default_partition.time_column);
	EXECUTE format('ALTER TABLE scheduler.%I ENABLE ROW LEVEL SECURITY', partition_name);
	EXECUTE format('ALTER TABLE scheduler.%I FORCE ROW LEVEL SECURITY', partition_name);
	PERFORM pg_extension_config_dump(format('scheduler.%I', partition_name)::regclass, '');
END
$body$;

/* Sets updated_at; a BEFORE UPDATE trigger of tables that have the column. */
CREATE FUNCTION scheduler.touch_updated_at() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'sched_sql_touch_updated_at';
COMMENT ON FUNCTION scheduler.touch_updated_at() IS 'Trigger: sets updated_at to the time of the transaction.';
