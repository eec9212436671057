/*
 * jobs: fetching, renewing and revoking the tokens of accounts. Tables and the page are in src/http/oauth.sql; a token is
 * sealed by the worker before a handler sees the answer that it came in: what stands in `sealed` here is never in clear.
 */

/* ---- connecting ---- */

/* The caller's grant of this state, marked as used; 22023 whoever's it is otherwise, and for what is over. */
CREATE FUNCTION scheduler.take_state(state text) RETURNS scheduler.oauth_grants
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	taken scheduler.oauth_grants;
BEGIN
	IF length($1) = 64 THEN
		UPDATE scheduler.oauth_grants AS g SET used_at = now()
		WHERE g.user_id = scheduler.required_user_id() AND g.state_hash = sha256(convert_to($1, 'UTF8'))
			AND g.used_at IS NULL AND g.expires_at > clock_timestamp()
		RETURNING g.* INTO taken;
	END IF;
	IF taken.grant_id IS NULL THEN
		RAISE EXCEPTION 'this connection was not begun by you, or not lately' USING ERRCODE = '22023',
			HINT = 'Begin anew with scheduler.oauth_start(): what it returns is good for ten minutes and one use.';
	END IF;
	RETURN taken;
END
$body$;
COMMENT ON FUNCTION scheduler.take_state(text) IS 'Uses up the state of a connection that the current user began.';

CREATE FUNCTION scheduler.oauth_finish(state text, code text) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	pending scheduler.oauth_grants;
BEGIN
	IF $2 IS NULL OR length($2) > 4096 OR $2 !~ '^[!-~]+$' THEN
		RAISE EXCEPTION 'this is no code' USING ERRCODE = '22023',
			DETAIL = format('It has %s characters.', coalesce(length($2), 0)), HINT = 'Take it as it stands in the address, decoded.';
	END IF;
	pending := scheduler.take_state($1);
	PERFORM scheduler.keep_grant_secret(pending.user_id, pending.grant_id, 'code', $2, pending.token_hosts);
	RETURN scheduler.enqueue('oauth.connect', jsonb_build_object('grant_id', pending.grant_id),
		unique_key => pending.grant_id::text);
END
$body$;
COMMENT ON FUNCTION scheduler.oauth_finish(text, text) IS
	'Ends what oauth_start() began, with what the provider sent back; the job fetches the tokens and makes the account.';

CREATE FUNCTION scheduler.oauth_finish_url(redirected_url text) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	given jsonb;
BEGIN
	IF $1 IS NULL OR length($1) > 16384 OR NOT EXISTS (SELECT FROM scheduler.oauth_clients c
			WHERE starts_with($1, c.redirect_uri || '?')) THEN
		RAISE EXCEPTION 'this is no address that a provider sent you back to' USING ERRCODE = '22023',
			HINT = 'Copy the whole address; it begins with the redirect_uri of scheduler.set_oauth_client().';
	END IF;
	SELECT jsonb_object_agg(split_part(p.pair, '=', 1), scheduler.decode_url_part(substr(p.pair, strpos(p.pair, '=') + 1)))
	INTO given
	FROM regexp_split_to_table(split_part(split_part($1, '#', 1), '?', 2), '&') AS p (pair)
	WHERE split_part(p.pair, '=', 1) IN ('state', 'code', 'error');
	IF given ->> 'error' <> '' THEN
		RAISE EXCEPTION 'the provider refused' USING ERRCODE = '22023',
			DETAIL = format('It says "%s".', left(given ->> 'error', 100)), HINT = 'Begin anew with scheduler.oauth_start().';
	END IF;
	RETURN scheduler.oauth_finish(given ->> 'state', given ->> 'code');
END
$body$;
COMMENT ON FUNCTION scheduler.oauth_finish_url(text) IS
	'oauth_finish() with the address that the browser was sent back to, as it stands in its address bar.';
GRANT EXECUTE ON FUNCTION scheduler.oauth_finish(text, text), scheduler.oauth_finish_url(text) TO scheduler_user;

/* ---- what goes to the provider, and what it answers ---- */

/* A form; values are given encoded, or as {{secret:name}} for the HTTP layer. */
CREATE FUNCTION scheduler.token_request(grant_id uuid, url text, form text) RETURNS scheduler.http_request
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	RETURN ROW('POST', $2, '{"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}'::jsonb,
		convert_to($3, 'UTF8'), 'tokens:' || $1, '30 seconds'::interval)::scheduler.http_request;
COMMENT ON FUNCTION scheduler.token_request(uuid, text, text) IS 'A call to a token endpoint.';

/* The JSON of an answer; an empty object where it is none. */
CREATE FUNCTION scheduler.token_answer(response scheduler.http_response) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN coalesce(convert_from(($1).body, 'UTF8')::jsonb, '{}');
EXCEPTION WHEN data_exception OR character_not_in_repertoire OR untranslatable_character THEN
	RETURN '{}';
END
$body$;
COMMENT ON FUNCTION scheduler.token_answer(scheduler.http_response) IS 'What a token endpoint answered; its tokens are sealed.';

/*
 * What an answer without tokens means: "again", "reauth" (only its user can help) or "fail" (an administrator must), with
 * words of ours: a provider's own are shown only where they are one of its codes.
 */
CREATE FUNCTION scheduler.token_verdict(response scheduler.http_response, OUT verdict text, OUT reason text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	answer jsonb := scheduler.token_answer($1);
	/* Errors stand in "answer" where the worker has looked for tokens. */
	code text := substring(coalesce(answer -> 'answer' ->> 'error', answer ->> 'error') FROM '^[a-z_]{1,60}$');
BEGIN
	reason := concat_ws(': ', 'the provider did not give a token', coalesce(code, ($1).error, 'HTTP ' || ($1).status));
	verdict := CASE
		WHEN code IN ('invalid_grant', 'interaction_required', 'consent_required', 'login_required') THEN 'reauth'
		WHEN code IN ('temporarily_unavailable', 'server_error', 'slow_down') THEN 'again'
		WHEN scheduler.response_retryable($1) THEN 'again'
		WHEN ($1).status BETWEEN 200 AND 299 THEN 'again'
		ELSE 'fail' END;
END
$body$;
COMMENT ON FUNCTION scheduler.token_verdict(scheduler.http_response) IS 'What to do after an answer without a token.';

/* Stores what came; the new refresh token, where there is one, takes the place of the old one in the same transaction. */
CREATE FUNCTION scheduler.keep_tokens(user_id uuid, grant_id uuid, answer jsonb) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	kept scheduler.oauth_grants;
	/* A lifetime that is no number, or an absurd one, counts as an hour. */
	lifetime interval := make_interval(secs => CASE WHEN jsonb_typeof($3 -> 'answer' -> 'expires_in') = 'number'
		AND ($3 -> 'answer' ->> 'expires_in')::numeric BETWEEN 1 AND 8640000 THEN ($3 -> 'answer' ->> 'expires_in')::float8
		ELSE 3600 END);
BEGIN
	IF $3 -> 'sealed' -> 'access' ->> 'sealed' IS NULL THEN
		RETURN false;
	END IF;
	UPDATE scheduler.oauth_grants AS g
	SET token_number = g.token_number + 1, token_expires_at = now() + lifetime,
		refresh_at = now() + lifetime - greatest(lifetime * 0.1, least(interval '60 seconds', lifetime * 0.5))
	WHERE g.user_id = $1 AND g.grant_id = $2 RETURNING g.* INTO kept;
	PERFORM scheduler.store_secret($1, format('oauth.%s.%s', $2, t.word), t.hosts, t.token ->> 'key_id',
		decode(t.token ->> 'sealed', 'base64'))
	FROM (VALUES ('access', kept.api_hosts, $3 -> 'sealed' -> 'access'),
		('refresh', kept.token_hosts, $3 -> 'sealed' -> 'refresh')) AS t (word, hosts, token)
	WHERE t.token IS NOT NULL;
	RETURN true;
END
$body$;
COMMENT ON FUNCTION scheduler.keep_tokens(uuid, uuid, jsonb) IS 'Stores the sealed tokens of an answer; false where it has none.';

/* Jobs that wait for an account's token go on. Whose row somebody holds wakes by itself. */
CREATE FUNCTION scheduler.wake_account_jobs(user_id uuid, account_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	UPDATE scheduler.live_jobs AS l SET ready = true, run_at = now(), error = NULL
	WHERE (l.user_id, l.job_id) IN (SELECT w.user_id, w.job_id FROM scheduler.live_jobs w
		WHERE w.user_id = $1 AND w.status = 'sleeping' AND NOT w.ready
			AND (w.request).auth IN ('account:' || $2, 'account:' || $2 || ' again')
		FOR UPDATE SKIP LOCKED);
	PERFORM scheduler.wake_workers('jobs');
END
$body$;
COMMENT ON FUNCTION scheduler.wake_account_jobs(uuid, uuid) IS 'Has the parked calls of an account go on.';

/* ---- jobs ---- */

/* The purposes whose scope was granted; all that were asked for where the answer does not say. */
CREATE FUNCTION scheduler.granted_purposes(provider text, purposes text[], scope text) RETURNS text[]
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	RETURN ARRAY(SELECT p.purpose FROM unnest($2) AS p (purpose)
		WHERE $3 IS NULL OR EXISTS (SELECT FROM regexp_split_to_table(lower($3), '\s+') AS s (word)
			WHERE replace(s.word, 'https://graph.microsoft.com/', '') = lower(scheduler.oauth_scope($1, p.purpose)))
		ORDER BY p.purpose);
COMMENT ON FUNCTION scheduler.granted_purposes(text, text[], text) IS 'Of these purposes those that a scope covers.';

/* The address in the claims of an id_token, which came straight from the provider; NULL where there is none. */
CREATE FUNCTION scheduler.claimed_address(id_token text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	middle text := translate(split_part($1, '.', 2), '-_', '+/');
	claims jsonb;
BEGIN
	claims := convert_from(decode(middle || repeat('=', (4 - length(middle) % 4) % 4), 'base64'), 'UTF8');
	RETURN substring(lower(coalesce(claims ->> 'email', claims ->> 'preferred_username')) FROM '^[^\s@<>]{1,200}@[^\s@<>]{1,200}$');
EXCEPTION WHEN data_exception OR character_not_in_repertoire OR untranslatable_character THEN
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.claimed_address(text) IS 'The mail address in an id_token.';

/* The account of a grant whose tokens are there: a new one, or the same address connected again. */
CREATE FUNCTION scheduler.attach_grant(user_id uuid, grant_id uuid, address text, granted text[]) RETURNS uuid
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	old_secret text;
	attached uuid;
	grantor text;
BEGIN
	UPDATE scheduler.oauth_grants AS g SET granted = $4
	WHERE g.user_id = $1 AND g.grant_id = $2 RETURNING g.provider INTO grantor;
	SELECT a.secret INTO old_secret FROM scheduler.accounts a
	WHERE a.user_id = $1 AND a.provider = grantor AND a.address = $3 FOR UPDATE;
	INSERT INTO scheduler.accounts AS a (user_id, provider, address, purposes, secret)
	VALUES ($1, grantor, $3, $4, 'oauth.' || $2)
	ON CONFLICT ON CONSTRAINT accounts_address_key DO UPDATE
	SET purposes = excluded.purposes, secret = excluded.secret, status = 'active', last_error = NULL
	RETURNING a.account_id INTO attached;
	IF old_secret LIKE 'oauth.%' AND old_secret <> 'oauth.' || $2 THEN
		PERFORM scheduler.drop_grant($1, substr(old_secret, 7)::uuid);
	END IF;
	DELETE FROM scheduler.sealed_secrets s
	WHERE s.user_id = $1 AND s.name IN (format('oauth.%s.code', $2), format('oauth.%s.verifier', $2));
	PERFORM scheduler.record_change('account.connected', attached);
	PERFORM scheduler.record_audit('account.connected', user_id => $1,
		details => jsonb_build_object('account_id', attached, 'provider', grantor, 'purposes', $4));
	PERFORM scheduler.wake_account_jobs($1, attached);
	RETURN attached;
END
$body$;
COMMENT ON FUNCTION scheduler.attach_grant(uuid, uuid, text, text[]) IS 'Makes or renews the account of a grant.';

/* A grant that came to nothing: its code and verifier are used up. */
CREATE FUNCTION scheduler.refuse_grant(user_id uuid, grant_id uuid, reason text) RETURNS scheduler.step
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.drop_grant($1, $2);
	PERFORM scheduler.record_audit('account.connected', 'refused', $1, jsonb_build_object('reason', $3));
	RETURN scheduler.step_fail($3);
END
$body$;
COMMENT ON FUNCTION scheduler.refuse_grant(uuid, uuid, text) IS 'Ends a connection that failed.';

CREATE FUNCTION scheduler.handle_oauth_connect(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	pending scheduler.oauth_grants;
	client scheduler.oauth_clients;
	answer jsonb := scheduler.token_answer($2);
	verdict record;
	address text;
	granted text[];
	attached uuid;
BEGIN
	SELECT g.* INTO pending FROM scheduler.oauth_grants g
	WHERE g.user_id = ($1).user_id AND g.grant_id = (($1).payload ->> 'grant_id')::uuid AND g.used_at IS NOT NULL FOR UPDATE;
	IF NOT FOUND THEN
		RETURN scheduler.step_fail('there is no such grant any more');
	END IF;
	SELECT c.* INTO client FROM scheduler.oauth_clients c WHERE c.provider = pending.provider;
	IF ($2).status IS NULL AND ($2).failure IS NULL THEN
		RETURN scheduler.step_request(scheduler.token_request(pending.grant_id, client.token_url,
			format('grant_type=authorization_code&client_id=%s&client_secret={{secret:%s}}&redirect_uri=%s&code={{secret:oauth.%s.code}}&code_verifier={{secret:oauth.%s.verifier}}',
				scheduler.encode_url_part(client.client_id), client.secret_name, scheduler.encode_url_part(client.redirect_uri),
				pending.grant_id, pending.grant_id)));
	END IF;
	IF ($2).status IS DISTINCT FROM 200 OR NOT scheduler.keep_tokens(pending.user_id, pending.grant_id, answer) THEN
		verdict := scheduler.token_verdict($2);
		IF verdict.verdict = 'again' AND ($1).attempts < ($1).max_attempts THEN
			RETURN scheduler.step_retry(verdict.reason);
		END IF;
		RETURN scheduler.refuse_grant(pending.user_id, pending.grant_id, verdict.reason || '; begin anew with oauth_start()');
	END IF;
	address := scheduler.claimed_address(answer -> 'answer' ->> 'id_token');
	granted := scheduler.granted_purposes(pending.provider, pending.purposes, answer -> 'answer' ->> 'scope');
	IF address IS NULL OR cardinality(granted) = 0 OR answer -> 'sealed' -> 'refresh' IS NULL THEN
		RETURN scheduler.refuse_grant(pending.user_id, pending.grant_id, CASE
			WHEN address IS NULL THEN 'the provider does not say which address this is'
			WHEN cardinality(granted) = 0 THEN 'none of what was asked for was granted'
			ELSE 'no refresh token came: take this application''s access away at the provider, then connect again' END);
	END IF;
	attached := scheduler.attach_grant(pending.user_id, pending.grant_id, address, granted);
	RETURN scheduler.step_done(jsonb_build_object('account_id', attached, 'address', address, 'purposes', granted,
		'missing', ARRAY(SELECT unnest(pending.purposes) EXCEPT SELECT unnest(granted) ORDER BY 1)));
END
$body$;
COMMENT ON FUNCTION scheduler.handle_oauth_connect(scheduler.job, scheduler.http_response) IS
	'Handler of kind oauth.connect: a code becomes tokens, and these an account.';
SELECT scheduler.install_job_kind('oauth.connect', 'scheduler.handle_oauth_connect', max_attempts => 3, announce => true);

/* One at a time: the unique key is the grant. Who was late finds the number of the token changed. */
CREATE FUNCTION scheduler.refresh_account(user_id uuid, account_id uuid) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT scheduler.enqueue('oauth.refresh', jsonb_build_object('grant_id', g.grant_id, 'token_number', g.token_number),
		unique_key => g.grant_id::text, user_id => g.user_id)
	FROM scheduler.accounts a
	JOIN scheduler.oauth_grants g ON g.user_id = a.user_id AND a.secret = 'oauth.' || g.grant_id
	WHERE a.user_id = $1 AND a.account_id = $2 AND a.status <> 'reauth_required'
	$body$;
COMMENT ON FUNCTION scheduler.refresh_account(uuid, uuid) IS 'Has a new token fetched for an account.';

CREATE FUNCTION scheduler.require_reauth(user_id uuid, account_id uuid, reason text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	UPDATE scheduler.accounts AS a SET status = 'reauth_required', last_error = $3
	WHERE a.user_id = $1 AND a.account_id = $2 AND a.status <> 'reauth_required';
	IF FOUND THEN
		PERFORM scheduler.record_change('account.reauth_required', $2);
		PERFORM scheduler.record_audit('account.reauth_required', user_id => $1, details => jsonb_build_object('account_id', $2));
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.require_reauth(uuid, uuid, text) IS 'Notes that only its user can connect an account again.';

CREATE FUNCTION scheduler.handle_oauth_refresh(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	kept record;
	client scheduler.oauth_clients;
	verdict record;
BEGIN
	SELECT g.user_id, g.grant_id, g.provider, g.token_number, g.purposes, a.account_id INTO kept
	FROM scheduler.oauth_grants g
	JOIN scheduler.accounts a ON a.user_id = g.user_id AND a.secret = 'oauth.' || g.grant_id
	WHERE g.user_id = ($1).user_id AND g.grant_id = (($1).payload ->> 'grant_id')::uuid
		AND a.status <> 'reauth_required' FOR UPDATE OF g, a;
	IF NOT FOUND OR kept.token_number <> (($1).payload ->> 'token_number')::bigint THEN
		RETURN scheduler.step_done();
	END IF;
	SELECT c.* INTO client FROM scheduler.oauth_clients c WHERE c.provider = kept.provider;
	IF ($2).status IS NULL AND ($2).failure IS NULL THEN
		RETURN scheduler.step_request(scheduler.token_request(kept.grant_id, client.token_url,
			format('grant_type=refresh_token&client_id=%s&client_secret={{secret:%s}}&refresh_token={{secret:oauth.%s.refresh}}',
				scheduler.encode_url_part(client.client_id), client.secret_name, kept.grant_id)));
	END IF;
	IF ($2).status = 200 AND scheduler.keep_tokens(kept.user_id, kept.grant_id, scheduler.token_answer($2)) THEN
		UPDATE scheduler.accounts AS a SET last_error = NULL
		WHERE a.user_id = kept.user_id AND a.account_id = kept.account_id AND a.last_error IS NOT NULL;
		PERFORM scheduler.wake_account_jobs(kept.user_id, kept.account_id);
		RETURN scheduler.step_done();
	END IF;
	verdict := scheduler.token_verdict($2);
	IF verdict.verdict = 'reauth' THEN
		PERFORM scheduler.require_reauth(kept.user_id, kept.account_id, verdict.reason);
		RETURN scheduler.step_done(jsonb_build_object('reauth_required', true));
	END IF;
	UPDATE scheduler.accounts AS a SET last_error = verdict.reason
	WHERE a.user_id = kept.user_id AND a.account_id = kept.account_id;
	IF verdict.verdict = 'fail' THEN
		RETURN scheduler.step_fail(verdict.reason);
	END IF;
	RETURN scheduler.step_retry(verdict.reason);
END
$body$;
COMMENT ON FUNCTION scheduler.handle_oauth_refresh(scheduler.job, scheduler.http_response) IS
	'Handler of kind oauth.refresh: a new access token for an account, or the news that its user must connect it again.';
SELECT scheduler.install_job_kind('oauth.refresh', 'scheduler.handle_oauth_refresh', max_attempts => 8, priority => 1,
	retention => '1 day');

/*
 * For the worker: these calls were answered 401 with the token of this number. They are made once more, with a new token;
 * which of them were written.
 */
CREATE FUNCTION scheduler.repeat_with_new_token(user_id uuid, account_id uuid, token_number bigint, lease bigint, job_ids uuid[])
	RETURNS SETOF uuid
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	renewed boolean;
BEGIN
	/* Only a grant can renew; an account with a secret of its own gets its answer at the next attempt. */
	UPDATE scheduler.oauth_grants AS g SET token_expires_at = least(g.token_expires_at, now())
	FROM scheduler.accounts a
	WHERE a.user_id = $1 AND a.account_id = $2 AND g.user_id = a.user_id AND a.secret = 'oauth.' || g.grant_id
		AND g.token_number = $3;
	renewed := NOT FOUND;
	IF NOT renewed THEN
		PERFORM scheduler.refresh_account($1, $2);
	END IF;
	RETURN QUERY
		UPDATE scheduler.live_jobs AS l
		SET lease = NULL, worker_pid = NULL, status = 'sleeping', ready = renewed,
			run_at = CASE WHEN renewed THEN now() ELSE now() + interval '20 seconds' END,
			error = 'waits: for a new token of its account', request.auth = 'account:' || $2 || ' again'
		WHERE (l.user_id, l.job_id) IN (SELECT w.user_id, w.job_id FROM scheduler.live_jobs w
			WHERE w.user_id = $1 AND w.lease = $4 AND w.status = 'running' AND w.job_id = ANY ($5) FOR UPDATE SKIP LOCKED)
		RETURNING l.job_id;
	PERFORM scheduler.wake_workers('jobs');
END
$body$;
COMMENT ON FUNCTION scheduler.repeat_with_new_token(uuid, uuid, bigint, bigint, uuid[]) IS
	'Has calls that were answered 401 made once more with a new token.';

/* ---- letting go ---- */

CREATE FUNCTION scheduler.handle_oauth_revoke(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	old scheduler.oauth_grants;
	revoke_url text;
BEGIN
	SELECT g.* INTO old FROM scheduler.oauth_grants g
	WHERE g.user_id = ($1).user_id AND g.grant_id = (($1).payload ->> 'grant_id')::uuid
		AND NOT EXISTS (SELECT FROM scheduler.accounts a WHERE a.user_id = g.user_id AND a.secret = 'oauth.' || g.grant_id);
	IF NOT FOUND THEN
		RETURN scheduler.step_done();
	END IF;
	SELECT c.revoke_url INTO revoke_url FROM scheduler.oauth_clients c WHERE c.provider = old.provider;
	IF revoke_url IS NOT NULL AND ($2).status IS NULL AND ($2).failure IS NULL THEN
		RETURN scheduler.step_request(scheduler.token_request(old.grant_id, revoke_url,
			format('token={{secret:oauth.%s.refresh}}', old.grant_id)));
	END IF;
	IF revoke_url IS NOT NULL AND scheduler.response_retryable($2) AND ($1).attempts < ($1).max_attempts THEN
		RETURN scheduler.step_retry(coalesce(($2).error, 'HTTP ' || ($2).status));
	END IF;
	PERFORM scheduler.drop_grant(old.user_id, old.grant_id);
	RETURN scheduler.step_done(jsonb_build_object('revoked', revoke_url IS NOT NULL AND ($2).status BETWEEN 200 AND 299));
END
$body$;
COMMENT ON FUNCTION scheduler.handle_oauth_revoke(scheduler.job, scheduler.http_response) IS
	'Handler of kind oauth.revoke: tells the provider that a grant is given back, then forgets its tokens.';
SELECT scheduler.install_job_kind('oauth.revoke', 'scheduler.handle_oauth_revoke', max_attempts => 10, retention => '1 day');

/* An account goes, by whatever way: not where its user goes, whose jobs go with him. */
CREATE FUNCTION scheduler.give_grant_back() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF OLD.secret ~ '^oauth\.[0-9a-f-]{36}$' AND EXISTS (SELECT FROM scheduler.users u WHERE u.user_id = OLD.user_id) THEN
		PERFORM scheduler.enqueue('oauth.revoke', jsonb_build_object('grant_id', substr(OLD.secret, 7)),
			unique_key => substr(OLD.secret, 7), user_id => OLD.user_id);
		PERFORM scheduler.record_audit('account.disconnected', user_id => OLD.user_id,
			details => jsonb_build_object('account_id', OLD.account_id, 'provider', OLD.provider));
	END IF;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.give_grant_back() IS 'Trigger: has the grant of an account revoked when the account goes.';
CREATE TRIGGER give_grant_back AFTER DELETE ON scheduler.accounts
	FOR EACH ROW EXECUTE FUNCTION scheduler.give_grant_back();
