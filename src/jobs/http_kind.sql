/* jobs: the kind http, one call as a job. The answer is its result; what failed is tried again where that is safe. */

/* What is wrong with a payload of kind http; NULL where nothing is. Payload is hostile: no cast here may fail. */
CREATE FUNCTION scheduler.http_payload_problem(payload jsonb) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN CASE
		WHEN jsonb_typeof($1) IS DISTINCT FROM 'object' THEN 'the payload is not an object'
		WHEN jsonb_typeof($1 -> 'url') IS DISTINCT FROM 'string' THEN 'url is missing or no string'
		WHEN jsonb_typeof($1 -> 'method') NOT IN ('string', 'null') THEN 'method is no string'
		WHEN jsonb_typeof($1 -> 'headers') NOT IN ('object', 'null') THEN 'headers are no object'
		WHEN jsonb_typeof($1 -> 'auth') NOT IN ('string', 'null') THEN 'auth is no string'
		WHEN jsonb_typeof($1 -> 'repeat_unsafe') NOT IN ('boolean', 'null') THEN 'repeat_unsafe is no boolean'
		WHEN $1 ->> 'encoding' NOT IN ('text', 'base64') THEN 'encoding is neither text nor base64'
		WHEN $1 ->> 'encoding' = 'base64' AND (jsonb_typeof($1 -> 'body') IS DISTINCT FROM 'string'
			OR $1 ->> 'body' !~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$') THEN 'body is not base64'
		WHEN $1 ->> 'timeout' !~ '^(\d{1,6}(\.\d{1,6})? *(ms|milliseconds?|s|sec|secs|seconds?|min|mins|minutes?)?|\d\d?:[0-5]\d(:[0-5]\d(\.\d{1,6})?)?)$'
			THEN 'timeout is neither seconds nor an interval such as 30 seconds'
	END;
END
$body$;
COMMENT ON FUNCTION scheduler.http_payload_problem(jsonb) IS 'What is wrong with the payload of an http job; NULL where nothing is.';

/* The call that the payload describes. The job's id is the default Idempotency-Key: the same at each attempt. */
CREATE FUNCTION scheduler.http_payload_request(payload jsonb, job_id uuid) RETURNS scheduler.http_request
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		WITH given AS (
			SELECT coalesce(nullif($1 -> 'headers', 'null'), '{}') AS headers,
				jsonb_typeof($1 -> 'body') IN ('object', 'array', 'number', 'boolean') AS is_json
		), names AS (
			SELECT coalesce(array_agg(lower(k.name)), '{}') AS present
			FROM given, jsonb_object_keys(given.headers) AS k (name)
		)
		SELECT ROW(upper(coalesce($1 ->> 'method', 'GET')), $1 ->> 'url',
			given.headers
				|| CASE WHEN 'idempotency-key' = ANY (names.present) THEN '{}'
					ELSE jsonb_build_object('Idempotency-Key', $2) END
				|| CASE WHEN 'content-type' = ANY (names.present) OR given.is_json IS NOT TRUE THEN '{}'
					ELSE '{"Content-Type": "application/json"}'::jsonb END,
			CASE WHEN $1 ->> 'encoding' = 'base64' THEN decode($1 ->> 'body', 'base64')
				ELSE convert_to($1 ->> 'body', 'UTF8') END,
			$1 ->> 'auth', ($1 ->> 'timeout')::interval)::scheduler.http_request
		FROM given, names);
END
$body$;
COMMENT ON FUNCTION scheduler.http_payload_request(jsonb, uuid) IS 'The call that the payload of an http job describes.';

/*
 * A call whose answer was lost may have done its work. It is made again where doing so twice is harmless (RFC 9110:
 * GET, HEAD, PUT, DELETE) or where the payload says so; else the job fails and says why.
 */
CREATE FUNCTION scheduler.handle_http(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	payload jsonb := (handle_http.job).payload;
	status integer := (handle_http.response).status;
	problem text := scheduler.http_payload_problem((handle_http.job).payload);
	reason text;
BEGIN
	IF handle_http.response IS NULL THEN
		IF problem IS NOT NULL THEN
			RETURN scheduler.step_fail('bad payload: ' || problem);
		END IF;
		RETURN scheduler.step_request(scheduler.http_payload_request(payload, (handle_http.job).job_id));
	ELSIF status < 400 THEN
		RETURN scheduler.step_done(scheduler.response_result(handle_http.response));
	END IF;
	reason := coalesce((handle_http.response).error, 'HTTP ' || status);
	IF NOT scheduler.response_retryable(handle_http.response) THEN
		RETURN scheduler.step_fail(reason);
	ELSIF status IS NULL AND (handle_http.response).sent
		AND upper(coalesce(payload ->> 'method', 'GET')) NOT IN ('GET', 'HEAD', 'PUT', 'DELETE')
		AND payload -> 'repeat_unsafe' IS DISTINCT FROM 'true' THEN
		RETURN scheduler.step_fail(reason || '; the server may have acted, so the call is not repeated (repeat_unsafe)');
	END IF;
	RETURN scheduler.step_retry(reason);
END
$body$;
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
