/* A next version for the test of ALTER EXTENSION UPDATE: a table and the handler of a kind are others. */
ALTER TABLE scheduler.live_jobs ADD COLUMN touched integer;
ALTER FUNCTION scheduler.handle_http(scheduler.job, scheduler.http_response) RENAME TO handle_http_before;
CREATE FUNCTION scheduler.handle_http(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
BEGIN
	RETURN CASE WHEN response.status IS NULL THEN scheduler.handle_http_before(job, response)
		ELSE scheduler.step_done('"next version"') END;
END
$body$;
ALTER FUNCTION scheduler.handle_http(scheduler.job, scheduler.http_response) OWNER TO scheduler_owner;
