/* reports: what every room lets go in time. Last of the rooms, so that it may know all of them. */

CREATE FUNCTION scheduler.apply_retention(max_rows bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT scheduler.expire_jobs($1) + scheduler.expire_calls($1) + scheduler.expire_sign_ins($1)
	$body$;
COMMENT ON FUNCTION scheduler.apply_retention(bigint) IS
	'Deletes, for all users, what is over its time: finished jobs, changes, runs of schedules, calls of models and their notes.';
GRANT EXECUTE ON FUNCTION scheduler.apply_retention(bigint) TO scheduler_admin;

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
