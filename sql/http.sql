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

-- the kind http without a worker: what its handler makes of a payload and of an answer
SELECT scheduler.http_payload_problem(p::jsonb), p
FROM unnest(ARRAY['{"url": "http://x/"}', '{"url": "http://x/", "method": "POST", "headers": {"a": ["b"]}, "body": {"c": 1}, "auth": "secret:x", "timeout": 5}',
	'{"url": "http://x/", "timeout": "1.5 seconds"}', '{"url": "http://x/", "timeout": "00:00:05"}', '{"url": "http://x/", "body": "AAE=", "encoding": "base64"}',
	'[]', '{}', '{"url": 5}', '{"url": "http://x/", "method": 5}', '{"url": "http://x/", "headers": []}', '{"url": "http://x/", "auth": {}}',
	'{"url": "http://x/", "timeout": "soon"}', '{"url": "http://x/", "timeout": -1}', '{"url": "http://x/", "encoding": "rot13"}',
	'{"url": "http://x/", "body": "A", "encoding": "base64"}', '{"url": "http://x/", "repeat_unsafe": "yes"}', 'null']) AS p;
SELECT scheduler.http_payload_problem(NULL);
SELECT (r).method, (r).url, (r).headers, convert_from((r).body, 'UTF8') AS body, (r).auth, (r).timeout
FROM unnest(ARRAY['{"url": "http://x/"}', '{"url": "http://x/", "method": "post", "body": {"c": 1}, "auth": "secret:x", "timeout": 5}',
	'{"url": "http://x/", "method": "PUT", "body": "plain", "headers": {"IDEMPOTENCY-key": "mine", "content-TYPE": "text/x"}}',
	'{"url": "http://x/", "method": "PUT", "body": {"a": 1}, "headers": {"content-TYPE": "text/x"}}',
	'{"url": "http://x/", "body": "w7w=", "encoding": "base64", "headers": null, "timeout": null}']) AS p,
	LATERAL (SELECT scheduler.http_payload_request(p::jsonb, '01890000-0000-7000-8000-000000000001') AS r) AS made;
-- a body of JSON is sent as the server would write it
SELECT b.body, convert_from((r).body, 'UTF8') = b.body ->> '{}' AS same
FROM (VALUES ('{"a": {"b": [], "c": {}, "d": [1, [2.50, true], null, {"e": "f", "g": "h"}]}, "i": "\u0001\b\f\n\r\t\"\\ü/", "": ""}'::jsonb),
	('[]'), ('{}'), ('[[], {}, "x", 1]'), ('{"a": "", "b": "\"", "c": "x\n"}'), ('true'), ('12.50')) AS v (body),
	LATERAL (SELECT jsonb_build_object('{}', v.body) AS body) AS b,
	LATERAL (SELECT scheduler.http_payload_request(jsonb_build_object('url', 'http://x/', 'body', v.body), scheduler.uuid7()) AS r) AS made;

CREATE FUNCTION pg_temp.job(payload jsonb) RETURNS scheduler.job LANGUAGE sql
	RETURN ROW('01890000-0000-7000-8000-000000000001', scheduler.system_user_id(), 'http', payload, NULL, 1, 10, now(), NULL, now())::scheduler.job;
CREATE FUNCTION pg_temp.answer(status integer, failure text, sent boolean) RETURNS scheduler.http_response LANGUAGE sql
	RETURN ROW(status, '{}', '\x6f6b'::bytea, failure || ': words', '1 s', failure, sent)::scheduler.http_response;
SELECT (s).action, (s).reason, (s).result, ((s).request).url
FROM (VALUES ('{"url": "http://x/"}', NULL::scheduler.http_response), ('{"url": 5}', NULL),
	('{"url": "http://x/"}', pg_temp.answer(200, NULL, true)),
	('{"url": "http://x/"}', pg_temp.answer(404, NULL, true)),
	('{"url": "http://x/"}', pg_temp.answer(503, NULL, true)),
	('{"url": "http://x/", "method": "POST"}', pg_temp.answer(429, NULL, true)),
	('{"url": "http://x/"}', pg_temp.answer(NULL, 'timeout', true)),
	('{"url": "http://x/", "method": "POST"}', pg_temp.answer(NULL, 'connect', false)),
	('{"url": "http://x/", "method": "POST"}', pg_temp.answer(NULL, 'timeout', true)),
	('{"url": "http://x/", "method": "post"}', pg_temp.answer(NULL, 'lost', true)),
	('{"url": "http://x/", "method": "PATCH", "repeat_unsafe": true}', pg_temp.answer(NULL, 'lost', true)),
	('{"url": "http://x/"}', pg_temp.answer(NULL, 'forbidden', false)),
	('{"url": "http://x/"}', pg_temp.answer(NULL, 'too_large', true))) AS v (payload, response),
	LATERAL (SELECT scheduler.handle_http(pg_temp.job(v.payload::jsonb), v.response) AS s) AS stepped;

-- http_call enqueues for developers, and says at once what is wrong
SET ROLE scheduler_user;
SELECT scheduler.http_call('GET', 'http://x/');
RESET ROLE;
SELECT scheduler.http_call('GET', NULL);
SELECT scheduler.http_call('GET', 'http://x/', '[]');
SET client_min_messages = error;
SELECT scheduler.http_call('POST', 'http://example.org/', '{"X": "y"}', 'text', 'secret:none') AS call_id \gset
RESET client_min_messages;
SELECT kind, payload FROM scheduler.jobs WHERE job_id = :'call_id';

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
\set VERBOSITY sqlstate
ALTER SYSTEM SET scheduler.http_timeout = '2 h';
\set VERBOSITY default
ALTER SYSTEM SET scheduler.http_allowed_hosts = 'api.openai.com, *.example.org';
ALTER SYSTEM SET scheduler.http_private_hosts = 'localhost:11434, [::1]:80';
ALTER SYSTEM RESET scheduler.http_allowed_hosts;
ALTER SYSTEM RESET scheduler.http_private_hosts;
SET scheduler.http_allow_private_networks = on;
SELECT name, setting, unit, context FROM pg_settings WHERE name LIKE 'scheduler.http%' ORDER BY 1;
