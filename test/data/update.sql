/* A next version for the test of ALTER EXTENSION UPDATE: a table and the handler of a kind are others. */
ALTER TABLE scheduler.live_jobs ADD COLUMN touched integer;
CREATE FUNCTION scheduler.handle_http_next(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
BEGIN
	IF (handle_http_next.response).status IS NULL THEN
		RETURN scheduler.handle_http(handle_http_next.job, handle_http_next.response);
	END IF;
	RETURN scheduler.step_done('"next version"');
END
$body$;
ALTER FUNCTION scheduler.handle_http_next(scheduler.job, scheduler.http_response) OWNER TO scheduler_owner;
UPDATE scheduler.job_kinds SET handler = 'scheduler.handle_http_next' WHERE kind = 'http';
