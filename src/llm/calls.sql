/* llm: what was asked, what it cost, and what came of it. Both tables grow and go by the month. */

CREATE TABLE scheduler.llm_calls
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	call_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	job_id uuid,
	model_id text NOT NULL,
	model text NOT NULL,
	purpose text NOT NULL,
	subject text,
	round smallint NOT NULL DEFAULT 1,
	outcome text NOT NULL,
	http_status integer,
	reason text,
	request_id text,
	tokens_in bigint,
	tokens_out bigint,
	tokens_cached bigint,
	cost numeric,
	ms integer,
	cache_hit boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT llm_calls_outcome_known CHECK (outcome IN ('ok', 'repair', 'retry', 'fail', 'lost'))
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE scheduler.llm_calls IS
	'Every call of a remote model. outcome lost: no answer came though the request went out, so it may have cost; its repetition is a row of its own.';
COMMENT ON COLUMN scheduler.llm_calls.cost IS 'In the currency of the model''s prices; NULL where they are unknown.';
COMMENT ON COLUMN scheduler.llm_calls.round IS '2: the one call that asked to repair an answer.';
SELECT scheduler.install_user_table('llm_calls');
SELECT scheduler.install_default_partition('llm_calls', 'user_id, created_at', 'created_at');

CREATE TABLE scheduler.agent_context
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	context_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	session_id uuid,
	agent_name text NOT NULL,
	agent_version text NOT NULL DEFAULT scheduler.version(),
	context_type text NOT NULL,
	context_data jsonb NOT NULL DEFAULT '{}',
	execution_time_ms integer,
	tokens_used bigint,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT agent_context_type_known CHECK (context_type IN ('input', 'output', 'state', 'error', 'debug'))
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE scheduler.agent_context IS 'What automatic steps were given and what they made of it; never a mail body.';
SELECT scheduler.install_user_table('agent_context');
SELECT scheduler.install_default_partition('agent_context', 'user_id, created_at', 'created_at');

/* Cost in the currency of the prices, which are for a million tokens. */
CREATE FUNCTION scheduler.call_cost(model scheduler.llm_models, usage jsonb) RETURNS numeric
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT trim_scale((($2->>'tokens_in')::numeric * ($1).price_in
			+ ($2->>'tokens_out')::numeric * ($1).price_out) / 1000000));
END
$body$;
COMMENT ON FUNCTION scheduler.call_cost(scheduler.llm_models, jsonb) IS
	'What a call cost; NULL where a price or the usage is unknown.';

CREATE FUNCTION scheduler.record_llm_call(job scheduler.job, model scheduler.llm_models, purpose text, subject text,
	round integer, response scheduler.http_response, outcome text, reason text, usage jsonb) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	INSERT INTO scheduler.llm_calls (user_id, job_id, model_id, model, purpose, subject, round, outcome, http_status,
		reason, request_id, tokens_in, tokens_out, tokens_cached, cost, ms)
	VALUES (($1).user_id, ($1).job_id, ($2).model_id, ($2).model, $3, left($4, 500), $5,
		CASE WHEN ($6).status IS NULL AND coalesce(($6).sent, false) THEN 'lost' ELSE $7 END,
		($6).status, $8, left(($6).headers->>'x-request-id', 200),
		($9->>'tokens_in')::bigint, ($9->>'tokens_out')::bigint, ($9->>'tokens_cached')::bigint,
		scheduler.call_cost($2, $9), round(extract(epoch FROM ($6).elapsed) * 1000)::integer);
END
$body$;
COMMENT ON FUNCTION scheduler.record_llm_call(scheduler.job, scheduler.llm_models, text, text, integer,
	scheduler.http_response, text, text, jsonb) IS 'Writes a row of llm_calls about an answer or its absence.';

CREATE FUNCTION scheduler.record_context(job scheduler.job, agent_name text, context_type text, context_data jsonb,
	elapsed interval DEFAULT NULL, usage jsonb DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	INSERT INTO scheduler.agent_context (user_id, agent_name, context_type, context_data, execution_time_ms, tokens_used)
	VALUES (($1).user_id, $2, $3, $4 || jsonb_build_object('job_id', ($1).job_id),
		round(extract(epoch FROM $5) * 1000)::integer,
		coalesce(($6->>'tokens_in')::bigint, 0) + coalesce(($6->>'tokens_out')::bigint, 0));
END
$body$;
COMMENT ON FUNCTION scheduler.record_context(scheduler.job, text, text, jsonb, interval, jsonb) IS
	'Writes a row of agent_context for a job.';

/* The same for several jobs of a user at once; each context_data names its job. */
CREATE FUNCTION scheduler.record_contexts(user_id uuid, agent_name text, context_type text, contexts jsonb[],
	elapsed interval) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	INSERT INTO scheduler.agent_context (user_id, agent_name, context_type, context_data, execution_time_ms, tokens_used)
	SELECT $1, $2, $3, c.data, round(extract(epoch FROM $5) * 1000)::integer, 0
	FROM unnest($4) AS c (data);
END
$body$;
COMMENT ON FUNCTION scheduler.record_contexts(uuid, text, text, jsonb[], interval) IS
	'Writes rows of agent_context for jobs that were handled together.';

/* The ledger stays longer than a year, so that a year can be compared with the one before. */
CREATE FUNCTION scheduler.expire_calls(max_rows bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'permission denied to apply retention' USING ERRCODE = '42501';
	END IF;
	RETURN scheduler.expire_rows('llm_calls', format('o.created_at < %L', now() - scheduler.retention_of('llm_calls')), $1)
		+ scheduler.expire_rows('agent_context', format('o.created_at < %L', now() - scheduler.retention_of('activities')), $1);
END
$body$;
COMMENT ON FUNCTION scheduler.expire_calls(bigint) IS 'Deletes old rows of llm_calls and agent_context; for all users.';
ALTER FUNCTION scheduler.expire_calls(bigint) OWNER TO scheduler_system;
GRANT EXECUTE ON FUNCTION scheduler.expire_calls(bigint) TO scheduler_admin;
