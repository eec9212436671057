-- http: what handlers ask about an answer, statistics, settings. Calls themselves: test/unit/http_test.c, test/t/http.pl.

-- retry_after: milliseconds before seconds before a date; absurd ones are a day; the first of several counts
SELECT v.headers, scheduler.retry_after(ROW(429, v.headers, NULL, NULL, NULL, NULL, true)::scheduler.http_response)
FROM (VALUES ('{"retry-after": "120"}'::jsonb), ('{"retry-after": "1.5"}'), ('{"retry-after-ms": "250", "retry-after": "9"}'),
	('{"retry-after": ["3", "4"]}'), ('{"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}'),
	('{"retry-after": "99999999999"}'), ('{"retry-after": "soon"}'), ('{"retry-after": 5}'), ('{}'), ('[]'), (NULL)) AS v (headers);
SELECT scheduler.retry_after(ROW(503, jsonb_build_object('retry-after',
		to_char((now() + interval '1 hour') AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS "GMT"')), NULL, NULL, NULL, NULL,
		true)::scheduler.http_response) BETWEEN '59 minutes' AND '1 hour' AS an_hour_by_date;
SELECT scheduler.retry_after(NULL) IS NULL AS nothing;

-- response_retryable
SELECT status, scheduler.response_retryable(ROW(status, '{}', NULL, NULL, NULL, NULL, true)::scheduler.http_response)
FROM unnest(ARRAY[200, 204, 304, 400, 401, 404, 408, 409, 410, 422, 425, 429, 500, 501, 502, 503, 504, 505, 529]) AS status;
SELECT failure, scheduler.response_retryable(ROW(NULL, NULL, NULL, 'x', NULL, failure, true)::scheduler.http_response)
FROM unnest(ARRAY['bad_request', 'forbidden', 'resolve', 'connect', 'tls', 'timeout', 'broken', 'too_large', 'redirects',
	'cancelled', 'lost', NULL]) AS failure;
SELECT scheduler.response_retryable(ROW(400, '{"x-should-retry": "true"}', NULL, NULL, NULL, NULL, true)::scheduler.http_response)
	AS server_says_yes,
	scheduler.response_retryable(ROW(503, '{"x-should-retry": "false"}', NULL, NULL, NULL, NULL, true)::scheduler.http_response)
	AS server_says_no,
	scheduler.response_retryable(NULL) AS nothing;

-- response_result: text, bytes, cut at a character
SELECT scheduler.response_result(ROW(200, '{"a": ["b", "c"]}', convert_to('Grüße', 'UTF8'), NULL, '1 s', NULL, true)
	::scheduler.http_response);
SELECT scheduler.response_result(ROW(200, '{}', '\x610062'::bytea, NULL, '1 s', NULL, true)::scheduler.http_response);
SELECT scheduler.response_result(ROW(200, '{}', '\x47fc'::bytea, NULL, '1 s', NULL, true)::scheduler.http_response);
SELECT scheduler.response_result(ROW(200, NULL, convert_to('Grüße', 'UTF8'), NULL, '1 s', NULL, true)::scheduler.http_response, 3);
SELECT scheduler.response_result(ROW(200, NULL, '\x00010203'::bytea, NULL, '1 s', NULL, true)::scheduler.http_response, 2);
SELECT scheduler.response_result(ROW(204, '{}', '', NULL, '1 s', NULL, true)::scheduler.http_response);
SELECT scheduler.response_result(ROW(NULL, NULL, NULL, 'timeout: x', '1 s', 'timeout', true)::scheduler.http_response) IS NULL
	AS no_status_no_result;

-- statistics: empty here; not for everybody
SELECT count(*) FROM scheduler.stat_http;
SELECT count(*) FROM scheduler.host_statistics();
SET ROLE scheduler_user;
SELECT count(*) FROM scheduler.stat_http;
SELECT count(*) FROM scheduler.host_statistics();
SELECT scheduler.response_retryable(ROW(503, '{}', NULL, NULL, NULL, NULL, true)::scheduler.http_response) AS allowed;
RESET ROLE;

-- settings: what cannot be meant is refused with a reason
ALTER SYSTEM SET scheduler.http_private_hosts = 'localhost';
ALTER SYSTEM SET scheduler.http_private_hosts = '*.lan:443';
ALTER SYSTEM SET scheduler.http_allowed_hosts = 'https://example.org/';
ALTER SYSTEM SET scheduler.http_ca_file = '/nowhere/ca.pem';
ALTER SYSTEM SET scheduler.http_ca_file = '/dev/null';
ALTER SYSTEM SET scheduler.http_timeout = '2 h';
ALTER SYSTEM SET scheduler.http_allowed_hosts = 'api.openai.com, *.example.org';
ALTER SYSTEM SET scheduler.http_private_hosts = 'localhost:11434, [::1]:80';
ALTER SYSTEM RESET scheduler.http_allowed_hosts;
ALTER SYSTEM RESET scheduler.http_private_hosts;
SET scheduler.http_allow_private_networks = on;
SELECT name, setting, unit, context FROM pg_settings WHERE name LIKE 'scheduler.http%' ORDER BY 1;
