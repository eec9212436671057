/* http: what a call and its answer look like to SQL. New attributes only at the end. */

CREATE TYPE scheduler.http_request AS
(
	method text,
	url text,
	headers jsonb,
	body bytea,
	auth text,
	timeout interval
);
COMMENT ON TYPE scheduler.http_request IS
	'A call to make: auth names a secret (secret:openai) or an account (account:<uuid>), placed by the HTTP layer.';

/* status is NULL where no answer came; error then says why. Header names are in lower case, repeated ones an array. */
CREATE TYPE scheduler.http_response AS
(
	status integer,
	headers jsonb,
	body bytea,
	error text,
	elapsed interval,
	failure text,
	sent boolean
);
COMMENT ON TYPE scheduler.http_response IS
	'An answer, or why there is none: failure bad_request|forbidden|resolve|connect|tls|unavailable|timeout|broken|too_large|redirects|cancelled|lost; sent tells that the server may have acted.';
