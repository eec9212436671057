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
	p95 interval, p99 interval, since timestamptz, state text, open_until timestamptz)
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'sched_sql_host_statistics';
COMMENT ON FUNCTION scheduler.host_statistics() IS
	'Counters behind stat_http; empty where the library is not preloaded.';

CREATE VIEW scheduler.stat_http WITH (security_invoker) AS
	SELECT s.host, s.calls, s.errors, s.p50, s.p95, s.p99, s.since, s.state, s.open_until
	FROM scheduler.host_statistics() s;
COMMENT ON VIEW scheduler.stat_http IS
	'HTTP calls of this database per host:port since the server started: errors had no answer or a status from 400 on; times are within 9 %; state closed, open (down; no calls until open_until), half_open (one call finds out) or paused (the host asked for it).';
GRANT EXECUTE ON FUNCTION scheduler.host_statistics() TO scheduler_developer, scheduler_admin;
GRANT SELECT ON scheduler.stat_http TO scheduler_developer, scheduler_admin;

/* Written by admins alone; workers read it. */
CREATE TABLE scheduler.rate_limits
(
	scope text NOT NULL,
	subject text NOT NULL,
	per_second double precision NOT NULL,
	burst double precision NOT NULL,
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT rate_limits_pkey PRIMARY KEY (scope, subject),
	CONSTRAINT rate_limits_scope_word CHECK (scope IN ('user', 'account', 'host')),
	CONSTRAINT rate_limits_subject_length CHECK (length(subject) BETWEEN 1 AND 140),
	CONSTRAINT rate_limits_per_second_range CHECK (per_second >= 0.00001 AND per_second <= 1000000),
	CONSTRAINT rate_limits_burst_range CHECK (burst >= 1 AND burst <= 1000000)
);
COMMENT ON TABLE scheduler.rate_limits IS
	'How many calls a second a user, an account or a host gets at most; subject * is every one without a row of its own.';
SELECT scheduler.install_shared_table('rate_limits', '', readable => false);
CREATE POLICY limits_written ON scheduler.rate_limits TO scheduler_owner USING (true);
CREATE POLICY limits_read ON scheduler.rate_limits FOR SELECT TO scheduler_admin USING (true);
GRANT SELECT ON scheduler.rate_limits TO scheduler_admin;

CREATE FUNCTION scheduler.forget_rate_limits() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'sched_sql_forget_rate_limits';
COMMENT ON FUNCTION scheduler.forget_rate_limits() IS
	'Trigger: tells every worker, at commit, that what it remembers of rate_limits is old.';
CREATE TRIGGER forget AFTER INSERT OR UPDATE OR DELETE ON scheduler.rate_limits
	FOR EACH STATEMENT EXECUTE FUNCTION scheduler.forget_rate_limits();

CREATE FUNCTION scheduler.set_rate_limit(scope text, subject text, per_second double precision,
	burst double precision DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	kept text := lower(btrim($2));
	shape text := CASE WHEN $1 = 'host'
		THEN '^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$'
		ELSE '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' END;
BEGIN
	IF $1 IS NULL OR $1 NOT IN ('user', 'account', 'host') THEN
		RAISE EXCEPTION 'unknown scope of a rate limit'
			USING ERRCODE = '22023', DETAIL = format('The value is "%s".', left($1, 100)),
			HINT = 'One of: user, account, host.';
	END IF;
	IF kept IS NULL OR kept <> '*' AND kept !~ shape THEN
		RAISE EXCEPTION 'this is no subject of a rate limit'
			USING ERRCODE = '22023', DETAIL = format('The value is "%s".', left($2, 100)),
			HINT = 'The uuid of a user or account, a host as "api.example.org" (port 443) or "localhost:8080", or * for all.';
	END IF;
	IF $1 = 'host' AND kept <> '*' AND kept !~ ':[0-9]+$' THEN
		kept := kept || ':443';
	END IF;
	IF $3 IS NULL THEN
		DELETE FROM scheduler.rate_limits r WHERE r.scope = $1 AND r.subject = kept;
		RETURN;
	END IF;
	/* The comparison is also true of what is no number. */
	IF NOT ($3 BETWEEN 0.00001 AND 1000000) OR $4 IS NOT NULL AND NOT ($4 BETWEEN 1 AND 1000000) THEN
		RAISE EXCEPTION 'this is no rate'
			USING ERRCODE = '22023', DETAIL = format('%s a second, burst %s.', $3, coalesce($4::text, 'not given')),
			HINT = 'Between 0.00001 and 1000000 a second, burst between 1 and 1000000; NULL removes the limit.';
	END IF;
	INSERT INTO scheduler.rate_limits AS r (scope, subject, per_second, burst)
	VALUES ($1, kept, $3, coalesce($4, greatest($3, 1)))
	ON CONFLICT ON CONSTRAINT rate_limits_pkey DO UPDATE
	SET per_second = excluded.per_second, burst = excluded.burst, updated_at = now();
END
$body$;
COMMENT ON FUNCTION scheduler.set_rate_limit(text, text, double precision, double precision) IS
	'Lets so many calls a second go for a user, an account or to a host (* for every one), burst at once (a second''s worth where not given); NULL lifts the limit. Calls beyond it wait.';
GRANT EXECUTE ON FUNCTION scheduler.set_rate_limit(text, text, double precision, double precision) TO scheduler_admin;
