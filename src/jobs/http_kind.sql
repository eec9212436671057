/* jobs: the kind http, one call as a job. The answer is its result; what failed is tried again where that is safe. */

/* What is wrong with a payload of kind http; NULL where nothing is. */
CREATE FUNCTION scheduler.http_payload_problem(payload jsonb) RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_http_payload_problem';
COMMENT ON FUNCTION scheduler.http_payload_problem(jsonb) IS 'What is wrong with the payload of an http job; NULL where nothing is.';

/* The call that the payload describes. The job's id is the default Idempotency-Key: the same at each attempt. */
CREATE FUNCTION scheduler.http_payload_request(payload jsonb, job_id uuid) RETURNS scheduler.http_request
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_http_payload_request';
COMMENT ON FUNCTION scheduler.http_payload_request(jsonb, uuid) IS 'The call that the payload of an http job describes.';

/* In C: such jobs come in thousands, and what they do is small beside calling a function of another language. */
CREATE FUNCTION scheduler.handle_http(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'sched_sql_handle_http';
COMMENT ON FUNCTION scheduler.handle_http(scheduler.job, scheduler.http_response) IS
	'Handler of kind http: makes one call; the result is the answer as response_result() shows it.';
SELECT scheduler.install_job_kind('http', 'scheduler.handle_http', enqueue_role => 'scheduler_developer');

CREATE FUNCTION scheduler.http_call(method text, url text, headers jsonb DEFAULT '{}', body text DEFAULT NULL,
	auth text DEFAULT NULL) RETURNS uuid
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	payload jsonb := jsonb_build_object('method', $1, 'url', $2, 'headers', $3, 'body', $4, 'auth', $5);
	problem text := scheduler.http_payload_problem(payload);
BEGIN
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION 'this call cannot be made' USING ERRCODE = '22023',
			DETAIL = problem || '.',
			HINT = 'See doc/http.md for the arguments of http_call().';
	END IF;
	RETURN scheduler.enqueue('http', payload);
END
$body$;
COMMENT ON FUNCTION scheduler.http_call(text, text, jsonb, text, text) IS
	'Makes an HTTP call as a job and returns its id; auth names a secret (secret:name) that is bound to the host.';
GRANT EXECUTE ON FUNCTION scheduler.http_call(text, text, jsonb, text, text),
	scheduler.http_payload_problem(jsonb) TO scheduler_developer;
