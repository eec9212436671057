/* reports: what every room lets go in time. Last of the rooms, so that it may know all of them. */

CREATE FUNCTION scheduler.apply_retention() RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT scheduler.expire_jobs() + scheduler.expire_calls()
	$body$;
COMMENT ON FUNCTION scheduler.apply_retention() IS
	'Deletes, for all users, what is over its time: finished jobs, changes, runs of schedules, calls of models and their notes.';
GRANT EXECUTE ON FUNCTION scheduler.apply_retention() TO scheduler_admin;

/* The worker's hourly duty. Somebody else's lock is no reason for it to fail: it comes again. */
CREATE FUNCTION scheduler.keep_house() RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.make_partitions();
	PERFORM scheduler.apply_retention();
	PERFORM scheduler.drop_empty_partitions();
	RETURN true;
EXCEPTION WHEN lock_not_available THEN
	RAISE LOG 'upkeep of scheduler put off: %', SQLERRM;
	RETURN false;
END
$body$;
COMMENT ON FUNCTION scheduler.keep_house() IS
	'Partitions to come, retention, partitions that are empty; for the worker. False where a lock was in the way.';
