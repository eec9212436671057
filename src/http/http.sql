/* http: what handlers ask about an answer, and the statistics of hosts. */

CREATE FUNCTION scheduler.retry_after(response scheduler.http_response) RETURNS interval
	LANGUAGE c STABLE PARALLEL SAFE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_retry_after';
COMMENT ON FUNCTION scheduler.retry_after(scheduler.http_response) IS
	'How long the server asks to wait (retry-after-ms, else Retry-After in seconds or as a date), at most a day; NULL where it does not.';

/*
 * A call without a status: the line failed, or time ran out; whether the server has acted is another question (sent).
 * With a status: x-should-retry where the server says so, else the codes that mean "later".
 */
CREATE FUNCTION scheduler.response_retryable(response scheduler.http_response) RETURNS boolean
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_response_retryable';
COMMENT ON FUNCTION scheduler.response_retryable(scheduler.http_response) IS
	'Whether the same call may succeed later: network failures, 408, 409, 425, 429, most 5xx, and what x-should-retry says.';

CREATE FUNCTION scheduler.response_result(response scheduler.http_response, max_bytes integer DEFAULT 1048576)
	RETURNS jsonb
	LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_response_result';
COMMENT ON FUNCTION scheduler.response_result(scheduler.http_response, integer) IS
	'An answer as JSON: status, headers, body, encoding (text, or base64 where the body is not UTF-8), truncated to max_bytes; NULL without a status.';

GRANT EXECUTE ON FUNCTION scheduler.retry_after(scheduler.http_response),
	scheduler.response_retryable(scheduler.http_response),
	scheduler.response_result(scheduler.http_response, integer)
	TO scheduler_user;

/* Which hosts an installation calls is not every user's business. */
CREATE FUNCTION scheduler.host_statistics() RETURNS TABLE (host text, calls bigint, errors bigint, p50 interval,
	p95 interval, p99 interval, since timestamptz)
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'sched_sql_host_statistics';
COMMENT ON FUNCTION scheduler.host_statistics() IS
	'Counters behind stat_http; empty where the library is not preloaded.';

CREATE VIEW scheduler.stat_http WITH (security_invoker) AS
	SELECT s.host, s.calls, s.errors, s.p50, s.p95, s.p99, s.since
	FROM scheduler.host_statistics() s;
COMMENT ON VIEW scheduler.stat_http IS
	'HTTP calls of this database per host:port since the server started: errors had no answer or a status from 400 on; times are within 9 %.';
GRANT EXECUTE ON FUNCTION scheduler.host_statistics() TO scheduler_developer, scheduler_admin;
GRANT SELECT ON scheduler.stat_http TO scheduler_developer, scheduler_admin;
