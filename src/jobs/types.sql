/* jobs: what a handler gets and answers. New attributes only at the end, so that handlers keep working. */

CREATE TYPE scheduler.job AS
(
	job_id uuid,
	user_id uuid,
	kind text,
	payload jsonb,
	state jsonb,
	attempts integer,
	max_attempts integer,
	run_at timestamptz,
	parent_id uuid,
	created_at timestamptz
);
COMMENT ON TYPE scheduler.job IS 'The job as its handler sees it.';

CREATE TYPE scheduler.step AS
(
	action text,
	result jsonb,
	state jsonb,
	request scheduler.http_request,
	run_at timestamptz,
	reason text,
	after interval
);
COMMENT ON TYPE scheduler.step IS
	'What a handler answers; made by step_done, step_request, step_sleep, step_wait_children, step_retry or step_fail.';

CREATE FUNCTION scheduler.step_done(result jsonb DEFAULT NULL) RETURNS scheduler.step
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ROW('done', result, NULL, NULL, NULL, NULL, NULL)::scheduler.step;
COMMENT ON FUNCTION scheduler.step_done(jsonb) IS 'The job has succeeded with this result.';

CREATE FUNCTION scheduler.step_request(request scheduler.http_request, state jsonb DEFAULT NULL)
	RETURNS scheduler.step
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ROW('request', NULL, state, request, NULL, NULL, NULL)::scheduler.step;
COMMENT ON FUNCTION scheduler.step_request(scheduler.http_request, jsonb) IS
	'Make this call with no transaction open, then call the handler again with the answer and this state.';

CREATE FUNCTION scheduler.step_sleep(until timestamptz, state jsonb DEFAULT NULL) RETURNS scheduler.step
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ROW('sleep', NULL, state, NULL, until, NULL, NULL)::scheduler.step;
COMMENT ON FUNCTION scheduler.step_sleep(timestamptz, jsonb) IS 'Call the handler again at this time, with this state.';

CREATE FUNCTION scheduler.step_wait_children(state jsonb DEFAULT NULL) RETURNS scheduler.step
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ROW('wait', NULL, state, NULL, NULL, NULL, NULL)::scheduler.step;
COMMENT ON FUNCTION scheduler.step_wait_children(jsonb) IS
	'Call the handler again when every child of this job is final.';

/* after NULL: back-off with full jitter, and not before the answer''s Retry-After. */
CREATE FUNCTION scheduler.step_retry(reason text, after interval DEFAULT NULL) RETURNS scheduler.step
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ROW('retry', NULL, NULL, NULL, NULL, reason, after)::scheduler.step;
COMMENT ON FUNCTION scheduler.step_retry(text, interval) IS
	'The attempt failed; try again after this time, or give up where it was the last.';

CREATE FUNCTION scheduler.step_fail(reason text) RETURNS scheduler.step
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ROW('fail', NULL, NULL, NULL, NULL, reason, NULL)::scheduler.step;
COMMENT ON FUNCTION scheduler.step_fail(text) IS 'The job has failed for good; no further attempt.';

GRANT EXECUTE ON FUNCTION scheduler.step_done(jsonb), scheduler.step_request(scheduler.http_request, jsonb),
	scheduler.step_sleep(timestamptz, jsonb), scheduler.step_wait_children(jsonb),
	scheduler.step_retry(text, interval), scheduler.step_fail(text)
	TO scheduler_viewer;
