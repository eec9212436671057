/* reports: what every room lets go in time. Last of the rooms, so that it may know all of them. */

CREATE FUNCTION scheduler.apply_retention(max_rows bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT scheduler.expire_jobs($1) + scheduler.expire_calls($1) + scheduler.expire_sign_ins($1)
		+ scheduler.expire_bodies($1) + scheduler.expire_audit($1)
	$body$;
COMMENT ON FUNCTION scheduler.apply_retention(bigint) IS
	'Deletes, for all users, what is over its time by retention_policies; max_rows of each table at most.';
GRANT EXECUTE ON FUNCTION scheduler.apply_retention(bigint) TO scheduler_admin;

/*
 * Months of which every row is over its time go at once. finished_jobs may have kinds that are kept longer; audit_log goes as
 * far as a sealed row says. For the worker, who owns what it drops; one that somebody reads just now waits for the next time.
 */
CREATE FUNCTION scheduler.drop_expired_partitions() RETURNS integer
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	old record;
	still_needed boolean;
	dropped integer := 0;
BEGIN
	FOR old IN
		SELECT p.relname AS parent, c.relname AS partition_name
		FROM (VALUES ('changes', scheduler.retention_of('changes')), ('llm_calls', scheduler.retention_of('llm_calls')),
			('agent_context', scheduler.retention_of('activities')), ('audit_log', scheduler.retention_of('audit_log')),
			('finished_jobs', (SELECT greatest(scheduler.retention_of('completed_jobs'), max(k.retention)) FROM scheduler.job_kinds k)))
			AS kept (parent, keep)
		JOIN pg_class p ON p.relnamespace = 'scheduler'::regnamespace AND p.relname = kept.parent
		JOIN pg_inherits i ON i.inhparent = p.oid
		JOIN pg_class c ON c.oid = i.inhrelid
		WHERE c.relname ~ '_[0-9]{4}_[0-9]{2}$'
			AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' < (now() - kept.keep) AT TIME ZONE 'UTC'
		ORDER BY c.relname
	LOOP
		BEGIN
			IF old.parent = 'audit_log' THEN
				EXECUTE format('SELECT EXISTS (SELECT FROM scheduler.%I a WHERE a.audit_seq IS NULL OR a.audit_seq > coalesce('
					'(SELECT max((e.details ->> ''through'')::bigint) FROM scheduler.audit_log e'
					' WHERE e.action = ''audit.expired'' AND e.audit_seq IS NOT NULL), 0))', old.partition_name) INTO still_needed;
				CONTINUE WHEN still_needed;
			END IF;
			EXECUTE format('DROP TABLE scheduler.%I', old.partition_name);
			dropped := dropped + 1;
		EXCEPTION WHEN lock_not_available THEN
			RAISE LOG 'expired partition % not dropped: %', old.partition_name, SQLERRM;
		END;
	END LOOP;
	RETURN dropped;
END
$body$;
COMMENT ON FUNCTION scheduler.drop_expired_partitions() IS
	'Drops the partitions of past months whose rows are all over their time and says how many; for the worker.';

/*
 * The worker's hourly duty, so many rows of each table at a time. Somebody else's lock is no reason for it to fail: it
 * comes again.
 */
CREATE FUNCTION scheduler.keep_house(max_rows bigint) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	deleted bigint;
BEGIN
	PERFORM scheduler.make_partitions();
	PERFORM scheduler.route_strays();
	PERFORM scheduler.drop_expired_partitions();
	deleted := scheduler.apply_retention($1);
	PERFORM scheduler.drop_empty_partitions();
	RETURN deleted < $1;
EXCEPTION WHEN lock_not_available THEN
	RAISE LOG 'upkeep of scheduler put off: %', SQLERRM;
	RETURN true;
END
$body$;
COMMENT ON FUNCTION scheduler.keep_house(bigint) IS
	'Partitions to come, retention, partitions that are empty; for the worker. False where there may be more to delete.';
