/*
 * llm: one question to an OpenAI-compatible endpoint and what its answer says, whatever it is about. Nothing here calls
 * anything: requests are values that a handler returns, answers are values it is given.
 */

/* NULL for text that is no JSON, also where it nests too deep or holds \u0000. */
CREATE FUNCTION scheduler.json_or_null(content text) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN $1::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.json_or_null(text) IS 'The text as jsonb, or NULL where it is none.';

CREATE FUNCTION scheduler.utf8_or_null(content bytea) RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN convert_from($1, 'UTF8');
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.utf8_or_null(bytea) IS 'Bytes as text, or NULL where they are not UTF-8.';

/* temperature 0 and the schema are ours; the model's settings are merged over them, null removes a field. */
CREATE FUNCTION scheduler.completion_request(model scheduler.llm_models, messages jsonb, schema jsonb DEFAULT NULL,
	schema_name text DEFAULT 'answer') RETURNS scheduler.http_request
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN ROW('POST', (($1).base_url || '/chat/completions'),
		'{"content-type": "application/json", "accept": "application/json"}'::jsonb,
		convert_to(jsonb_strip_nulls(
			jsonb_build_object('model', ($1).model, 'temperature', 0, 'messages', $2,
				'response_format', CASE WHEN $3 IS NOT NULL THEN jsonb_build_object('type', 'json_schema',
					'json_schema', jsonb_build_object('name', $4, 'strict', true, 'schema', $3)) END)
			|| ($1).settings)::text, 'UTF8'),
		'secret:' || ($1).secret, '2 minutes'::interval)::scheduler.http_request;
END
$body$;
COMMENT ON FUNCTION scheduler.completion_request(scheduler.llm_models, jsonb, jsonb, text) IS
	'The call that asks a model; with a schema the answer is to be JSON of that shape.';

/*
 * Words for an answer that is not 2xx: the status and the provider's own code. Never its message, which may repeat a part
 * of the key or of the mail.
 */
CREATE FUNCTION scheduler.completion_error(response scheduler.http_response) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT CASE
			/* What never left is told in full: our own words, and somebody's to mend. */
			WHEN ($1).failure IN ('bad_request', 'forbidden') THEN concat_ws(': ', ($1).failure, nullif(($1).error, ($1).failure))
			WHEN ($1).status IS NULL THEN coalesce(($1).failure, 'no answer')
			ELSE format('HTTP %s', ($1).status)
				|| coalesce(' ' || (SELECT substring(coalesce(e.body #>> '{error,code}', e.body #>> '{error,type}')
						FROM '^[A-Za-z0-9_.-]{1,60}$')
					FROM scheduler.json_or_null(scheduler.utf8_or_null(($1).body)) AS e (body)), '')
			END);
END
$body$;
COMMENT ON FUNCTION scheduler.completion_error(scheduler.http_response) IS
	'Why a call gave no answer: HTTP status and the provider''s code, or the kind of failure.';

/* Whether a failed call is worth repeating. An empty account does not fill up by asking again. */
CREATE FUNCTION scheduler.completion_is_retryable(response scheduler.http_response) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN CASE
		WHEN ($1).status IS NULL THEN
			coalesce(($1).failure, '') NOT IN ('bad_request', 'forbidden', 'too_large', 'redirects', 'cancelled')
		WHEN ($1).status = 429 THEN scheduler.completion_error($1) !~ 'insufficient_quota'
		ELSE ($1).status IN (408, 409, 425) OR ($1).status >= 500 AND ($1).status NOT IN (501, 505)
		END;
END
$body$;
COMMENT ON FUNCTION scheduler.completion_is_retryable(scheduler.http_response) IS
	'Whether a call without a usable answer may succeed when repeated.';

/*
 * verdict: ok (content is there), cut (the answer ended at a limit), retry, fail. A repeat is only of use where the
 * transport failed; what the model refuses it will refuse again.
 */
CREATE FUNCTION scheduler.completion_answer(response scheduler.http_response,
	OUT verdict text, OUT content text, OUT reason text, OUT usage jsonb)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	body jsonb;
	choice jsonb;
BEGIN
	usage := '{}';
	IF ($1).status IS NULL OR ($1).status NOT BETWEEN 200 AND 299 THEN
		reason := scheduler.completion_error($1);
		verdict := CASE WHEN scheduler.completion_is_retryable($1) THEN 'retry' ELSE 'fail' END;
		RETURN;
	END IF;
	body := scheduler.json_or_null(scheduler.utf8_or_null(($1).body));
	choice := body #> '{choices,0}';
	IF jsonb_typeof(choice) IS DISTINCT FROM 'object' THEN
		verdict := 'retry';
		reason := 'the answer is not a chat completion';
		RETURN;
	END IF;
	usage := scheduler.completion_usage(body->'usage');
	content := choice #>> '{message,content}';
	IF choice #>> '{message,refusal}' IS NOT NULL THEN
		verdict := 'fail';
		reason := 'the model refused';
	ELSIF choice->>'finish_reason' = 'content_filter' THEN
		verdict := 'fail';
		reason := 'the provider''s filter stopped the answer';
	ELSIF choice->>'finish_reason' = 'length' THEN
		verdict := 'cut';
		reason := 'the answer was cut at its limit';
	ELSIF coalesce(content, '') = '' THEN
		verdict := 'cut';
		reason := 'the answer is empty';
	ELSE
		verdict := 'ok';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.completion_answer(scheduler.http_response) IS
	'What a chat completion says: verdict ok, cut, retry or fail, the content, and the tokens used.';

/* Counts that are no sane numbers are left out rather than believed. */
CREATE FUNCTION scheduler.completion_usage(usage jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT coalesce(jsonb_object_agg(t.name, t.value::bigint) FILTER (WHERE t.value ~ '^[0-9]{1,12}$'), '{}')
		FROM (VALUES
			('tokens_in', $1->>'prompt_tokens'),
			('tokens_out', $1->>'completion_tokens'),
			('tokens_cached', $1 #>> '{prompt_tokens_details,cached_tokens}')) AS t (name, value));
END
$body$;
COMMENT ON FUNCTION scheduler.completion_usage(jsonb) IS 'The token counts of an answer under our names.';

/* Compatible servers wrap JSON in a Markdown fence now and then. */
CREATE FUNCTION scheduler.completion_json(content text) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN scheduler.json_or_null(coalesce(
		substring($1 FROM '^\s*```(?:json)?\s*(.*?)\s*```\s*$'), $1));
END
$body$;
COMMENT ON FUNCTION scheduler.completion_json(text) IS 'The JSON that an answer consists of, or NULL.';
