/* Last of the script: owners, and nothing left open to PUBLIC. */

/*
 * Tables, sequences and definer functions belong to scheduler_owner, which row-level security binds too; views read with the
 * rights of who asks, so their owner does not matter but is the same. A function that the script gave to
 * scheduler_system keeps it: those are the few that must see several users' rows.
 */
DO $finish$
DECLARE
	thing record;
BEGIN
	FOR thing IN
		SELECT c.oid, c.relname, c.relkind
		FROM pg_catalog.pg_class c
		WHERE c.relnamespace OPERATOR(pg_catalog.=) 'scheduler'::pg_catalog.regnamespace
			AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p', 'v', 'S']::"char"[])
	LOOP
		IF thing.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::"char"[]) THEN
			EXECUTE pg_catalog.format('GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.%I TO scheduler_system',
				thing.relname);
			EXECUTE pg_catalog.format('ALTER TABLE scheduler.%I OWNER TO scheduler_owner', thing.relname);
		ELSIF thing.relkind OPERATOR(pg_catalog.=) 'v' THEN
			EXECUTE pg_catalog.format('GRANT SELECT ON scheduler.%I TO scheduler_system', thing.relname);
			EXECUTE pg_catalog.format('ALTER VIEW scheduler.%I OWNER TO scheduler_owner', thing.relname);
		END IF;
	END LOOP;

	FOR thing IN
		SELECT p.oid::pg_catalog.regprocedure AS signature, p.prosecdef, p.prokind,
			pg_catalog.pg_get_userbyid(p.proowner) AS owner
		FROM pg_catalog.pg_proc p
		WHERE p.pronamespace OPERATOR(pg_catalog.=) 'scheduler'::pg_catalog.regnamespace
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', thing.signature);
		EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO scheduler_owner, scheduler_system',
			thing.signature);
		IF thing.prosecdef AND thing.owner OPERATOR(pg_catalog.<>) 'scheduler_system' THEN
			EXECUTE pg_catalog.format('ALTER ROUTINE %s OWNER TO scheduler_owner', thing.signature);
		END IF;
	END LOOP;
END
$finish$;

/* They served the script only. */
DROP FUNCTION scheduler.install_user_table(text, text, boolean, boolean);
DROP FUNCTION scheduler.install_default_partition(text, text, text);
DROP FUNCTION scheduler.install_shared_table(text, text, boolean);
DROP FUNCTION scheduler.install_job_kind(text, text, integer, interval, integer, text, integer, interval, boolean, text);
