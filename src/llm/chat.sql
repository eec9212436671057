/* llm: questions that are not about a mail, and whether a model can be reached at all. */

CREATE FUNCTION scheduler.handle_llm_chat(job scheduler.job, response scheduler.http_response)
	RETURNS scheduler.step
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	asked jsonb := ($1).payload;
	schema jsonb := nullif(asked->'schema', 'null');
	model scheduler.llm_models := scheduler.find_model(asked->>'model');
	answer record;
	document jsonb;
BEGIN
	IF model.model_id IS NULL THEN
		RETURN scheduler.step_fail(format('no model "%s"', asked->>'model'));
	ELSIF NOT scheduler.may_ask(model) THEN
		RETURN scheduler.step_fail('no consent to models outside');
	ELSIF ($2).status IS NULL AND ($2).failure IS NULL THEN
		RETURN scheduler.step_request(scheduler.completion_request(model,
			jsonb_build_array(jsonb_build_object('role', 'user', 'content', asked->>'prompt')),
			scheduler.strict_schema(schema)), ($1).state);
	END IF;
	SELECT * INTO answer FROM scheduler.completion_answer($2);
	IF answer.verdict = 'ok' AND schema IS NOT NULL THEN
		document := scheduler.completion_json(answer.content);
		IF document IS NULL OR cardinality(scheduler.schema_problems(document, schema)) > 0 THEN
			answer.verdict := 'cut';
			answer.reason := 'the answer does not fit the schema';
		END IF;
	END IF;
	IF answer.verdict = 'cut' THEN
		answer.verdict := 'fail';
	END IF;
	PERFORM scheduler.record_llm_call($1, model, 'assist', NULL, 1, $2, answer.verdict, answer.reason, answer.usage);
	CASE answer.verdict
		WHEN 'ok' THEN
			RETURN scheduler.step_done(jsonb_strip_nulls(jsonb_build_object('text', answer.content,
				'json', document, 'model', model.model)));
		WHEN 'retry' THEN
			RETURN scheduler.step_retry(answer.reason);
		ELSE
			RETURN scheduler.step_fail(answer.reason);
	END CASE;
END
$body$;
COMMENT ON FUNCTION scheduler.handle_llm_chat(scheduler.job, scheduler.http_response) IS
	'Handler of kind llm.chat: result {text, json, model}.';
SELECT scheduler.install_job_kind('llm.chat', 'scheduler.handle_llm_chat', max_attempts => 5);

CREATE FUNCTION scheduler.chat(prompt text, model text DEFAULT NULL, schema jsonb DEFAULT NULL) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	wanted text := coalesce($2, scheduler.model_for('assist'));
BEGIN
	IF coalesce($1, '') = '' THEN
		RAISE EXCEPTION 'nothing is asked' USING ERRCODE = '22023', HINT = 'Give a prompt.';
	END IF;
	/* Before anybody pays for an answer. */
	PERFORM scheduler.check_schema(nullif($3, 'null'));
	IF (scheduler.find_model(wanted)).model_id IS NULL THEN
		RAISE EXCEPTION 'no model to ask'
			USING ERRCODE = '22023', DETAIL = format('The name is "%s".', left(wanted, 100)),
			HINT = 'scheduler.add_model() registers one, scheduler.set_model(''assist'', ...) chooses it; "builtin" does not converse.';
	END IF;
	IF NOT scheduler.may_ask(scheduler.find_model(wanted)) THEN
		RAISE EXCEPTION 'no consent to models outside'
			USING ERRCODE = '42501', DETAIL = format('The model is "%s".', wanted),
			HINT = 'SELECT scheduler.give_consent(''remote_model'')';
	END IF;
	RETURN scheduler.enqueue('llm.chat', jsonb_build_object('prompt', $1, 'model', wanted, 'schema', $3));
END
$body$;
COMMENT ON FUNCTION scheduler.chat(text, text, jsonb) IS
	'Asks a model, as a job with the result {text, model}; with a schema also {json}, checked against it.';

/* The last test of each connection. */
CREATE TABLE scheduler.connection_tests
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	what text NOT NULL,
	tested_at timestamptz NOT NULL DEFAULT now(),
	ok boolean NOT NULL,
	error text,
	CONSTRAINT connection_tests_pkey PRIMARY KEY (user_id, what),
	CONSTRAINT connection_tests_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE
);
COMMENT ON TABLE scheduler.connection_tests IS 'What the last test of each connection found; see the view connections.';
SELECT scheduler.install_user_table('connection_tests');

CREATE VIEW scheduler.connections WITH (security_invoker = true) AS
	SELECT 'model:' || m.model_id AS what,
		m.secret IS NULL OR m.user_id = scheduler.system_user_id()
			OR EXISTS (SELECT FROM scheduler.sealed_secrets s WHERE s.user_id = m.user_id AND s.name = m.secret)
			AS configured,
		t.tested_at AS last_tested, t.ok, t.error
	FROM scheduler.llm_models m
	LEFT JOIN scheduler.connection_tests t
		ON t.user_id = (SELECT scheduler.required_user_id()) AND t.what = 'model:' || m.model_id
	WHERE m.user_id IN ((SELECT scheduler.required_user_id()), (SELECT scheduler.system_user_id()))
	UNION ALL
	SELECT 'account:' || a.account_id, true, g.token_at, a.status IN ('active', 'paused') AND a.last_error IS NULL AND g.missing IS NULL,
		nullif(concat_ws('; ', CASE a.status WHEN 'reauth_required' THEN 'it has to be connected again with oauth_start()' END,
			a.last_error, 'not granted: ' || g.missing), '')
	FROM scheduler.accounts a
	LEFT JOIN LATERAL (SELECT g.used_at AS token_at,
			(SELECT string_agg(p.purpose, ', ' ORDER BY p.purpose) FROM unnest(g.purposes) AS p (purpose)
				WHERE p.purpose <> ALL (g.granted)) AS missing
		FROM scheduler.oauth_grants g WHERE g.user_id = a.user_id AND a.secret = 'oauth.' || g.grant_id) AS g ON true
	WHERE a.user_id = (SELECT scheduler.required_user_id());
COMMENT ON VIEW scheduler.connections IS
	'What is connected, whether its secret is there, and what the last test_connection() found.';
GRANT SELECT ON scheduler.connections TO scheduler_viewer;

/* A tiny question: it costs next to nothing and proves address, key and model at once. */
CREATE FUNCTION scheduler.handle_llm_test(job scheduler.job, response scheduler.http_response)
	RETURNS scheduler.step
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	tested text := ($1).payload->>'model';
	model scheduler.llm_models := scheduler.find_model(tested);
	answer record;
	problem text;
BEGIN
	IF model.model_id IS NULL THEN
		problem := format('no model "%s"', tested);
	ELSIF ($2).status IS NULL AND ($2).failure IS NULL THEN
		RETURN scheduler.step_request(scheduler.completion_request(model,
			'[{"role": "user", "content": "Answer with the word ready."}]'), NULL);
	ELSE
		SELECT * INTO answer FROM scheduler.completion_answer($2);
		PERFORM scheduler.record_llm_call($1, model, 'assist', 'test_connection', 1, $2,
			CASE answer.verdict WHEN 'ok' THEN 'ok' ELSE 'fail' END, answer.reason, answer.usage);
		IF answer.verdict <> 'ok' THEN
			problem := concat_ws(': ', answer.reason, ($2).error);
		END IF;
	END IF;
	INSERT INTO scheduler.connection_tests AS t (user_id, what, ok, error)
	VALUES (($1).user_id, 'model:' || tested, problem IS NULL, problem)
	ON CONFLICT ON CONSTRAINT connection_tests_pkey DO UPDATE
	SET tested_at = now(), ok = excluded.ok, error = excluded.error;
	RETURN scheduler.step_done(jsonb_build_object('ok', problem IS NULL, 'error', problem));
END
$body$;
COMMENT ON FUNCTION scheduler.handle_llm_test(scheduler.job, scheduler.http_response) IS
	'Handler of kind llm.test: asks a model one word and notes in connection_tests what came of it.';
SELECT scheduler.install_job_kind('llm.test', 'scheduler.handle_llm_test', max_attempts => 2);

CREATE FUNCTION scheduler.test_connection(what text) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	tested text := substring($1 FROM '^model:(.+)$');
BEGIN
	IF tested IS NULL OR (scheduler.find_model(tested)).model_id IS NULL THEN
		RAISE EXCEPTION 'no such connection'
			USING ERRCODE = '22023', DETAIL = format('The value is "%s".', left($1, 100)),
			HINT = 'SELECT what FROM scheduler.connections';
	END IF;
	RETURN scheduler.enqueue('llm.test', jsonb_build_object('model', tested));
END
$body$;
COMMENT ON FUNCTION scheduler.test_connection(text) IS
	'Tries a connection (''model:<name>'') in a job; the view connections shows what came of it.';
GRANT EXECUTE ON FUNCTION scheduler.chat(text, text, jsonb), scheduler.test_connection(text) TO scheduler_user;
